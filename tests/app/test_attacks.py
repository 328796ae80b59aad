"""The usual attacks on a real server: each test names what is attacked, and fails when the guard is taken away."""

import http.server
import json
import math
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from annotations.interchange import FileClip, StudyFile
from app.bounds import MOST_BYTES
from app.ingest import plain_name
from app.jobs import Jobs
from app.serving import Served
from app.settings import Settings
from app.studio import Studio
from app.widgets.labels.calls import calls as label_calls
from app.widgets.queue.calls import calls as queue_calls
from app.widgets.timeline.calls import calls as timeline_calls
from tests.serving import serving

SECRET = "what nobody may read"
CLIP = FileClip("clip.mp4", "ab" * 32, 5.0)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A studio on a free port; its home and the folder above it hold a secret, and one clip is there."""
    home = tmp_path_factory.mktemp("studio") / "home"
    for folder in (home, home.parent):
        folder.mkdir(exist_ok=True)
        (folder / "secret.txt").write_text(SECRET)
    (home / "demo-is-there").touch()
    studio = _studio(home)
    for study in (1, 2):
        media = studio.files.of(studio.store.clips(study)[0])
        media.mkdir(parents=True)
        (media / "original.mp4").write_bytes(b"a video")
    studio.store.close()
    with serving(Settings(home=home)) as server:
        yield server


def _studio(home: Path) -> Studio:
    studio = Studio(Settings(home=home))
    studio.create_study("Mine", ["happy", "sad"])
    studio.create_study("Theirs", ["happy", "sad"])
    for name in ("Mine", "Theirs"):
        studio.store.import_file(name, StudyFile(("happy",), (CLIP,), ()))
    studio.annotator("Ana")
    return studio


@pytest.fixture
def browser(served: Served) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=served.url, timeout=120) as client:
        yield client


@pytest.mark.parametrize(
    "route", ["gradio_api/file=", "file=", "gradio_api/stream/", "gradio_api/file/", "static/", ""]
)
@pytest.mark.parametrize(
    "way", ["{home}/secret.txt", "{home}/../secret.txt", "../{name}", "..%2f{name}", "%2e%2e/{name}"]
)
def test_path_traversal_through_gradios_routes(served: Served, browser: httpx.Client, route: str, way: str) -> None:
    home = served.studio.settings.home
    answer = browser.get(f"/{route}{way.format(home=home, name='secret.txt')}", follow_redirects=True)
    assert SECRET not in answer.text
    for private in ("studio.sqlite3", "clips"):
        there = browser.get(f"/{route}{home}/{private}", follow_redirects=True)
        assert b"SQLite format" not in there.content
        assert there.status_code != 200 or "text/html" in there.headers["content-type"]


@pytest.mark.parametrize("address", ["/clip/{}", "/clip/{}/thumbnail", "/clip/{}/report", "/study/{}/rules.json"])
@pytest.mark.parametrize(
    "number", ["1/../../secret.txt", "1%2f..%2f..%2fsecret.txt", "..", "1%00", "-1", "9" * 30, "1e0"]
)
def test_path_traversal_through_a_clips_number(browser: httpx.Client, address: str, number: str) -> None:
    answer = browser.get(address.format(number))
    assert SECRET not in answer.text
    assert "Traceback" not in answer.text
    assert answer.status_code in (200, 404, 422)
    assert answer.status_code != 200 or "text/html" in answer.headers["content-type"]


def test_an_upload_to_a_study_that_no_database_holds_is_refused(browser: httpx.Client) -> None:
    told = browser.post("/upload", content=b'{"study": 1%s, "name": "a.mp4", "size": 4}' % (b"0" * 30)).json()
    assert "refused" in told


def test_path_traversal_through_an_uploads_name(served: Served, browser: httpx.Client) -> None:
    home = served.studio.settings.home
    before = {path for path in home.rglob("*") if "incoming" not in path.parts}
    for name in ("../../evil.mp4", "/tmp/evil.mp4", "..\\evil.mp4", "clips"):
        told = browser.post("/upload", json={"study": 1, "name": name, "size": 4}).json()
        assert "job" in browser.post(f"/upload/{told['token']}", content=b"evil").json()
        answer = browser.post("/gradio_api/upload", files={"files": (name, b"evil")}).json()
        assert home not in Path(answer[0]).parents
        assert Path(answer[0]).name in ("evil.mp4", "..evil.mp4", "clips")
    assert {path for path in home.rglob("*") if "incoming" not in path.parts} - before == set()


def test_a_video_that_is_called_a_page_is_none(served: Served, browser: httpx.Client) -> None:
    """Neither one that comes now, nor one that an older studio kept under that name."""
    go = threading.Event()
    held = Jobs(served.studio._jobs.line).submit(1, "another", lambda _: int(go.wait(60)))
    for name, kept in (("talk.html", "clip.media"), ("talk.svg", "clip.media"), ("Talk.MP4", "clip.mp4")):
        told = browser.post("/upload", json={"study": 1, "name": name, "size": 4}).json()
        before = set(served.studio.files.incoming.glob("*/clip.*"))
        assert "job" in browser.post(f"/upload/{told['token']}", content=b"evil").json()
        (new,) = set(served.studio.files.incoming.glob("*/clip.*")) - before
        assert new.name == kept
    assert not held.finished
    go.set()
    (media,) = served.studio.files.of(served.studio.store.clips(2)[0]).glob("original.*")
    for name, kind, shown in (
        ("original.html", "application/octet-stream", "attachment"),
        ("original.media", "application/octet-stream", "attachment"),
        ("original.webm", "video/webm", None),
    ):
        media = media.rename(media.with_name(name))
        headers = browser.get("/clip/2").headers
        assert (headers["content-type"], headers.get("content-disposition")) == (kind, shown)
        assert headers["content-security-policy"] == "sandbox; default-src 'none'"
        assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../a.mp4", "a.mp4"),
        ("a\r\nSet-Cookie: b=c.mp4", "aSet-Cookie: b=c.mp4"),
        ("\N{RIGHT-TO-LEFT OVERRIDE}4pm.exe", "4pm.exe"),
        ("👩‍🚀 \N{ARABIC LETTER MEEM}.mp4", "👩‍🚀 \N{ARABIC LETTER MEEM}.mp4"),
        ("\0\ud800", ""),
    ],
)
def test_a_files_name_that_hides_or_turns_what_it_is(name: str, shown: str) -> None:
    assert plain_name(name) == shown


def _event(
    browser: httpx.Client, name: str, data: list[Any], told: dict[str, Any] | None = None, page: str = ""
) -> str:
    """Send an event of the page by hand; all that the server says about it."""
    config = browser.get("/config").json()
    event = next(each for each in config["dependencies"] if each["api_name"] == name)
    page = page or uuid.uuid4().hex
    body = {"data": data, "fn_index": event["id"], "session_hash": page, "event_data": told}
    joined = browser.post("/gradio_api/queue/join", json=body)
    if joined.status_code != 200:
        return joined.text
    said = []
    with browser.stream("GET", f"/gradio_api/queue/data?session_hash={page}") as lines:
        for line in lines.iter_lines():
            said.append(line)
            if '"process_completed"' in line or '"close_stream"' in line:
                break
    return "\n".join(said)


@pytest.fixture
def elsewhere() -> Iterator[tuple[str, list[str]]]:
    """Another server, and the paths that it was asked for."""
    asked: list[str] = []

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"clip,annotator,start_s,end_s,emotion\n")

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://localhost:{server.server_port}/labels.csv", asked
    server.shutdown()


def test_a_request_of_the_server_to_an_address_in_place_of_a_file(
    browser: httpx.Client, elsewhere: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also to one that Gradio itself would let through: those of other machines, as this one is made to count here."""
    from gradio import processing_utils

    address, asked = elsewhere
    monkeypatch.setattr(processing_utils, "PUBLIC_HOSTNAME_WHITELIST", ["localhost"])
    for path in (address, "http://169.254.169.254/latest/meta-data/"):
        for told in ({"path": path}, {"path": path, "url": path}, {"path": "a.csv", "url": path}):
            said = _event(browser, "bring_in", [{**told, "meta": {"_type": "gradio.FileData"}}, None, None, None])
            assert '"success":true' not in said.replace(" ", "")
    assert browser.get(f"/gradio_api/proxy={address}").status_code >= 400
    assert asked == []


