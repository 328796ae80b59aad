"""Draw the demo clips anew: ``python -m app.demo.render [FOLDER]``; needs espeak-ng and scikit-image.

A public-domain photograph (NASA, the astronaut of scikit-image) is moved as a puppet while a synthetic voice speaks.
Nothing here is a recording, and every clip says so in its caption.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import gaussian_filter1d
from skimage.data import astronaut

from app.demo import CAPTION, SILENT_CAPTION
from app.demo.expressions import ACTIONS
from app.demo.puppet import HEIGHT, WIDTH, Pose, Puppet
from app.demo.scenes import FACES, HEADS, SCENES, VOICES, Scene
from app.demo.voices import RATE, Wave, say, sing

FPS = 20
#: How long a face takes from one emotion to the next, seconds.
CHANGE_S = 0.5
GAP_S = 0.3

Curve = NDArray[np.float64]


@dataclass(frozen=True)
class Line:
    """A sentence that is heard, with its time in the clip in seconds."""

    text: str
    start_s: float
    end_s: float


@dataclass(frozen=True)
class Recording:
    """A scene as it sounds: the wave, the sentences with their times, and when each beat starts and ends."""

    wave: Wave
    lines: tuple[Line, ...]
    spans: tuple[tuple[float, float], ...]


def record(scene: Scene) -> Recording:
    """Speak a scene's sentences and sounds one after the other."""
    parts: list[Wave] = []
    lines: list[Line] = []
    spans: list[tuple[float, float]] = []

    def now() -> float:
        return sum(map(len, parts)) / RATE

    for beat in scene.beats:
        start = now()
        if beat.says or beat.sounds:
            parts.append(np.zeros(int(CHANGE_S * RATE)))
        for text in beat.says:
            begin = now()
            parts.append(say(text, VOICES[beat.voice or beat.emotion]))
            lines.append(Line(text, begin, now()))
            parts.append(np.zeros(int(GAP_S * RATE)))
        parts.extend(sing(sound, scene.seed + number) for number, sound in enumerate(beat.sounds))
        parts.append(np.zeros(int(beat.seconds * RATE)))
        spans.append((start, now()))
    return Recording(np.concatenate(parts), tuple(lines), tuple(spans))


def actions_over_time(scene: Scene, recording: Recording, frames: int) -> dict[str, Curve]:
    """The strength of every action ``(frames,)``: the beats' emotions, the lips after the voice, and blinks."""
    rng = np.random.default_rng(scene.seed)
    time = np.arange(frames) / FPS
    curves = {name: np.zeros(frames) for name in ("smile", "teeth", "blink", *ACTIONS)}
    for beat, presence in zip(scene.beats, _presence(recording.spans, time), strict=True):
        lively = 1 + 0.12 * np.sin(2 * np.pi * time * rng.uniform(0.25, 0.45) + rng.uniform(0, 6)) - 0.08
        for action, strength in FACES[beat.emotion].items():
            curves[action] += presence * strength * beat.strength * lively
    mouth, brightness = _mouth(recording.wave, frames)
    talking = gaussian_filter1d((mouth > 0.1).astype(float), 0.2 * FPS)
    curves["teeth"] *= 1 - 0.5 * talking
    curves["press"] *= 1 - talking
    curves["jaw"] = np.maximum(curves["jaw"] * (1 - 0.8 * talking), 0.5 * mouth)
    curves["pout"] += 0.55 * mouth * (1 - brightness)
    curves["stretch"] += 0.35 * mouth * brightness
    for moment in np.cumsum(rng.uniform(1.8, 4.2, size=frames)):
        if moment < time[-1]:
            curves["blink"] = np.maximum(curves["blink"], np.clip(1.9 - np.abs(time - moment) / 0.09, 0, 1))
    return curves


def poses(scene: Scene, recording: Recording, frames: int) -> list[Pose]:
    """How the head is held in every frame: each beat's way, a slow drift, and small nods with the voice."""
    rng = np.random.default_rng(scene.seed + 1)
    time = np.arange(frames) / FPS
    held = {name: np.zeros(frames) for name in ("yaw", "pitch", "roll", "dx", "dy")}
    for beat, presence in zip(scene.beats, _presence(recording.spans, time), strict=True):
        for name, values in held.items():
            values += presence * getattr(HEADS.get(beat.emotion, Pose()), name)
    for name, reach in {"yaw": 2.0, "pitch": 1.0, "roll": 1.2, "dx": 2.0, "dy": 1.0}.items():
        for hertz in (0.09, 0.17, 0.31):
            held[name] += reach * 0.5 * np.sin(2 * np.pi * (hertz * time * rng.uniform(0.8, 1.2) + rng.uniform()))
    held["pitch"] -= 1.5 * gaussian_filter1d(_mouth(recording.wave, frames)[0], 0.15 * FPS)
    return [Pose(**{name: float(values[k]) for name, values in held.items()}) for k in range(frames)]


