"""What a report tells, gathered from a clip of a studio or from what the library answers for a video."""

import io
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from annotations.records import AnnotationRecord, ClipRecord, EventRecord, ModelVersionRecord, SuggestionRecord
from app import inspection, timeline
from app.figures.firing import RuleName
from app.history import told
from app.report.content import Content, Reason, Said, Table
from app.studio import Studio
from stf2m.answers import Answers
from stf2m.explanation import Rule
from stf2m.media import MediaError, frames
from stf2m.rule_export import library_version
from stf2m.timeline import over_time
from stf2m.tracks import Word

#: So many rules are told with a reason; so many stretches get a picture, of so many pixels.
MOST_RULES = 2
MOST_PICTURES = 40
PICTURE_PX = 280
#: So many changes of a clip's annotations are told, the newest.
MOST_EVENTS = 300


def of_clip(studio: Studio, clip_id: int, *, pictures: bool = False) -> Content:
    """A clip of a studio as its active model answers. Raises ``NotFoundError`` where there is no such clip."""
    clip = studio.clip(clip_id)
    study, version = studio.study(clip.study_id), studio.version(clip.study_id)
    tracks = studio.tracks(clip_id)
    words = [word for track in tracks.values() for word in track.words]
    suggestions = studio.predictions.kept_suggestions(clip, version, studio.store)
    middles = [(each.start_s + each.end_s) / 2 for each in suggestions]
    seen = _pictures(studio.media(clip_id), middles) if pictures and clip.has_video else {}
    edges, firing = inspection.firing(studio, clip, version)
    said = studio.store.annotations(clip_id=clip_id)
    return Content(
        clip=clip.name,
        duration_s=clip.duration_s,
        version=version.number,
        model=_called(version),
        emotions=inspection.colours(study),
        sources=studio.predictions.sources,
        moments=inspection.moments(studio, clip, version),
        unsure=study.settings.unsure,
        reasons=[_reason(studio, each, words, seen.get(at)) for at, each in enumerate(suggestions)],
        tracks=tracks,
        edges=edges,
        firing=firing,
        rules=_names(studio.adapted(study.id).rules()),
        facts={
            "Study": study.name,
            **_length(clip.duration_s, studio.settings.segment_s, studio.settings.hop_s),
            "Model": _called(version),
            **_made(studio.predictions.checkpoint),
            "Pictures": "of the clip, one for each reason" if seen else "none of the clip in this file",
        },
        notes=_notes(clip, [track.note for track in tracks.values()]),
        said=[_said(each) for each in said],
        versions=Table(("Model", "When (UTC)", "What it is", "Answers now"), _versions(studio, study.id)),
        history=Table(("When (UTC)", "Who", "What", "Then"), _events(studio.store.clip_history(clip_id), said)),
    )


def of_answers(answers: Answers, colours: Mapping[str, str], *, unsure: float = 0.6, pictures: bool = False) -> Content:
    """What the library answers for a video, without a studio; ``colours`` of the model's emotions."""
    clip, prediction = answers.clip, answers.prediction
    known = answers.encoded.present.max(axis=1)
    doubt, shares = prediction.uncertainty, prediction.shares
    moments = over_time(answers.segments, known, prediction.memberships, doubt, shares)
    fired = over_time(answers.segments, known, prediction.firing, doubt, shares)
    middles = [(each.start_s + each.end_s) / 2 for each in answers.stretches]
    seen = _pictures(clip.path, middles) if pictures and clip.info.has_video else {}
    reasons = []
    for at, each in enumerate(answers.stretches):
        why, words = answers.reason(each), answers.words(each.start_s, each.end_s)
        rules = tuple(rule.text for rule in why.rules[:MOST_RULES] if rule.contribution > 0)
        times = each.start_s, each.end_s
        said = why.sentence, rules, words, seen.get(at)
        reasons.append(Reason(*times, each.emotion, each.degree, each.uncertainty, *said))
    segment = answers.segments[0] if answers.segments else None
    length = segment.end_s - segment.start_s if segment else 0.0
    hop = answers.segments[1].start_s - answers.segments[0].start_s if len(answers.segments) > 1 else length
    return Content(
        clip=clip.path.name,
        duration_s=clip.info.duration_s,
        version=0,
        model="as shipped",
        emotions={name: colours[name] for name in answers.model.emotions},
        sources=tuple(modality.name for modality in answers.model.network.modalities),
        moments=moments,
        unsure=unsure,
        reasons=reasons,
        tracks=clip.tracks,
        edges=fired.edges,
        firing=fired.memberships,
        rules=_names(answers.model.rules()),
        facts={**_length(clip.info.duration_s, length, hop), **_made(answers.model.encoder)},
        notes=tuple(clip.notes),
    )


