import json
import subprocess
import sys
from pathlib import Path

import pytest

import annotations
from annotations.__main__ import main
from annotations.store import Store

ROOT = Path(annotations.__file__ or "").resolve().parents[1]

TABLE = """\
clip,annotator,start_s,end_s,emotion,note
a.mp4,Ana,0,2,happy,=1+1
a.mp4,Bob,0,1,happy,
a.mp4,Bob,1,2,sad,
"""


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "labels.csv"
    path.write_text(TABLE, "utf-8")
    return path


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("STF2M_DATABASE_URL", raising=False)
    monkeypatch.setenv("STF2M_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_the_module_runs_as_a_command(home: Path, table: Path):
    command = [sys.executable, "-m", "annotations", "import", str(table), "--study", "Pilot study"]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert said.stderr == ""
    assert said.stdout.splitlines() == [
        "3 labels added to Pilot study, 0 were there already.",
        "New clips without their video: a.mp4.",
    ]


def test_labels_come_in_are_compared_and_go_out(home: Path, table: Path, tmp_path: Path, monkeypatch, capfd):
    def run(*arguments: str) -> str:
        assert main(arguments) == 0
        said = capfd.readouterr()
        assert said.err == ""
        return said.out

    run("import", str(table), "--study", "Pilot study")
    figures = json.loads(run("agreement", "--study", "Pilot study", "--json", "-"))
    assert figures["audiovisual"]["percent_agreement"] == pytest.approx(50.0)
    assert figures["audiovisual"]["krippendorff_alpha"] == pytest.approx(1 - 0.5 / (2 * 10 * 30 / (40 * 39)))
    shown = run("agreement", "--study", "Pilot study")
    assert "audiovisual: 1 clip, 2 people, 2.0 s labelled by two or more" in shown

    out = tmp_path / "out.json"
    assert run("export", "--study", "Pilot study", "--format", "json", "--out", str(out)).startswith("3 labels written")
    monkeypatch.setenv("STF2M_DATABASE_URL", f"sqlite:///{tmp_path / 'other.sqlite3'}")
    run("import", str(out), "--study", "Copy")
    again = run("export", "--study", "Copy", "--format", "csv", "--out", "-")
    assert ",'=1+1,1.0," in again
    assert [line.split(",")[5] for line in again.splitlines()[1:]] == ["Ana", "Bob", "Bob"]


def test_an_export_says_what_it_could_not_hold(home: Path, table: Path, tmp_path: Path, capfd):
    assert main(["import", str(table), "--study", "Pilot"]) == 0
    capfd.readouterr()
    out = tmp_path / "a.TextGrid"
    assert main(["export", "--study", "Pilot", "--format", "textgrid", "--out", str(out)]) == 0
    assert capfd.readouterr().out.splitlines() == [
        f"3 labels written to {out}.",
        "TextGrid cannot hold notes: 1 dropped.",
        "TextGrid cannot hold a clip's name and content hash: 1 clip is known by the name of its file only.",
    ]
    assert main(["import", str(out), "--study", "Pilot"]) == 0
    assert capfd.readouterr().out == "1 labels added to Pilot, 2 were there already.\n"
    assert main(["export", "--study", "Pilot", "--format", "srt", "--clip", "a.mp4", "--out", "-"]) == 0
    said = capfd.readouterr()
    assert said.out.startswith("1\n00:00:00,000 --> 00:00:0")
    assert said.err.startswith("SRT cannot hold notes: 1 dropped.\n")
    assert main(["export", "--study", "Pilot", "--format", "srt", "--clip", "b.mp4", "--out", "-"]) == 2
    assert capfd.readouterr().err == "The study has no clip called 'b.mp4'.\n"


def test_a_file_without_an_end_is_not_read_to_its_end(home: Path, capfd):
    assert main(["import", "/dev/zero", "--study", "Pilot"]) == 2
    assert capfd.readouterr().err == "zero: The file is larger than 128 MiB.\n"


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ("agreement --study Nope", "There is no study 'Nope'; there are 'Demo'."),
        ("import bad.csv --study Demo", "bad.csv: Row 2: start_s must be a number, not 'zero'."),
        ("import no.csv --study Demo", "no.csv cannot be read: No such file or directory."),
        ("import home/studio.sqlite3 --study Demo", "studio.sqlite3: The file is of no format that can be imported"),
        ("export --study Demo --format xls --out -", "There is no format 'xls'; there are csv, json, parquet, "),
        ("export --study Demo --format csv --out no/x.csv", "no/x.csv cannot be written: No such file or directory."),
        ("export --study Demo", "Missing option '--format'."),
        ("agree", "No such command 'agree'."),
    ],
)
def test_mistakes_are_one_line_and_exit_code_2(home: Path, table: Path, command, sentence, monkeypatch, capfd):
    monkeypatch.chdir(table.parent)
    Path("bad.csv").write_text(TABLE.replace("0,2", "zero,2"))
    assert main(["import", "labels.csv", "--study", "Demo"]) == 0
    capfd.readouterr()
    assert main(command.split()) == 2
    said = capfd.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert said.err.startswith(sentence)


def test_looking_at_a_studio_that_is_not_there_makes_none(home: Path, capfd):
    assert main(["agreement", "--study", "Demo"]) == 2
    assert capfd.readouterr().err.startswith(f"There is no studio in {home}; set STF2M_HOME")
    assert not home.exists()


def test_a_study_without_labels_says_so(home: Path, capfd):
    store = Store(f"sqlite:///{home / 'studio.sqlite3'}")
    store.create_study("Empty", ["happy"])
    store.close()
    assert main(["agreement", "--study", "Empty"]) == 0
    assert capfd.readouterr().out == "Nobody has labelled anything in Empty.\n"
