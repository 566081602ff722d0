"""A site in one file: whole, sound, without a readable secret, and back in its place."""

import io
import os
import sqlite3
import tarfile
import threading
from contextlib import closing
from pathlib import Path

import pytest

from tests.supervisor.conftest import Command
from tests.supervisor.running_up import hashbus

SITE = """\
site: cottage
data_dir: {data_dir}
poller:
  devices:
    attic: {{driver: whatsminer, host: 127.0.0.1, password_file: passwords/attic}}
"""
PASSPHRASE = "four candles and a fork"


def ran_once(folder: Path) -> Path:
    """A folder with a site that ran once: its file, a device's password beside it, a record, accounts."""
    home = folder / "here"
    (home / "passwords").mkdir(parents=True)
    (home / "passwords/attic").write_text("a-miners-password")
    (home / "site.yaml").write_text(SITE.format(data_dir=home / "var"))
    for name, text in {"secrets/poller": "an-account", "log/poller.log": "noise", "poller/page.txt": "kept"}.items():
        (home / "var" / name).parent.mkdir(parents=True, exist_ok=True)
        (home / "var" / name).write_text(text)
    with closing(sqlite3.connect(home / "var/record.sqlite3")) as record:
        record.execute("PRAGMA journal_mode=WAL")
        record.execute("CREATE TABLE pairs (one INTEGER, other INTEGER)")
        record.commit()
    (folder / "passphrase").write_text(PASSPHRASE + "\n")
    return folder


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return ran_once(tmp_path)


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup with its secrets, made once: a passphrase is made slow to try, and so is sealing."""
    place = ran_once(tmp_path_factory.mktemp("sealed"))
    archive = place / "site.tar.gz"
    config = ("--config", place / "here/site.yaml", "--passphrase-file", place / "passphrase")
    done = hashbus("backup", archive, *config)
    assert done.returncode == 0, done.stderr
    return archive


def packed(place: Path, command: Command) -> Path:
    archive = place / "site.tar.gz"
    done = command("backup", archive, "--config", place / "here/site.yaml")
    assert done.code == 0, done.err
    return archive


def there(place: Path) -> tuple[str | Path, ...]:
    return ("--into", place / "there", "--data-dir", place / "there/var")


def test_a_site_comes_back_whole_with_its_secrets(sealed: Path, place: Path, command: Command) -> None:
    done = command("restore", sealed, *there(place), "--passphrase-file", place / "passphrase")
    assert done.code == 0, done.err
    assert (place / "there/site.yaml").read_text() == (sealed.parent / "here/site.yaml").read_text()
    assert (place / "there/passwords/attic").read_text() == "a-miners-password"
    assert (place / "there/var/secrets/poller").read_text() == "an-account"
    assert (place / "there/var/poller/page.txt").read_text() == "kept"
    assert not (place / "there/var/log").exists()
    assert "data_dir in the site file" in done.out


def test_without_a_passphrase_no_secret_is_in_it(place: Path, command: Command) -> None:
    archive = packed(place, command)
    with tarfile.open(archive) as tar:
        names = tar.getnames()
        everything = b"".join(tar.extractfile(name).read() for name in names)  # type: ignore[union-attr]
    assert "data/poller/page.txt" in names
    assert b"an-account" not in everything
    assert b"a-miners-password" not in everything
    assert command("restore", archive, *there(place)).code == 0
    assert not (place / "there/passwords").exists()


def test_with_a_passphrase_no_secret_can_be_read_in_it(sealed: Path) -> None:
    with tarfile.open(sealed) as tar:
        everything = b"".join(tar.extractfile(name).read() for name in tar.getnames())  # type: ignore[union-attr]
    assert b"an-account" not in everything
    assert b"a-miners-password" not in everything
    assert sealed.stat().st_mode & 0o077 == 0


def test_a_database_in_use_is_copied_as_of_one_moment(place: Path, command: Command) -> None:
    stop, begun = threading.Event(), threading.Event()

    def write() -> None:
        with closing(sqlite3.connect(place / "here/var/record.sqlite3", timeout=30)) as record:
            number = 0
            while not stop.is_set():
                record.execute("INSERT INTO pairs VALUES (?, ?)", (number, number))
                record.execute("INSERT INTO pairs VALUES (?, ?)", (-number, -number))
                record.commit()
                number += 1
                begun.set()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert begun.wait(30)
        archive = packed(place, command)
    finally:
        stop.set()
        writer.join()
    assert command("restore", archive, *there(place)).code == 0
    with closing(sqlite3.connect(place / "there/var/record.sqlite3")) as record:
        assert record.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        count, total = record.execute("SELECT count(*), sum(one) FROM pairs").fetchone()
    assert count > 0
    assert count % 2 == 0
    assert total == 0


def test_nothing_is_written_over_a_site(place: Path, command: Command) -> None:
    archive = packed(place, command)
    done = command("restore", archive, "--into", place / "here")
    assert done.code == 1
    assert "has the state of a site already" in done.err
    assert (place / "here/var/secrets/poller").read_text() == "an-account"


def test_an_archive_is_not_written_over_another(place: Path, command: Command) -> None:
    archive = packed(place, command)
    done = command("backup", archive, "--config", place / "here/site.yaml")
    assert done.code == 1
    assert "is there already" in done.err


@pytest.mark.parametrize("passphrase", ["another passphrase", None])
def test_secrets_open_only_with_their_passphrase(
    sealed: Path, place: Path, command: Command, passphrase: str | None
) -> None:
    (place / "other").write_text(passphrase or "")
    more = ("--passphrase-file", place / "other") if passphrase else ()
    done = command("restore", sealed, *there(place), *more)
    assert done.code == 1
    assert "passphrase" in done.err
    assert not (place / "there").exists() or not any((place / "there").rglob("*.yaml"))


def test_a_damaged_archive_leaves_nothing_behind(place: Path, command: Command) -> None:
    archive = packed(place, command)
    content = bytearray(archive.read_bytes())
    for at in range(len(content) // 2, len(content) // 2 + 20):
        content[at] ^= 0xFF
    archive.write_bytes(content)
    done = command("restore", archive, *there(place))
    assert done.code == 1
    assert "damaged" in done.err or "cannot be read" in done.err
    assert not (place / "there/site.yaml").exists()


@pytest.mark.parametrize("content", [b"", b"no archive", os.urandom(2000)])
def test_what_is_no_backup_is_told_from_one(place: Path, command: Command, content: bytes) -> None:
    (place / "other.tar.gz").write_bytes(content)
    done = command("restore", place / "other.tar.gz", *there(place))
    assert done.code == 1
    assert "other.tar.gz" in done.err


def test_an_archive_cannot_write_outside_of_its_folders(place: Path, command: Command) -> None:
    archive = packed(place, command)
    evil = place / "evil.tar.gz"
    with tarfile.open(archive) as good, tarfile.open(evil, "w:gz") as bad:
        for member in good:
            bad.addfile(member, good.extractfile(member))
        member = tarfile.TarInfo("../../escaped")
        member.size = 4
        bad.addfile(member, io.BytesIO(b"evil"))
    done = command("restore", evil, *there(place))
    assert done.code == 1
    assert not (place.parent / "escaped").exists()
    assert not (place / "escaped").exists()


def test_a_short_passphrase_is_refused(place: Path, command: Command) -> None:
    (place / "passphrase").write_text("1234")
    config = ("--config", place / "here/site.yaml")
    done = command("backup", place / "x.tar.gz", *config, "--passphrase-file", place / "passphrase")
    assert done.code == 1
    assert "at least 8" in done.err
