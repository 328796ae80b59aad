"""Editing the rules of a study's model: what an edit would do is seen first, then it is kept as a new model version."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from annotations.records import AnnotationError, ModelVersionRecord, StudyRecord
from annotations.store import Store
from annotations.versions import NewVersion
from app import side_by_side
from app.adapting import Adapting, Change
from app.predictions import Predictions
from stf2m import rule_words
from stf2m.adaptation import AdaptedModel
from stf2m.rule_edits import RuleEdits, WrittenRule
from stf2m.rule_words import RuleError
from stf2m.trust import FIRES

Kind = Literal["write", "take away", "pin", "unpin", "off", "on", "rename"]


@dataclass(frozen=True)
class Edit:
    """What a person wants of a rule: ``write`` the ``text``, ``rename`` a ``term`` of a ``cue`` to the ``text``, or
    something with the rule of that ``number``.
    """

    kind: Kind
    number: int = -1
    text: str = ""
    cue: str = ""
    term: str = ""

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> "Edit":
        """An edit from plain values. Raises :class:`RuleError` for anything that is none."""
        if told.get("kind") not in get_args(Kind):
            raise RuleError("Choose what to do with a rule.")
        number = str(told.get("number", -1))
        return cls(
            told["kind"],
            int(number) if number.isdecimal() and len(number) < 6 else -1,
            *(str(told.get(name) or "") for name in ("text", "cue", "term")),
        )


@dataclass(frozen=True)
class Effect:
    """What an edit would do to the model ``version_id``: ``said`` is the edit in words.

    Of the study's ``corrections`` the model answers ``before`` as they say without it, ``after`` with it; ``changes``
    are the stretches that change sides, the longest first. A written rule ``fires`` in so many of the ``segments``.
    """

    edit: Edit
    version_id: int
    said: str
    corrections: int
    before: int
    after: int
    changes: tuple[Change, ...]
    fires: int | None
    segments: int


class EditingRules:
    """Looks at edits of a study's active model and keeps them."""

    def __init__(self, store: Store, predictions: Predictions, adapting: Adapting) -> None:
        self._store = store
        self._predictions = predictions
        self._adapting = adapting

    def look(self, study_id: int, edit: Edit, annotator: str) -> Effect:
        """What an edit would do. Nothing is kept. Raises :class:`stf2m.rule_words.RuleError` with one sentence."""
        study, version = self._store.study(study_id), self._adapting.active(study_id)
        before = self._predictions.adapted(version)
        edits, said = edited(before, edit, annotator)
        after = before.with_edits(edits)
        corrections, (right_before, right_after) = self._adapting.right(study, [before, after])
        fires, segments = None, 0
        changes: list[Change] = []
        for clip in self._store.clips(study_id):
            if clip.status != "ready":
                continue
            strength = after.predict(self._predictions.encoded(clip)).strength
            segments += len(strength)
            if edit.kind == "write":
                fires = (fires or 0) + int((strength[:, -1] > FIRES).sum())
            if edits.change_answers or before.edits.change_answers:
                edges, (was, now) = side_by_side.answers(self._predictions, clip, [before, after])
                changes += [
                    Change(clip.id, clip.name, start_s, end_s, before.emotions[one], after.emotions[other])
                    for start_s, end_s, one, other in side_by_side.stretches(edges, was, now)
                ]
        changes.sort(key=lambda change: change.start_s - change.end_s)
        return Effect(edit, version.id, said, corrections, right_before, right_after, tuple(changes), fires, segments)

    def keep(self, study_id: int, edit: Edit, version_id: int, annotator_id: int, annotator: str) -> ModelVersionRecord:
        """Make a new version of the one an edit was looked at with; one undo goes back.

        Raises :class:`annotations.records.AnnotationError` where another version answers by now.
        """
        study, version = self._store.study(study_id), self._adapting.active(study_id)
        if version.id != version_id:
            raise AnnotationError("Another model answers by now; look at the effect again.")
        before = self._predictions.adapted(version)
        edits, said = edited(before, edit, annotator)
        after = before.with_edits(edits)
        figures = self._figures(study, version, before, after) | {"edit": {**asdict(edit), "said": said}}
        if edits:
            figures["edited"] = sorted({*version.figures.get("edited", ()), annotator})
        new = NewVersion(
            "adapted",
            version.emotions,
            self._predictions.keep(after),
            version.id,
            version.corrections,
            figures,
            edit=True,
        )
        return self._store.add_model_version(study_id, new, annotator_id)

    def _figures(
        self, study: StudyRecord, version: ModelVersionRecord, before: AdaptedModel, after: AdaptedModel
    ) -> dict[str, Any]:
        """What the version before learned from, and what the edit does to the study's corrections."""
        corrections, right = self._adapting.right(study, [before, after])
        same = {
            name: version.figures[name]
            for name in ("checkpoint", "unlabelled", "in_company", "whose")
            if name in version.figures
        }
        return {**same, "right": {"corrections": corrections, "before": right[0], "after": right[1]}}


def edited(model: AdaptedModel, edit: Edit, annotator: str) -> tuple[RuleEdits, str]:
    """The edits of a model after one more, and that one in words. Raises :class:`stf2m.rule_words.RuleError`."""
    edits, learned = model.edits, model.work.learned
    if edit.kind == "write":
        rule = _written(model, edit.text, annotator)
        called = [(cue, rule_words.word(edits.words, cue, term)) for cue, term in rule.conditions]
        return edits.with_written(rule), f"a new rule: {rule_words.told(called, rule.says)}"
    if edit.kind == "rename":
        if edit.cue not in {cue.name for cue in model.network.variables}:
            raise RuleError("Choose a cue whose term to rename.")
        term = rule_words.term_called(edits.words, edit.cue, edit.term)
        was = rule_words.word(edits.words, edit.cue, term)
        after = edits.with_word(edit.cue, term, edit.text)
        return after, f"{edit.cue}: “{was}” is called “{rule_words.word(after.words, edit.cue, term)}”"
    texts = {rule.number: rule.text for rule in model.rules()}
    if edit.number not in texts:
        raise RuleError("There is no such rule any more; open the tab again.")
    text = texts[edit.number]
    if edit.kind in ("on", "off"):
        return edits.with_switched(edit.number, on=edit.kind == "on"), f"switched {edit.kind} {text}"
    if edit.kind == "take away":
        if edit.number < learned:
            raise RuleError("Only a written rule can be taken away; switch this one off instead.")
        return edits.without_written(edit.number - learned, learned), f"took away {text}"
    if edit.number >= learned:
        raise RuleError("What a written rule says stays as it is anyway.")
    answer = model.work.pinned(edit.number) if edit.kind == "pin" else None
    return edits.with_pinned(edit.number, answer), f"{'pinned' if answer else 'no longer pinned:'} {text}"


def _written(model: AdaptedModel, text: str, annotator: str) -> WrittenRule:
    known = [name for name, there in zip(model.emotions, model.fast.known.tolist(), strict=True) if there]
    cues = [cue.name for cue in model.network.variables]
    conditions, says = rule_words.read(text, cues, model.emotions, model.edits.words)
    unknown = [name for name in says if name not in known]
    if unknown:
        raise RuleError(f"The model has not met “{unknown[0]}” yet; correct a segment to it and adapt first.")
    return WrittenRule(conditions, says, annotator)
