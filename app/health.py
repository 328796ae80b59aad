"""Whether the studio is well, and how much it does: ``/healthz`` for a load balancer, ``/metrics`` for Prometheus.

Neither says anything of a person or a clip.
"""

import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from tempfile import TemporaryFile

from fastapi import APIRouter, FastAPI
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from annotations.records import StoreError
from app.studio import Studio

_SECONDS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)


def add_routes(web: FastAPI, studio: Studio) -> None:
    """Put both addresses before Gradio's and count what the server answers; works on a server that runs."""
    registry = CollectorRegistry()
    registry.register(_Figures(studio))
    web.router.routes[:0] = routes(studio, registry).routes
    before = web.middleware_stack or web.build_middleware_stack()
    web.middleware_stack = _Timed(before, registry)


def routes(studio: Studio, registry: CollectorRegistry) -> APIRouter:
    """``/healthz`` and ``/metrics``, for everybody who reaches the server: a proxy says who that is."""
    router = APIRouter()

    @router.get("/healthz")
    def healthz() -> Response:
        """What works, and how many analyses run or wait; 503 where the database or the disk does not work."""
        faults = {"database": _database(studio), "disk": _disk(studio)}
        told = {name: fault or "ok" for name, fault in faults.items()}
        well = not any(faults.values())
        about = {"status": "ok" if well else "failing", **told, "analyses": studio.busy}
        return JSONResponse(about, 200 if well else 503, headers={"Cache-Control": "no-store"})

    @router.get("/metrics")
    def metrics() -> Response:
        """Counters and gauges in Prometheus' text format."""
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return router


def _database(studio: Studio) -> str:
    """What is wrong with the database, empty where it answers."""
    try:
        studio.store.count_events()
    except StoreError as error:
        return str(error)
    return ""


def _disk(studio: Studio) -> str:
    """What is wrong with the disk, empty where something can be written."""
    try:
        with TemporaryFile(dir=studio.settings.home, buffering=0) as file:
            file.write(bytes(4096))
    except OSError as error:
        return f"Nothing can be written: {error.strerror}."
    return ""


@dataclass(frozen=True)
class _Figures(Collector):
    """What the database and the disk know, asked when Prometheus asks."""

    studio: Studio

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        events = CounterMetricFamily("stf2m_events", "Changes in the log, of all processes.", labels=["kind"])
        with suppress(StoreError):
            for kind, count in self.studio.store.count_events().items():
                events.add_metric([kind], count)
        yield events
        yield GaugeMetricFamily("stf2m_analyses_in_progress", "Analyses that run or wait here.", self.studio.busy)
        free = shutil.disk_usage(self.studio.settings.home).free
        yield GaugeMetricFamily("stf2m_disk_free_bytes", "What is left of the disk of STF2M_HOME.", free)


class _Timed:
    """ASGI middleware: how long answers take, by the pattern of their address, which holds no names or numbers."""

    def __init__(self, app: ASGIApp, registry: CollectorRegistry) -> None:
        self._app = app
        self._seconds = Histogram(
            "stf2m_request_seconds",
            "Seconds from a request to the end of its answer.",
            ["method", "route", "status"],
            buckets=_SECONDS,
            registry=registry,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        started, status = time.perf_counter(), 500

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            route = getattr(scope.get("route"), "path", "other")
            method = scope["method"] if scope["method"] in ("GET", "HEAD", "POST") else "other"
            self._seconds.labels(method, route, status).observe(time.perf_counter() - started)
