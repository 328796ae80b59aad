"""What the figures of the Views, Rules and Adapt tabs are made of, from a real studio with analysed clips."""

import numpy as np
import pytest

from app import inspection, rulebook
from app.pages import adapt_html
from app.pages.rules_html import list_html
from app.pages.views import heading_html
from app.studio import Studio
from app.widgets.cursor.moments import CHUNK_S, chunk
from stf2m.tracks import RATE_HZ


@pytest.fixture
def study_id(studio: Studio) -> int:
    return studio.studies()[0].id


def test_rules_are_counted_in_the_studys_own_clips_and_can_be_searched(studio: Studio, study_id: int) -> None:
    rules = rulebook.Rulebook(studio).rules(study_id)
    clips = inspection.ready_clips(studio, study_id)
    assert {each.segments for each in rules} == {sum(len(studio.predictions.segments(clip)) for clip in clips)}
    assert all(0 <= each.fires <= each.segments for each in rules)
    assert [each.rule.weight for each in rules] == sorted((each.rule.weight for each in rules), reverse=True)
    first = rules[0]
    cue = first.rule.conditions[0].cue
    found = rulebook.matching(rules, cue=cue, emotion=first.emotion, modality=first.modalities[0], words=f"IF {cue}")
    assert first in found
    assert all(cue in each.rule.text for each in found)
    assert rulebook.matching(rules, words="no such words") == []


def test_a_rule_leads_to_the_segments_that_fire_it_most_and_to_rules_like_it(studio: Studio, study_id: int) -> None:
    ana = studio.annotator("Ana").id
    clip = inspection.ready_clips(studio, study_id)[0]
    studio.labels.correct(clip.id, ana, 0.0, clip.duration_s, {"sad": 1.0})
    version = studio.version(study_id)
    book = rulebook.Rulebook(studio)
    rules = book.rules(study_id)
    assert book.rules(study_id) is rules
    for each in rules:
        assert sum(each.clips.values()) == each.fires
        assert set(each.labelled) <= {"sad"}
        strengths = [moment.strength for moment in each.moments]
        assert strengths == sorted(strengths, reverse=True)
        assert len(strengths) <= rulebook.MOST_MOMENTS
    fired = max(rules, key=lambda each: each.fires)
    assert fired.labelled["sad"] == fired.clips.get(clip.name, 0)
    most = max(
        float(studio.predictions.predict(each, version)[1].strength[:, fired.rule.number].max())
        for each in inspection.ready_clips(studio, study_id)
    )
    assert fired.moments[0].strength == pytest.approx(most)
    studio.labels.correct(clip.id, ana, 0.0, 2.0, {"happy": 1.0})
    assert book.rules(study_id) is not rules
    by_fires = rulebook.ordered(rules, "fires here")
    assert by_fires[0].fires == fired.fires
    groups = rulebook.grouped(rules)
    assert sorted(each.rule.number for group in groups for each in group) == sorted(each.rule.number for each in rules)
    for group in groups:
        assert {each.emotion for each in group} == {group[0].emotion}
    page = list_html(rules, len(rules), {}, studio.predictions.predict(clip, version)[1].strength)
    assert page.count("<polyline") == len(rules)
    assert f"data-go='{fired.moments[0].clip_id}'" in page


def test_firing_and_degrees_share_one_time_axis(studio: Studio, study_id: int) -> None:
    clip = inspection.ready_clips(studio, study_id)[0]
    version = studio.version(study_id)
    moments = inspection.moments(studio, clip, version)
    edges, firing = inspection.firing(studio, clip, version)
    np.testing.assert_array_equal(edges, moments.edges)
    assert edges[-1] == pytest.approx(clip.duration_s, abs=1e-3)
    known = ~np.isnan(firing[:, 0])
    np.testing.assert_allclose(firing[known].sum(axis=1), 1.0, atol=1e-4)
    assert moments.memberships.shape[1] == len(inspection.colours(studio.study(study_id)))


def test_cue_values_are_those_of_the_segments_in_their_unit(studio: Studio, study_id: int) -> None:
    (low, high) = inspection.variables(studio)["pitch"][0].typical
    values = inspection.cue_values(studio, study_id, "pitch")
    heard = values[~np.isnan(values)]
    assert len(heard)
    assert low / 2 < np.median(heard) < high * 2
    assert inspection.cue_values(studio, study_id, "voice pattern 1").size == 0


def test_the_player_gets_the_cues_and_the_face_of_the_minute_it_asks_for(studio: Studio, study_id: int) -> None:
    clip = next(clip for clip in inspection.ready_clips(studio, study_id) if clip.has_video)
    tracks = studio.tracks(clip.id)
    found = chunk(tracks, 0.0)
    smile = next(cue for cue in found["cues"] if cue["name"] == "smile")
    frames = min(len(tracks["face"]), int(CHUNK_S * RATE_HZ))
    assert len(smile["values"]) == frames
    assert found["points"]
    seen = int(np.flatnonzero(tracks["face"].valid)[0])
    assert smile["values"][seen] == pytest.approx(float(tracks["face"].cue("smile")[seen]), abs=1e-3)
    assert chunk(tracks, 3600.0)["points"] == ""


def test_a_missing_modality_says_why(studio: Studio, study_id: int) -> None:
    silent = next(clip for clip in inspection.ready_clips(studio, study_id) if not clip.has_sound)
    heading = heading_html(studio.tracks(silent.id)["voice"])
    assert "not there" in heading
    assert "no sound" in heading


def test_names_of_people_are_escaped_in_lists(studio: Studio, study_id: int) -> None:
    rules = rulebook.Rulebook(studio).rules(study_id)
    page = list_html(rules[:1], len(rules), {"<i>": "#000000"})
    assert f"1 of {len(rules)} rules" in page
    assert "<i>" not in page.replace("<i style", "")
    version = studio.version(study_id)
    clip = inspection.ready_clips(studio, study_id)[0]
    row = adapt_html.ClipRow(clip, *(inspection.stretches(studio, clip, version),) * 2)
    assert "same answers everywhere" in adapt_html.overview([row], 1, [], {"<b>happy": "#000000"})
    assert "<b>happy" not in adapt_html.overview([row], 1, [], {"<b>happy": "#000000"})


def test_intervals_are_honest_about_few_corrections() -> None:
    low, high = inspection.interval(5 / 7, 7)
    assert (round(low, 2), round(high, 2)) == (0.36, 0.92)
    assert inspection.interval(1.0, 1)[0] < 0.3
