"""A worker that Hive OS manages, through its cloud."""
