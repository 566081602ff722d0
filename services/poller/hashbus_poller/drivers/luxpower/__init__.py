"""EG4 and LuxPower hybrid inverters on the local network: the Wi-Fi dongle, or Modbus."""
