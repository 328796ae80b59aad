"""What Hugging Face Spaces reads of the repository before it runs it."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def _front_matter() -> dict[str, str]:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    block = re.match(r"---\n(.*?)\n---\n", text, re.DOTALL)
    assert block is not None
    return dict(line.split(": ", 1) for line in block[1].splitlines())


def test_the_front_matter_says_what_a_space_needs():
    found = _front_matter()
    assert (found["sdk"], found["app_file"]) == ("gradio", "app.py")
    assert len(found["short_description"]) <= 60
    wanted = re.search(r"^gradio>=([\d.]+),<(\d+)$", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    assert wanted is not None
    version = tuple(map(int, found["sdk_version"].split(".")))
    assert tuple(map(int, wanted[1].split("."))) <= version[:2]
    assert version[0] < int(wanted[2])
