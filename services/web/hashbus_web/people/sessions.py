"""Logins: a short access token, and a refresh token that is good once and whose theft shows itself.

When a refresh token that was already used comes again, somebody else has a copy: the whole login ends. Only within
`GRACE` the same token may come twice, because two tabs of one browser wake up at the same moment.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from hashbus.clock import Clock
from hashbus_web.people.database import Database
from hashbus_web.people.secrets import fingerprint, new_id, new_token

GRACE = timedelta(seconds=10)
ALGORITHM = "HS256"


@dataclass(frozen=True, slots=True)
class Session:
    """One login of one person on one device."""

    id: str
    user_id: str
    refresh_hash: str
    previous_hash: str | None
    rotated_at: datetime
    created_at: datetime
    expires_at: datetime
    agent: str
    address: str


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a login hands out. `refresh` is None when the holder has the right one already."""

    session: Session
    access: str
    refresh: str | None


class Reuse(Enum):
    """Why a refresh token is not taken."""

    UNKNOWN = "unknown"
    STOLEN = "stolen"


class Sessions:
    """All logins, in memory and in the database."""

    def __init__(self, database: Database, clock: Clock, key: bytes, *, access: timedelta, lasts: timedelta) -> None:
        """Read the logins that still hold."""
        self._database = database
        self._clock = clock
        self._key = OctKey.import_key(key)
        self.access_lasts = access
        self.lasts = lasts
        self._hold(database.run_now(_all))

    def _hold(self, rows: list[sqlite3.Row]) -> None:
        self._sessions = {row["id"]: _session(row) for row in rows}
        self._by_hash = {one.refresh_hash: one.id for one in self._sessions.values()}

    async def reread(self) -> None:
        """Read all logins anew, after another process has ended some."""
        self._hold(await self._database.run(_all))

    async def open(self, user_id: str, *, agent: str, address: str) -> Tokens:
        """Begin a login."""
        now, refresh = self._clock.now(), new_token("hbr")
        session = Session(
            id=new_id("s"),
            user_id=user_id,
            refresh_hash=fingerprint(refresh),
            previous_hash=None,
            rotated_at=now,
            created_at=now,
            expires_at=now + self.lasts,
            agent=agent[:200],
            address=address,
        )
        await self._keep(session)
        return Tokens(session, self._signed(session), refresh)

    async def refresh(self, token: str) -> Tokens | Reuse:
        """Hand out new tokens for a refresh token; the old one is spent."""
        now, spent = self._clock.now(), fingerprint(token)
        session = self._sessions.get(self._by_hash.get(spent, ""))
        if session is None:
            return await self._judge_spent(spent, now)
        if session.expires_at <= now:
            await self.close(session.id)
            return Reuse.UNKNOWN
        fresh = new_token("hbr")
        session = replace(
            session,
            refresh_hash=fingerprint(fresh),
            previous_hash=spent,
            rotated_at=now,
            expires_at=now + self.lasts,
        )
        await self._keep(session, spent=spent)
        return Tokens(session, self._signed(session), fresh)

    async def _judge_spent(self, spent: str, now: datetime) -> Tokens | Reuse:
        row = await self._database.run(
            lambda db: db.execute("SELECT session_id FROM spent_tokens WHERE hash = ?", (spent,)).fetchone()
        )
        session = self._sessions.get(row["session_id"]) if row else None
        if session is None:
            return Reuse.UNKNOWN
        if session.previous_hash == spent and now - session.rotated_at <= GRACE:
            return Tokens(session, self._signed(session), None)
        await self.close(session.id)
        return Reuse.STOLEN

    def holder(self, access: str) -> Session | None:
        """Return the login that an access token belongs to; None when it is forged, over, or was ended."""
        try:
            claims = jwt.decode(access, self._key, algorithms=[ALGORITHM]).claims
        except (JoseError, ValueError):
            return None
        session = self._sessions.get(str(claims.get("sid")))
        ends = claims.get("exp")
        if session is None or not isinstance(ends, int | float) or ends <= self._clock.now().timestamp():
            return None
        return session if self.is_live(session.id) else None

    def is_live(self, session_id: str) -> bool:
        """Say whether a login still holds."""
        session = self._sessions.get(session_id)
        return session is not None and session.expires_at > self._clock.now()

    def of_user(self, user_id: str) -> list[Session]:
        """Return somebody's logins, the newest first."""
        found = [one for one in self._sessions.values() if one.user_id == user_id and self.is_live(one.id)]
        return sorted(found, key=lambda one: one.created_at, reverse=True)

    async def close(self, session_id: str) -> None:
        """End a login; its access tokens count no more."""
        session = self._sessions.pop(session_id, None)
        if session is not None:
            self._by_hash.pop(session.refresh_hash, None)
        await self._database.run(lambda db: db.execute("DELETE FROM sessions WHERE id = ?", (session_id,)))

    async def close_all(self, user_id: str, *, but: str | None = None) -> None:
        """End all logins of somebody, perhaps all but one."""
        for session in [one for one in self._sessions.values() if one.user_id == user_id and one.id != but]:
            await self.close(session.id)

    async def forget_old(self) -> None:
        """Forget logins that are over, and tokens that were spent long ago."""
        now = self._clock.now()
        for session in [one for one in self._sessions.values() if one.expires_at <= now]:
            await self.close(session.id)
        await self._database.run(
            lambda db: db.execute("DELETE FROM spent_tokens WHERE expires_at < ?", (now.isoformat(),))
        )

    def _signed(self, session: Session) -> str:
        now = self._clock.now()
        ends = now + self.access_lasts
        claims = {"sub": session.user_id, "sid": session.id, "iat": int(now.timestamp()), "exp": int(ends.timestamp())}
        return jwt.encode({"alg": ALGORITHM}, claims, self._key)

    async def _keep(self, session: Session, spent: str | None = None) -> None:
        before = self._sessions.get(session.id)
        if before is not None:
            self._by_hash.pop(before.refresh_hash, None)
        self._sessions[session.id] = session
        self._by_hash[session.refresh_hash] = session.id
        await self._database.run(lambda db: _write(db, session, spent))


def _all(db: sqlite3.Connection) -> list[sqlite3.Row]:
    return db.execute("SELECT * FROM sessions").fetchall()


def _write(db: sqlite3.Connection, session: Session, spent: str | None) -> None:
    db.execute(
        "INSERT INTO sessions (id, user_id, refresh_hash, previous_hash, rotated_at, created_at, expires_at, agent,"
        " address) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET"
        " refresh_hash = excluded.refresh_hash, previous_hash = excluded.previous_hash,"
        " rotated_at = excluded.rotated_at, expires_at = excluded.expires_at",
        (
            session.id,
            session.user_id,
            session.refresh_hash,
            session.previous_hash,
            session.rotated_at.isoformat(),
            session.created_at.isoformat(),
            session.expires_at.isoformat(),
            session.agent,
            session.address,
        ),
    )
    if spent:
        values = (spent, session.id, session.expires_at.isoformat())
        db.execute("INSERT OR REPLACE INTO spent_tokens VALUES (?, ?, ?)", values)


def _session(row: sqlite3.Row) -> Session:
    values = dict(row)
    for name in ("rotated_at", "created_at", "expires_at"):
        values[name] = datetime.fromisoformat(values[name])
    return Session(**values)
