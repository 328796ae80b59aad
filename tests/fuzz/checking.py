"""What is asked of a parser, whatever it is given: an answer, or one of its own refusals in one line."""

from tests.fuzz.parsers import PARSERS


class FindingError(AssertionError):
    """A parser did something else."""


def check(name: str, data: bytes) -> bool:
    """Parse some bytes; whether they were accepted. Raises :class:`FindingError`."""
    parser = PARSERS[name]
    try:
        parser.parse(data)
    except parser.refusals as refusal:
        said = str(refusal)
        if not said or "\n" in said.strip("\n"):
            raise FindingError(f"{name} refuses in no one line: {said!r}") from refusal
        return False
    except Exception as error:
        raise FindingError(f"{name} fails with {error!r}") from error
    return True