def test_a_file_of_the_studio_in_place_of_an_upload_is_neither_read_nor_deleted(
    served: Served, browser: httpx.Client
) -> None:
    home = served.studio.settings.home
    for path in (home / "secret.txt", home / "studio.sqlite3"):
        given_ = {"path": str(path), "meta": {"_type": "gradio.FileData"}, "orig_name": "labels.csv"}
        said = _event(browser, "bring_in", [given_, None, None, None])
        assert SECRET not in said
        assert path.is_file()


@pytest.mark.parametrize("path", ["/gradio_api/queue/join", "/gradio_api/component_server", "/upload", "/login"])
def test_an_event_of_many_megabytes_is_refused_before_it_is_read(browser: httpx.Client, path: str) -> None:
    def endless() -> Iterator[bytes]:
        yield b'{"data": ["'
        for _ in range(MOST_BYTES // 2**20 + 1):
            yield b"a" * 2**20
        yield b'"]}'

    headers = {"Content-Type": "application/json"}
    told = browser.post(path, content=b"a" * (MOST_BYTES + 1), headers=headers)
    untold = browser.post(path, content=endless(), headers=headers)
    assert told.status_code == 413
    assert untold.status_code >= 400 or "4 MiB at most" in untold.text


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.sampled_from(
        [0, 1, 2, 3, -1, 0.5, 1e308, "happy", "1", "' OR 1=1 --", "<script>", "\0", "\ud800", "x" * 20_000]
    ),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["happy", "kind", "a"]), inner, max_size=2)
    ),
    max_leaves=4,
)
NAMES = (
    "clip", "annotator", "study", "start_s", "end_s", "degrees", "annotation_id", "annotation", "version", "note",
    "intensity", "painted", "parts", "review", "shown", "event", "position_s", "finished", "reaction_s", "unsure",
    "job", "clips", "emotion", "by_people", "mix", "name", "new", "into", "colour", "mode", "compare_to", "wanted",
    "values",
)  # fmt: skip


