"""Land use: codes of surveys and plans to a few classes, where homes can be, and residential land cut into cells."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from xiqing_space import catalog
from xiqing_space.crs import GEOGRAPHIC, project_geometry, to_degrees
from xiqing_space.errors import CatalogueError, ConfigError, InputDataError
from xiqing_space.ingest.quality import Quality
from xiqing_space.ingest.vectors import Where, polygons_of, read_vector, text_of

SQUARE_M_PER_HA = 10_000.0
COLUMNS = ("landuse_id", "class", "code", "area_ha", "source", "source_row", "geometry")
CELL_COLUMNS = ("point_id", "landuse_id", "class", "zone_id", "area_ha", "geometry")
_OVERLAP_HA = 0.1  # residential land drawn twice that is worth a doubt
_SHORTEST_CODE = 4  # a shorter one stands for itself alone: 051 of an older survey is no 05


@cache
def landuse_catalogue() -> dict[str, Any]:
    """landuse.toml, checked: classes, uses, presets and thresholds.

    Raises
    ------
    CatalogueError
        A code names an unknown class, or is given twice.
    """
    raw = tomllib.loads(resources.files(catalog).joinpath("landuse.toml").read_text(encoding="utf-8"))
    known = set(raw["class"])
    for name, preset in raw["preset"].items():
        codes = [one["code"] for one in preset["codes"]]
        if twice := sorted({one for one in codes if codes.count(one) > 1}):
            raise CatalogueError(f"landuse.toml, {name}: codes given twice: {twice}")
        if unknown := sorted({one["class"] for one in preset["codes"]} - known):
            raise CatalogueError(f"landuse.toml, {name}: unknown classes {unknown}")
    if unknown := sorted({one for uses in raw["use"].values() for one in uses} - known):
        raise CatalogueError(f"landuse.toml, use: unknown classes {unknown}")
    return raw


def classify_code(code: str, preset: str, own: Mapping[str, str] | None = None) -> tuple[str | None, bool]:
    """The class of a code and whether its reading was seen; None for a code that the catalogue does not hold.

    The longest entry counts: 08H2A before 08H2. An entry of two figures stands for its sub-codes only where it says so.
    """
    if own and code in own:
        return own[code], True
    entries = {one["code"]: one for one in landuse_catalogue()["preset"][preset]["codes"]}
    if code in entries:
        return entries[code]["class"], entries[code]["seen"]
    if preset == "osm" or len(code) < _SHORTEST_CODE or not code[:2].isdigit():
        return None, False
    for length in range(len(code) - 1, 1, -1):
        one = entries.get(code[:length])
        if one is not None and (length >= _SHORTEST_CODE or one.get("whole", False)):
            return one["class"], one["seen"]
    return None, False


def read_landuse(
    path: Path,
    preset: str,
    *,
    metric_epsg: int,
    quality: Quality,
    column: str | None = None,
    codes: Mapping[str, str] | None = None,
    layer: str | None = None,
    crs: int | str | None = None,
    encoding: str | None = None,
    where_filter: Where | None = None,
) -> pd.DataFrame:
    """Land use of a file.

    The classes are coarse: 08H2 holds schools beside hospitals, and land that a survey calls housing may stand empty.

    Parameters
    ----------
    path : Path
        Any file that `read_vector` reads.
    preset : str
        "dlbm" (国土变更调查), "ydyh" (用地用海) or "osm".
    column : str, optional
        The column of codes; without it the preset's usual names are looked for.
    codes : mapping of code to class, optional
        Local codes, or another reading of known ones.

    Returns
    -------
    DataFrame
        `landuse_id, class, code, area_ha, source, source_row, geometry` (MultiPolygon, EPSG:4326), in the file's order.
        Land of an unknown code is not in it: codes and their counts are a doubt.

    Raises
    ------
    ConfigError
        No such preset or class.
    InputDataError
        The file cannot be used, or has no column of codes.
    """
    rules = landuse_catalogue()
    if preset not in rules["preset"] or (codes and not set(codes.values()) <= set(rules["class"])):
        raise ConfigError(
            f"没有此用地对照 {preset!r} 或用地类别 {sorted(set((codes or {}).values()) - set(rules['class']))} / "
            "no such preset or class of land use",
            todo=f"preset: {', '.join(rules['preset'])}; class: {', '.join(rules['class'])}",
        )
    read = read_vector(path, layer=layer, crs=crs, encoding=encoding, quality=quality, where_filter=where_filter,
                       allow_missing=True)  # fmt: skip
    frame = polygons_of(read, quality)
    wanted = [column] if column else rules["preset"][preset]["columns"]
    found = [one for one in wanted if one in frame.columns]
    if not found:
        raise InputDataError(
            f"没有地类编码列（{'、'.join(wanted)}）/ there is no column of land-use codes ({', '.join(wanted)})",
            where=path.name,
            first=[str(one)[:60] for one in frame.columns if one != "geometry"],
            todo="用 column 写明编码所在的列 / name the column of codes by column",
        )
    values = [text_of(one) for one in frame[found[0]]]
    shapes = frame.geometry.to_numpy()
    table = pd.DataFrame(
        {
            "landuse_id": [f"file:{path.stem}:{row}" for row in read.rows],
            "class": _classes(values, preset, codes, path.name, quality),
            "code": values,
            "area_ha": shapely.area(project_geometry(shapes, GEOGRAPHIC, metric_epsg)) / SQUARE_M_PER_HA,
            "source": path.name,
            "source_row": read.rows,
            "geometry": shapes,
        },
        columns=list(COLUMNS),
    )
    table = table[table["class"].notna()].reset_index(drop=True)
    _note_overlaps(table, metric_epsg, path.name, quality)
    return table


def _classes(
    values: list[str], preset: str, own: Mapping[str, str] | None, source: str, quality: Quality
) -> list[str | None]:
    counts = pd.Series(values, dtype=object).value_counts()
    known = {code: classify_code(code, preset, own) for code in counts.index}
    for check, chosen in (
        ("landuse_unknown_codes", sorted(code for code, (name, _) in known.items() if name is None)),
        ("landuse_codes_unseen", sorted(code for code, (name, seen) in known.items() if name and not seen)),
    ):
        if chosen:
            shown = ", ".join(f"{code[:30] or '（空）'} × {counts[code]}" for code in chosen[:40])
            quality.add(check, source=source, n=int(counts[chosen].sum()), codes=shown + (" …" if chosen[40:] else ""))
    return [known[code][0] for code in values]


def of_use(landuse: pd.DataFrame, use: str) -> pd.DataFrame:
    """Land of one use: `residential`, `no_homes` (no families live there) or `candidates` (vacant or kept for later)."""
    return landuse[landuse["class"].isin(landuse_catalogue()["use"][use])].reset_index(drop=True)


def within_use(landuse: pd.DataFrame, use: str, points: Any) -> NDArray[np.bool_]:
    """Whether points (degrees) lie on land of a use: the mask that keeps works and campuses free of children."""
    shapes = of_use(landuse, use)["geometry"].to_numpy(dtype=object)
    found = np.zeros(len(points), dtype=bool)
    found[shapely.STRtree(shapes).query(np.asarray(points, dtype=object), predicate="intersects")[0]] = True
    return found


def _note_overlaps(table: pd.DataFrame, metric_epsg: int, source: str, quality: Quality) -> None:
    """Residential land drawn twice counts twice in areas."""
    land = of_use(table, "residential")
    shapes = project_geometry(land["geometry"].to_numpy(dtype=object), GEOGRAPHIC, metric_epsg)
    first, second = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    once = first < second
    common = shapely.area(shapely.intersection(shapes[first[once]], shapes[second[once]])) / SQUARE_M_PER_HA
    if common.sum() > _OVERLAP_HA:
        rows = land["source_row"].to_numpy()[np.unique(second[once][common > 1e-4])]
        shown = "、".join(map(str, rows[:20])) + (" …" if len(rows) > 20 else "")
        quality.add("landuse_overlap", source=source, row=shown, n=len(rows), area_ha=f"{common.sum():.1f}")


def settlement_of_zones(zones: pd.DataFrame, landuse: pd.DataFrame, metric_epsg: int) -> pd.DataFrame:
    """Whether zones are urban or rural, by the residential land in them; nothing is said where land use tells too little.

    It describes land, not households' registration; the thresholds are this project's own and stand in the catalogue.

    Parameters
    ----------
    zones : DataFrame
        `zone_id` and geometry (EPSG:4326).
    landuse : DataFrame
        As `read_landuse` gives it.

    Returns
    -------
    DataFrame
        In the order of `zones`: `zone_id, settlement` (urban, rural, mixed or None), `urban_ha, rural_ha, untold_ha,
        mapped_share, reason` (`no_land_use`, `little_residential_land`, `housing_not_told_apart` or None).
    """
    rules = landuse_catalogue()["settlement"]
    shapes = project_geometry(zones["geometry"].to_numpy(dtype=object), GEOGRAPHIC, metric_epsg)
    ordered = landuse.sort_values("landuse_id", kind="stable")
    land = project_geometry(ordered["geometry"].to_numpy(dtype=object), GEOGRAPHIC, metric_epsg)
    classes = ordered["class"].to_numpy(dtype=object)
    zone, piece = shapely.STRtree(land).query(shapes, predicate="intersects")
    parts = shapely.intersection(land[piece], shapes[zone])
    hectares = shapely.area(parts) / SQUARE_M_PER_HA
    rows = []
    for at, (identity, shape) in enumerate(zip(zones["zone_id"], shapes, strict=True)):
        mine = zone == at
        sums = [float(hectares[mine & (classes[piece] == name)].sum()) for name in
                ("residential_urban", "residential_rural", "residential")]  # fmt: skip
        mapped = float(shapely.area(shapely.union_all(parts[mine]))) / max(float(shape.area), 1e-9)
        rows.append((identity, *_settlement(sums, mapped, rules), *sums, min(mapped, 1.0)))
    columns = ["zone_id", "settlement", "reason", "urban_ha", "rural_ha", "untold_ha", "mapped_share"]
    found = pd.DataFrame(rows, columns=columns).astype({"zone_id": object})
    for name in ("settlement", "reason"):
        found[name] = pd.Series([row[columns.index(name)] for row in rows], index=found.index, dtype=object)
    return found


def _settlement(sums: list[float], mapped: float, rules: Mapping[str, float]) -> tuple[str | None, str | None]:
    urban, rural, untold = sums
    if mapped < rules["min_mapped_share"]:
        return None, "no_land_use"
    if urban + rural + untold < rules["min_residential_ha"]:
        return None, "little_residential_land"
    if untold > rules["max_untold_share"] * (urban + rural + untold):
        return None, "housing_not_told_apart"
    share = urban / (urban + rural)
    if share >= rules["urban_share"]:
        return "urban", None
    return ("rural" if 1.0 - share >= rules["rural_share"] else "mixed"), None


def residential_points(
    landuse: pd.DataFrame, zones: pd.DataFrame, metric_epsg: int, cell_m: float = 50.0, within: Any = None
) -> pd.DataFrame:
    """Residential land cut into cells, each with a point on it, so that land is reached as homes are.

    Their areas sum to the land's area. A covered hectare says nothing of how many live on it.

    Parameters
    ----------
    landuse, zones : DataFrame
        As `read_landuse` gives it; `zone_id` and geometry. EPSG:4326.
    cell_m : float
        Side of the cells, metres, on a grid that starts at the metric system's own origin: cells do not shift with the data.
    within : geometry, optional
        Metric: land outside it is left out, and land on its edge is cut.

    Returns
    -------
    DataFrame
        `point_id, landuse_id, class, zone_id` (None outside every zone; of overlapping zones the first by id), `area_ha,
        geometry` (Point on the land, EPSG:4326), in id order.
    """
    if not (np.isfinite(cell_m) and cell_m > 0):
        raise ConfigError(f"cell_m = {cell_m}：应为正数 / must be a positive number of metres")
    land = of_use(landuse, "residential").sort_values("landuse_id", kind="stable")
    shapes = project_geometry(land["geometry"].to_numpy(dtype=object), GEOGRAPHIC, metric_epsg)
    if within is not None:
        shapely.prepare(within)
        across = ~shapely.covers(within, shapes)
        shapes[across] = shapely.intersection(shapes[across], within)
    ordered = zones.sort_values("zone_id", kind="stable")
    names = ordered["zone_id"].tolist()
    places = project_geometry(ordered["geometry"].to_numpy(dtype=object), GEOGRAPHIC, metric_epsg)
    tree = shapely.STRtree(places)
    rows: list[tuple[str, str, str, str | None, float]] = []
    points: list[Any] = []
    for identity, name, shape in zip(land["landuse_id"], land["class"], shapes, strict=True):
        cells = [(zone, *cell) for zone, part in _by_zone(shape, tree, places) for cell in _cells(part, cell_m)]
        # what rounding in the cuts took or gave is shared out: the cells sum to the land's own area
        scale = float(shape.area) / sum(one[3] for one in cells) if cells else 0.0
        for zone, column, row, area, point in cells:
            zone_id = None if zone is None else names[zone]
            rows.append((f"{identity}@{column}_{row}" + (f"@{zone_id}" if zone_id else ""), identity, name, zone_id,
                         area * scale / SQUARE_M_PER_HA))  # fmt: skip
            points.append(point)
    table = pd.DataFrame(rows, columns=list(CELL_COLUMNS[:-1]))
    table["zone_id"] = pd.Series([row[3] for row in rows], index=table.index, dtype=object)
    return table.assign(geometry=to_degrees(np.asarray(points, dtype=object), metric_epsg))


def _by_zone(shape: Any, tree: Any, places: Any) -> list[tuple[int | None, Any]]:
    near = sorted(tree.query(shape, predicate="intersects").tolist())
    if len(near) == 1 and shapely.covers(places[near[0]], shape):
        return [(near[0], shape)]
    parts: list[tuple[int | None, Any]] = []
    rest = shape
    for zone in near:
        parts.append((zone, shapely.intersection(rest, places[zone])))
        rest = shapely.difference(rest, places[zone])
    return [(zone, part) for zone, part in [*parts, (None, rest)] if part.area > 0]


def _cells(part: Any, cell_m: float) -> list[tuple[int, int, float, Any]]:
    """(column, row, square metres, point) of the cells that a piece of land fills."""
    west, south, east, north = part.bounds
    first = np.floor(np.array([west, south]) / cell_m).astype(np.int64)
    last = np.floor(np.array([east, north]) / cell_m).astype(np.int64)
    origin = first * cell_m
    local = shapely.transform(part, lambda coords: coords - origin)  # small numbers: areas keep all their digits
    count = last - first + 1
    columns, rows = (one.ravel() for one in np.meshgrid(np.arange(count[0]), np.arange(count[1]), indexing="ij"))
    boxes = shapely.box(columns * cell_m, rows * cell_m, (columns + 1) * cell_m, (rows + 1) * cell_m)
    shapely.prepare(local)
    met = shapely.intersects(local, boxes)
    columns, rows, boxes = columns[met], rows[met], boxes[met]
    pieces = shapely.intersection(local, boxes)
    areas = shapely.area(pieces)
    points = shapely.transform(shapely.point_on_surface(pieces), lambda coords: coords + origin)
    return [
        (int(column + first[0]), int(row + first[1]), float(area), point)
        for column, row, area, point in zip(columns, rows, areas, points, strict=True)
        if area > 0
    ]
