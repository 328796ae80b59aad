"""The people of a study: progress, accepted suggestions, agreement in words, and two people's models side by side."""

from datetime import date

import numpy as np
import pytest

from annotations.agreement import Figure, Moment, of_study
from annotations.records import AnswerRecord
from app import team
from app.adapting import NotEnoughCorrections
from app.comparing import Comparing
from app.figures import agreement as figures
from app.pages import team_html
from app.studio import Studio
from app.team import Accepted, Part

STUDY = 1
TALKING, SILENT = 1, 2


@pytest.fixture
def ana(studio: Studio) -> int:
    return studio.annotator("Ana").id


@pytest.fixture
def bob(studio: Studio) -> int:
    return studio.annotator("Bob").id


def _progress(share: float, stage: str) -> None:
    pass


def _progress_of(studio: Studio) -> team.Progress:
    return team.progress(studio, STUDY, studio.corrections(STUDY))


def _label(studio: Studio, who: int, *emotions: str, clip: int = TALKING) -> None:
    """Two seconds of each, one after the other with two seconds between."""
    for number, emotion in enumerate(emotions):
        studio.labels.correct(clip, who, 4.0 * number, 4.0 * number + 2.0, {emotion: 1.0})


def test_progress_counts_annotations_time_and_finished_clips(studio: Studio, ana: int, bob: int):
    _label(studio, ana, "sad", "angry")
    studio.labels.correct(TALKING, ana, 1.0, 3.0, {"happy": 1.0})
    studio.store.visit(SILENT, ana, 3.0)
    studio.store.finish(TALKING, bob, True)
    found = _progress_of(studio)
    duration_s = studio.clip(TALKING).duration_s
    assert [(each.name, each.annotations, each.begun, each.finished) for each in found.people] == [
        ("Ana", 3, 1, 0),
        ("Bob", 0, 0, 1),
    ]
    parts = found.clips[0].parts
    assert parts == {"Ana": Part(3, pytest.approx(5.0 / duration_s), False), "Bob": Part(0, 0.0, True)}
    assert found.clips[1].parts == {}
    both = duration_s + studio.clip(SILENT).duration_s
    assert found.people[0].labelled == pytest.approx(5.0 / both)
    shown = team_html.progress(found)
    assert "✓ finished" in shown
    assert f"data-go='{TALKING}'" in shown


def test_accepted_suggestions_are_told_by_person_and_by_what_was_seen_before(studio: Studio, ana: int, bob: int):
    version = studio.version(STUDY).id
    for at, who, emotion, shown in ((0, ana, "sad", True), (2, ana, "happy", True), (4, ana, "sad", False)):
        answer = AnswerRecord(version, at, at + 1.0, {"sad": 0.7, "happy": 0.3}, shown)
        studio.store.annotate(TALKING, who, at, at + 1.0, {emotion: 1.0}, suggestion=answer)
    studio.store.annotate(TALKING, bob, 6.0, 7.0, {"sad": 1.0})
    consensus = studio.store.consensus().id
    studio.store.annotate(TALKING, consensus, 0.0, 1.0, {"sad": 1.0}, suggestion=answer, by=bob)
    found = team.accepted(studio, studio.corrections(STUDY))
    assert found == [Accepted("Ana", "suggestions first", 2, 1), Accepted("Ana", "label first", 1, 1)]
    assert "1 of 2" in team_html.accepted(found)
    assert "Nobody has answered a suggestion yet" in team_html.accepted([])


def test_what_is_missing_for_agreement_is_said(studio: Studio, ana: int, bob: int):
    assert "Nobody has labelled anything yet" in team_html.progress(_progress_of(studio))
    assert "Agreement needs two people; nobody" in team_html.agreement(of_study(studio.store, STUDY), 0)
    _label(studio, ana, "sad")
    assert "Agreement needs two people; one person" in team_html.agreement(of_study(studio.store, STUDY), 1)
    studio.labels.correct(TALKING, bob, 10.0, 12.0, {"sad": 1.0})
    assert "never the same moment" in team_html.agreement(of_study(studio.store, STUDY), 2)
    studio.labels.correct(TALKING, bob, 0.0, 2.0, {"sad": 1.0})
    kinds = of_study(studio.store, STUDY)
    assert "not defined, because everybody chose sad all the time" in team_html.agreement(kinds, 2)
    assert "everybody chose something else than angry" in team_html.emotions(kinds["audiovisual"])
    assert "Ana and Bob" in team_html.pairs(kinds["audiovisual"])


