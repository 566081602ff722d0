"""Any Modbus device by a map of its registers."""
