"""How a person names one device on the command line, and the driver and options that this makes."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from hashbus.config_errors import ConfigError, similar
from hashbus.config_explained import explain
from hashbus.config_sources import Source, Steps
from hashbus_poller.cli.console import WrongUsage
from hashbus_poller.drivers.contract import DeviceOptions, DriverSpec
from hashbus_poller.registry import drivers
from hashbus_poller.sightings import secret_options

TIMEOUT_S = 10.0
"""Seconds for one whole answer when a person waits for it (S1.44)."""

LONGEST_TIMEOUT_S = 120.0


def add_device_arguments(parser: argparse.ArgumentParser, *, needs_driver: bool) -> None:
    """Add what names one device."""
    parser.add_argument("host", metavar="HOST", help="address or name of the device; of a portal, its URL")
    how = "as `hashbus drivers` lists it"
    parser.add_argument("--driver", required=needs_driver, help=how if needs_driver else f"{how}; found out by itself")
    parser.add_argument("--port", type=_port, help="TCP port, where it is not the usual one")
    parser.add_argument(
        "--option", action="append", default=[], metavar="KEY=VALUE", help="any other option of the driver; repeatable"
    )
    parser.add_argument(
        "--password-file", metavar="FILE", help="file that holds the device's password; - is standard input"
    )
    parser.add_argument(
        "--timeout", type=_seconds, default=TIMEOUT_S, help="seconds to wait for an answer (default %(default)g)"
    )


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65_535:
        raise argparse.ArgumentTypeError(f"{text!r} is no TCP port (1 to 65535)")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds <= LONGEST_TIMEOUT_S:
        raise argparse.ArgumentTypeError(f"{text!r} is no time: it takes up to {LONGEST_TIMEOUT_S:g} seconds")
    return seconds


def named_driver(name: str) -> DriverSpec:
    """Return an installed driver; WrongUsage when there is none of that name."""
    spec = drivers().get(name)
    if spec is None:
        raise WrongUsage(f"--driver {name}: not installed{similar(name, drivers())}")
    return spec


def check_password_stays_out(arguments: argparse.Namespace) -> None:
    """Refuse a password on the command line: every process of the machine can read it there."""
    for name in (key for key, _ in map(_key_and_value, arguments.option)):
        if "password" in name or name in {
            secret for spec in drivers().values() for secret in secret_options(spec.options)
        }:
            raise WrongUsage(f"--option {name}=...: everybody on this machine can see that; use --password-file")


def options_for(
    spec: DriverSpec, arguments: argparse.Namespace, seen: Mapping[str, Any] | None = None
) -> DeviceOptions:
    """Return the driver's options; ConfigError says in one line each what is wrong with them.

    `seen` are options that a scan of the device found out; what the person says goes before them.
    """
    values: dict[str, Any] = {_address_option(spec): arguments.host, "timeout_s": arguments.timeout, **(seen or {})}
    places = {"timeout_s": "--timeout", _address_option(spec): "HOST"}
    if arguments.port is not None:
        values["port"], places["port"] = arguments.port, "--port"
    for key, value in map(_key_and_value, arguments.option):
        values[key], places[key] = value, f"--option {key}"
    if arguments.password_file:
        secret = _secret_option(spec)
        values[secret], places[secret] = _password(arguments.password_file), "--password-file"
    try:
        return spec.options.model_validate(values)
    except ValidationError as error:
        # What is missing has a place too: the one where it would be written.
        written: dict[Steps, str] = {(name,): f"--option {name}=..." for name in spec.options.model_fields}
        written |= {(key,): place for key, place in places.items()}
        raise ConfigError(explain(error, spec.options, Source(values, written, spec.name, Path()))) from None


def _address_option(spec: DriverSpec) -> str:
    """Return what a driver calls the place of its device: a portal has no host, but a URL."""
    return "host" if "host" in spec.options.model_fields else "base_url"


def _secret_option(spec: DriverSpec) -> str:
    secrets = secret_options(spec.options)
    if not secrets:
        raise WrongUsage(f"--password-file: devices of driver {spec.name} have no password")
    return "password" if "password" in secrets else secrets[0]


def _key_and_value(text: str) -> tuple[str, Any]:
    key, separator, value = text.partition("=")
    if not separator:
        raise WrongUsage(f"--option {text}: write KEY=VALUE")
    try:
        return key.strip(), yaml.safe_load(value)
    except yaml.YAMLError:
        return key.strip(), value


def _password(name: str) -> str:
    try:
        text = sys.stdin.readline() if name == "-" else Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not a text file"
        raise WrongUsage(f"--password-file {name}: cannot be read: {reason}") from None
    if not text.strip():
        raise WrongUsage(f"--password-file {name}: is empty")
    return text.strip()
