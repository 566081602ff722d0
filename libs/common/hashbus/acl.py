"""The broker's access list: each account writes its own topics and no others."""

from __future__ import annotations

from hashbus.foreign import OF_GUESTS, Rights, rights_of
from hashbus.messages import VOCABULARY
from hashbus.topics import BASE, SERVICE_OF_SOURCE, SERVICES, service_kind, service_of_source

HEAD = """\
# Made from the topic table by tools/contract.py; do not edit.
# One account a service. A service reads its site and writes only what it is the writer of. What is denied is denied
# without a word (MQTT 3.1.1), so the bus refuses it first, with a clear error.
"""

GUESTS = """
# Programs of others that may join: they come in once somebody gives them a password (docs/guides/home-assistant.md).
"""


def sources_of(service: str) -> list[str]:
    """Return the source names under which a service speaks: its own and its aliases."""
    aliases = [source for source in SERVICE_OF_SOURCE if service_of_source(source) == service]
    return [service, *sorted(aliases)]


def acl(accounts: tuple[str, ...] = SERVICES) -> str:
    """Return the access list in mosquitto's form; several of a kind are `poller`, `poller-2`, `poller-3`."""
    own = [account for account in accounts if account not in OF_GUESTS]
    ours = "".join(f"\nuser {account}\n" + "".join(_rules(account)) for account in own)
    guests = "".join(f"\nuser {guest}\n" + "".join(_beside(rights)) for guest, rights in OF_GUESTS.items())
    return HEAD + ours + GUESTS + guests


def _rules(account: str) -> list[str]:
    service = service_kind(account)
    rules = [f"topic read {BASE}/#\n"]
    for kind in VOCABULARY:
        topic = kind.topic
        if service not in topic.writers:
            continue
        if "source" in topic.levels:
            rules += [f"topic write {topic.filter(source=source)}\n" for source in sources_of(service)]
        elif "service" in topic.levels:
            rules.append(f"topic write {topic.filter(service=account)}\n")
        else:
            rules.append(f"topic write {topic.filter()}\n")
    return rules + _beside(rights_of(account))


def _beside(rights: Rights) -> list[str]:
    """Return the rules for topics that are no messages of ours."""
    reads = [f"topic read {topic}\n" for topic in rights.reads]
    return reads + [f"topic write {topic}\n" for topic in rights.writes]
