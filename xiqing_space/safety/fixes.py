"""Improve first (建议优先整治清单): what to mend on the ways to school, ordered by the risk that it takes from pupils.

Risk removed is Σ pupils × ΔR, R of a route being Σ along · length / 100 m + Σ cross (standards §B1.4). Of each target the cheapest work
counts that gets it out of the bad classes, else the one that removes the most; targets are ordered by risk removed, then by pupils
whose route becomes acceptable. No two works of the list change the same crossing or street. Pupils are routed again for each of them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from xiqing_space.catalog import Catalogue
from xiqing_space.safety.fix_places import PlaceWords, find_points, zones_of
from xiqing_space.safety.open_gates import try_openings
from xiqing_space.safety.school_routes import RouteTables, SchoolRoutes, weight_kind_of
from xiqing_space.safety.score import risk_class
from xiqing_space.safety.work_effects import Effects, exposure_of, measure_effects, of_pairs, route_again, summed
from xiqing_space.safety.work_ways import Ways, read_ways
from xiqing_space.safety.works import Works, find_works

COLUMNS = ("fix_id", "target_id", "target_type", "treatment", "zone_id", "weight_kind", "children_helped", "children_acceptable",
           "risk_before", "risk_after", "risk_removed", "cost_class", "term", "rerouted", "rank", "school_ids", "place_zh", "place_en",
           "geometry")  # fmt: skip
_COSTS = ("low", "middle", "high")
_OPEN = "open_gate"


@dataclass(frozen=True)
class FixTables:
    """Tables of the run that repairs are found in, EPSG:4326.

    Attributes
    ----------
    routes : RouteTables
    area, gates, compounds : DataFrame
        Tables of those names.
    openings : DataFrame
        Rows of `gate_openings` that concern schools.
    opening_links : DataFrame
        `access_links` of the walking network over those gates alone, linked ones.
    """

    routes: RouteTables
    area: pd.DataFrame
    gates: pd.DataFrame
    compounds: pd.DataFrame
    openings: pd.DataFrame
    opening_links: pd.DataFrame


def find_fixes(found: SchoolRoutes, tables: FixTables, catalogue: Catalogue) -> pd.DataFrame:
    """The `fixes` table (unsorted): works inside the area that make a pupil's route safer; those of the list have a rank.

    The list says where a look is worth while first. It does not say that a work is possible there, or what it costs; scores rest on the
    model and its defaults, and all children are taken to walk.

    Parameters
    ----------
    found : SchoolRoutes
    tables : FixTables
    catalogue : Catalogue
    """
    given = tables.routes
    exposure = exposure_of(found)
    ways = read_ways(
        found.walks.graph, found.walks.values, given.streets, given.street_attributes, given.crossings, exposure, given.metric_epsg
    )  # fmt: skip
    gates = _gates_used(found, tables)
    works = find_works(ways, _targets(found, ways, catalogue), gates, catalogue, given.metric_epsg)
    fixes = _Fixes(found, ways, works, measure_effects(works, found, catalogue), catalogue)
    openings = try_openings(found, tables.opening_links, given.assignment.demand, catalogue)
    places = pd.concat([gates, tables.openings[tables.openings["gate_id"].isin({gate for gate, _ in openings})]])
    frame = pd.concat([fixes.frame, fixes.opened(openings)], ignore_index=True)
    points = find_points(frame, given.crossings, given.streets, places)
    frame = frame.assign(geometry=points)[_inside(points, tables.area)].reset_index(drop=True)
    if frame.empty:
        return pd.DataFrame()
    frame["rank"] = pd.array([pd.NA] * len(frame), dtype="Int64")
    frame = fixes.with_list(frame)
    words = PlaceWords(
        given.crossings,
        given.streets,
        places,
        given.assignment.facilities,
        tables.compounds,
        catalogue,
        given.metric_epsg,
    )
    frame["place_zh"], frame["place_en"] = words.of(frame, fixes.length_m(frame, given.streets))
    return frame.assign(
        fix_id=frame["target_id"] + "/" + frame["treatment"],
        zone_id=zones_of(frame["geometry"].to_numpy(dtype=object), given.assignment.zones),
        weight_kind=weight_kind_of(given.assignment.demand),
        cost_class=[catalogue.treatments[one].cost for one in frame["treatment"]],
        term=[catalogue.treatments[one].term for one in frame["treatment"]],
    )[list(COLUMNS)]


def _inside(points: NDArray[np.object_], area: pd.DataFrame) -> NDArray[np.bool_]:
    """Points inside the area: what lies in the buffer is for others to mend."""
    shape = shapely.union_all(area["geometry"].to_numpy(dtype=object))
    shapely.prepare(shape)
    return np.asarray(shapely.intersects(shape, points), dtype=bool)


def _gates_used(found: SchoolRoutes, tables: FixTables) -> pd.DataFrame:
    """Gates of schools that pupils use: `gate_id, owner_id, resolved_by, edge_id, geometry`, a row per gate."""
    used = found.sums["gate"].to_numpy(dtype=np.int64)
    walking = found.pupils().sum(axis=1) > 0
    links = tables.routes.links.iloc[found.walks.schools.link[np.unique(used[(used >= 0) & walking])]]
    names = ["gate_id", "owner_id", "resolved_by", "edge_id"]
    places = tables.gates[["gate_id", "owner_id", "geometry"]]
    return (
        links[names]
        .merge(places, on=["gate_id", "owner_id"])
        .sort_values(["gate_id", "owner_id"])
        .drop_duplicates("gate_id", ignore_index=True)
    )


def _targets(found: SchoolRoutes, ways: Ways, catalogue: Catalogue) -> NDArray[np.bool_]:
    """What pupils pass and somebody should look at: bad classes, and worst links of routes unless they are of the best class."""
    values, bad = ways.values, catalogue.fix_list.bad
    classes = np.concatenate(
        [risk_class(values.along, "along", catalogue), risk_class(values.cross, "cross", catalogue)]
    ).astype(str)
    worst = np.zeros(len(classes), dtype=bool)
    for column, first in (("worst_edge", 0), ("worst_crossing", ways.edges)):
        item = found.sums[column].to_numpy(dtype=np.int64)
        worst[item[item >= 0] + first] = True
    return np.asarray((np.isin(classes, bad) | (worst & (classes != "low"))) & (ways.exposure > 0))


class _Fixes:
    """Works with what they do to pupils, and the choice among them."""

    def __init__(self, found: SchoolRoutes, ways: Ways, works: Works, effects: Effects, catalogue: Catalogue) -> None:
        self._found, self._ways, self._works = found, ways, works
        self._effects, self._catalogue = effects, catalogue
        self._pupils = found.pupils().sum(axis=1)
        sums = summed(effects, len(works.frame), self._pupils)
        names = ["target_id", "target_type", "treatment", "risk_before", "risk_after", "suffices"]
        frame = pd.concat([works.frame[names], sums], axis=1).assign(work=np.arange(len(sums)), rerouted=False)
        frame["school_ids"] = self._schools(effects, len(frame))
        self.frame = frame[frame["risk_removed"] > 0].reset_index(drop=True)

    def _schools(self, effects: Effects, count: int) -> list[str]:
        """Schools of the pupils helped by each work, by id."""
        ids = self._found.assigned.site_id
        size = max(len(ids), 1)
        mine = self._pupils[effects.pair] > 0
        key = np.unique(effects.work[mine] * size + self._found.school[effects.pair[mine]])
        bounds = np.searchsorted(key // size, np.arange(count + 1)).tolist()
        names = ids[key % size].tolist() if len(key) else []
        return ["|".join(names[low:high]) for low, high in pairwise(bounds)]

    def opened(self, openings: list[tuple[str, Effects]]) -> pd.DataFrame:
        """Rows of gates to be opened; their pupils are routed already."""
        rows = []
        for gate, effects in openings:
            row = summed(effects, 1, self._pupils).iloc[0].to_dict()
            if row["risk_removed"] > 0:
                rows.append({"target_id": gate, "target_type": "gate", "treatment": _OPEN, "risk_before": np.nan, "risk_after": np.nan,
                             "suffices": True, **row, "work": -1, "rerouted": True, "school_ids": self._schools(effects, 1)[0]})  # fmt: skip
        return pd.DataFrame(rows, columns=self.frame.columns).astype(self.frame.dtypes.to_dict())

    def with_list(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The same with ranks: works of the list have the figures of pupils routed again."""
        chosen = self._choose(frame)
        figures = frame[["children_helped", "children_acceptable", "risk_removed", "school_ids", "rerouted"]].copy()
        for row in chosen:
            if not frame["rerouted"].iloc[row]:
                again = self._again(int(frame["work"].iloc[row]))
                names = ["children_helped", "children_acceptable", "risk_removed"]
                figures.loc[row, names] = summed(again, 1, self._pupils).iloc[0][names]
                figures.loc[row, "school_ids"] = self._schools(again, 1)[0]
                figures.loc[row, "rerouted"] = True
        done = frame.assign(**{name: figures[name] for name in figures.columns})
        listed = _ordered(done.iloc[chosen]).index
        done.loc[listed, "rank"] = np.arange(1, len(listed) + 1)
        return done

    def _choose(self, frame: pd.DataFrame) -> list[int]:
        """Rows of the list before anybody is routed again."""
        cost = frame["treatment"].map({one.id: _COSTS.index(one.cost) for one in self._catalogue.treatments.values()})
        enough = frame["suffices"].to_numpy(dtype=bool)
        rated = frame.assign(last=~enough, price=np.where(enough, cost, 0))
        rated = rated.sort_values(["target_id", "last", "price", "risk_removed", "treatment"],
                                  ascending=[True, True, True, False, True])  # fmt: skip
        best = _ordered(rated.drop_duplicates("target_id"))
        taken: set[int] = set()
        chosen: list[int] = []
        for row, work in zip(best.index.tolist(), best["work"].tolist(), strict=True):
            items = set(self._works.item[self._works.of(work)].tolist()) if work >= 0 else set()
            if taken.isdisjoint(items):
                taken |= items
                chosen.append(row)
            if len(chosen) == self._catalogue.fix_list.length:
                break
        return chosen

    def _again(self, work: int) -> Effects:
        """What a work does where the pupils of the schools concerned choose their routes anew."""
        found, effects = self._found, self._effects.of(work)
        schools = np.unique(found.school[effects.pair])
        pairs = np.flatnonzero(np.isin(found.school, schools) & (found.routed.tree >= 0))
        walks = replace(found.walks, values=self._works.done(work, found.walks.values))
        return route_again(found, walks, of_pairs(found.nearest, pairs), pairs, effects, self._catalogue)

    def length_m(self, frame: pd.DataFrame, streets: pd.DataFrame) -> NDArray[np.float64]:
        """Length of street that each work is done on; NaN for other works. Sidewalks drawn apart are not counted beside their road."""
        length = np.full(len(frame), np.nan)
        edges, own = self._ways.streets["edge_id"], self._ways.streets["road"] == self._ways.streets["edge_id"]
        metres = streets["length_m"].to_numpy(dtype=float)[pd.Index(streets["edge_id"]).get_indexer(pd.Index(edges))]
        metres = np.where(own, metres, 0.0)
        works = self._works
        street = works.item < works.edges
        total = np.bincount(works.work[street], weights=metres[works.item[street]], minlength=len(works.frame))
        mine = (frame["target_type"] == "edge").to_numpy()
        length[mine] = total[frame["work"].to_numpy(dtype=np.int64)[mine]]
        return length


def _ordered(frame: pd.DataFrame) -> pd.DataFrame:
    """By risk removed, then by pupils whose route becomes acceptable."""
    rounded = frame.assign(risk=frame["risk_removed"].round(9), fit=frame["children_acceptable"].round(9))
    return rounded.sort_values(["risk", "fit", "target_id", "treatment"], ascending=[False, False, True, True])
