"""The only process that touches devices: it reads miners, batteries, meters and probes and carries out orders."""
