"""How far the reasons can be trusted: rules beside the model, named cues beside others, sentences beside noise."""

from dataclasses import replace

from benchmarks.fewshot import CROSS, FACES, OURS, VOICES, WORDS
from benchmarks.report import Table, bold
from benchmarks.trials import Found, Job, episodes_in_words
from stf2m.trust import DRAWS, NOISE, SENTENCES, STRONGEST, Figure, figures

SETTING = CROSS[1]
#: Another test by its name, since several jobs have results of the same voices without reasons.
HEARD = replace(VOICES, name=f"{VOICES.name}, reasons")
TRIALS = {VOICES.name: HEARD, FACES.name: FACES, WORDS.name: WORDS}


def jobs() -> list[Job]:
    """What :mod:`benchmarks.fewshot` does not test with its reasons anyhow."""
    return [Job(HEARD, (OURS,), (SETTING,), explain=True)]


def tables(found: Found) -> list[Table]:
    """A row for each test, the aims above."""
    trusts = {name: found[trial, SETTING, OURS].trust for name, trial in TRIALS.items()}
    told = {name: figures(trust) for name, trust in trusts.items() if trust}
    first = next(iter(told.values()))
    rows = [(name, *map(_cell, row)) for name, row in told.items()]
    return [
        Table(
            "How far reasons can be trusted",
            f"{episodes_in_words(SETTING)}, from corrections alone. *fidelity*: how often the {STRONGEST} strongest "
            "rules alone give the model's answer. *comprehensiveness*: how far the degree of the answer falls when the "
            "cues that the sentence names become unknown; *sufficiency*: when nothing is known but these (DeYoung et "
            f"al. 2020); beside as many other measured cues of the same segment, {DRAWS} draws, with the mean paired "
            "difference and half its 95 % interval. *stability*: how often the same cues and terms are named after "
            f"noise of {NOISE:.0%} of each cue's typical range and each learned feature's deviation. *length*: "
            "conditions of a rule. *order*: cues and patterns whose terms are in order. *coverage*: segments with a "
            f"rule above 0.5. Fidelity and coverage on all queries, the others on {SENTENCES} drawn by the seed. "
            "Bold is as aimed.",
            ("test", *(each.name for each in first)),
            (("aim", *(each.aim for each in first)), *rows),
        )
    ]


def _cell(figure: Figure) -> str:
    return bold(figure.value, figure.reached is True)
