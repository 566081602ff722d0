"""The pools of Braiins OS: all groups are mined for in turn, in each of them the first pool that is alive; pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hashbus.messages import PoolTelemetry
from hashbus_poller.drivers.contract import Garbled
from hashbus_poller.nested import inner, json_objects, objects
from hashbus_poller.readings import count_or_none, shown, text_or_none, understanding

LONGEST_WORD = 200

Group = dict[str, Any]
"""One group as `pools/batch` takes it."""

NEW_GROUP: Group = {"name": "Default", "load_balance_strategy": {"quota": {"value": 1}}, "pools": []}


def pools_of(answer: bytes) -> tuple[PoolTelemetry, ...]:
    """Return the pools of all groups."""
    return tuple(_pool(pool) for group in json_objects(answer) for pool in objects(group, "pools") if pool.get("url"))


def groups_of(configuration: Mapping[str, Any], listed: bytes) -> list[Group]:
    """Return the groups as they are set, ready to be written back.

    They stand in the configuration, with the passwords of their pools where this version shows them; where it lists
    none, they are taken from `pools/`, which shows no password.
    """
    with understanding(listed):
        configured = objects(configuration, "pool_groups") or json_objects(listed)
        return [_group(group) for group in configured]


def with_pool_first(groups: list[Group], pool: dict[str, Any]) -> list[Group]:
    """Return the groups with that pool as the first of the first one; the others stay behind it as a reserve.

    A pool that is known already keeps its password where no new one is given.
    """
    first = groups[0] if groups else NEW_GROUP
    known = [one for one in first["pools"] if _account(one) == _account(pool)]
    others = [one for one in first["pools"] if one not in known]
    return [{**first, "pools": [{**(known[0] if known else {}), **pool}, *others]}, *groups[1:]]


def is_first(groups: list[Group], url: str, user: str) -> bool:
    """Say whether that pool is the first one, and in use when it is alive."""
    pools = groups[0]["pools"] if groups else []
    return bool(pools) and _account(pools[0]) == (url, user) and pools[0].get("enabled") is not False


def _account(pool: Mapping[str, Any]) -> tuple[str, str]:
    return pool["url"], pool["user"]


def _group(said: Mapping[str, Any]) -> Group:
    strategy = inner(said, "load_balance_strategy") or inner(said, "strategy") or {"quota": {"value": 1}}
    return {
        "name": text_or_none(said, "name") or "Default",
        "load_balance_strategy": dict(strategy),
        "pools": [_configured(pool) for pool in objects(said, "pools")],
    }


def _configured(said: Mapping[str, Any]) -> dict[str, Any]:
    """Return one pool as it is written: without the id, which the miner makes anew."""
    url, user = said.get("url"), said.get("user")
    if not isinstance(url, str) or not isinstance(user, str):
        raise Garbled(f"a pool has the url {shown(url)} and the user {shown(user)}")
    pool = {"url": url, "user": user, "enabled": said.get("enabled") is not False}
    return pool | {"password": said["password"]} if isinstance(said.get("password"), str) else pool


def _pool(said: Mapping[str, Any]) -> PoolTelemetry:
    counts = inner(said, "stats")
    url, worker = text_or_none(said, "url"), text_or_none(said, "user")
    is_alive, is_enabled = said.get("alive"), said.get("enabled")
    status = "disabled" if is_enabled is False else "alive" if is_alive else "dead"
    return PoolTelemetry(
        url=(url or "")[:LONGEST_WORD],
        worker=worker[:LONGEST_WORD] if worker else None,
        status=status,
        is_active=said.get("active") is True,
        accepted_shares=count_or_none(counts, "accepted_shares"),
        rejected_shares=count_or_none(counts, "rejected_shares"),
        stale_shares=count_or_none(counts, "stale_shares"),
    )