def test_forged_events_of_every_widget_are_answered_and_leave_the_labels_whole(tmp_path: Path) -> None:
    """Ids of nobody, of other studies, numbers and words in each other's place: an answer each, nothing odd is kept."""
    studio = _studio(tmp_path)
    every = [*timeline_calls(studio), *queue_calls(studio), *label_calls(studio)]
    likely = {
        "clip": 1,
        "annotator": 1,
        "study": 1,
        "start_s": 0.0,
        "end_s": 1.0,
        "degrees": {"happy": 1},
        "review": True,
    }

    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.sampled_from(every), st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=5), st.booleans())
    def forge(call: Any, data: dict[str, Any], mostly_right: bool) -> None:
        answer = call({**likely, **data} if mostly_right else data)
        assert isinstance(answer, dict)

    forge()
    for study in studio.studies():
        for each in studio.store.annotations(study_id=study.id):
            assert set(each.degrees) <= set(study.emotion_names)
            assert 0 <= each.start_s < each.end_s <= 5.0
            assert len(each.note) <= 10_000
        json.dumps([vars(event) for event in studio.store.events(study.id)], default=str, allow_nan=False)
    assert all(math.isfinite(each.reaction_s or 0) for each in studio.store.annotators())


def _calls(studio: Studio) -> dict[str, Any]:
    return {call.__name__: call for call in timeline_calls(studio)}


