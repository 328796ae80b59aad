"""What the queue asks of the studio: one mapping of plain values in, one out."""

import time
from dataclasses import asdict
from typing import Any

from app.jobs import Job
from app.studio import Studio
from app.widgets.calls import Call, plain

#: Tells the jobs of this run of the studio from those of an earlier one, whose numbers were the same.
_RUN = f"{time.time():.0f}"


def calls(studio: Studio) -> list[Call]:
    """The server functions of the queue widget, by the names it calls."""

    def running(study_id: int) -> list[dict[str, Any]]:
        return [_job(job) for job in studio.jobs(study_id)]

    @plain
    def clips(data: dict[str, Any]) -> dict[str, Any]:
        cards = [asdict(card) for card in studio.clips(data["study"], data["annotator"])]
        return {"study": data["study"], "clips": cards, "jobs": running(data["study"])}

    @plain
    def jobs(data: dict[str, Any]) -> dict[str, Any]:
        return {"study": data["study"], "jobs": running(data["study"])}

    @plain
    def cancel(data: dict[str, Any]) -> dict[str, Any]:
        studio.cancel(data["job"])
        return {}

    @plain
    def remove(data: dict[str, Any]) -> dict[str, Any]:
        studio.delete_clip(data["clip"], data["annotator"])
        return {}

    return [clips, jobs, cancel, remove]


def _job(job: Job) -> dict[str, Any]:
    return {
        "id": job.id,
        "key": f"{_RUN}-{job.id}",
        "name": job.name,
        "state": job.state,
        "stage": job.stage,
        "progress": round(job.progress, 3),
        "error": job.error,
        "eta_s": job.eta_s,
        "clip": job.result,
    }
