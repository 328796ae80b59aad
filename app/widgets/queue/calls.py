"""What the queue asks of the studio: one mapping of plain values in, one out."""

from dataclasses import asdict
from typing import Any

from annotations.records import StudyRecord
from app.jobs import Job
from app.queue.cards import ClipCard
from app.queue.order import weights
from app.queue.reasons import Reason
from app.studio import Studio
from app.widgets.calls import Call, plain

#: So many spots of a reason go to the page; a click goes from one to the next.
_MOST_SPOTS = 50
#: Of so many finished analyses a page is told, the latest ones.
_MOST_FINISHED = 300


def calls(studio: Studio) -> list[Call]:
    """The server functions of the queue widget, by the names it calls."""

    def running(study_id: int) -> list[dict[str, Any]]:
        jobs = studio.jobs(study_id)
        lately = {job.id for job in [job for job in jobs if job.finished][-_MOST_FINISHED:]}
        return [_job(job) for job in jobs if not job.finished or job.id in lately]

    @plain
    def clips(data: dict[str, Any]) -> dict[str, Any]:
        study = studio.study(data["study"])
        work = studio.clips(study.id, data["annotator"])
        return {
            "study": study.id,
            "annotator": data["annotator"],
            "mode": study.settings.mode,
            "clips": [_card(card, study) for card in work.cards],
            "looking": work.looking,
            "left": work.left and {"clip": work.left[0], "at": work.left[1]},
            "mix": weights(study.settings.mix),
            "emotions": [{"name": each.name, "letter": each.letter, "colour": each.colour} for each in study.emotions],
            "jobs": running(study.id),
        }

    @plain
    def card(data: dict[str, Any]) -> dict[str, Any]:
        study = studio.study(data["study"])
        work = studio.clips(study.id, data["annotator"], data["clip"])
        return {"annotator": data["annotator"], "card": next((_card(each, study) for each in work.cards), None)}

    @plain
    def jobs(data: dict[str, Any]) -> dict[str, Any]:
        return {"study": data["study"], "jobs": running(data["study"])}

    @plain
    def cancel(data: dict[str, Any]) -> dict[str, Any]:
        studio.cancel(data["job"])
        return {}

    @plain
    def remove(data: dict[str, Any]) -> dict[str, Any]:
        studio.delete_clips(data["clips"], data["annotator"])
        return {}

    @plain
    def find(data: dict[str, Any]) -> dict[str, Any]:
        moments, looking = studio.find_emotion(data["study"], data["emotion"], by_people=data["by_people"])
        return {"moments": [asdict(moment) for moment in moments], "looking": looking}

    @plain
    def mix(data: dict[str, Any]) -> dict[str, Any]:
        study = studio.store.change_settings(data["study"], data["annotator"], mix=data["mix"])
        return {"mix": weights(study.settings.mix)}

    @plain
    def finish(data: dict[str, Any]) -> dict[str, Any]:
        studio.store.finish(data["clip"], data["annotator"], data["finished"])
        return {}

    return [clips, card, jobs, cancel, remove, find, mix, finish]


def _card(card: ClipCard, study: StudyRecord) -> dict[str, Any]:
    """A card; where people label first, it hides what the model and others say of a clip they have not labelled."""
    hidden = study.settings.mode == "label first" and not card.mine
    return {**asdict(card), "reasons": [_reason(each, hidden) for each in card.reasons]}


def _reason(reason: Reason, hidden: bool) -> dict[str, Any]:
    spots = [{**spot._asdict(), "text": "" if hidden else spot.text} for spot in reason.spots[:_MOST_SPOTS]]
    return {"kind": reason.kind, "seconds": reason.seconds, "count": len(reason.spots), "spots": spots}


def _job(job: Job) -> dict[str, Any]:
    return {
        "id": job.id,
        "key": job.key,
        "name": job.name,
        "state": job.state,
        "stage": job.stage,
        "progress": round(job.progress, 3),
        "error": job.error,
        "eta_s": job.eta_s,
        "clip": job.result,
    }
