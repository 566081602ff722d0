"""A site as its file describes it: where its state is, which processes belong to it, how each is started."""

from __future__ import annotations

import ipaddress
import os
import shutil
import sys
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hashbus.config_errors import ConfigError
from hashbus.config_sources import from_environment, from_file, merged
from hashbus.settings import PREFIX, load
from hashbus.topics import SERVICES, service_kind
from hashbus_supervisor.broker_files import BrokerFiles
from hashbus_supervisor.problems import CannotRun
from hashbus_supervisor.settings import SIMULATOR, BrokerKind, SupervisorSettings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ACCOUNT = "supervisor"
POLLER = "poller"
WITHOUT_BUS = (SIMULATOR, "collector")
"""What can be run here and has no account, because it never speaks MQTT."""
LOOPBACK = "127.0.0.1"
DEFAULT_FILE = Path("config/site.yaml")
SYSTEM_FOLDERS = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin")
"""Where a broker is that an ordinary user's PATH does not show."""


@dataclass(frozen=True)
class Site:
    """One site on this machine. `written` is its file as it stands, with the environment over it."""

    file: Path | None
    settings: SupervisorSettings
    written: Mapping[str, Any]

    @property
    def data_dir(self) -> Path:
        """Return where everything is kept that must survive."""
        return self.settings.data_dir.absolute()

    @property
    def secrets(self) -> Path:
        """Return the folder with one password file an account."""
        return self.data_dir / "secrets"

    @property
    def logs(self) -> Path:
        """Return the folder with one log a process."""
        return self.data_dir / "log"

    @property
    def broker_files(self) -> BrokerFiles:
        """Return where the files of the site's own broker are."""
        return BrokerFiles(self.data_dir / "mosquitto")

    @property
    def name(self) -> str:
        """Return the file's name for people."""
        return str(self.file) if self.file else "the environment"

    @property
    def services(self) -> tuple[str, ...]:
        """Return the processes of this site but the broker, in the order in which they start."""
        chosen = self.settings.supervisor.services
        if chosen is None:
            chosen = tuple(name for name in (SIMULATOR, *SERVICES) if name in self.written and name != ACCOUNT)
        return tuple(sorted(chosen, key=lambda name: name != SIMULATOR))

    @property
    def devices(self) -> tuple[str, ...]:
        """Return the ids of the devices that are written down one by one."""
        poller = self.written.get(POLLER)
        devices = poller.get("devices") if isinstance(poller, dict) else None
        return tuple(devices) if isinstance(devices, dict) else ()

    @property
    def page_url(self) -> str | None:
        """Return where the page is for a browser on this machine; None where the site has none."""
        web = self.written.get("web")
        if "web" not in self.services or not isinstance(web, dict | None):
            return None
        host = str((web or {}).get("host", "0.0.0.0"))  # noqa: S104 - what stands there when nothing is written
        return f"http://{LOOPBACK if host in ('0.0.0.0', '::') else host}:{(web or {}).get('port', 8080)}"  # noqa: S104

    @property
    def blocks(self) -> tuple[Any, ...]:
        """Return the blocks of devices, as they are written down."""
        poller = self.written.get(POLLER)
        blocks = poller.get("blocks") if isinstance(poller, dict) else None
        return tuple(blocks) if isinstance(blocks, list) else ()

    @property
    def accounts(self) -> tuple[str, ...]:
        """Return everybody who has an account on the broker: also services that run on another day or machine."""
        return tuple(dict.fromkeys([*SERVICES, *(name for name in self.services if name != SIMULATOR)]))

    @cached_property
    def broker_kind(self) -> BrokerKind:
        """Return where the broker comes from, with `auto` decided."""
        kind = self.settings.supervisor.broker
        if is_external(kind, self.settings.broker.host):
            return BrokerKind.EXTERNAL
        if kind is BrokerKind.AUTO:
            return BrokerKind.MOSQUITTO if mosquitto_program() else BrokerKind.EMBEDDED
        return kind

    def command(self, account: str) -> tuple[str, ...]:
        """Return the command line of a service."""
        own = self.settings.supervisor.commands.get(account)
        kind = service_kind(account)
        start = own or (sys.executable, "-m", f"hashbus_{kind}")
        config = ("--config", str(self.file.absolute())) if self.file else ()
        return (*start, *config, *(("--account", account) if account != kind else ()))

    def is_installed(self, account: str) -> bool:
        """Say whether this installation has the service at all."""
        if account in self.settings.supervisor.commands:
            return True
        package = f"hashbus_{service_kind(account)}"
        return find_spec(package) is not None and find_spec(f"{package}.__main__") is not None

    def environment(self, account: str) -> dict[str, str]:
        """Return the environment of a service: this one, the state folder, and its account on our own broker."""
        result = {**os.environ, f"{PREFIX}DATA_DIR": str(self.data_dir), "PYTHONUNBUFFERED": "1"}
        if self.has_own_accounts and account not in WITHOUT_BUS:
            result.pop(f"{PREFIX}BROKER__PASSWORD", None)
            result[f"{PREFIX}BROKER__USERNAME"] = account
            result[f"{PREFIX}BROKER__PASSWORD_FILE"] = str(self.secrets / account)
        if service_kind(account) == POLLER and len(self.pollers) > 1 and account in self.pollers:
            # Several pollers share the devices, each one its part, unless the owner says which part is whose.
            result.setdefault(f"{PREFIX}POLLER__SHARD", f"{self.pollers.index(account) + 1}/{len(self.pollers)}")
        return result

    @property
    def pollers(self) -> tuple[str, ...]:
        """Return the accounts of all pollers of this site."""
        return tuple(name for name in self.services if service_kind(name) == POLLER)

    @property
    def has_own_accounts(self) -> bool:
        """Say whether the site's accounts are those of its set-up: so on a broker that we start ourselves."""
        return self.broker_kind is not BrokerKind.EXTERNAL and self.settings.broker.username is None


