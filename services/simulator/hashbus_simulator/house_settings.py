"""The simulated house as its owner writes it down: roof, battery, habits, grid."""

from typing import Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator


class PlaceSettings(BaseModel):
    """Where the house stands; the sun and the house's midnight follow from it.

    `utc_offset_h` is fixed: the simulated house keeps no daylight saving time.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    latitude_deg: float = Field(default=48.14, ge=-66, le=66)
    longitude_deg: float = Field(default=11.58, ge=-180, le=180)
    utc_offset_h: float = Field(default=1.0, ge=-12, le=14)
    mean_outdoor_c: float = Field(default=9.5, ge=-20, le=35)
    cloudiness: float = Field(default=0.35, ge=0, le=1, description="0 always clear, 1 always overcast")


class RoofSettings(BaseModel):
    """The solar panels. `azimuth_deg` counts from north over east: 180 faces south."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    peak_w: float = Field(default=12_000, ge=0, le=1e7)
    tilt_deg: float = Field(default=30, ge=0, le=90)
    azimuth_deg: float = Field(default=180, ge=0, lt=360)
    performance_ratio: float = Field(
        default=0.86, gt=0, le=1, description="what wiring, heat and dust leave of the nameplate"
    )


class HabitSettings(BaseModel):
    """What the people in the house use, without the miners: a base load and a daily profile on top."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    base_w: float = Field(default=220, ge=0, le=1e6)
    daily_kwh: float = Field(default=14, ge=0, le=1e5)

    @model_validator(mode="after")
    def _base_fits_into_the_day(self) -> Self:
        if self.base_w * 24 > self.daily_kwh * 1000:
            raise ValueError(f"base_w alone is {self.base_w * 24 / 1000:g} kWh a day, more than daily_kwh")
        return self


class BatterySettings(BaseModel):
    """The house battery. Power limits are on the alternating-current side of the inverter."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    capacity_kwh: float = Field(default=28.6, gt=0, le=1e5)
    max_charge_w: float = Field(default=8_000, ge=0, le=1e7)
    max_discharge_w: float = Field(default=8_000, ge=0, le=1e7)
    round_trip_efficiency: float = Field(default=0.9, gt=0, le=1)
    min_soc_pct: float = Field(default=10, ge=0, le=100, description="discharging stops here")
    max_soc_pct: float = Field(default=100, ge=0, le=100, description="charging stops here")
    initial_soc_pct: float = Field(default=55, ge=0, le=100)

    @model_validator(mode="after")
    def _limits_leave_room(self) -> Self:
        if self.min_soc_pct >= self.max_soc_pct:
            raise ValueError("min_soc_pct must be below max_soc_pct")
        return self


class RoomSettings(BaseModel):
    """A room that miners heat, by their ids. The defaults are a well insulated flat of some 60 m²."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")
    miners: tuple[str, ...] = ()
    loss_w_per_k: float = Field(default=120, gt=0, le=1e6)
    capacity_kwh_per_k: float = Field(default=1.7, gt=0, le=1e5)
    initial_c: float = Field(default=18, ge=-30, le=50)


class HouseSettings(BaseModel):
    """A house with sun, battery, people and a grid connection.

    `speed` is house seconds per simulated second, on top of the simulator's own speed: 60 shows a day in
    24 minutes. `starts_at` is the house's first moment; left out, it is the moment the simulator starts.
    `max_export_w` is what the grid operator lets the house feed in; what is above it the inverter throttles.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    seed: int = 1
    speed: float = Field(default=1.0, gt=0, le=100_000)
    starts_at: AwareDatetime | None = None
    max_export_w: float = Field(default=1e7, ge=0, le=1e7)
    place: PlaceSettings = PlaceSettings()
    roof: RoofSettings = RoofSettings()
    habits: HabitSettings = HabitSettings()
    battery: BatterySettings = BatterySettings()
    rooms: tuple[RoomSettings, ...] = ()
