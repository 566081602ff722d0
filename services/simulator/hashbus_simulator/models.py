"""Figures of the miners that the simulator can be."""

from dataclasses import dataclass
from enum import StrEnum


class Cooling(StrEnum):
    """What carries the heat away."""

    AIR = "air"
    LIQUID = "liquid"


@dataclass(frozen=True, slots=True)
class MinerModel:
    """What one model of miner can do at its best: rated figures, boards and cooling.

    `sleep_w` is what the supply draws while nothing hashes. `hash_exponent` says how hashrate follows power:
    hashrate = rated * (power / rated power) ** exponent; below 1 because a slower chip also needs less voltage.
    `max_power_share` is the highest power limit or percentage, as a share of the rated power.
    """

    name: str
    hashrate_ths: float
    power_w: float
    boards: int
    chips_per_board: int
    freq_mhz: float
    cooling: Cooling = Cooling.AIR
    hashboard: str = ""
    psu: str = ""
    control_board: str = ""
    chip: str = ""
    fans: int = 0
    max_fan_rpm: int = 6000
    sleep_w: float = 13.0
    min_power_share: float = 0.3
    max_power_share: float = 1.0
    hash_exponent: float = 0.8


WHATSMINERS: tuple[MinerModel, ...] = (
    MinerModel(
        "M64_VL40", 212.0, 3600.0, 4, 204, 612.0, Cooling.LIQUID, "H64", "P738B", "CB6V5", "K92"),
    MinerModel("M66S_VL20", 298.0, 5513.0, 4, 176, 640.0, Cooling.LIQUID, "H66", "P661D", "CB6V10", "K92"),
    MinerModel("M50_VH40", 118.0, 3306.0, 3, 84, 655.0, Cooling.AIR, "H50", "P463B", "CB6V5", "K88", fans=2,
               max_fan_rpm=7000),
    MinerModel("M50S_VH50", 128.0, 3328.0, 3, 135, 680.0, Cooling.AIR, "H50S", "P463B", "CB6V5", "K88", fans=2,
               max_fan_rpm=7000),
    MinerModel("M60_VK40", 172.0, 3422.0, 3, 180, 600.0, Cooling.AIR, "H60", "P463C", "CB6V10", "K90", fans=2,
               max_fan_rpm=7000),
    MinerModel("M60S_VK30", 186.0, 3441.0, 3, 245, 620.0, Cooling.AIR, "H60S", "P463C", "CB6V10", "K90", fans=2,
               max_fan_rpm=7000),
    MinerModel("M30S+_VE40", 100.0, 3400.0, 3, 156, 690.0, Cooling.AIR, "H30", "P221B", "CB4V10", "K1975", fans=2,
               max_fan_rpm=7000),
)  # fmt: skip

ANTMINERS: tuple[MinerModel, ...] = (
    MinerModel("Antminer S9", 13.5, 1323.0, 3, 63, 550.0, fans=2, chip="BM1387", sleep_w=15.0),
    MinerModel("Antminer S17 Pro", 53.0, 2094.0, 3, 48, 590.0, fans=4, chip="BM1397", sleep_w=20.0),
    MinerModel("Antminer T17", 40.0, 2200.0, 3, 30, 525.0, fans=4, chip="BM1397", sleep_w=20.0),
    MinerModel("Antminer S19", 95.0, 3250.0, 3, 76, 675.0, fans=4, chip="BM1398", sleep_w=25.0),
    MinerModel("Antminer S19 Pro", 110.0, 3250.0, 3, 114, 675.0, fans=4, chip="BM1398", sleep_w=25.0),
    MinerModel("Antminer S19j Pro", 104.0, 3068.0, 3, 126, 545.0, fans=4, chip="BM1362", sleep_w=25.0),
    MinerModel("Antminer S19 XP", 140.0, 3010.0, 3, 110, 545.0, fans=4, chip="BM1366", sleep_w=25.0),
    MinerModel("Antminer S21", 200.0, 3500.0, 3, 108, 490.0, fans=4, chip="BM1368", sleep_w=25.0),
    MinerModel("Antminer S21 Pro", 234.0, 3510.0, 3, 65, 525.0, fans=4, chip="BM1370", sleep_w=25.0),
    MinerModel("Antminer S19 Pro Hyd", 177.0, 5221.5, 4, 180, 470.0, Cooling.LIQUID, chip="BM1398", sleep_w=30.0),
    MinerModel("Antminer S21 Hyd", 335.0, 5360.0, 3, 216, 420.0, Cooling.LIQUID, chip="BM1368", sleep_w=30.0),
)

