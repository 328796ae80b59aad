"""The command line: ``python -m stf2m analyse | extract | evaluate | meta-train | learn-tone | rules``.

Heavy modules are imported by the command that needs them, so that help is there at once. What goes wrong for people is
one line on standard error and exit code 2.
"""

import json
import sys
import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from typer.exceptions import TyperException

app = typer.Typer(
    help="Fine-grained emotion recognition in video from a few corrections.",
    add_completion=False,
    rich_markup_mode=None,
)

Json = Annotated[str, typer.Option("--json", metavar="FILE", help="Write JSON instead; - is standard output.")]
Folder = Annotated[Path, typer.Argument(metavar="DATASET_DIR", help="A data set, known by its layout.")]


class Speakers(StrEnum):
    """Whose examples a method is tested with."""

    CROSS = "cross"
    PERSONAL = "personal"


@app.command()
def analyse(clip: Annotated[Path, typer.Argument(metavar="CLIP", help="A video file.")], json_file: Json = "") -> None:
    """The timeline of one video: emotions with their reasons. Subtitles (.srt, .vtt) beside it are its words."""
    from stf2m import sandbox

    sandbox.warm()
    from stf2m import clips, terminal
    from stf2m.answers import answer
    from stf2m.clips import Words
    from stf2m.model import STF2M

    with terminal.progress() as progress:
        found = clips.analyse(clip, words=Words.beside(clip), progress=progress)
    answers = answer(found, STF2M.load())
    _write(answers.as_json(), json_file) if json_file else terminal.show(terminal.timeline(answers))


@app.command()
def extract(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Videos, in folders of folders if you like.")],
    jobs: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Videos at a time; one a core, or all the cluster has, if not given."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where the tracks go; FOLDER-tracks if not given.")
    ] = None,
    cluster: Annotated[
        str, typer.Option(metavar="ray://…|dask://…", help="Work there; its machines see the same folders.")
    ] = "",
) -> None:
    """The tracks of all videos of a folder, as a bundle for training; it goes on where a killed run stopped.

    What has been read is not read again. Videos that cannot be read are listed at the end; the exit code is 2 only
    where not one can.
    """
    from stf2m import extraction, terminal

    started = time.monotonic()
    with terminal.progress() as progress:
        found = extraction.extract(folder, out, jobs=jobs or -1, address=cluster, progress=progress)
    took = f"{found.done} videos read in {time.monotonic() - started:.1f} s, {found.before} before"
    print(f"{took}; their tracks are in {found.out}.")
    for name, sentence in found.failures.items():
        print(f"Not read: {name}: {sentence}", file=sys.stderr)
    if found.nothing:
        raise typer.Exit(2)


