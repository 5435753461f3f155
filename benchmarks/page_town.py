"""A drawn town as large as a district's map may get: 40,000 scored streets, 20,000 cells, as the tables that the pages read.

Nothing is computed here: the tables hold drawn numbers, valid by their schemas, from a fixed seed. What is asked is how large the pages
get and how soon they stand, not what they say.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import shapely

from xiqing_space.catalog import Catalogue
from xiqing_space.schemas import TABLES
from xiqing_space.schemas.safety import CONTROLS, FROM, RISKS
from xiqing_space.tables import empty, finish

PLACE, STEP = (117.0, 39.0), (0.00233, 0.00182)  # degrees; some 200 m, so that 20,000 cells of 200 m hold a home each
STREETS, CELLS, CROSSINGS, SCHOOLS, ZONES = 40_000, 20_000, 20_000, 120, 12
_CLASSES = ("residential", "tertiary", "secondary", "service", "footway")
_BLANK = {"number": 0.0, "whole": 0, "flag": True}


class Frames:
    """Tables by name; those that nobody drew are empty."""

    def __init__(self, frames: dict[str, pd.DataFrame]) -> None:
        self._frames = frames

    def get(self, name: str) -> pd.DataFrame:
        """A table."""
        if name not in self._frames:
            self._frames[name] = empty(name)
        return self._frames[name]


def _table(name: str, count: int, /, **columns: Any) -> pd.DataFrame:
    """A table of `count` rows: columns given, the rest missing where it may be."""
    full: dict[str, Any] = {}
    for column in TABLES[name].columns:
        if column.name in columns:
            value = columns[column.name]
            full[column.name] = value if isinstance(value, np.ndarray | list) else [value] * count
        elif column.null:
            full[column.name] = [np.nan if column.dtype == "number" else None] * count
        elif column.dtype == "text":
            full[column.name] = (
                [column.among[0]] * count if column.among else [f"{column.name}-{n}" for n in range(count)]
            )
        else:
            full[column.name] = [_BLANK[column.dtype]] * count
    return finish(name, full)


def _streets(
    rng: np.random.Generator, n: int
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Nodes of a crooked grid, and between neighbours lines with two bends, as streets of a city have; ends of each line."""
    x, y = np.meshgrid(np.arange(n), np.arange(n))
    nodes = np.stack([x, y], axis=-1).reshape(-1, 2) + rng.uniform(-0.25, 0.25, (n * n, 2))
    nodes = np.round(np.array(PLACE) + nodes * np.array(STEP), 7)
    number = np.arange(n * n).reshape(n, n)
    ends = np.concatenate([np.stack([number[:, :-1], number[:, 1:]], -1).reshape(-1, 2), np.stack([number[:-1], number[1:]], -1).reshape(-1, 2)])  # fmt: skip
    first, last = nodes[ends[:, 0]], nodes[ends[:, 1]]
    bends = [
        first + (last - first) * part + rng.uniform(-0.1, 0.1, first.shape) * np.array(STEP) for part in (1 / 3, 2 / 3)
    ]
    lines = shapely.linestrings(np.stack([first, *(np.round(bend, 7) for bend in bends), last], axis=1))
    return nodes, ends, lines


