"""The answers of WhatsMiners of API v2, composed from PROTOCOLS.md: one folder for each thing that can be seen."""

from pathlib import Path

from hashbus_poller.drivers.cgminer.answer import Answer
from hashbus_poller.drivers.whatsminer_v2.identity import Introduction
from hashbus_poller.drivers.whatsminer_v2.parse import Heard
from hashbus_poller.drivers.whatsminer_v2.replies import succeeded, understood

FIXTURES = Path(__file__).parents[2] / "fixtures" / "whatsminer_v2"
SCENES = sorted({path.parent for path in FIXTURES.rglob("status.json")})


def name_of(scene: Path) -> str:
    return " ".join(scene.relative_to(FIXTURES).parts).replace("_", " ")


def raw(scene: Path, command: str) -> bytes | None:
    """What the miner answered, to the byte; `.bin` where it is no valid JSON."""
    found = next((path for path in (scene / f"{command}.json", scene / f"{command}.bin") if path.exists()), None)
    return found.read_bytes() if found else None


def told(scene: Path, command: str) -> Answer | None:
    """A good answer; None where the miner says no or nothing."""
    said = raw(scene, command)
    if said is None:
        return None
    answer = understood(command, said)
    return None if answer.status()[0] == "E" else succeeded(answer)


def heard(scene: Path) -> Heard:
    return Heard(
        summary=told(scene, "summary"),
        edevs=told(scene, "edevs"),
        pools=told(scene, "pools"),
        status=told(scene, "status"),
        psu=told(scene, "get_psu"),
        faults=told(scene, "get_error_code"),
    )


def introduction(scene: Path) -> Introduction:
    return Introduction(
        version=told(scene, "get_version"),
        details=told(scene, "devdetails"),
        summary=told(scene, "summary"),
        status=told(scene, "status"),
        info=told(scene, "get_miner_info"),
        psu=told(scene, "get_psu"),
    )
