"""What is tested: trials, the settings in which methods are compared in them, and the results by both."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from benchmarks.checkpoints import Training, trained
from stf2m.comparison import compare, fit, prepare
from stf2m.datasets import Selection
from stf2m.evaluation import Progress, Result, Setting
from stf2m.methods import method
from stf2m.recipe import data_folder

#: Episodes of each row, in full.
EPISODES = 600
EVERYBODY = Selection()


@dataclass(frozen=True)
class Trial:
    """Who is tested in which data set. Methods that train learn from its other people or from ``train_on``, with
    ``unseen`` not from the tested emotions; the ST-F2M methods are the shipped checkpoint or one of a ``training``.
    """

    name: str
    folder: str
    selection: Selection = EVERYBODY
    train_on: str = ""
    unseen: bool = False
    training: Training | None = None


Key = tuple[Trial, Setting, str]
#: The result of each method in each setting of each trial.
Found = Mapping[Key, Result]


@dataclass(frozen=True)
class Job:
    """Methods in some settings of one trial: what one process does in one go; ``explain``: their reasons as well."""

    trial: Trial
    methods: tuple[str, ...]
    settings: tuple[Setting, ...]
    explain: bool = False

    @property
    def name(self) -> str:
        """For people who wait."""
        return f"{self.trial.name}: {', '.join(self.methods)}"

    def run(self, share: float, progress: Progress) -> dict[Key, Result]:
        """Test with this share of the episodes; train the checkpoint before where it is not there.

        Raises as :func:`stf2m.comparison.prepare`, :func:`stf2m.comparison.compare` and
        :func:`benchmarks.checkpoints.trained`.
        """
        trial, root = self.trial, data_folder()
        checkpoint = trained(trial.training, progress) if trial.training else None
        methods = [method(name, checkpoint) for name in self.methods]
        progress(0.0, "reading")
        material = prepare(
            root / trial.folder,
            trial.selection,
            train_on=root / trial.train_on if trial.train_on else None,
            unseen=trial.unseen,
            learning=any(not each.origin for each in methods),
        )
        progress(0.0, "fitting")
        fit(methods, material)
        found: dict[Key, Result] = {}
        for number, setting in enumerate(self.settings):
            fewer = replace(setting, episodes=max(round(share * setting.episodes), 2))

            def told(part: float, stage: str, done: int = number) -> None:
                progress((done + part) / len(self.settings), stage)

            for result in compare(methods, material, fewer, progress=told, explain=self.explain):
                found[trial, setting, result.method] = result
        return found


def figure(result: Result) -> str:
    """``0.712 ± 0.009``: mean accuracy and half its 95 % interval."""
    return f"{result.accuracy:.3f} ± {result.ci95:.3f}"


def episodes_in_words(setting: Setting) -> str:
    """``5-way 1-shot, cross``."""
    return f"{setting.ways}-way {setting.shots_in_words}-shot, {setting.protocol}"
