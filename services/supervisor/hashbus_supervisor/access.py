"""Who may write what, as brokers understand it: made from the topic table and from nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hashbus.messages import VOCABULARY
from hashbus.topics import BASE, SERVICE_OF_SOURCE, Topic, service_kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

HEAD = """\
# Who may write what: one broker account a service, made from the topic table. Do not edit; own rules go into acl.local
# beside the broker's other files (see mosquitto/README.md). Everybody may read the bus, and only the owner of a topic
# may write it.
"""


def access_list(accounts: Iterable[str]) -> str:
    """Return mosquitto's acl_file for these accounts."""
    blocks = [_block(account) for account in accounts]
    return "\n".join([HEAD, *blocks])


def _block(account: str) -> str:
    rights = [f"topic read {BASE}/#", *(f"topic write {one}" for one in writable(account))]
    return "\n".join([f"user {account}", *rights, ""])


def writable(account: str) -> Iterator[str]:
    """Return the MQTT filters of everything that an account may write, in the order of the topic table."""
    for kind in VOCABULARY:
        if service_kind(account) in kind.topic.writers:
            yield from _filters(kind.topic, account)


def _filters(topic: Topic, account: str) -> Iterator[str]:
    if "service" in topic.levels:
        yield topic.filter(service=account)
    elif "source" in topic.levels:
        for source in sources_of(service_kind(account)):
            yield topic.filter(source=source)
    else:
        yield topic.filter()


def sources_of(service: str) -> list[str]:
    """Return the source names that a service writes under: its own, then those it speaks for."""
    return [service, *(source for source, speaker in SERVICE_OF_SOURCE.items() if speaker == service)]


def may_write(account: str, address: str) -> bool:
    """Say whether an account may write one topic: what the access list says, for a broker that can ask."""
    for kind in VOCABULARY:
        levels = kind.topic.matches(address)
        if levels is not None:
            return kind.topic.may_write(account, levels)
    return False


def may_read(wanted: str) -> bool:
    """Say whether a service may subscribe to a filter: the whole bus and nothing beside it."""
    return wanted.split("/", maxsplit=1)[0] == BASE
