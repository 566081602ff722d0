"""`hashbus cloud`: sites, their keys, and the people who may look at them. It works on the database, not on the web."""

from __future__ import annotations

import argparse
import asyncio
import getpass
import os
import sys
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from hashbus.clock import SYSTEM_CLOCK
from hashbus.config_errors import ConfigError
from hashbus.service import EXIT_CRASH, EXIT_OK
from hashbus.topics import ID_PATTERN

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence

    from hashbus_collector.database import Database

    Act = Callable[[argparse.Namespace, Database], Awaitable[None]]

# What needs the database and the web is imported when a command runs: `hashbus --help` loads this module.


def cloud(argv: Sequence[str]) -> int:
    """Keep the sites of a cloud collector: their keys, and the people who may look at them."""
    arguments = _parser().parse_args(argv)
    return asyncio.run(_run(arguments))


async def _run(arguments: argparse.Namespace) -> int:
    from hashbus_collector.database import DatabaseAway  # noqa: PLC0415
    from hashbus_collector.people import WeakPassword  # noqa: PLC0415
    from hashbus_collector.sites import NoSuch  # noqa: PLC0415

    try:
        async with _database(arguments.config) as database:
            await arguments.act(arguments, database)
    except (DatabaseAway, NoSuch, WeakPassword) as error:
        print(f"hashbus cloud: {error}", file=sys.stderr)
        return EXIT_CRASH
    except OSError as error:
        print(f"hashbus cloud: {error.filename or 'system'}: {(error.strerror or str(error)).lower()}", file=sys.stderr)
        return EXIT_CRASH
    return EXIT_OK


@asynccontextmanager
async def _database(config: Path | None) -> AsyncIterator[Database]:
    from hashbus_collector.configured import configured  # noqa: PLC0415
    from hashbus_collector.database import open_database  # noqa: PLC0415
    from hashbus_collector.embedded import database_of  # noqa: PLC0415
    from hashbus_collector.migrating import migrate  # noqa: PLC0415

    settings = configured(config)
    async with database_of(settings, SYSTEM_CLOCK, keeps_running=True) as (url, password):
        await migrate(url, password)
        database = await open_database(settings.collector.database, url, password)
        try:
            yield database
        finally:
            await database.close()


async def _sites_add(asked: argparse.Namespace, database: Database) -> None:
    from hashbus_collector.sites import Sites  # noqa: PLC0415

    is_new = await Sites(database).add(asked.site, SYSTEM_CLOCK.now(), title=asked.title, local_name=asked.local_name)
    print(f"site {asked.site} {'added' if is_new else 'changed'}; now: hashbus cloud keys make {asked.site}")


async def _sites_list(_: argparse.Namespace, database: Database) -> None:
    from hashbus_collector.sites import Sites  # noqa: PLC0415

    rows = await Sites(database).all()
    columns = ("id", "title", "local_name", "miners", "keys", "last_upload_at")
    _table(rows, columns, none="no site yet: hashbus cloud sites add NAME")


async def _sites_remove(asked: argparse.Namespace, database: Database) -> None:
    from hashbus_collector.sites import Sites  # noqa: PLC0415

    question = f"remove {asked.site} with all its readings? Type its name: "
    if not asked.yes and await asyncio.to_thread(input, question) != asked.site:
        print("nothing was removed")
        return
    miners = await Sites(database).remove(asked.site, SYSTEM_CLOCK.now())
    print(f"site {asked.site} is gone, with {miners} miners and all they said")


async def _keys_make(asked: argparse.Namespace, database: Database) -> None:
    from hashbus_collector.sites import Sites  # noqa: PLC0415

    now = SYSTEM_CLOCK.now()
    ends_at = now + timedelta(days=asked.days) if asked.days else None
    with _place_for_key(asked.out) as show:
        show(*await Sites(database).make_key(asked.site, now, name=asked.name, ends_at=ends_at, by=_who()))


async def _keys_list(asked: argparse.Namespace, database: Database) -> None:
    from hashbus_collector.sites import Sites  # noqa: PLC0415

    rows = await Sites(database).keys(asked.site)
    columns = ("id", "site", "name", "shown", "made_by", "made_at", "last_used_at", "ends_at", "revoked_at")
    _table(rows, columns, none="no key yet: hashbus cloud keys make SITE")


