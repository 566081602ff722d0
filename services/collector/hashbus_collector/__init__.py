"""The cloud side of hashbus: many sites, one database, no bus."""
