"""The configuration as S17 and before take it: a form with every field (PROTOCOLS.md 3.6). Pure.

What is left out of the form is empty afterwards, the pools and the frequency too: whatever the page shows goes back
under its name in the form, which is `bitmain-some-name` spelled `_ant_some_name`.
"""

from __future__ import annotations

from hashbus_poller.drivers.antminer.conf import MinerConf, PoolAccount, three
from hashbus_poller.drivers.antminer.wire import without_pool_passwords
from hashbus_poller.readings import shown

PREFIX = "bitmain-"
TAKEN = ("ok", "")
LONGEST_REFUSAL = 200


def conf_form(conf: MinerConf) -> dict[str, str]:
    """Return the whole configuration as a form."""
    form = {field_of(key): text for key, text in conf.others}
    form["_ant_fan_customize_switch"] = "false" if conf.fan_pct is None else "true"
    form["_ant_fan_customize_value"] = "100" if conf.fan_pct is None else f"{conf.fan_pct:.0f}"
    if conf.work_mode is not None:
        form["_ant_work_mode"] = str(int(conf.work_mode))
    for number, pool in enumerate(three(conf.pools), start=1):
        form |= _pool(number, pool)
    return form


def field_of(key: str) -> str:
    """Return the name in the form of a key of the page."""
    return "_ant_" + key.removeprefix(PREFIX).replace("-", "_")


def refusal(page: bytes) -> str | None:
    """Return what the miner has against the form; None when it took it. It says `ok`, or nothing at all."""
    text = page.decode("utf-8", "replace").strip()
    if text.lower() in TAKEN or '"success"' in text:
        return None
    return shown(without_pool_passwords(page)[:LONGEST_REFUSAL])


def _pool(number: int, pool: PoolAccount) -> dict[str, str]:
    name = f"_ant_pool{number}"
    return {f"{name}url": pool.url, f"{name}user": pool.user, f"{name}pw": pool.password}
