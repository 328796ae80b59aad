"""Demo mode: a studio of their own for every visitor, made in milliseconds and gone when they have left.

A visit is known by a secret that only the visitor's browser has. Its studio is a copy of a prepared one: the database
is copied, the files are linked, and what is known of the prepared clips is in memory once for all.
"""

import os
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from annotations.records import StoreError
from app.jobs import PlainError
from app.regularly import keep_doing
from app.settings import Settings
from app.studio import Studio

#: A visit ends so long after its last tab was closed, seconds: a reload keeps it.
GRACE_S = 90.0
#: Somebody who has just come has a place for so long before their page has asked for anything, seconds.
COMING_S = 15.0
#: How often it is looked who has left, seconds.
LOOK_S = 5.0
#: So many pages of one visit are remembered; older ones must be loaded again.
MOST_PAGES = 50
_LINKED = ("clips", "models", "tracks")


class VisitOver(PlainError):  # noqa: N818 - what happened, in a person's words
    """Whoever asks has no studio here, or none any more."""

    def __init__(self) -> None:
        super().__init__("Your visit to this demo is over and your studio is deleted. Reload the page for a new one.")


@dataclass(eq=False)
class Visit:
    """One visitor: their studio, their open tabs, and what they may be given.

    ``pages`` are the names that their pages go by, ``files`` those that the studio made for them or had from them;
    ``label_files`` and ``label_bytes`` tell how much they have sent of labels.
    """

    home: Path
    begun: float
    seen: float
    tabs: int = 0
    studio: Studio | None = None
    over: bool = False
    pages: dict[str, None] = field(default_factory=dict)
    files: set[str] = field(default_factory=set)
    label_files: int = 0
    label_bytes: int = 0
    making: threading.Lock = field(default_factory=threading.Lock)


