"""From an answer to a reading by the paths of the options; pure."""

from __future__ import annotations

from hashbus_poller.drivers.http_json.options import HttpJsonOptions
from hashbus_poller.mapped import json_values
from hashbus_poller.mapped.fields import Reading, reading
from hashbus_poller.readings import understanding


def read(options: HttpJsonOptions, answer: bytes) -> Reading:
    """Make the reading; Garbled when a value is not where it should be or outside the bounds of its field."""
    with understanding(answer):
        return reading(options.kind, json_values.fields(options.kind, options.fields, json_values.document(answer)))
