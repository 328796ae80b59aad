"""Who did what and when, out of the event log: for people to read, to filter, and to take away as CSV."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from annotations.formats.csv import guard
from annotations.records import EventRecord

#: What an event is about, in the words of the screen.
ABOUT: Mapping[str, str] = {
    "annotation": "labels",
    "visit": "clips finished",
    "clip": "clips",
    "study": "study and label set",
    "settings": "settings",
    "model version": "model",
}
_COLUMNS = ("event", "at", "who", "about", "what", "clip", "start_s", "end_s", "before", "after")


@dataclass(frozen=True)
class Entry:
    """One event, told: ``before`` and ``after`` are short, empty where there was nothing."""

    event: int
    at: datetime
    who: str
    about: str
    what: str
    clip: str = ""
    start_s: float | None = None
    end_s: float | None = None
    before: str = ""
    after: str = ""


def entries(events: Sequence[EventRecord], clips: Mapping[int, str], *, who: str = "", about: str = "") -> list[Entry]:
    """The events of people and of the studio itself, newest first; ``clips`` are names by id.

    What the model suggested is left out: it can be made again at any time.
    """
    told = (_told(each, clips) for each in reversed(events) if each.entity in ABOUT)
    return [each for each in told if (not who or each.who == who) and (not about or each.about == about)]


def as_csv(found: Iterable[Entry]) -> bytes:
    """A table with a row per entry, which no spreadsheet takes for formulas; times are UTC, in ISO 8601."""
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(_COLUMNS)
    for each in found:
        values = {**vars(each), "at": each.at.isoformat(timespec="seconds")}
        table.writerow([guard(values[name]) if isinstance(values[name], str) else values[name] for name in _COLUMNS])
    return out.getvalue().encode()


def _told(event: EventRecord, clips: Mapping[int, str]) -> Entry:
    state = event.after or event.before or {}
    clip = state.get("clip_id") or (event.entity_id if event.entity == "clip" else None)
    return Entry(
        event.id,
        event.at,
        event.actor,
        ABOUT[event.entity],
        event.kind,
        clips.get(clip, str(state.get("name", ""))) if clip else "",
        state.get("start_s"),
        state.get("end_s"),
        _short(event.entity, event.before),
        _short(event.entity, event.after),
    )


def _short(entity: str, state: Mapping[str, Any] | None) -> str:
    if not state:
        return ""
    if entity == "annotation":
        said = ", ".join(f"{name} {degree:g}" for name, degree in state["degrees"].items())
        return f"{said}; {state['note']}" if state.get("note") else said
    if entity == "visit":
        return "finished" if state.get("finished") else "not finished"
    if entity == "study":
        return f"{state['name']}: {', '.join(each['name'] for each in state['emotions'])}"
    if entity == "model version":
        return f"model {state['number']}{', active' if state.get('active') else ''}"
    if entity == "settings":
        return ", ".join(f"{name} {value}" for name, value in state.items() if name != "mix")
    return str(state.get("status", ""))
