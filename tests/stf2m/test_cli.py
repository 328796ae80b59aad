import io
import json
import os
import shutil
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from stf2m.__main__ import main

ROOT = Path(__file__).resolve().parents[2]
EMOTIONS = {"03": "happy", "04": "sad", "05": "angry"}


def stf2m(*arguments: object, home: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command line as people do."""
    environment = {**os.environ, "COLUMNS": "120"} | ({"STF2M_HOME": str(home)} if home else {})
    command = [sys.executable, "-m", "stf2m", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False)


def run(*arguments: object, home: Path | None = None) -> tuple[int, str, str]:
    """Run the command line in this process, which has loaded everything already: exit code and what is printed."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr(sys, "argv", ["stf2m", *map(str, arguments)])
        patch.chdir(ROOT)
        if home:
            patch.setenv("STF2M_HOME", str(home))
        with pytest.raises(SystemExit) as stopped:
            main()
    return int(stopped.value.code or 0), out.getvalue(), err.getvalue()


def told(*arguments: object, home: Path | None = None) -> dict:
    """The JSON that a command prints."""
    code, out, err = run(*arguments, "--json", "-", home=home)
    assert code == 0, err
    return json.loads(out)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def voices(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three emotions of four actors: 48 real recordings."""
    folder = tmp_path_factory.mktemp("voices")
    for emotion in EMOTIONS:
        for path in (data_dir / "ravdess_speech" / "audio").glob(f"03-01-{emotion}-*-*-02-1[5-8].flac"):
            shutil.copy(path, folder)
    return folder


def refused(*arguments: object, home: Path | None = None) -> str:
    """The one line that a command says which must fail."""
    code, out, err = run(*arguments, home=home)
    assert (code, out) == (2, "")
    [line] = err.splitlines()
    return line


def test_help_names_the_commands():
    done = stf2m("--help")
    assert done.returncode == 0
    assert all(name in done.stdout for name in ("analyse", "evaluate", "meta-train", "rules"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "Missing command"),
        (["analyse", "absent.mp4"], "absent.mp4"),
        (["analyse", "pyproject.toml"], "pyproject.toml"),
        (["evaluate", "tests"], "tests holds no labels.csv"),
        (["evaluate", "tests", "--method", "magic"], "There is no method magic"),
        (["evaluate", "tests", "--checkpoint", "nowhere"], "There is no model in"),
        (["evaluate", "tests", "--protocol", "both"], "cross"),
        (["evaluate", "tests", "--ways", "1"], "--ways"),
        (["evaluate", "tests", "--shots", "5-1"], "--shots takes a number from 1 up, or two such as 1-5, not '5-1'"),
        (["evaluate", "tests", "--shots", "few"], "not 'few'"),
        (["evaluate", "tests", "--balance", "0"], "--balance takes uniform or a number above 0, not '0'"),
        (["evaluate", "tests", "--balance", "nan"], "not 'nan'"),
        (["evaluate", "tests", "--wrong", "1.5"], "--wrong"),
        (["evaluate", "tests", "--emotions-per-speaker", "0"], "--emotions-per-speaker"),
        (["rules", "--emotion", "envious"], "envious"),
        (["meta-train", "absent.toml", "--out", "nowhere"], "absent.toml"),
    ],
)
def test_what_is_wrong_is_one_line_and_exit_code_2(arguments, said):
    assert said in refused(*arguments)


def test_a_refusal_reaches_the_shell():
    done = stf2m("evaluate", "absent")
    assert (done.returncode, done.stdout, done.stderr) == (2, "", "absent is not a folder.\n")


@pytest.mark.data
def test_a_silent_clip_is_answered_from_the_face_alone(real_clips):
    answer = told("analyse", real_clips["happy.mp4"])
    assert answer["modalities"] == ["face"]
    assert answer["missing"]["voice"] == "This clip has no sound."
    assert answer["missing"].keys() == {"voice", "text"}
    segments = answer["segments"]
    assert segments[0]["start_s"] == 0
    assert segments[-1]["end_s"] == pytest.approx(answer["duration_s"], abs=0.01)
    for segment in segments:
        assert sum(segment["memberships"].values()) == pytest.approx(1, abs=0.01)
        assert segment["shares"] == {"face": 1.0}
        assert 0 <= segment["uncertainty"] <= 1
        for rule in segment["rules"]:
            assert rule["conditions"][0].keys() >= {"cue", "term", "unit", "value"}


@pytest.mark.data
def test_the_timeline_in_the_terminal_shows_reasons_and_the_words_beside_the_clip(real_clips, tmp_path):
    clip = shutil.copy(real_clips["M030_sad_3_001.mp4"], tmp_path)
    (tmp_path / "M030_sad_3_001.srt").write_text("1\n00:00:00,200 --> 00:00:03,200\nMarmalade sandwiches\n")
    done = stf2m("analyse", clip)
    assert done.returncode == 0, done.stderr
    assert "face, voice, text" in done.stdout
    assert "Words from subtitles." in done.stdout
    assert "Marmalade" in done.stdout
    assert "█" in done.stdout
    assert " is " in done.stdout.split("because")[1]


@pytest.mark.data
def test_methods_are_compared_on_the_same_episodes(voices, home, tmp_path):
    options = ["evaluate", voices, "--ways", 3, "--shots", 2, "--episodes", 60, "--speakers", "15,16,17"]
    both = told(*options, "--method", "prototype,stf2m", "--method", "logistic", home=home)["results"]
    assert [each["method"] for each in both] == ["prototype", "stf2m", "logistic"]
    assert 0 < both[1]["ece_before"] < 1
    assert both[0]["ece_before"] is None
    for each in both:
        assert 1 / 3 < each["accuracy"] <= 1
        assert 0 < each["ci95"] < 0.1
        assert (each["ways"], each["shots"], each["protocol"], each["episodes"]) == (3, 2, "cross", 60)
        assert each["recall"].keys() == set(EMOTIONS.values())
    assert both[0]["trained_on"].endswith("speakers 18")
    assert "ravdess_speech" in both[1]["trained_on"]
    alone = told(*options, "--method", "prototype", home=home)
    assert alone["accuracy"] == both[0]["accuracy"]
    assert list(home.rglob("voice-*/*.npz"))
    written = tmp_path / "result.json"
    personal = run(*options, "--method", "prototype", "--protocol", "personal", "--json", written, home=home)
    assert personal[:2] == (0, ""), personal[2]
    assert json.loads(written.read_text())["protocol"] == "personal"


@pytest.mark.data
def test_every_hardship_is_an_option_and_told(voices, home):
    options = [
        "evaluate",
        voices,
        "--ways",
        2,
        "--episodes",
        30,
        "--protocol",
        "cross",
        "--method",
        "prototype,logistic",
    ]
    hard = ["--shots", "1-4", "--balance", 2, "--wrong", 0.2, "--transductive", "--modalities", "voice,text", "--hard"]
    prototype, logistic = told(*options, *hard, "--emotions-per-speaker", 1, home=home)["results"]
    expected = {
        "shots": "1-4",
        "balance": 2.0,
        "wrong": 0.2,
        "soft": False,
        "modalities": ["voice"],
        "emotions_per_speaker": 1,
        "left_out": 0,
        "examples": 16,
    }
    for each in (prototype, logistic):
        assert {name: each[name] for name in expected} == expected
        assert len(each["recall"]) == 2
        for name in ("ece", "brier", "aurc", "aurc_softmax"):
            assert 0 <= each[name] <= 2
    assert prototype["transductive"]
    assert not logistic["transductive"]


@pytest.mark.data
def test_unseen_emotions_are_kept_out_of_the_training_and_the_table_says_so(voices, home):
    options = ["--ways", 2, "--shots", 1, "--episodes", 20, "--speakers", "15-17", "--method", "prototype"]
    code, out, err = run("evaluate", voices, *options, "--emotions", "joy,anger", "--unseen", home=home)
    assert code == 0, err
    assert "2-way 1-shot, cross, 20 episodes, seed 0" in out
    assert "without angry," in out


@pytest.mark.data
@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--speakers", "19-24"], "no speaker 19-24"),
        (["--shots", 40], "40 examples"),
        (["--emotions", "bored"], "bored"),
        (["--modalities", "smell"], "no modality smell; there are face, text, voice"),
        (["--modalities", "face"], "shows face"),
        (["--ways", 2, "--shots", 1, "--wrong", 0.5], "1 of 2 support labels wrong only one emotion is left"),
    ],
)
def test_a_test_that_cannot_be_is_refused(voices, home, options, said):
    assert said in refused("evaluate", voices, "--ways", 3, "--method", "prototype", *options, home=home)


def test_rules_are_sentences_of_their_own_conditions_and_can_be_taken_away(home):
    rules = told("rules")["rules"]
    assert len(rules) >= 8
    for rule in rules:
        assert rule.keys() >= {"conditions", "consequent", "weight", "text"}
        for condition in rule["conditions"]:
            assert f"{condition['cue']} is {condition['term']}" in rule["text"]
            assert condition.keys() >= {"cue", "term", "unit"}
        assert sum(rule["consequent"].values()) == pytest.approx(1, abs=0.01)
    table = home / "rules.csv"
    happy = told("rules", "--emotion", "joy", "--csv", table, "--latex", home / "rules.tex")["rules"]
    assert happy == [rule for rule in rules if max(rule["consequent"], key=rule["consequent"].get) == "happy"]
    assert len(table.read_text(encoding="utf-8").splitlines()) == 1 + sum(len(rule["conditions"]) for rule in happy)
    assert r"\toprule" in (home / "rules.tex").read_text(encoding="utf-8")
