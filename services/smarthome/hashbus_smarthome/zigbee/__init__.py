"""What Zigbee2MQTT says, as readings of ours."""
