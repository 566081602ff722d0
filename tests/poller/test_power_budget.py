"""A miner is asked for more power only so often a day, and the setpoint's result says when that is used up."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from hashbus.messages import PowerSetpoint, SetpointResult, SetpointStatus
from tests.poller.site import Site, site, until

ATTIC = {"id": "attic", "family": "whatsminer_v3", "host": "127.86.6.1", "password": "miner-pass1", "tuning_s": 10}
WHATSMINER = {"driver": "whatsminer", "host": "127.86.6.1", "password": "miner-pass1", "timeout_s": 5}


async def asked(home: Site, power_w: float) -> SetpointResult:
    """The last word on a setpoint."""
    now = datetime.now(UTC)
    controller, web = home.bus("controller"), home.bus("web")
    async with web.subscribe(SetpointResult) as results:
        controller.publish(
            PowerSetpoint(
                site="home",
                at=now,
                miner="attic",
                power_w=power_w,
                valid_until=now + timedelta(minutes=5),
                reason="test",
            )
        )
        return await until(
            results, lambda result: result.asked_w == power_w and result.status is not SetpointStatus.SENT
        )


async def test_when_the_changes_of_the_day_are_used_up_the_result_says_so(tmp_path: Path) -> None:
    async with site(tmp_path, emulated=[ATTIC], devices={"attic": WHATSMINER}, power_changes_per_day=1) as home:
        assert (await asked(home, 2000)).status is SetpointStatus.CONFIRMED
        assert (await asked(home, 2500)).status is SetpointStatus.CONFIRMED
        refused = await asked(home, 3000)
        assert refused.status is SetpointStatus.REFUSED
        assert "used up" in (refused.message or "")
        assert (await asked(home, 1500)).status is SetpointStatus.CONFIRMED, "less power never counts"
        assert home.truth("attic")["power_limit_w"] == 1500
