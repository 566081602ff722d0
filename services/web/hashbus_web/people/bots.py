"""Tokens for bots and scripts: each with a title, scopes and an end; only its fingerprint is kept."""

from __future__ import annotations

import json
import sqlite3
from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict

from hashbus.clock import Clock
from hashbus.messages import Moment
from hashbus_web.people.database import Database
from hashbus_web.people.rights import Grant, Leave, Right
from hashbus_web.people.secrets import fingerprint, new_id, new_token

PREFIX = "hbt"
USE_NOTED_EVERY = timedelta(minutes=1)
"""A bot that asks every second shall not write every second."""


class Bot(BaseModel):
    """One token, without the token."""

    model_config = ConfigDict(frozen=True)

    id: str
    user_id: str
    title: str
    rights: tuple[Right, ...]
    grants: tuple[Grant, ...]
    created_at: Moment
    expires_at: Moment
    used_at: Moment | None = None

    @property
    def leave(self) -> Leave:
        """Return what the token itself allows; its owner's leave narrows it further."""
        return Leave(rights=frozenset(self.rights), grants=self.grants)


class Bots:
    """All tokens of bots."""

    def __init__(self, database: Database, clock: Clock) -> None:
        """Read them."""
        self._database = database
        self._clock = clock
        rows = database.run_now(lambda db: db.execute("SELECT * FROM bots").fetchall())
        self._bots = {row["hash"]: _bot(row) for row in rows}

    async def make(
        self, user_id: str, title: str, rights: tuple[Right, ...], grants: tuple[Grant, ...], lasts: timedelta
    ) -> tuple[Bot, str]:
        """Return a new one and the token, which is shown this once and never again."""
        now, token = self._clock.now(), new_token(PREFIX)
        bot = Bot(
            id=new_id("b"),
            user_id=user_id,
            title=title,
            rights=rights,
            grants=grants,
            created_at=now,
            expires_at=now + lasts,
        )
        values = (
            bot.id,
            user_id,
            title,
            fingerprint(token),
            json.dumps([right.value for right in rights]),
            json.dumps([grant.model_dump() for grant in grants]),
            now.isoformat(),
            bot.expires_at.isoformat(),
        )
        await self._database.run(
            lambda db: db.execute(
                "INSERT INTO bots (id, user_id, title, hash, rights, grants, created_at, expires_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                values,
            )
        )
        self._bots[fingerprint(token)] = bot
        return bot, token

    async def holder(self, token: str) -> Bot | None:
        """Return the bot of a token; None when there is none, or its time is over."""
        found, now = self._bots.get(fingerprint(token)), self._clock.now()
        if found is None or found.expires_at <= now:
            return None
        if found.used_at is None or now - found.used_at > USE_NOTED_EVERY:
            found = found.model_copy(update={"used_at": now})
            self._bots[fingerprint(token)] = found
            used = (now.isoformat(), found.id)
            await self._database.run(lambda db: db.execute("UPDATE bots SET used_at = ? WHERE id = ?", used))
        return found

    def is_live(self, bot_id: str) -> bool:
        """Say whether a token still holds."""
        return any(bot.id == bot_id and bot.expires_at > self._clock.now() for bot in self._bots.values())

    def of_user(self, user_id: str | None) -> list[Bot]:
        """Return the tokens of somebody, or of everybody (None), the newest first."""
        found = [bot for bot in self._bots.values() if user_id in (None, bot.user_id)]
        return sorted(found, key=lambda bot: bot.created_at, reverse=True)

    async def revoke(self, bot_id: str) -> None:
        """End a token at once."""
        self._bots = {key: bot for key, bot in self._bots.items() if bot.id != bot_id}
        await self._database.run(lambda db: db.execute("DELETE FROM bots WHERE id = ?", (bot_id,)))

    def forget_user(self, user_id: str) -> None:
        """Forget the tokens of somebody who was removed; the database has done so already."""
        self._bots = {key: bot for key, bot in self._bots.items() if bot.user_id != user_id}


def _bot(row: sqlite3.Row) -> Bot:
    return Bot(
        id=row["id"],
        user_id=row["user_id"],
        title=row["title"],
        rights=tuple(Right(one) for one in json.loads(row["rights"])),
        grants=tuple(Grant(**one) for one in json.loads(row["grants"])),
        created_at=datetime.fromisoformat(row["created_at"]),
        expires_at=datetime.fromisoformat(row["expires_at"]),
        used_at=datetime.fromisoformat(row["used_at"]) if row["used_at"] else None,
    )
