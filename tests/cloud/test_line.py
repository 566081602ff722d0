"""The line to the cloud through a proxy that asks who comes, to a collector with a private certificate authority."""

import asyncio
import base64
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from hashbus_bridge.settings import BridgeSettings
from tests.cloud.stacks import Bridge, counting_poller, stored, until
from tests.collector.clouds import new_site
from tests.servers import Collector, Mosquitto, accepts_connections

USER, PASSWORD = "site", "proxy-secret-9"


class Proxy:
    """An HTTP proxy that lets tunnels through for whoever names user and password."""

    def __init__(self) -> None:
        self.tunnels: list[str] = []
        self.refused = 0
        self.port = 0

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["Proxy"]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        wanted = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if f"Proxy-Authorization: {wanted}" not in head:
            self.refused += 1
            writer.write(
                b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            )
            writer.close()
            return
        method, target, _ = head.split(" ", 2)
        assert method == "CONNECT"
        self.tunnels.append(target)
        host, _, port = target.partition(":")
        there = await asyncio.open_connection(host, int(port))
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        await asyncio.gather(_pass_on(reader, there[1]), _pass_on(there[0], writer))


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while some := await reader.read(65_536):
            writer.write(some)
            await writer.drain()
    except OSError:
        pass
    writer.close()


def certificates(folder: Path) -> dict[str, str]:
    """Make an authority and a certificate of this machine signed by it; returns the collector's settings."""
    folder.mkdir()
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n")
    steps = (
        "req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=private",
        "req -newkey rsa:2048 -nodes -keyout own.key -out own.csr -subj /CN=collector",
        "x509 -req -in own.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out own.pem -days 2 -extfile names",
    )
    for step in steps:
        subprocess.run(["openssl", *step.split()], cwd=folder, check=True, capture_output=True)
    return {"certificate_file": str(folder / "own.pem"), "key_file": str(folder / "own.key")}


async def test_a_bridge_goes_through_a_proxy_to_a_collector_with_a_private_authority(
    tmp_path: Path, own_mosquitto: Mosquitto, cloud_database: str
) -> None:
    key = await new_site(cloud_database, "north")
    made = await asyncio.to_thread(certificates, tmp_path / "tls")
    collector = Collector(tmp_path / "collector", cloud_database, **made)
    collector._is_ready = lambda: accepts_connections("127.0.0.1", collector.port)
    (tmp_path / "password").write_text(PASSWORD)
    broker, url = {"port": own_mosquitto.port}, collector.url.replace("http:", "https:")
    async with Proxy().serving() as proxy, counting_poller(tmp_path, own_mosquitto.port, "north") as poller:
        line: dict[str, Any] = {"proxy": f"http://127.0.0.1:{proxy.port}", "ca_file": str(tmp_path / "tls/ca.pem")}
        poller.say_reading("attic")
        await poller.bus.flush()
        with collector:
            stranger = Bridge(tmp_path / "stranger", "north", broker, url, key, **line)
            await asyncio.to_thread(stranger.start)
            try:
                await until(lambda: asyncio.to_thread(lambda: proxy.refused))
                await until(lambda: asyncio.to_thread(stranger.log.read_text), lambda log: "407" in log)
            finally:
                await asyncio.to_thread(stranger.stop)
            assert not await stored(cloud_database, "north")
            named = {**line, "proxy_user": USER, "proxy_password_file": str(tmp_path / "password")}
            bridge = Bridge(tmp_path / "bridge", "north", broker, url, key, **named)
            await asyncio.to_thread(bridge.start)
            try:
                await until(lambda: stored(cloud_database, "north"), lambda found: found == poller.said)
            finally:
                await asyncio.to_thread(bridge.stop)
        assert proxy.tunnels[0] == f"127.0.0.1:{collector.port}"
        assert PASSWORD not in await asyncio.to_thread(bridge.log.read_text)


async def test_a_collector_of_an_unknown_authority_gets_nothing(
    tmp_path: Path, own_mosquitto: Mosquitto, cloud_database: str
) -> None:
    key = await new_site(cloud_database, "north")
    made = await asyncio.to_thread(certificates, tmp_path / "tls")
    collector = Collector(tmp_path / "collector", cloud_database, **made)
    collector._is_ready = lambda: accepts_connections("127.0.0.1", collector.port)
    broker, url = {"port": own_mosquitto.port}, collector.url.replace("http:", "https:")
    with collector, Bridge(tmp_path / "bridge", "north", broker, url, key) as bridge:
        await until(lambda: asyncio.to_thread(bridge.log.read_text), lambda log: "CERTIFICATE_VERIFY_FAILED" in log)
    assert not await stored(cloud_database, "north")


def test_an_authority_that_is_none_is_named_at_the_start(tmp_path: Path, own_mosquitto: Mosquitto) -> None:
    url, key = "https://127.0.0.1:1", "hsc_" + "A" * 40
    broker = {"port": own_mosquitto.port}
    bridge = Bridge(tmp_path, "north", broker, url, key, ca_file=str(tmp_path / "nothing.pem"))
    done = subprocess.run(bridge._command, check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "bridge.ca_file" in done.stdout + done.stderr


def test_a_password_in_the_address_of_the_proxy_is_refused_without_showing_it() -> None:
    with pytest.raises(ValueError, match="proxy_password_file") as caught:
        BridgeSettings.model_validate({"bridge": {"proxy": "http://site:proxy-secret-9@proxy.example:3128"}})
    assert "proxy_user" in str(caught.value)