async def _keys_rotate(asked: argparse.Namespace, database: Database) -> None:
    from hashbus_collector.sites import Sites  # noqa: PLC0415

    now = SYSTEM_CLOCK.now()
    until = now + timedelta(hours=asked.overlap_hours)
    with _place_for_key(asked.out) as show:
        show(*await Sites(database).rotate_key(asked.key, now, overlap_ends_at=until))
    print(f"key {asked.key} is good until {_text(until)}", file=sys.stderr)


async def _keys_revoke(asked: argparse.Namespace, database: Database) -> None:
    from hashbus_collector.sites import Sites  # noqa: PLC0415

    site = await Sites(database).revoke_key(asked.key, SYSTEM_CLOCK.now())
    print(f"key {asked.key} of site {site} is worthless from now on")


async def _users_set(asked: argparse.Namespace, database: Database) -> None:
    from hashbus_collector.people import People, Role  # noqa: PLC0415

    people = People(database, hours=1, idle_minutes=1)
    role = Role[asked.role.upper()]
    await people.add(asked.name, _password(asked), role, SYSTEM_CLOCK.now(), site=asked.site)
    print(f"{asked.name} may log in as {asked.role} of {'every site' if asked.site == '*' else asked.site}")


async def _users_role(asked: argparse.Namespace, database: Database) -> None:
    from hashbus_collector.people import People, Role  # noqa: PLC0415

    role = None if asked.role == "none" else Role[asked.role.upper()]
    await People(database, hours=1, idle_minutes=1).give(asked.name, role, SYSTEM_CLOCK.now(), site=asked.site)
    print(f"{asked.name} is {asked.role} of {'every site' if asked.site == '*' else asked.site}")


async def _users_list(_: argparse.Namespace, database: Database) -> None:
    from hashbus_collector.people import People  # noqa: PLC0415

    rows = await People(database, hours=1, idle_minutes=1).all()
    _table(rows, ("name", "site", "role", "made_at", "seen_at"), none="nobody yet: hashbus cloud users set NAME")


async def _users_remove(asked: argparse.Namespace, database: Database) -> None:
    from hashbus_collector.people import People  # noqa: PLC0415

    await People(database, hours=1, idle_minutes=1).remove(asked.name, SYSTEM_CLOCK.now())
    print(f"{asked.name} is gone, and logged out everywhere")


async def _migrate(_: argparse.Namespace, database: Database) -> None:
    step = await database.value("SELECT version_num FROM alembic_version")
    print(f"the tables are at step {step}")


@contextmanager
def _place_for_key(out: Path | None) -> Iterator[Callable[[str, str], None]]:
    """Give what shows a key, this once: on the screen, or in a new file that nobody else can read.

    The file is there before the key is made: a key that has no place would be lost.
    """
    if out is None:
        yield _print_key
        return
    descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:

        def keep(key_id: str, key: str) -> None:
            file.write(f"{key}\n")
            print(f"key {key_id} is in {out}", file=sys.stderr)

        try:
            yield keep
        except BaseException:
            out.unlink()
            raise


def _print_key(key_id: str, key: str) -> None:
    print(key)
    print(f"key {key_id}: shown this once and kept nowhere; give it to the site's bridge", file=sys.stderr)


def _password(asked: argparse.Namespace) -> str:
    if asked.password_file is not None:
        return str(asked.password_file.read_text(encoding="utf-8").rstrip("\n"))
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    password = getpass.getpass(f"password of {asked.name}: ")
    if password != getpass.getpass("again: "):
        raise ConfigError(["the two passwords differ"])
    return password


def _who() -> str:
    return f"cli:{os.environ.get('SUDO_USER') or os.environ.get('USER') or 'unknown'}"[:64]


def _table(rows: Sequence[Mapping[str, object]], columns: Sequence[str], *, none: str) -> None:
    if not rows:
        print(none)
        return
    table = [list(columns), *([_text(row[name]) for name in columns] for row in rows)]
    widths = [max(len(line[place]) for line in table) for place in range(len(columns))]
    for line in table:
        print("  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)).rstrip())


def _text(value: object) -> str:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    return "-" if value in (None, "") else str(value)


def _parser() -> argparse.ArgumentParser:
    from hashbus_collector.cli_words import parser  # noqa: PLC0415

    return parser(
        {
            "sites add": _sites_add,
            "sites list": _sites_list,
            "sites remove": _sites_remove,
            "keys make": _keys_make,
            "keys list": _keys_list,
            "keys rotate": _keys_rotate,
            "keys revoke": _keys_revoke,
            "users set": _users_set,
            "users role": _users_role,
            "users list": _users_list,
            "users remove": _users_remove,
            "migrate": _migrate,
        },
        ID_PATTERN,
    )
