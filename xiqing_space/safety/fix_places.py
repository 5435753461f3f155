"""Where a work is to be done: its point, its zone, and the place in words that a planner recognises."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from xiqing_space.catalog import Catalogue
from xiqing_space.crs import GEOGRAPHIC, project_geometry
from xiqing_space.safety.words import Words, road_words

_SURE = ("survey", "mapped")


def find_points(
    fixes: pd.DataFrame, crossings: pd.DataFrame, streets: pd.DataFrame, gates: pd.DataFrame
) -> NDArray[np.object_]:
    """Point of each target: the crossing, the middle of the street's edge, the gate; None where a table lacks it.

    Parameters
    ----------
    fixes : DataFrame
        `target_id, target_type`.
    crossings, streets : DataFrame
        Tables, EPSG:4326.
    gates : DataFrame
        `gate_id`, `geometry`.
    """
    points = np.full(len(fixes), None, dtype=object)
    for what, table, key in (
        ("crossing", crossings, "crossing_id"),
        ("edge", streets, "edge_id"),
        ("gate", gates, "gate_id"),
    ):
        mine = np.flatnonzero((fixes["target_type"] == what).to_numpy())
        rows = _rows(table, key, fixes["target_id"].iloc[mine])
        shapes = table["geometry"].to_numpy(dtype=object)[rows[rows >= 0]]
        if what == "edge":
            shapes = shapely.line_interpolate_point(shapes, 0.5, normalized=True)
        points[mine[rows >= 0]] = shapes
    return points


def _rows(table: pd.DataFrame, key: str, wanted: pd.Series) -> NDArray[np.int64]:
    """First row of each id; -1 where there is none."""
    ids = pd.Index(table[key])
    first = ~ids.duplicated()
    found = ids[first].get_indexer(pd.Index(wanted))
    return np.where(found < 0, -1, np.flatnonzero(first)[found]).astype(np.int64)


def zones_of(points: NDArray[np.object_], zones: pd.DataFrame) -> list[str | None]:
    """Zone of each point, the first by id where zones overlap."""
    ordered = zones.sort_values("zone_id")
    point, zone = shapely.STRtree(ordered["geometry"].to_numpy(dtype=object)).query(points, predicate="intersects")
    found: list[str | None] = [None] * len(points)
    names = ordered["zone_id"].tolist()
    for one, other in sorted(zip(point.tolist(), zone.tolist(), strict=True), reverse=True):
        found[one] = names[other]
    return found


class PlaceWords:
    """Places in words, Chinese and English: the road, the junction, the gate, and how far the nearest school helped is.

    Parameters
    ----------
    crossings, streets, gates, facilities, compounds : DataFrame
        Tables, EPSG:4326.
    catalogue : Catalogue
    metric_epsg : int
    """

    def __init__(
        self, crossings: pd.DataFrame, streets: pd.DataFrame, gates: pd.DataFrame, facilities: pd.DataFrame, compounds: pd.DataFrame,
        catalogue: Catalogue, metric_epsg: int,
    ) -> None:  # fmt: skip
        self._crossings, self._streets, self._gates = crossings, streets, gates
        self._catalogue, self._epsg = catalogue, metric_epsg
        self._sites = facilities.sort_values("site_id").drop_duplicates("site_id", ignore_index=True)
        self._names = {
            **dict(zip(compounds["compound_id"], compounds["name"], strict=True)),
            **dict(zip(self._sites["site_id"], self._sites["name"], strict=True)),
        }

    def of(self, fixes: pd.DataFrame, length_m: NDArray[np.float64]) -> tuple[list[str], list[str]]:
        """The place of each row in both languages.

        Parameters
        ----------
        fixes : DataFrame
            `target_id, target_type, treatment, school_ids, geometry`.
        length_m : float64 (rows,)
            Length of street that the work is done on; NaN for other works.
        """
        kinds = fixes["target_type"].to_numpy(dtype=object)
        crossings = self._crossing_words(set(fixes["target_id"][kinds == "crossing"]))
        roads = self._road_words(fixes["target_id"][kinds == "edge"])
        said: list[Words] = []
        for target, what, treatment, length, (school, far) in zip(
            fixes["target_id"], kinds, fixes["treatment"], length_m.tolist(), self._nearest_schools(fixes), strict=True
        ):
            if what == "gate":
                said.append(self._gate(target, treatment))
                continue
            place = (
                crossings[target]
                if what == "crossing"
                else self._filled("fix_along", {"road": roads[target], "m": _tens(length)})
            )
            near = self._filled("fix_near", {"school": school, "m": _tens(far)})
            said.append((place[0] + near[0], place[1] + near[1]))
        return [zh for zh, _ in said], [en for _, en in said]

    def _nearest_schools(self, fixes: pd.DataFrame) -> list[tuple[Words, float]]:
        """Name of the nearest school that each work helps, and how far it is in a straight line."""
        helped = fixes["school_ids"].str.split("|").explode()
        row = pd.Index(self._sites["site_id"]).get_indexer(pd.Index(helped))
        points, schools = (
            project_geometry(one["geometry"].to_numpy(dtype=object), GEOGRAPHIC, self._epsg)
            for one in (fixes, self._sites)
        )
        place = fixes.index.get_indexer(helped.index)
        far = shapely.distance(points[place], schools[row])
        order = np.lexsort((row, far, place))
        first = order[np.searchsorted(place[order], np.arange(len(fixes)))]
        names = self._sites["name"].to_numpy(dtype=object)[row[first]]
        return [
            (self._named(name, "fix_some_school"), metres)
            for name, metres in zip(names, far[first].tolist(), strict=True)
        ]

    def _named(self, name: Any, otherwise: str) -> Words:
        return (
            (name.strip(), name.strip()) if isinstance(name, str) and name.strip() else self._catalogue.word(otherwise)
        )

    def _gate(self, gate: str, treatment: str) -> Words:
        row = self._gates[self._gates["gate_id"] == gate].iloc[0]
        if treatment == "open_gate":
            return self._filled(
                "fix_side_gate", {"owner": self._named(self._names.get(row["owner_id"]), "fix_some_owner")}
            )
        words = self._filled(
            "fix_at_gate", {"school": self._named(self._names.get(row["owner_id"]), "fix_some_school")}
        )
        if row["resolved_by"] in _SURE:
            return words
        guessed = self._catalogue.word("fix_gate_guessed")
        return words[0] + guessed[0], words[1] + guessed[1]

    def _road_words(self, edges: pd.Series) -> dict[str, Words]:
        """The street of each edge: its name, else its number, else its class."""
        rows = self._streets.iloc[_rows(self._streets, "edge_id", edges)]
        columns = ["edge_id", "name", "ref", "highway"]
        return {
            str(edge): road_words(name, ref, highway, self._catalogue)
            for edge, name, ref, highway in rows[columns].drop_duplicates("edge_id").itertuples(index=False, name=None)
        }

    def _crossing_words(self, ids: set[str]) -> dict[str, Words]:
        """Each crossing by its road, and at a junction by the largest other street that has a name."""
        mine = self._crossings[self._crossings["crossing_id"].isin(ids)]
        nodes = set(mine["node_id"].dropna())
        order = {name: at for at, name in enumerate(self._catalogue.safety["roads"]["order"])}
        streets = self._streets
        named = streets[streets["name"].notna() & streets["highway"].isin(order)]
        ends = pd.concat([named[[end, "name", "highway"]].rename(columns={end: "node"}) for end in ("u", "v")])
        ends = ends[ends["node"].isin(nodes)]
        ends = ends.assign(size=ends["highway"].map(order)).sort_values(["node", "size", "name"])
        others: dict[str, list[str]] = {str(node): group.tolist() for node, group in ends.groupby("node")["name"]}
        found: dict[str, Words] = {}
        columns = ["crossing_id", "place", "node_id", "road_name", "road_ref", "road_highway"]
        for identity, place, node, name, ref, highway in mine[columns].itertuples(index=False, name=None):
            road = road_words(name, ref, highway, self._catalogue)
            other = [one for one in others.get(str(node), []) if one != name] if place == "junction" else []
            key = "fix_at_junction" if other else "fix_at_crossing"
            found[str(identity)] = self._filled(
                key, {"road": road, "other": (other[0], other[0]) if other else ("", "")}
            )
        return found

    def _filled(self, key: str, words: dict[str, Words]) -> Words:
        zh, en = self._catalogue.word(key)
        for name, (one, other) in words.items():
            zh, en = zh.replace(f"{{{name}}}", one), en.replace(f"{{{name}}}", other)
        return zh, en


def _tens(metres: float) -> Words:
    told = str(int(round(metres, -1)))
    return told, told
