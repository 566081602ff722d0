"""The poller's commands of the `hashbus` program, by the names that pyproject.toml gives them."""

from hashbus_poller.cli.list_drivers import drivers
from hashbus_poller.cli.probe_device import probe
from hashbus_poller.cli.raw_replies import raw
from hashbus_poller.cli.record_device import record
from hashbus_poller.cli.scan_network import scan

__all__ = ["drivers", "probe", "raw", "record", "scan"]
