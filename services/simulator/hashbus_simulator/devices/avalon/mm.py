"""The MM string: `Key[values] Key[values] ...`, which holds nearly all that an Avalon tells (PROTOCOLS.md 3.7)."""

from hashbus_simulator.devices.avalon.generation import Shape
from hashbus_simulator.devices.avalon.state import AvalonState

NO_SENSOR_C = -273
CONTROL_CENTIVOLTS = 1216
FULL_CENTIVOLTS = 1316
BOARD_SHARE = 0.92  # of the power at the wall
INTAKE_RISE_K = 2


def string(miner: AvalonState) -> str:
    """The MM string of a machine with one controller."""
    physics, model = miner.physics, miner.physics.model
    boards = range(model.boards)
    ghs = physics.measured(physics.hashrate_ths, 1, spread=0.02) * 1000
    fields: dict[str, object] = {
        "Ver": f"{miner.generation.model}-{miner.block.firmware}",
        "DNA": dna(miner),
        "MEMFREE": "1201472.0",
        "NETFAIL": "0 0 0 0 0 0 0 0",
        "SYSTEMSTATU": f"Work: {work(miner)}, Hash Board: {model.boards} ",
        "Elapsed": physics.elapsed_s,
        "BOOTBY": "0x04.00000000",
        "LW": physics.shares * 9,
        "MH": _listed(physics.hw_errors // model.boards for _ in boards),
        "DHW": 0,
        "HW": physics.hw_errors,
        "DH": "1.210%",
        **_temperatures(miner),
        "TMax": round(physics.heat.chip_c + 9) if ghs else 0,
        "TAvg": round(physics.heat.chip_c) if ghs else 0,
        **_fans(miner),
        "Vo": 0 if physics.asleep else 325,
        **_supply(miner),
        "GHSspd": f"{ghs:.2f}",
        "DHspd": "1.210%",
        "GHSmm": f"{physics.demand.hashrate_ths(miner.step_w) * 1000:.2f}",
        "GHSavg": f"{physics.hash_average_ths * 1000:.2f}",
        "WU": f"{physics.hash_average_ths * 13900:.2f}",
        "Freq": f"{model.freq_mhz * (miner.step.share**0.8):.2f}",
        "Led": int(miner.is_lit),
        "MGHS": _listed(f"{ghs / model.boards:.2f}" for _ in boards),
        "MTmax": _listed(round(physics.heat.chip_c + 9 - board) for board in boards),
        "MTavg": _listed(round(physics.heat.chip_c - board) for board in boards),
        "TA": model.boards * model.chips_per_board,
        "Core": model.chip,
        "PING": round(physics.measured(38, 90, spread=0.2)),
        "SoftOFF": miner.soft_off_code,
        "ECHU": _listed(miner.block.error_bits if board == 0 else 0 for board in boards),
        "ECMM": 0,
        **_steps(miner),
    }
    if miner.generation.shape is Shape.WHOLE:
        for board in boards:
            fields |= _chips(miner, board, board)
    fields["CRC"] = _listed(0 for _ in boards)
    return written(fields)


def module_strings(miner: AvalonState) -> dict[str, str]:
    """`MM ID1` to `MM IDn`: one for each unit on the controller of a 7xx to 9xx, which tells no hashrate of its own."""
    physics, model, units = miner.physics, miner.physics.model, miner.block.modules
    boards = range(model.boards // units)
    fields: dict[str, object] = {
        "Ver": f"{miner.generation.model}1706-{miner.block.firmware[:7]}",
        "DNA": dna(miner),
        "Elapsed": physics.elapsed_s,
        "LW": physics.shares * 9,
        "MH": _listed(0 for _ in boards),
        "HW": physics.hw_errors,
        "DH": "1.500%",
        "Temp": NO_SENSOR_C if miner.block.lost_sensor else round(physics.ambient_c),
        "TMax": round(physics.heat.chip_c + 9),
        "Fan": physics.fan_rpm(0),
        "FanR": f"{_fan_pct(miner)}%",
        "Vi": _listed(1206 for _ in boards),
        "Vo": _listed(0 if physics.asleep else 4430 for _ in boards),
        "GHSmm": f"{0.0 if physics.asleep else physics.demand.hashrate_ths(miner.step_w) * 1000 / units:.2f}",
        "WU": f"{physics.hash_average_ths * 13900 / units:.2f}",
        "Freq": f"{model.freq_mhz:.2f}",
        "PG": 15,
        "Led": int(miner.is_lit),
        "TA": len(boards) * model.chips_per_board,
        "ECHU": _listed(miner.block.error_bits if board == 0 else 0 for board in boards),
        "ECMM": 0,
        "FM": 1,
        "CRC": _listed(0 for _ in boards),
    }
    return {f"MM ID{unit}": written(fields) for unit in range(1, units + 1)}


def board_strings(miner: AvalonState) -> str:
    """`HBinfo` of home models: the chips of each board under a name of its own."""
    parts = [f"'HB{board}':{{{written(_chips(miner, board, 0))}}}" for board in range(miner.physics.model.boards)]
    return ",".join(parts)


def written(fields: dict[str, object]) -> str:
    """Fields as the firmware writes them."""
    return " ".join(f"{key}[{value}]" for key, value in fields.items())


def dna(miner: AvalonState) -> str:
    """The serial number: sixteen hexadecimal digits."""
    return f"0201{miner.place.seed:012x}"[-16:]


def work(miner: AvalonState) -> str:
    """What it does, in the firmware's words."""
    if miner.physics.asleep:
        return "In Idle"
    return "In Work" if miner.physics.is_hashing else "In Init"


def supply(miner: AvalonState) -> str:
    """`PS`: error, control and board voltage in hundredths of a volt, current, W of the boards, set voltage, W."""
    physics = miner.physics
    board_w = 0.0 if physics.asleep else physics.power_w * BOARD_SHARE
    volts = 0 if physics.asleep else FULL_CENTIVOLTS
    numbers = [
        miner.block.supply_bits,
        CONTROL_CENTIVOLTS,
        volts,
        round(board_w * 100 / FULL_CENTIVOLTS),
        round(board_w),
        FULL_CENTIVOLTS,
        round(physics.power_w),
    ]
    return _listed(numbers[: miner.generation.supply_numbers])


def _supply(miner: AvalonState) -> dict[str, object]:
    return {"PS": supply(miner)} if miner.generation.supply_numbers else {}


def _temperatures(miner: AvalonState) -> dict[str, object]:
    intake_c = NO_SENSOR_C if miner.block.lost_sensor else round(miner.physics.ambient_c)
    if miner.generation.shape is not Shape.SUMMARY:
        return {"Temp": intake_c}
    board_c = round(miner.physics.heat.board_c)
    return {"ITemp": intake_c, "HBITemp": round(miner.physics.ambient_c) + INTAKE_RISE_K, "HBOTemp": board_c}


def _fans(miner: AvalonState) -> dict[str, object]:
    fans = range(miner.physics.model.fans)
    return {**{f"Fan{fan + 1}": miner.physics.fan_rpm(fan) for fan in fans}, "FanR": f"{_fan_pct(miner)}%"}


def _fan_pct(miner: AvalonState) -> int:
    physics = miner.physics
    return round(
        physics.fan_pct if physics.fan_pct is not None else 100 * physics.fan_rpm(0) / physics.model.max_fan_rpm
    )


def _steps(miner: AvalonState) -> dict[str, object]:
    """Mode, level and the power that they aim at."""
    if miner.generation.step_option is None:
        return {}
    is_level = miner.generation.step_option == "worklevel"
    fields: dict[str, object] = {"WORKMODE": 1 if is_level else miner.step.number}
    if miner.generation.has_set_word:
        fields |= {"WORKLEVEL": miner.step.number if is_level else 0}
        fields |= {"SoftOffTime": miner.soft_off_unix_s, "SoftOnTime": miner.soft_on_unix_s}
    return fields if miner.generation.supply_numbers == 6 else fields | {"MPO": round(miner.step_w)}


def _chips(miner: AvalonState, board: int, name: int) -> dict[str, object]:
    """Temperature in degrees Celsius, voltage in mV and work of each chip of a board."""
    physics = miner.physics
    chips = range(physics.model.chips_per_board)
    at_c = round(physics.heat.chip_c)
    return {
        f"PVT_T{name}": " " + "  ".join(str(at_c - 4 + (chip * 7 + board) % 13) for chip in chips),
        f"PVT_V{name}": _listed(300 + (chip * 5 + board) % 11 for chip in chips),
        f"MW{name}": _listed(600 + (chip * 3) % 60 for chip in chips),
    }


def _listed(values: object) -> str:
    return " ".join(str(value) for value in values)  # type: ignore[attr-defined]
