"""The repository as a Space runs it: ``python -m benchmarks.space``, as root on Linux; prints what a visitor met.

The files of the repository in a folder of their own, another user, every disk read-only but that user's home, no
program on the path, demo mode, the first start. Then a real Chromium: a visitor comes, adds a video, looks at what the
model says, corrects it. ``--without-weights`` hides the packages that carry weights, on a machine that cannot download
them: what is left works, and the page says what does not.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from playwright.sync_api import Page, sync_playwright

from app.demo import DEMOS
from benchmarks.report import write_page
from benchmarks.saving.servers import DoesNotRun, free_port, running
from stf2m import weights
from tests.browser import chromium

ROOT = Path(__file__).resolve().parents[1]
TOLD = Path(__file__).with_name("SPACE.md")
#: Whom the studio runs as, nobody that is here.
USER = 61234
#: What a first start may take, and a page, seconds.
PATIENCE_S = 1800
#: Which clip is open in the page.
OPEN = "new URLSearchParams(location.search).get('clip')"
#: Makes every disk read-only but the home, in this program's view alone, and gives up all rights. Where Python itself
#: lies in root's home, which nobody else may enter, an empty one with only Python in it takes its place.
CONTAINER = """
set -e
place=$1 home=$2 python=$3 user=$4
mount --make-rprivate /
mkdir "$place/python"; mount --bind "$python" "$place/python"
roots=~root
if [[ $python == "$roots"/* ]]; then
  mount -t tmpfs -o mode=755 tmpfs "$roots"
  mkdir -p "$python"; mount --bind "$place/python" "$python"; mount -o remount,bind,ro "$python"
  mount -o remount,ro "$roots"
fi
chown -R "$user:$user" "$home"; mount --bind "$home" "$home"
mount -o remount,bind,ro /
exec setpriv --reuid "$user" --regid "$user" --clear-groups --no-new-privs --inh-caps=-all --bounding-set=-all "${@:5}"
"""


def main(
    clip: Annotated[Path, typer.Option(help="The video that the visitor adds.")] = DEMOS[0].path,
    without_weights: Annotated[
        bool, typer.Option("--without-weights", help="No borrowed weights are to be had.")
    ] = False,
    prepared: Annotated[
        Path | None, typer.Option(help="STF2M_HOME/demo of a demo that ran before, as a persistent disk has it.")
    ] = None,
    pictures: Annotated[Path | None, typer.Option(help="A folder for pictures of the screen.")] = None,
) -> None:
    """Start it, visit it, and tell how long each step took."""
    if os.geteuid() or not shutil.which("unshare") or not shutil.which("setpriv"):
        raise typer.BadParameter("Only root can make disks read-only, with unshare and setpriv.")
    with TemporaryDirectory(prefix="space-") as name:
        place, steps = Path(name), dict[str, str]()
        place.chmod(0o755)
        try:
            with _space(place, without_weights, prepared) as url:
                steps[f"{'next' if prepared else 'first'} start, until the page answers"] = (
                    f"{_since(place / 'started'):.0f} s"
                )
                steps |= _visit(url, _not_there_yet(clip, place), pictures)
            steps["most memory"] = f"{_most_memory(place):.0f} MB"
        except DoesNotRun as error:
            typer.echo(f"{(place / 'app.log').read_text(errors='replace')}{error}", err=True)
            raise typer.Exit(1) from error
        finally:
            log = (place / "app.log").read_text(errors="replace")
        # A Space's own installation has that package, for reloading by hand; nothing else needs it.
        errors = log.count("Traceback") - log.count("`spaces` package is required to run hot-reloading")
        steps["errors in its log"] = str(errors)
    rows = "\n".join(f"| {what} | {found} |" for what, found in steps.items())
    text = "# As a Space would\n\nBy `python -m benchmarks.space`, which says what is done, "
    text += f"on {os.cpu_count()} cores.\n\n| what | found |\n| --- | --- |\n{rows}\n"
    print(text)
    if not prepared and not without_weights:
        write_page(TOLD, text)


@contextmanager
def _space(place: Path, without_weights: bool, prepared: Path | None) -> Iterator[str]:
    code, home = place / "code", place / "home"
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (code / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, code / name)
    for empty in ("home", "none", *(f"hidden/{each.package}" for each in weights.BORROWED if without_weights)):
        (place / empty).mkdir(parents=True)
    for each in (place / "hidden").glob("*"):
        (each / "__init__.py").touch()
    if prepared:
        shutil.copytree(prepared, home / "data" / "demo", ignore=shutil.ignore_patterns("visits"))
    port = free_port()
    env = {"HOME": home, "PATH": place / "none", "SPACE_ID": "somebody/st-f2m", "SYSTEM": "spaces", "LANG": "C.UTF-8"}
    env |= {"GRADIO_SERVER_PORT": port, "PYTHONPATH": place / "hidden"}
    python = [sys.base_prefix, USER, shutil.which("env"), "-i", *(f"{name}={value}" for name, value in env.items())]
    command = [
        "unshare",
        "--mount",
        "bash",
        "-c",
        CONTAINER,
        "container",
        place,
        home,
        *python,
        sys.executable,
        "app.py",
    ]
    (place / "started").touch()
    url = f"http://127.0.0.1:{port}"
    with running(command, url, folder=code, log=place / "app.log", env=os.environ, patience_s=PATIENCE_S):
        (place / "process").write_text(_process_of(home))
        yield url
        (place / "status").write_text(Path(f"/proc/{(place / 'process').read_text()}/status").read_text())


def _visit(url: str, clip: Path, pictures: Path | None) -> dict[str, str]:
    """What a visitor does, and how long each step takes them."""
    steps: dict[str, str] = {}
    with sync_playwright() as playwright:
        browser = chromium.launch(playwright)
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.set_default_timeout(PATIENCE_S * 1000)
        begun = time.perf_counter()
        page.goto(url)
        page.locator("#timeline .tl-open").wait_for()
        steps["from the address to a clip with its timeline"] = _took(begun)
        _picture(page, pictures, "page")
        begun, first = time.perf_counter(), page.evaluate(OPEN)
        page.locator("#queue [data-part=add]").click()
        page.set_input_files("#queue input[type=file]", clip)
        page.wait_for_function(f"(first) => {OPEN} !== first || document.querySelector('.qu-failed')", arg=first)
        refused = page.locator(".qu-failed li").all_text_contents()
        steps[f"a video is added and analysed ({clip.stat().st_size / 2**20:.1f} MiB)"] = (
            refused[0] if refused else _took(begun)
        )
        _picture(page, pictures, "added")
        page.locator("#timeline .tl").focus()
        page.keyboard.press("j")
        page.wait_for_timeout(1000)
        begun = time.perf_counter()
        page.keyboard.press("2")
        page.locator("#timeline [data-underway='0']").wait_for()
        page.locator("#timeline .tl-saved", has_text="saved ✓").wait_for()
        steps["a correction is shown as saved"] = f"{1000 * (time.perf_counter() - begun):.0f} ms"
        page.locator("#tab-about-button").click()
        page.locator("#about-modalities td").first.wait_for()
        works = page.locator("#about-modalities tbody tr").evaluate_all(
            "rows => rows.map(row => row.cells[1].textContent)"
        )
        steps["face, voice, words, as About says"] = "; ".join(works)
        _picture(page, pictures, "about")
        browser.close()
    return steps


def _not_there_yet(clip: Path, place: Path) -> Path:
    """The clip as a file that the demo does not have: players skip what stands behind the last box."""
    copy = place / f"visitor's {clip.name}"
    copy.write_bytes(clip.read_bytes() + b"a visitor's")
    return copy


def _picture(page: Page, folder: Path | None, name: str) -> None:
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=folder / f"{name}.png")


def _took(begun: float) -> str:
    return f"{time.perf_counter() - begun:.1f} s"


def _since(file: Path) -> float:
    return time.time() - file.stat().st_mtime


def _process_of(home: Path) -> str:
    """The studio's own process: the one that has this home and answers."""
    mark = f"\0HOME={home}\0".encode()
    for each in sorted(Path("/proc").glob("[0-9]*"), key=lambda each: int(each.name)):
        try:
            if mark in b"\0" + (each / "environ").read_bytes() and b"app.py" in (each / "cmdline").read_bytes():
                return each.name
        except OSError:
            continue
    raise DoesNotRun("The studio's process is gone.")


def _most_memory(place: Path) -> float:
    """What the studio's process had at most, MB."""
    line = next(each for each in (place / "status").read_text().splitlines() if each.startswith("VmHWM"))
    return int(line.split()[1]) * 1024 / 1e6


if __name__ == "__main__":
    typer.run(main)
