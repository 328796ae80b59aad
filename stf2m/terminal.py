"""Answers, rules and results as people read them in a terminal, and how far something is."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console, Group, RenderableType
from rich.progress import Progress as Bar
from rich.table import Table
from rich.text import Text

from stf2m.answers import Answers
from stf2m.evaluation import Result
from stf2m.explanation import Rule
from stf2m.trust import figures
from stf2m.weights import Progress

#: A colour for each emotion of the vocabulary; others are white.
COLOURS = {
    "angry": "red",
    "calm": "cyan",
    "contempt": "magenta",
    "disgust": "green",
    "fearful": "bright_magenta",
    "happy": "yellow",
    "neutral": "bright_black",
    "sad": "blue",
    "surprised": "bright_yellow",
}
_BAR = 24


def timeline(answers: Answers) -> RenderableType:
    """The timeline of a clip: when, what, how sure, by which modality, why, and what was said."""
    clip = answers.clip
    heading = Text.assemble((clip.path.name, "bold"), f"  {clip.info.duration_s:.1f} s  ", ", ".join(clip.modalities))
    lines = [heading, *(Text(f"Without the {name}: {why}") for name, why in answers.missing.items())]
    absent = set(answers.missing.values())
    lines += [Text(note, style="dim") for note in clip.notes if note not in absent]
    if not answers.stretches:
        return Group(*lines, Text("No emotion can be told: nothing could be seen or heard."))
    table = Table(box=None, header_style="dim", pad_edge=False, expand=True)
    table.add_column("seconds", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True, min_width=_BAR)
    table.add_column("emotion", no_wrap=True)
    table.add_column("unsure", justify="right")
    table.add_column("from", no_wrap=True)
    table.add_column("because", ratio=3)
    table.add_column("words", ratio=2)
    for stretch in answers.stretches:
        why = answers.reason(stretch)
        shares = zip((modality.name for modality in answers.model.network.modalities), stretch.shares, strict=True)
        told = sorted(((name, share) for name, share in shares if share > 0), key=lambda pair: -pair[1])
        table.add_row(
            f"{stretch.start_s:.1f} – {stretch.end_s:.1f}",
            _bar(stretch.start_s, stretch.end_s, clip.info.duration_s, COLOURS.get(stretch.emotion, "white")),
            Text(f"{stretch.emotion} {stretch.degree:.2f}", style=COLOURS.get(stretch.emotion, "white")),
            f"{stretch.uncertainty:.0%}",
            "\n".join(f"{name} {share:.0%}" for name, share in told),
            why.text,
            answers.words(stretch.start_s, stretch.end_s),
        )
    return Group(*lines, table)


def rules(found: Sequence[Rule]) -> Table:
    """The rules of a model, a row each."""
    table = Table("rule", "weight", "support", box=None, header_style="dim", pad_edge=False)
    for rule in found:
        table.add_row(rule.text, f"{rule.weight:.3f}", f"{rule.support:.0%}")
    return table


def results(found: Sequence[Result], title: str, notes: Sequence[str] = ()) -> RenderableType:
    """One table of several methods on the same episodes."""
    several = any(result.quality.jensen_shannon is not None for result in found)
    strange = any(result.quality.auroc_strangers is not None for result in found)
    table = Table(title=title, title_justify="left", header_style="dim")
    table.add_column("method")
    more = [*(["AUROC"] if strange else []), *(["JS"] if several else [])]
    for name in ("accuracy", "macro recall", "ECE", "NLL", "AURC", *more, "adapting"):
        table.add_column(name, justify="right")
    table.add_column("learned from")
    best = max(result.accuracy for result in found)
    for result in found:
        quality = result.quality
        before = "" if quality.ece_before is None else f"{quality.ece_before:.3f} → "
        table.add_row(
            result.method,
            Text(f"{result.accuracy:.3f} ± {result.ci95:.3f}", style="bold" if result.accuracy == best else ""),
            f"{result.macro_recall:.3f}",
            f"{before}{quality.ece:.3f}",
            f"{quality.nll:.3f}",
            f"{quality.aurc:.3f}",
            *([f"{quality.auroc_strangers:.3f}"] if quality.auroc_strangers is not None else []),
            *([f"{quality.jensen_shannon:.3f}"] if quality.jensen_shannon is not None else []),
            f"{result.adapt_ms:.1f} ms",
            result.trained_on,
        )
    return Group(table, *(Text(note, style="dim") for note in notes))


def trusted(result: Result) -> RenderableType:
    """How far one method's reasons can be trusted, a row for each figure."""
    if result.trust is None:
        return Text(f"{result.method} gives no reasons in rules.", style="dim")
    seen = f"{result.trust.segments} segments, {result.trust.sentences} sentences"
    table = Table(title=f"Reasons of {result.method}: {seen}", title_justify="left", header_style="dim")
    for name in ("figure", "", "value", "aim"):
        table.add_column(name)
    for each in figures(result.trust):
        table.add_row(each.name, each.question, Text(each.value, style="bold" if each.reached else ""), each.aim)
    return table


def show(*parts: RenderableType) -> None:
    """Print to standard output, 110 columns wide where it is no terminal."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=110)
    console.print(*parts, highlight=False)


@contextmanager
def progress(shown: bool = True) -> Iterator[Progress]:
    """A progress bar on standard error while something runs, where that is a terminal and it is to be shown."""
    console = Console(stderr=True)
    with Bar(console=console, transient=True, disable=not (shown and console.is_terminal)) as bar:
        task = bar.add_task("", total=1.0)
        yield lambda share, stage: bar.update(task, completed=share, description=stage)


def _bar(start_s: float, end_s: float, duration_s: float, colour: str) -> Text:
    first = min(round(start_s / duration_s * _BAR), _BAR - 1)
    length = max(round(end_s / duration_s * _BAR) - first, 1)
    return Text.assemble(("─" * first, "dim"), ("█" * length, colour), ("─" * (_BAR - first - length), "dim"))
