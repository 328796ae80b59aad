"""The studio among people at twelve times a person's pace: a page that was closed is forgotten twelve times as soon."""

import runpy
from pathlib import Path

from app import tabs

PACE = 12

if __name__ == "__main__":
    tabs.KEPT /= PACE
    runpy.run_path(str(Path(__file__).resolve().parents[2] / "app.py"), run_name="__main__")
