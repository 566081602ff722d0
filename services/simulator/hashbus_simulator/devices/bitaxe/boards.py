"""The Bitaxe boards as AxeOS describes them: chips, voltages, options."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Chip:
    """One ASIC as AxeOS knows it; the options are those that `/api/system/asic` lists."""

    name: str
    small_cores: int
    hash_domains: int
    frequency_mhz: int
    frequency_options_mhz: tuple[int, ...]
    core_mv: int
    core_options_mv: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Board:
    """One Bitaxe model: its name in our configuration, its name and number in the firmware."""

    name: str
    device_model: str
    board_version: str
    chip: Chip
    chips: int
    max_power_w: int
    nominal_v: int
    swarm_color: str

    def expected_ghs(self, frequency_mhz: float) -> float:
        """Hashrate at a frequency in GH/s: frequency x small cores x chips / 1000 (PROTOCOLS.md 4.2)."""
        return frequency_mhz * self.chip.small_cores * self.chips / 1000


# Chips and families: ESP-Miner main/device_config.h.
BM1397 = Chip(
    "BM1397", 672, 1,
    425, (400, 425, 450, 475, 485, 500, 525, 550, 575, 600),
    1400, (1100, 1150, 1200, 1250, 1300, 1350, 1400, 1450, 1500),
)  # fmt: skip
BM1366 = Chip(
    "BM1366", 894, 4,
    485, (400, 425, 450, 475, 485, 500, 525, 550, 575),
    1200, (1100, 1150, 1200, 1250, 1300),
)  # fmt: skip
BM1368 = Chip(
    "BM1368", 1276, 4,
    490, (400, 425, 450, 475, 485, 490, 500, 525, 550, 575),
    1166, (1100, 1150, 1166, 1200, 1250, 1300),
)  # fmt: skip
BM1370 = Chip(
    "BM1370", 2040, 4,
    525, (400, 490, 525, 550, 600, 625),
    1150, (1000, 1060, 1100, 1150, 1200, 1250),
)  # fmt: skip

BOARDS: dict[str, Board] = {
    board.name: board
    for board in (
        Board("Bitaxe Max", "Max", "102", BM1397, 1, 25, 5, "red"),
        Board("Bitaxe Ultra", "Ultra", "204", BM1366, 1, 25, 5, "purple"),
        Board("Bitaxe Supra", "Supra", "401", BM1368, 1, 40, 5, "blue"),
        Board("Bitaxe Gamma", "Gamma", "601", BM1370, 1, 40, 5, "green"),
        Board("Bitaxe Hex", "Hex", "302", BM1366, 6, 90, 12, "orange"),
    )
}
