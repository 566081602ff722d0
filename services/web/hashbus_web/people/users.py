"""The people of the site: kept in the database, held in memory, so that a change counts at the next request."""

from __future__ import annotations

import json
import sqlite3
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from hashbus.clock import Clock
from hashbus.messages import Moment
from hashbus_web.people.database import Database
from hashbus_web.people.rights import Grant, Leave, Role, default_grants, leave_of
from hashbus_web.people.secrets import new_id

Name = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f/\\]+$")]


class User(BaseModel):
    """Somebody who may come in."""

    model_config = ConfigDict(frozen=True)

    id: str
    name: Name
    role: Role
    grants: tuple[Grant, ...]
    is_disabled: bool = False
    comes_from: str | None = Field(None, description="The provider that vouches for this person; null: a password here")
    created_at: Moment

    @property
    def leave(self) -> Leave:
        """Return what this person may do."""
        return leave_of(self.role, self.grants)


class NameTaken(ValueError):
    """Somebody has that name already."""


class LastAdmin(ValueError):
    """Nobody could manage people any more."""


class Users:
    """Everybody who may come in."""

    def __init__(self, database: Database, clock: Clock) -> None:
        """Read everybody."""
        self._database = database
        self._clock = clock
        self._users: dict[str, User] = {}
        self._hashes: dict[str, str | None] = {}
        self._subjects: dict[str, str] = {}
        self._version = -1
        database.run_now(self._read)

    def _read(self, db: sqlite3.Connection) -> None:
        self._version = db.execute("PRAGMA data_version").fetchone()[0]
        rows = db.execute("SELECT * FROM users").fetchall()
        self._users, self._hashes, self._subjects = {}, {}, {}
        for row in rows:
            self._hold(row)

    async def reread(self) -> bool:
        """Read everybody anew when another process, such as `hashbus web password`, has changed the file."""
        version = await self._database.run(lambda db: int(db.execute("PRAGMA data_version").fetchone()[0]))
        if version == self._version:
            return False
        await self._database.run(self._read)
        return True

    def _hold(self, row: sqlite3.Row) -> None:
        subject = row["subject"]
        user = User(
            id=row["id"],
            name=row["name"],
            role=Role(row["role"]),
            grants=tuple(Grant(**one) for one in json.loads(row["grants"])),
            is_disabled=bool(row["is_disabled"]),
            comes_from=subject.split("|", 1)[0] if subject else None,
            created_at=datetime.fromisoformat(row["created_at"]),
        )
        self._users[user.id] = user
        self._hashes[user.id] = row["password_hash"]
        if subject:
            self._subjects[subject] = user.id

    @property
    def has_admin(self) -> bool:
        """Say whether the first start is over."""
        return any(user.role is Role.ADMIN and not user.is_disabled for user in self._users.values())

    def all(self) -> list[User]:
        """Return everybody by name."""
        return sorted(self._users.values(), key=lambda user: user.name.casefold())

    def get(self, user_id: str) -> User | None:
        """Return somebody; None when there is no such person, or when they are shut out."""
        user = self._users.get(user_id)
        return None if user is None or user.is_disabled else user

    def named(self, name: str) -> tuple[User | None, str | None]:
        """Return somebody and what is kept of the password."""
        wanted = name.casefold()
        user = next((one for one in self._users.values() if one.name.casefold() == wanted), None)
        if user is None or user.is_disabled:
            return None, None
        return user, self._hashes[user.id]

    def known_as(self, subject: str) -> User | None:
        """Return who is called so by a provider."""
        return self.get(self._subjects.get(subject, ""))

    def is_shut_out(self, subject: str) -> bool:
        """Say whether a provider's person is known and may not come in."""
        user_id = self._subjects.get(subject)
        return user_id is not None and self.get(user_id) is None

    async def add(
        self,
        name: str,
        role: Role,
        *,
        password_hash: str | None = None,
        subject: str | None = None,
        grants: tuple[Grant, ...] | None = None,
    ) -> User:
        """Take somebody in. NameTaken when the name is somebody else's."""
        values = {
            "id": new_id("u"),
            "name": name,
            "password_hash": password_hash,
            "subject": subject,
            "role": role.value,
            "grants": _as_json(default_grants(role) if grants is None else grants),
            "created_at": self._clock.now().isoformat(),
        }
        try:
            await self._database.run(
                lambda db: db.execute(
                    "INSERT INTO users (id, name, password_hash, subject, role, grants, created_at) VALUES"
                    " (:id, :name, :password_hash, :subject, :role, :grants, :created_at)",
                    values,
                )
            )
        except sqlite3.IntegrityError:
            raise NameTaken(f"{name!r} is somebody's already") from None
        return await self._reread(str(values["id"]))

    async def change(
        self,
        user_id: str,
        *,
        role: Role | None = None,
        grants: tuple[Grant, ...] | None = None,
        is_disabled: bool | None = None,
    ) -> User:
        """Change what somebody may do. KeyError when there is no such person, LastAdmin when nobody would be left."""
        user = self._users[user_id]
        values = (
            (role or user.role).value,
            _as_json(user.grants if grants is None else grants),
            user.is_disabled if is_disabled is None else is_disabled,
            user_id,
        )
        if (role not in (None, Role.ADMIN) or is_disabled) and self._is_last_admin(user):
            raise LastAdmin(f"{user.name} is the only administrator; make another one first")
        await self._database.run(
            lambda db: db.execute("UPDATE users SET role = ?, grants = ?, is_disabled = ? WHERE id = ?", values)
        )
        return await self._reread(user_id)

    async def set_password(self, user_id: str, password_hash: str) -> None:
        """Replace what is kept of somebody's password."""
        await self._database.run(
            lambda db: db.execute("UPDATE users SET password_hash = ? WHERE id = ?", (password_hash, user_id))
        )
        await self._reread(user_id)

    async def end_logins(self, user_id: str) -> None:
        """End all logins of somebody in the file; the service that runs notices by itself."""
        await self._database.run(lambda db: db.execute("DELETE FROM sessions WHERE user_id = ?", (user_id,)))

    async def remove(self, user_id: str) -> User:
        """Forget somebody, with all logins and bots. KeyError and LastAdmin as in `change`."""
        user = self._users[user_id]
        if self._is_last_admin(user):
            raise LastAdmin(f"{user.name} is the only administrator; make another one first")
        await self._database.run(lambda db: db.execute("DELETE FROM users WHERE id = ?", (user_id,)))
        del self._users[user_id], self._hashes[user_id]
        self._subjects = {subject: one for subject, one in self._subjects.items() if one != user_id}
        return user

    def _is_last_admin(self, user: User) -> bool:
        admins = [one for one in self._users.values() if one.role is Role.ADMIN and not one.is_disabled]
        return admins == [user]

    async def _reread(self, user_id: str) -> User:
        row = await self._database.run(lambda db: db.execute("SELECT * FROM users WHERE id = ?", (user_id,)).fetchone())
        self._hold(row)
        return self._users[user_id]


def _as_json(grants: tuple[Grant, ...]) -> str:
    return json.dumps([grant.model_dump() for grant in grants])