@app.command()
def evaluate(
    folder: Folder,
    method: Annotated[list[str], typer.Option(metavar="NAME[,NAME…]", help="May be given more than once.")] = ["stf2m"],  # noqa: B006
    ways: Annotated[int, typer.Option(min=2, help="Emotions in an episode.")] = 5,
    shots: Annotated[
        str,
        typer.Option(metavar="K|A-B", help="Labelled examples of each emotion; 1-5 draws a number for each emotion."),
    ] = "5",
    protocol: Annotated[
        Speakers, typer.Option(help="Support and query of different speakers, or one's.")
    ] = Speakers.CROSS,
    episodes: Annotated[int, typer.Option(min=1, help="How many.")] = 600,
    seed: Annotated[int, typer.Option(min=0, help="The seed that draws all that is drawn.")] = 0,
    transductive: Annotated[
        bool, typer.Option("--transductive", help="Give methods the queries without labels, to learn from as well.")
    ] = False,
    balance: Annotated[
        str,
        typer.Option(
            metavar="uniform|ALPHA",
            help="As many queries of each emotion, or as many in all in shares from a Dirichlet distribution "
            "of that concentration: 2 is usual, less is more unequal.",
        ),
    ] = "uniform",
    wrong: Annotated[
        float, typer.Option(min=0, max=1, metavar="SHARE", help="This share of the support's labels is made wrong.")
    ] = 0.0,
    soft: Annotated[
        bool,
        typer.Option("--soft/--hard", help="Where labels are degrees of several emotions: learn from all, or the top."),
    ] = True,
    strangers: Annotated[
        int,
        typer.Option(min=0, metavar="N", help="Ask for so many of each emotion that is not an episode's as well."),
    ] = 0,
    modalities: Annotated[
        str, typer.Option(metavar="NAME,…", help="Show these only: face, voice, text; all if not given.")
    ] = "",
    speakers: Annotated[
        str, typer.Option(metavar="15-18,…", help="Test these; methods that train use the others.")
    ] = "",
    split: Annotated[
        str, typer.Option(metavar="NAME", help="Test this split; methods that train use the others.")
    ] = "",
    emotions: Annotated[str, typer.Option(metavar="NAME,…", help="Test these emotions only.")] = "",
    emotions_per_speaker: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Each tested speaker keeps only so many emotions.")
    ] = None,
    unseen: Annotated[
        bool, typer.Option("--unseen", help="Keep the tested emotions out of what methods train on.")
    ] = False,
    train_on: Annotated[
        Path | None, typer.Option(metavar="DIR", help="A data set that methods train on instead.")
    ] = None,
    checkpoint: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The model of the stf2m methods, if not the shipped one.")
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Also tell how far the reasons of the stf2m methods can be trusted.")
    ] = False,
    json_file: Json = "",
) -> None:
    """Methods on the very same few-shot episodes of a data set: accuracy with 95 % intervals, and calibration.

    Beside accuracy: ECE is the expected calibration error (where a method answers without support, before and after
    adapting), NLL the negative log-likelihood, AURC the area under the risk-coverage curve; for all three lower is
    better. The JSON says more. With strangers, what a method answers to them is wrong, and AUROC is the chance that it
    is less sure of a stranger than of another.
    """
    from stf2m import terminal
    from stf2m.comparison import compare, fit, prepare
    from stf2m.datasets import Selection
    from stf2m.evaluation import Setting
    from stf2m.methods import method as method_named

    setting = Setting(
        ways=ways,
        shots=_shots(shots),
        protocol=protocol.value,
        episodes=episodes,
        seed=seed,
        alpha=_alpha(balance),
        transductive=transductive,
        wrong=wrong,
        soft=soft,
        strangers=strangers,
    )
    methods = [method_named(name, checkpoint) for name in _listed(",".join(method))]
    selection = Selection(speakers, split, tuple(_listed(emotions)), emotions_per_speaker or 0, seed)
    shown = _listed(modalities.lower())
    learning = any(not each.origin for each in methods)
    with terminal.progress() as progress:
        material = prepare(
            folder,
            selection,
            train_on=train_on,
            unseen=unseen,
            learning=learning,
            modalities=shown,
            progress=progress,
        )
        fit(methods, material)
        results = compare(methods, material, setting, progress=progress, explain=explain)
    if json_file:
        about = {"left_out": material.left_out, "emotions_per_speaker": emotions_per_speaker}
        told = [{**result.as_json(), **about} for result in results]
        _write(told[0] if len(told) == 1 else {"results": told}, json_file)
        return
    few = [f"emotions of each speaker: {emotions_per_speaker}"] if emotions_per_speaker else []
    title = f"{folder.resolve().name}: {', '.join([setting.in_words, *few])}"
    notes = [
        f"{result.method} has no use for unlabelled queries."
        for result in results
        if transductive and not result.setting.transductive
    ]
    if material.left_out:
        notes.append(
            f"{material.left_out} items with no {' or '.join(shown or ['face', 'voice', 'words'])} are left out."
        )
    terminal.show(terminal.results(results, title, notes))
    if explain:
        terminal.show(*(terminal.trusted(result) for result in results))


@app.command("meta-train")
def meta_train(
    recipe: Annotated[Path, typer.Argument(metavar="RECIPE.toml", help="What to train on, and how.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the checkpoint and its card go.")],
    keep: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Keep the weights of this checkpoint; fit anew what has a closed form."),
    ] = None,
) -> None:
    """Meta-train a model as a recipe says; it goes on where a killed run stopped.

    torchrun --nproc_per_node N -m stf2m meta-train … trains it by several processes.
    """
    from stf2m import processes, terminal, training

    with terminal.progress(processes.first()) as progress:
        training.meta_train(recipe, out, progress, keep=keep)


