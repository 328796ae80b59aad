"""Every parser of the project's own: how it is called with bytes, what it may raise, and good input to begin with."""

import hashlib
import io
import json
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from annotations import cremad, formats, validation
from annotations.formats.json import parse as parse_json
from annotations.interchange import StudyFile
from annotations.records import AnnotationError
from app.accounts import Accounts
from app.doorway import event_of
from app.ingest import plain_name
from stf2m import checkpoint, media, rule_edits, rule_words
from stf2m.checkpoint import CARD, WEIGHTS, CheckpointError
from stf2m.datasets import DatasetError, bundle, labelled, meld, mosi
from stf2m.datasets.items import Item
from stf2m.datasets.selection import Selection
from stf2m.encoded import Encoded
from stf2m.media import MediaError
from stf2m.recipe import Recipe, RecipeError
from stf2m.rule_words import EXAMPLE, RuleError
from stf2m.tracks import Track, absent
from stf2m.views import face, hearing, subtitles
from stf2m.views.subtitles import SubtitleError
from tests.annotations.study_files import KNOWN
from tests.hostile.media import clip

_FOLDER = Path(tempfile.mkdtemp(prefix="stf2m-fuzz-"))
_ONE = StudyFile(KNOWN.emotions, KNOWN.clips[:1], KNOWN.labels[:4])
_CUES = ("smile", "brow raise", "loudness", "pitch variation")
_VOTES = (
    b",A,D,F,H,N,S,fileName,numResponses,agreement,emoVote,meanEmoResp,meanAngerResp,meanDisgustResp,meanFearResp,"
    b"meanHappyResp,meanNeutralResp,meanSadResp\n100001,8,1,0,0,0,0,1001_DFA_ANG_XX,9,0.8,A,50,60,20,0,0,0,0\n"
)
_UTTERANCES = b"row,utterance,video,segment,nonnegative,transcript\n0,a_3,a,3,1,I LOVED IT\n"
_SAID = b"""name = "x"
seed = 1
steps = 10
modalities = {face = 1.0}
[architecture]
dilations = [1, 2]
[[data]]
folder = "ravdess"
speakers = "1-14"
"""


_LABELS = json.dumps(
    {
        "clips": [{"name": "a.mp4", "sha256": "ab" * 32}],
        "annotations": [{"clip": 0, "annotator": "Ana", "start_s": 0, "end_s": 1, "degrees": {"happy": 1}}],
    }
).encode()


@dataclass(frozen=True)
class Parser:
    """A parser: ``parse`` is given bytes and raises nothing but ``refusals``; ``seeds`` are good input."""

    parse: Callable[[bytes], object]
    refusals: tuple[type[Exception], ...]
    seeds: Callable[[], Sequence[bytes]]


def _format(name: str, study: StudyFile = _ONE) -> Parser:
    form = formats.FORMATS[name]
    return Parser(lambda data: form.read(data, "x"), (AnnotationError,), lambda: [formats.write(study, name).data])


def _file(name: str, read: Callable[[Path], object], refusals: tuple[type[Exception], ...], *seeds: bytes) -> Parser:
    """A parser of a file; ``read`` is given its path."""
    return Parser(lambda data: read(_written(name, data)), refusals, lambda: seeds)


def _written(name: str, data: bytes) -> Path:
    path = _FOLDER / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogatepass" if data.isascii() else "replace")


@cache
def _archive() -> bytes:
    return formats.write(KNOWN, "webvtt").data


