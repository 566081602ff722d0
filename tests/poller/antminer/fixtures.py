"""The answers of Antminers, composed from PROTOCOLS.md 3.5 and 3.6: one folder for each thing that can be seen."""

from pathlib import Path

from hashbus_poller.drivers.cgminer.answer import Answer, decode

FIXTURES = Path(__file__).parents[2] / "fixtures" / "antminer"
SCENES = sorted({path.parent for path in FIXTURES.rglob("*") if path.is_file()})


def name_of(scene: Path) -> str:
    return " ".join(scene.relative_to(FIXTURES).parts).replace("_", " ")


def raw(scene: Path, name: str) -> bytes | None:
    """What the miner answered, to the byte; `.bin` where it is no valid JSON."""
    found = next((path for path in (scene / f"{name}.json", scene / f"{name}.bin") if path.exists()), None)
    return found.read_bytes() if found else None


def answer(scene: Path, name: str) -> Answer | None:
    said = raw(scene, name)
    return None if said is None else decode(name, said)
