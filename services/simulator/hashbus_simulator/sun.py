"""Where the sun stands and what it sends to a roof under a clear sky. Pure functions."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime

SOLAR_CONSTANT_W_M2 = 1353.0  # the value that the air-mass fit of Meinel & Meinel (1976) was made with
DIFFUSE_SHARE = 0.1  # of the direct beam, on a clear day (same source)


@dataclass(frozen=True, slots=True)
class SunPosition:
    """Height above the horizon and compass direction, in degrees; azimuth from north over east."""

    elevation_deg: float
    azimuth_deg: float


def sun_position(at: datetime, *, latitude_deg: float, longitude_deg: float) -> SunPosition:
    """Where the sun stands over a place at an aware moment; good to about half a degree, no refraction.

    Fourier series for declination and equation of time: Spencer, "Fourier series representation of the
    position of the sun", Search 2 (5), 1971, as NOAA's "General Solar Position Calculations" gives them.
    """
    utc = at.astimezone(UTC)
    hour = utc.hour + utc.minute / 60 + utc.second / 3600
    year_angle = 2 * math.pi / 365 * (utc.timetuple().tm_yday - 1 + (hour - 12) / 24)
    declination = _declination_rad(year_angle)
    solar_minutes = hour * 60 + 4 * longitude_deg + _equation_of_time_min(year_angle)
    hour_angle = math.radians(solar_minutes / 4 - 180)
    latitude = math.radians(latitude_deg)
    along_axis, to_equator = math.sin(declination), math.cos(declination) * math.cos(hour_angle)
    up = math.sin(latitude) * along_axis + math.cos(latitude) * to_equator
    north = math.cos(latitude) * along_axis - math.sin(latitude) * to_equator
    east = -math.cos(declination) * math.sin(hour_angle)
    return SunPosition(
        elevation_deg=math.degrees(math.asin(max(-1.0, min(1.0, up)))),
        azimuth_deg=math.degrees(math.atan2(east, north)) % 360,
    )


def clear_sky_plane_w_m2(sun: SunPosition, *, tilt_deg: float, azimuth_deg: float) -> float:
    """Power of the sunlight on one square metre of a tilted plane under a clear sky, in W/m²; 0 at night.

    Direct beam 1353 W/m² · 0.7^(AM^0.678) (Meinel & Meinel, "Applied Solar Energy", 1976), and a tenth of it
    again as diffuse light from the part of the sky that the plane sees, (1 + cos tilt) / 2 (Liu & Jordan,
    Solar Energy 7, 1963).
    """
    if sun.elevation_deg <= 0:
        return 0.0
    direct_w_m2 = SOLAR_CONSTANT_W_M2 * math.pow(0.7, math.pow(_air_mass(sun.elevation_deg), 0.678))
    elevation, tilt = math.radians(sun.elevation_deg), math.radians(tilt_deg)
    facing = math.cos(math.radians(sun.azimuth_deg - azimuth_deg))
    incidence = math.sin(elevation) * math.cos(tilt) + math.cos(elevation) * math.sin(tilt) * facing
    return direct_w_m2 * (max(0.0, incidence) + DIFFUSE_SHARE * (1 + math.cos(tilt)) / 2)


def _declination_rad(year_angle: float) -> float:
    return (
        0.006918
        - 0.399912 * math.cos(year_angle)
        + 0.070257 * math.sin(year_angle)
        - 0.006758 * math.cos(2 * year_angle)
        + 0.000907 * math.sin(2 * year_angle)
        - 0.002697 * math.cos(3 * year_angle)
        + 0.00148 * math.sin(3 * year_angle)
    )


def _equation_of_time_min(year_angle: float) -> float:
    return 229.18 * (
        0.000075
        + 0.001868 * math.cos(year_angle)
        - 0.032077 * math.sin(year_angle)
        - 0.014615 * math.cos(2 * year_angle)
        - 0.040849 * math.sin(2 * year_angle)
    )


def _air_mass(elevation_deg: float) -> float:
    """How many atmospheres thick the light's way is (Kasten & Young, Applied Optics 28, 1989)."""
    return 1 / (math.sin(math.radians(elevation_deg)) + 0.50572 * math.pow(elevation_deg + 6.07995, -1.6364))