def test_a_forged_person_or_clip_is_nobody(tmp_path: Path) -> None:
    studio = _studio(tmp_path)
    ana = studio.annotator("Ana").id
    right = {"clip": 1, "annotator": ana, "start_s": 0.0, "end_s": 1.0, "degrees": {"happy": 1.0}, "review": True}
    call = _calls(studio)
    for wrong in (
        {"annotator": 999},
        {"clip": 999},
        {"degrees": {"no such": 1.0}},
        {"annotation_id": 999, "version": 1},
    ):
        answer = call["correct"]({**right, **wrong})
        assert answer.get("refused", "").endswith(".")
        assert "error in the studio" not in answer["refused"]
    assert studio.store.annotations(study_id=1) == []


@pytest.mark.parametrize("nobody", [None, True, 1.0, "1", [1], {}], ids=repr)
def test_no_call_of_a_widget_is_done_by_nobody(tmp_path: Path, nobody: object) -> None:
    studio = _studio(tmp_path)
    told = studio.store.count_events()
    data = {"clip": 1, "study": 1, "start_s": 0.0, "end_s": 1.0, "degrees": {"happy": 1.0}, "name": "sad", "mix": {}}
    data |= {"version": studio.version(1).id, "clips": [1], "new": "glad", "into": "happy", "mode": "label first"}
    data |= {"finished": True, "position_s": 1.0, "reaction_s": 0.3, "unsure": 0.3, "colour": "#123456"}
    for call in (*timeline_calls(studio), *queue_calls(studio), *label_calls(studio)):
        answer = call({**data, "annotator": nobody})
        assert answer == {"refused": "It is not known who does this; load the page again."}, call.__name__
    assert studio.store.count_events() == told


@pytest.mark.parametrize(
    ("event", "data"),
    [
        ("adapt", [None, None, None, True, None]),
        ("go_back", [None] * 3),
        ("make_backup", [None]),
        ("delete", [None] * 3),
        ("restore", [None] * 3),
        ("take_back", [None] * 3),
        ("take_back_1", [None] * 3),
        ("make", ["Another", ["happy", "sad"], None]),
    ],
)
def test_no_event_of_a_page_is_done_by_nobody(
    served: Served, browser: httpx.Client, event: str, data: list[Any]
) -> None:
    """A page that was never loaded has a study when it says so, and nobody in it."""
    version = served.studio.version(1).id
    told, page = served.studio.store.count_events(), uuid.uuid4().hex
    _event(browser, "_opened", [None, None], {"clip": 1, "study": 1, "annotator": None}, page)
    said = _event(browser, event, data, {"go": f"{version}", "clip": "1"}, page)
    assert "It is not known who does this; load the page again." in said
    assert served.studio.store.count_events() == told


def test_replayed_and_reordered_events_change_nothing_twice(tmp_path: Path) -> None:
    studio = _studio(tmp_path)
    ana = studio.annotator("Ana").id
    call = _calls(studio)
    first = {"clip": 1, "annotator": ana, "start_s": 0.0, "end_s": 1.0, "degrees": {"happy": 1.0}, "review": True}
    made = call["correct"](first)["annotation"]
    assert call["correct"](first)["annotation"]["id"] == made["id"]
    change = {**first, "annotation_id": made["id"], "version": made["version"], "degrees": {"sad": 1.0}}
    later = call["correct"](change)["annotation"]
    assert "conflict" in call["correct"]({**change, "degrees": {"happy": 0.5}})
    assert "conflict" in call["remove"]({"annotation_id": made["id"], "version": made["version"], "annotator": ana})
    (left,) = studio.store.annotations(study_id=1)
    assert (left.version, dict(left.degrees)) == (later["version"], {"sad": 1.0})
