"""The demo in two browsers at once: each has a studio of its own, and neither reaches what is the other's."""

import re
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect

from app.demo import DEMOS
from app.doorway import MOST_FILES
from app.jobs import Jobs
from app.serving import Served
from app.settings import Settings
from app.studio import Studio
from app.visitors import Visit, Visitors
from tests import media_files
from tests.browser import chromium
from tests.browser.conftest import ANALYSIS_MS, PATIENCE_MS
from tests.browser.page import go_to, saved
from tests.serving import serving

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def demo(analysed_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A demo for two visitors at a time."""
    home = tmp_path_factory.mktemp("demo")
    shutil.copytree(analysed_home, home / "demo")
    (home / "demo" / "demo-is-there").touch()
    with serving(Settings(home=home, mode="demo", max_visitors=2)) as served:
        yield served


@pytest.fixture
def browsers(browser: Browser) -> Iterator[list[BrowserContext]]:
    contexts = [browser.new_context(viewport={"width": 1440, "height": 900}, accept_downloads=True) for _ in range(3)]
    yield contexts
    for each in contexts:
        each.close()


def _come(context: BrowserContext, url: str) -> Page:
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(f"{url}?clip=1")
    page.locator("#timeline .tl-open").wait_for()
    return page


def _label_as(page: Page, name: str) -> None:
    field = page.locator("#annotator input, #annotator textarea").first
    field.fill(name)
    field.press("Enter")
    expect(page.locator(".tl-name-mine")).to_have_text(name)
    page.locator("#timeline .tl").focus()
    page.keyboard.press("j")
    page.keyboard.press("2")
    saved(page)


def test_visitors_do_not_meet(demo: Served, browsers: list[BrowserContext]):
    _end_all_visits(demo)
    ana, ben, third = browsers
    first = _come(ana, demo.url)
    expect(first.locator(".st-demo")).to_contain_text("This studio is yours alone")
    first.locator("#queue [data-part=add]").click()
    expect(first.locator("#queue [data-part=limits]")).to_contain_text("5 videos, each up to 2 min and 64 MB")
    _label_as(first, "Ana")

    second = _come(ben, demo.url)
    expect(second.locator(".tl-name-mine")).to_have_text("Guest")
    assert _studio(demo.visitors, ben).store.annotations(clip_id=1) == []
    assert [each.annotator for each in _studio(demo.visitors, ana).store.annotations(clip_id=1)] == ["Ana"]
    assert [each.name for each in _studio(demo.visitors, ben).store.annotators()] == ["Guest"]
    assert demo.studio.store.annotators() == []

    first.reload()
    expect(first.locator(".tl-name-mine")).to_have_text("Ana")
    media = next(demo.studio.files.home.glob("visits/*/studio.sqlite3"))
    for path in (media, demo.studio.files.home / "studio.sqlite3"):
        assert ben.request.get(f"{demo.url}gradio_api/file={path}").status == 403

    full = third.new_page()
    answer = full.goto(demo.url)
    assert answer is not None
    assert answer.status == 503
    expect(full.get_by_role("heading")).to_have_text("The demo is full")


def test_a_page_belongs_to_one_visitor(demo: Served, browsers: list[BrowserContext]):
    """What a browser could make up by hand: another's page, another's upload, no cookie at all."""
    _end_all_visits(demo)
    ana, ben, nobody = browsers
    behind_tls = nobody.request.get(demo.url, headers={"x-forwarded-proto": "https"})
    assert "HttpOnly; SameSite=None; Secure; Partitioned" in behind_tls.headers["set-cookie"]
    _end_all_visits(demo)
    for each in (ana, ben):
        assert each.request.get(demo.url).ok
    api = f"{demo.url}gradio_api"
    widget = next(number for number, each in demo.page.blocks.items() if getattr(each, "elem_id", "") == "queue")
    call = {"session_hash": "anaspage", "component_id": widget, "fn_name": "jobs", "data": {"study": 1}}
    assert ana.request.post(f"{api}/component_server", data=call).json() == {"study": 1, "jobs": []}
    assert ben.request.post(f"{api}/component_server", data=call).status == 403
    assert ben.request.get(f"{api}/queue/data?session_hash=anaspage").status == 403
    assert "visit to this demo is over" in nobody.request.post(f"{api}/component_server", data=call).json()["refused"]
    file = {"name": "labels.csv", "mimeType": "text/csv", "buffer": b"a,b\n"}
    path = ana.request.post(f"{api}/upload", multipart={"files": file}).json()[0]
    body = {"fn_index": 0, "session_hash": "benspage", "data": [{"path": path, "meta": {"_type": "gradio.FileData"}}]}
    assert ben.request.post(f"{api}/queue/join", data=body).status == 403
    assert ben.request.post(f"{api}/queue/join", data={**body, "data": [{"path": "/etc/passwd"}]}).status == 403
    assert ben.request.get(f"{api}/file={path}").status == 403
    assert ben.request.get(f"{api}/file=http://127.0.0.1:1/x").status == 403
    assert ben.request.get(f"{api}/deep_link?session_hash=anaspage").status == 404
    cookie = next(each for each in ana.cookies(demo.url) if each["name"] == "stf2m-visit")
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Lax")


def test_a_visit_that_has_sent_enough_labels_is_told_so(demo: Served, browsers: list[BrowserContext], tmp_path: Path):
    _end_all_visits(demo)
    page = _come(browsers[0], demo.url)
    (tmp_path / "labels.csv").write_text("clip,annotator,start_s,end_s,emotion\n")
    go_to(page, "data")
    _visit(demo.visitors, browsers[0]).label_files = MOST_FILES - 1
    for told in ("labels.csv: 0 labels added", "This demo takes 100 files with labels a visit, 128 MiB in all."):
        with page.expect_file_chooser() as chooser:
            page.locator("#data-upload").click()
        chooser.value.set_files(tmp_path / "labels.csv")
        expect(page.get_by_text(told)).to_be_visible()


@pytest.fixture
def camera(playwright: Playwright, tmp_path: Path) -> Iterator[Browser]:
    """A browser whose camera sees a face, and whose microphone hears a voice."""
    picture, sound = tmp_path / "camera.mjpeg", tmp_path / "microphone.wav"
    _convert(DEMOS[0].path, picture, sound, until_s=4.0)
    files = (f"--use-file-for-fake-video-capture={picture}", f"--use-file-for-fake-audio-capture={sound}")
    started = chromium.launch(
        playwright, "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream", *files
    )
    yield started
    started.close()


def test_a_recording_waits_in_line_and_is_analysed_with_its_sound(
    demo: Served, camera: Browser, browsers: list[BrowserContext], tmp_path: Path
):
    _end_all_visits(demo)
    go = threading.Event()
    somebodys = Jobs(demo.studio._jobs.line).submit(1, "somebody's.mp4", _waiting_for(go))
    with camera.new_context() as context:
        page = _come(context, demo.url)
        page.locator("#queue [data-part=add]").click()
        page.get_by_role("button", name="record with the camera").click()
        page.get_by_role("button", name="Start recording").click()
        expect(page.locator("#queue .qu-time")).to_have_text("3 s of 119 s")
        page.get_by_role("button", name="Stop and add").click()
        expect(page.locator("#queue .qu-job")).to_contain_text("Waiting for its turn: 1 before it")

        other = _come(browsers[0], demo.url)
        other.locator("#queue [data-part=add]").click()
        long = media_files.write(
            tmp_path / "long.mp4", [(at, media_files.clock_face(0.0)) for at in (0.0, 90.0, 180.0)]
        )
        sent: list[str] = []
        other.on("request", lambda request: sent.append(request.url))
        other.set_input_files("#queue input[type=file]", long)
        told = other.locator("#queue .qu-job")
        expect(told).to_contain_text(
            re.compile(r"long.mp4 was not sent: it lasts \d min \d\d s, and at most 2 min 00 s are accepted\.")
        )
        assert not [each for each in sent if "/upload" in each]
        other.get_by_role("button", name="close").click()
        other.set_input_files("#queue input[type=file]", DEMOS[1].path)
        expect(told).to_contain_text("Waiting for its turn: 2 before it")
        go.set()
        expect(told).to_have_count(0, timeout=ANALYSIS_MS)

        expect(page.locator("#queue .qu-job")).to_have_count(0, timeout=ANALYSIS_MS)
        studio = _studio(demo.visitors, context)
        assert somebodys.state == "done"
        clip = next(each for each in studio.store.clips(1) if each.name.startswith("recording "))
        assert (clip.has_video, clip.has_sound) == (True, True)
        assert 2.0 < clip.duration_s < 20.0
        assert all(studio.tracks(clip.id)[name].valid.any() for name in ("face", "voice"))


def _waiting_for(go: threading.Event) -> Callable[[Callable[[float, str], None]], int]:
    def work(progress: Callable[[float, str], None]) -> int:
        go.wait(ANALYSIS_MS / 1000)
        return 1

    return work


def _convert(video: Path, picture: Path, sound: Path, until_s: float) -> None:
    """What Chromium takes for a camera and a microphone: single JPEGs, and plain samples."""
    with av.open(str(video)) as read, av.open(str(picture), "w", format="mjpeg") as out:
        source = read.streams.video[0]
        stream = out.add_stream("mjpeg", rate=round(source.average_rate or 25), options={"qmin": "2", "qmax": "4"})
        stream.width, stream.height, stream.pix_fmt = source.width, source.height, "yuvj420p"
        for frame in read.decode(source):
            if (frame.time or 0.0) > until_s:
                break
            out.mux(stream.encode(frame.reformat(format="yuvj420p")))
        out.mux(stream.encode(None))
    with av.open(str(video)) as read, av.open(str(sound), "w") as out:
        stream = out.add_stream("pcm_s16le", rate=48_000, layout="mono")
        to = av.AudioResampler("s16", "mono", 48_000)
        for frame in read.decode(read.streams.audio[0]):
            if (frame.time or 0.0) > until_s:
                break
            for part in to.resample(frame):
                out.mux(stream.encode(part))
        out.mux(stream.encode(None))


def _end_all_visits(demo: Served) -> None:
    """As if an hour had passed."""
    assert demo.visitors is not None
    for visit in demo.visitors._visits.values():
        visit.begun -= 3600.0
    demo.visitors.sweep()


def _visit(visitors: Visitors | None, context: BrowserContext) -> Visit:
    assert visitors is not None
    cookie = next(each["value"] for each in context.cookies() if each["name"] == "stf2m-visit")
    visit = visitors.find(cookie)
    assert visit is not None
    return visit


def _studio(visitors: Visitors | None, context: BrowserContext) -> Studio:
    studio = _visit(visitors, context).studio
    assert studio is not None
    return studio