@cache
def _packed() -> bytes:
    """A small bundle as a ZIP file."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(bundle.LABELS, _LABELS)
        archive.writestr(f"{bundle.TRACKS}/{'ab' * 32}/face.npz", _saved_track())
    return buffer.getvalue()


@cache
def _saved_track() -> bytes:
    absent(face.MODALITY, 3, "No face was found.").save(_FOLDER / "seed.npz")
    return (_FOLDER / "seed.npz").read_bytes()


@cache
def _saved_segments() -> bytes:
    whole = Encoded(np.zeros((2, 3, 4), np.float32), np.ones((2, 3), bool), np.zeros((2, 5), np.float32), "encoder")
    whole.save(_FOLDER / "encoded.npz")
    return (_FOLDER / "encoded.npz").read_bytes()


def _fast_weights() -> bytes:
    about = {"edits": {"words": {"smile": {"high": "broad"}}, "off": [1], "pinned": {}, "written": []}}
    header = json.dumps({"__metadata__": {"about": json.dumps(about)}}).encode()
    return len(header).to_bytes(8, "little") + header


def _card(data: bytes) -> object:
    """A card in a folder with weights that it vouches for as far as their hash goes."""
    _written("model/" + WEIGHTS, (2).to_bytes(8, "little") + b"{}")
    return checkpoint.read(_written("model/" + CARD, data).parent)


def _weights(data: bytes) -> object:
    """Weights whose hash is on the card."""
    card = json.loads(_shipped()) | {"sha256": hashlib.sha256(data).hexdigest()}
    _written("model2/" + CARD, json.dumps(card).encode())
    return checkpoint.read(_written("model2/" + WEIGHTS, data).parent)


@cache
def _shipped() -> bytes:
    weights = (2).to_bytes(8, "little") + b"{}"
    card = json.loads(next(Path("stf2m/checkpoints").rglob(CARD)).read_text(encoding="utf-8"))
    return json.dumps(card | {"sha256": hashlib.sha256(weights).hexdigest()}).encode()


@cache
def _whisper() -> bytes:
    """A small file in CTranslate2's layout: one array of two numbers."""
    name = b"encoder/conv1/bias\0"
    spec = (6).to_bytes(4, "little") + (12).to_bytes(2, "little") + b"WhisperSpec\0" + (3).to_bytes(4, "little")
    array = b"".join(
        (len(name).to_bytes(2, "little"), name, b"\1", (2).to_bytes(4, "little"), b"\0", (8).to_bytes(4, "little"))
    )
    return spec + (1).to_bytes(4, "little") + array + bytes(8)


def _degrees(data: bytes) -> object:
    """What the page sends of somebody's degrees: any JSON."""
    told = parse_json(data)
    if not isinstance(told, dict):
        return None
    return validation.degrees(told, ["happy", "sad"])


def _named(data: bytes) -> object:
    """Names and notes as they are kept."""
    said = _text(data)
    return plain_name(said), validation.note(said), validation.name(said, "A study")


def _vectors(data: bytes) -> object:
    """The features of a table of one utterance."""
    _written(f"mosi/{mosi.TABLE}", _UTTERANCES)
    return mosi.features(_written(f"mosi/{mosi.FEATURES}", data).parent)


@cache
def _saved_vectors() -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **{name: np.zeros((1, 3)) for name in ("text", "audio", "video")})
    return buffer.getvalue()


def _speakers(data: bytes) -> object:
    items = [Item(name, "sound", name, "happy") for name in ("1", "2", "15", "S010", "")]
    return Selection(_text(data)).of(items)


