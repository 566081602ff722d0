"""The answers of Avalons, composed from PROTOCOLS.md and the vendor's manual: one folder for each thing to be seen."""

from pathlib import Path

from hashbus.messages import MinerIdentity, MinerReading
from hashbus_poller.drivers.avalon import parse
from hashbus_poller.drivers.avalon.identity import Offers, identity
from hashbus_poller.drivers.avalon.mm import Machine, machine
from hashbus_poller.drivers.cgminer.answer import Answer, decode
from hashbus_poller.drivers.cgminer.identity import parse_devdetails, parse_version

FIXTURES = Path(__file__).parents[2] / "fixtures" / "avalon"
SCENES = sorted({path.parent for path in FIXTURES.rglob("version.json")})
ALL_OFFERS = Offers(
    options=frozenset({"softoff", "softon", "workmode", "worklevel", "fan-spd", "led", "reboot"}),
    reboots=True,
    restarts=True,
    adds_pools=True,
)


def name_of(scene: Path) -> str:
    return " ".join(scene.relative_to(FIXTURES).parts).replace("_", " ")


def raw(scene: Path, command: str) -> bytes | None:
    """What the miner answered, to the byte; `.bin` where it is no valid JSON."""
    found = next((path for path in (scene / f"{command}.json", scene / f"{command}.bin") if path.exists()), None)
    return found.read_bytes() if found else None


def answer(scene: Path, command: str) -> Answer:
    said = raw(scene, command)
    assert said is not None, f"{scene} has no answer to {command}"
    return decode(command, said)


def shown(scene: Path) -> Machine | None:
    return machine(answer(scene, "estats"))


def reading_of(scene: Path) -> MinerReading:
    told = (answer(scene, command) for command in ("summary", "pools", "estats"))
    return parse.reading(*told, latency_ms=None)


def identity_of(scene: Path, offers: Offers = ALL_OFFERS) -> MinerIdentity:
    told = answer(scene, "version")
    version = parse_version(told)
    if version.make is None:
        version = version.completed_by(parse_devdetails(answer(scene, "devdetails")))
    return identity(version, told, shown(scene), offers)
