"""`hashbus web`: the one-time code of the first start, and what to do when nobody can come in any more."""

from __future__ import annotations

import argparse
import asyncio
import getpass
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from hashbus.clock import SYSTEM_CLOCK
from hashbus.config_errors import ConfigError
from hashbus.settings import load
from hashbus_web.parts import CODE_FILE, DATABASE_FILE
from hashbus_web.people.database import Database, DatabaseUnusable
from hashbus_web.people.passwords import Passwords, problem_of
from hashbus_web.people.rights import Role
from hashbus_web.people.secrets import set_up_code
from hashbus_web.people.users import Users
from hashbus_web.settings import WebSettings

EXIT_OK, EXIT_PROBLEM = 0, 1
ACCOUNT = "web"
DEFAULT_FILE = Path("config/site.yaml")


def web(argv: Sequence[str]) -> int:
    """Come in for the first time, or again: hashbus web code; hashbus web users; hashbus web password NAME."""
    arguments = _parser().parse_args(argv)
    settings = load(WebSettings, arguments.config or _default_file(), account=ACCOUNT)
    folder = settings.data_dir / ACCOUNT
    try:
        database = Database(folder / DATABASE_FILE)
    except DatabaseUnusable as error:
        raise ConfigError([f"data_dir: {error}"]) from None
    try:
        users = Users(database, SYSTEM_CLOCK)
        if arguments.what == "code":
            return _code(users, folder)
        if arguments.what == "users":
            return _list(users)
        return _password(users, arguments.name)
    finally:
        database.close()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="hashbus web", description=web.__doc__)
    parser.add_argument("--config", type=Path, help="the site's YAML file; config/site.yaml when there is one")
    what = parser.add_subparsers(dest="what", required=True)
    what.add_parser("code", help="print the one-time code of the first start")
    what.add_parser("users", help="list who may come in")
    password = what.add_parser("password", help="set somebody's password; a new name becomes an administrator")
    password.add_argument("name")
    for one in what.choices.values():
        one.add_argument("--config", type=Path, default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    return parser


def _default_file() -> Path | None:
    named = os.environ.get("HASHBUS_CONFIG")
    if named:
        return Path(named)
    return DEFAULT_FILE if DEFAULT_FILE.exists() else None


def _code(users: Users, folder: Path) -> int:
    if users.has_admin:
        print("this site has an administrator: there is no code any more", file=sys.stderr)
        print("a password is set anew by: hashbus web password NAME", file=sys.stderr)
        return EXIT_PROBLEM
    print(set_up_code(folder / CODE_FILE))
    return EXIT_OK


def _list(users: Users) -> int:
    for user in users.all():
        told = [user.role.value, "disabled" if user.is_disabled else "", user.comes_from or ""]
        print(f"{user.name:<24} {', '.join(word for word in told if word)}")
    if not users.all():
        print("nobody yet", file=sys.stderr)
    return EXIT_OK if users.all() else EXIT_PROBLEM


def _password(users: Users, name: str) -> int:
    password = _asked_for(name)
    problem = problem_of(password, name)
    if problem is not None:
        print(f"the password {problem}", file=sys.stderr)
        return EXIT_PROBLEM
    asyncio.run(_set(users, name, password))
    print(f"{name} can come in with the new password; all former logins have ended")
    return EXIT_OK


def _asked_for(name: str) -> str:
    """Ask at the terminal; without one, read a line of standard input."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    first = getpass.getpass(f"new password of {name}: ")
    return first if getpass.getpass("once more: ") == first else ""


async def _set(users: Users, name: str, password: str) -> None:
    hashed = await Passwords().hash(password)
    known = next((user for user in users.all() if user.name.casefold() == name.casefold()), None)
    if known is None:
        await users.add(name, Role.ADMIN, password_hash=hashed)
        return
    await users.set_password(known.id, hashed)
    await users.end_logins(known.id)
