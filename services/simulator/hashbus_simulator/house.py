"""A house as an energy balance: sun on the roof, people, miners, a battery, and the grid for the rest.

`advance_house` is pure: settings, state, seconds and the miners' draw in, the next state out. `House` holds
the state and asks the clock how far to go.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from hashbus_simulator.house_settings import BatterySettings, HabitSettings, HouseSettings
from hashbus_simulator.sun import clear_sky_plane_w_m2, sun_position
from hashbus_simulator.weather import Whim, cloud_cover, light_through_clouds, outdoor_c, smooth_noise

STEP_S = 60.0  # longest step of the integration: clouds and people change over minutes
REFERENCE_SUN_W_M2 = 1000.0  # standard test conditions, IEC 60904-3: what the panels' nameplate refers to
PEOPLE_S = 10 * 60.0  # how long a kettle, an oven or a washing cycle lasts
# Relative use by hour of the day, from midnight: own figures in the shape of the German household profile H0
# (BDEW): asleep, breakfast, noon, a quiet afternoon, the evening peak.
DAILY_PROFILE = (
    0.5, 0.4, 0.35, 0.35, 0.35, 0.5, 0.9, 1.2, 1.2, 1.1, 1.0, 1.2,
    1.4, 1.2, 1.0, 0.95, 1.0, 1.3, 1.7, 1.9, 1.7, 1.4, 1.0, 0.7,
)  # fmt: skip
PROFILE_MEAN = sum(DAILY_PROFILE) / len(DAILY_PROFILE)


@dataclass(frozen=True, slots=True)
class Flows:
    """Power at the house's busbar in W, never negative: PV, import, discharge come in, the rest goes out."""

    pv_w: float = 0.0
    import_w: float = 0.0
    discharge_w: float = 0.0
    load_w: float = 0.0
    miners_w: float = 0.0
    charge_w: float = 0.0
    export_w: float = 0.0

    @property
    def imbalance_w(self) -> float:
        """What comes in less what goes out: nothing, but for rounding."""
        sources_w = self.pv_w + self.import_w + self.discharge_w
        return sources_w - (self.load_w + self.miners_w + self.charge_w + self.export_w)


@dataclass(frozen=True, slots=True)
class Energy:
    """What has flowed, in Wh; `usage_wh` is the people and the miners together."""

    pv_wh: float = 0.0
    charge_wh: float = 0.0
    discharge_wh: float = 0.0
    import_wh: float = 0.0
    export_wh: float = 0.0
    usage_wh: float = 0.0

    def plus(self, flows: Flows, seconds: float) -> "Energy":
        """The counters after these flows have lasted that long."""
        hours = seconds / 3600
        return Energy(
            pv_wh=self.pv_wh + flows.pv_w * hours,
            charge_wh=self.charge_wh + flows.charge_w * hours,
            discharge_wh=self.discharge_wh + flows.discharge_w * hours,
            import_wh=self.import_wh + flows.import_w * hours,
            export_wh=self.export_wh + flows.export_w * hours,
            usage_wh=self.usage_wh + (flows.load_w + flows.miners_w) * hours,
        )


@dataclass(frozen=True, slots=True)
class HouseState:
    """The house at one moment; `flows` are those of the step that led here."""

    at: datetime
    soc_pct: float
    flows: Flows = Flows()
    today: Energy = Energy()
    total: Energy = Energy()


def advance_house(settings: HouseSettings, state: HouseState, *, seconds: float, miners_w: float) -> HouseState:
    """The house `seconds` later, the miners having drawn `miners_w` all the while.

    Goes in steps of at most a minute, and from midnight to midnight (local), so that the day's counters are
    those of one day.
    """
    while seconds > 0:
        step_s = min(seconds, STEP_S, _seconds_to_midnight(state.at, settings.place.utc_offset_h))
        state = _step(settings, state, step_s, miners_w)
        seconds -= step_s
    return state


def pv_available_w(settings: HouseSettings, at: datetime) -> float:
    """What the roof could deliver at a moment: nameplate times sunlight over 1000 W/m², less the losses."""
    place, roof = settings.place, settings.roof
    sun = sun_position(at, latitude_deg=place.latitude_deg, longitude_deg=place.longitude_deg)
    clear_w_m2 = clear_sky_plane_w_m2(sun, tilt_deg=roof.tilt_deg, azimuth_deg=roof.azimuth_deg)
    cover = cloud_cover(at, cloudiness=place.cloudiness, seed=settings.seed)
    sunlight = clear_w_m2 * light_through_clouds(cover) / REFERENCE_SUN_W_M2
    return min(roof.peak_w, roof.peak_w * sunlight * roof.performance_ratio)


def household_load_w(habits: HabitSettings, at: datetime, *, utc_offset_h: float, seed: int) -> float:
    """What the people draw: the base, plus the rest of the day's energy along the daily profile, ±60 %."""
    above_base_w = habits.daily_kwh * 1000 / 24 - habits.base_w
    hour = (at.timestamp() / 3600 + utc_offset_h) % 24
    left = int(hour)
    share = hour - left
    shape = DAILY_PROFILE[left] * (1 - share) + DAILY_PROFILE[(left + 1) % 24] * share
    whim = 0.4 + 1.2 * smooth_noise(seed, Whim.PEOPLE, at.timestamp() / PEOPLE_S)
    return habits.base_w + above_base_w * shape / PROFILE_MEAN * whim


