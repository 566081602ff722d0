"""The words of `hashbus cloud`: which commands there are and what each takes."""

from __future__ import annotations

import argparse
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_HELP = {
    "sites": "the sites that may upload",
    "keys": "the keys of the sites; a key is shown once, when it is made",
    "users": "the people who may log in",
    "sites add": "add a site, or change its title",
    "sites list": "list the sites",
    "sites remove": "remove a site with all it ever uploaded",
    "keys make": "make a key for a site and show it, this once",
    "keys list": "list the keys: whose, since when, last used; never the keys themselves",
    "keys rotate": "make a new key; the old one stays good for a while",
    "keys revoke": "make a key worthless at once",
    "users set": "let somebody in, or give a new password; the first is the admin",
    "users role": "give somebody a role at a site, or take it away",
    "users list": "list who may log in",
    "users remove": "let somebody in no more",
    "migrate": "bring the tables to the form of this version, and say at which step they are",
}


def parser(acts: Mapping[str, Any], id_pattern: str) -> argparse.ArgumentParser:
    """Return the parser; each command's act is under `act` in what it gives."""
    top = argparse.ArgumentParser(
        prog="hashbus cloud", description="Keep the sites of a cloud collector, their keys and its people."
    )
    config = os.environ.get("HASHBUS_CONFIG")
    top.add_argument("--config", type=Path, default=Path(config) if config else None, help="the collector's YAML file")
    groups = top.add_subparsers(required=True, metavar="WHAT")
    parts: dict[str, Any] = {}
    for name, act in acts.items():
        group, _, verb = name.partition(" ")
        if not verb:
            made = groups.add_parser(group, help=_HELP[name], description=_HELP[name])
        else:
            if group not in parts:
                added = groups.add_parser(group, help=_HELP[group], description=_HELP[group])
                parts[group] = added.add_subparsers(required=True, metavar="VERB")
            made = parts[group].add_parser(verb, help=_HELP[name], description=_HELP[name])
        made.set_defaults(act=act)
        _ARGUMENTS.get(name, _nothing)(made, _site_type(id_pattern))
    return top


def _site_type(id_pattern: str) -> Callable[[str], str]:
    def site(text: str) -> str:
        if not re.fullmatch(id_pattern, text):
            raise argparse.ArgumentTypeError(f"{text!r} is no name of a site: letters, digits, - and _, at most 64")
        return text

    return site


def _nothing(_: argparse.ArgumentParser, __: Callable[[str], str]) -> None:
    """Take no arguments."""


def _sites_add(made: argparse.ArgumentParser, site: Callable[[str], str]) -> None:
    made.add_argument("site", type=site)
    made.add_argument("--title", default="", help="its name for people")
    made.add_argument("--local-name", metavar="NAME", help="`site:` in its own file, where that differs")


def _sites_remove(made: argparse.ArgumentParser, site: Callable[[str], str]) -> None:
    made.add_argument("site", type=site)
    made.add_argument("--yes", action="store_true", help="do not ask")


def _keys_make(made: argparse.ArgumentParser, site: Callable[[str], str]) -> None:
    made.add_argument("site", type=site)
    made.add_argument("--name", default="", help="what it is for")
    made.add_argument("--days", type=float, help="how long it is good; for ever when not given")
    _out(made)


def _keys_list(made: argparse.ArgumentParser, site: Callable[[str], str]) -> None:
    made.add_argument("site", type=site, nargs="?")


def _keys_rotate(made: argparse.ArgumentParser, _: Callable[[str], str]) -> None:
    made.add_argument("key", help="id of the old key, from `keys list`")
    made.add_argument("--overlap-hours", type=float, default=24, help="how long the old one stays good; 24")
    _out(made)


def _keys_revoke(made: argparse.ArgumentParser, _: Callable[[str], str]) -> None:
    made.add_argument("key", help="id of the key, from `keys list`")


def _users_set(made: argparse.ArgumentParser, _: Callable[[str], str]) -> None:
    made.add_argument("name")
    made.add_argument("--role", choices=("admin", "operator", "guest"), default="admin")
    made.add_argument("--site", default="*", help="of one site; of every site when not given")
    made.add_argument("--password-file", type=Path, help="asked for, or read from standard input, when not given")


def _users_role(made: argparse.ArgumentParser, _: Callable[[str], str]) -> None:
    made.add_argument("name")
    made.add_argument("role", choices=("admin", "operator", "guest", "none"))
    made.add_argument("--site", default="*", help="at one site; at every site when not given")


def _users_remove(made: argparse.ArgumentParser, _: Callable[[str], str]) -> None:
    made.add_argument("name")


def _out(made: argparse.ArgumentParser) -> None:
    made.add_argument("--out", type=Path, metavar="FILE", help="write it into a new file instead of showing it")


_ARGUMENTS: dict[str, Callable[[argparse.ArgumentParser, Callable[[str], str]], None]] = {
    "sites add": _sites_add,
    "sites remove": _sites_remove,
    "keys make": _keys_make,
    "keys list": _keys_list,
    "keys rotate": _keys_rotate,
    "keys revoke": _keys_revoke,
    "users set": _users_set,
    "users role": _users_role,
    "users remove": _users_remove,
}
