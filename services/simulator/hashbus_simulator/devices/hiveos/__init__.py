"""The cloud of Hive OS, with one farm and one ASIC in it."""
