"""People, what they may do at which site, and their sessions."""

from __future__ import annotations

import asyncio
import hmac
import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from enum import IntEnum
from typing import TYPE_CHECKING, Literal

from pwdlib import PasswordHash
from pwdlib.exceptions import UnknownHashError
from pwdlib.hashers.argon2 import Argon2Hasher

from hashbus_collector.audit import Entry, write
from hashbus_collector.keys import digest
from hashbus_collector.sites import NoSuch

if TYPE_CHECKING:
    from datetime import datetime

    from hashbus_collector.database import Connection, Database, Row

EVERY_SITE = "*"
LEAST_CHARACTERS = 10
SEEN_EVERY = timedelta(minutes=1)

_WORDS: tuple[Literal["guest"], Literal["operator"], Literal["admin"]] = ("guest", "operator", "admin")


class Role(IntEnum):
    """What a person may do; each may what the one before may."""

    GUEST = 1
    OPERATOR = 2
    ADMIN = 3

    @property
    def word(self) -> Literal["guest", "operator", "admin"]:
        """Return the role as it is written down."""
        return _WORDS[self.value - 1]


class WeakPassword(ValueError):
    """The password is too short or a name of the person; the text says what would be right."""


@dataclass(frozen=True)
class Person:
    """Somebody who is logged in, with the roles by site; `*` stands for all sites."""

    id: int
    name: str
    roles: dict[str, Role]
    csrf: str = field(default="", repr=False)

    def may(self, site: str, role: Role) -> bool:
        """Say whether the person has at least that role at a site."""
        return max(self.roles.get(site, 0), self.roles.get(EVERY_SITE, 0)) >= role

    @property
    def sites(self) -> list[str] | None:
        """Return the sites the person may look at; None is every site."""
        return None if EVERY_SITE in self.roles else sorted(self.roles)


