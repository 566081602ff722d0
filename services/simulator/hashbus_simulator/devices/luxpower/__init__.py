"""An EG4 or LuxPower inverter on the local network: Wi-Fi dongle and Modbus (PROTOCOLS.md 5.2 to 5.5)."""