def read_site(file: Path | None, environ: Mapping[str, str] | None = None) -> Site:
    """Read a site file; ConfigError with every mistake in what the supervisor itself needs of it.

    The password of a broker that we start ourselves need not be there yet: the set-up makes it.
    """
    environ = os.environ if environ is None else environ
    file = file or _default_file(environ)
    source = merged(from_file(file, environ), from_environment(environ, PREFIX)) if file else None
    written = source.values if source else from_environment(environ, PREFIX).values
    waived = {} if _is_written_external(written) else {f"{PREFIX}BROKER__PASSWORD": "made by the set-up"}
    site = Site(file, load(SupervisorSettings, file, account=ACCOUNT, environ={**waived, **environ}), written)
    _check(site)
    return site


def signed_in(site: Site) -> SupervisorSettings:
    """Return the settings with the supervisor's own account on the site's broker; ConfigError before the set-up."""
    if site.broker_kind is BrokerKind.EXTERNAL:
        return site.settings
    return load(SupervisorSettings, site.file, account=ACCOUNT, environ=site.environment(ACCOUNT))


def check_runs_together(site: Site) -> None:
    """Raise ConfigError when one machine cannot run all of this site's services at once."""
    port = site.settings.health.port
    if port and any(name != SIMULATOR for name in site.services):
        problem = f"health.port: {port} is for a service that runs alone; write `first_port`, and each gets its own"
        raise ConfigError([f"{site.name}: {problem}"])


def check_is_set_up(site: Site, account: str) -> None:
    """Raise CannotRun when nobody has made this account yet, although it is ours to make."""
    secret = site.secrets / account
    if site.has_own_accounts and account in site.accounts and not secret.is_file():
        raise CannotRun(
            f"this site was never set up here: {secret} is missing\n"
            "  start it:         hashbus up\n"
            "  only set it up:   hashbus setup"
        )


def mosquitto_program(path: str | None = None, folders: Sequence[str] = SYSTEM_FOLDERS) -> str | None:
    """Return where mosquitto is installed; None when it is not."""
    path = os.environ.get("PATH", "") if path is None else path
    return shutil.which("mosquitto", path=os.pathsep.join([path, *folders]))


def is_external(kind: str | None, host: str) -> bool:
    """Say whether somebody else starts the broker: because the settings say so, or because it is elsewhere."""
    return kind == BrokerKind.EXTERNAL or not is_loopback(host)


def is_loopback(host: str) -> bool:
    """Say whether an address is this machine talking to itself."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _default_file(environ: Mapping[str, str]) -> Path | None:
    if environ.get(f"{PREFIX}CONFIG"):
        return Path(environ[f"{PREFIX}CONFIG"])
    return DEFAULT_FILE if DEFAULT_FILE.exists() else None


def _is_written_external(written: Mapping[str, Any]) -> bool:
    """Say so before the settings are checked: mistakes in these two are reported a moment later."""
    broker, supervisor = (written.get(key) for key in ("broker", ACCOUNT))
    host = broker.get("host", LOOPBACK) if isinstance(broker, dict) else LOOPBACK
    return is_external(supervisor.get("broker") if isinstance(supervisor, dict) else None, str(host))


def _check(site: Site) -> None:
    """Refuse settings that are right one by one and cannot work together."""
    if site.settings.broker.tls and site.broker_kind is not BrokerKind.EXTERNAL:
        way_out = "leave it out, or set supervisor.broker to external"
        raise ConfigError([f"{site.name}: broker.tls: our own broker needs none on loopback; {way_out}"])
