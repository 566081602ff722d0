"""The answers of miners on the cgminer port, composed from PROTOCOLS.md: one folder for each thing that can be seen."""

from pathlib import Path

from hashbus_poller.drivers.cgminer.answer import Answer, decode

FIXTURES = Path(__file__).parents[2] / "fixtures" / "cgminer"
SCENES = sorted({path.parent for path in FIXTURES.rglob("*") if path.is_file()})


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