def _presence(spans: tuple[tuple[float, float], ...], time: Curve) -> Iterator[Curve]:
    """How present each beat is over time, 0 to 1, easing in and out; the beats sum to 1."""
    for number, (start, end) in enumerate(spans):
        enters = _ease((time - start) / CHANGE_S) if number else np.ones_like(time)
        leaves = _ease((time - end) / CHANGE_S) if number < len(spans) - 1 else np.zeros_like(time)
        yield enters - leaves


def _ease(share: Curve) -> Curve:
    share = share.clip(0, 1)
    return share * share * (3 - 2 * share)


def _mouth(wave: Wave, frames: int) -> tuple[Curve, Curve]:
    """How far the voice opens the mouth and how bright its sound is, per frame, both 0 to 1 ``(frames,)``."""
    hop = RATE // FPS
    padded = np.zeros(frames * hop)
    padded[: len(wave)] = wave[: len(padded)]
    windows = padded.reshape(frames, hop)
    loud = 10 * np.log10((windows**2).mean(axis=1) + 1e-9)
    power = np.abs(np.fft.rfft(windows * np.hanning(hop), axis=1)) ** 2
    centre = (power @ np.fft.rfftfreq(hop, 1 / RATE)) / (power.sum(axis=1) + 1e-9)
    opening = ((loud + 44) / 34).clip(0, 1)
    return gaussian_filter1d(opening, 0.7), gaussian_filter1d((centre / 2500).clip(0, 1), 1.0)


def write(scene: Scene, puppet: Puppet, folder: Path) -> Path:
    """Render one clip and its subtitles, if it has words, into a folder."""
    recording = record(scene)
    frames = int(np.ceil(len(recording.wave) / RATE * FPS))
    curves, held = actions_over_time(scene, recording, frames), poses(scene, recording, frames)
    caption = SILENT_CAPTION if scene.silent else CAPTION
    path = folder / f"{scene.name}.mp4"
    with av.open(path, "w", options={"movflags": "+faststart"}) as container:
        container.metadata["title"] = caption
        video = container.add_stream("libx264", rate=FPS, options={"crf": "26", "preset": "slow"})
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        audio = None if scene.silent else container.add_stream("aac", rate=RATE, layout="mono", bit_rate=48_000)
        for number, pose in enumerate(held):
            image = puppet.draw({name: float(curve[number]) for name, curve in curves.items()}, pose)
            container.mux(video.encode(av.VideoFrame.from_ndarray(_captioned(image, caption), format="rgb24")))
        container.mux(video.encode(None))
        if audio:
            sound = av.AudioFrame.from_ndarray(recording.wave.astype(np.float32)[None], format="fltp", layout="mono")
            sound.sample_rate = RATE
            container.mux(audio.encode(sound))
            container.mux(audio.encode(None))
    if recording.lines:
        path.with_suffix(".srt").write_text(_subtitles(recording.lines), encoding="utf-8")
    return path


def _captioned(image: NDArray[np.uint8], caption: str) -> NDArray[np.uint8]:
    picture = Image.fromarray(image)
    ImageDraw.Draw(picture, "RGBA").text(
        (WIDTH // 2, HEIGHT - 9), caption, font=ImageFont.load_default(11), fill=(255, 255, 255, 215), anchor="mm",
        stroke_width=1, stroke_fill=(0, 0, 0, 150),
    )  # fmt: skip
    return np.asarray(picture)


def _subtitles(lines: tuple[Line, ...]) -> str:
    def stamp(seconds: float) -> str:
        minutes, rest = divmod(round(seconds * 1000), 60_000)
        return f"{minutes // 60:02}:{minutes % 60:02}:{rest // 1000:02},{rest % 1000:03}"

    blocks = [f"{n}\n{stamp(line.start_s)} --> {stamp(line.end_s)}\n{line.text}\n" for n, line in enumerate(lines, 1)]
    return "\n".join(blocks)


def main(folder: Path) -> None:
    """Render every demo clip."""
    puppet = Puppet(astronaut())
    for scene in SCENES:
        path = write(scene, puppet, folder)
        print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
