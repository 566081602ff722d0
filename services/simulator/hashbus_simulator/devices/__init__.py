"""The families that the simulator can be: one line each, from the configured block to the device."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from hashbus_simulator.avalon_settings import AvalonBlock
from hashbus_simulator.blocks import DeviceBlock
from hashbus_simulator.braiins_settings import BraiinsBlock
from hashbus_simulator.devices.antminer.device import Antminer
from hashbus_simulator.devices.avalon.device import Avalon
from hashbus_simulator.devices.bitaxe.device import Bitaxe
from hashbus_simulator.devices.braiins.device import Braiins
from hashbus_simulator.devices.cgminer.device import PlainCgminer
from hashbus_simulator.devices.contract import EmulatedDevice, Place, World
from hashbus_simulator.devices.eg4_portal.device import Eg4Portal
from hashbus_simulator.devices.hiveos.device import Hiveos
from hashbus_simulator.devices.luxos.device import Luxos
from hashbus_simulator.devices.luxpower.device import Luxpower
from hashbus_simulator.devices.modbus.device import ModbusDevice
from hashbus_simulator.devices.nicehash.device import Nicehash
from hashbus_simulator.devices.vnish.device import Vnish
from hashbus_simulator.devices.whatsminer_v2.device import WhatsminerV2
from hashbus_simulator.devices.whatsminer_v3.device import WhatsminerV3
from hashbus_simulator.hiveos_settings import HiveosBlock
from hashbus_simulator.luxos_settings import LuxosBlock
from hashbus_simulator.luxpower_settings import LuxpowerBlock
from hashbus_simulator.market.settings import VenueBlock
from hashbus_simulator.market.venue import MarketVenue
from hashbus_simulator.modbus_settings import ModbusBlock
from hashbus_simulator.nicehash_settings import NicehashBlock
from hashbus_simulator.settings import (
    AntminerBlock,
    BitaxeBlock,
    CgminerBlock,
    Eg4PortalBlock,
    WhatsminerBlock,
)
from hashbus_simulator.vnish_settings import VnishBlock
from hashbus_simulator.whatsminer_v2_settings import WhatsminerV2Block

FAMILIES: Mapping[type[DeviceBlock], Callable[[Any, Place, World], EmulatedDevice]] = MappingProxyType(
    {
        WhatsminerBlock: WhatsminerV3,
        WhatsminerV2Block: WhatsminerV2,
        AntminerBlock: Antminer,
        AvalonBlock: Avalon,
        CgminerBlock: PlainCgminer,
        BitaxeBlock: Bitaxe,
        BraiinsBlock: Braiins,
        VnishBlock: Vnish,
        LuxosBlock: Luxos,
        HiveosBlock: Hiveos,
        NicehashBlock: Nicehash,
        Eg4PortalBlock: Eg4Portal,
        LuxpowerBlock: Luxpower,
        ModbusBlock: ModbusDevice,
        VenueBlock: MarketVenue,
    }
)


def build_device(block: DeviceBlock, place: Place, world: World) -> EmulatedDevice:
    """The device that a block of the configuration asks for, at its place."""
    return FAMILIES[type(block)](block, place, world)
