"""The studio's own commands: ``python -m app report CLIP --out FILE`` and ``python -m app accounts add NAME``.

Heavy modules are imported by the command that needs them, so that help is there at once.
"""

import sys
from collections.abc import Sequence
from itertools import cycle
from pathlib import Path
from typing import Annotated, cast

import typer

from annotations.records import AnnotationError
from app.accounts import Accounts, Role
from app.settings import Settings

app = typer.Typer(add_completion=False, no_args_is_help=True, help="The studio's own commands.")
accounts = typer.Typer(no_args_is_help=True, help="Who may sign in where STF2M_MODE is team; kept in STF2M_HOME.")
app.add_typer(accounts, name="accounts")


@app.command()
def report(
    clip: Annotated[Path, typer.Argument(metavar="CLIP", help="A video file.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="The HTML file to write.")],
    pictures: Annotated[
        bool, typer.Option("--pictures", help="Also put a small picture beside each reason: faces, that is.")
    ] = False,
) -> None:
    """A video's timeline, reasons, rules and cues in one HTML file that opens offline.

    Subtitles (.srt, .vtt) beside it are its words. The studio's own report of a clip (tabs Views and Data) also has
    what people said and the model's versions.
    """
    from stf2m import sandbox

    sandbox.warm()
    from annotations.studies import PALETTE
    from app.report.gathering import of_answers
    from app.report.page import page
    from stf2m import clips, terminal
    from stf2m.answers import answer
    from stf2m.model import STF2M

    with terminal.progress() as progress:
        found = clips.analyse(clip, words=clips.Words.beside(clip), progress=progress)
    answers = answer(found, STF2M.load())
    colours = dict(zip(answers.model.emotions, cycle(PALETTE), strict=False))
    out.write_text(page(of_answers(answers, colours, pictures=pictures)), encoding="utf-8")
    typer.echo(f"The report of {clip.name} is in {out}.")


@accounts.command()
def add(
    name: Annotated[str, typer.Argument(help="The name that is signed in with, and annotated under.")],
    role: Annotated[str, typer.Option("--role", help="annotator, reviewer or admin.")] = "annotator",
) -> None:
    """Let somebody in, or give them another role and password. The password is typed, or read from standard input."""
    Accounts(Settings().home).add(name, cast(Role, role), _password())
    typer.echo(f"{name} may sign in as {role}.")


@accounts.command("list")
def list_() -> None:
    """Everybody who may sign in, with their roles."""
    there = Accounts(Settings().home).all()
    for each in sorted(there.values(), key=lambda account: account.name.casefold()):
        typer.echo(f"{each.name}\t{each.role}")
    if not there:
        typer.echo("There is no account yet.")


@accounts.command()
def remove(name: Annotated[str, typer.Argument(help="Who may sign in no more.")]) -> None:
    """Let somebody in no more, and change nothing where they are in now; what they labelled stays."""
    Accounts(Settings().home).remove(name)
    typer.echo(f"{name} may sign in no more.")


def _password() -> str:
    if sys.stdin.isatty():
        return typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    return sys.stdin.readline().rstrip("\r\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command, by default the process's own; a mistake is one line on standard error and exit code 2."""
    try:
        return app(arguments, standalone_mode=False) or 0
    except typer.TyperException as error:
        message = error.format_message()
    except _for_people() as error:
        message = str(error)
    except (typer.Abort, KeyboardInterrupt):
        message = "Stopped."
    typer.echo(" ".join(message.split()), err=True)
    return 2


def _for_people() -> tuple[type[Exception], ...]:
    """The errors whose message is a plain sentence for people."""
    from stf2m.checkpoint import CheckpointError
    from stf2m.media import MediaError
    from stf2m.views.text import SubtitleError
    from stf2m.weights import WeightsUnavailableError

    return AnnotationError, CheckpointError, MediaError, SubtitleError, WeightsUnavailableError, OSError


if __name__ == "__main__":
    sys.exit(main())
