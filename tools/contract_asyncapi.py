"""The AsyncAPI 3 document: every channel, who may send and who receives."""

from __future__ import annotations

from typing import Any

import yaml
from contract_docs import first_line
from contract_schemas import schema_of

from hashbus.messages import CONTRACT_VERSION, VOCABULARY, Message
from hashbus.topics import BASE, ID_PATTERN


def asyncapi() -> str:
    """Return the document as YAML."""
    document = {
        "asyncapi": "3.0.0",
        "info": {
            "title": "hashbus",
            "version": f"{CONTRACT_VERSION}.0.0",
            "description": "The messages between the services of a site, made from the topic table.",
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
            "contact": {"name": "the hashbus project", "url": "https://github.com/hashbus/hashbus"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "site": {
                "host": "127.0.0.1:1883",
                "protocol": "mqtt",
                "protocolVersion": "3.1.1",
                "description": "The broker of one site",
            }
        },
        "channels": {kind.__name__: _channel(kind) for kind in VOCABULARY},
        "operations": {f"say{kind.__name__}": _operation(kind) for kind in VOCABULARY},
        "components": {"messages": {kind.__name__: _message(kind) for kind in VOCABULARY}},
    }
    text: str = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120)
    return "# Made from the topic table by tools/contract.py; do not edit.\n" + text


def _channel(kind: type[Message]) -> dict[str, Any]:
    topic = kind.topic
    return {
        "address": f"{BASE}/{{site}}/{topic.template}",
        "title": kind.__name__,
        "description": first_line(kind),
        "messages": {kind.__name__: {"$ref": f"#/components/messages/{kind.__name__}"}},
        "parameters": {level: {"description": f"The {level}, as {ID_PATTERN}"} for level in topic.levels},
    }


def _operation(kind: type[Message]) -> dict[str, Any]:
    topic = kind.topic
    stale = f", stale after {topic.stale_after.total_seconds():.0f} s" if topic.stale_after else ""
    return {
        "action": "send",
        "channel": {"$ref": f"#/channels/{kind.__name__}"},
        "title": f"Say {kind.__name__}",
        "summary": f"Written by {', '.join(topic.writers)}{stale}.",
        "bindings": {"mqtt": {"qos": topic.qos, "retain": topic.retain, "bindingVersion": "0.2.0"}},
        "messages": [{"$ref": f"#/channels/{kind.__name__}/messages/{kind.__name__}"}],
    }


def _message(kind: type[Message]) -> dict[str, Any]:
    return {
        "name": kind.__name__,
        "title": kind.__name__,
        "summary": first_line(kind),
        "contentType": "application/json",
        "payload": {
            "schemaFormat": "application/schema+json;version=draft-07",
            "schema": _with_local_definitions(schema_of(kind), kind.__name__),
        },
    }


def _with_local_definitions(schema: dict[str, Any], name: str) -> dict[str, Any]:
    """Point the schema's references at where they stand in the document."""
    home = f"#/components/messages/{name}/payload/schema/$defs/"

    def moved(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: moved(one) for key, one in value.items() if key != "$schema"}
        if isinstance(value, list):
            return [moved(one) for one in value]
        return value.replace("#/$defs/", home) if isinstance(value, str) and value.startswith("#/$defs/") else value

    result: dict[str, Any] = moved(schema)
    return result
