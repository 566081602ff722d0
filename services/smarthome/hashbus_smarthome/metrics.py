"""Figures that the smarthome service counts of itself."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

NOTICES = Counter("smarthome_notices_total", "Discovery messages pinned or taken down")
SHOWN = Gauge("smarthome_devices_shown", "Devices that Home Assistant is shown")
COMMANDS = Counter("smarthome_commands_total", "Commands from the smart home", ["kind", "outcome"])
ZIGBEE_READINGS = Counter("smarthome_zigbee_readings_total", "Readings of Zigbee2MQTT's devices said on the bus")
ZIGBEE_REFUSED = Counter("smarthome_zigbee_refused_total", "Values of Zigbee2MQTT that were not understood")
