"""Which Chromium drives the tests: the system's if there is one, else the one that Playwright has downloaded.

``make test`` has provided one of them before (the system's, else Debian's package where it may install, else
Playwright's own download).
"""

import os
import shutil

from playwright.sync_api import Browser, Playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--autoplay-policy=no-user-gesture-required",
)


def launch(playwright: Playwright, *more: str) -> Browser:
    """Start a headless Chromium that asks nobody on the network for anything; ``more`` are flags of its own."""
    system = next((path for path in map(shutil.which, NAMES) if path), None)
    as_root = hasattr(os, "geteuid") and os.geteuid() == 0
    flags = [*FLAGS, *more, *(["--no-sandbox"] if as_root else [])]
    return playwright.chromium.launch(executable_path=system, headless=True, args=flags)
