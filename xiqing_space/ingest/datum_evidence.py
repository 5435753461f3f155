"""What speaks for a place being a facility's: roads and ways near, buildings, facilities that another source knows.

Each kind of evidence is a number per list and place, and means nothing by itself: a dense street net suits any place. It is
held against the same list moved elsewhere (`datum_check`).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from xiqing_space.crs import GEOGRAPHIC, project_geometry

Floats = NDArray[np.float64]

NEAR_M = 100.0
_FAR_M = 400.0  # beyond it distances are alike
_STEP_M = 6.0  # between the places that stand for a street
_ROADS = (
    "motorway",
    "trunk",
    "primary",
    "secondary",
    "tertiary",
    "unclassified",
    "residential",
    "living_street",
    "road",
)
_OPEN_AIR = ("park", "playground", "sports")
# Classes of distance, and per class of road and of any way:
_EDGES_M = np.array([3.0, 6.0, 10.0, 15.0, 25.0, 40.0, 70.0, 120.0])
# shares of facilities, rounded means over points, grounds and buildings of Las Palmas and Liechtenstein;
_USUAL_ROAD = np.array([0.005, 0.035, 0.11, 0.15, 0.24, 0.18, 0.17, 0.075, 0.035])
_USUAL_WAY = np.array([0.02, 0.06, 0.17, 0.19, 0.27, 0.15, 0.11, 0.02, 0.01])
# and how much likelier a facility stands there than elsewhere within 100 m (logarithms of a conditional logit fitted there)
_CHOICE_ROAD = np.array([0.0, -0.09, -0.03, 0.0, 0.18, 0.40, 0.55, 0.31, -0.17])
_CHOICE_WAY = np.array([0.0, 0.04, 0.17, 0.27, 0.12, -0.09, -0.31, -0.79, -0.82])
_OPEN_ROAD = np.array([0.0, -0.08, -0.32, 0.05, 0.63, 0.90, 1.09, 1.16, 0.61])
_OPEN_WAY = np.array([0.0, -0.12, 0.10, 0.29, -0.02, 0.18, 0.28, -0.52, -0.74])
_SURE = 0.7  # the rest of a list may lie anyhow
_IN_BUILDING = 0.7
_KNOWN = 0.3  # share of a list that another source is expected to hold, at the least
_KNOWN_SIGMA_M = 60.0
_CAP = 4.0
_GRID_M, _GRID_MOST = 40.0, 1_500_000  # nodes of the grid that says what is usual round a place
_ROUND_M = 200.0


@dataclass(frozen=True)
class Surroundings:
    """Means over some 200 m round each node of a grid: of the two choices, and the share under buildings."""

    west: float
    south: float
    step_m: float
    layers: Floats = field(repr=False)  # (3, rows, columns)

    def at(self, places: Floats) -> Floats:
        """The three means (3, …) at places (…, 2)."""
        column = np.rint((places[..., 0] - self.west) / self.step_m).astype(np.int64)
        row = np.rint((places[..., 1] - self.south) / self.step_m).astype(np.int64)
        rows, columns = self.layers.shape[1:]
        return self.layers[:, np.clip(row, 0, rows - 1), np.clip(column, 0, columns - 1)]


@dataclass(frozen=True)
class Reference:
    """What lists are held against; built once for a run by `build_reference`."""

    metric_epsg: int
    ways: Any = field(repr=False)
    roads: Any = field(repr=False)
    hull: Any = field(repr=False)
    buildings: Any = field(repr=False)
    known: dict[str, Any] = field(repr=False)
    surroundings: Surroundings = field(repr=False)


def fold_name(name: object) -> str:
    """A name without width, case and spaces; empty where it is missing."""
    return "".join(unicodedata.normalize("NFKC", name).split()).casefold() if isinstance(name, str) else ""


def _tree(metric: Any) -> Any:
    from scipy.spatial import cKDTree

    long = metric[shapely.length(metric) > 0]
    return cKDTree(
        np.vstack([shapely.get_coordinates(shapely.segmentize(long, _STEP_M)), shapely.get_coordinates(metric)])
    )


def _classes(tree: Any, flat: Floats) -> tuple[NDArray[np.int64], Floats]:
    """Class of the distance to the nearest street, and the distance, at most `_FAR_M`."""
    distance_m = np.minimum(tree.query(flat, distance_upper_bound=_FAR_M)[0], _FAR_M)
    return np.searchsorted(_EDGES_M, distance_m), distance_m


def _housed(buildings: Any, flat: Floats) -> NDArray[np.bool_]:
    found = np.zeros(len(flat), dtype=bool)
    if buildings is not None:
        found[buildings.query(shapely.points(flat), predicate="intersects")[0]] = True
    return found


def _surroundings(ways: Any, roads: Any, buildings: Any, bounds: tuple[float, float, float, float]) -> Surroundings:
    from scipy.ndimage import uniform_filter

    west, south, east, north = bounds
    step = max(_GRID_M, float(np.sqrt((east - west) * (north - south) / _GRID_MOST)))
    columns, rows = (np.arange(low, high + step, step) for low, high in ((west, east), (south, north)))
    flat = np.stack(np.meshgrid(columns, rows), axis=-1).reshape(-1, 2)
    road, way = _classes(roads, flat)[0], _classes(ways, flat)[0]
    layers = np.stack(
        [
            np.exp(_CHOICE_ROAD[road] + _CHOICE_WAY[way]), np.exp(_OPEN_ROAD[road] + _OPEN_WAY[way]),
            _housed(buildings, flat).astype(np.float64),
        ]
    ).reshape(3, len(rows), len(columns))  # fmt: skip
    window = max(3, 2 * round(_ROUND_M / step / 2) + 1)
    smooth = np.stack([uniform_filter(layer, window, mode="nearest") for layer in layers])
    return Surroundings(west, south, step, smooth)


def build_reference(
    streets: pd.DataFrame, metric_epsg: int, buildings: Any = None, facilities: pd.DataFrame | None = None
) -> Reference:
    """Index streets, buildings and known facilities.

    Parameters
    ----------
    streets : DataFrame
        The `streets` table (`highway`, `tunnel`, `geometry` in degrees), buffer included.
    metric_epsg : int
        The run's metric system.
    buildings : array of polygons, optional
        In degrees; the strongest evidence after known facilities.
    facilities : DataFrame, optional
        Of another source than the list itself: `kind`, `name`, `geometry` (points, degrees).
    """
    lines = project_geometry(streets["geometry"].to_numpy(), GEOGRAPHIC, metric_epsg)
    above = ~streets["tunnel"].to_numpy(dtype=bool)
    kinds = streets["highway"].astype("str").str.removesuffix("_link")
    is_road = kinds.isin(_ROADS).to_numpy() & above
    ways = _tree(lines[above] if above.any() else lines)
    roads = _tree(lines[is_road]) if is_road.any() else ways
    hull = shapely.convex_hull(shapely.MultiPoint(shapely.get_coordinates(lines)))
    shapes = None
    if buildings is not None and len(buildings):
        shapes = shapely.STRtree(project_geometry(np.asarray(buildings, dtype=object), GEOGRAPHIC, metric_epsg))
    around = _surroundings(ways, roads, shapes, hull.bounds)
    return Reference(metric_epsg, ways, roads, hull, shapes, _known(facilities, metric_epsg), around)


def _known(facilities: pd.DataFrame | None, metric_epsg: int) -> dict[str, Any]:
    """A tree of places per kind, and per name."""
    from scipy.spatial import cKDTree

    if facilities is None or facilities.empty:
        return {}
    there = shapely.get_coordinates(project_geometry(facilities["geometry"].to_numpy(), GEOGRAPHIC, metric_epsg))
    groups = pd.Series(
        [f"kind:{kind}" for kind in facilities["kind"]] + [f"name:{fold_name(name)}" for name in facilities["name"]]
    )
    both = np.vstack([there, there])
    return {
        str(group): cKDTree(both[rows]) for group, rows in groups.groupby(groups).indices.items() if group != "name:"
    }


def find_groups(
    reference: Reference, kinds: Sequence[object] | None, names: Sequence[object] | None, count: int
) -> list[str]:
    """The known facilities that each point is held against: those of its name, else those of its kind, else none."""
    found = [""] * count
    for prefix, given in (("kind:", kinds), ("name:", None if names is None else [fold_name(one) for one in names])):
        for place, one in enumerate(given or ()):
            if one and f"{prefix}{one}" in reference.known:
                found[place] = f"{prefix}{one}"
    return found


@dataclass(frozen=True)
class Evidence:
    """Of each placing of a list: the sums per kind of evidence (kinds, m), and what a reader wants to see."""

    sums: Floats
    road_median_m: Floats
    near_known: NDArray[np.int64]


def weigh(
    reference: Reference, places: Floats, n_readings: int, kinds: Sequence[object] | None, groups: Sequence[str]
) -> Evidence:
    """All evidence on placings (m, n, 2) of a list of n points; those after the first `n_readings` are its ring."""
    flat, shape = places.reshape(-1, 2), places.shape[:2]
    (road, road_m), (way, _) = _classes(reference.roads, flat), _classes(reference.ways, flat)
    road, way = road.reshape(shape), way.reshape(shape)
    around = reference.surroundings.at(places)
    is_open = np.asarray([one in _OPEN_AIR for one in kinds] if kinds is not None else [False] * shape[1])
    chosen = np.where(
        is_open,
        _OPEN_ROAD[road] + _OPEN_WAY[way] - np.log(around[1]),
        _CHOICE_ROAD[road] + _CHOICE_WAY[way] - np.log(around[0]),
    )
    terms = [_usual(road, _USUAL_ROAD, n_readings) + _usual(way, _USUAL_WAY, n_readings), chosen]
    if reference.buildings is not None and not is_open.all():
        share = around[2] * 0.95 + 0.02
        housed = _housed(reference.buildings, flat).reshape(shape)
        ratio = np.where(housed, _IN_BUILDING / share, (1.0 - _IN_BUILDING) / (1.0 - share))
        terms.append(np.where(is_open, 0.0, np.log(_SURE * ratio + 1.0 - _SURE)))
    near = np.zeros(len(places), dtype=np.int64)
    if any(groups):
        known_m = _known_m(reference, places, groups)
        terms.append(_near_known(known_m, reference, groups))
        near = (known_m <= NEAR_M).sum(axis=1)
    sums = np.stack([one.sum(axis=1) for one in terms])
    return Evidence(sums, np.median(road_m.reshape(shape), axis=1), near)


def _usual(classes: NDArray[np.int64], usual: Floats, n_readings: int) -> Floats:
    """Log-likelihood ratio of distances: the usual ones of facilities against those of the ring."""
    counts = np.bincount(classes[n_readings:].ravel(), minlength=len(usual)) + 1.0
    anywhere = counts / counts.sum()
    return np.asarray(np.log(_SURE * usual / anywhere + 1.0 - _SURE)[classes], dtype=np.float64)


def _known_m(reference: Reference, places: Floats, groups: Sequence[str]) -> Floats:
    """Distance to the nearest known facility of each point's group; infinite where it has none."""
    found = np.full(places.shape[:2], np.inf)
    for group in sorted({one for one in groups if one}):
        mine = np.asarray([one == group for one in groups])
        found[:, mine] = reference.known[group].query(places[:, mine].reshape(-1, 2))[0].reshape(len(places), -1)
    return found


def _near_known(distance_m: Floats, reference: Reference, groups: Sequence[str]) -> Floats:
    """Log-likelihood ratio: some of a list stand where another source has them, the rest anywhere."""
    many = np.asarray([reference.known[one].n if one else 1 for one in groups])
    anywhere = many / max(float(reference.hull.area), 1e6)
    there = np.exp(-0.5 * (distance_m / _KNOWN_SIGMA_M) ** 2) / (2.0 * np.pi * _KNOWN_SIGMA_M**2)
    ratio = np.minimum(np.log(1.0 - _KNOWN + _KNOWN * there / anywhere), _CAP)
    return np.asarray(np.where([bool(one) for one in groups], ratio, 0.0), dtype=np.float64)
