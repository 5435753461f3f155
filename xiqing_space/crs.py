"""Coordinate systems: EPSG:4326 at the edges, one metric system inside."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from xiqing_space.errors import CrsError

if TYPE_CHECKING:
    from numpy.typing import NDArray

GEOGRAPHIC = 4326
TIANJIN_GK = 4548  # CGCS2000 / 3-degree Gauss-Krueger CM 117E; in use from 115.5 to 118.5 E
MAX_SCALE_ERROR = 0.002
COORDINATE_DIGITS = 7  # of a degree, about one centimetre; what OpenStreetMap itself stores


_BLOCK = 65_536  # coordinates that a thread projects at a time: what a processor keeps at hand


@cache
def _transformer(source: int, target: int) -> Any:
    from pyproj import Transformer  # threads may share it: each has PROJ's own object for itself

    return Transformer.from_crs(source, target, always_xy=True)


@cache
def geographic() -> Any:
    """EPSG:4326 as pyproj's object; made once, since making it anew takes as long as reading a small table."""
    from pyproj import CRS

    return CRS.from_epsg(GEOGRAPHIC)


def choose_metric_epsg(lon: float, lat: float) -> int:
    """The metric system for a place: CGCS2000 Gauss-Krueger 117E in and round Tianjin, else the place's UTM zone.

    Parameters
    ----------
    lon, lat : float
        A place in the study area, degrees.

    Raises
    ------
    CrsError
        The coordinates are no degrees, or lie beyond 80 S to 84 N.
    """
    if not (np.isfinite(lon) and np.isfinite(lat) and -180 <= lon <= 180 and -80 <= lat <= 84):
        raise CrsError(
            f"坐标 {lon}, {lat} 不是可用的经纬度 / {lon}, {lat} is no usable longitude and latitude",
            todo="检查坐标系与 x/y 顺序 / check the coordinate system and the order of x and y",
        )
    if 115.5 <= lon <= 118.5 and 37.0 <= lat <= 42.0:
        return TIANJIN_GK
    zone = min(int((lon + 180) // 6) + 1, 60)
    return (32600 if lat >= 0 else 32700) + zone


def require_metric(epsg: int) -> int:
    """Return `epsg` if it is a projected system in metres, else raise `CrsError`."""
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    try:
        crs = CRS.from_epsg(epsg)
    except CRSError as error:
        raise CrsError(
            f"metric_crs：EPSG:{epsg} 不存在 / metric_crs: there is no EPSG:{epsg}",
            todo=f"天津请用 {TIANJIN_GK}，或删去此行 / use {TIANJIN_GK} for Tianjin, or remove the line",
        ) from error
    if not crs.is_projected or {axis.unit_name for axis in crs.axis_info} != {"metre"}:
        raise CrsError(
            f"EPSG:{epsg} 不是以米为单位的投影坐标系 / EPSG:{epsg} is no projected system in metres",
            todo=f"天津请用 {TIANJIN_GK} / use {TIANJIN_GK} for Tianjin",
        )
    return epsg


def check_scale(epsg: int, lon: float, lat: float) -> None:
    """Raise `CrsError` where a metre of the system is no metre on the ground: web maps' Mercator is 1.29 m in Tianjin."""
    from pyproj import Proj

    factors = Proj(f"EPSG:{epsg}").get_factors(lon, lat)
    worst = max(abs(factors.meridional_scale - 1.0), abs(factors.parallel_scale - 1.0))
    if not worst <= MAX_SCALE_ERROR:
        raise CrsError(
            f"EPSG:{epsg} 在评估范围内的长度误差为 {worst:.2%} / lengths in EPSG:{epsg} are off by {worst:.2%} here",
            todo=f"删去 metric_crs，或天津用 {TIANJIN_GK} / remove metric_crs, or use {TIANJIN_GK} for Tianjin",
        )


def project(coords: NDArray[np.float64], source: int, target: int) -> NDArray[np.float64]:
    """Coordinates (n, 2) from one EPSG code to another, x before y. What cannot be projected becomes infinite."""
    if source == target or len(coords) == 0:
        return np.asarray(coords, dtype=np.float64)

    def moved(some: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.column_stack(_transformer(source, target).transform(some[:, 0], some[:, 1]))

    if len(coords) < 2 * _BLOCK:
        return moved(coords)
    with ThreadPoolExecutor() as pool:
        return np.concatenate(list(pool.map(moved, (coords[at : at + _BLOCK] for at in range(0, len(coords), _BLOCK)))))


def project_geometry(geometry: Any, source: int, target: int) -> Any:
    """Shapely geometries (an array, missing ones kept) from one EPSG code to another."""
    import shapely

    return shapely.transform(geometry, lambda coords: project(coords, source, target))


def to_degrees(geometry: Any, source: int) -> Any:
    """Geometries in EPSG:4326, rounded as every file of a run holds them."""
    import shapely

    return shapely.transform(geometry, lambda coords: np.round(project(coords, source, GEOGRAPHIC), COORDINATE_DIGITS))


def points_of(frame: Any) -> Any:
    """Points of the columns `lon` and `lat`; of an empty frame too, whatever types its columns have."""
    import shapely

    return shapely.points(np.asarray(frame["lon"], dtype=np.float64), np.asarray(frame["lat"], dtype=np.float64))