class Visitors:
    """All who are in the demo now; ``template`` is the prepared studio, ``secret`` says who asks.

    What is made for visitors to fetch belongs into the folder ``cache``, which goes at the next start at the latest.
    """

    def __init__(self, template: Studio, secret: Callable[[], str | None], clock: Callable[[], float] = time.monotonic):
        self.settings = template.settings
        self._template = template
        self._secret = secret
        self._clock = clock
        self._visits: dict[str, Visit] = {}
        self._pages: dict[str, Visit] = {}
        self._leaving: list[Visit] = []
        self._lock = threading.RLock()
        self._root = self.settings.home.resolve() / "visits"
        shutil.rmtree(self._root, ignore_errors=True)  # of a studio that was killed
        self._root.mkdir(parents=True)
        self.cache = self._root / "files"
        self.cache.mkdir()
        self._database = self._root / "template.sqlite3"
        template.store.backup(self._database)

    # --- coming and going -----------------------------------------------------------------------------------------

    def arrive(self) -> str | None:
        """A new visit; returns its secret, None where the demo is full."""
        self.sweep()
        now = self._clock()
        with self._lock:
            places = [each for each in self._visits.values() if each.studio or each.tabs or now - each.begun < COMING_S]
            if len(places) + len(self._leaving) >= self.settings.max_visitors:
                return None
            secret = secrets.token_urlsafe(32)
            self._visits[secret] = Visit(self._root / secrets.token_hex(12), now, now)
            return secret

    def find(self, secret: str | None) -> Visit | None:
        """A visit that goes on; None for any other secret."""
        with self._lock:
            visit = self._visits.get(secret or "")
            if visit:
                visit.seen = self._clock()
            return visit

    @contextmanager
    def tab(self, visit: Visit) -> Iterator[None]:
        """A tab of a visit is open."""
        with self._lock:
            visit.tabs += 1
        try:
            yield
        finally:
            with self._lock:
                visit.tabs -= 1
                visit.seen = self._clock()

    def owns(self, visit: Visit, page: str) -> bool:
        """Whether a page is this visit's: the first who uses its name has it, for as long as the visit goes on."""
        if not page:
            return False
        with self._lock:
            owner = self._pages.setdefault(page, visit)
            if owner is not visit:
                return False
            visit.pages[page] = visit.pages.pop(page, None)
            while len(visit.pages) > MOST_PAGES:
                self._pages.pop(next(iter(visit.pages)), None)
                visit.pages.pop(next(iter(visit.pages)))
            return True

    def sweep(self) -> list[str]:
        """End the visits that nobody is at any more or that have lasted too long; returns the names of their pages."""
        now, longest = self._clock(), self.settings.visit_minutes * 60
        pages: list[str] = []
        with self._lock:
            for secret, visit in list(self._visits.items()):
                if now - visit.begun > longest or (not visit.tabs and now - visit.seen > GRACE_S):
                    self._visits.pop(secret)
                    self._leaving.append(visit)
                    pages += visit.pages
            for page in pages:
                self._pages.pop(page, None)
            leaving = list(self._leaving)
        for visit in leaving:
            if self._clear(visit):
                with self._lock:
                    if visit in self._leaving:
                        self._leaving.remove(visit)
        return pages

    def keep_sweeping(self, forget: Callable[[str], object]) -> None:
        """Sweep from time to time for as long as the program runs; ``forget`` gets each page that is gone."""

        def sweep() -> None:
            for page in self.sweep():
                forget(page)

        keep_doing("Looking who has left the demo", LOOK_S, sweep)

    def forget_removed(self) -> None:
        """As :meth:`app.studio.Studio.forget_removed`, for every visitor: a visit may last over a day."""
        with self._lock:
            visits = list(self._visits.values())
        for visit in visits:
            with visit.making:
                if visit.studio and not visit.over:
                    visit.studio.forget_removed()

    def _clear(self, visit: Visit) -> bool:
        """Delete all of a visit; False while one of its analyses has yet to stop."""
        with visit.making:
            visit.over = True
            if visit.studio and not visit.studio.close():
                return False
        for file in visit.files:
            self._delete_sent(Path(file))
        shutil.rmtree(visit.home, ignore_errors=True)
        return not visit.home.exists()

    def _delete_sent(self, file: Path) -> None:
        """A file in Gradio's cache, unless another visit has had the very same one."""
        with self._lock:
            if any(str(file) in each.files for each in self._visits.values()):
                return
        file.unlink(missing_ok=True)

    # --- studios --------------------------------------------------------------------------------------------------

    def studio(self) -> Studio:
        """The studio of whoever asks, made when it is first asked for. Raises :class:`VisitOver`."""
        if _BUILDING.get():
            return self._template
        visit = self.find(self._secret())
        if visit is None:
            raise VisitOver
        with visit.making:
            if visit.over:
                raise VisitOver
            if visit.studio is None:
                visit.studio = self._copy(visit.home)
            return visit.studio

    def stand_in(self) -> Studio:
        """For pages that are built once for all: every use of it is of the studio of whoever asks."""
        return _StandIn(self.studio)

    @contextmanager
    def building(self) -> Iterator[None]:
        """While pages are built nobody asks, and the prepared studio says what models and cues there are."""
        token = _BUILDING.set(True)
        try:
            yield
        finally:
            _BUILDING.reset(token)

    def _copy(self, home: Path) -> Studio:
        try:
            for name in _LINKED:
                shutil.copytree(self._template.files.home / name, home / name, copy_function=_link)
            shutil.copyfile(self._database, home / "studio.sqlite3")
        except OSError as error:
            shutil.rmtree(home, ignore_errors=True)
            raise StoreError(f"A studio for you could not be made: {error.strerror}.") from error
        settings: Settings = self.settings.model_copy(update={"home": home, "database_url": ""})
        return Studio(settings, self._template)


_BUILDING: ContextVar[bool] = ContextVar("building", default=False)


class _StandIn(Studio):
    """Whatever is asked of it is asked of the studio that ``find`` returns at that moment."""

    def __init__(self, find: Callable[[], Studio]) -> None:
        object.__setattr__(self, "_find", find)

    def __getattribute__(self, name: str) -> Any:
        return getattr(object.__getattribute__(self, "_find")(), name)


def _link(source: str, target: str) -> str:
    """Every writer of the studio replaces files as a whole, so a link is as good as a copy and costs nothing."""
    try:
        os.link(source, target)
        return target
    except OSError:  # a disk that has no links
        return shutil.copyfile(source, target)
