"""The families that the simulator can be: one line each, from the configured block to the device."""

from hashbus_simulator.blocks import DeviceBlock
from hashbus_simulator.braiins_settings import BraiinsBlock
from hashbus_simulator.devices.antminer.device import Antminer
from hashbus_simulator.devices.bitaxe.device import Bitaxe
from hashbus_simulator.devices.braiins.device import Braiins
from hashbus_simulator.devices.cgminer.device import PlainCgminer
from hashbus_simulator.devices.contract import EmulatedDevice, Place, World
from hashbus_simulator.devices.eg4_portal.device import Eg4Portal
from hashbus_simulator.devices.luxpower.device import Luxpower
from hashbus_simulator.devices.whatsminer_v2.device import WhatsminerV2
from hashbus_simulator.devices.whatsminer_v3.device import WhatsminerV3
from hashbus_simulator.luxpower_settings import LuxpowerBlock
from hashbus_simulator.settings import (
    AntminerBlock,
    BitaxeBlock,
    CgminerBlock,
    Eg4PortalBlock,
    WhatsminerBlock,
)
from hashbus_simulator.whatsminer_v2_settings import WhatsminerV2Block


def build_device(block: DeviceBlock, place: Place, world: World) -> EmulatedDevice:
    """The device that a block of the configuration asks for, at its place."""
    match block:
        case WhatsminerBlock():
            return WhatsminerV3(block, place, world)
        case WhatsminerV2Block():
            return WhatsminerV2(block, place, world)
        case AntminerBlock():
            return Antminer(block, place, world)
        case CgminerBlock():
            return PlainCgminer(block, place, world)
        case BitaxeBlock():
            return Bitaxe(block, place, world)
        case BraiinsBlock():
            return Braiins(block, place, world)
        case Eg4PortalBlock():
            return Eg4Portal(block, place, world)
        case LuxpowerBlock():
            return Luxpower(block, place, world)
    raise ValueError(f"no device for {type(block).__name__}")
