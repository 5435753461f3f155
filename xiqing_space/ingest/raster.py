"""Population rasters: cells as they are, in float64, never resampled."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
import shapely

from xiqing_space.crs import GEOGRAPHIC
from xiqing_space.errors import InputDataError
from xiqing_space.ingest.ages import read_age_group
from xiqing_space.ingest.area import Area
from xiqing_space.ingest.counts import plain
from xiqing_space.ingest.quality import Quality

if TYPE_CHECKING:
    from numpy.typing import NDArray

Unit = Literal["persons_per_cell", "persons_per_km2"]
MAX_CELLS = 50_000_000  # in the area's window: a 565 km² district with its buffer holds 0.1 million cells of 100 m
STRIP_CELLS = 4_000_000
MAX_SHOWN = 1000  # faulty cells named
DENSE_PER_KM2 = 200_000.0  # denser than any quarter of a Chinese city: most likely the wrong unit
# a VRT may name any file or address, so only these are opened
_DRIVERS = {".tif": "GTiff", ".tiff": "GTiff", ".img": "HFA", ".asc": "AAIGrid"}
_TOTAL = {"pop_total", "总人口", "人口", "population", "pop"}


@dataclass(frozen=True)
class RasterCells:
    """The cells of a raster that hold people.

    `frame`: row, col (of the whole raster), and persons per cell as pop_total or by age group; `transform` is the affine
    (a, b, c, d, e, f) from col, row to x, y in `crs` (WKT); `valid` says which cells of the window `origin` (row, col) hold
    data, noughts included.
    """

    frame: pd.DataFrame
    transform: tuple[float, float, float, float, float, float]
    crs: str
    origin: tuple[int, int]
    valid: NDArray[np.bool_]
    source: str

    def polygons(self, rows: NDArray[np.intp], cols: NDArray[np.intp], metric_epsg: int) -> Any:
        """Cells as polygons of the metric system; neighbours share their corners to the last digit."""
        return _cell_polygons(self.transform, self.crs, rows, cols, metric_epsg)

    def locate(self, points: Any, metric_epsg: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Row and column of the cell that holds each point of the metric system; may lie outside the raster."""
        from pyproj import Transformer

        there = Transformer.from_crs(metric_epsg, self.crs, always_xy=True)
        x, y = there.transform(shapely.get_x(points), shapely.get_y(points))
        col, row = _inverse(self.transform, np.asarray(x, dtype=float), np.asarray(y, dtype=float))
        far = 2.0**52
        inside = np.isfinite(col) & np.isfinite(row) & (np.abs(col) < far) & (np.abs(row) < far)
        return (
            np.where(inside, np.floor(np.where(inside, row, 0)), -1).astype(np.intp),
            np.where(inside, np.floor(np.where(inside, col, 0)), -1).astype(np.intp),
        )

    def holds_data(self, rows: NDArray[np.intp], cols: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Whether a cell holds a figure, be it nought."""
        row, col = rows - self.origin[0], cols - self.origin[1]
        there = (row >= 0) & (col >= 0) & (row < self.valid.shape[0]) & (col < self.valid.shape[1])
        return np.asarray(there & self.valid[np.where(there, row, 0), np.where(there, col, 0)], dtype=bool)


def _inverse(
    transform: tuple[float, ...], x: NDArray[np.float64], y: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    a, b, c, d, e, f = transform
    scale = a * e - b * d
    return (e * (x - c) - b * (y - f)) / scale, (a * (y - f) - d * (x - c)) / scale


def _cell_polygons(transform: tuple[float, ...], crs: str, rows: Any, cols: Any, metric_epsg: int) -> Any:
    from pyproj import Transformer

    if not len(rows):
        return np.empty(0, dtype=object)
    a, b, c, d, e, f = transform
    col = np.asarray(cols)[:, None] + np.array([0, 1, 1, 0])
    row = np.asarray(rows)[:, None] + np.array([0, 0, 1, 1])
    x, y = a * col + b * row + c, d * col + e * row + f
    there = Transformer.from_crs(crs, metric_epsg, always_xy=True)
    x, y = there.transform(x, y)
    return shapely.polygons(np.stack([x, y], axis=-1))


def true_area_km2(polygons: Any, metric_epsg: int) -> NDArray[np.float64]:
    """Areas on the ground: those in the metric system, freed of its scale at each place."""
    from pyproj import Proj, Transformer

    centre = shapely.centroid(polygons)
    lon, lat = Transformer.from_crs(metric_epsg, GEOGRAPHIC, always_xy=True).transform(
        shapely.get_x(centre), shapely.get_y(centre)
    )
    scale = np.asarray(Proj(f"EPSG:{metric_epsg}").get_factors(lon, lat).areal_scale, dtype=float)
    return np.asarray(shapely.area(polygons) / scale / 1e6, dtype=np.float64)


def read_people_raster(
    path: Path, area: Area, quality: Quality, *, unit: Unit, bands: Mapping[str, int | str] | None = None
) -> RasterCells:
    """Cells with people in the area and its buffer.

    Parameters
    ----------
    path : Path
        GeoTIFF, Erdas Imagine or ASCII grid, in any coordinate system, turned or not.
    area : Area
    quality : Quality
    unit : "persons_per_cell" or "persons_per_km2"
        Densities become persons by each cell's true area.
    bands : mapping of field to band, optional
        `pop_total` or an age group (`0-4`) and the number or name of its band. Where absent: the one band is pop_total, or
        bands are taken by their names.

    Raises
    ------
    InputDataError
        No raster, no coordinate system, a negative or infinite cell, too many cells, or it misses the area; all that can be
        told at once is listed.

    Notes
    -----
    Cells without data are unknown, not empty: homes in them stay without people and are counted in quality.
    """
    import rasterio
    from rasterio.errors import NotGeoreferencedWarning, RasterioError

    if unit not in ("persons_per_cell", "persons_per_km2"):
        raise InputDataError(
            "人口栅格的单位未注明 / the unit of the raster is not stated", where=path.name,
            todo="写明 unit = persons_per_cell（每格人数）或 persons_per_km2（每平方公里人数）/ state unit",
        )  # fmt: skip
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)  # told below, with its remedy
            with rasterio.open(path, driver=_DRIVERS.get(path.suffix.lower(), "GTiff")) as raster:
                return _read(raster, path.name, area, quality, unit, bands)
    except RasterioError as error:
        raise InputDataError(
            f"无法读取栅格 / cannot read the raster: {plain(str(error).replace(str(path), path.name))}", where=path.name,
            todo="应为 GeoTIFF (.tif)、.img 或 .asc / give a GeoTIFF, .img or .asc",
        ) from error  # fmt: skip


def _read(
    raster: Any, name: str, area: Area, quality: Quality, unit: Unit, bands: Mapping[str, int | str] | None
) -> RasterCells:
    transform = tuple(float(one) for one in tuple(raster.transform)[:6])
    fields, problems = _bands(raster, bands)
    if raster.crs is None:
        problems.append("没有坐标系说明 / no coordinate system is stated")
    determinant = transform[0] * transform[4] - transform[1] * transform[3]
    if raster.transform.is_identity or not math.isfinite(determinant) or determinant == 0:
        problems.append("没有可用的地理定位（仿射变换）/ no usable geotransform")
    if any(np.dtype(raster.dtypes[band - 1]).kind not in "iuf" for band in fields.values()):
        problems.append("像元不是实数 / cells are no real numbers")
    if problems:
        raise InputDataError(
            "人口栅格无法使用 / the population raster cannot be used", where=name, first=problems,
            todo="在 GIS 中定义坐标系并导出为 GeoTIFF / define the system in a GIS and export a GeoTIFF",
        )  # fmt: skip
    crs = raster.crs.to_wkt()
    row0, row1, col0, col1 = _window(transform, crs, raster.shape, area, name)
    if (row1 - row0) * (col1 - col0) > MAX_CELLS:
        raise InputDataError(
            f"评估范围内有 {(row1 - row0) * (col1 - col0):,} 个像元，上限 {MAX_CELLS:,} / too many cells in the study area",
            where=name,
            todo="用“求和”聚合为约 100 m 的像元后再用 / aggregate to cells of about 100 m by sum, then use that",
        )
    frame, valid = _cells(raster, fields, (row0, row1, col0, col1), name)
    _require_people(frame, valid, name)
    _note_fill(raster, fields, frame, name, quality)
    cells = RasterCells(frame, transform, crs, (row0, col0), valid, name)  # type: ignore[arg-type]
    cells = _persons(cells, list(fields), unit, area, quality)
    _note_cover(cells, area, quality)
    return cells


def _bands(raster: Any, bands: Mapping[str, int | str] | None) -> tuple[dict[str, int], list[str]]:
    names = [plain(one) for one in raster.descriptions]
    if bands is None:
        if raster.count == 1:
            return {"pop_total": 1}, []
        found: dict[str, int] = {}
        twice = []
        for place, one in enumerate(names, 1):
            field = "pop_total" if one.lower() in _TOTAL else one
            if field != "pop_total" and read_age_group(one) is None:
                continue
            if (first := _same_field(field, found)) is not None:
                at = f"{found[first]}、{place}"
                twice.append(
                    f"波段 {at} 都是“{plain(one, 40)}”，请写明 bands / bands {at} are both {plain(one, 40)!r}: state bands"
                )
            found.setdefault(field, place)
        return found, twice if found else [
            f"{raster.count} 个波段均无可识别的名称 / none of {raster.count} bands has a known name"
        ]
    fields: dict[str, int] = {}
    problems = []
    for field, band in bands.items():
        place = band if isinstance(band, int) else names.index(band) + 1 if band in names else 0
        if not 1 <= place <= raster.count:
            problems.append(f"没有波段“{plain(band, 40)}” / there is no band {plain(band, 40)!r}")
        elif field != "pop_total" and read_age_group(field) is None:
            problems.append(f"“{plain(field, 40)}”不是年龄组 / {plain(field, 40)!r} is no age group")
        elif (first := _same_field(field, fields)) is not None or place in fields.values():
            other = first or next(one for one, at in fields.items() if at == place)
            problems.append(
                f"“{plain(field, 40)}”与“{plain(other, 40)}”是同一项或同一波段 / {plain(field, 40)!r} and {plain(other, 40)!r} are one field or one band"
            )
        else:
            fields[field] = place
    return fields, problems


def _same_field(field: str, known: Mapping[str, int]) -> str | None:
    """The field among those known that is the same one by another spelling: 0-4 and 0_4."""
    group = read_age_group(field)
    return next((one for one in known if one == field or (group is not None and read_age_group(one) == group)), None)


def _require_people(frame: pd.DataFrame, valid: NDArray[np.bool_], name: str) -> None:
    """A raster that holds nobody in the study area is the wrong one: every figure would rest on noughts."""
    if not valid.any():
        raise InputDataError(
            "评估范围内的像元全部无数据 / every cell in the study area is without data", where=name,
            todo="检查栅格的范围、波段与 nodata 设置 / check the raster's extent, band and nodata value",
        )  # fmt: skip
    if not len(frame):
        raise InputDataError(
            "评估范围内的像元全部为 0 / every cell in the study area is 0", where=name,
            todo="检查波段是否正确 / check that it is the right band",
        )  # fmt: skip


def _note_fill(raster: Any, fields: Mapping[str, int], frame: pd.DataFrame, name: str, quality: Quality) -> None:
    """Cells that hold the largest number of their type where no nodata value is declared: most likely a fill, counted as people."""
    for field, band in fields.items():
        kind = np.dtype(raster.dtypes[band - 1])
        if kind.kind not in "iu" or raster.nodatavals[band - 1] is not None:
            continue
        top = np.iinfo(kind).max * raster.scales[band - 1] + raster.offsets[band - 1]
        if many := int((frame[field] == top).sum()):
            quality.add("raster_fill", source=name, id=field, n=many, value=f"{top:g}")


def _window(
    transform: tuple[float, ...], crs: str, shape: tuple[int, int], area: Area, name: str
) -> tuple[int, int, int, int]:
    from pyproj import Transformer

    box = shapely.box(*area.buffered.bounds)
    corners = shapely.get_coordinates(shapely.segmentize(box, max(box.length / 400, 1.0)))
    x, y = Transformer.from_crs(area.metric_epsg, crs, always_xy=True).transform(corners[:, 0], corners[:, 1])
    col, row = _inverse(transform, np.asarray(x, dtype=float), np.asarray(y, dtype=float))
    if np.isfinite(col).all() and np.isfinite(row).all():
        ends = [
            int(np.clip(value, 0, limit)) for value, limit in (
                (math.floor(row.min()) - 1, shape[0]), (math.ceil(row.max()) + 1, shape[0]),
                (math.floor(col.min()) - 1, shape[1]), (math.ceil(col.max()) + 1, shape[1]),
            )
        ]  # fmt: skip
        if ends[0] < ends[1] and ends[2] < ends[3]:
            return ends[0], ends[1], ends[2], ends[3]
    raise InputDataError(
        "人口栅格与评估范围不相交 / the population raster does not touch the study area", where=name,
        todo="检查栅格的坐标系与范围 / check its coordinate system and extent",
    )  # fmt: skip


def _strips(window: tuple[int, int, int, int]) -> Iterator[tuple[int, int]]:
    row0, row1, col0, col1 = window
    step = max(1, STRIP_CELLS // (col1 - col0))
    for top in range(row0, row1, step):
        yield top, min(top + step, row1)


def _cells(
    raster: Any, fields: dict[str, int], window: tuple[int, int, int, int], name: str
) -> tuple[pd.DataFrame, NDArray[np.bool_]]:
    """Positive cells and where there is data, strip by strip: a large raster never lies in memory whole."""
    row0, row1, col0, col1 = window
    valid = np.zeros((row1 - row0, col1 - col0), dtype=bool)
    parts: list[pd.DataFrame] = []
    problems: list[str] = []
    wrong = 0
    for top, bottom in _strips(window):
        values = []
        for band in fields.values():
            read = raster.read(band, window=((top, bottom), (col0, col1)), masked=True)
            number = np.ma.getdata(read).astype(np.float64) * raster.scales[band - 1] + raster.offsets[band - 1]
            number[np.ma.getmaskarray(read)] = np.nan
            values.append(number)
        stack = np.stack(values)
        bad = (stack < 0) | np.isinf(stack)
        wrong += int(bad.sum())
        for band, row, col in np.argwhere(bad)[: max(0, MAX_SHOWN - len(problems))].tolist():
            at = f"{row + top + 1}/{col + col0 + 1}"
            problems.append(f"行/列 {at} / row/column {at}: {list(fields)[band]} = {stack[band, row, col]:g}")
        known = ~np.isnan(stack).any(axis=0)
        valid[top - row0 : bottom - row0] = known
        row, col = np.nonzero(known & (stack > 0).any(axis=0))
        parts.append(
            pd.DataFrame({"row": row + top, "col": col + col0, **{
                one: stack[place, row, col] for place, one in enumerate(fields)
            }})
        )  # fmt: skip
    if wrong:
        raise InputDataError(
            f"{wrong} 个像元的值为负或无穷 / {wrong} cells are negative or infinite", where=name, first=problems,
            todo="若为无数据的填充值（如 -9999），请在 GIS 中设为 nodata / declare fill values such as -9999 as nodata",
        )  # fmt: skip
    return pd.concat(parts, ignore_index=True), valid


def _persons(cells: RasterCells, fields: list[str], unit: Unit, area: Area, quality: Quality) -> RasterCells:
    frame = cells.frame
    if not len(frame):
        return cells
    most = frame[fields].max(axis=1).to_numpy()
    rows, cols = frame["row"].to_numpy(), frame["col"].to_numpy()
    if unit == "persons_per_km2":
        size = true_area_km2(cells.polygons(rows, cols, area.metric_epsg), area.metric_epsg)
        density = float(most.max())
        frame = frame.assign(**{one: frame[one].to_numpy() * size for one in fields})
    else:
        top = np.array([int(most.argmax())])
        size = true_area_km2(cells.polygons(rows[top], cols[top], area.metric_epsg), area.metric_epsg)
        density = float(most[top[0]] / size[0])
    if density > DENSE_PER_KM2:
        quality.add("raster_dense", source=cells.source, density=f"{density:.0f}", unit=unit)
    return RasterCells(frame, cells.transform, cells.crs, cells.origin, cells.valid, cells.source)


def _note_cover(cells: RasterCells, area: Area, quality: Quality) -> None:
    """Note the part of the area that lies beyond the raster."""
    from pyproj import Transformer

    (top, left), (height, width) = cells.origin, cells.valid.shape
    down, across = np.arange(height + 1) + top, np.arange(width + 1) + left
    rows = np.r_[np.full(width + 1, top), down, np.full(width + 1, top + height), down[::-1]]
    cols = np.r_[across, np.full(height + 1, left + width), across[::-1], np.full(height + 1, left)]
    a, b, c, d, e, f = cells.transform
    there = Transformer.from_crs(cells.crs, area.metric_epsg, always_xy=True)
    outline = shapely.make_valid(
        shapely.polygons(np.column_stack(there.transform(a * cols + b * rows + c, d * cols + e * rows + f)))
    )
    beyond = area.metric.difference(outline).area / area.metric.area
    if beyond > 1e-6:
        quality.add("raster_short", source=cells.source, share=f"{beyond:.1%}")
