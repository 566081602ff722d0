"""The pools that a miner works for."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pool:
    """One pool account; an empty url is an empty slot of the configuration."""

    url: str = ""
    user: str = ""
    password: str = ""
    is_enabled: bool = True


FACTORY_POOLS: tuple[Pool, ...] = (
    Pool("stratum+tcp://pool.example:3333", "farm.worker1", "x"),
    Pool("stratum+tcp://backup.example:3333", "farm.worker1", "x"),
)
"""What an emulated miner mines at until told otherwise; shared, because tuples are replaced and never changed."""


def pools_as_json(pools: tuple[Pool, ...]) -> list[dict[str, object]]:
    """For the truth of a device; without passwords."""
    return [{"url": pool.url, "user": pool.user, "enabled": pool.is_enabled} for pool in pools]