def draw_town(catalogue: Catalogue, streets: int = STREETS, cells: int = CELLS, crossings: int = CROSSINGS) -> Frames:
    """The tables of both pages."""
    rng = np.random.default_rng(20261125)
    n = int(np.ceil((1 + np.sqrt(1 + 2 * streets)) / 2))
    nodes, _, lines = _streets(rng, n)
    size = n * np.array(STEP)
    low, high = np.array(PLACE) - 0.5 * np.array(STEP), np.array(PLACE) + size
    square = shapely.box(*low, *high)
    count = len(lines)
    ids = np.array([f"osm:w{100_000_000 + row // 6 * 7}:n{2_000_000 + row}-n{2_000_001 + row}" for row in range(count)])
    roads = np.array([f"示例第{row // 40}路" for row in range(count)], dtype=object)
    frames = {
        "area": _table("area", 1, name="示例", metric_epsg=4548, synthetic=True, geometry=[shapely.multipolygons([square])]),
        "zones": _zones(low, high),
        "streets": _table("streets", count, edge_id=ids, osm_id=np.array([one.split(":n")[0] for one in ids]), length_m=90.0,
                          highway=rng.choice(_CLASSES, count), name=roads, walk=True, pram=True, geometry=lines),
        "street_attributes": _table("street_attributes", count, edge_id=ids, road_class="residential", speed_kmh=30.0),
        **_scores(rng, ids, nodes, crossings),
        **_cells(rng, catalogue, low, high, cells),
    }  # fmt: skip
    return Frames(frames | _schools(rng, frames, low, high))


def _zones(low: np.ndarray[Any, Any], high: np.ndarray[Any, Any]) -> pd.DataFrame:
    edges = np.linspace(low[0], high[0], ZONES + 1)
    shapes = [shapely.multipolygons([shapely.box(a, low[1], b, high[1])]) for a, b in pairwise(edges)]
    return _table(
        "zones",
        ZONES,
        zone_id=[f"Z{n:02d}" for n in range(ZONES)],
        name=[f"示例第{n}镇" for n in range(ZONES)],
        geometry=shapes,
    )


def _scores(
    rng: np.random.Generator, ids: np.ndarray[Any, Any], nodes: np.ndarray[Any, Any], crossings: int
) -> dict[str, pd.DataFrame]:
    count = len(ids)
    at = nodes[rng.integers(0, len(nodes), crossings)] + rng.uniform(-1e-4, 1e-4, (crossings, 2))
    names = np.array([f"osm:n{2_000_000 + n}/osm:w{100_000_000 + n}" for n in range(crossings)])
    along, cross = rng.lognormal(0.5, 1.5, count), rng.lognormal(1.0, 1.5, crossings)
    passing = np.concatenate([ids[rng.random(count) < 0.5], names[rng.random(crossings) < 0.7]])
    return {
        "segment_scores": _table("segment_scores", count, edge_id=ids, along=along, risk=rng.choice(RISKS, count), low_along=along / 2,
                                 high_along=along * 3, share_defaulted=rng.integers(0, 5, count) / 4, weak_zone=rng.random(count) < 0.1),
        "crossings": _table("crossings", crossings, crossing_id=names, control=rng.choice(CONTROLS, crossings), road_name=np.array([
            f"示例第{n // 40}路" for n in range(crossings)], dtype=object), road_highway="residential", lanes_crossed=2, speed_kmh=40.0,
            lanes_crossed_from=rng.choice(FROM, crossings), mapped=True, geometry=shapely.points(np.round(at, 7))),
        "crossing_scores": _table("crossing_scores", crossings, crossing_id=names, cross=cross, risk=rng.choice(RISKS, crossings),
                                  low_cross=cross / 2, high_cross=cross * 3, share_defaulted=rng.integers(0, 5, crossings) / 4),
        "pupil_flows": _table("pupil_flows", len(passing), item_id=passing, item_type=["edge" if ":n" in one and "/" not in one else "crossing"
                              for one in passing], weight_kind="persons", children=rng.lognormal(2, 1.5, len(passing)), school_ids="s"),
    }  # fmt: skip


