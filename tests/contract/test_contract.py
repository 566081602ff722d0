"""What is written down about the messages is true, and payloads of earlier releases still decode."""

import importlib
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import jsonschema
import pytest
import yaml

from hashbus.bus import whose
from hashbus.messages import VOCABULARY, BadMessage, Message
from hashbus.topics import BASE, SERVICES, service_of_source
from tests.contract.samples import filled
from tests.servers import ROOT, program

GOLDEN = Path(__file__).parent / "golden"


def _tool(name: str) -> ModuleType:
    """Load a module of tools/, which is no package."""
    sys.path.insert(0, str(ROOT / "tools"))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.pop(0)


NAMES = [kind.__name__ for kind in VOCABULARY]


@pytest.fixture(params=VOCABULARY, ids=NAMES)
def kind(request: pytest.FixtureRequest) -> type[Message]:
    """Each message of the vocabulary."""
    found: type[Message] = request.param
    return found


def test_a_message_comes_back_as_it_was_said(kind: type[Message]) -> None:
    message = filled(kind)
    assert kind.decode(message.encode(), message.address()) == message


def test_its_address_leads_back_to_its_class(kind: type[Message]) -> None:
    message = filled(kind)
    found = whose(message.address())
    assert found is not None
    assert found[0] is kind
    assert dict(found[1]) == message.levels()


def test_no_two_messages_share_an_address() -> None:
    addresses = [filled(kind).address() for kind in VOCABULARY]
    assert all(sum(other.topic.matches(address) is not None for other in VOCABULARY) == 1 for address in addresses)


def test_unknown_fields_of_a_newer_sender_are_ignored(kind: type[Message]) -> None:
    message = filled(kind)
    payload = json.loads(message.encode()) | {"invented_later": {"deep": [1]}}
    assert kind.decode(json.dumps(payload), message.address()) == message


def test_every_level_but_its_own_is_refused(kind: type[Message]) -> None:
    message = filled(kind)
    for level in kind.topic.levels:
        if level == "service":
            continue
        elsewhere = kind.topic.address(message.levels() | {level: "elsewhere"})
        with pytest.raises(BadMessage, match=f"{level} is .* but the topic says 'elsewhere'"):
            kind.decode(message.encode(), elsewhere)


def test_its_schema_accepts_it(kind: type[Message]) -> None:
    schema = json.loads((ROOT / "docs/reference/schemas" / f"{kind.__name__}.json").read_text())
    validator = jsonschema.Draft202012Validator(schema)
    validator.validate(json.loads(filled(kind).encode()))
    with pytest.raises(jsonschema.ValidationError):
        validator.validate({"site": 7})


def test_exactly_the_writers_of_the_table_may_write(kind: type[Message]) -> None:
    topic, levels = kind.topic, filled(kind).levels()
    for service in SERVICES:
        own = {name: service if name in ("source", "service") else value for name, value in levels.items()}
        assert topic.may_write(service, own) == (service in topic.writers)
    if "source" in topic.levels:
        for service in topic.writers:
            assert not topic.may_write(service, levels | {"source": "somebody-else"})
        for source in ("cloud", "homeassistant", "telegram", "cli"):
            writer = service_of_source(source)
            assert topic.may_write(writer, levels | {"source": source}) == (writer in topic.writers)


def test_numbers_say_their_unit_in_their_name(kind: type[Message]) -> None:
    unit_of = _tool("contract_docs").unit_of
    for name, field in kind.model_fields.items():
        unit = unit_of(field)
        if unit and unit.suffix and not name.startswith(("latches", "changes")):
            assert name.endswith(unit.suffix), f"{kind.__name__}.{name} is in {unit.symbol}"


def test_payloads_of_every_release_still_decode() -> None:
    releases = sorted(path for path in GOLDEN.iterdir() if path.is_dir())
    assert releases, "no release is frozen"
    by_name = {kind.__name__: kind for kind in VOCABULARY}
    for path in (file for release in releases for file in release.glob("*.json")):
        frozen = json.loads(path.read_text())
        message = by_name[path.stem].decode(json.dumps(frozen["payload"]), frozen["topic"])
        assert message.address() == frozen["topic"]
        assert _known_of(json.loads(message.encode()), frozen["payload"]) == frozen["payload"], path.name


def _known_of(said: Any, frozen: Any) -> Any:
    """What is said now, without the fields that have been added since; also in the parts of a message."""
    if isinstance(frozen, dict):
        return {name: _known_of(said[name], value) for name, value in frozen.items()}
    if isinstance(frozen, list):
        return [_known_of(one, before) for one, before in zip(said, frozen, strict=True)]
    return said


def test_generated_files_are_what_the_table_says() -> None:
    done = subprocess.run(
        [sys.executable, "tools/contract.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_the_asyncapi_document_is_valid_for_the_official_parser() -> None:
    done = subprocess.run(
        [program("node"), "tools/asyncapi/validate.mjs", "docs/reference/asyncapi.yaml"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    document = yaml.safe_load((ROOT / "docs/reference/asyncapi.yaml").read_text())
    assert sorted(document["channels"]) == sorted(NAMES)
    addresses = {channel["address"] for channel in document["channels"].values()}
    assert f"{BASE}/{{site}}/miner/{{miner}}/telemetry" in addresses