CGMINERS: tuple[MinerModel, ...] = (
    MinerModel("GekkoScience R909", 1.5, 25.0, 1, 6, 450.0, fans=1, chip="BM1366", sleep_w=2.0,
               min_power_share=0.1, max_power_share=1.4),
    MinerModel("Generic SHA-256", 100.0, 3300.0, 3, 110, 600.0, fans=2, sleep_w=15.0),
)  # fmt: skip

AVALONS: tuple[MinerModel, ...] = (
    MinerModel("Avalon 841", 13.6, 1290.0, 4, 26, 650.0, fans=1, max_fan_rpm=6000, chip="A3206", sleep_w=20.0),
    MinerModel("Avalon 1047", 37.0, 2380.0, 3, 80, 625.0, fans=2, max_fan_rpm=6500, chip="A3205", sleep_w=35.0),
    MinerModel("Avalon 1246", 90.0, 3420.0, 3, 120, 502.0, fans=4, max_fan_rpm=7200, chip="A3201", sleep_w=25.0),
    MinerModel("Avalon 1366", 130.0, 3250.0, 3, 120, 560.0, fans=2, max_fan_rpm=7200, chip="A3200", sleep_w=20.0),
    MinerModel("Avalon 1566", 185.0, 3420.0, 3, 160, 346.0, fans=2, max_fan_rpm=7200, chip="A3197S", sleep_w=15.0),
    MinerModel("Avalon A16", 282.0, 3900.0, 3, 160, 410.0, fans=2, max_fan_rpm=7200, chip="A3196", sleep_w=15.0),
    MinerModel("Avalon Q", 90.0, 1674.0, 1, 160, 500.0, fans=4, max_fan_rpm=4800, chip="A3197S", sleep_w=17.0),
    MinerModel("Avalon Mini 3", 37.5, 800.0, 1, 66, 480.0, fans=1, max_fan_rpm=3600, chip="A3197S", sleep_w=12.0),
    MinerModel("Avalon Nano 3S", 6.0, 140.0, 1, 12, 500.0, fans=1, max_fan_rpm=3600, chip="A3197S", sleep_w=5.0),
)  # fmt: skip

# Hashrate = frequency x small cores x chips (PROTOCOLS.md 4.2); core voltage is set apart from the frequency.
BITAXES: tuple[MinerModel, ...] = tuple(
    MinerModel(name, hashrate_ths, power_w, 1, chips, freq_mhz, fans=1, max_fan_rpm=7000, chip=chip, sleep_w=sleep_w,
               min_power_share=0.01, max_power_share=3.0, hash_exponent=1.0)
    for name, chip, chips, freq_mhz, hashrate_ths, power_w, sleep_w in (
        ("Bitaxe Max", "BM1397", 1, 425.0, 0.2856, 12.5, 2.5),
        ("Bitaxe Ultra", "BM1366", 1, 485.0, 0.43359, 12.0, 2.5),
        ("Bitaxe Supra", "BM1368", 1, 490.0, 0.62524, 14.0, 2.5),
        ("Bitaxe Gamma", "BM1370", 1, 525.0, 1.071, 17.5, 2.5),
        ("Bitaxe Hex", "BM1366", 6, 485.0, 2.60154, 66.0, 8.0),
    )
)  # fmt: skip

MODELS: dict[str, MinerModel] = {m.name: m for m in (*WHATSMINERS, *ANTMINERS, *CGMINERS, *AVALONS, *BITAXES)}
