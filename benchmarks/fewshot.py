"""``python -m benchmarks.fewshot``: ST-F2M beside its baselines, all on the same episodes, as one table.

Needs the data sets in the folder of ``STF2M_DATA``; writes ``benchmarks/RESULTS.md``. Every test is of people, or of a
split, that nothing was trained on or chosen by.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from stf2m.comparison import compare, fit, prepare
from stf2m.datasets import Selection
from stf2m.evaluation import Result, Setting
from stf2m.methods import METHODS, method
from stf2m.recipe import data_folder
from stf2m.tasks import Protocol

RESULTS = Path(__file__).with_name("RESULTS.md")
SEED = 0
WAYS = 5

ABOUT = """# Few-shot figures

Made by `make bench` ({count} episodes a row, {ways}-way, seed {seed}; mean accuracy ± half the 95 % interval). Every
method sees the same episodes. *cross*: no speaker is in both support and query; *personal*: both are of one speaker.

{table}

- `stf2m`: the shipped checkpoint as the studio uses it: it also remembers emotions that it knows by name.
- `stf2m-support`: the same checkpoint without that memory: the support is all, as for the others.
- `prototype`: nearest class mean of pooled statistics in a linear discriminant's space; `prototype-speaker`: the same
  after each speaker is normalised by all their clips, labels unseen; `logistic`: logistic regression on the pooled
  statistics of the support. They learn from: {trained}.
- Adapting to one episode takes, in the median over the rows: {speed}.
"""


@dataclass(frozen=True)
class Trial:
    """Who is tested in which data set, and with which episodes: one row for each protocol and number of shots."""

    name: str
    folder: str
    selection: Selection
    kinds: tuple[tuple[Protocol, int], ...]


CROSS: tuple[tuple[Protocol, int], ...] = (("cross", 1), ("cross", 5), ("cross", 10))
PERSONAL: tuple[tuple[Protocol, int], ...] = (("personal", 1), ("personal", 5))
TRIALS = (
    Trial("RAVDESS, actors 15–18 (voice)", "ravdess_speech", Selection(speakers="15-18"), CROSS + PERSONAL),
    Trial("MELD, dev split (words)", "meld_text", Selection(split="dev"), CROSS),
)


@dataclass(frozen=True)
class Row:
    """One row of the table: the results of every method in one kind of episode."""

    name: str
    results: list[Result]


def main(episodes: Annotated[int, typer.Option(min=2, help="Episodes of each row.")] = 600) -> None:
    """Test every method in every trial, print the table and write it down."""
    console = Console()
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        rows = [row for trial in TRIALS for row in _rows(trial, episodes, bar)]
    console.print(_table(rows))
    RESULTS.write_text(_markdown(rows, episodes), encoding="utf-8")
    console.print(f"Written to {RESULTS}.")


def _rows(trial: Trial, episodes: int, bar: Progress) -> Iterator[Row]:
    task = bar.add_task(trial.name, total=1.0)

    def progress(share: float, stage: str) -> None:
        bar.update(task, completed=share, description=f"{trial.name}: {stage}")

    material = prepare(data_folder() / trial.folder, trial.selection, progress=progress)
    methods = [method(name) for name in METHODS]
    fit(methods, material)
    for protocol, shots in trial.kinds:
        setting = Setting(ways=WAYS, shots=shots, protocol=protocol, episodes=episodes, seed=SEED)
        results = compare(methods, material, setting, progress=progress)
        yield Row(trial.name, results)
    bar.remove_task(task)


def _table(rows: list[Row]) -> Table:
    table = Table("test", "protocol", "shots", *METHODS)
    for row in rows:
        table.add_row(*_cells(row, "[bold]{}[/bold]"))
    return table


def _markdown(rows: list[Row], episodes: int) -> str:
    heading = [("test", "protocol", "shots", *METHODS), ("---",) * (3 + len(METHODS))]
    lines = [*heading, *(_cells(row, "**{}**") for row in rows)]
    trained = dict.fromkeys(result.trained_on for row in rows for result in row.results if result.method == "prototype")
    speeds = {
        name: median(result.adapt_ms for row in rows for result in row.results if result.method == name)
        for name in METHODS
    }
    return ABOUT.format(
        count=episodes,
        ways=WAYS,
        seed=SEED,
        table="\n".join(f"| {' | '.join(line)} |" for line in lines),
        trained="; ".join(trained),
        speed=", ".join(f"{name} {milliseconds:.1f} ms" for name, milliseconds in speeds.items()),
    )


def _cells(row: Row, emphasis: str) -> tuple[str, ...]:
    """The text of a row, its best figure emphasised."""
    best = max(result.accuracy for result in row.results)
    told = [f"{result.accuracy:.3f} ± {result.ci95:.3f}" for result in row.results]
    marked = [
        emphasis.format(text) if result.accuracy == best else text
        for text, result in zip(told, row.results, strict=True)
    ]
    return row.name, row.results[0].setting.protocol, row.results[0].setting.shots_in_words, *marked


if __name__ == "__main__":
    typer.run(main)
