"""What each part of the method is worth: the same short training with one switch of the architecture off."""

from dataclasses import replace

from benchmarks.checkpoints import Training
from benchmarks.fewshot import CROSS, OURS, PERSONAL, VOICES
from benchmarks.report import Table
from benchmarks.trials import Found, Job, episodes_in_words, figure

SWITCHES = {
    "": "all of it",
    "fuzzy": "no fuzzy rules",
    "recurrent": "no recurrent learner: prototypes only",
    "temporal": "no temporal convolution",
    "spatial": "no spatial convolution",
    "mixing": "no mixing of dilations and sites by the view",
}
TRIALS = {
    switch: replace(VOICES, name=f"ablation: {told}", training=Training("voice", switch))
    for switch, told in SWITCHES.items()
}
SETTINGS = (*CROSS, *PERSONAL)


def jobs() -> list[Job]:
    """One training and its test each."""
    return [Job(trial, (OURS,), SETTINGS) for trial in TRIALS.values()]


def tables(found: Found) -> list[Table]:
    """Each ablation, and the fixed discriminant alone."""
    rows = [
        (SWITCHES[switch], *(figure(found[trial, setting, OURS]) for setting in SETTINGS))
        for switch, trial in TRIALS.items()
    ]
    alone = ("the discriminant alone (prototype)", *(figure(found[VOICES, each, "prototype"]) for each in SETTINGS))
    return [
        Table(
            f"Ablations: {VOICES.name}",
            "Trained on voices of RAVDESS' actors 1–12 alone, for fewer steps than the shipped checkpoint "
            "(`stf2m/recipes/voice.toml`), and chosen by actors 13 and 14; from corrections alone. Where something is "
            "better without a part, the part costs accuracy in voices: the rules are there to be read.",
            ("without", *(episodes_in_words(setting) for setting in SETTINGS)),
            (*rows, alone),
        )
    ]
