"""The first tables."""

from __future__ import annotations

from alembic import op

revision = "0001"
down_revision = None

# Written out, not taken from hashbus_collector.columns: a step stays what it was when columns are added later.
MEASURED = """
    miner bigint NOT NULL, recorded_at timestamptz NOT NULL, received_at timestamptz NOT NULL,
    online boolean, error_message text, overall_health text,
    hashrate_ghs double precision, hashrate_5s_ghs double precision, hashrate_expected_ghs double precision,
    temperature_avg double precision, temperature_min double precision, temperature_max double precision,
    temperature_chips real[], fan_speeds real[], frequency_avg double precision,
    accepted_shares bigint, rejected_shares bigint, hardware_errors bigint, uptime_seconds double precision,
    power_consumption double precision, efficiency double precision, pool_url text, worker_name text,
    pool_latency_ms double precision, latency_ms double precision, boards jsonb, boards_total integer,
    boards_healthy integer
"""

SITES = """
CREATE TABLE site (
    id text PRIMARY KEY,
    title text NOT NULL DEFAULT '',
    local_name text,
    made_at timestamptz NOT NULL DEFAULT now(),
    last_upload_at timestamptz,
    last_contact_at timestamptz
);
CREATE TABLE site_key (
    id text PRIMARY KEY,
    site text NOT NULL REFERENCES site ON DELETE CASCADE,
    name text NOT NULL DEFAULT '',
    digest bytea NOT NULL UNIQUE,
    shown text NOT NULL,
    made_by text NOT NULL,
    made_at timestamptz NOT NULL,
    ends_at timestamptz,
    revoked_at timestamptz,
    last_used_at timestamptz
);
CREATE INDEX site_key_site ON site_key (site);
CREATE TABLE miner (
    no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site text NOT NULL REFERENCES site ON DELETE CASCADE,
    miner_id text NOT NULL,
    UNIQUE (site, miner_id)
);
"""

READINGS = f"""
CREATE TABLE live (
    {MEASURED},
    ip_address text, model text, firmware_version text, capabilities text[],
    site text NOT NULL REFERENCES site ON DELETE CASCADE,
    state_since timestamptz NOT NULL,
    last_online_at timestamptz,
    PRIMARY KEY (miner),
    FOREIGN KEY (miner) REFERENCES miner (no) ON DELETE CASCADE
)
-- Room beside each row: an update then touches no index.
WITH (fillfactor = 50);
CREATE INDEX live_site ON live (site);
CREATE TABLE history ({MEASURED}, PRIMARY KEY (miner, recorded_at)) PARTITION BY RANGE (recorded_at);
CREATE TABLE upload_log (
    no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL,
    site text NOT NULL,
    key text NOT NULL,
    address text,
    status integer NOT NULL,
    bytes_travelled integer NOT NULL,
    bytes_unpacked integer NOT NULL,
    processed integer NOT NULL,
    stored integer NOT NULL,
    refused integer NOT NULL,
    online integer NOT NULL,
    processing_ms double precision NOT NULL,
    problem text
);
CREATE INDEX upload_log_at ON upload_log (at);
CREATE INDEX upload_log_site ON upload_log (site, no);
"""

COMMANDS = """
CREATE TABLE command (
    no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id text NOT NULL UNIQUE,
    batch text,
    site text NOT NULL REFERENCES site ON DELETE CASCADE,
    miner_id text NOT NULL,
    ip_address text,
    type text NOT NULL,
    params jsonb NOT NULL,
    priority smallint NOT NULL,
    status text NOT NULL DEFAULT 'pending' CHECK (
        status IN ('pending', 'sent', 'completed', 'failed', 'expired', 'cancelled', 'rejected')
    ),
    made_by text NOT NULL,
    made_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    sends integer NOT NULL DEFAULT 0,
    first_sent_at timestamptz,
    sent_at timestamptz,
    ended_at timestamptz,
    answered_at timestamptz,
    result_code text,
    result_message text
);
CREATE INDEX command_open ON command (site, priority DESC, no) WHERE status IN ('pending', 'sent');
CREATE INDEX command_site ON command (site, no DESC);
CREATE INDEX command_batch ON command (batch) WHERE batch IS NOT NULL;
CREATE INDEX command_ended ON command (ended_at) WHERE ended_at IS NOT NULL;
"""

PEOPLE = """
CREATE TABLE person (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE,
    password_hash text NOT NULL,
    made_at timestamptz NOT NULL,
    locked_at timestamptz
);
CREATE TABLE person_role (
    person bigint NOT NULL REFERENCES person ON DELETE CASCADE,
    site text NOT NULL,  -- an id, or * for all sites, also those to come
    role text NOT NULL CHECK (role IN ('admin', 'operator', 'guest')),
    PRIMARY KEY (person, site)
);
CREATE TABLE session (
    digest bytea PRIMARY KEY,
    person bigint NOT NULL REFERENCES person ON DELETE CASCADE,
    csrf text NOT NULL,
    made_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL,
    address text
);
CREATE INDEX session_person ON session (person);
CREATE TABLE audit (
    no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL,
    who text NOT NULL,
    action text NOT NULL,
    site text,
    subject text NOT NULL DEFAULT '',
    details jsonb NOT NULL DEFAULT '{}',
    address text
);
CREATE INDEX audit_at ON audit (at);
"""


def upgrade() -> None:
    """Make sites, readings, commands and people."""
    for part in (SITES, READINGS, COMMANDS, PEOPLE):
        # asyncpg prepares each statement by itself.
        for statement in part.split(";\n"):
            if statement.strip():
                op.execute(statement)
