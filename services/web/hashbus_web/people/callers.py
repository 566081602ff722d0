"""Who is asking: found out for each request from its token or its cookie."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hashbus_web.people.bots import PREFIX, Bots
from hashbus_web.people.rights import Leaves, Right
from hashbus_web.people.sessions import Sessions
from hashbus_web.people.users import User, Users

ACCESS_COOKIE = "hashbus_access"
REFRESH_COOKIE = "hashbus_refresh"


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who has proved who they are."""

    user: User
    leaves: Leaves
    via: str
    address: str
    session_id: str | None = None
    bot_id: str | None = None
    has_cookie: bool = False

    @property
    def who(self) -> str:
        """Return the name, as it stands in requests and in the record."""
        return self.user.name

    def may(self, right: Right) -> bool:
        """Say whether it may be done anywhere at all."""
        return right in self.leaves.rights


class Callers:
    """Knows everybody by what they show."""

    def __init__(self, users: Users, sessions: Sessions, bots: Bots) -> None:
        """Look them up there."""
        self._users = users
        self._sessions = sessions
        self._bots = bots

    async def of(self, headers: Mapping[str, str], cookies: Mapping[str, str], address: str) -> Caller | None:
        """Return who asks; None when nobody we know. A header counts before a cookie."""
        kind, _, token = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and token:
            if token.startswith(f"{PREFIX}_"):
                return await self._bot(token, address)
            return self._person(token, address, has_cookie=False)
        cookie = cookies.get(ACCESS_COOKIE)
        return self._person(cookie, address, has_cookie=True) if cookie else None

    def is_live(self, caller: Caller) -> bool:
        """Say whether somebody who came in is still welcome, with the same leave."""
        user = self._users.get(caller.user.id)
        if user is None or user.leave != caller.user.leave:
            return False
        if caller.bot_id is not None:
            return self._bots.is_live(caller.bot_id)
        return caller.session_id is not None and self._sessions.is_live(caller.session_id)

    def _person(self, token: str, address: str, *, has_cookie: bool) -> Caller | None:
        session = self._sessions.holder(token)
        user = self._users.get(session.user_id) if session else None
        if session is None or user is None:
            return None
        via = "page" if has_cookie else "api"
        leaves = Leaves(all=(user.leave,))
        return Caller(user, leaves, via, address, session_id=session.id, has_cookie=has_cookie)

    async def _bot(self, token: str, address: str) -> Caller | None:
        bot = await self._bots.holder(token)
        user = self._users.get(bot.user_id) if bot else None
        if bot is None or user is None:
            return None
        leaves = Leaves(all=(user.leave, bot.leave))
        return Caller(user, leaves, f"bot {bot.title}", address, bot_id=bot.id)