def test_names_and_emotions_cannot_put_markup_on_the_page(studio: Studio, ana: int):
    evil = studio.annotator("<img src=x onerror=alert(1)>").id
    _label(studio, ana, "sad", "angry", "sad", "angry")
    _label(studio, evil, "angry", "sad", "angry", "sad")
    kinds = of_study(studio.store, STUDY)
    compared = Comparing(studio).compare(STUDY, ana, evil, _progress)
    shown = [
        team_html.progress(_progress_of(studio)),
        team_html.accepted(team.accepted(studio, studio.corrections(STUDY))),
        team_html.pairs(kinds["audiovisual"]),
        team_html.comparison(compared),
        team_html.stretches(compared),
    ]
    assert all("&lt;img" in each and "<img" not in each for each in shown)


def test_two_peoples_models_differ_where_their_corrections_do(studio: Studio, ana: int, bob: int):
    """Ana and Bob call the same moments sad and angry the other way round; and nothing of it is kept as a version."""
    _label(studio, ana, "sad", "angry", "sad", "angry")
    _label(studio, bob, "angry", "sad", "angry", "sad")
    before = studio.versions(STUDY)
    comparing = Comparing(studio)
    found = comparing.compare(STUDY, ana, bob, _progress)
    assert (found.names, found.corrections) == (("Ana", "Bob"), (4, 4))
    assert found.same < 0.9
    place = {name: number for number, name in enumerate(found.emotions)}
    assert found.seconds[place["sad"], place["angry"]] > 1
    told = sum(each.end_s - each.start_s for each in found.differences)
    assert told == pytest.approx(found.seconds.sum() * (1 - found.same))
    lengths = [each.end_s - each.start_s for each in found.differences]
    assert lengths == sorted(lengths, reverse=True)
    assert studio.versions(STUDY) == before
    assert comparing.compare(STUDY, ana, bob, _progress) is found
    studio.labels.correct(TALKING, bob, 18.0, 20.0, {"sad": 1.0})
    assert comparing.compare(STUDY, ana, bob, _progress) is not found
    swapped = comparing.compare(STUDY, bob, ana, _progress)
    np.testing.assert_allclose(swapped.seconds, comparing.compare(STUDY, ana, bob, _progress).seconds.T)
    shown = figures.confusion(found.seconds, found.emotions, found.names).data[0]
    assert shown.z[place["sad"]][place["angry"]] == found.seconds[place["sad"], place["angry"]]


def test_a_model_of_too_few_corrections_is_refused_by_name(studio: Studio, ana: int, bob: int):
    _label(studio, ana, "sad", "angry", "sad")
    _label(studio, bob, "sad")
    with pytest.raises(NotEnoughCorrections, match="From Bob alone: 2 more corrections"):
        Comparing(studio).compare(STUDY, ana, bob, _progress)
    with pytest.raises(NotEnoughCorrections, match="two different people"):
        Comparing(studio).compare(STUDY, ana, ana, _progress)


def test_figures_over_time_leave_gaps_where_agreement_is_not_defined():
    known = Moment(4.0, Figure(75.0), Figure(None, "not defined, because everybody chose sad"), Figure(0.6))
    unknown = Moment(0.0, *[Figure(None, "not defined, because no moment was labelled by two people")] * 3)
    days = figures.by_day({date(2026, 3, 1): known, date(2026, 3, 4): unknown})
    assert [list(line.y) for line in days.data] == [[0.75, None], [None, None], [0.6, None]]
    assert len({(line.line.dash, line.marker.symbol) for line in days.data}) == 3
    over = figures.over_a_clip([known, unknown], 4.0, 6.0, TALKING)
    (bars,) = over.data
    assert (list(bars.x), list(bars.width)) == ([2.0, 5.0], [4.0, 2.0])
    assert (bars.y[0], bars.marker.pattern.shape[0]) == (75.0, "")
    assert bars.marker.pattern.shape[1] == "/"
    assert "75 % of the pairs on 4.0 s, AC1 0.60" in bars.customdata[0]
    assert bars.customdata[1] == "4.0–6.0 s: not defined, because no moment was labelled by two people"
    assert over.layout.meta["clip"] == TALKING
