"""Tables: as Markdown for files, and for the terminal."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import rich.table

#: Around the figures that README shows as well.
BEGIN, END = "<!-- figures -->", "<!-- end of figures -->"


@dataclass(frozen=True)
class Table:
    """A title, what to know about it, a header and rows of as many cells."""

    title: str
    about: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    @property
    def markdown(self) -> str:
        """With the title as a heading of the second level."""
        lines = [self.header, ("---",) * len(self.header), *self.rows]
        return "\n\n".join(
            part
            for part in (f"## {self.title}", self.about, "\n".join(f"| {' | '.join(line)} |" for line in lines))
            if part
        )

    @property
    def terminal(self) -> rich.table.Table:
        """For a console."""
        table = rich.table.Table(*self.header, title=self.title, title_justify="left")
        for row in self.rows:
            table.add_row(*(cell.replace("**", "") for cell in row))
        return table


def bold(text: str, wanted: bool) -> str:
    """The text, in bold where ``wanted``."""
    return f"**{text}**" if wanted else text


def best_bold(texts: Sequence[str], values: Sequence[float]) -> list[str]:
    """The texts of some values, the highest in bold."""
    return [bold(text, value == max(values)) for text, value in zip(texts, values, strict=True)]


def between(text: str) -> str:
    """What is between the markers. Raises ``ValueError`` where they are not."""
    before, begin, rest = text.partition(BEGIN)
    inside, end, _ = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"There is no {BEGIN} … {END} after {before[:40]!r}.")
    return inside.strip("\n")


def put(file: Path, figures: str) -> None:
    """Replace what is between the markers of a file. Raises ``ValueError`` where they are not."""
    text = file.read_text(encoding="utf-8")
    old = between(text)
    before, _, after = text.partition(BEGIN)
    rest = after.partition(END)[2]
    file.write_text(before + marked(figures) + rest if old != figures else text, encoding="utf-8")


def marked(figures: str) -> str:
    """Figures between the markers."""
    return f"{BEGIN}\n{figures}\n{END}"
