"""GCJ-02 and BD-09, the displaced degrees of Chinese web maps, from and to WGS-84."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

CHINA = (72.004, 0.8293, 137.8347, 55.8271)  # west, south, east, north: the rectangle that map makers displace
_A_M, _EE = 6378245.0, 0.00669342162296594323  # Krassovsky's ellipsoid
_BAIDU_RAD = np.pi * 3000.0 / 180.0
_BAIDU_SHIFT = (0.0065, 0.006)  # degrees
_TURNS = 30  # each turn shrinks the error at least tenfold; degrees need about six
_ENOUGH_DEG = 1e-12


def inside_china(lon: Floats, lat: Floats) -> NDArray[np.bool_]:
    """Whether WGS-84 degrees lie in the customary rectangle; neighbouring countries in it are displaced too."""
    west, south, east, north = CHINA
    inside: NDArray[np.bool_] = (lon >= west) & (lon <= east) & (lat >= south) & (lat <= north)
    return inside


def _waves(value: Floats, first: float, second: float, third: float, fourth: float) -> Floats:
    """The slow waves of one coordinate, metres."""
    slow = 20.0 * np.sin(np.pi * value) + 40.0 * np.sin(np.pi * value / 3.0)
    slower = first * np.sin(np.pi * value / second) + third * np.sin(np.pi * value / fourth)
    return np.asarray((slow + slower) * 2.0 / 3.0)


def _displacement(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    """Degrees by which GCJ-02 lies east and north of WGS-84."""
    x, y = lon - 105.0, lat - 35.0
    quick = (20.0 * np.sin(6.0 * np.pi * x) + 20.0 * np.sin(2.0 * np.pi * x)) * 2.0 / 3.0
    root = np.sqrt(np.abs(x))
    north_m = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y**2 + 0.1 * x * y + 0.2 * root + quick
    north_m = north_m + _waves(y, 160.0, 12.0, 320.0, 30.0)
    east_m = 300.0 + x + 2.0 * y + 0.1 * x**2 + 0.1 * x * y + 0.1 * root + quick
    east_m = east_m + _waves(x, 150.0, 12.0, 300.0, 30.0)
    phi = np.radians(lat)
    flat = 1.0 - _EE * np.sin(phi) ** 2
    along_parallel_m = _A_M / np.sqrt(flat) * np.cos(phi)
    along_meridian_m = _A_M * (1.0 - _EE) / (flat * np.sqrt(flat))
    return np.degrees(east_m / along_parallel_m), np.degrees(north_m / along_meridian_m)


def _baidu(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    """BD-09 of GCJ-02 degrees."""
    radius = np.hypot(lon, lat) + 0.00002 * np.sin(lat * _BAIDU_RAD)
    angle = np.arctan2(lat, lon) + 0.000003 * np.cos(lon * _BAIDU_RAD)
    return radius * np.cos(angle) + _BAIDU_SHIFT[0], radius * np.sin(angle) + _BAIDU_SHIFT[1]


def _gcj(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    east, north = _displacement(lon, lat)
    return lon + east, lat + north


def _invert(
    forward: Callable[[Floats, Floats], tuple[Floats, Floats]], lon: Floats, lat: Floats
) -> tuple[Floats, Floats]:
    """Fixed point of `place = given - (forward(place) - place)`."""
    there_lon, there_lat = lon, lat
    for _ in range(_TURNS):
        off_lon, off_lat = forward(there_lon, there_lat)
        step_lon, step_lat = lon - off_lon, lat - off_lat
        there_lon, there_lat = there_lon + step_lon, there_lat + step_lat
        if not np.any(np.abs(step_lon) > _ENOUGH_DEG) and not np.any(np.abs(step_lat) > _ENOUGH_DEG):
            break
    return there_lon, there_lat


def _pair(lon: ArrayLike, lat: ArrayLike) -> tuple[Floats, Floats]:
    return np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)


def _where(
    inside: NDArray[np.bool_], one: tuple[Floats, Floats], other: tuple[Floats, Floats]
) -> tuple[Floats, Floats]:
    return np.where(inside, one[0], other[0]), np.where(inside, one[1], other[1])


def wgs84_to_gcj02(lon: ArrayLike, lat: ArrayLike) -> tuple[Floats, Floats]:
    """GCJ-02 of WGS-84 degrees.

    Parameters
    ----------
    lon, lat : array_like of float64
        Degrees. Outside the rectangle `CHINA` they come back unchanged, as map makers leave them.

    Notes
    -----
    The formula was never published officially; it is the one that all open converters use and agrees with the map
    makers' own to about a metre. A planner may not read centimetres off converted coordinates.
    """
    place = _pair(lon, lat)
    with np.errstate(invalid="ignore"):
        return _where(inside_china(*place), _gcj(*place), place)


def gcj02_to_wgs84(lon: ArrayLike, lat: ArrayLike) -> tuple[Floats, Floats]:
    """WGS-84 of GCJ-02 degrees, by fixed point to 1e-12 degree; unchanged where that lies outside `CHINA`.

    In a strip of some 500 m along the rectangle's edge two places have the same coordinates; the inner one is taken.
    """
    given = _pair(lon, lat)
    with np.errstate(invalid="ignore"):
        found = _invert(_gcj, *given)
        return _where(inside_china(*found), found, given)


def wgs84_to_bd09(lon: ArrayLike, lat: ArrayLike) -> tuple[Floats, Floats]:
    """BD-09 of WGS-84 degrees; unchanged outside `CHINA`."""
    place = _pair(lon, lat)
    with np.errstate(invalid="ignore"):
        return _where(inside_china(*place), _baidu(*_gcj(*place)), place)


def bd09_to_wgs84(lon: ArrayLike, lat: ArrayLike) -> tuple[Floats, Floats]:
    """WGS-84 of BD-09 degrees, by two fixed points; unchanged where that lies outside `CHINA`."""
    given = _pair(lon, lat)
    with np.errstate(invalid="ignore"):
        found = _invert(_gcj, *_invert(_baidu, *given))
        return _where(inside_china(*found), found, given)
