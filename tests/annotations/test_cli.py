import json
import os
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


def run(home: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command as a person runs it."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("STF2M_")}
    return subprocess.run(
        [sys.executable, "-m", "annotations", *arguments],
        cwd=ROOT,
        env={**plain, "STF2M_HOME": str(home), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "labels.csv"
    path.write_text(TABLE, "utf-8")
    return path


def test_labels_come_in_are_compared_and_go_out(tmp_path: Path, table: Path):
    home = tmp_path / "home"
    said = run(home, "import", str(table), "--study", "Pilot study")
    assert (said.returncode, said.stderr) == (0, "")
    assert said.stdout.startswith("3 labels added to Pilot study, 0 were there already.")

    figures = json.loads(run(home, "agreement", "--study", "Pilot study", "--json", "-").stdout)
    assert figures["audiovisual"]["percent_agreement"] == pytest.approx(50.0)
    assert figures["audiovisual"]["krippendorff_alpha"] == pytest.approx(1 - 0.5 / (2 * 10 * 30 / (40 * 39)))
    shown = run(home, "agreement", "--study", "Pilot study").stdout
    assert "audiovisual: 1 clips, 2 people, 2.0 s labelled by two or more" in shown

    out = tmp_path / "out.json"
    assert run(home, "export", "--study", "Pilot study", "--format", "json", "--out", str(out)).returncode == 0
    other = f"sqlite:///{tmp_path / 'other.sqlite3'}"
    assert run(home, "import", str(out), "--study", "Copy", STF2M_DATABASE_URL=other).returncode == 0
    again = run(home, "export", "--study", "Copy", "--format", "csv", "--out", "-", STF2M_DATABASE_URL=other)
    assert again.stdout.splitlines()[1].startswith("a.mp4,")
    assert ",'=1+1,1.0," in again.stdout
    store = Store(other)
    assert [each.annotator for each in store.annotations()] == ["Ana", "Bob", "Bob"]
    store.close()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("STF2M_DATABASE_URL", raising=False)
    monkeypatch.setenv("STF2M_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ("agreement --study Nope", "There is no study 'Nope'; there are 'Demo'."),
        ("import bad.csv --study Demo", "bad.csv: Row 2: start_s must be a number, not 'zero'."),
        ("import no.csv --study Demo", "no.csv cannot be read: No such file or directory."),
        ("import home/studio.sqlite3 --study Demo", "studio.sqlite3 is of no format that can be imported"),
        ("export --study Demo --format xls --out -", "There is no format 'xls'; there are csv, json."),
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
