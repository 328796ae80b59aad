"""What the tests of the Annotate page do again and again."""

from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import OpenPage


def open_as(visit: OpenPage, clip: int, name: str, **options) -> Page:
    """The page of a clip under an annotator's own name, so that tests do not get in each other's way."""
    page = visit(f"?clip={clip}", **options)
    page.locator("#timeline .tl-open").wait_for()
    field = page.locator("#annotator input, #annotator textarea").first
    field.fill(name)
    field.press("Enter")
    expect(page.locator(".tl-name-mine")).to_have_text(name)
    page.locator("#timeline .tl").focus()
    return page


def saved(page: Page) -> None:
    expect(page.locator(".tl-saved")).to_have_text("saved ✓")


def emotion_button(page: Page, emotion: str) -> Locator:
    return page.locator(f'.tl-emotion[data-emotion="{emotion}"]')


def mine(page: Page) -> list[tuple[str, float, float]]:
    """This person's annotations as the server sends them to a fresh look: (emotion, start, end)."""
    with page.expect_response(
        lambda r: r.url.endswith("component_server/") and '"open"' in (r.request.post_data or "")
    ) as got:
        page.reload()
    shown = got.value.json()["timeline"]["annotations"]
    return [(each["emotion"], each["start_s"], each["end_s"]) for each in shown if each["mine"]]
