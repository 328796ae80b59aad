"""What leaves the studio as a file of its own: the rules of a study, the report of a clip, and Plotly's script."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import plotly
from fastapi import APIRouter
from fastapi.responses import FileResponse, PlainTextResponse, Response

from annotations.formats.zipped import file_name
from annotations.records import NotFoundError
from app.bounds import RecordId
from app.report import gathering
from app.report.page import page
from app.studio import Studio
from stf2m import rule_export

#: How rules are written, and what kind of file each is.
RULES: Mapping[str, tuple[Callable[[Mapping[str, Any]], str], str]] = {
    "json": (rule_export.as_json, "application/json"),
    "csv": (rule_export.as_csv, "text/csv"),
    "tex": (rule_export.as_latex, "text/x-tex"),
}
#: The script that draws figures outside the studio, as the Python package has it.
PLOTLY = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"


def routes(studio: Studio) -> APIRouter:
    """``/study/{id}/rules.{kind}``, ``/clip/{id}/report`` and ``/plotly.min.js``."""
    router = APIRouter()

    @router.get("/study/{study_id}/rules.{kind}")
    def rules(study_id: RecordId, kind: str) -> Response:
        """The rules of a study's active model, as JSON, CSV or tables for LaTeX."""
        if kind not in RULES:
            return PlainTextResponse(f"Rules are written as {', '.join(RULES)}, not as {kind}.", 404)
        try:
            study, version = studio.study(study_id), studio.version(study_id)
        except NotFoundError as error:
            return PlainTextResponse(str(error), 404)
        write, media_type = RULES[kind]
        text = write(rule_export.document(studio.adapted(study_id)))
        return _file(text, f"{file_name(study.name)}_rules_model-{version.number}.{kind}", media_type)

    @router.get("/clip/{clip_id}/report")
    def report(clip_id: RecordId, pictures: bool = False) -> Response:
        """All about a clip in one HTML file; with ``pictures`` of it where somebody asks for them."""
        try:
            found = gathering.of_clip(studio, clip_id, pictures=pictures)
        except NotFoundError as error:
            return PlainTextResponse(str(error), 404)
        return _file(page(found), f"{file_name(found.clip)}_report_model-{found.version}.html", "text/html")

    @router.get("/plotly.min.js")
    def script() -> Response:
        """Plotly's script, for figures that are saved as HTML."""
        return FileResponse(PLOTLY, media_type="text/javascript", headers={"Cache-Control": "private, max-age=86400"})

    return router


def _file(text: str, name: str, media_type: str) -> Response:
    headers = {
        "Content-Disposition": f"attachment; filename*=utf-8''{quote(name)}",
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(text, media_type=media_type, headers=headers)
