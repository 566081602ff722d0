"""The smarthome service: the site in Home Assistant, and the sensors of Zigbee2MQTT on the bus."""
