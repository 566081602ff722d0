"""JSON Schemas of the messages, for whoever reads the bus in another language."""

from __future__ import annotations

import json
from typing import Any

from hashbus.messages import Message


def schema_name(kind: type[Message]) -> str:
    """Return the file name of a message's schema."""
    return f"{kind.__name__}.json"


def schema_of(kind: type[Message]) -> dict[str, Any]:
    """Return the JSON Schema of a message as it stands on the bus."""
    found = kind.model_json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **found}


def schema(kind: type[Message]) -> str:
    """Return the schema as text."""
    return json.dumps(schema_of(kind), indent=2, ensure_ascii=False) + "\n"
