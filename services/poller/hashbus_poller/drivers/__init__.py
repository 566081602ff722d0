"""Device drivers, one folder each: wire.py (I/O), commands.py and parse.py (both pure), driver.py (glue)."""