@app.command("learn-tone")
def learn_tone(
    recipe: Annotated[Path, typer.Argument(metavar="RECIPE.toml", help="Whose lines of text to learn from.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where the tone is written.")],
) -> None:
    """Learn what tone sentences are said in, before text is extracted; the shipped tone is of the shipped recipe."""
    from stf2m import terminal, tone_training

    with terminal.progress() as progress:
        right = tone_training.learn_tone(recipe, out, progress)
    typer.echo(f"Right of those who validate, after each pass: {', '.join(f'{each:.3f}' for each in right)}")


@app.command()
def rules(
    emotion: Annotated[str, typer.Option(metavar="NAME", help="Only rules that speak for this emotion most.")] = "",
    json_file: Annotated[
        str, typer.Option("--json", metavar="FILE", help="Write rules and memberships as JSON; - is standard output.")
    ] = "",
    csv_file: Annotated[
        str, typer.Option("--csv", metavar="FILE", help="Write a row for each condition of each rule.")
    ] = "",
    latex_file: Annotated[str, typer.Option("--latex", metavar="FILE", help="Write tables for a paper.")] = "",
) -> None:
    """The fuzzy rules of the shipped model, in words."""
    from stf2m import rule_export, terminal
    from stf2m.answers import unadapted
    from stf2m.model import STF2M
    from stf2m.vocabulary import canonical

    adapted = unadapted(STF2M.load())
    if emotion and canonical(emotion) not in adapted.emotions:
        raise typer.BadParameter(f"the model knows no emotion {emotion}, only {', '.join(adapted.emotions)}.")
    found = [
        rule
        for rule in adapted.rules()
        if not emotion or max(rule.consequent, key=lambda name: rule.consequent[name]) == canonical(emotion)
    ]
    if not (json_file or csv_file or latex_file):
        terminal.show(terminal.rules(found))
        return
    document = rule_export.document(adapted, found)
    written = ((json_file, rule_export.as_json), (csv_file, rule_export.as_csv), (latex_file, rule_export.as_latex))
    for file, told in written:
        if file:
            _write_text(told(document), file)


def main() -> NoReturn:
    """Run the command line."""
    try:
        code = app(standalone_mode=False)
    except TyperException as error:
        _fail(f"{error.format_message().rstrip('.')}. See: python -m stf2m --help")
    except _for_people() as error:
        _fail(str(error))
    sys.exit(code or 0)


def _fail(sentence: str) -> NoReturn:
    print(" ".join(sentence.split()), file=sys.stderr)
    sys.exit(2)


def _for_people() -> tuple[type[Exception], ...]:
    """The errors whose message is a plain sentence for people."""
    from stf2m.checkpoint import CheckpointError
    from stf2m.datasets import DatasetError
    from stf2m.media import MediaError
    from stf2m.methods import UnknownMethodError
    from stf2m.recipe import RecipeError
    from stf2m.tasks import TooFewExamplesError
    from stf2m.views.text import SubtitleError
    from stf2m.weights import WeightsUnavailableError

    return (
        CheckpointError,
        DatasetError,
        MediaError,
        RecipeError,
        UnknownMethodError,
        TooFewExamplesError,
        SubtitleError,
        WeightsUnavailableError,
        OSError,
    )


def _shots(text: str) -> int | tuple[int, int]:
    least, dash, most = (part.strip() for part in text.replace("–", "-").partition("-"))
    numbers = [int(part) for part in (least, most if dash else least) if part.isascii() and part.isdigit()]
    if len(numbers) < 2 or not 1 <= numbers[0] <= numbers[1]:
        raise typer.BadParameter(f"--shots takes a number from 1 up, or two such as 1-5, not {text!r}.")
    return (numbers[0], numbers[1]) if dash else numbers[0]


def _alpha(text: str) -> float | None:
    """The concentration of the queries' emotions; None for balanced ones."""
    if text == "uniform":
        return None
    try:
        alpha = float(text)
    except ValueError:
        alpha = 0.0
    if not 0 < alpha < float("inf"):
        raise typer.BadParameter(f"--balance takes uniform or a number above 0, not {text!r}.")
    return alpha


def _listed(names: str) -> list[str]:
    return list(dict.fromkeys(name.strip() for name in names.split(",") if name.strip()))


def _write(data: dict[str, Any], file: str) -> None:
    _write_text(json.dumps(data, ensure_ascii=False, indent=2) + "\n", file)


def _write_text(text: str, file: str) -> None:
    if file == "-":
        print(text, end="")
    else:
        Path(file).write_text(text, encoding="utf-8", newline="")


if __name__ == "__main__":
    main()
