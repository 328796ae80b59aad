from dataclasses import dataclass
from pathlib import Path

import pytest
from rich.console import Console

from benchmarks import ablations, checkpoints, fewshot, mosi, pool, report, robustness, trust
from benchmarks.__main__ import RESULTS, ROOT, tables
from benchmarks.checkpoints import Training
from benchmarks.mosi import Result as OfMosi
from benchmarks.trials import Job
from stf2m.calibration import Quality
from stf2m.evaluation import Result, Setting
from stf2m.trust import Contrast, Trust

JOBS = (*fewshot.jobs(), *robustness.jobs(), *ablations.jobs(), *trust.jobs())


def result(method: str, setting: Setting, accuracy: float) -> Result:
    quality = Quality(0.1, 0.2 if method == "stf2m" else None, 1.0, 0.5, 0.3, 0.4, None, None)
    fall = Contrast(accuracy, 0.1, accuracy - 0.1, 0.01, 30)
    reasons = Trust(accuracy, fall, None, accuracy, 1.0, 3.0, 4, 1.0, accuracy, 1.0, 100, 30)
    told = (100, 10, ("voice",), "somebody", reasons)
    return Result(method, accuracy, 0.01, accuracy, {}, quality, 1.0, 20.0, setting, *told)


def everything(accuracy: float) -> dict:
    """What a run finds if every method is equally often right."""
    found: dict = {
        (job.trial, setting, name): result(name, setting, accuracy)
        for job in JOBS
        for setting in job.settings
        for name in job.methods
    }
    right, video = mosi.np.full(4, accuracy), mosi.np.array(["a", "a", "b", "b"])
    for title, methods in mosi.tables().items():
        found[title] = [OfMosi(method.name, right, video) for method in methods]
    return found


def test_the_jobs_give_every_table_what_it_shows():
    figures, more = tables(everything(0.75))
    for table in (*figures, *more):
        assert table.rows
        assert all(len(row) == len(table.header) for row in table.rows), table.title
    assert len({job.trial.training for job in JOBS if job.trial.training}) == sum(
        bool(job.trial.training) for job in JOBS
    ), "no two processes train the same"


def test_a_figure_is_bold_when_it_is_as_good_as_it_has_to_be():
    def first(accuracy: float) -> str:
        return fewshot.headline(everything(accuracy))[0].rows[0][5]

    assert first(0.70) == "**0.700 ± 0.010**"
    assert first(0.69) == "0.690 ± 0.010"
    words = fewshot.headline(everything(0.5))[0].rows[-1]
    assert words[3:6] == ("0.550", "0.620", "0.500 ± 0.010"), "as much above the plain recipe"


def test_figures_of_trust_are_bold_where_they_are_as_aimed():
    aims, voices, *_ = trust.tables(everything(0.95))[0].rows
    assert aims[:3] == ("aim", "≥ 90%", "more than others")
    assert voices[1:4] == (
        "**95.0%**",
        "**0.950, others 0.100 (difference +0.850 ± 0.010)**",
        "no sentence names a cue",
    )
    assert trust.tables(everything(0.5))[0].rows[1][1] == "50.0%"


def test_nothing_is_trained_on_whom_it_is_tested_with():
    for job in JOBS:
        training = job.trial.training
        if training and job.trial.folder == "ravdess_speech":
            assert 'speakers = "1-14"' in training.text
    assert 'without = ["calm", "disgust", "fearful"]' in Training("unseen").text
    assert job_named("CK+48").trial.train_on == "fer2013"


def job_named(start: str) -> Job:
    return next(job for job in JOBS if job.trial.name.startswith(start))


def test_a_checkpoint_of_another_recipe_or_other_code_is_another_one(monkeypatch):
    whole, without = Training("voice"), Training("voice", "fuzzy")
    assert without.text.endswith("[architecture]\nfuzzy = false\n")
    assert without.folder != whole.folder
    assert whole.folder == Training("voice").folder
    before = whole.folder
    monkeypatch.setattr(checkpoints, "MAKERS", checkpoints.MAKERS[:-1])
    assert whole.folder != before


@dataclass(frozen=True)
class Doing:
    name: str
    beside: Path | None = None

    def run(self, share: float, progress) -> dict[str, float]:
        progress(0.5, "half")
        if self.name == "fails":
            raise OSError("The disk is full.")
        if self.beside:
            with self.beside.open("a") as file:
                file.write("done\n")
        return {self.name: share}


def test_a_failure_is_raised_and_what_was_found_before_is_not_sought_again(monkeypatch, tmp_path: Path):
    monkeypatch.setenv("STF2M_HOME", str(tmp_path / "home"))
    console, job = Console(quiet=True), Doing("one", tmp_path / "log")
    with pytest.raises(OSError, match="disk is full"):
        pool.results([job, Doing("fails")], 0.5, 1, console)
    assert pool.results([job], 0.5, 1, console) == {"one": 0.5}
    assert (tmp_path / "log").read_text() == "done\n"


def test_figures_are_put_between_the_markers(tmp_path: Path):
    file = tmp_path / "README.md"
    file.write_text(f"before\n{report.marked('| old |')}\nafter\n", encoding="utf-8")
    report.put(file, "| new |\n| --- |")
    assert (
        file.read_text(encoding="utf-8")
        == "before\n<!-- figures -->\n| new |\n| --- |\n<!-- end of figures -->\nafter\n"
    )
    file.write_text("nothing")
    with pytest.raises(ValueError, match="figures"):
        report.put(file, "| new |")


def test_readme_shows_the_figures_of_the_results():
    results, readme = (report.between(file.read_text(encoding="utf-8")) for file in (RESULTS, ROOT / "README.md"))
    assert readme.replace("### ", "## ") == results
    assert results.count("±") > 20
