"""Rules in a real Chromium: write one with a spelling mistake, see what it does, keep it, undo; before and after."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.page import go_to, saved

pytestmark = pytest.mark.browser


def _corrected(page: Page) -> None:
    """Three corrections, which is enough to adapt."""
    page.locator("#timeline .tl-open").wait_for()
    page.locator("#timeline .tl").focus()
    for key in ("2", "4", "1"):
        page.keyboard.press("j")
        page.keyboard.press(key)
    saved(page)


def test_write_a_rule_see_its_effect_keep_it_rename_a_term_and_undo(visit: OpenPage, clip: int) -> None:
    page = visit(f"?clip={clip}")
    _corrected(page)
    go_to(page, "rules")
    rules = page.locator("#rules-list .st-rules li")
    expect(rules.first).to_be_visible()
    version = page.locator("#model-version")
    before = version.inner_text()
    write = page.locator("#rules-write textarea, #rules-write input")
    write.fill("IF loudnes is high THEN angry")
    page.locator("#rules-look").click()
    expect(page.locator("#rules-said")).to_contain_text("There is no cue “loudnes”; did you mean “loudness”?")
    expect(page.locator("#rules-keep")).to_be_hidden()

    write.fill("if Loudness is high then angry 0.9")
    page.locator("#rules-look").click()
    effect = page.locator("#rules-effect")
    expect(effect).to_contain_text(re.compile(r"\d+ → \d+\s*of the study's \d+ corrections answered right"))
    expect(effect).to_contain_text(re.compile(r"fires above one half in \d+ of the \d+ segments"))
    page.locator("#rules-keep").click()
    expect(page.locator("#rules-said")).to_contain_text(re.compile(r"Model \d+ answers now"))
    expect(version).to_contain_text("rules edited by Guest")
    expect(rules.first).to_contain_text("written by Guest")
    expect(rules.first).to_contain_text("angry 0.90")

    rules.first.locator("[data-edit=off]").first.click()
    expect(effect).to_contain_text("Switched off IF loudness is high")
    page.locator("#rules-leave").click()
    expect(effect).to_be_hidden()
    page.locator("#rules-said").filter(has_not_text="Model").wait_for(state="attached")

    cue = page.locator("#rules-terms input")
    cue.fill("loudness (voice)")
    cue.press("Enter")
    expect(page.locator("#rules-meaning")).to_contain_text("How loud the voice is")
    page.locator("#rules-called textarea, #rules-called input").fill("shouted")
    page.locator("#rules-rename").click()
    expect(effect).to_contain_text("Loudness: “high” is called “shouted”")
    page.locator("#rules-keep").click()
    expect(rules.first).to_contain_text("loudness is shouted")
    page.locator("#rules-said .st-takeback").click()
    expect(rules.first).to_contain_text("loudness is high")
    page.locator("#tab-annotate-button").click()
    page.locator("#timeline .tl").focus()
    page.keyboard.press("Control+z")
    expect(page.locator("#timeline")).to_contain_text("Undone: an edit of the rules")
    expect(version).to_contain_text(before.split(" · ")[0])
    expect(version).not_to_contain_text("rules edited")


def test_adapt_shows_what_happened_to_the_rules_and_why(visit: OpenPage, clip: int) -> None:
    page = visit(f"?clip={clip}")
    _corrected(page)
    go_to(page, "adapt")
    page.locator("#adapt-button").click()
    told = page.locator("#adapt-rules")
    expect(told).to_contain_text("What happened to the rules")
    expect(told).to_contain_text("The terms of cues and the conditions of rules stay as they are")
    expect(told.locator(".st-moved li").first.locator("svg circle.st-was").first).to_be_visible()
    expect(told).to_contain_text(re.compile(r"rules\s*\d+% → \d+%"))
    expect(told).to_contain_text(re.compile(r"most by the (rule “IF|face|voice|words).*[+]\d"))
    at = float(told.locator(".st-causes [data-go]").first.get_attribute("data-at") or "nan")
    page.evaluate("document.querySelector('#timeline video').muted = true")
    told.locator(".st-causes [data-go]").first.click()
    expect(page.locator("#timeline .tl-play")).to_be_visible()
    page.wait_for_function("(at) => document.querySelector('#timeline video').currentTime >= at - 0.1", arg=at)
