"""What an inverter has sent to the cloud, and what every reply about it begins with."""

from dataclasses import dataclass
from datetime import datetime

from hashbus_simulator.house import Flows, HouseState
from hashbus_simulator.house_settings import HouseSettings

Reply = dict[str, object]

FIRMWARE_CODE = "FAAB-2122"
TIME_FORMAT = "%Y-%m-%d %H:%M:%S"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The figures that the inverter has last sent to the cloud, and when they are shown.

    `is_lost` says that it has not been heard of since `taken_at`.
    """

    house: HouseState
    settings: HouseSettings
    serial: str
    taken_at: datetime
    served_at: datetime
    outdoor_c: float
    is_lost: bool = False

    @property
    def power_rating_w(self) -> float:
        """What the inverter is built for."""
        battery = self.settings.battery
        return max(6000.0, self.settings.roof.peak_w, battery.max_charge_w, battery.max_discharge_w)

    @property
    def rating_text(self) -> str:
        """The same as the portal writes it: "12kW"."""
        return f"{self.power_rating_w / 1000:.0f}kW"


def head(snapshot: Snapshot) -> Reply:
    """The fields that runtime and energy share."""
    return {
        "success": True,
        "serialNum": snapshot.serial,
        "fwCode": FIRMWARE_CODE,
        "powerRatingText": snapshot.rating_text,
        "lost": snapshot.is_lost,
        "hasRuntimeData": True,
    }


def status(flows: Flows) -> int:
    """The inverter's state (PROTOCOLS.md 5.4): 12 charging from PV, 20 PV and battery, 16 battery, 4 PV, 17 grid."""
    if flows.charge_w > 0:
        return 12
    if flows.discharge_w > 0:
        return 20 if flows.pv_w > 0 else 16
    return 4 if flows.pv_w > 0 else 17
