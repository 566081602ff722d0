"""Plain cgminer, and the wire format that Antminers and WhatsMiners share with it on port 4028."""
