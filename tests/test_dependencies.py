"""What is installed and fetched is bounded: versions from both sides, weights by their hash."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from stf2m import weights
from stf2m.weights import Weights

ROOT = Path(__file__).resolve().parents[1]


def requirements() -> list[str]:
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    face = re.search(r"^FACE_WEIGHTS := (.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert face
    told = [line for line in lines if line and not line.startswith("#")]
    return [*told, *(each for extra in extras.values() for each in extra), *face[1].split()]


@pytest.mark.parametrize("requirement", requirements())
def test_versions_are_bounded_from_both_sides(requirement: str) -> None:
    signs = {each.operator for each in Requirement(requirement).specifier}
    assert signs == {"=="} or ({">="} <= signs and {"<"} <= signs)


def test_every_file_of_weights_has_its_hash() -> None:
    known = [each for each in vars(weights).values() if isinstance(each, Weights)]
    assert len(known) >= 4
    for each in known:
        assert each.sha256
        assert all(re.fullmatch(r"[0-9a-f]{64}", digest) for digest in each.sha256.values())
        assert each.url.startswith("https://")
