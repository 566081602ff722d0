"""A shadow on a site as it runs: real broker with its access list, real poller and controller."""

import time
from pathlib import Path

from benchmarks.solar_home import SolarHome
from hashbus.messages import ShadowState
from hashbus_supervisor.ask_shadow import sheet

PATIENCE_S = 60.0


async def test_a_running_controller_tells_what_its_shadow_would_do(tmp_path: Path) -> None:
    async with SolarHome(tmp_path, shadows={"half": {"site_limit_w": 1800}}) as home, home.bus() as bus:
        await home.charge(100)
        found: dict[str, ShadowState] = {}
        async with bus.subscribe(ShadowState) as states:
            deadline_s = time.monotonic() + PATIENCE_S
            while found.keys() != {"live", "half"} or "attic" not in found["half"].miners:
                assert time.monotonic() < deadline_s, f"waited in vain; heard {found}"
                state = await states.next(1.0)
                if state is not None:
                    found[state.shadow] = state
    assert found["half"].miners["attic"].power_w == 1800
    assert sheet(list(found.values()))