class People:
    """People and their sessions in the database."""

    def __init__(self, database: Database, *, hours: float, idle_minutes: float) -> None:
        """A session ends `hours` after the login, or after so many minutes without a call."""
        self._database = database
        self._longest = timedelta(hours=hours)
        self._idle = timedelta(minutes=idle_minutes)
        self._hashing = PasswordHash((Argon2Hasher(),))
        self._nobody: str | None = None

    async def add(self, name: str, password: str, role: Role, now: datetime, *, site: str = EVERY_SITE) -> None:
        """Add a person, or give the one there is another password and this role. WeakPassword."""
        check_password(name, password)
        async with self._database.transaction() as connection:
            number = await connection.fetchval(
                "INSERT INTO person (name, password_hash, made_at) VALUES ($1, $2, $3) "
                "ON CONFLICT (name) DO UPDATE SET password_hash = $2, locked_at = NULL RETURNING id",
                name,
                self._hashing.hash(password),
                now,
            )
            await _give(connection, number, site, role)
            await connection.execute("DELETE FROM session WHERE person = $1", number)
            await write(connection, Entry(now, "cli", "person set", site, name, {"role": role.word}))

    async def give(self, name: str, role: Role | None, now: datetime, *, site: str) -> None:
        """Give a person a role at a site, or take it away (None). NoSuch person."""
        async with self._database.transaction() as connection:
            number = await connection.fetchval("SELECT id FROM person WHERE name = $1", name)
            if number is None:
                raise NoSuch(f"nobody is called {name!r}")
            if role is None:
                await connection.execute("DELETE FROM person_role WHERE person = $1 AND site = $2", number, site)
            else:
                await _give(connection, number, site, role)
            details = {"role": role.word if role else None}
            await write(connection, Entry(now, "cli", "role changed", site, name, details))

    async def remove(self, name: str, now: datetime) -> None:
        """Remove a person with all sessions. NoSuch person."""
        async with self._database.transaction() as connection:
            if await connection.fetchval("DELETE FROM person WHERE name = $1 RETURNING id", name) is None:
                raise NoSuch(f"nobody is called {name!r}")
            await write(connection, Entry(now, "cli", "person removed", None, name))

    async def all(self) -> list[Row]:
        """Return all people with their roles."""
        return await self._database.fetch(
            "SELECT p.name, p.made_at, r.site, r.role, "
            "(SELECT max(seen_at) FROM session s WHERE s.person = p.id) AS seen_at "
            "FROM person p LEFT JOIN person_role r ON r.person = p.id ORDER BY p.name, r.site"
        )

    async def log_in(
        self, name: str, password: str, now: datetime, *, address: str | None
    ) -> tuple[str, Person] | None:
        """Begin a session; its token and whose it is, None when name or password is wrong."""
        row = await self._database.row("SELECT * FROM person WHERE name = $1 AND locked_at IS NULL", name)
        # It takes a tenth of a second of computing, by design: not in the loop that answers everybody.
        is_right = await asyncio.to_thread(self._is_right, password, row["password_hash"] if row else None)
        if row is None or not is_right:
            async with self._database.connection() as connection:
                await write(connection, Entry(now, "unknown", "login refused", None, name[:64], {}, address))
            return None
        token, csrf = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        async with self._database.transaction() as connection:
            await connection.execute(
                "INSERT INTO session (digest, person, csrf, made_at, ends_at, seen_at, address) "
                "VALUES ($1, $2, $3, $4, $5, $4, $6)",
                digest(token), row["id"], csrf, now, now + self._longest, address,
            )  # fmt: skip
            await write(connection, Entry(now, name, "logged in", None, name, {}, address))
        return token, Person(row["id"], row["name"], await self._roles(row["id"]), csrf)

    async def of_session(self, token: str, now: datetime) -> Person | None:
        """Return whose session it is; None when it is over or never was."""
        wanted = digest(token)
        row = await self._database.row(
            "SELECT s.digest, s.csrf, s.seen_at, p.id, p.name FROM session s JOIN person p ON p.id = s.person "
            "WHERE s.digest = $1 AND s.ends_at > $2 AND s.seen_at > $3 AND p.locked_at IS NULL",
            wanted,
            now,
            now - self._idle,
        )
        if row is None or not hmac.compare_digest(bytes(row["digest"]), wanted):
            return None
        if now - row["seen_at"] > SEEN_EVERY:
            await self._database.execute("UPDATE session SET seen_at = $2 WHERE digest = $1", wanted, now)
        return Person(row["id"], row["name"], await self._roles(row["id"]), row["csrf"])

    async def log_out(self, token: str, now: datetime, *, who: str, address: str | None) -> None:
        """End a session."""
        async with self._database.transaction() as connection:
            await connection.execute("DELETE FROM session WHERE digest = $1", digest(token))
            await write(connection, Entry(now, who, "logged out", None, who, {}, address))

    async def _roles(self, number: int) -> dict[str, Role]:
        rows = await self._database.fetch("SELECT site, role FROM person_role WHERE person = $1", number)
        return {row["site"]: Role[row["role"].upper()] for row in rows}

    def _is_right(self, password: str, kept: str | None) -> bool:
        if kept is None:
            # Verified when there is no such person, so that a wrong name takes as long as a wrong password.
            self._nobody = self._nobody or self._hashing.hash(secrets.token_urlsafe())
            kept = self._nobody
        try:
            return self._hashing.verify(password, kept)
        except UnknownHashError:
            return False


def check_password(name: str, password: str) -> None:
    """Raise WeakPassword when a password is shorter than ten characters or is the name."""
    if len(password) < LEAST_CHARACTERS:
        raise WeakPassword(f"the password needs {LEAST_CHARACTERS} characters or more")
    if password.lower() in (name.lower() * 2, name.lower()) or len(set(password)) < 4:
        raise WeakPassword("the password is too easy to guess")


async def _give(connection: Connection, person: int, site: str, role: Role) -> None:
    await connection.execute(
        "INSERT INTO person_role (person, site, role) VALUES ($1, $2, $3) "
        "ON CONFLICT (person, site) DO UPDATE SET role = excluded.role",
        person,
        site,
        role.word,
    )
