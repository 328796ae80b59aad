"""Few-shot recognition of people, emotions, languages and texts that nothing was trained on or chosen by."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from benchmarks.checkpoints import Training
from benchmarks.report import Table, best_bold, bold
from benchmarks.trials import Found, Job, Trial, episodes_in_words, figure
from stf2m.datasets import Selection
from stf2m.evaluation import Result, Setting
from stf2m.methods import METHODS
from stf2m.tasks import Protocol

OURS, KNOWING = "stf2m-support", "stf2m"
VOICES = Trial("RAVDESS, actors 15–18 (voice)", "ravdess_speech", Selection(speakers="15-18"))
NEVER_SEEN = Trial(
    "RAVDESS, actors 15–18, emotions never seen: calm, disgusted, fearful",
    "ravdess_speech",
    Selection(speakers="15-18", emotions=("calm", "disgust", "fearful")),
    unseen=True,
    training=Training("unseen"),
)
GERMAN = Trial("EmoDB (German voices) after English ones alone", "emodb", training=Training("english"))
FACES = Trial("CK+48 after FER2013 (faces)", "ck48", train_on="fer2013", training=Training("faces"))
WORDS = Trial("MELD, dev split: other lines of the same characters (words)", "meld_text", Selection(split="dev"))
SENTIMENT = Trial("CMU-MOSI (words), learned from no other video", "mosi")

CROSS, PERSONAL = (tuple(Setting(shots=shots, protocol=kind) for shots in (1, 5)) for kind in ("cross", "personal"))
TEN = Setting(shots=10)
USUAL = (*CROSS, TEN, *PERSONAL)
THREE = tuple(Setting(ways=3, shots=shots) for shots in (1, 5))
TWO = (Setting(ways=2, shots=5, protocol="personal"),)
#: With five queries of each of the other emotions, which no correction has named.
STRANGERS = tuple(replace(each, strangers=5) for each in (CROSS[1], PERSONAL[1]))
#: Times are compared where both are measured in the same process, one after the other.
TIMED, TIMED_SETTING = replace(VOICES, name=f"{VOICES.name}, times"), replace(CROSS[1], episodes=60)
FINE_TUNING = {"finetune-whole": "a whole network", "finetune": "its last layers"}
DOUBTING = ("stf2m", "stf2m-support", "prototype-speaker", "logistic", "finetune")


def with_unlabelled(shots: int, protocol: Protocol, alpha: float | None = None) -> Setting:
    """Queries are at hand without labels: balanced, or in shares from a Dirichlet distribution."""
    return Setting(shots=shots, protocol=protocol, transductive=True, alpha=alpha)


@dataclass(frozen=True)
class Goal:
    """A row of the table of figures: the name of the method that is the plain recipe, what is to be reached ``least``
    and what is aimed at; ``above``: both are to be added to the plain recipe.
    """

    trial: Trial
    setting: Setting
    plain: str
    least: float
    aim: float
    above: bool = False


GOALS = (
    Goal(VOICES, CROSS[0], "prototype-speaker", 0.70, 0.76),
    Goal(VOICES, CROSS[1], "prototype-speaker", 0.83, 0.88),
    Goal(VOICES, PERSONAL[0], "prototype-speaker", 0.83, 0.87),
    Goal(VOICES, PERSONAL[1], "prototype-speaker", 0.92, 0.95),
    Goal(NEVER_SEEN, THREE[0], "prototype-speaker", 0.67, 0.75),
    Goal(NEVER_SEEN, THREE[1], "prototype-speaker", 0.78, 0.85),
    Goal(GERMAN, CROSS[0], "prototype-speaker", 0.42, 0.55),
    Goal(GERMAN, CROSS[1], "prototype-speaker", 0.60, 0.72),
    Goal(FACES, CROSS[0], "prototype", 0.64, 0.72),
    Goal(FACES, CROSS[1], "prototype", 0.75, 0.83),
    Goal(WORDS, CROSS[1], "prototype", 0.05, 0.12, above=True),
)
UNLABELLED_GOALS = (
    Goal(VOICES, with_unlabelled(1, "cross"), "prototype-speaker", 0.78, 0.85),
    Goal(VOICES, with_unlabelled(5, "cross"), "prototype-speaker", 0.86, 0.91),
    Goal(VOICES, with_unlabelled(1, "personal"), "prototype-speaker", 0.89, 0.94),
    Goal(VOICES, with_unlabelled(5, "personal"), "prototype-speaker", 0.94, 0.97),
)
#: Unbalanced queries may cost so much at most.
UNBALANCED_COSTS = 0.04
#: The concentration of the Dirichlet distribution.
ALPHA = 2.0
TRANSDUCTIVE = ("prototype", "prototype-speaker", OURS, KNOWING)


def jobs() -> list[Job]:
    """The longest first."""
    unlabelled = tuple(
        with_unlabelled(shots, kind, alpha)
        for alpha in (None, ALPHA)
        for kind in ("cross", "personal")
        for shots in (1, 5)
    )
    return [
        Job(VOICES, ("maml",), USUAL),
        Job(VOICES, ("finetune-whole",), CROSS[1:]),
        Job(VOICES, ("protonet", "anil"), USUAL),
        Job(
            VOICES, tuple(name for name in METHODS if name not in {"maml", "protonet", "anil", "finetune-whole"}), USUAL
        ),
        Job(FACES, ("prototype", OURS), CROSS, explain=True),
        Job(NEVER_SEEN, ("prototype", "prototype-speaker", OURS), THREE),
        Job(GERMAN, ("prototype", "prototype-speaker", OURS), CROSS),
        Job(VOICES, TRANSDUCTIVE, unlabelled),
        Job(VOICES, DOUBTING, STRANGERS),
        Job(TIMED, (OURS, *FINE_TUNING), (TIMED_SETTING,)),
        Job(SENTIMENT, ("prototype", OURS), TWO),
        Job(WORDS, ("prototype", OURS, KNOWING), (*CROSS, TEN), explain=True),
    ]


def headline(found: Found) -> list[Table]:
    """What the issue of the whole is: ours beside the plain recipe and beside what is to be reached."""
    header = ("test", "episodes", "plain recipe", "at least", "aim", "ours", "ours, knowing names")
    rows = [_row(goal, found) for goal in GOALS]
    unlabelled = [row for goal in UNLABELLED_GOALS for row in _unlabelled(goal, found)]
    return [
        Table("From corrections alone", "", header, tuple(rows)),
        Table(
            "With the unlabelled segments as well",
            "",
            ("test", "episodes", "plain recipe and soft k-means", *header[3:]),
            tuple(unlabelled),
        ),
    ]


def tables(found: Found) -> list[Table]:
    """All methods side by side."""
    voices = [_side_by_side(VOICES, setting, list(METHODS), found) for setting in USUAL]
    others = [
        _side_by_side(trial, setting, ["prototype", "prototype-speaker", OURS, KNOWING], found)
        for trial, settings in (
            (NEVER_SEEN, THREE),
            (GERMAN, CROSS),
            (FACES, CROSS),
            (WORDS, (*CROSS, TEN)),
            (SENTIMENT, TWO),
        )
        for setting in settings
    ]
    reliable = [
        (episodes_in_words(setting), name, *_reliability(found[VOICES, setting, name]))
        for setting in (CROSS[0], CROSS[1], PERSONAL[1])
        for name in (KNOWING, OURS, "prototype-speaker", "finetune")
    ]
    doubting = [
        (episodes_in_words(setting), name, *_doubt(found[VOICES, setting, name]))
        for setting in STRANGERS
        for name in DOUBTING
    ]
    return [
        Table(f"Baselines: {VOICES.name}", "", ("episodes", *METHODS), tuple(row[1:] for row in voices)),
        Table(
            "Other tests, side by side",
            "",
            ("test", "episodes", "prototype", "prototype-speaker", OURS, KNOWING),
            tuple(others),
        ),
        Table(
            f"How far answers can be believed: {VOICES.name}",
            "ECE is the expected calibration error, before the first correction (where a method answers then) and "
            "after; AURC the area under the risk–coverage curve when answers are left out by the method's own "
            "confidence, and by its highest degree (max-softmax). Lower is better for all.",
            ("episodes", "method", "ECE before", "ECE after", "NLL", "AURC, own confidence", "AURC, max-softmax"),
            tuple(reliable),
        ),
        Table(
            f"Emotions that nobody told of: {VOICES.name}",
            "Five queries of each of the three other emotions are asked as well. Whatever is answered to these "
            "strangers is wrong, and what a method should do is doubt it. AUROC is the chance that it is less sure of "
            "a stranger than of another query (half is chance), higher is better; AURC, of all answers, lower.",
            (
                "episodes",
                "method",
                *("AUROC, own confidence", "AUROC, max-softmax", "AURC, own confidence", "AURC, max-softmax"),
            ),
            tuple(doubting),
        ),
    ]


def times(found: Found) -> list[tuple[str, str, str, str, str]]:
    """Adapting to 5 × 5 corrections beside fine-tuning, of all weights and of the last layers: rows of costs."""
    ours = found[VOICES, CROSS[1], OURS]
    took = {name: found[TIMED, TIMED_SETTING, name].adapt_ms for name in (OURS, *FINE_TUNING)}
    rows = []
    for name, what in FINE_TUNING.items():
        tuned = found[VOICES, CROSS[1], name]
        faster = took[name] / took[OURS]
        told = f"{took[OURS]:.0f} ms, {faster:.1f} × faster, accuracy {ours.accuracy:.3f}"
        rows.append(
            (
                "adapting to 5 × 5 corrections",
                f"fine-tuning {what}: {took[name]:.0f} ms, accuracy {tuned.accuracy:.3f}",
                "10 × faster, as accurate",
                "100 ms",
                bold(told, faster >= 10 and ours.accuracy >= tuned.accuracy),
            )
        )
    return rows


def _row(goal: Goal, found: Found) -> tuple[str, ...]:
    plain = found[goal.trial, goal.setting, goal.plain]
    base = plain.accuracy if goal.above else 0.0
    ours = [found.get((goal.trial, goal.setting, name)) for name in (OURS, KNOWING)]
    return (
        goal.trial.name,
        episodes_in_words(goal.setting),
        figure(plain),
        f"{base + goal.least:.3f}" if goal.above else f"{goal.least:.2f}",
        f"{base + goal.aim:.3f}" if goal.above else f"{goal.aim:.2f}",
        *(_reached(each, base + goal.least) for each in ours),
    )


def _unlabelled(goal: Goal, found: Found) -> list[tuple[str, ...]]:
    """The row of a goal, and one of the same with unbalanced queries."""
    least = found[goal.trial, goal.setting, OURS].accuracy - UNBALANCED_COSTS
    shots, protocol = goal.setting.shots, goal.setting.protocol
    assert isinstance(shots, int)
    setting = with_unlabelled(shots, protocol, ALPHA)
    balanced = list(_row(goal, found))
    balanced[1] += ", balanced"
    ours = [found[goal.trial, setting, name] for name in (OURS, KNOWING)]
    return [
        tuple(balanced),
        (
            goal.trial.name,
            f"{episodes_in_words(setting)}, Dirichlet({ALPHA:g})",
            figure(found[goal.trial, setting, goal.plain]),
            f"{least:.3f}",
            "–",
            *(_reached(each, least) for each in ours),
        ),
    ]


def _reached(result: Result | None, least: float) -> str:
    """A figure, in bold where it is as good as it has to be."""
    return bold(figure(result), round(result.accuracy, 3) >= round(least, 3)) if result else "–"


def _side_by_side(trial: Trial, setting: Setting, methods: Sequence[str], found: Found) -> tuple[str, ...]:
    there = [found.get((trial, setting, name)) for name in methods]
    told = iter(best_bold([figure(each) for each in there if each], [each.accuracy for each in there if each]))
    return trial.name, episodes_in_words(setting), *(next(told) if each else "–" for each in there)


def _doubt(result: Result) -> tuple[str, ...]:
    quality = result.quality
    figures = (quality.auroc_strangers, quality.auroc_strangers_softmax, quality.aurc, quality.aurc_softmax)
    return tuple("–" if value is None else f"{value:.3f}" for value in figures)


def _reliability(result: Result) -> tuple[str, ...]:
    quality = result.quality
    before = "–" if quality.ece_before is None else f"{quality.ece_before:.3f}"
    figures = (quality.ece, quality.nll, quality.aurc, quality.aurc_softmax)
    return before, *(f"{value:.3f}" for value in figures)
