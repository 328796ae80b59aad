"""The one-file report: what people wrote is text in it, nothing runs or is fetched, and nothing is left out."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from app.__main__ import main
from app.demo import DEMOS
from app.figures.firing import RuleName
from app.report import charts
from app.report.content import Content, Reason, Said, Table
from app.report.page import page
from stf2m.segments import cut
from stf2m.timeline import over_time
from stf2m.tracks import Cue, Modality, Track, Word
from tests.pages import beginning

EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
#: A JPEG in name only.
PICTURE = b"\xff\xd8\xff\xe0"


def content(text: str = "happy", picture: bytes | None = None) -> Content:
    """A report of six seconds in which every word of people is ``text``; nothing is known from 2 to 4 s."""
    pieces = cut(6.0)
    share = np.linspace(1, 0, len(pieces))
    known = ~np.array([2.0 <= piece.start_s <= 4.0 for piece in pieces])
    degrees = np.stack([share, 1 - share], axis=1)
    moments = over_time(pieces, known, degrees, 1 - degrees.max(axis=1), degrees)
    cue = Cue("pitch", "Hz", (80.0, 300.0), "How high the voice is.")
    modality = Modality("voice", ("low",), 1, 1, (cue,), "1")
    values = np.full((60, 1), 200.0, np.float32)
    frames = np.zeros((60, 1, 1), np.float32), np.zeros((60, 1), np.float32)
    there = np.ones(60, bool)
    track = Track(modality, *frames, values, there, words=(Word(text, 0.5, 1.0),), note=text)
    return Content(
        clip=text,
        duration_s=6.0,
        version=3,
        model=text,
        emotions={text: "#e69f00", "sad": "#0072b2"},
        sources=("voice", "face"),
        moments=moments,
        unsure=0.6,
        reasons=[
            Reason(0.0, 2.0, text, 0.9, 0.2, f"{text}: because.", (text,), text, picture),
            Reason(4.0, 6.0, "sad", 0.5, 0.8, "Sad."),
        ],
        tracks={"voice": track},
        edges=moments.edges,
        firing=moments.memberships,
        rules=[RuleName(text, text, text), RuleName("sad", "IF pitch is low THEN sad 0.90", "sad")],
        facts={"Study": text},
        notes=(text,),
        said=[Said(text, 1.0, 2.0, text, {text: 0.7, "sad": 0.3}, 0.5, text)],
        versions=Table(("Model",), [(text,)]),
        history=Table(("Who",), [(text,)]),
    )


class Elements(HTMLParser):
    """The elements of a page with their attributes, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_stored_script_in_names_notes_words_and_rules_stays_text() -> None:
    harmless, attacked = Elements(page(content())), Elements(page(content(EVIL)))
    tags = [tag for tag, _ in attacked.found]
    assert tags == [tag for tag, _ in harmless.found], "an element more or less would be one that people wrote"
    assert not {"script", "img", "iframe", "object", "link", "base", "form"} & set(tags)
    assert not [name for _, attributes in attacked.found for name in attributes if name.startswith("on")]
    assert attacked.text.count(EVIL) == harmless.text.count("happy")


def test_a_report_may_run_no_script_and_fetches_nothing() -> None:
    found = Elements(page(content(picture=PICTURE))).found
    policy = next(each["content"] for tag, each in found if tag == "meta" and "http-equiv" in each)
    assert policy == "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    links = [each[name] or "" for _, each in found for name in ("src", "href") if name in each]
    assert links
    assert all(link.startswith(("#", "data:image/jpeg;base64,")) for link in links)
    targets = {each["id"] for _, each in found if "id" in each}
    assert {link[1:] for link in links if link.startswith("#")} <= targets


def test_a_colour_that_is_none_cannot_leave_its_attribute() -> None:
    evil = replace(content(), emotions={"happy": '#fff"><script>', "sad": "red;background:url(http://x)"})
    assert "script" not in {tag for tag, _ in Elements(page(evil)).found}
    assert "http://x" not in page(evil)


def test_the_report_tells_everything_there_is() -> None:
    text = Elements(page(content())).text
    for part in (
        "0.0–2.0 s",
        "happy: because.",
        "pitch",
        "Hz",
        "there for 100% of the clip",
        "IF pitch is low THEN sad 0.90",
    ):
        assert part in text
    for head in (
        "Timeline",
        "Emotions over time",
        "Reasons",
        "Rules that fire",
        "Views",
        "What people say",
        "Transcript",
    ):
        assert head in text
    assert page(content()).count('class="block unsure"') == 1
    assert "<img" not in page(content())


def test_pictures_are_drawn_to_scale() -> None:
    edges, values = np.array([0.0, 1.0, 4.0]), np.array([[0.25, 0.75], [1.0, 0.0]])
    svg = ElementTree.fromstring(charts.ribbon(edges, values, {"happy": "#e69f00", "sad": "#0072b2"}))
    first, second = (each.get("d") or "" for each in svg)
    assert first == "M0 100.0V75.0H250.0V0.0H1000.0V100.0H250.0V100.0H0.0Z"
    assert second.startswith("M0 75.0V0.0H250.0V0.0H1000.0")
    strip = ElementTree.fromstring(charts.heat(edges, np.array([0.2, np.nan]), "#e69f00", 0.4, "rule"))
    assert [(each.get("d"), each.get("fill-opacity")) for each in strip] == [("M0.0 0H250.0V100H0.0Z", "0.50")]
    line = ElementTree.fromstring(charts.line(np.array([0.0, np.nan, 10.0]), 0, 10, "#e69f00", "cue"))
    assert re.findall(r"M([\d.]+) ([\d.]+)", line[0].get("d") or "") == [("166.7", "98.0"), ("833.3", "2.0")]


@pytest.mark.parametrize("duration_s", [0.4, 3.0, 35.0, 61.0, 3600.0, 20_000.0])
def test_an_axis_has_few_marks_at_round_times(duration_s: float) -> None:
    marks = re.findall(r"left:([\d.]+)%", charts.axis(duration_s))
    assert 1 <= len(marks) <= 9
    assert float(marks[-1]) <= 100


def test_an_hour_stays_small() -> None:
    edges = np.linspace(0, 3600, 7201)
    values = np.random.default_rng(0).uniform(size=(7200, 5))
    assert len(charts.ribbon(edges, values, dict.fromkeys("abcde", "#e69f00"))) < 100_000
    short, means = charts.shortened(edges, values)
    assert (short[0], short[-1], len(short)) == (0, 3600, len(means) + 1)


def test_the_command_writes_the_report_of_a_video(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clip, out = tmp_path / "talk.mp4", tmp_path / "report.html"
    beginning(DEMOS[0].path, clip, 2.0)
    clip.with_suffix(".srt").write_text("1\n00:00:00,200 --> 00:00:01,500\nGood <b>morning</b>\n", encoding="utf-8")
    assert main(["report", str(clip), "--out", str(out), "--pictures"]) == 0
    written = Elements(out.read_text(encoding="utf-8"))
    assert "talk.mp4" in written.text
    assert "Good" in written.text
    assert "of the evidence" in written.text
    assert "img" in [tag for tag, _ in written.found]
    capsys.readouterr()
    assert main(["report", str(tmp_path / "none.mp4"), "--out", str(out)]) == 2
    assert capsys.readouterr().err.count("\n") == 1
