"""The broker of a home without mosquitto: amqtt with the site's accounts, its rights and a memory.

    python -m hashbus_supervisor.embedded_broker --host 127.0.0.1 --port 1883 --secrets DIR --state FILE

It speaks MQTT 3.1.1 and is fit for a home: some 700 messages a second. Passwords are compared with the secrets
themselves, because amqtt's own password file hashes for 0.3 s at each login, and all others wait that long. Retained
state is written to a file every 30 s and at the end, as mosquitto does it; what waits for a service that is away is
kept in memory only.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hmac
import json
import logging
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import uvloop
from amqtt.broker import Broker  # type: ignore[import-untyped]
from amqtt.contexts import Action  # type: ignore[import-untyped]

from hashbus import foreign, logs
from hashbus.bus import whose
from hashbus.topics import BASE, SERVICES, service_kind
from hashbus_supervisor.private_files import write_whole

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from amqtt.contexts import ListenerConfig
    from amqtt.session import Session  # type: ignore[import-untyped]

SAVE_EVERY_S = 30.0

log = logs.get("broker")


class SiteBroker(Broker):  # type: ignore[misc]
    """amqtt, letting in the site's accounts alone, each to what it may do.

    The checks stand in for amqtt's plugins: those run as tasks of their own for each message and reader, and while
    they run a new subscription makes the delivery fail.
    """

    def __init__(self, host: str, port: int, passwords: Mapping[str, str]) -> None:
        """Listen on one port, for these accounts."""
        listeners = {"default": {"type": "tcp", "bind": f"{host}:{port}"}}
        super().__init__({"listeners": listeners, "plugins": {}})
        self._passwords = passwords

    async def _authenticate(self, session: Session, _: ListenerConfig) -> bool:
        account = session.username or ""
        known = self._passwords.get(account, "")
        is_right = bool(known) and hmac.compare_digest(known.encode(), (session.password or "").encode())
        # The will is published later without a question, so its topic is looked at now.
        is_will_right = not session.will_flag or may_write(account, session.will_topic or "")
        if not (is_right and is_will_right):
            log.warning("login refused", account=account or "nobody", wrong="will" if is_right else "password")
        return is_right and is_will_right

    async def _topic_filtering(self, session: Session, topic: str, action: Action) -> bool:
        if action is Action.PUBLISH:
            return may_write(session.username or "", topic)
        return action is Action.RECEIVE or may_read(session.username or "", topic)

    async def _publish_retained_messages_for_subscription(
        self, subscription: tuple[str, int], session: Session
    ) -> None:
        # At each login amqtt 0.12 goes through the subscriptions of everybody; only its own are meant for a reader.
        readers = self.subscriptions.get(subscription[0], [])
        if any(reader.client_id == session.client_id for reader, _ in readers):
            await super()._publish_retained_messages_for_subscription(subscription, session)

    async def remember(self, retained: Mapping[str, str]) -> None:
        """Take up the state of an earlier life, where nobody has said anything newer yet."""
        for topic, text in retained.items():
            if topic not in self.retained_messages:
                await self.retain_message(None, topic, text.encode(), 1)

    def memory(self) -> dict[str, str]:
        """Return what is retained: the payload of each topic."""
        return {topic: bytes(one.data or b"").decode() for topic, one in self.retained_messages.items()}


def may_write(account: str, address: str) -> bool:
    """Say whether an account may write one topic, as the access list says it to mosquitto."""
    known = whose(address)
    if known is None:
        return foreign.may_write(account, address)
    return known[0].topic.may_write(account, dict(known[1]))


def may_read(account: str, wanted: str) -> bool:
    """Say whether an account may subscribe to a filter: the whole bus, and what its rights name beside it."""
    return wanted.split("/", maxsplit=1)[0] == BASE or foreign.may_read(account, wanted)


async def serve(host: str, port: int, passwords: Mapping[str, str], state: Path) -> None:
    """Carry messages until cancelled."""
    _quieten()
    broker = SiteBroker(host, port, passwords)
    await broker.start()
    await broker.remember(_saved(state))
    log.info("started", host=host, port=port, remembered=len(broker.retained_messages))
    try:
        while True:
            await asyncio.sleep(SAVE_EVERY_S)
            _save(broker, state)
    finally:
        _save(broker, state)
        await broker.shutdown()


def _save(broker: SiteBroker, state: Path) -> None:
    try:
        write_whole(state, json.dumps(broker.memory(), ensure_ascii=False))
    except OSError as error:
        log.error("retained state cannot be saved", file=str(state), problem=(error.strerror or str(error)).lower())


def _saved(state: Path) -> dict[str, str]:
    try:
        saved = json.loads(state.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        log.error("saved state cannot be read and is left out", file=str(state), problem=str(error))
        return {}
    return {str(topic): str(text) for topic, text in saved.items()} if isinstance(saved, dict) else {}


def _quieten() -> None:
    """Leave out that somebody connected and went away without a word: the supervisor asks so whether we are there."""
    usual = ("No data from", "Failed to initialize client session", "Can't read first packet")
    logging.getLogger("amqtt.broker").addFilter(lambda record: not any(text in record.getMessage() for text in usual))


def main(argv: Sequence[str] | None = None) -> int:
    """Run until SIGTERM or Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m hashbus_supervisor.embedded_broker", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=1883)
    parser.add_argument("--secrets", type=Path, required=True, help="folder with one password file an account")
    parser.add_argument("--state", type=Path, required=True, help="file that retained state is kept in")
    arguments = parser.parse_args(argv)
    logs.configure("broker", "INFO", for_people=False)
    # Other secrets may lie beside those of the accounts: they open no door here. Home Assistant may have one.
    known = (*SERVICES, *foreign.OF_GUESTS)
    files = [file for file in arguments.secrets.iterdir() if service_kind(file.name) in known]
    passwords = {file.name: file.read_text(encoding="utf-8").strip() for file in files}
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_until_told(arguments.host, arguments.port, passwords, arguments.state))
    return 0


async def _until_told(host: str, port: int, passwords: Mapping[str, str], state: Path) -> None:
    task = asyncio.ensure_future(serve(host, port, passwords, state))
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task


if __name__ == "__main__":
    sys.exit(main())