#: By the names under which the command fuzzes them.
PARSERS: dict[str, Parser] = {
    **{name: _format(name) for name in formats.FORMATS},
    "labels": Parser(lambda data: formats.read(data, "x.csv"), (AnnotationError,), lambda: [_archive()]),
    "subtitles": _file(
        "words.srt",
        lambda path: subtitles.read(path, 5.0),
        (SubtitleError,),
        b"1\n00:00:00,100 --> 00:00:00,900\nI am so happy\n",
        b"WEBVTT\n\n00:00.100 --> 00:00.900\n<v Ana><b>I am so happy</b>\n",
    ),
    "votes": _file("votes/tabulatedVotes.csv", lambda path: cremad.read(path.parent), (AnnotationError,), _VOTES),
    "responses": _file(
        "responses/finishedResponses.csv",
        lambda path: cremad.read(path.parent),
        (AnnotationError,),
        b",localid,pos,ans,ttr,queryType,numTries,clipNum,questNum,subType,clipName\n1,2,3,A_70,5,1,1,4,5,6,1001_X_ANG\n",
    ),
    "rule": Parser(
        lambda data: rule_words.read(_text(data), _CUES, ["happy", "sad"], {"smile": {"high": "broad"}}),
        (RuleError,),
        lambda: [EXAMPLE.encode(), b"if smile is broad, brow raise is low then happy 80 %, sad 0.2"],
    ),
    "term": Parser(
        lambda data: rule_words.new_word({}, "smile", "high", _text(data)), (RuleError,), lambda: [b"broad", b"so so"]
    ),
    "recipe": _file("recipe.toml", Recipe.read, (RecipeError,), _SAID),
    "card": Parser(_card, (CheckpointError,), lambda: [_shipped()]),
    "weights": Parser(_weights, (CheckpointError,), lambda: [_fast_weights()]),
    "fast-weights": Parser(rule_edits.edits_in, (ValueError,), lambda: [_fast_weights()]),
    "whisper": _file("model.bin", hearing.read, (ValueError,), _whisper()),
    "track": Parser(
        lambda data: Track.load(_written("face.npz", data), face.MODALITY), (ValueError,), lambda: [_saved_track()]
    ),
    "segments": Parser(
        lambda data: Encoded.load(_written("segments.npz", data)), (ValueError,), lambda: [_saved_segments()]
    ),
    "bundle": _file(
        "bundle/annotations.json",
        lambda path: bundle.read(path.parent),
        (DatasetError,),
        _LABELS,
    ),
    "packed-bundle": Parser(
        lambda data: bundle.unpacked(_written("bundle.zip", data), _FOLDER), (DatasetError,), lambda: [_packed()]
    ),
    "table": _file(
        "table/labels.csv",
        lambda path: labelled.read(path.parent),
        (DatasetError,),
        b"file,speaker,emotion,text,seconds\n,Ana,happy:0.6;sad:0.4,hello,1.5\n",
        b"text,speaker,happy,sad\nhello,Ana,0.6,0.4\n",
    ),
    "meld": _file(
        "meld/dev_sent_emo.csv",
        lambda path: meld.read(path.parent),
        (DatasetError,),
        b"Utterance,Speaker,Emotion,Dialogue_ID,Utterance_ID,StartTime,EndTime\n"
        b'Oh.,Ana,joy,1,2,"00:16:16,059","00:16:21,731"\n',
    ),
    "mosi": _file("sentiment/labels.csv", lambda path: mosi.read(path.parent), (DatasetError,), _UTTERANCES),
    "mosi-features": Parser(_vectors, (DatasetError,), lambda: [_saved_vectors()]),
    "speakers": Parser(_speakers, (DatasetError,), lambda: [b"1-2,S010", b"15"]),
    "degrees": Parser(_degrees, (AnnotationError,), lambda: [b'{"happy": 0.6, "sad": 0.4}']),
    "names": Parser(_named, (AnnotationError,), lambda: [b"../clip.mp4", "🎭\N{RIGHT-TO-LEFT OVERRIDE}.mp4".encode()]),
    "event": Parser(
        event_of,
        (),
        lambda: [b'{"session_hash": "a", "data": [{"path": "/x", "meta": {"_type": "gradio.FileData"}}]}'],
    ),
    "accounts": _file(
        "accounts.json",
        lambda path: Accounts(path.parent).all(),
        (AnnotationError,),
        b'[{"name": "Ana", "role": "admin", "salt": "00", "hash": "00"}]',
    ),
    "media": Parser(
        lambda data: media.probe(_written("clip.mp4", data)),
        (MediaError,),
        lambda: [clip(".mp4", "still"), clip(".mkv", "dot")],
    ),
}
