"""What the calls of the API work with, made once when the service starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hashbus_web.people.secrets import set_up_code

if TYPE_CHECKING:
    import aiohttp

    from hashbus.bus import Bus
    from hashbus.clock import Clock
    from hashbus_web.acts.asking import Asking
    from hashbus_web.history.calculations import Calculations
    from hashbus_web.history.events import Events
    from hashbus_web.history.recorder import Recorder
    from hashbus_web.live_site import LiveSite
    from hashbus_web.people.audit import Audit
    from hashbus_web.people.bots import Bots
    from hashbus_web.people.callers import Callers
    from hashbus_web.people.doorkeeper import Doorkeeper
    from hashbus_web.people.elsewhere.identity import Provider
    from hashbus_web.people.passwords import Passwords
    from hashbus_web.people.sessions import Sessions
    from hashbus_web.people.users import Users
    from hashbus_web.settings import WebSettings

CODE_FILE = "setup-code"
KEY_FILE = "signing.key"
DATABASE_FILE = "web.sqlite3"


@dataclass(frozen=True)
class People:
    """Who may come in, how they prove it, and what they did."""

    users: Users
    sessions: Sessions
    bots: Bots
    passwords: Passwords
    callers: Callers
    doorkeeper: Doorkeeper
    audit: Audit


@dataclass(frozen=True)
class Parts:
    """Everything that the calls need."""

    settings: WebSettings
    version: str
    bus: Bus
    clock: Clock
    http: aiohttp.ClientSession
    folder: Path
    people: People
    site: LiveSite
    asking: Asking
    recorder: Recorder
    events: Events
    calculations: Calculations
    providers: Mapping[str, Provider]

    @property
    def set_up_code(self) -> str:
        """Return the one-time code of the first start."""
        return set_up_code(self.folder / CODE_FILE)

    def end_set_up(self) -> None:
        """Forget the code: it is good once."""
        (self.folder / CODE_FILE).unlink(missing_ok=True)
