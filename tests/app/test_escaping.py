"""What people, files and machines say is text in everything that the pages write as HTML."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from annotations.records import ClipRecord, ModelVersionRecord, UsedCorrection
from app import page
from app.adapting import Change
from app.pages import about, adapt_html, places, trust_html, views
from app.settings import Settings
from app.studio import Studio
from app.trusting import TrustHere
from stf2m.timeline import Stretch
from stf2m.tracks import Track
from stf2m.trust import Trust
from tests.stf2m.made import VOICE

EVIL = "</script>'\"><img src=x-evil>"
NOW = datetime.now(UTC)
CLIP = ClipRecord(1, 1, "ab" * 32, EVIL, 5.0, True, True, (EVIL,), "ready", "", NOW, None)
WHOSE = {"id": 1, "name": EVIL, "kind": "person"}
TRUST = Trust(0.9, None, None, 0.9, 0.9, 2.0, 3, 1.0, 0.9, 1.0, 100, 30)


def _version(**figures: Any) -> ModelVersionRecord:
    learned = (UsedCorrection(1, 1),)
    return ModelVersionRecord(2, 1, 2, 1, NOW, "adapted", ("sad",), learned, {"whose": WHOSE, **figures}, "x", True)


def _track() -> Track:
    """Of a modality that is not there."""
    values, embedding = np.zeros((1, len(VOICE.sites), VOICE.channels)), np.zeros((1, VOICE.embedding))
    return Track(VOICE, values, embedding, np.zeros((1, len(VOICE.cues))), np.zeros(1, bool), note=EVIL)


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Studio:
    """Without a clip."""
    studio = Studio(Settings(home=tmp_path_factory.mktemp("home")))
    studio.create_study("Mine", ["happy", "sad"])
    return studio


def _harmless(html: str, times: int = 1) -> None:
    """The text is there, and it is nothing but text."""
    assert "<img" not in html
    assert html.count("&lt;img") >= times


def _event(studio: Studio, name: str) -> Any:
    """What the page does at an event."""
    return next(each.fn for each in page.build(studio).fns.values() if each.api_name == name)


def test_who_edited_the_model_is_text_in_the_header() -> None:
    _harmless(page._version_html(_version(edited=[EVIL])), 2)


def test_what_was_learned_is_text_on_adapt() -> None:
    version = _version(edited=[EVIL], held_out=None)
    edited = _version(edit={"said": EVIL}, right={"corrections": 1, "before": 0, "after": 1})
    change = Change(1, EVIL, 0.0, 1.0, EVIL, EVIL)
    _harmless(adapt_html.readiness(1, EVIL))
    _harmless(adapt_html.report(version))
    _harmless(adapt_html.report(edited))
    _harmless(adapt_html.edits([EVIL]))
    _harmless(adapt_html.history([version, edited]), 3)
    stretch = [Stretch(0.0, 1.0, EVIL, 0.9, np.ones(1), 0.1, np.ones(1))]
    row = adapt_html.ClipRow(CLIP, stretch, stretch)
    _harmless(adapt_html.overview([row], 1, [change], {EVIL: EVIL}), 8)


def test_a_clips_name_is_text_in_a_link() -> None:
    _harmless(places.link(1, EVIL))


def test_what_is_said_of_a_clip_and_of_its_tracks_is_text_on_views() -> None:
    _harmless(views.notes_html(CLIP, {}))
    _harmless(views.heading_html(_track()))


def test_what_a_cue_means_is_text_on_rules(studio: Studio) -> None:
    model = studio.predictions.model
    cue, *others = model.cues
    model.cues = (replace(cue, meaning=EVIL), *others)
    _harmless(_event(studio, "show_terms")(None, cue.name)[1])


def test_a_rule_that_is_refused_is_text_on_rules(studio: Studio) -> None:
    *_, said, _ = _event(studio, "write")(1, studio.annotator("Ana").id, f"IF {EVIL} THEN happy")
    _harmless(said)


def test_the_models_name_is_text_where_trust_is_told() -> None:
    _harmless(trust_html.panel(TrustHere(TRUST, EVIL, 1, 0, 0, 0)))


def test_the_card_of_a_checkpoint_is_text_on_about(studio: Studio) -> None:
    studio.predictions.model.card = {"licence": EVIL, "data": EVIL}
    _harmless(about.card_html(studio), 2)
