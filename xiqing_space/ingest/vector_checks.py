"""What is wrong with a file's geometry and coordinates, told by feature number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from xiqing_space.ingest.quality import Quality

_SHOWN = 20


def rows_text(rows: Sequence[int] | NDArray[np.int64]) -> str:
    """Feature numbers in both languages, the first twenty of them."""
    numbers = [int(one) for one in rows]
    some = "、".join(map(str, numbers[:_SHOWN])) + (" …" if len(numbers) > _SHOWN else "")
    total = f"（共 {len(numbers)} 行）" if len(numbers) > _SHOWN else ""
    english = f"rows {some.replace('、', ', ')}" if len(numbers) > 1 else f"row {some}"
    return f"第 {some} 行{total} / {english}" + (f" ({len(numbers)} in all)" if total else "")


def _one(rows: NDArray[np.int64] | Sequence[int], zh: str, en: str) -> str:
    return f"{rows_text(rows)}：{zh} / {en}"


def whole(
    geometry: Any, rows: NDArray[np.int64], closed: int, allow_missing: bool, source: str, quality: Quality
) -> tuple[Any, NDArray[np.bool_], list[str]]:
    """Geometries with invalid polygons mended, which of them there are, and problems."""
    coords, index = shapely.get_coordinates(geometry, return_index=True)
    broken = np.zeros(len(geometry), dtype=bool)
    broken[np.unique(index[~np.isfinite(coords).all(axis=1)])] = True
    missing = shapely.is_missing(geometry) | shapely.is_empty(geometry)
    problems = [_one(rows[broken], "坐标为 NaN 或无穷大", "coordinates are NaN or infinite")] if broken.any() else []
    invalid = ~(missing | broken | shapely.is_valid(geometry)) & (shapely.get_dimensions(geometry) == 2)
    geometry = geometry.copy()
    geometry[invalid] = shapely.make_valid(geometry[invalid], method="structure", keep_collapsed=False)
    collapsed = invalid & shapely.is_empty(geometry)
    if collapsed.any():
        problems.append(_one(rows[collapsed], "面退化为线或点", "a polygon without area"))
    if mended := int(invalid.sum()) + closed:
        quality.add("bad_geometry", source=source, n=mended, row=rows_text(rows[invalid]) if invalid.any() else "")
    if missing.any() and not allow_missing:
        problems.append(_one(rows[missing], "没有几何", "no geometry"))
    elif missing.all():
        problems.append("所有要素都没有几何 / no feature has a geometry")
    elif missing.any():
        quality.add("features_without_geometry", source=source, row=rows_text(rows[missing]), n=int(missing.sum()))
    return geometry, ~missing, problems


def _false_easting(system: Any) -> float:
    operation = system.coordinate_operation
    found = [one.value for one in operation.params if one.name == "False easting"] if operation is not None else []
    return float(found[0]) if found else 0.0


def misplaced(geometry: Any, rows: NDArray[np.int64], system: Any) -> list[str]:
    """Coordinates that cannot be meant in a system: degrees for metres, x for y, a zone's number before the easting."""
    west, south, east, north = shapely.bounds(geometry).T
    with np.errstate(invalid="ignore"):
        x, y = np.fmax(np.abs(west), np.abs(east)), np.fmax(np.abs(south), np.abs(north))
        known = np.isfinite(x) & np.isfinite(y)
        if system.is_geographic:
            outside = known & ((x > 180) | (y > 90))
            swapped = outside & (x <= 90) & (y <= 180)
            metres = outside & ((x > 1000) | (y > 1000))
            zoned = metres & (east >= 1.3e7) & (east < 4.6e7)
            zero = known & (x == 0) & (y == 0)
            checks = [
                (swapped, "经纬度颠倒（x 处为纬度）", "longitude and latitude are swapped (x holds the latitude)"),
                (zoned, f"坐标不是经纬度，而是带带号的米：{_zone_hint(east, zoned)}",
                 f"coordinates are no degrees but metres with a zone number: {_zone_hint(east, zoned)}"),
                (metres & ~zoned, "坐标不是经纬度，而是米：请写明投影坐标系（天津常用 4548）",
                 "coordinates are no degrees but metres: state the projected system (4548 in Tianjin)"),
                (outside & ~swapped & ~metres, "坐标超出经纬度范围", "coordinates are no degrees"),
                (zero, "坐标为 0, 0", "the place is 0, 0"),
            ]  # fmt: skip
        else:
            shift = _false_easting(system)
            degrees = known & (x <= 180) & (y <= 90)
            zoned = known & (shift < 1e7) & (east >= 1.3e7) & (east < 4.6e7)
            unzoned = known & (shift >= 1.3e7) & (x < 1e6) & ~degrees
            if shift >= 1.3e7:
                swapped = known & (x >= 1e6) & (x < 1.3e7) & (y >= 1.3e7)
            else:
                swapped = known & (shift == 5e5) & (x > 1.2e6) & (x < 1e7) & (y > 1e5) & (y < 9e5)
            checks = [
                (degrees, f"坐标是经纬度，不是 {system.name} 的米", f"coordinates are degrees, no metres of {system.name}"),
                (zoned, f"东坐标带有带号：{_zone_hint(east, zoned)}",
                 f"eastings carry a zone number: {_zone_hint(east, zoned)}"),
                (unzoned, f"东坐标没有 {system.name} 的带号", f"eastings lack the zone number of {system.name}"),
                (swapped, "x、y 颠倒（x 处为北坐标）", "x and y are swapped (x holds the northing)"),
            ]  # fmt: skip
    return [_one(rows[wrong], zh, en) for wrong, zh, en in checks if wrong.any()]


def _zone_hint(east: NDArray[np.float64], zoned: NDArray[np.bool_]) -> str:
    """EPSG codes of CGCS2000 zones whose number the eastings carry: 25–45 are 3-degree zones, 13–23 6-degree ones."""
    numbers = sorted({int(one // 1e6) for one in east[zoned]})
    known = {n: 4488 + n if n >= 25 else 4478 + n for n in numbers if 25 <= n <= 45 or 13 <= n <= 23}
    return ", ".join(f"{n} → EPSG:{code}" for n, code in list(known.items())[:5]) or "?"


def no_places(degrees: Any, rows: NDArray[np.int64]) -> list[str]:
    """Degrees that are no place on the earth, or a shape wrapped round it."""
    coords, index = shapely.get_coordinates(degrees, return_index=True)
    with np.errstate(invalid="ignore"):
        bad = ~((np.abs(coords[:, 0]) <= 180) & (np.abs(coords[:, 1]) <= 90))
    lost = np.unique(index[bad])
    west, _, east, _ = shapely.bounds(degrees).T
    wide = np.setdiff1d(np.flatnonzero(east - west > 180), lost)
    problems = []
    if lost.size:
        problems.append(_one(rows[lost], "无法换算为经纬度", "cannot be carried over: coordinates are no degrees"))
    if wide.size:
        problems.append(_one(rows[wide], "跨越半个地球以上（180° 经线处有误）",
                             "spans more than half the globe (wrong at the 180° meridian)"))  # fmt: skip
    return problems
