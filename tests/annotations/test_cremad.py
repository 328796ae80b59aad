import csv
from itertools import islice
from pathlib import Path

import krippendorff
import pytest

from annotations import agreement, cremad
from annotations.__main__ import main
from annotations.records import AnnotationError
from annotations.store import Store

VOTES = """\
"","A","D","F","H","N","S","fileName","numResponses","meanAngerResp","meanDisgustResp","meanFearResp",\
"meanHappyResp","meanNeutralResp","meanSadResp"
"100001",2,0,0,0,1,0,"1001_IEO_ANG_HI",3,64.5,-1,-1,-1,20,-1
"200001",3,0,0,0,0,0,"1001_IEO_ANG_HI",3,90,-1,-1,-1,-1,-1
"300002",0,0,0,1,0,1,"1001_IEO_HAP_LO",2,-1,-1,-1,40,-1,30
"""
RESPONSES = """\
"","localid","pos","ans","ttr","queryType","numTries","clipNum","questNum","subType","clipName","sessionNums"
"1","17","3","A_72","1800",1,0,1,4,4,"1001_IEO_ANG_HI",1
"2","23","8","N_55","2100",1,1,1,9,4,"1001_IEO_ANG_HI",2
"3","17","5","H_30","1500",3,0,2,2,4,"1001_IEO_HAP_LO",1
"""


def test_counted_votes_become_annotations_of_raters_without_names(tmp_path: Path):
    (tmp_path / "processedResults").mkdir()
    (tmp_path / "processedResults" / cremad.VOTES).write_text(VOTES)
    assert cremad.recognise(tmp_path)
    content = cremad.read(tmp_path)
    assert [(clip.name, clip.has_video, clip.has_sound) for clip in content.clips] == [
        ("1001_IEO_ANG_HI (voice only)", False, True),
        ("1001_IEO_ANG_HI (face only)", True, False),
        ("1001_IEO_HAP_LO (audiovisual)", True, True),
    ]
    assert [(label.annotator, dict(label.degrees), label.intensity) for label in content.labels[:3]] == [
        ("unnamed rater 01", {"angry": 1.0}, 0.645),
        ("unnamed rater 02", {"angry": 1.0}, 0.645),
        ("unnamed rater 03", {"neutral": 1.0}, 0.2),
    ]
    figures = agreement.measure(content)
    assert {kind: each.percent_agreement.value for kind, each in figures.items()} == {
        "voice": pytest.approx(100 / 3),
        "face": 100.0,
        "audiovisual": 0.0,
    }


def test_the_table_of_responses_says_who_rated_what(tmp_path: Path):
    (tmp_path / cremad.RESPONSES).write_text(RESPONSES)
    (tmp_path / cremad.VOTES).write_text(VOTES)
    content = cremad.read(tmp_path)
    assert [(label.clip.name, label.annotator, label.emotion, label.intensity) for label in content.labels] == [
        ("1001_IEO_ANG_HI (voice only)", "rater 17", "angry", 0.72),
        ("1001_IEO_ANG_HI (voice only)", "rater 23", "neutral", 0.55),
        ("1001_IEO_HAP_LO (audiovisual)", "rater 17", "happy", 0.3),
    ]
    assert agreement.measure(content)["voice"].pairs[0].annotators == ("rater 17", "rater 23")


@pytest.mark.parametrize(
    "wrong", [VOTES.replace('"100001",2', '"100001",two'), VOTES.replace('"A"', '"B"'), "\x00\xff"]
)
def test_a_table_of_another_shape_is_told_in_a_sentence(tmp_path: Path, wrong: str):
    (tmp_path / cremad.VOTES).write_text(wrong, "latin-1")
    with pytest.raises(AnnotationError, match=r"tabulatedVotes.csv"):
        cremad.read(tmp_path)


@pytest.mark.data
def test_real_votes_come_in_from_the_command_line_and_are_compared_by_kind(
    data_dir: Path, tmp_path: Path, monkeypatch, capfd
):
    """Forty clips of each kind; the alphas are those of the reference package on the very same counts."""
    with (data_dir / "cremad_votes" / cremad.VOTES).open(newline="") as file:
        rows = list(csv.reader(file))
    head, votes = rows[0], [row for kind in "123" for row in islice((r for r in rows if r[0][0:1] == kind), 40)]
    folder = tmp_path / "votes"
    folder.mkdir()
    with (folder / cremad.VOTES).open("w", newline="") as file:
        csv.writer(file).writerows([head, *votes])
    monkeypatch.delenv("STF2M_DATABASE_URL", raising=False)
    monkeypatch.setenv("STF2M_HOME", str(tmp_path / "home"))
    assert main(["import", str(folder), "--study", "CREMA-D"]) == 0
    said = capfd.readouterr().out
    assert said.startswith(f"{sum(int(row[8]) for row in votes)} labels added to CREMA-D")
    assert "and 110 more" in said
    store = Store(f"sqlite:///{tmp_path / 'home' / 'studio.sqlite3'}")
    figures = agreement.of_study(store, store.studies()[0].id)
    for kind, digit in (("voice", "1"), ("face", "2"), ("audiovisual", "3")):
        counts = [[int(each) for each in row[1:7]] for row in votes if row[0][0] == digit]
        expected = krippendorff.alpha(value_counts=counts, level_of_measurement="nominal")
        # A clip counts as ten moments of a tenth of a second, which alpha's correction for few ratings feels a little.
        assert figures[kind].krippendorff_alpha.value == pytest.approx(expected, abs=0.003)
        assert figures[kind].pairs == ()
    store.close()
