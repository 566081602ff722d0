"""The tables of the collector, as they came to be: one file a step, carried out by alembic."""
