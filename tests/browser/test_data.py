"""The Data tab in a real Chromium: labels come in and are taken back, and go out with what is lost said."""

import io
import re
import sqlite3
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from app.demo import DEMOS
from tests.browser.conftest import PHONE, OpenPage
from tests.browser.page import go_to

pytestmark = pytest.mark.browser

EVIL = "<img src=x onerror=document.title=7>"
TABLE = f"""\
clip,annotator,start_s,end_s,emotion,degree of happy,degree of bored,intensity,note
{DEMOS[0].path.name},Cleo,2,3,,0.75,0.25,0.5,{EVIL}
{DEMOS[0].path.stem},Cleo,4,5,,1,,,
{EVIL}.mp4,{EVIL},1,2,,,1,,=1+1
"""


def _data(page: Page) -> None:
    page.locator("#timeline .tl-open").wait_for()
    go_to(page, "data")
    expect(page.locator("#data-clips li").first).to_be_visible()


def _add(page: Page, file: Path) -> None:
    with page.expect_file_chooser() as chooser:
        page.locator("#data-upload").click()
    chooser.value.set_files(file)


def _choose(page: Page, label: str, option: str) -> None:
    page.get_by_role("combobox", name=label, exact=True).click()
    page.get_by_role("option", name=option, exact=True).click()


def _download(page: Page, button: str) -> Path:
    with page.expect_download() as download:
        page.locator(button).click()
    assert download.value.suggested_filename
    return download.value.path()


def test_labels_come_in_go_out_and_are_taken_back(visit: OpenPage, clip: int, tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text(TABLE, encoding="utf-8")
    page = visit(f"?clip={clip}")
    page.locator("#annotator input, #annotator textarea").first.fill("Data tester")
    page.keyboard.press("Enter")
    _data(page)
    said, clips = page.locator("#data-said"), page.locator("#data-clips li")
    before = clips.count()
    _add(page, tmp_path / "labels.csv")
    expect(said).to_contain_text("labels.csv: 3 labels added. New emotions: bored.")
    expect(said).to_contain_text(f"New clips without their video: {EVIL}.mp4.")
    expect(clips).to_have_count(before + 1)
    expect(clips.last).to_contain_text("labels only, its video is not here")

    _choose(page, "Format", "TextGrid")
    losses = page.locator("#data-losses")
    expect(losses).to_contain_text(re.compile(r"TextGrid cannot hold notes: [2-9]\d* dropped\."))
    expect(losses).to_contain_text("a file a clip in one archive")
    names = zipfile.ZipFile(_download(page, "#data-download")).namelist()
    assert {"clips.json", f"{DEMOS[0].path.stem}.TextGrid"} <= set(names)
    _choose(page, "Clips", DEMOS[0].path.name)
    expect(losses).to_contain_text(re.compile(r"TextGrid cannot hold notes: \d+ dropped\."))
    expect(losses).not_to_contain_text("in one archive")
    grid = _download(page, "#data-download").read_text(encoding="utf-8")
    assert grid.startswith('File type = "ooTextFile"')
    assert '"Cleo"' in grid

    bundle = zipfile.ZipFile(io.BytesIO(_download(page, "#data-bundle").read_bytes()))
    expect(page.locator("#data-made")).to_contain_text("the tracks of 1 clip. Not in it, for lack of an analysis:")
    assert any(name.endswith("/face.npz") for name in bundle.namelist())
    database = sqlite3.connect(_download(page, "#data-backup"))
    assert database.execute("select count(*) from annotations where note like '<img%'").fetchone() == (1,)

    assert page.title() == "ST-F2M studio"
    said.get_by_role("button", name="Undo").click()
    expect(said).to_contain_text("The import is taken back.")
    expect(clips).to_have_count(before)


def test_a_bad_file_is_answered_in_a_sentence_and_all_fits_a_phone(visit: OpenPage, clip: int, tmp_path: Path) -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><ANNOTATION_DOCUMENT>&b;</ANNOTATION_DOCUMENT>'
    (tmp_path / "bomb.eaf").write_text(bomb)
    page = visit(f"?clip={clip}", viewport=PHONE, color_scheme="dark")
    _data(page)
    _add(page, tmp_path / "bomb.eaf")
    expect(page.locator("#data-said")).to_have_text(
        "bomb.eaf: The ELAN file has entities or a document type in it, which are not read. Nothing was taken from it."
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
