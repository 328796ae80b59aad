"""From settings to a running server: one studio for all, a studio for every visitor, or one for those who sign in."""

import os
from dataclasses import dataclass, field
from typing import Any

import anyio
import gradio as gr
from fastapi import FastAPI
from starlette.middleware import Middleware

from annotations.guarding import Deed, MayWrite
from app import bounds, caller, first_start, health, label_files, look, page, server, tabs
from app.accounts import Accounts, allow
from app.backups import Backups
from app.doorway import COOKIE, Doorway
from app.elsewhere import Elsewhere
from app.leaving import Leaving
from app.members import Members
from app.regularly import keep_doing
from app.settings import Settings
from app.studio import FORGET_EVERY_S, Studio
from app.visitors import Visitors

_FORGETTING = "Deleting for good what was removed a day ago"


@dataclass(frozen=True)
class Served:
    """A studio that answers at ``url``; of a demo, ``studio`` is the prepared one that all others are copies of."""

    page: gr.Blocks
    web: FastAPI
    url: str
    studio: Studio
    visitors: Visitors | None = None


@dataclass(frozen=True)
class _Opening:
    """What there is to serve: the studio that the page speaks with, and what Gradio has to know to serve it."""

    studio: Studio
    origin: Studio
    visitors: Visitors | None = None
    options: dict[str, Any] = field(default_factory=dict)
    doors: tuple[Middleware, ...] = ()


def serve(settings: Settings, **options: Any) -> Served:
    """Prepare a studio and serve it, by default on this machine only; ``options`` are those of Gradio's ``launch``."""
    bounds.fetch_nothing()
    opening = _demo(settings) if settings.mode == "demo" else _studio(settings)
    kept = tabs.KEPT_IN_DEMO if opening.visitors else tabs.KEPT
    bounded = Middleware(bounds.Bounded, largest_file=label_files.largest(settings))
    doors = [Middleware(Leaving), bounded, *opening.doors, Middleware(tabs.Tabs, kept=kept)]
    if opening.visitors:
        with opening.visitors.building():
            built = page.build(opening.studio)
    else:
        built = page.build(opening.studio)
    web, url, _ = built.queue(default_concurrency_limit=8).launch(
        server_name=os.environ.get("GRADIO_SERVER_NAME", "127.0.0.1"),
        prevent_thread_lock=True,
        show_error=True,
        _frontend=False,  # else Gradio looks at the page itself, and gives up where a busy machine takes three seconds
        max_file_size=label_files.largest(settings),  # the page says so itself, before it sends anything
        run_history=False,  # else Gradio keeps all that the page was ever sent in the browser, and reads it every time
        **look.launch_options(),
        app_kwargs={"middleware": doors},
        **opening.options,
        **options,
    )
    server.add_routes(web, opening.studio)
    health.add_routes(web, opening.origin)
    keep_doing("Deleting labels that nobody has read", label_files.LOOK_S, label_files.sweep)
    if opening.visitors:
        opening.visitors.keep_sweeping(lambda name: web.state_holder.session_data.pop(name, None))
    return Served(built, web, url, opening.origin, opening.visitors)


def _studio(settings: Settings) -> _Opening:
    accounts = Accounts(settings.home) if settings.mode == "team" else None
    studio = Studio(settings, may_write=by_role(accounts) if accounts else None)
    first_start.prepare(studio)
    keep_doing(_FORGETTING, FORGET_EVERY_S, studio.forget_removed)
    if settings.backup_hours:
        Backups(studio.store, settings.home, settings.backup_hours, settings.backups_kept).keep_taking()
    own = Middleware(Elsewhere)  # a demo is shown within other pages, and its cookie works for each of them alone
    if accounts is None:
        return _Opening(studio, studio, doors=(own,))
    if not accounts.all():
        print("Nobody may sign in yet: python -m app accounts add NAME --role admin", flush=True)
    one_by_one = anyio.CapacityLimiter(1)  # guessing passwords holds nobody up but who else signs in

    async def check(name: str, password: str) -> bool:
        return await anyio.to_thread.run_sync(accounts.check, name, password, limiter=one_by_one)

    login = {"auth": check, "auth_message": "Sign in with the name and the password of your account."}
    return _Opening(studio, studio, options=login, doors=(own, Middleware(Members, accounts=accounts)))


def by_role(accounts: Accounts) -> MayWrite:
    """The rule of a team's studio: each writes what their role allows, under the name that they signed in with.

    What nobody has asked for, an analysis that goes on by itself, is the studio's own doing.
    """

    def may_write(deed: Deed) -> None:
        if caller.request() is not None:
            user = caller.user() or "Nobody"
            allow(deed, user, accounts.role(user))

    return may_write


def _demo(settings: Settings) -> _Opening:
    """The demo has a folder of its own, so that nothing of a studio that was in this place before is ever copied."""
    settings = settings.model_copy(update={"home": settings.home / "demo", "database_url": ""})
    studio = Studio(settings)
    first_start.prepare(studio)
    for study in studio.studies():
        studio.version(study.id)  # made again with a new checkpoint, if need be, once for all visitors
    visitors = Visitors(studio, lambda: caller.cookie(COOKIE))
    keep_doing(_FORGETTING, FORGET_EVERY_S, visitors.forget_removed)
    os.environ["GRADIO_TEMP_DIR"] = str(visitors.cache)
    options = {"state_session_capacity": 8 * settings.max_visitors}
    return _Opening(visitors.stand_in(), studio, visitors, options, (Middleware(Doorway, visitors=visitors),))
