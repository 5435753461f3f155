"""Everything that the printed sheets draw, in metres, read and sorted into classes once."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from xiqing_space.catalog import Catalogue
from xiqing_space.crs import GEOGRAPHIC, project_geometry
from xiqing_space.maps.layers import street_class
from xiqing_space.maps.page import page_facts
from xiqing_space.maps.places import Places
from xiqing_space.maps.school_layers import PROBLEMS, crossing_table, scored_edges
from xiqing_space.release import Reader
from xiqing_space.safety.problems import school_problems
from xiqing_space.sections import OutputConfig

STREET_GROUPS = ("closed", "path", "street", "main", "motorway")
KINDS_DRAWN = ("kindergarten", "primary_school", "park")  # sheets of the district beside the complete circle


class Atlas:
    """Everything that the sheets draw, in metres, read and sorted into classes once."""

    def __init__(self, store: Reader, catalogue: Catalogue, output: OutputConfig) -> None:
        self.catalogue = catalogue
        self.epsg = int(store.get("area")["metric_epsg"].iloc[0])
        self.facts = {name: page_facts(store, catalogue, output, f"title_{name}") for name in ("action02", "action13")}
        self.area = self._metric(store.get("area"))
        zones = store.get("zones")
        self.zones = zones.drop(columns="geometry").assign(shape=self._metric(zones))
        streets = store.get("streets")
        groups, lines = street_class(streets), self._metric(streets)
        self.streets = {name: merged(lines[groups == name]) for name in STREET_GROUPS}
        self._read_land(store)
        self._read_reach(store)
        self._read_routes(store)

    def _metric(self, frame: Any) -> NDArray[np.object_]:
        return project_geometry(frame.geometry.to_numpy(), GEOGRAPHIC, self.epsg)  # type: ignore[no-any-return]

    def _read_land(self, store: Reader) -> None:
        barriers, grounds, facilities = store.get("barriers"), store.get("grounds"), store.get("facilities")
        shape, kind = self._metric(barriers), barriers["barrier"].to_numpy(dtype=object)
        areal = barriers["is_area"].to_numpy(dtype=bool)
        self.water = np.asarray([shapely.build_area(one) for one in shape[areal & (kind == "water")]], dtype=object)
        self.streams, self.rail = shape[~areal & (kind == "water")], shape[kind == "rail"]
        parks = grounds["site_id"].isin(set(facilities.loc[facilities["kind"] == "park", "site_id"])).to_numpy()
        self.parks = self._metric(grounds)[parks]

    def _read_reach(self, store: Reader) -> None:
        catalogue, places = self.catalogue, Places(store, self.catalogue)
        self.in_cells = places.cells is not None
        shapes = project_geometry(places.shapes.to_numpy(), GEOGRAPHIC, self.epsg)
        self.cells = shapes if self.in_cells else shapes[:0]
        self.homes = shapely.get_coordinates(shapely.centroid(shapes))
        self.home_class: dict[str, NDArray[np.uint8]] = {}
        if (circle := places.circle()) is not None:
            self.home_class["circle"] = circle
        for kind in KINDS_DRAWN:
            standards = catalogue.standards_of(kind)
            if standards and places.has_any(kind) and (found := places.classes(kind, standards[0], "walk")) is not None:
                self.home_class[kind] = found
        facilities = store.get("facilities")
        self.facilities = facilities.drop(columns="geometry").assign(shape=self._metric(facilities))
        spots = store.get("blind_spots")
        self.spots = spots.drop(columns="geometry").assign(shape=self._metric(spots))

    def _read_routes(self, store: Reader) -> None:
        edges = scored_edges(store)
        self.edges = edges.drop(columns="geometry").assign(shape=self._metric(edges))
        used = np.sort(edges.loc[edges["pupils"] > 0, "pupils"].to_numpy(dtype=float))
        cuts = [used[int(len(used) * part)] if len(used) else np.inf for part in (0.5, 0.9)]
        self.edges["wide"] = np.where(edges["pupils"] <= 0, 0, 1 + np.searchsorted(cuts, edges["pupils"], side="left"))
        crossings = crossing_table(store)
        self.crossings = crossings.drop(columns="geometry").assign(shape=self._metric(crossings))
        schools = store.get("schools")
        self.schools = schools.drop(columns="geometry").assign(shape=self._metric(schools))
        fixes = store.get("fixes")
        fixes = fixes[fixes["rank"].notna()].sort_values("rank")
        self.fixes = fixes.drop(columns="geometry").assign(shape=self._metric(fixes))
        forest = store.get("school_forest")
        forest = forest[forest["children"] > 0]
        self.forest = forest[forest["next_edge_id"].notna()]
        self.problems = school_problems(forest, crossings, PROBLEMS)
        gates = store.get("gate_rules").drop_duplicates(["site_id", "gate_id"])
        self.gates = gates.drop(columns="geometry").assign(shape=self._metric(gates))


def merged(lines: NDArray[np.object_]) -> NDArray[np.object_]:
    """Lines joined where they meet and thinned to what a print shows."""
    if not len(lines):
        return lines
    joined = shapely.get_parts(shapely.line_merge(shapely.multilinestrings(shapely.get_parts(lines))))
    return shapely.simplify(joined, 1.0)  # type: ignore[no-any-return]
