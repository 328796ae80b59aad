"""Editing rules as the Rules tab does it: seen first, kept as a version, undone, carried on, compared in words."""

import pytest

from annotations.records import AnnotationError
from app import rule_changes
from app.editing_rules import Edit
from app.rulebook import Rulebook
from app.studio import Studio
from app.support import made_of
from stf2m.rule_words import RuleError

STUDY, TALKING = 1, 1
LOUD = Edit("write", text="if loudness is high then angry 0.9")


@pytest.fixture
def ana(studio: Studio) -> int:
    return studio.annotator("Ana").id


def _keep(studio: Studio, ana: int, edit: Edit):
    found = studio.rules.look(STUDY, edit, "Ana")
    return studio.rules.keep(STUDY, edit, found.version_id, ana, "Ana")


def test_an_edit_is_seen_kept_carried_on_and_undone(studio: Studio, ana: int) -> None:
    for at, emotion in ((0.0, "sad"), (4.0, "angry"), (8.0, "sad"), (12.0, "angry")):
        studio.labels.correct(TALKING, ana, at, at + 2.0, {emotion: 1.0})
    shipped = studio.version(STUDY)
    found = studio.rules.look(STUDY, LOUD, "Ana")
    assert (found.corrections, found.said) == (4, "a new rule: IF loudness is high THEN angry 0.90")
    assert found.fires is not None
    assert 0 < found.fires < found.segments
    assert found.changes, "a plain rule of a plain cue changes some answer of the demo"
    assert studio.version(STUDY) == shipped, "nothing is kept yet"

    kept = studio.rules.keep(STUDY, LOUD, found.version_id, ana, "Ana")
    assert (kept.parent_id, made_of(kept)) == (shipped.id, "as shipped, rules edited by Ana")
    assert kept.figures["right"] == {"corrections": 4, "before": found.before, "after": found.after}
    assert studio.changes(STUDY, shipped.id, kept.id) == sorted(
        found.changes, key=lambda each: (each.clip_id, each.start_s)
    )
    here = Rulebook(studio).rules(STUDY)[0]
    assert (here.rule.written_by, here.fires) == ("Ana", found.fires)
    with pytest.raises(AnnotationError, match="Another model answers by now"):
        studio.rules.keep(STUDY, LOUD, shipped.id, ana, "Ana")

    adapted = studio.adapt(STUDY, ana).version
    assert made_of(adapted) == "adapted to 4 corrections, rules edited by Ana"
    assert studio.adapted(STUDY).rules()[0].written_by == "Ana"
    studio.rename_emotion(STUDY, "angry", "furious", ana)
    assert studio.adapted(STUDY).rules()[0].text == "IF loudness is high THEN furious 0.90"

    number = studio.adapted(STUDY).work.learned
    before = studio.version(STUDY)
    _keep(studio, ana, Edit("take away", number))
    assert not studio.adapted(STUDY).edits
    undone = studio.labels.undo(STUDY, ana)
    assert undone is not None
    assert studio.version(STUDY).id == before.id

    changes = rule_changes.between(studio.adapted(STUDY, shipped.id), studio.adapted(STUDY, adapted.id))
    assert (changes[0].what, changes[0].moved) == ("written by Ana", 1.0)
    assert [each.moved for each in changes[1:]] == sorted((each.moved for each in changes[1:]), reverse=True)
    models = studio.adapted(STUDY, shipped.id), studio.adapted(STUDY, adapted.id)
    change = max(studio.changes(STUDY, shipped.id, adapted.id), key=lambda each: each.end_s - each.start_s)
    middle, answers = (change.start_s + change.end_s) / 2, (change.before, change.after)
    cause = rule_changes.cause(studio.predictions, studio.clip(change.clip_id), middle, *models, answers)
    assert cause is not None
    assert cause.gain > 0
    trusted = rule_changes.trusted(studio.predictions, [studio.clip(TALKING)], *models)
    assert [each.source for each in trusted] == ["face", "voice", "words", "rules"]


def test_pins_switches_and_names_show_in_words_and_refuse_what_makes_no_sense(studio: Studio, ana: int) -> None:
    shipped = studio.adapted(STUDY)
    first = shipped.rules()[-1]
    _keep(studio, ana, Edit("pin", first.number))
    assert studio.adapted(STUDY).rules()[0].number == first.number
    _keep(studio, ana, Edit("off", first.number))
    cue = first.conditions[0]
    version = _keep(studio, ana, Edit("rename", cue=cue.cue, term=cue.term, text="marked"))
    assert version.figures["edit"]["said"] == f"{cue.cue}: “{cue.term}” is called “marked”"
    rule = studio.adapted(STUDY).rules()[0]
    assert (rule.pinned, rule.off, rule.conditions[0].term) == (True, True, "marked")
    now = studio.adapted(STUDY)
    assert rule_changes.renamed(shipped.edits, now.edits) == [f"{cue.cue}: “{cue.term}” is now “marked”"]
    changed = {each.rule.number: each.what for each in rule_changes.between(shipped, now)}
    assert changed == {first.number: "switched off, pinned"}
    for told, said in [
        ({"kind": "off", "number": first.number}, "off already"),
        ({"kind": "take away", "number": 0}, "Only a written rule"),
        ({"kind": "pin", "number": 99}, "no such rule any more"),
        ({"kind": "rename", "cue": "charisma", "term": "high", "text": "x"}, "Choose a cue"),
        ({"kind": "write", "text": "IF smille is high THEN happy"}, "did you mean “smile”"),
        ({"kind": "drop tables", "number": "1; --"}, "Choose what to do"),
        ({}, "Choose what to do"),
    ]:
        with pytest.raises(RuleError, match=said):
            studio.rules.look(STUDY, Edit.of(told), "Ana")
