"""Being logged in at the portal: when to log in again, and when not yet."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from pydantic import SecretStr

from hashbus.clock import Clock
from hashbus_poller.drivers.contract import Garbled, Refused, Unreachable
from hashbus_poller.drivers.eg4_portal import commands, parse
from hashbus_poller.drivers.eg4_portal.commands import Command
from hashbus_poller.drivers.eg4_portal.wire import COOKIE, Wire

COOL_DOWN_S = 300.0
"""Between two logins, however the session ended; more often could lock the account (PROTOCOLS.md 5.1)."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who logs in, and which of the account's inverters is meant."""

    account: str
    password: SecretStr | None
    serial: str | None


@dataclass(frozen=True, slots=True)
class Session:
    """A login that was good."""

    id: str = field(repr=False)
    serial: str
    began_s: float


class Account:
    """One account at the portal, logged in when it has to be.

    The portal ends a session after about two hours, and shows it in one of three ways: HTTP 401, the login page, or
    answers with nothing in them. Each is met with one login; `max_age_s` is a reason to log in before that happens.
    """

    def __init__(self, credentials: Credentials, wire: Wire, clock: Clock, max_age_s: float) -> None:
        """Log in later, when something is asked."""
        self._credentials = credentials
        self._wire = wire
        self._clock = clock
        self._max_age_s = max_age_s
        self._session: Session | None = None
        self._tried_s: float | None = None
        self._refusal: str | None = None

    async def ask(self, command: Callable[[str], Command], understand: Callable[[bytes], T]) -> T:
        """Ask about the inverter, logging in before when there is no session, and once more when it turns out over."""
        session = self._session
        if session is None or self._clock.monotonic() - session.began_s >= self._max_age_s:
            session = await self._log_in_unless_too_soon("there is no session")
        try:
            return await self._ask_in(session, command, understand)
        except parse.SessionEnded as ended:
            self._session = None
            session = await self._log_in_unless_too_soon(f"the session is over ({ended})")
        try:
            return await self._ask_in(session, command, understand)
        except parse.SessionEnded as ended:
            self._session = None
            raise Unreachable(f"the portal has no figures, not even after a new login: {ended}") from None

    async def ask_aside(self, command: Callable[[str], Command], understand: Callable[[bytes], T]) -> T | None:
        """Ask for something that a reading can do without; None when there is no session, or it turns out over."""
        if self._session is None:
            return None
        try:
            return await self._ask_in(self._session, command, understand)
        except parse.SessionEnded:
            return None

    async def log_in(self) -> Session:
        """Log in now, whatever session there is."""
        password = self._credentials.password
        if password is None:
            raise Refused("no password is known: set EG4_PASS, or `password` of this battery")
        answer = await self._wire.post(commands.log_in(self._credentials.account, password.get_secret_value()))
        try:
            serials = parse.inverters(answer.status, answer.body)
        except Refused as refused:
            self._session, self._tried_s, self._refusal = None, self._clock.monotonic(), str(refused)
            raise
        self._refusal = None
        # Only a login that the portal has understood counts for the cool-down: an outage must not prolong itself.
        self._tried_s = self._clock.monotonic()
        session_id = answer.cookies.get(COOKIE)
        if not session_id:
            raise Garbled(f"the login was good, but set no cookie {COOKIE}", answer.body)
        serial = parse.chosen(serials, self._credentials.serial)
        self._session = Session(session_id, serial, self._tried_s)
        return self._session

    @property
    def age_s(self) -> float | None:
        """For how long we have been logged in; None while we are not."""
        return None if self._session is None else self._clock.monotonic() - self._session.began_s

    def forget(self) -> None:
        """Give the session up."""
        self._session = None

    async def _log_in_unless_too_soon(self, why: str) -> Session:
        if self._tried_s is not None:
            wait_s = self._tried_s + COOL_DOWN_S - self._clock.monotonic()
            if wait_s > 0 and self._refusal:
                raise Refused(self._refusal)
            if wait_s > 0:
                raise Unreachable(f"{why}; the next login is in {wait_s:.0f} s")
        return await self.log_in()

    async def _ask_in(self, session: Session, command: Callable[[str], Command], understand: Callable[[bytes], T]) -> T:
        answer = await self._wire.post(command(session.serial), session.id)
        if trouble := parse.session_trouble(answer.status, answer.body):
            raise parse.SessionEnded(trouble)
        return understand(answer.body)
