"""What belongs to a site: which files a backup takes, and which of them are nobody else's business."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hashbus_supervisor.site import Site

LEFT_OUT = ("log", "hashbus.lock", "collector")
"""Below data_dir: logs are of the machine, the lock of the process; the cloud's database has tools of its own."""

PASSING = ("-wal", "-shm", "-journal", ".new", ".tmp", ".sock")
"""Endings of files that belong to a moment. What a database has not yet taken in comes along through the database."""

PRIVATE = ("secrets/", "mosquitto/passwd")
PRIVATE_ENDINGS = (".pem", ".key")


@dataclass(frozen=True, slots=True)
class Item:
    """One file of a site. `name` is its place in the archive: `site/` is beside the site file, `data/` in data_dir."""

    path: Path
    name: str
    is_private: bool

    @property
    def size(self) -> int:
        """Return its bytes, 0 when it is gone by now."""
        return self.path.stat().st_size if self.path.is_file() else 0


def items_of(site: Site) -> tuple[list[Item], list[Path]]:
    """Return every file of a site, and files that its settings name in places that a backup does not take."""
    beside, elsewhere = _named_files(site)
    own = [Item(site.file, f"site/{site.file.name}", is_private=False)] if site.file else []
    return [*own, *beside, *_state(site.data_dir)], elsewhere


def _state(data_dir: Path) -> Iterator[Item]:
    for path in sorted(data_dir.rglob("*")):
        name = path.relative_to(data_dir).as_posix()
        if path.is_symlink() or not path.is_file():
            continue
        if name.split("/", 1)[0] in LEFT_OUT or name.endswith(PASSING):
            continue
        is_private = name.startswith(PRIVATE) or name.endswith(PRIVATE_ENDINGS)
        yield Item(path, f"data/{name}", is_private)


def _named_files(site: Site) -> tuple[list[Item], list[Path]]:
    """Return the files that the site file names: those beside it come along, others are only told of."""
    if site.file is None:
        return [], []
    folder = site.file.absolute().parent
    beside, elsewhere = [], []
    for key, value in _named(site.written):
        path = (folder / value).absolute()
        if not path.is_file() or path.is_relative_to(site.data_dir):
            continue
        if path.is_relative_to(folder):
            # `password_file`, `token_file` and the like; a register map or a calendar is no secret.
            beside.append(Item(path, f"site/{path.relative_to(folder).as_posix()}", is_private=key.endswith("_file")))
        else:
            elsewhere.append(path)
    return list({item.name: item for item in beside}.values()), elsewhere


def _named(values: Any) -> Iterator[tuple[str, str]]:
    """Return every text in the settings that may be the name of a file, with its key."""
    if isinstance(values, Mapping):
        for key, value in values.items():
            if isinstance(value, str) and 0 < len(value) < 1000 and "\n" not in value and "://" not in value:
                yield str(key), value
            else:
                yield from _named(value)
    elif isinstance(values, list):
        for value in values:
            yield from _named(value)
