"""What really is, behind what an emulated miner says: the same names for all families."""

from hashbus_simulator.devices.pools import Pool, pools_as_json
from hashbus_simulator.physics import MinerPhysics


def miner_truth(physics: MinerPhysics, pools: tuple[Pool, ...]) -> dict[str, object]:
    """Power in W, hashrate in TH/s, temperatures in degrees Celsius, durations in simulated seconds."""
    physics.catch_up()
    return {
        "power_w": round(physics.power_w, 1),
        "power_limit_w": physics.demand.limit_w,
        "power_percent": physics.demand.percent,
        "frequency_share": physics.demand.freq_share,
        "hashrate_ths": round(physics.hashrate_ths, 3),
        "asleep": physics.asleep,
        "tuned": physics.is_tuned,
        "offline_left_s": round(physics.offline_left_s, 1),
        "elapsed_s": physics.elapsed_s,
        "uptime_s": physics.uptime_s,
        "ambient_c": physics.ambient_c,
        "liquid_c": round(physics.heat.body_c, 2),
        "chip_c": round(physics.heat.chip_c, 2),
        "energy_wh": round(physics.energy_ws / 3600.0, 2),
        "accepted": physics.accepted,
        "rejected": physics.rejected,
        "hw_errors": physics.hw_errors,
        "reboots": physics.reboots,
        "restarts": physics.restarts,
        "pools": pools_as_json(pools),
    }
