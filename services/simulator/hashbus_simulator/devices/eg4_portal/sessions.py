"""Sessions of the portal: two hours, three ways to end."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

MOST_SESSIONS = 1000


class Expiry(StrEnum):
    """How the portal shows that a session is no longer good."""

    UNAUTHORIZED = "unauthorized"  # HTTP 401
    LOGIN_PAGE = "login_page"  # HTTP 200 with the login page in HTML
    ZOMBIE = "zombie"  # HTTP 200, `success: true`, and nothing but nulls and zeros


@dataclass(slots=True)
class _Session:
    born_s: float
    turn: int
    ended_as: Expiry | None = None


class Sessions:
    """Who is logged in, by the JSESSIONID cookie.

    A session is good for `lasts_s` simulated seconds from login, whether it is used or not. `expires_as` None
    shows the three symptoms in turn, one per session.
    """

    def __init__(
        self, *, clock: Callable[[], float], lasts_s: float, seed: int, expires_as: Expiry | None = None
    ) -> None:
        self._clock = clock
        self._lasts_s = lasts_s
        self._seed = seed
        self._expires_as = expires_as
        self._sessions: dict[str, _Session] = {}
        self.logins = 0

    def open(self) -> str:
        """Log in; the id of the new session."""
        self.logins += 1
        session_id = hashlib.md5(f"{self._seed}:{self.logins}".encode(), usedforsecurity=False).hexdigest().upper()
        self._sessions[session_id] = _Session(born_s=self._clock(), turn=self.logins - 1)
        if len(self._sessions) > MOST_SESSIONS:
            del self._sessions[next(iter(self._sessions))]
        return session_id

    def trouble_with(self, session_id: str | None) -> Expiry | None:
        """Why a request with this cookie is not served; None when all is well. Strangers get the login page."""
        session = self._sessions.get(session_id or "")
        if session is None:
            return Expiry.LOGIN_PAGE
        if session.ended_as is not None:
            return session.ended_as
        if self._clock() - session.born_s < self._lasts_s:
            return None
        return self._expires_as or list(Expiry)[session.turn % len(Expiry)]

    def end_all(self, expiry: Expiry) -> None:
        """End every open session now, with this symptom."""
        for session in self._sessions.values():
            session.ended_as = expiry

    def revive_all(self) -> None:
        """Take back `end_all`; sessions that are too old stay so."""
        for session in self._sessions.values():
            session.ended_as = None
