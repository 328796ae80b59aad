"""A page of the studio that no browser shows: it asks what the page asks, in its way, over HTTP."""

import asyncio
import json
import secrets
from typing import Any

import httpx


class Page:
    """A browser with the studio open: its cookies, the name its page goes by, and the person's name.

    ``clips`` are those of the queue when it was opened, ``annotator`` the id of the person.
    """

    def __init__(self, url: str, person: str) -> None:
        self.person = person
        self.name = ""
        self.annotator = 0
        self.clips: list[dict[str, Any]] = []
        self.web = httpx.AsyncClient(base_url=url, timeout=120)
        self._widgets: dict[str, int] = {}
        self._functions: dict[str, int] = {}
        self._heart: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Open the page, or load it again: the cookies stay, the page's name is another."""
        await self.get("/")
        if not self._widgets:
            config = json.loads(await self.get("/config"))
            ids = {each["props"].get("elem_id"): each["id"] for each in config["components"]}
            self._widgets = {name: ids[name] for name in ("timeline", "queue")}
            self._functions = _functions(config, ids)
        await self._stop()
        self.name = secrets.token_hex(6)
        self._heart = asyncio.create_task(self._beat())
        await self.event("arrive", [self.person])
        body = {"data": [None, None], "fn_index": self._functions["who"], "session_hash": self.name}
        told = json.loads(await self.post("/gradio_api/run/predict", json=body))
        self.annotator = int(told["data"][0]["annotator"])
        self.clips = (await self.ask("queue", "clips", study=1, annotator=self.annotator))["clips"]

    async def close(self) -> None:
        """Close the browser, whatever it waits for."""
        await self._stop()
        await self.web.aclose()

    async def get(self, path: str, **options: Any) -> bytes:
        """What is at an address; raises ``httpx.HTTPError`` where it is refused."""
        return self._taken(await self.web.get(path, **options), path)

    async def post(self, path: str, **options: Any) -> bytes:
        """The same for what is sent."""
        return self._taken(await self.web.post(path, **options), path)

    async def ask(self, widget: str, name: str, **data: Any) -> dict[str, Any]:
        """Call a widget's server function."""
        return json.loads(await self.post("/gradio_api/component_server", json=self.call(widget, name, **data)))

    def call(self, widget: str, name: str, **data: Any) -> dict[str, Any]:
        """What is sent to call a widget's server function."""
        return {"session_hash": self.name, "component_id": self._widgets[widget], "fn_name": name, "data": data}

    async def event(self, function: str, data: list[Any]) -> list[Any]:
        """An event of the page, through the queue, as the page sends it. Raises ``ValueError`` where it fails."""
        number = self._functions[function]
        body = {"data": data, "fn_index": number, "session_hash": self.name, "event_data": None, "trigger_id": None}
        await self.post("/gradio_api/queue/join", json=body)
        path = f"/gradio_api/queue/data?session_hash={self.name}"
        async with self.web.stream("GET", path) as answers:
            answers.raise_for_status()
            async for line in answers.aiter_lines():
                self.see(line.encode(), path)
                message = json.loads(line[5:]) if line.startswith("data:") else {}
                if message.get("msg") == "process_completed":
                    if not message.get("success"):
                        raise ValueError(f"{function}: {message.get('output')}")
                    return message["output"]["data"]
        raise ValueError(f"{function} was not answered")

    async def add(self, name: str, content: bytes, **beside: Any) -> dict[str, Any]:
        """Announce a video and send it; returns ``{"job", "key"}`` or ``{"refused"}``."""
        told = json.loads(await self.post("/upload", json={"study": 1, "name": name, "size": len(content), **beside}))
        if "token" not in told:
            return told
        answer = await self.web.post(f"/upload/{told['token']}", content=content)
        self.see(answer.content, "/upload")
        return answer.json()

    def see(self, content: bytes, where: str) -> None:
        """Whatever comes from the server passes by here."""

    def _taken(self, answer: httpx.Response, path: str) -> bytes:
        self.see(answer.content, path)
        answer.raise_for_status()
        return answer.content

    async def _beat(self) -> None:
        """The tab is open for as long as this goes on."""
        async with self.web.stream("GET", f"/gradio_api/heartbeat/{self.name}") as alive:
            async for _ in alive.aiter_bytes():
                pass

    async def _stop(self) -> None:
        if self._heart:
            self._heart.cancel()
            await asyncio.gather(self._heart, return_exceptions=True)


def _functions(config: dict[str, Any], ids: dict[str, int]) -> dict[str, int]:
    """The numbers of three events that the page sends by itself.

    Its load, telling the widgets who works on what, and that labels are to be downloaded.
    """
    found: dict[str, int] = {}
    for each in config["dependencies"]:
        targets = [tuple(target) for target in each["targets"]]
        if any(kind == "load" for _, kind in targets) and len(each["outputs"]) == 5:
            found.setdefault("arrive", each["id"])
        if each["outputs"] == [ids["queue"], ids["timeline"]]:
            found["who"] = each["id"]
        if (ids["data-download"], "click") in targets:
            found.setdefault("data.download", each["id"])
    return found
