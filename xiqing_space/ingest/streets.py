"""Streets: from OSM ways or an osmnx GeoPackage to edges that say who may walk on them, and why not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyogrio
import shapely
from numpy.typing import NDArray

from xiqing_space.catalog import Catalogue
from xiqing_space.crs import COORDINATE_DIGITS, GEOGRAPHIC, project
from xiqing_space.errors import InputDataError
from xiqing_space.ingest.osm_streets import STREET_TAGS, StreetWays, read_street_ways
from xiqing_space.ingest.quality import Quality
from xiqing_space.memory import collection_paused

_YARD_WAYS = ("footway", "path", "steps", "service", "pedestrian", "corridor", "living_street")
LENGTH_DIGITS = 3  # lengths are rounded once, here, so that graph and table hold the same numbers


def _among(values: NDArray[np.object_], *wanted: str | None) -> NDArray[np.bool_]:
    """Element-wise membership that knows None."""
    found: NDArray[np.bool_] = np.zeros(len(values), dtype=bool)
    for one in wanted:
        found |= values == one
    return found


def walkability(tags: dict[str, Any], catalogue: Catalogue) -> pd.DataFrame:
    """Who may walk on each way, from its tags.

    Parameters
    ----------
    tags : dict of str to sequence of str or None
        Columns `highway`, `foot`, `access`, `motorroad` and the ramp keys; absent keys count as untagged.
    catalogue : Catalogue
        `barriers.walkable` holds the rules.

    Returns
    -------
    DataFrame
        Columns `walk`, `pram` (bool) and `blocked_reason` (text or missing), a row per way.
    """
    rules = catalogue.barriers["walkable"]
    count = len(tags["highway"])

    def column(key: str) -> NDArray[np.object_]:
        return np.asarray(tags[key], dtype=object) if key in tags else np.full(count, None, dtype=object)

    highway, foot, access = column("highway"), column("foot"), column("access")
    allowed = np.isin(foot, rules["foot_allows"])
    reason = np.full(count, None, dtype=object)
    # the last rule that fits names the reason, so the gravest comes last
    reason[(highway == "cycleway") & ~allowed] = "cycleway_without_foot"
    reason[np.isin(access, rules["access_forbids"]) & ~allowed] = "access_private"
    reason[np.isin(foot, rules["foot_forbids"])] = "foot_no"
    reason[(column("motorroad") == "yes") & ~allowed] = "motorroad"
    for name, values in rules["never"].items():
        reason[np.isin(highway, values)] = name
    walk = reason == None  # noqa: E711  (element-wise on an object array)
    ramp = np.zeros(count, dtype=bool)
    for key in rules["ramp_keys"]:
        ramp |= ~_among(column(key), None, "no")
    steps = np.isin(highway, rules["steps"]) & ~ramp
    reason[walk & steps] = "steps"
    return pd.DataFrame({"walk": walk, "pram": walk & ~steps, "blocked_reason": reason})


def measure_lengths(lonlat: NDArray[np.float64], start: NDArray[np.int64], metric_epsg: int) -> NDArray[np.float64]:
    """Length of each line in metres, rounded.

    Parameters
    ----------
    lonlat : float64 (m, 2)
        Vertices of all lines, degrees; each line has two or more.
    start : int64 (n + 1,)
        Where each line begins.
    """
    x, y = project(lonlat, GEOGRAPHIC, metric_epsg).T
    step = np.hypot(np.diff(x), np.diff(y))
    step[start[1:-1] - 1] = 0.0  # from one line to the next
    total = np.asarray(np.add.reduceat(step, start[:-1]), dtype=np.float64)
    return np.round(total, LENGTH_DIGITS)


def _repeat_index(base: NDArray[np.object_]) -> NDArray[np.object_]:
    """Add :2, :3 … to ids that occur again, in the order given."""
    names = pd.Series(base, dtype=object)
    again = names[names.duplicated(keep=False)]
    seen = again.groupby(again.to_numpy()).cumcount()
    for index, times in seen[seen > 0].items():
        base[index] = f"{base[index]}:{times + 1}"
    return base


def _underground(tag: dict[str, NDArray[np.object_]]) -> NDArray[np.bool_]:
    """Tunnels, but not passages through a building: those of footways and yards carry no layer, or say so."""
    passage = np.isin(tag["highway"], _YARD_WAYS) & (tag["layer"] == None)  # noqa: E711  (element-wise)
    underground: NDArray[np.bool_] = ~_among(tag["tunnel"], None, "no", "building_passage") & ~passage
    return underground


_RULE_TAGS = (
    "highway",
    "foot",
    "access",
    "motorroad",
    "ramp",
    "ramp:stroller",
    "ramp:wheelchair",
    "layer",
    "bridge",
    "tunnel",
)


def _judge(ways: StreetWays, catalogue: Catalogue) -> pd.DataFrame:
    """`walkability`, `bridge` and `tunnel` of every set of tags: the rules see each combination of theirs once."""
    code: dict[tuple[Any, ...], int] = {}
    row = [code.setdefault(tags, len(code)) for tags in zip(*(ways.tags[key] for key in _RULE_TAGS), strict=True)]
    columns = zip(*code, strict=True)
    few = {key: np.asarray(values, dtype=object) for key, values in zip(_RULE_TAGS, columns, strict=True)}
    rules = walkability(few, catalogue)
    rules["bridge"], rules["tunnel"] = ~_among(few["bridge"], None, "no"), _underground(few)
    return rules.iloc[row]


def _joined(*parts: str | pa.Array) -> pa.Array:
    """Texts put together, row by row."""
    columns = [pa.scalar(one, pa.large_string()) if isinstance(one, str) else one for one in parts]
    return pc.binary_join_element_wise(*columns, pa.scalar("", pa.large_string()))


def _again_in_way(ways: StreetWays) -> pd.Series:
    """Of the edges that join the same nodes in one way as an earlier edge does: row, and how many came before."""
    order = np.argsort(ways.u, kind="stable")
    beside = np.flatnonzero((np.diff(ways.u[order]) == 0) & (np.diff(ways.way_id[order]) == 0))
    row = np.union1d(order[beside], order[beside + 1])  # few: their way leaves the node they begin at more than once
    before = pd.Series(ways.v[row], row).groupby([ways.way_id[row], ways.u[row], ways.v[row]]).cumcount()
    return before[before > 0]


def _names(ways: StreetWays) -> dict[str, pa.Array]:
    """The columns of ids: of each edge (way and nodes, with :2, :3 … where it comes again), its way and both its ends."""
    way, u, v = (pa.array(one).cast(pa.large_string()) for one in (ways.way_id, ways.u, ways.v))
    edge = _joined("osm:w", way, ":n", u, "-n", v)
    again = _again_in_way(ways)
    if len(again):
        endings = pa.array([f":{before + 1}" for before in again], pa.large_string())
        mask = np.zeros(len(edge), dtype=bool)
        mask[again.index] = True
        edge = pc.replace_with_mask(edge, pa.array(mask), _joined(edge.filter(pa.array(mask)), endings))
    return {"edge_id": edge, "osm_id": _joined("osm:w", way), "u": _joined("osm:n", u), "v": _joined("osm:n", v)}


def streets_frame(ways: StreetWays, catalogue: Catalogue, metric_epsg: int) -> pd.DataFrame:
    """The `streets` table of OSM ways (unsorted), lengths in the metric system.

    A node given twice in a row is no edge; two nodes at one place are, of length 0, for they join what meets there.
    """
    lengths = measure_lengths(ways.lonlat, ways.start, metric_epsg)
    rules, row = _judge(ways, catalogue), ways.tag_row
    tags = {key: ways.tags[key] for key in ("highway", "name", "ref", "layer")}
    tags["blocked_reason"] = rules["blocked_reason"].to_numpy(dtype=object)
    arrow = _names(ways) | {
        key: pa.array(value, pa.large_string(), from_pandas=True).take(pa.array(row)) for key, value in tags.items()
    }
    text = {key: pd.array(value, dtype="str") for key, value in arrow.items()}  # no Python object is made of them
    flags = {key: rules[key].to_numpy()[row] for key in ("bridge", "tunnel", "walk", "pram")}
    geometry = shapely.from_ragged_array(shapely.GeometryType.LINESTRING, ways.lonlat, (ways.start,))
    frame = pd.DataFrame({**text, "length_m": lengths, **flags, "geometry": geometry})
    edges = (lengths > 0) | (ways.u != ways.v)
    return frame if edges.all() else frame[edges]


def read_osm_ways(
    path: Path, catalogue: Catalogue, quality: Quality, keys: tuple[str, ...] = STREET_TAGS
) -> StreetWays:
    """Street ways of an OSM extract, cut into edges, with the tags named by `keys`.

    Raises
    ------
    InputDataError
        The file cannot be read, or holds no whole street.
    """
    ways = read_street_ways(path, tuple(catalogue.barriers["walkable"]["gates"]), keys)
    if ways.clipped:
        quality.add("clipped_way", source=path.name, n=ways.clipped, missing=ways.missing)
    if not len(ways.way_id):
        raise InputDataError(
            "文件里没有完整的街道，街道引用的节点都不在文件里 / no street is whole: the nodes of all of them are absent",
            where=path.name,
            todo="导出时请包含道路的全部节点 / export the streets together with their nodes",
        )
    return ways


def read_osm_streets(path: Path, catalogue: Catalogue, metric_epsg: int, quality: Quality) -> pd.DataFrame:
    """Streets of an OSM extract as the `streets` table (unsorted)."""
    with collection_paused():
        return streets_frame(read_osm_ways(path, catalogue, quality), catalogue, metric_epsg)


def _first(value: Any) -> str | None:
    """One value of an osmnx cell, which may hold a list written out as text."""
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return None
    text = str(value).strip()
    if text.startswith("[") and text.endswith("]"):
        text = text[1:-1].split(",")[0].strip().strip("'\"")
    return text if text and text.lower() not in ("nan", "none") else None


def _yes(value: Any) -> bool:
    return _first(value) not in (None, "no", "False", "building_passage")


def read_osmnx_edges(path: Path) -> gpd.GeoDataFrame:
    """Edges of a GeoPackage that osmnx saved (`save_graph_geopackage`), checked, EPSG:4326.

    Parameters
    ----------
    path : Path
        A GeoPackage with a layer `edges` that has u, v and highway.

    Raises
    ------
    InputDataError
        No such layer, missing columns, or no edge.
    """
    try:
        layers = [str(name) for name, _ in pyogrio.list_layers(path)]
        edges = gpd.read_file(path, layer="edges") if "edges" in layers else None
    except pyogrio.errors.DataSourceError as error:
        raise InputDataError(
            f"无法读取街道文件 / cannot read the street file: {error}",
            where=path.name,
            todo="应为 osmnx 保存的 GeoPackage / give a GeoPackage saved by osmnx",
        ) from error
    if edges is None:
        raise InputDataError(
            f"没有名为 edges 的图层 / no layer named edges; 现有 / found: {', '.join(layers)}",
            where=path.name,
            todo="请用 osmnx.save_graph_geopackage 保存 / save it with osmnx.save_graph_geopackage",
        )
    if (
        (absent := [key for key in ("u", "v", "highway") if key not in edges.columns])
        or edges.empty
        or edges.crs is None
    ):
        raise InputDataError(
            "街道图层缺少内容 / the street layer lacks something",
            where=path.name,
            first=[
                *absent,
                *(["没有街道 / no streets"] if edges.empty else []),
                *(["crs"] if edges.crs is None else []),
            ],
            todo="请用 osmnx.save_graph_geopackage 保存 / save it with osmnx.save_graph_geopackage",
        )
    return _checked(edges.to_crs(GEOGRAPHIC), path.name)


def read_osmnx_streets(path: Path, catalogue: Catalogue, metric_epsg: int, quality: Quality) -> pd.DataFrame:
    """Streets of a GeoPackage that osmnx saved as the `streets` table (unsorted), each undirected edge once."""
    return osmnx_frame(read_osmnx_edges(path), catalogue, metric_epsg, quality, path.name)


def _checked(edges: gpd.GeoDataFrame, source: str) -> gpd.GeoDataFrame:
    """Edges with whole-number nodes and single lines; a GIS that saved the file again may have made them multi-part."""
    nodes = {end: pd.to_numeric(edges[end], errors="coerce") for end in ("u", "v")}
    geometry = edges.geometry.to_numpy()
    multi = shapely.get_type_id(geometry) == shapely.GeometryType.MULTILINESTRING
    geometry[multi] = shapely.line_merge(geometry[multi])
    single = (shapely.get_type_id(geometry) == shapely.GeometryType.LINESTRING) & ~shapely.is_empty(geometry)
    whole = np.logical_and.reduce([(values.notna() & (values % 1 == 0)).to_numpy() for values in nodes.values()])
    classed = np.asarray([_first(value) is not None for value in edges["highway"]])
    if not (single & whole & classed).all():
        rows = [f"第 {row + 1} 行 / row {row + 1}: u, v" for row in np.flatnonzero(~whole)]
        rows += [f"第 {row + 1} 行 / row {row + 1}: highway" for row in np.flatnonzero(~classed)]
        rows += [f"第 {row + 1} 行 / row {row + 1}: geometry" for row in np.flatnonzero(~single)]
        raise InputDataError(
            "街道的 u、v 应为整数，highway 不可空，几何应为单条线 / u and v must be whole numbers, highway filled in, each street one line",
            where=source,
            first=rows,
            todo="请用 osmnx.save_graph_geopackage 保存 / save it with osmnx.save_graph_geopackage",
        )
    return edges.set_geometry(gpd.GeoSeries(geometry, index=edges.index, crs=edges.crs)).assign(**nodes)


def osmnx_frame(
    edges: gpd.GeoDataFrame, catalogue: Catalogue, metric_epsg: int, quality: Quality, source: str
) -> pd.DataFrame:
    """The `streets` table of checked osmnx edges (unsorted)."""
    count = len(edges)
    tags = {
        key: [_first(value) for value in edges[key]] if key in edges.columns else [None] * count
        for key in ("highway", "name", "ref", "layer", "foot", "access", "motorroad")
    }
    rules = walkability(tags, catalogue)
    osmid = [_first(value) for value in edges["osmid"]] if "osmid" in edges.columns else [None] * count
    u, v = edges["u"].astype("int64").to_numpy(), edges["v"].astype("int64").to_numpy()
    geometry = shapely.set_precision(edges.geometry.to_numpy(), 10.0**-COORDINATE_DIGITS, mode="pointwise")
    # osmnx holds a two-way street as two edges; the one drawn from the smaller node id is kept
    turned = shapely.reverse(geometry)
    flip = (u > v) | ((u == v) & (shapely.to_wkb(turned) < shapely.to_wkb(geometry)))
    geometry = np.where(flip, turned, geometry)
    low, high = np.minimum(u, v), np.maximum(u, v)
    frame = pd.DataFrame(
        {
            "osm_id": [f"osm:w{one or 0}" for one in osmid],
            "low": low,
            "high": high,
            "wkb": shapely.to_wkb(geometry),
            **{key: tags[key] for key in ("highway", "name", "ref", "layer")},
            "bridge": [_yes(value) for value in edges["bridge"]] if "bridge" in edges.columns else False,
            "tunnel": [_yes(value) for value in edges["tunnel"]] if "tunnel" in edges.columns else False,
            "walk": rules["walk"],
            "pram": rules["pram"],
            "blocked_reason": rules["blocked_reason"],
        }
    )
    frame = frame.sort_values(["osm_id", "low", "high", "wkb"], kind="stable")
    once = frame.drop_duplicates(["osm_id", "low", "high", "wkb"]).reset_index(drop=True)
    if len(once) < len(frame):
        quality.add("duplicate_street", source=source, n=len(frame) - len(once))
    base = (once["osm_id"] + ":n" + once["low"].astype(str) + "-n" + once["high"].astype(str)).to_numpy(dtype=object)
    once["edge_id"] = _repeat_index(base)
    once["u"] = "osm:n" + once["low"].astype(str)
    once["v"] = "osm:n" + once["high"].astype(str)
    once["geometry"] = shapely.from_wkb(once["wkb"].to_numpy())
    lonlat, index = shapely.get_coordinates(once["geometry"].to_numpy(), return_index=True)
    start = np.searchsorted(index, np.arange(len(once) + 1))
    lengths = measure_lengths(lonlat, start, metric_epsg)
    once["length_m"] = lengths
    return once[~(lengths <= 0) | (once["low"] != once["high"])].drop(columns=["low", "high", "wkb"])
