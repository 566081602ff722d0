"""The web service's shell: opens its memory, hears the site, and answers until told to stop."""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import TYPE_CHECKING

import aiohttp

from hashbus import logs
from hashbus.config_errors import ConfigError
from hashbus.messages import CurtailmentOffer
from hashbus_web.acts.asking import Asking
from hashbus_web.app import application
from hashbus_web.history.calculations import Calculations
from hashbus_web.history.events import Events
from hashbus_web.history.recorder import Recorder
from hashbus_web.live_site import HEARD, LiveSite
from hashbus_web.parts import DATABASE_FILE, KEY_FILE, Parts, People
from hashbus_web.people.audit import Audit
from hashbus_web.people.bots import Bots
from hashbus_web.people.callers import Callers
from hashbus_web.people.database import Database, DatabaseAway, DatabaseUnusable
from hashbus_web.people.doorkeeper import Doorkeeper
from hashbus_web.people.elsewhere.registry import providers
from hashbus_web.people.passwords import Passwords
from hashbus_web.people.secrets import signing_key
from hashbus_web.people.sessions import Sessions
from hashbus_web.people.users import Users
from hashbus_web.server import Server, bound, server

if TYPE_CHECKING:
    from hashbus.service import Running
    from hashbus_web.settings import WebSettings

UPKEEP_S = 3600.0
HEALTH_S = 2.0

log = logs.get("web")


async def main(running: Running[WebSettings]) -> None:
    """Serve until told to stop; with `--once` or in a dry run, only try the settings and files."""
    async with AsyncExitStack() as stack:
        listening = stack.enter_context(bound(running.settings.web))
        database = _opened(running)
        stack.callback(database.close)
        http = await stack.enter_async_context(aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()))
        parts = _parts(running, database, http)
        if running.once or running.dry_run:
            return
        await parts.site.recall()
        heard = await stack.enter_async_context(running.bus.subscribe(*HEARD))
        offers = await stack.enter_async_context(running.bus.subscribe(CurtailmentOffer, asker="web"))
        web = server(application(parts), running.settings.web)
        host, port = listening.getsockname()[:2]
        log.info("listens", url=f"http://{host}:{port}/")
        _say_how_to_begin(parts)
        async with asyncio.TaskGroup() as tasks:
            work = [
                tasks.create_task(parts.site.listen(heard), name="hear the site"),
                tasks.create_task(parts.asking.listen(offers), name="hear offers"),
                tasks.create_task(parts.site.run(), name="tell live pages"),
                tasks.create_task(_upkeep(parts), name="upkeep"),
                tasks.create_task(_tell(running, parts), name="health"),
            ]
            try:
                await _served(web, listening, parts)
            finally:
                for task in work:
                    task.cancel()


async def _served(web: Server, listening: contextlib.AbstractContextManager[object], parts: Parts) -> None:
    """Answer until cancelled; then let live pages go and end what is being answered."""
    serving = asyncio.ensure_future(web.serve(sockets=[listening]))  # type: ignore[list-item]
    try:
        await asyncio.shield(serving)
    except asyncio.CancelledError:
        parts.site.feed.end()
        web.should_exit = True
        await serving
        raise


def _opened(running: Running[WebSettings]) -> Database:
    try:
        return Database(running.settings.data_dir / running.account / DATABASE_FILE)
    except DatabaseUnusable as error:
        raise ConfigError([f"data_dir: {error}"]) from None


def _parts(running: Running[WebSettings], database: Database, http: aiohttp.ClientSession) -> Parts:
    section, clock, bus = running.settings.web, running.clock, running.bus
    folder = running.settings.data_dir / running.account
    events = Events(database, days=section.timeline_days)
    return Parts(
        settings=running.settings,
        version=running.health.version,
        bus=bus,
        clock=clock,
        http=http,
        folder=folder,
        people=_people(running, database),
        site=LiveSite(bus, clock, events),
        asking=Asking(bus),
        recorder=Recorder(section.history_url, http, clock),
        events=events,
        calculations=Calculations(database),
        providers=providers(section.openid, http, clock),
    )


def _people(running: Running[WebSettings], database: Database) -> People:
    section, clock = running.settings.web, running.clock
    users, bots = Users(database, clock), Bots(database, clock)
    key = signing_key(running.settings.data_dir / running.account / KEY_FILE)
    sessions = Sessions(
        database,
        clock,
        key,
        access=timedelta(minutes=section.access_minutes),
        lasts=timedelta(days=section.session_days),
    )
    return People(
        users=users,
        sessions=sessions,
        bots=bots,
        passwords=Passwords(),
        callers=Callers(users, sessions, bots),
        doorkeeper=Doorkeeper.new(),
        audit=Audit(database, clock),
    )


def _say_how_to_begin(parts: Parts) -> None:
    """Make the code of the first start, and say where to read it; it never stands in a log itself."""
    if parts.people.users.has_admin:
        return
    code = parts.set_up_code
    log.warning(
        "nobody can come in yet: open the page and enter the one-time code that `hashbus web code` prints",
        characters=len(code),
    )


async def _upkeep(parts: Parts) -> None:
    while True:
        try:
            await parts.people.sessions.forget_old()
            await parts.people.audit.forget_old()
            await parts.events.forget_old(parts.clock.now())
        except DatabaseAway as error:
            log.error("nothing old was forgotten", problem=str(error))
        parts.site.tidy()
        await parts.clock.sleep(UPKEEP_S)


async def _tell(running: Running[WebSettings], parts: Parts) -> None:
    """Show in the service's status what does not work."""
    while True:
        with contextlib.suppress(DatabaseAway):
            if await parts.people.users.reread():
                await parts.people.sessions.reread()
        running.health.report("history", parts.recorder.problem)
        running.health.report("memory", parts.site.problem)
        await running.clock.sleep(HEALTH_S)
