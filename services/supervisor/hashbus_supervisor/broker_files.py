"""The files of the site's own broker: settings, accounts and rights, below `<data_dir>/mosquitto`."""

from __future__ import annotations

import os
import pwd
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

from hashbus.acl import acl
from hashbus_supervisor.accounts import make_secret, password_file, passwords
from hashbus_supervisor.private_files import write_whole

if TYPE_CHECKING:
    from collections.abc import Sequence

TEMPLATE = "mosquitto.conf.template"
BROKER_USER = "mosquitto"


@dataclass(frozen=True)
class BrokerFiles:
    """Where the broker's files are; all paths are below one folder."""

    folder: Path

    @property
    def settings(self) -> Path:
        """Return the path of mosquitto.conf."""
        return self.folder / "mosquitto.conf"

    @property
    def passwd(self) -> Path:
        """Return the path of the password file."""
        return self.folder / "passwd"

    @property
    def acl(self) -> Path:
        """Return the path of the access list."""
        return self.folder / "acl"

    @property
    def own_rules(self) -> Path:
        """Return the path of the rules a person adds to the access list."""
        return self.folder / "acl.local"

    @property
    def own_settings(self) -> Path:
        """Return the folder of the settings a person adds."""
        return self.folder / "conf.d"


def mosquitto_conf(folder: Path | str, host: str, port: int, user: str = BROKER_USER) -> str:
    """Return mosquitto's settings for files in `folder`; `user` is who it becomes when root starts it."""
    template = Template(files("hashbus_supervisor").joinpath(TEMPLATE).read_text(encoding="utf-8"))
    return template.substitute(folder=folder, host=host, port=port, user=user)


def write_secrets(folder: Path, names: Sequence[str]) -> list[str]:
    """Make a random password for each name that has none in `folder` yet; returns those names."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    return [name for name in names if make_secret(folder / name)]


def write_broker_files(where: BrokerFiles, secrets: Path, accounts: Sequence[str], host: str, port: int) -> bool:
    """Write what mosquitto reads; True when something changed. What a person added stays."""
    where.own_settings.mkdir(parents=True, exist_ok=True)
    before = where.passwd.read_text(encoding="utf-8") if where.passwd.is_file() else ""
    rights = acl(tuple(accounts))
    if where.own_rules.is_file():
        rights += "\n" + where.own_rules.read_text(encoding="utf-8")
    user = user_of_broker(where.folder)
    changed = [
        write_whole(where.passwd, password_file(before, passwords(secrets, accounts))),
        write_whole(where.acl, rights, 0o600),
        write_whole(where.settings, mosquitto_conf(where.folder, host, port, user), 0o644),
    ]
    if os.geteuid() == 0 and user != "root":
        _give(where.folder, user)
    return any(changed)


def user_of_broker(folder: Path) -> str:
    """Return whom mosquitto becomes when root starts it: its own user, if that can get to its files, else root."""
    if os.geteuid() != 0:
        return BROKER_USER
    try:
        pwd.getpwnam(BROKER_USER)
    except KeyError:
        return "root"
    is_reachable = all(path.stat().st_mode & 0o001 for path in folder.absolute().parents if path.exists())
    return BROKER_USER if is_reachable else "root"


def _give(folder: Path, user: str) -> None:
    """Let mosquitto's own user have the folder: it writes its state there after it has dropped root's rights."""
    owner = pwd.getpwnam(user)
    for path in [folder, *folder.rglob("*")]:
        os.chown(path, owner.pw_uid, owner.pw_gid, follow_symlinks=False)
