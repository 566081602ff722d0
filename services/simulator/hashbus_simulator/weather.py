"""Clouds, outdoor temperature and human whim: smooth noise that depends on the seed and the moment alone.

However the clock is stepped, the same seed shows the same weather at the same moment.
"""

import math
from datetime import datetime
from enum import IntEnum

from hashbus_simulator.house_settings import PlaceSettings
from hashbus_simulator.noise import wobble

FRONT_S = 4 * 3600.0
CLOUD_S = 15 * 60.0
AIR_S = 8 * 3600.0
WARMEST_HOUR = 15.0
COLDEST_DAY = 20  # of the year, in the north: the soil lags the December solstice by a month


class Whim(IntEnum):
    """One independent stream of noise each."""

    FRONTS = 101
    CLOUDS = 102
    AIR = 103
    PEOPLE = 104


def cloud_cover(at: datetime, *, cloudiness: float, seed: int) -> float:
    """Share of the sky under cloud, 0 to 1: weather fronts over hours, single clouds over minutes."""
    at_s = at.timestamp()
    fronts = smooth_noise(seed, Whim.FRONTS, at_s / FRONT_S)
    clouds = smooth_noise(seed, Whim.CLOUDS, at_s / CLOUD_S)
    swing = 2 * min(cloudiness, 1 - cloudiness)  # none at the ends: always clear, always overcast
    return min(1.0, max(0.0, cloudiness + swing * (0.7 * fronts + 0.3 * clouds - 0.5)))


def light_through_clouds(cover: float) -> float:
    """Share of clear-sky light that passes: 1 - 0.75 N^3.4 (Kasten & Czeplak, Solar Energy 24, 1980)."""
    return 1 - 0.75 * math.pow(cover, 3.4)


def outdoor_c(at: datetime, *, place: PlaceSettings, seed: int) -> float:
    """Air temperature outside in °C: ±9 K over the year, ±4 K over the day, and some noise."""
    day = at.timetuple().tm_yday - COLDEST_DAY
    hemisphere = 1 if place.latitude_deg >= 0 else -1
    season_c = -9 * hemisphere * math.cos(2 * math.pi * day / 365.25)
    solar_hour = at.timestamp() / 3600 % 24 + place.longitude_deg / 15
    daily_c = 4 * math.cos(2 * math.pi * (solar_hour - WARMEST_HOUR) / 24)
    whim_c = 4 * (smooth_noise(seed, Whim.AIR, at.timestamp() / AIR_S) - 0.5)
    return place.mean_outdoor_c + season_c + daily_c + whim_c


def smooth_noise(seed: int, whim: Whim, position: float) -> float:
    """A number from 0 to 1 that wanders smoothly along `position`: random at integers, eased between them."""
    left = math.floor(position)
    share = position - left
    eased = share * share * (3 - 2 * share)
    here, there = (wobble(seed, whim, at, period_s=1) for at in (left, left + 1))
    return (1 + here * (1 - eased) + there * eased) / 2
