"""At which places to look, and the table of what was found."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from xiqing_space.child_view.approaches import Approaches, Waits, approaches_to, set_back, stopping_distance_m
from xiqing_space.child_view.roads import Roads
from xiqing_space.child_view.sightlines import Seen, measure_sightlines
from xiqing_space.child_view.solids import known_things, parked_cars, solids_of, stand_clear
from xiqing_space.crs import GEOGRAPHIC, project_geometry, to_degrees

_AT_END_M = 0.05
AT_GRADE = ("none", "marked", "signals")


def choose_places(
    crossings: pd.DataFrame,
    flows: pd.DataFrame,
    gates: pd.DataFrame,
    near_children: pd.DataFrame,
    rules: dict[str, Any],
    metric_epsg: int,
) -> pd.DataFrame:
    """Crossings and gates at which to look: on school routes, and near facilities of young children.

    Parameters
    ----------
    crossings : DataFrame
        `crossings` at grade.
    flows : DataFrame
        `pupil_flows`.
    gates : DataFrame
        `gate_id, edge_id, zone_id, geometry`: gates of routed schools and of places for young children, with the edge that they open on.
    near_children : DataFrame
        Points (EPSG:4326) of places for young children.
    rules : dict
        Section `approach` of catalog/child_view.toml.

    Returns
    -------
    DataFrame
        `place_id, crossing_id, gate_id, edge_id, near, children, point` (metric): one row per place and road edge, in id order.
    """
    over = crossings[crossings["control"].isin(AT_GRADE)]
    pupils = flows[flows["item_type"] == "crossing"].set_index("item_id")["children"]
    passed = over["crossing_id"].map(pupils)
    point = project_geometry(np.asarray(over["geometry"], dtype=object), GEOGRAPHIC, metric_epsg)
    young = np.zeros(len(over), dtype=bool)
    if len(near_children) and len(over):
        places = project_geometry(np.asarray(near_children["geometry"], dtype=object), GEOGRAPHIC, metric_epsg)
        tree = shapely.STRtree(point)
        young[np.unique(tree.query(places, predicate="dwithin", distance=rules["near_children_m"])[1])] = True
    on_route = (passed > 0).to_numpy(dtype=bool)
    mine = over.assign(children=passed, point=point, near=np.where(on_route, "school_route", "young_children"))[
        on_route | young
    ]
    at_crossings = mine.assign(
        place_id=mine["crossing_id"], gate_id=None, edge_id=mine["road_edge_ids"].str.split("|")
    ).explode("edge_id")
    gate_points = project_geometry(np.asarray(gates["geometry"], dtype=object), GEOGRAPHIC, metric_epsg)
    at_gates = pd.DataFrame({"place_id": gates["gate_id"].array, "crossing_id": None, "gate_id": gates["gate_id"].array, "edge_id": gates["edge_id"].array,
                             "near": gates["near"].array, "children": np.nan, "point": gate_points})  # fmt: skip
    columns = ["place_id", "crossing_id", "gate_id", "edge_id", "near", "children", "point"]
    found = pd.concat([at_crossings[columns], at_gates[columns]], ignore_index=True)
    return found.drop_duplicates(["place_id", "edge_id"]).sort_values(["place_id", "edge_id"], ignore_index=True)


def look(
    roads: Roads,
    places: pd.DataFrame,
    attributes: pd.DataFrame,
    obstacles: pd.DataFrame,
    survey: pd.DataFrame,
    rules: dict[str, Any],
    metric_epsg: int,
) -> pd.DataFrame:
    """The `sightlines` table without zones (unsorted).

    Parameters
    ----------
    roads : Roads
    places : DataFrame
        From `choose_places`.
    attributes : DataFrame
        `street_attributes`.
    obstacles : DataFrame
        `obstacles` table.
    survey : DataFrame
        `obstacle_survey`: heights that were measured, what is gone, and how far a child was found to see.
    rules : dict
        catalog/child_view.toml.
    """
    row = pd.Index(roads.edge_id).get_indexer(pd.Index(places["edge_id"]))
    mine = places[row >= 0].reset_index(drop=True)
    row = row[row >= 0]
    approach, points = rules["approach"], mine["point"].to_numpy(dtype=object)
    along = np.asarray(shapely.line_locate_point(roads.line[row], points), dtype=float)
    once = _once(roads, row, along, mine["place_id"])
    mine, row, along = mine[once].reset_index(drop=True), row[once], along[once]
    waits = set_back(roads, Waits(row.astype(np.int64), along), approach["kerb_m"])
    speeds = attributes.set_index("edge_id")[["speed_kmh", "speed_kmh_from"]].reindex(mine["edge_id"])
    speed = speeds["speed_kmh"].to_numpy(dtype=float)
    needed = stopping_distance_m(speed, approach["reaction_s"], approach["friction"])
    cars = parked_cars(roads, attributes, waits, rules["obstacles"]["parked_cars"])
    known = known_things(obstacles, cars, survey, roads, metric_epsg)
    approaches = stand_clear(approaches_to(roads, waits, needed, approach), known, approach["body_m"])
    seen = measure_sightlines(approaches, solids_of(known), rules["eyes"])
    found = _table(mine, speeds, needed, approaches, seen, known, metric_epsg)
    required, searched = found["needed_m"].to_numpy(dtype=float), searched_m(approaches)
    return with_walked(found, survey, np.where(searched + approach["step_m"] > required, required, searched))


def _once(roads: Roads, edge: NDArray[np.int64], along: NDArray[np.float64], place: pd.Series) -> NDArray[np.bool_]:
    """Where two stretches of one road meet at a crossing both are named: the first of them is looked at."""
    last = along >= roads.length_m[edge] - _AT_END_M
    node = np.where(last, roads.v[edge], roads.u[edge])
    passed = (last | (along <= _AT_END_M)) & (roads.meetings.degree[2 * edge + last] == 2)
    again: NDArray[np.bool_] = (
        pd.DataFrame({"place": place.to_numpy(dtype=object), "node": node}).duplicated().to_numpy()
    )
    once: NDArray[np.bool_] = ~(again & passed)
    return once


def searched_m(approaches: Approaches) -> NDArray[np.float64]:
    """The last place of the car on each approach: a road that ends, or a bend beyond which it turns, is no obstacle."""
    searched = np.zeros(len(approaches.wait))
    np.maximum.at(searched, approaches.owner, approaches.distance_m)
    return searched


def with_walked(found: pd.DataFrame, survey: pd.DataFrame, wanted_m: NDArray[np.float64]) -> pd.DataFrame:
    """Sightlines with what was paced or taped on site in the place of what was computed.

    The range of eyes is kept in order: who looks from higher up sees no less than was found. The gap to the adult's eye is missing:
    nobody measured that one.

    Parameters
    ----------
    found : DataFrame
        `sightlines`.
    survey : DataFrame
        `obstacle_survey`.
    wanted_m : float64 (n,)
        What there is to see: the distance needed, less where the road ends before.
    """
    told = survey[survey["seen_child_m"].notna()].drop_duplicates("sightline_id").set_index("sightline_id")
    walked = found["sightline_id"].map(told["seen_child_m"]).to_numpy(dtype=float)
    here = ~np.isnan(walked)
    if not here.any():
        return found
    enough = walked >= wanted_m - 1e-9
    new = {
        "seen_child_m": walked, "seen_low_m": np.fmin(found["seen_low_m"], walked), "seen_high_m": np.fmax(found["seen_high_m"], walked),
        "seen_adult_m": np.fmax(found["seen_adult_m"], walked), "child_gap_m": np.full(len(found), np.nan),
        "blocked_by": np.where(enough, None, found["blocked_by"]), "blocked_what": np.where(enough, None, found["blocked_what"]),
        "evidence": np.full(len(found), "measured", dtype=object), "verdict": np.where(enough, "enough", "too_short"),
    }  # fmt: skip
    return found.assign(**{name: np.where(here, values, found[name]) for name, values in new.items()})


def _table(
    places: pd.DataFrame,
    speeds: pd.DataFrame,
    needed: NDArray[np.float64],
    approaches: Approaches,
    seen: Seen,
    known: pd.DataFrame,
    metric_epsg: int,
) -> pd.DataFrame:
    wait, count = approaches.wait, len(approaches.wait)
    mine = places.iloc[wait].reset_index(drop=True)
    required = needed[wait]
    searched = searched_m(approaches)
    short = np.where(seen.by >= 0, seen.child_m < np.minimum(required, searched) - 1e-9, False)
    by = np.where(short, seen.by, -1)
    what = np.full(count, None, dtype=object)
    blocked = np.full(count, None, dtype=object)
    default = np.zeros(count, dtype=bool)
    found = by >= 0
    what[found] = known["what"].to_numpy(dtype=object)[by[found]]
    blocked[found] = known["obstacle_id"].to_numpy(dtype=object)[by[found]]
    default[found] = (known["height_from"] == "default").to_numpy(dtype=bool)[by[found]]
    # nothing mapped in the way is no measurement either
    verdict = np.where(~short, "enough", np.where(default, "to_verify", "too_short"))
    end = _end_of_sight(approaches, seen.child_m)
    sides = np.where(approaches.right, "right", "left")
    sight = shapely.linestrings(np.stack([approaches.child, end], axis=1)) if count else np.zeros(0, dtype=object)
    return pd.DataFrame(
        {
            "sightline_id": [f"{place}/{edge}/{side}" for place, edge, side in zip(mine["place_id"], mine["edge_id"], sides, strict=True)],
            "crossing_id": mine["crossing_id"].array, "gate_id": mine["gate_id"].array, "edge_id": mine["edge_id"].array, "side": sides,
            "near": mine["near"].array, "speed_kmh": speeds["speed_kmh"].to_numpy(dtype=float)[wait], "speed_from": speeds["speed_kmh_from"].to_numpy(dtype=object)[wait],
            "needed_m": required, "seen_child_m": np.minimum(seen.child_m, searched), "seen_low_m": seen.low_m, "seen_high_m": seen.high_m, "seen_adult_m": seen.adult_m,
            "child_gap_m": seen.adult_m - seen.child_m, "children": mine["children"].to_numpy(dtype=float), "blocked_by": blocked, "blocked_what": what,
            "evidence": np.where(found & ~default, "measured", "screening"), "verdict": verdict, "geometry": to_degrees(sight, metric_epsg),
        }
    )  # fmt: skip


def _end_of_sight(approaches: Approaches, seen_m: NDArray[np.float64]) -> NDArray[np.float64]:
    """Place of the car at the end of what is seen, or the first place where nothing is."""
    end = np.zeros((len(approaches.wait), 2))
    within = approaches.distance_m <= seen_m[approaches.owner] + 1e-9
    first = (
        np.concatenate([[True], approaches.owner[1:] != approaches.owner[:-1]])
        if len(approaches.owner)
        else np.zeros(0, dtype=bool)
    )
    for rows in (np.flatnonzero(first), np.flatnonzero(within)):  # the later ones overwrite: the farthest within stands
        end[approaches.owner[rows]] = approaches.car[rows]
    return end
