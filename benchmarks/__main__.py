"""``python -m benchmarks``: every figure of README and of ``benchmarks/RESULTS.md``, from seeds, in one run.

Needs the data sets in the folder of ``STF2M_DATA``. What methods are tested with is people, emotions, languages or
texts that nothing was trained on or chosen by (MELD's characters are the same, their lines others); tests that need a
training of their own get it, once, see :mod:`benchmarks.checkpoints`.
"""

import os
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress

from benchmarks import ablations, costs, fewshot, mosi, pool, robustness, trust
from benchmarks.report import RESULTS, Table, marked, put, with_pages
from benchmarks.trials import EPISODES
from stf2m.datasets import DatasetError, load
from stf2m.model import STF2M
from stf2m.recipe import RecipeError, data_folder

ROOT = Path(__file__).parent.parent
DATA = ("ravdess_speech", "emodb", "ck48", "fer2013", "meld_text", "mosi")

ABOUT = """# Figures

Made by `make bench`: {episodes} episodes a row unless said otherwise, 5 queries of each emotion, seed 0; mean accuracy
± half the 95 % interval. Every method sees the same episodes. *cross*: no speaker is in both support and query;
*personal*: both are of one speaker. The shipped checkpoint: {checkpoint}.

{figures}

{tables}

# Methods

- `stf2m-support`, above *ours*: the checkpoint with the corrections alone. `stf2m`, above *ours, knowing names*: as the
  studio uses it; it also remembers emotions that it knows by name. In voices both take off what is a person's own,
  which they estimate from all the person's segments, labels unseen. The tests of never-seen emotions, of German voices,
  of CK+48 and the ablations have checkpoints of their own, of recipes in `stf2m/recipes`.
- `prototype`, the plain recipe: nearest class mean of pooled statistics in a linear discriminant's space, which is
  learned from other people (for EmoDB it would do harm, so there is none); `prototype-speaker`: the same after each
  speaker is normalised by all their clips, labels unseen. With unlabelled segments: one step of soft k-means.
- What is learned from before: for RAVDESS the plain recipe, `protonet`, `maml`, `anil` and `finetune` learn from its
  actors 1–14, the checkpoint from these and from EmoDB; what ours makes of actors 1–12 alone is the first row of
  *Ablations*. For EmoDB the plain recipe learns from nothing, ours from RAVDESS.
- `logistic`: logistic regression on the pooled statistics of the support. `protonet`, `maml`, `anil`, `finetune`: a
  small network, trained as their authors say; `finetune` tunes its last layers, `finetune-whole` all of its weights.
- Figures with unlabelled segments are never mixed with those without: there the queries of an episode are also given
  without labels, as many of each emotion (*balanced*) or in shares from a Dirichlet distribution.
- Bold figures of the first tables are as good as they have to be; in the others they are the best of their row.
"""


def main(
    episodes: Annotated[
        int,
        typer.Option(
            min=2,
            help=f"Episodes of a usual row; fewer than {EPISODES} is a trial run, "
            "which is printed but not written down.",
        ),
    ] = EPISODES,
    processes: Annotated[int, typer.Option(min=1, help="How many work at once.")] = min(os.cpu_count() or 1, 2),
) -> None:
    """Run every comparison, print all tables and write them down."""
    console, begun = Console(), time.perf_counter()
    try:
        _extract(console)
        jobs = [*fewshot.jobs(), mosi.Job(), *robustness.jobs(), *ablations.jobs(), *trust.jobs()]
        found = pool.results(jobs, episodes / EPISODES, processes, console)
    except (RecipeError, DatasetError, OSError) as error:
        print(error, file=sys.stderr)
        raise typer.Exit(2) from error
    figures, more = tables(found)
    for table in (*figures, *more):
        console.print(table.terminal)
    console.print(f"All of it took {(time.perf_counter() - begun) / 60:.0f} minutes.")
    if episodes < EPISODES:
        return
    told = "\n\n".join(table.markdown for table in figures)
    RESULTS.write_text(with_pages(_text(told, more)), encoding="utf-8")
    put(ROOT / "README.md", told.replace("## ", "### "))
    mosi.write({title: found[title] for title in mosi.tables()})
    console.print(f"Written to {RESULTS}, and the first tables to README.md.")


def tables(found: dict[Any, Any]) -> tuple[list[Table], list[Table]]:
    """The tables of the figures that README has, and all others."""
    given = [mosi.table(title, found[title], f"MOSI: {title[0].lower()}{title[1:]}") for title in mosi.tables()]
    more = [*fewshot.tables(found), *robustness.tables(found), *ablations.tables(found), *trust.tables(found), *given]
    return [*fewshot.headline(found), mosi.headline(found), costs.table(fewshot.times(found))], more


def _extract(console: Console) -> None:
    """Read all data sets once, so that two jobs never extract the same."""
    root = data_folder()
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("reading", total=1.0)
        for name in DATA:
            load(
                "auto", root / name, progress=lambda share, stage: bar.update(task, completed=share, description=stage)
            )


def _text(figures: str, more: list[Table]) -> str:
    card = STF2M.load().card
    return ABOUT.format(
        episodes=EPISODES,
        checkpoint=f"`{card.get('name')}` of {card.get('date')}, seed {card.get('seed')}, {card.get('steps')} steps",
        figures=marked(figures),
        tables="\n\n".join(table.markdown for table in more),
    )


if __name__ == "__main__":
    typer.run(main)
