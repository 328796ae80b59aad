"""What corrections are like in practice: wrong, of unequal number, of people who show one emotion only."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy import stats

from benchmarks.fewshot import CROSS, OURS, PERSONAL, VOICES, with_unlabelled
from benchmarks.report import Table, best_bold
from benchmarks.trials import Found, Job, Trial, episodes_in_words, figure
from stf2m.datasets import Selection
from stf2m.evaluation import Result, Setting

METHODS = ("prototype", "prototype-speaker", "logistic", OURS)
WRONG = (0.1, 0.2, 0.4)
HARDER: dict[str, Setting] = {
    "none": CROSS[1],
    **{f"{share:.0%} of the corrections wrong": replace(CROSS[1], wrong=share) for share in WRONG},
    "1 to 5 corrections of each emotion": Setting(shots=(1, 5)),
    "emotions of the queries in Dirichlet(2) shares": replace(CROSS[1], alpha=2.0),
    "one person's, none wrong": PERSONAL[1],
    **{f"one person's, {share:.0%} wrong": replace(PERSONAL[1], wrong=share) for share in WRONG},
}
#: Who shows which emotion is drawn so many times.
DRAWS = 5
#: One of a person's emotions may have four clips only.
TWO = Setting(ways=2, shots=3, episodes=120)
ONE_EMOTION, ALL_EMOTIONS = (
    tuple(
        Trial(
            f"RAVDESS, actors 15–18, draw {seed} of {told}",
            "ravdess_speech",
            Selection(speakers="15-18", emotions_per_speaker=count, seed=seed),
        )
        for seed in range(DRAWS)
    )
    for count, told in ((1, "one emotion each"), (2, "two emotions each"))
)
FEW_METHODS = ("prototype", "prototype-speaker", OURS)
WITH_UNLABELLED = with_unlabelled(5, "cross")


def jobs() -> list[Job]:
    """The longest first."""
    return [
        Job(VOICES, METHODS, tuple(HARDER.values())),
        *(Job(trial, FEW_METHODS, (TWO,)) for trial in (*ONE_EMOTION, *ALL_EMOTIONS)),
    ]


def tables(found: Found) -> list[Table]:
    """One table of hardships, one of people who show few emotions."""
    harder = []
    for hardship, setting in HARDER.items():
        results = [found[VOICES, setting, name] for name in METHODS]
        told = best_bold([figure(each) for each in results], [each.accuracy for each in results])
        harder.append((hardship, episodes_in_words(setting), *told))
    few = []
    for told, trials in (("one", ONE_EMOTION), ("two", ALL_EMOTIONS)):
        few.append((told, *_over_draws([[found[trial, TWO, name] for trial in trials] for name in FEW_METHODS])))
    return [
        Table(f"Hardships: {VOICES.name}", "", ("hardship", "episodes", *METHODS), tuple(harder)),
        Table(
            "People who show few emotions: RAVDESS, actors 15–18 (voice)",
            f"{episodes_in_words(TWO)}; which emotions each person shows is drawn {DRAWS} times, with {TWO.episodes} "
            "episodes each. Methods that normalise by speaker see nothing of a person but these emotions. The "
            "intervals are Student's, over the draws.",
            ("emotions of each person", *FEW_METHODS),
            tuple(few),
        ),
    ]


def _over_draws(methods: Sequence[Sequence[Result]]) -> list[str]:
    """Each method's mean over its draws and half the 95 % interval of that, the best in bold."""
    accuracy = np.array([[each.accuracy for each in draws] for draws in methods])
    means = accuracy.mean(axis=1)
    half = stats.t.ppf(0.975, DRAWS - 1) * accuracy.std(axis=1, ddof=1) / DRAWS**0.5
    return best_bold([f"{mean:.3f} ± {ci:.3f}" for mean, ci in zip(means, half, strict=True)], means.tolist())
