"""The sites and their keys. A key is shown once, when it is made; what is kept of it cannot be used to log in."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

import asyncpg

from hashbus_collector.audit import Entry, write
from hashbus_collector.keys import digest, looks_like_a_key, make_key, shown

if TYPE_CHECKING:
    from datetime import datetime

    from hashbus_collector.database import Connection, Database, Row


class NoSuch(LookupError):
    """What was named is not there; the text names it."""


@dataclass(frozen=True, slots=True)
class SiteKey:
    """A key that was accepted: whose it is."""

    id: str
    site: str
    local_name: str | None

    def speaks_for(self, name: str) -> bool:
        """Say whether a site that calls itself `name` may use this key."""
        return name in (self.site, self.local_name)


class Sites:
    """The sites and their keys in the database."""

    def __init__(self, database: Database) -> None:
        """Take over the database."""
        self._database = database

    async def accept(self, key: str, now: datetime) -> SiteKey | None:
        """Return whose key it is; None when it is not one, was revoked or has ended."""
        if not looks_like_a_key(key):
            return None
        wanted = digest(key)
        row = await self._database.row(
            "SELECT k.id, k.site, k.digest, s.local_name, "
            "(k.last_used_at IS NULL OR k.last_used_at < $2::timestamptz - interval '1 minute') AS is_news "
            "FROM site_key k JOIN site s ON s.id = k.site "
            "WHERE k.digest = $1 AND k.revoked_at IS NULL AND (k.ends_at IS NULL OR k.ends_at > $2)",
            wanted,
            now,
        )
        if row is None or not hmac.compare_digest(bytes(row["digest"]), wanted):
            return None
        if row["is_news"]:
            await self._database.execute("UPDATE site_key SET last_used_at = $2 WHERE id = $1", row["id"], now)
            await self._database.execute("UPDATE site SET last_contact_at = $2 WHERE id = $1", row["site"], now)
        return SiteKey(row["id"], row["site"], row["local_name"])

    async def add(self, site: str, now: datetime, *, title: str = "", local_name: str | None = None) -> bool:
        """Add a site, or give the one there is another title and local name; True when it is new."""
        async with self._database.transaction() as connection:
            row = await connection.fetchrow(
                "INSERT INTO site (id, title, local_name, made_at) VALUES ($1, $2, $3, $4) "
                "ON CONFLICT (id) DO UPDATE SET title = CASE WHEN $2 = '' THEN site.title ELSE $2 END, "
                "local_name = coalesce($3, site.local_name) RETURNING xmax = 0 AS is_new",
                site, title, local_name, now,
            )  # fmt: skip
            is_new = bool(row and row["is_new"])
            action = "site added" if is_new else "site changed"
            await write(connection, Entry(now, "cli", action, site, site, {"title": title, "local_name": local_name}))
        return is_new

    async def remove(self, site: str, now: datetime) -> int:
        """Remove a site with its keys, miners, readings and commands; returns how many miners it had. NoSuch."""
        async with self._database.transaction() as connection:
            miners = await connection.fetch("SELECT no FROM miner WHERE site = $1", site)
            await connection.execute(
                "DELETE FROM history WHERE miner = ANY($1::bigint[])", [row["no"] for row in miners]
            )
            gone = await connection.fetchval("DELETE FROM site WHERE id = $1 RETURNING id", site)
            if gone is None:
                raise NoSuch(f"no site {site!r}")
            await write(connection, Entry(now, "cli", "site removed", site, site, {"miners": len(miners)}))
        return len(miners)

    async def all(self) -> list[Row]:
        """Return all sites with how many miners and keys each has."""
        return await self._database.fetch(
            "SELECT s.*, (SELECT count(*) FROM miner m WHERE m.site = s.id) AS miners, "
            "(SELECT count(*) FROM site_key k WHERE k.site = s.id AND k.revoked_at IS NULL) AS keys "
            "FROM site s ORDER BY s.id"
        )

    async def make_key(
        self, site: str, now: datetime, *, name: str = "", ends_at: datetime | None = None, by: str = "cli"
    ) -> tuple[str, str]:
        """Make a key for a site; returns its id and the key itself, which nobody sees again. NoSuch site."""
        async with self._database.transaction() as connection:
            return await self._made(connection, site, now, name=name, ends_at=ends_at, by=by)

    async def rotate_key(self, key_id: str, now: datetime, *, overlap_ends_at: datetime) -> tuple[str, str]:
        """Make a new key for the site of `key_id`, which itself ends at `overlap_ends_at`. NoSuch key."""
        async with self._database.transaction() as connection:
            old = await connection.fetchrow(
                "UPDATE site_key SET ends_at = least($2, coalesce(ends_at, $2)) "
                "WHERE id = $1 AND revoked_at IS NULL RETURNING site, name",
                key_id,
                overlap_ends_at,
            )
            if old is None:
                raise NoSuch(f"no key {key_id!r} that is in use")
            return await self._made(connection, old["site"], now, name=old["name"], ends_at=None, by="cli")

    async def revoke_key(self, key_id: str, now: datetime) -> str:
        """Make a key worthless at once; returns its site. NoSuch key."""
        async with self._database.transaction() as connection:
            site = await connection.fetchval(
                "UPDATE site_key SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL RETURNING site", key_id, now
            )
            if site is None:
                raise NoSuch(f"no key {key_id!r} that is in use")
            await write(connection, Entry(now, "cli", "key revoked", site, key_id))
        return str(site)

    async def keys(self, site: str | None = None) -> list[Row]:
        """Return what is known of all keys, or of those of one site; never the keys themselves."""
        return await self._database.fetch(
            "SELECT id, site, name, shown, made_by, made_at, ends_at, revoked_at, last_used_at FROM site_key "
            "WHERE $1::text IS NULL OR site = $1 ORDER BY site, made_at",
            site,
        )

    async def _made(
        self, connection: Connection, site: str, now: datetime, *, name: str, ends_at: datetime | None, by: str
    ) -> tuple[str, str]:
        key, key_id = make_key(), secrets.token_hex(4)
        try:
            await connection.execute(
                "INSERT INTO site_key (id, site, name, digest, shown, made_by, made_at, ends_at) "
                "VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
                key_id, site, name, digest(key), shown(key), by, now, ends_at,
            )  # fmt: skip
        except asyncpg.ForeignKeyViolationError:
            raise NoSuch(f"no site {site!r}; add it first: hashbus cloud sites add {site}") from None
        await write(connection, Entry(now, by, "key made", site, key_id, {"name": name, "ends_at": ends_at}))
        return key_id, key
