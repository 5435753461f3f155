"""Street scenes drawn in metres, as tables: what the safety room reads, without an extract. And walks on the graph with sides."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import shapely
from helpers import degrees

from xiqing_space.catalog import Catalogue, load_catalogue
from xiqing_space.safety.crossings import find_crossings
from xiqing_space.safety.ends import Ends, attach_links
from xiqing_space.safety.score import score_crossings
from xiqing_space.safety.sides import SidedGraph, build_sided_graph
from xiqing_space.tables import empty, finish

EPSG = 4548
Place = tuple[float, float]
FOOT = ("footway", "path", "steps", "pedestrian", "cycleway", "track")
J = (0.0, 0.0)
CATALOGUE: Catalogue = load_catalogue()
WORKS = CATALOGUE.treatments


@dataclass
class Scene:
    """Ways, mapped crossings, signals and homes; a node is a place, numbered as it is first drawn."""

    ways: dict[int, tuple[list[Place], dict[str, Any]]] = field(default_factory=dict)
    zebras: dict[Place, dict[str, str]] = field(default_factory=dict)
    points: dict[Place, tuple[str, dict[str, str]]] = field(default_factory=dict)
    homes: dict[str, Place] = field(default_factory=dict)
    survey: list[tuple[str, str, str]] = field(default_factory=list)
    numbers: dict[Place, int] = field(default_factory=dict)
    turn: Callable[[Place], Place] = lambda place: place

    def road(
        self, points: Iterable[Place], highway: str = "residential", *, way: int | None = None, **attributes: Any
    ) -> int:
        """A way; attributes are columns of streets and street_attributes."""
        number = way if way is not None else max(self.ways, default=100) + 1
        line = [(float(x), float(y)) for x, y in points]
        self.ways[number] = (line, {"highway": highway, **attributes})
        for place in line:
            self.numbers.setdefault(place, len(self.numbers) + 1)
        return number

    def foot(self, points: Iterable[Place], highway: str = "footway", **attributes: Any) -> int:
        """A way for walkers alone."""
        return self.road(points, highway, **attributes)

    def zebra(self, x: float, y: float, **tags: str) -> None:
        """A mapped crossing at a vertex of a way."""
        self.zebras[(float(x), float(y))] = {key.replace("_", ":"): value for key, value in tags.items()}

    def point(self, what: str, x: float, y: float, **tags: str) -> None:
        """A point on the road at a vertex of a way."""
        self.points[(float(x), float(y))] = (what, {key.replace("__", ":"): value for key, value in tags.items()})

    def home(self, name: str, x: float, y: float) -> None:
        """A home or site, linked to the nearest walkable edge."""
        self.homes[name] = (float(x), float(y))

    def node(self, x: float, y: float) -> str:
        """Id of a node."""
        return f"osm:n{self.numbers[(float(x), float(y))]}"

    def edge(self, *places: Place) -> str:
        """Id of the edge whose line has all these vertices."""
        wanted = {(float(x), float(y)) for x, y in places}
        (found,) = [name for name, line, _ in self.edges() if wanted <= set(line)]
        return found

    def mouth(self, node: Place, toward: Place) -> str:
        """Id of the crossing of a leg at its mouth."""
        return f"{self.node(*node)}/{self.edge(node, toward)}"

    def mirrored(self) -> Scene:
        """East and west changed."""
        return replace(self, turn=lambda place: (-place[0], place[1]))

    def backwards(self, ways: Iterable[int] | None = None) -> Scene:
        """Some ways drawn the other way round."""
        chosen = set(self.ways if ways is None else ways)
        return replace(self, ways={number: (line[::-1] if number in chosen else line, tags)
                                   for number, (line, tags) in self.ways.items()})  # fmt: skip

    def edges(self) -> list[tuple[str, list[Place], dict[str, Any]]]:
        """Ways cut where they share a place, and at mapped crossings."""
        times: dict[Place, int] = {}
        for line, _ in self.ways.values():
            for place in line:
                times[place] = times.get(place, 0) + 1
        found, seen = [], {}
        for number, (line, tags) in self.ways.items():
            begin = 0
            for at in range(1, len(line)):
                if at == len(line) - 1 or times[line[at]] > 1 or line[at] in self.zebras:
                    piece = line[begin : at + 1]
                    name = f"osm:w{number}:n{self.numbers[piece[0]]}-n{self.numbers[piece[-1]]}"
                    seen[name] = seen.get(name, 0) + 1
                    found.append((name if seen[name] == 1 else f"{name}:{seen[name]}", piece, tags))
                    begin = at
        return found

    def tables(self, *, shuffled: int | None = None) -> dict[str, pd.DataFrame]:
        """The tables, `shuffled` in another row order."""
        edges = self.edges()
        lines = [shapely.LineString([self.turn(place) for place in line]) for _, line, _ in edges]
        streets, attributes = [], []
        for (name, line, tags), metric in zip(edges, lines, strict=True):
            foot = tags["highway"] in FOOT
            walk = tags.get("walk", True)
            streets.append({
                "edge_id": name, "osm_id": name.split(":n")[0], "u": self.node(*line[0]), "v": self.node(*line[-1]),
                "length_m": round(metric.length, 3), "highway": tags["highway"], "name": tags.get("name"),
                "ref": tags.get("ref"), "layer": None, "bridge": tags.get("bridge", False),
                "tunnel": tags.get("tunnel", False), "walk": walk, "pram": walk and tags["highway"] != "steps",
                "blocked_reason": None if walk else "foot_no",
                "geometry": shapely.LineString([degrees(*place) for place in metric.coords]),
            })  # fmt: skip
            attributes.append({"edge_id": name, **_attributes(foot, tags)})
        frames = {
            "streets": gpd.GeoDataFrame(streets, crs=4326), "street_attributes": pd.DataFrame(attributes),
            "mapped_crossings": self._mapped(), "road_points": self._points(), "access_links": self._links(edges, lines),
            "street_survey": self._survey(),
        }  # fmt: skip
        if shuffled is not None:
            frames = {name: frame.sample(frac=1.0, random_state=shuffled) for name, frame in frames.items()}
        return frames

    def _mapped(self) -> pd.DataFrame:
        marks = {"marked": "marked", "zebra": "marked", "traffic_signals": "signals", "unmarked": "none"}
        rows = [
            {
                "crossing_id": self.node(*place), "node_id": self.node(*place), "road_edge_ids": None, "road_highway": None,
                "control": marks.get(tags.get("crossing", "")),
                "control_from": "tag" if tags.get("crossing") in marks else None, "tags": json.dumps(tags),
                "geometry": shapely.Point(degrees(*self.turn(place))),
            }
            for place, tags in self.zebras.items()
        ]  # fmt: skip
        return pd.DataFrame(rows) if rows else _none("mapped_crossings")

    def _points(self) -> pd.DataFrame:
        rows = [
            {"point_id": self.node(*place), "what": what, "tags": json.dumps(tags), "geometry": shapely.Point(degrees(*self.turn(place)))}
            for place, (what, tags) in self.points.items()
        ]  # fmt: skip
        return pd.DataFrame(rows) if rows else _none("road_points")

    def _survey(self) -> pd.DataFrame:
        rows = [{"item_id": item, "item_type": "crossing", "field": name, "value": value, "tag_value": None, "conflict": False,
                 "surveyed_on": None, "source": "t"} for item, name, value in self.survey]  # fmt: skip
        return pd.DataFrame(rows) if rows else _none("street_survey")

    def _links(self, edges: Any, lines: list[Any]) -> pd.DataFrame:
        rows = []
        for owner, place in self.homes.items():
            at = shapely.Point(self.turn(place))
            usable = [row for row, (_, _, tags) in enumerate(edges)
                      if tags.get("walk", True) and not tags.get("bridge") and not tags.get("tunnel")]  # fmt: skip
            row = min(usable, key=lambda one: (round(lines[one].distance(at), 6), edges[one][0]))
            along, metric = lines[row].project(at), lines[row]
            before, after = (np.asarray(metric.interpolate(max(along + step, 0.0)).coords[0]) for step in (-0.5, 0.5))
            way, out = after - before, np.asarray(at.coords[0]) - before
            cross = way[0] * out[1] - way[1] * out[0]
            side = None if abs(cross) < 1e-6 else "left" if cross > 0 else "right"
            rows.append({
                "owner_type": "demand", "owner_id": owner, "gate_id": owner, "profile": "walk", "edge_id": edges[row][0],
                "offset_m": round(along, 3), "leg_m": round(metric.distance(at), 3), "side": side, "resolved_by": "point",
                "linked": True, "reason": None, "geometry": shapely.Point(degrees(*metric.interpolate(along).coords[0])),
            })  # fmt: skip
        return pd.DataFrame(rows) if rows else _none("access_links")


_none = cache(empty)


def _attributes(foot: bool, tags: dict[str, Any]) -> dict[str, Any]:
    lanes = tags.get("lanes", 0 if foot else 2)
    oneway = tags.get("pair_id") is not None or tags.get("oneway", False)
    values = {
        "speed_kmh": tags.get("speed", 0.0 if foot else 30.0), "lanes_total": lanes,
        "lanes_per_dir": lanes if oneway else lanes // 2, "oneway": oneway, "sidewalk_left": "separated_0_1m",
        "sidewalk_right": "separated_0_1m", "sidewalk_width_m": 2.0, "carriageway_width_m": 3.5 * lanes, "lit": True,
        "surface": "good", "parking": "none", "calming": False, "median": "none", "flow_per_lane": 0.0 if foot else 500.0,
    }  # fmt: skip
    sources = {f"{name}_from": "default" for name in values}
    road_class = "foot" if foot else tags["highway"]
    fixed = {"road_class": road_class, "road_status": "urban", "beside_edge_id": None, "pair_id": tags.get("pair_id"),
             "pair_gap_m": tags.get("gap", np.nan)}  # fmt: skip
    return {**fixed, **values, **sources}


@dataclass(frozen=True)
class Walked:
    """A way on the graph with sides: what is paid for crossings by id, length, price."""

    paid: dict[str, float]
    length_m: float
    price: float
    edges: tuple[str, ...]

    @property
    def crossed(self) -> float:
        """Whole crossings paid."""
        return round(sum(self.paid.values()), 6)


class Built:
    """A scene's crossings and graph, and the cheapest ways between its homes, by networkx."""

    def __init__(
        self, scene: Scene, *, shuffled: int | None = None, profile: str = "walk", finished: bool = True
    ) -> None:
        self.scene = scene
        tables = scene.tables(shuffled=shuffled)
        self.streets, attributes = tables["streets"], tables["street_attributes"]
        self.links = tables["access_links"].assign(profile=profile)
        found = find_crossings(
            self.streets, tables["mapped_crossings"], tables["road_points"], self.links, attributes, tables["street_survey"],
            CATALOGUE, EPSG,
        )  # fmt: skip
        self.crossings = finish("crossings", found) if finished else found.sort_values("crossing_id", ignore_index=True)
        again = self.crossings if shuffled is None else self.crossings.sample(frac=1.0, random_state=shuffled)
        self.graph: SidedGraph = build_sided_graph(self.streets, again, attributes, profile, CATALOGUE, EPSG)
        self.ends: Ends = attach_links(self.links, self.graph)

    def crossing(self, identity: str) -> Any:
        """Row of a crossing."""
        return self.crossings.set_index("crossing_id").loc[identity]

    @property
    def scores(self) -> dict[str, dict[str, float]]:
        """Scores by crossing."""
        frame: dict[str, dict[str, float]] = (
            score_crossings(self.crossings, CATALOGUE).set_index("crossing_id").to_dict("index")
        )
        return frame

    def walk(self, start: str, goal: str, price: Callable[[str], float] | None = None) -> Walked:
        """The cheapest way: length + price of each crossing × its share; 90 each where no price is given."""
        each = price or (lambda _: 90.0)
        net = self._network(each)
        names = self.links["owner_id"].tolist()
        steps = nx.dijkstra_path(net, ("home", names.index(start)), ("home", names.index(goal)), weight="weight")
        paid: dict[str, float] = {}
        length = total = 0.0
        edges: list[str] = []
        for a, b in itertools.pairwise(steps):
            step = net[a][b]
            length, total = length + step["length"], total + step["weight"]
            if step["edge"] and step["edge"] not in edges:
                edges.append(step["edge"])
            if step["part"]:
                paid[step["crossing"]] = paid.get(step["crossing"], 0.0) + step["part"]
        return Walked(paid, round(length, 2), total, tuple(edges))

    def _network(self, each: Callable[[str], float]) -> nx.Graph:
        graph, ends, net = self.graph, self.ends, nx.Graph()

        def join(a: Any, b: Any, length: float, crossing: int, part: float, edge: str = "") -> None:
            name = graph.crossing_id[crossing] if crossing >= 0 else ""
            share = part * graph.share[crossing] if crossing >= 0 else 0.0
            weight = length + (share * each(name) if share else 0.0)
            if a != b and weight < net.get_edge_data(a, b, {"weight": np.inf})["weight"]:
                net.add_edge(a, b, weight=weight, length=length, crossing=name, part=share, edge=edge)

        on: dict[int, list[float]] = {}
        for arc, offset in zip(ends.arc.tolist(), ends.offset_m.tolist(), strict=True):
            on.setdefault(arc, []).append(offset)
        for arc in range(len(graph.tail)):
            edge = graph.edge_id[graph.edge[arc]] if graph.edge[arc] >= 0 else ""
            stops = [("arc", arc, one) for one in sorted(set(on.get(arc, [])))]
            # a node of its own in the middle keeps parallel arcs apart
            places = [(("corner", graph.tail[arc]), 0.0), *((one, one[2]) for one in stops or [("arc", arc, -1.0)])]
            places = [(place, max(offset, 0.0)) for place, offset in places] + [
                (("corner", graph.head[arc]), graph.length_m[arc])
            ]
            for number, ((a, begin), (b, end)) in enumerate(itertools.pairwise(places)):
                join(a, b, end - begin, int(graph.crossing[arc]), float(number == 0), edge)
        for row in range(len(ends.link)):
            join(("home", int(ends.link[row])), ("arc", int(ends.arc[row]), float(ends.offset_m[row])), float(ends.leg_m[row]),
                 int(ends.crossing[row]), float(ends.part[row]))  # fmt: skip
        return net