def _cells(
    rng: np.random.Generator, catalogue: Catalogue, low: np.ndarray[Any, Any], high: np.ndarray[Any, Any], cells: int
) -> dict[str, pd.DataFrame]:
    across = int(np.ceil(np.sqrt(cells)))
    row = np.arange(cells)
    at = low + (np.stack([row % across, row // across], axis=1) + 0.5) / across * (high - low)
    ids = np.array([f"cell:{n:06d}" for n in range(cells)])
    walks = sorted({(kind, band.profile) for kind in catalogue.access_kinds for band in catalogue.target_bands(kind)})
    total = len(walks) * cells
    distance = np.where(rng.random(total) < 0.8, rng.uniform(0, 1500, total), np.nan)
    points = rng.uniform(low, high, (1_000, 2))
    return {
        "demand": _table("demand", cells, demand_id=ids, zone_id="Z00", inside=True, placed=True, weight_kind="persons", pop_total=60.0,
                         **dict.fromkeys((band.column for band in catalogue.bands.values()), 12.0),
                         geometry=shapely.points(np.round(at, 7))),
        "access": _table("access", total, demand_id=np.tile(ids, len(walks)), kind=np.repeat([kind for kind, _ in walks], cells),
                         profile=np.repeat([profile for _, profile in walks], cells), distance_m=distance, straight_m=distance / 1.3),
        "facilities": _table("facilities", len(points), facility_id=[f"f{n}" for n in range(len(points))], site_id=[f"f{n}" for n in range(len(points))],
                             name=[f"示例第{n}园" for n in range(len(points))], kind=rng.choice(catalogue.circle, len(points)), status="operating",
                             serves="everyone", inside=True, geometry=shapely.points(np.round(points, 7))),
        "indicators": _coverage(rng, catalogue),
    }  # fmt: skip


def _coverage(rng: np.random.Generator, catalogue: Catalogue) -> pd.DataFrame:
    """A share of every kind, limit, measure and zone."""
    rows = [
        (kind, standard.id, measure, zone)
        for kind in catalogue.measured_kinds for standard in catalogue.standards_of(kind)
        for measure in ("walk", "radius") for zone in ("*", *(f"Z{n:02d}" for n in range(ZONES)))
    ]  # fmt: skip
    kind, standard, measure, zone = (np.array(part, dtype=object) for part in zip(*rows, strict=True))
    return _table("indicators", len(rows), indicator_id="A02-coverage", kind=kind, standard_id=standard, measure=measure, zone_id=zone, age_band="*",
                  variant="", value=rng.random(len(rows)), numerator=50.0, denominator=100.0, n_unknown=0.0, weight_kind="persons", evidence_id="ev-000000000000")  # fmt: skip


def _schools(
    rng: np.random.Generator, frames: dict[str, pd.DataFrame], low: np.ndarray[Any, Any], high: np.ndarray[Any, Any]
) -> dict[str, pd.DataFrame]:
    at = shapely.points(np.round(rng.uniform(low, high, (SCHOOLS, 2)), 7))
    ids = [f"school-{n:03d}" for n in range(SCHOOLS)]
    edges, crossings = frames["streets"]["edge_id"].to_numpy(), frames["crossings"]["crossing_id"].to_numpy()
    steps = 400  # nodes on the way to a school
    school = np.repeat(ids, steps)
    gates = np.repeat(ids, 2)
    return {
        "schools": _table("schools", SCHOOLS, school_id=ids, name=[f"示例第{n}小学" for n in range(SCHOOLS)], kind="primary_school", zone_id="Z00", inside=True,
                          weight_kind="persons", children=900.0, children_routed=890.0, route_score_mean=70.0, share_acceptable=0.7, geometry=at),
        "school_forest": _table("school_forest", len(school), school_id=school, tree="safest", node_id=[f"n{n % steps}" for n in range(len(school))],
                                corner=0, next_edge_id=rng.choice(edges, len(school)), next_crossing_id=np.where(
                                    rng.random(len(school)) < 0.3, rng.choice(crossings, len(school)), None),
                                weight_kind="persons", children=rng.lognormal(2, 1.5, len(school))),
        "gate_rules": _table("gate_rules", len(gates), gate_id=[f"g{n}" for n in range(len(gates))], site_id=gates, rule_id="sidewalks", gate_use="student",
                             geometry=np.repeat(at, 2)),
    }  # fmt: skip