def _reason(studio: Studio, each: SuggestionRecord, words: Sequence[Word], picture: bytes | None) -> Reason:
    why = studio.reasons.explain(each.clip_id, each.start_s, each.end_s)
    emotion = max(each.memberships, key=lambda name: each.memberships[name])
    spoken = (word.text for word in words if each.start_s <= (word.start_s + word.end_s) / 2 < each.end_s)
    return Reason(
        each.start_s,
        each.end_s,
        emotion,
        each.memberships[emotion],
        each.uncertainty,
        why["sentence"],
        tuple(rule["text"] for rule in why["rules"][:MOST_RULES]),
        " ".join(spoken),
        picture,
    )


def _called(version: ModelVersionRecord) -> str:
    return timeline.version(version)["label"]


def _names(rules: Sequence[Rule]) -> list[RuleName]:
    """The rules' names in the order of their numbers."""
    return [
        RuleName(rule.text, rule.text, max(rule.consequent, key=lambda name: rule.consequent[name]))
        for rule in sorted(rules, key=lambda rule: rule.number)
    ]


def _said(each: AnnotationRecord) -> Said:
    return Said(each.annotator, each.start_s, each.end_s, each.emotion, dict(each.degrees), each.intensity, each.note)


def _length(duration_s: float, segment_s: float, hop_s: float) -> dict[str, str]:
    return {"Length": f"{duration_s:.1f} s, in segments of {segment_s:g} s, one every {hop_s:g} s"}


def _made(checkpoint: str) -> dict[str, str]:
    library = library_version()
    by = f"stf2m {library}, checkpoint {checkpoint}" if library else f"checkpoint {checkpoint}"
    return {"Made": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {by}"}


def _notes(clip: ClipRecord, others: Sequence[str]) -> tuple[str, ...]:
    """What people should know of the clip; what is about a modality stands there."""
    return tuple(note for note in clip.notes if note not in others)


def _versions(studio: Studio, study_id: int) -> list[tuple[str, ...]]:
    def row(version: ModelVersionRecord) -> tuple[str, ...]:
        number, _, made = _called(version).partition(" · ")
        if "edit" in version.figures:
            made = version.figures["edit"]["said"]
        return number, f"{version.created:%Y-%m-%d %H:%M}", made, "yes" if version.active else ""

    return [row(version) for version in reversed(studio.versions(study_id))]


def _events(events: Sequence[EventRecord], there: Sequence[AnnotationRecord]) -> list[tuple[str, ...]]:
    rows = []
    for event in told(events, there)[:MOST_EVENTS]:
        after = event["after"]
        degrees = ", ".join(f"{name} {degree:g}" for name, degree in after["degrees"].items()) if after else "gone"
        when = f", {after['start_s']:.1f}–{after['end_s']:.1f} s" if after else ""
        rows.append((event["at"][:16].replace("T", " "), event["who"], event["did"], degrees + when))
    return rows


def _pictures(path: Path | None, moments_s: Sequence[float]) -> dict[int, bytes]:
    """Small JPEGs of a video, each about at one of some moments in ascending order, by its place; of the first
    :data:`MOST_PICTURES`.
    """
    wanted = list(enumerate(moments_s))[:MOST_PICTURES]
    found: dict[int, bytes] = {}
    if path is None or not wanted:
        return found
    try:
        for time_s, picture in frames(path, 5.0):
            while wanted and time_s >= wanted[0][1] - 0.1:
                found[wanted.pop(0)[0]] = _jpeg(picture)
            if not wanted:
                break
    except MediaError:
        return found
    return found


def _jpeg(picture: NDArray[np.uint8]) -> bytes:
    image = Image.fromarray(picture)
    image.thumbnail((PICTURE_PX, PICTURE_PX))
    file = io.BytesIO()
    image.save(file, "JPEG", quality=72)
    return file.getvalue()
