"""The pools as Braiins OS shows them, and as they are configured."""

from hashbus_simulator.devices.braiins.state import BraiinsState, Group, Status
from hashbus_simulator.devices.pools import Pool
from hashbus_simulator.physics import SHARE_DIFFICULTY

Json = dict[str, object]


def pools(miner: BraiinsState) -> list[Json]:
    """`pools/`: the groups with what became of their pools; without passwords."""
    return [_group(miner, number, group) for number, group in enumerate(miner.groups)]


def _group(miner: BraiinsState, number: int, group: Group) -> Json:
    first = next((pool for pool in group.pools if pool.is_enabled), None)
    shown: Json = {
        "name": group.name,
        "pools": [
            {
                "uid": f"pool{number}{place}",
                "url": pool.url,
                "user": pool.user,
                "enabled": pool.is_enabled,
                "alive": pool.is_enabled,
                "active": pool is first and miner.status is Status.NORMAL,
                "stats": shares(miner, is_active=pool is first),
            }
            for place, pool in enumerate(group.pools)
        ],
        "strategy": {"quota": {"value": group.quota}},
    }
    return shown | {"uid": str(number)} if miner.version >= (25, 11) else shown


def group_configuration(miner: BraiinsState, number: int, group: Group) -> Json:
    """One group as it is configured."""
    return {
        "uid": str(number),
        "name": group.name,
        "load_balance_strategy": {"quota": {"value": group.quota}},
        "pools": [_pool_configuration(miner, pool) for pool in group.pools],
    }


def _pool_configuration(miner: BraiinsState, pool: Pool) -> Json:
    shown: Json = {"url": pool.url, "user": pool.user, "enabled": pool.is_enabled}
    return shown | {"password": pool.password} if miner.block.keeps_passwords else shown


def shares(miner: BraiinsState, *, is_active: bool) -> Json:
    """What became of the shares: those of the active pool are those of the miner."""
    physics = miner.physics
    return {
        "accepted_shares": physics.accepted if is_active else 0,
        "rejected_shares": physics.rejected if is_active else 0,
        "stale_shares": 0,
        "best_share": 776_342_690,
        "generated_work": physics.shares * 40,
        "last_difficulty": SHARE_DIFFICULTY,
        "last_share_time": {"seconds": miner.unix_s() - 3, "nanos": 0} if is_active and physics.is_hashing else None,
    }
