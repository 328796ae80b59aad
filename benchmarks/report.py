"""Tables: as Markdown for files, and for the terminal; and the pages of figures that are measured apart."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import rich.table

RESULTS = Path(__file__).with_name("RESULTS.md")
#: Around the figures that README shows as well, and before the pages that are measured apart.
BEGIN, END, APART = "<!-- figures -->", "<!-- end of figures -->", "<!-- measured apart -->"
#: These, as far as they are there: each is written by a benchmark of that name.
PAGES = (
    "NEW_EMOTIONS", "SAVING", "ADAPTING", "WHATIF", "STARTUP", "SPACE", "VISITORS", "SOAK", "PROCESSES", "EXTRACTION",
    "HOSTILE",
)  # fmt: skip


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


def write_page(file: Path, text: str) -> None:
    """Write a page of figures that are measured apart; where it is one of :data:`PAGES`, into the results as well."""
    file.write_text(text, encoding="utf-8")
    if file.parent == RESULTS.parent:
        RESULTS.write_text(with_pages(RESULTS.read_text(encoding="utf-8")), encoding="utf-8")


def with_pages(results: str) -> str:
    """The results with the pages as they are now behind them, their headings one level lower."""
    there = [file for name in PAGES if (file := RESULTS.with_name(f"{name}.md")).is_file()]
    told = [re.sub(r"^#", "##", file.read_text(encoding="utf-8").strip(), flags=re.MULTILINE) for file in there]
    before = results.partition(APART)[0].rstrip("\n")
    return "\n\n".join([before, APART, "# Measured apart", *told]) + "\n"
