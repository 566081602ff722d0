"""Stock Antminers: read on the cgminer port (TCP 4028) without a password, controlled through their web pages."""