def balance(
    *,
    pv_w: float,
    load_w: float,
    miners_w: float,
    max_charge_w: float,
    max_discharge_w: float,
    max_export_w: float,
) -> Flows:
    """Share out the power: sun to the loads first, then the battery, then the grid; the rest is throttled."""
    surplus_w = pv_w - load_w - miners_w
    if surplus_w >= 0:
        charge_w = min(surplus_w, max_charge_w)
        export_w = min(surplus_w - charge_w, max_export_w)
        taken_w = load_w + miners_w + charge_w + export_w
        return Flows(pv_w=taken_w, load_w=load_w, miners_w=miners_w, charge_w=charge_w, export_w=export_w)
    discharge_w = min(-surplus_w, max_discharge_w)
    import_w = -surplus_w - discharge_w
    return Flows(pv_w=pv_w, import_w=import_w, discharge_w=discharge_w, load_w=load_w, miners_w=miners_w)


def _step(settings: HouseSettings, state: HouseState, step_s: float, miners_w: float) -> HouseState:
    place, battery = settings.place, settings.battery
    middle = state.at + timedelta(seconds=step_s / 2)
    load_w = household_load_w(settings.habits, middle, utc_offset_h=place.utc_offset_h, seed=settings.seed)
    flows = balance(
        pv_w=pv_available_w(settings, middle),
        load_w=load_w,
        miners_w=miners_w,
        max_charge_w=_charge_room_w(battery, state.soc_pct, step_s),
        max_discharge_w=_discharge_room_w(battery, state.soc_pct, step_s),
        max_export_w=settings.max_export_w,
    )
    # Half of the round trip's loss on the way in, half on the way out.
    one_way = math.sqrt(battery.round_trip_efficiency)
    gained_wh = (flows.charge_w * one_way - flows.discharge_w / one_way) * step_s / 3600
    soc_pct = state.soc_pct + gained_wh / (battery.capacity_kwh * 10)
    ends_the_day = _seconds_to_midnight(state.at, place.utc_offset_h) <= step_s
    return HouseState(
        at=state.at + timedelta(seconds=step_s),
        soc_pct=min(100.0, max(0.0, soc_pct)),
        flows=flows,
        today=Energy() if ends_the_day else state.today.plus(flows, step_s),
        total=state.total.plus(flows, step_s),
    )


def _charge_room_w(battery: BatterySettings, soc_pct: float, step_s: float) -> float:
    """The most the battery takes for one step without passing its upper limit."""
    room_wh = max(0.0, battery.max_soc_pct - soc_pct) * battery.capacity_kwh * 10
    return min(battery.max_charge_w, room_wh / math.sqrt(battery.round_trip_efficiency) * 3600 / step_s)


def _discharge_room_w(battery: BatterySettings, soc_pct: float, step_s: float) -> float:
    """The most the battery gives for one step without passing its lower limit."""
    room_wh = max(0.0, soc_pct - battery.min_soc_pct) * battery.capacity_kwh * 10
    return min(battery.max_discharge_w, room_wh * math.sqrt(battery.round_trip_efficiency) * 3600 / step_s)


def _seconds_to_midnight(at: datetime, utc_offset_h: float) -> float:
    return 86_400 - (at.timestamp() + utc_offset_h * 3600) % 86_400


class House:
    """The house that a simulator runs: its state, brought up to date when somebody looks.

    `clock` gives simulated seconds, `miners_w` the draw of the emulated miners at the moment in W; the house
    goes `settings.speed` times as fast as the clock. Same settings and same calls give the same figures.
    """

    def __init__(
        self,
        settings: HouseSettings,
        *,
        clock: Callable[[], float],
        starts_at: datetime,
        miners_w: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self.settings = settings
        self._clock = clock
        self._miners_w = miners_w
        self._seen_s = clock()
        self._state = HouseState(
            at=(settings.starts_at or starts_at).astimezone(UTC), soc_pct=settings.battery.initial_soc_pct
        )

    @property
    def state(self) -> HouseState:
        """The house now."""
        now_s = self._clock()
        self.advance((now_s - self._seen_s) * self.settings.speed)
        self._seen_s = now_s
        return self._state

    @property
    def outdoor_c(self) -> float:
        """Air temperature outside, in °C."""
        return outdoor_c(self.state.at, place=self.settings.place, seed=self.settings.seed)

    def advance(self, seconds: float) -> None:
        """Let house time pass, on top of the clock: a test or a demo skips to the evening."""
        self._state = advance_house(self.settings, self._state, seconds=seconds, miners_w=self._miners_w())

    def set_soc(self, soc_pct: float) -> None:
        """Fill or empty the battery at once; 0 to 100 %, also beyond the limits it keeps by itself."""
        if not 0 <= soc_pct <= 100:
            raise ValueError(f"soc_pct must be 0 to 100, not {soc_pct}")
        self._state = replace(self.state, soc_pct=soc_pct)
