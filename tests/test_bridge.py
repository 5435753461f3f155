"""What stands between radius and walk: drawn cases by hand, the town, plain loops with networkx, and properties."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from pathlib import Path

import networkx as nx
import numpy as np
import pandas as pd
import pytest
import shapely
from helpers import Drawing, call, table, write_config
from hypothesis import event, given, settings
from hypothesis import strategies as st
from test_properties import EPSG, LIMIT, ORIGIN, World, degrees, streets_of
from town.test_town import assert_agrees, expected

from xiqing_space.catalog import load_catalogue
from xiqing_space.coverage.access import AccessInputs, measure_access
from xiqing_space.coverage.bridge import COLUMNS, bridge_limits, measure_bridge, street_lines
from xiqing_space.crs import project_geometry
from xiqing_space.network import build_graph
from xiqing_space.network.lifted import CLASSES, bits_of, lift_barriers, read_barrier_classes
from xiqing_space.network.links import Barriers, Segments, link_to_graph, starting_points

APART = 3000.0
CANAL, RAIL, MOTORWAY, WALL = {"waterway": "canal"}, {"railway": "rail"}, {"highway": "motorway"}, {"barrier": "wall"}


@dataclass
class Quarter:
    """One drawn case: streets A (y = 0) and B (y = 200) from x = 0 to 800, joined at x = 800 alone, on a bridge from 40 to 160."""

    d: Drawing
    x: float

    def place(self, x: float, y: float) -> tuple[float, float]:
        return self.x + x, y

    def streets(self, south: bool = False) -> None:
        at, sign = self.place, -1 if south else 1
        self.d.street([at(0, 0.0), at(800, 0.0)], name="甲街")
        self.d.street([at(0, sign * 200.0), at(800, sign * 200.0)], name="乙街")
        self.d.street([at(800, 0.0), at(800, sign * 40.0)])
        self.d.street([at(800, sign * 40.0), at(800, sign * 160.0)], bridge="yes", layer="1")
        self.d.street([at(800, sign * 160.0), at(800, sign * 200.0)])

    def barrier(self, y: float, tags: dict[str, str], west: float = -400, east: float = 1200) -> None:
        self.d.way([self.place(west, y), self.place(east, y)], tags)

    def home(self, x: float, y: float) -> str:
        x, y = self.place(x, y)
        return f"osm:w{self.d.block(x - 5, y - 5, x + 5, y + 5, {'building': 'house'})}"

    def kindergarten(self, x: float, y: float) -> None:
        self.d.node(*self.place(x, y), {"amenity": "kindergarten", "name": "示例幼儿园"})


Case = tuple[str, float, float, float]  # cause, straight, walk, lifted
NAN = float("nan")


def draw_quarters() -> tuple[Drawing, dict[str, Case]]:
    """Cases far apart from each other, and what is right for each home."""
    d, right = Drawing(), {}

    def quarter() -> Quarter:
        return Quarter(d, APART * len({round(x / APART) for x, _ in d.places}) if d.places else 0.0)

    # home (100, -10), kindergarten (100, 210): 10 + 700 + 200 + 700 + 10; straight across 10 + 200 + 10
    round_, across = 1620.0, 220.0
    cases = [
        ("water", [(100, CANAL)]), ("rail", [(100, RAIL)]), ("motorway", [(100, MOTORWAY)]), ("wall", [(100, WALL)]),
        ("several", [(90, CANAL), (120, WALL)]), ("pattern", []), ("pattern", [(100, MOTORWAY | {"bridge": "yes"})]),
    ]  # fmt: skip
    for cause, barriers in cases:
        one = quarter()
        one.streets()
        for y, tags in barriers:
            one.barrier(y, tags)
        one.kindergarten(100, 210)
        right[one.home(100, -10)] = (cause, 220.0, round_, NAN if cause == "pattern" else across)
    # a wall of 60 m is walked round: it is not what keeps the streets apart
    one = quarter()
    one.streets()
    one.barrier(100, WALL, 70, 130)
    one.kindergarten(100, 210)
    right[one.home(100, -10)] = ("pattern", 220.0, round_, NAN)
    # a compound south of A whose gate is on the far side: 100 to the gate + 50 + 650 + 200 + 650 + 10; over the wall 50 + 10
    one = quarter()
    one.streets(south=True)
    gate, corner = d.node(*one.place(150, -150), {"barrier": "gate"}), d.node(*one.place(150, -200))
    outline = [d.node(*one.place(x, y)) for x, y in ((50, -150), (250, -150), (250, -20), (50, -20))]
    d.way([outline[0], gate, *outline[1:], outline[0]], {"landuse": "residential", "barrier": "wall", "name": "甲小区"})
    d.street([gate, corner], "footway")
    next(refs for refs, tags in reversed(d.ways.values()) if tags.get("name") == "乙街").insert(1, corner)
    one.kindergarten(150, 10)
    right[one.home(150, -50)] = ("wall", 60.0, 100 + 50 + 650 + 200 + 650 + 10, 60.0)
    # water north, rail south, a kindergarten behind each: the nearer one decides; straight on 10 + 200 + 10, aslant 206.16
    one = quarter()
    one.streets()
    one.streets(south=True)
    one.barrier(100, CANAL)
    one.barrier(-100, RAIL)
    one.kindergarten(100, 210)
    one.kindergarten(150, -210)
    right[one.home(100, -10)] = ("water", 206.16, 1570.0, 220.0)
    right[one.home(150, -10)] = ("rail", 200.0, 1520.0, 220.0)
    # nobody can walk from a home 280 m from any street, nor to a kindergarten 290 m from any
    one = quarter()
    one.streets()
    one.kindergarten(100, 210)
    one.kindergarten(700, 490)
    right[one.home(150, 480)] = ("home_not_linked", 274.59, NAN, NAN)
    right[one.home(700, 230)] = ("facility_not_linked", 260.0, 640.0, NAN)
    return d, right


@pytest.fixture(scope="module")
def quarters(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Case]]:
    base = tmp_path_factory.mktemp("quarters")
    drawing, right = draw_quarters()
    drawing.write(base / "a.osm.pbf")
    config = write_config(base / "c.toml", {"area": {"name": "a"}, "sources": {"osm": "a.osm.pbf"}})
    result = call("run", "--config", config, "--out", base / "out", "--only", "bridge")
    assert result.code == 0, result.err[-500:]
    return base / "out", right


def test_each_cause_by_hand(quarters: tuple[Path, dict[str, Case]]) -> None:
    out, right = quarters
    found = table(out, "bridge").query("kind == 'kindergarten'").set_index("demand_id")
    assert set(found.index) == set(right)
    assert set(found["profile"]) == {"walk"}
    assert set(found["limit_m"]) == {300.0}
    for home, (cause, straight, walk, lifted) in right.items():
        row = found.loc[home]
        assert row["cause"] == cause, home
        numbers = row[["straight_m", "distance_m", "lifted_m"]].to_numpy(dtype=float)
        assert numbers == pytest.approx([straight, walk, lifted], abs=0.1, nan_ok=True), (home, cause)


# --- the town


def test_the_town_s_bridge_by_hand(town_run: Path) -> None:
    hand, found = expected("bridge"), table(town_run, "bridge")
    assert_agrees(hand, found[found["kind"].isin(set(hand["kind"]))], ["demand_id", "kind", "profile"], 0.05)


def test_the_town_s_bridge_is_what_the_shares_lose(town_run: Path) -> None:
    """Every row lies within the radius and beyond it on foot, and no such home is missing."""
    found, access = table(town_run, "bridge"), table(town_run, "access")
    limits = bridge_limits(load_catalogue())
    assert ("park", "pram", 300.0) in limits
    assert "library" not in {kind for kind, *_ in limits}  # its standard is in minutes: no radius
    for kind, profile, limit in limits:
        mine = access[(access["kind"] == kind) & (access["profile"] == profile)]
        lost = mine[(mine["straight_m"] <= limit) & ~(mine["distance_m"] <= limit)]
        rows = found[(found["kind"] == kind) & (found["profile"] == profile)]
        assert set(rows["demand_id"]) == set(lost["demand_id"]), (kind, profile)
    assert len(found) == sum(len(one) for _, one in found.groupby(["kind", "profile"]))
    assert table(town_run, "gate_openings").empty


# --- second method: plain loops over the same places, shapely's own predicate, networkx


Read = tuple[dict[str, pd.DataFrame], dict[str, np.ndarray]]


def read_all(out: Path) -> Read:
    """Tables of a run, and their geometry in metres."""
    read = {
        name: table(out, name) for name in ("streets", "barriers", "compounds", "access_links", "demand", "facilities")
    }
    epsg = int(table(out, "area")["metric_epsg"].iloc[0])
    return read, {
        name: project_geometry(shapely.from_wkb(frame["geometry"].to_numpy()), 4326, epsg)
        for name, frame in read.items()
    }


def plain_walk(tables: Read, row: pd.Series, lifted: tuple[str, ...]) -> float:
    """Shortest walk of one home to any kindergarten with some classes lifted."""
    read, metric = tables
    streets, barriers = read["streets"], read["barriers"]
    names = np.concatenate([barriers["barrier"].to_numpy(dtype=object), np.full(len(read["compounds"]), "wall")])
    shapes = np.concatenate([metric["barriers"], shapely.boundary(metric["compounds"])])
    ground = np.concatenate([~barriers["bridge"].to_numpy(dtype=bool), np.ones(len(read["compounds"]), dtype=bool)])
    home = metric["demand"][int(np.flatnonzero(read["demand"]["demand_id"] == row["demand_id"])[0])]
    near = [
        (name, shape)
        for name, shape, on in zip(names, shapes, ground, strict=True)
        if on and shape.distance(home) < 1500
    ]

    def crosses(line: shapely.LineString, *, large: bool) -> set[str]:
        return {name for name, one in near if line.crosses(one) and (not large or one.length >= 100)}

    # places: ends of streets, and the cuts of those on the ground
    graph = nx.Graph()
    spots: dict[tuple[float, float], bool] = {}
    lines = {}
    for edge, line in zip(streets.itertuples(), metric["streets"], strict=True):
        if not edge.walk or line.distance(home) > 1500:
            continue
        pieces = 1 if edge.bridge else max(round(edge.length_m / 50), 1)
        ends = [line.interpolate(step / pieces, normalized=True) for step in range(pieces + 1)]
        keys = [(round(one.x, 1), round(one.y, 1)) for one in ends]
        lines[edge.edge_id] = (line, keys, edge.bridge)
        for key in keys:
            spots[key] = spots.get(key, False) or not edge.bridge
        for one, other in itertools.pairwise(keys):
            graph.add_edge(one, other, weight=line.length / pieces)
    standing = sorted(key for key, on in spots.items() if on)
    for row_, one in enumerate(standing):
        for other in standing[row_ + 1 :]:
            far = float(np.hypot(one[0] - other[0], one[1] - other[1]))
            if far <= 260:
                over = crosses(shapely.LineString([one, other]), large=True)
                if over and over <= set(lifted):
                    graph.add_edge(one, other, weight=far)

    def join(name: str, point: shapely.Point, leg: float, edge_id: str) -> None:
        line, keys, _ = lines[edge_id]
        at = line.project(point)
        step = line.length / (len(keys) - 1)
        for place, key in enumerate(keys):
            graph.add_edge(name, key, weight=leg + abs(at - place * step))

    def joined(name: str, owner: str, own: shapely.Point) -> None:
        links = read["access_links"].query("owner_id == @owner and profile == 'walk' and linked")
        for link in links.itertuples():
            join(name, lines[link.edge_id][0].interpolate(link.offset_m), link.leg_m, link.edge_id)
        if links["resolved_by"].eq("point").all() or "wall" in lifted:
            legs = []
            for edge_id, (line, _, bridge) in lines.items():
                foot = line.interpolate(line.project(own))
                over = crosses(shapely.LineString([own, foot]), large=False)
                if not bridge and own.distance(foot) <= 250 and over <= set(lifted):
                    legs.append((own.distance(foot), edge_id))
            if legs:
                join(name, own, *min(legs))

    joined("home", row["demand_id"], home)
    for site, place in zip(read["facilities"]["site_id"], metric["facilities"], strict=True):
        if place.distance(home) < 700:
            joined(site, site, place)
            graph.add_edge(site, "any", weight=0.0)
    try:
        return float(nx.shortest_path_length(graph, "home", "any", weight="weight"))
    except nx.NetworkXNoPath:
        return float("inf")


def test_plain_loops_find_the_same_causes(quarters: tuple[Path, dict[str, Case]]) -> None:
    """All pairs of places are joined there, so it also shows that the triangulation leaves no shorter way out here."""
    out, _ = quarters
    found, tables = table(out, "bridge"), read_all(out)
    found = found[found["kind"].eq("kindergarten") & ~found["cause"].isin(["home_not_linked", "facility_not_linked"])]
    seen = set()
    for _, row in found.iterrows():
        alone = {name: plain_walk(tables, row, (name,)) for name in CLASSES}
        best = min(alone, key=lambda name: (round(alone[name], 2), CLASSES.index(name)))
        together = plain_walk(tables, row, CLASSES)
        plain = best if alone[best] <= 300 else "several" if together <= 300 else "pattern"
        assert row["cause"] == plain, row["demand_id"]
        if plain != "pattern":
            assert row["lifted_m"] == pytest.approx(together if plain == "several" else alone[best], abs=0.3)
        seen.add(plain)
    assert seen == {*CLASSES, "several", "pattern"}


# --- properties


@dataclass(frozen=True)
class Walled:
    """A world, and straight barriers in it: class and two ends each."""

    world: World
    barriers: tuple[tuple[str, tuple[int, int], tuple[int, int]], ...]


@st.composite
def banks(draw: st.DrawFn) -> Walled:
    """A street on each bank of one to three barriers, joined at their eastern ends; homes mostly south, sites mostly north."""

    def street(low: int, high: int) -> list[tuple[int, int]]:
        xs = sorted(draw(st.sets(st.integers(0, 600), min_size=2, max_size=5)))
        return [(x, draw(st.integers(low, high))) for x in xs]

    def spots(low: int, high: int) -> st.SearchStrategy[tuple[int, int]]:
        return st.tuples(st.integers(0, 600), st.integers(low, high))

    south, north = street(0, 100), street(240, 340)
    nodes = [*south, *north]
    chain = [(at, at + 1) for at in range(len(nodes) - 1) if at != len(south) - 1]
    if draw(st.booleans()):
        chain.append((len(south) - 1, len(nodes) - 1))
    homes = draw(st.lists(st.one_of(spots(-80, 150), spots(-80, 400)), min_size=1, max_size=5, unique=True))
    sites = draw(
        st.lists(
            st.one_of(spots(220, 400), spots(-80, 400)).map(lambda one: (one,)), min_size=1, max_size=3, unique=True
        )
    )
    lines = st.tuples(st.sampled_from(CLASSES), st.tuples(st.integers(-200, 100), st.integers(110, 230)),
                      st.tuples(st.integers(300, 800), st.integers(110, 230)))  # fmt: skip
    return Walled(
        World(tuple(nodes), tuple(chain), tuple(homes), tuple(sites)),
        tuple(draw(st.lists(lines, min_size=1, max_size=3))),
    )


def both_tables(walled: Walled, order: np.random.Generator | None = None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Access and bridge of a walled world for a limit of 400 m; with `order` every table's rows are shuffled first."""

    def mixed(frame: pd.DataFrame) -> pd.DataFrame:
        return frame if order is None else frame.iloc[order.permutation(len(frame))].reset_index(drop=True)

    world = walled.world
    streets = mixed(streets_of(world))
    demand = mixed(pd.DataFrame({"demand_id": [f"h{i}" for i in range(len(world.homes))], "compound_id": None, "placed": True,
                                 "geometry": degrees(list(world.homes))}))  # fmt: skip
    points = degrees([gates[0] for gates in world.sites])
    facilities = mixed(pd.DataFrame({"facility_id": [f"f{i}" for i in range(len(points))], "geometry": points}).assign(
        site_id=lambda frame: frame["facility_id"], kind="park", status="operating", serves="everyone"))  # fmt: skip
    gates = mixed(pd.DataFrame([(one, one, "site", "point", None, place) for one, place in
                                zip([f"f{i}" for i in range(len(points))], points, strict=True)],
                               columns=["gate_id", "owner_id", "owner_type", "resolved_by", "through", "geometry"]))  # fmt: skip
    lines = [shapely.MultiLineString([np.asarray(one[1:], dtype=float) + ORIGIN]) for one in walled.barriers]
    barriers = mixed(pd.DataFrame({"barrier": [one[0] for one in walled.barriers], "bridge": False,
                                   "geometry": project_geometry(np.asarray(lines, dtype=object), EPSG, 4326)}))  # fmt: skip
    compounds = pd.DataFrame({"compound_id": [], "geometry": np.zeros(0, dtype=object)})
    graph = build_graph(streets, "walk", EPSG)
    classes = read_barrier_classes(barriers, compounds, EPSG)
    metric = np.asarray(lines, dtype=object)
    wall = np.asarray([one[0] == "wall" for one in walled.barriers])
    links = link_to_graph(
        starting_points(demand, facilities, gates, EPSG), streets, graph, "walk", Barriers(Segments(metric[~wall]), Segments(metric[wall])),
        max_leg_m=100, island_min_m=0, metric_epsg=EPSG)  # fmt: skip
    inputs = AccessInputs(demand, facilities, gates, mixed(links), EPSG)
    access = measure_access(inputs, {"walk": inputs.of_profile(graph, "walk")}, ("park",), LIMIT)
    found = measure_bridge(inputs, access, (("park", "walk", 400.0),), graph, street_lines(streets, graph.edge_id, EPSG, ("walk",)),
                           classes, 0.0)  # fmt: skip
    return access, found.round(2).sort_values("demand_id", ignore_index=True) if len(found) else pd.DataFrame(
        columns=list(COLUMNS)
    )


@settings(max_examples=30, deadline=None)
@given(banks())
def test_lifting_never_lengthens_and_never_beats_the_straight_line(walled: Walled) -> None:
    access, found = both_tables(walled)
    lost = access[(access["straight_m"] <= 400) & ~(access["distance_m"] <= 400)]
    assert sorted(found["demand_id"]) == sorted(lost["demand_id"])
    lifted = found[found["lifted_m"].notna()]
    event(f"lifted: {len(lifted) > 0}")
    assert set(lifted["cause"]) <= {*CLASSES, "several"}
    assert (lifted["lifted_m"] <= 400).all()
    assert (lifted["lifted_m"] + 0.02 >= lifted["straight_m"]).all()
    assert not (lifted["lifted_m"] > lifted["distance_m"] + 0.011).any()
    given_ = {one[0] for one in walled.barriers}
    assert set(lifted["cause"]) <= {*given_, "several"}, "only a class that is there can be lifted"
    if len(given_) < 2:
        assert "several" not in set(found["cause"])
    unknown = set(lost.loc[lost["reason"] == "home_not_linked", "demand_id"])
    assert set(found.loc[found["cause"] == "home_not_linked", "demand_id"]) == unknown


@settings(max_examples=12, deadline=None)
@given(banks(), st.integers(0, 2**32 - 1))
def test_the_order_of_rows_changes_nothing(walled: Walled, seed: int) -> None:
    _, plain = both_tables(walled)
    _, mixed = both_tables(walled, np.random.default_rng(seed))
    pd.testing.assert_frame_equal(plain, mixed)


@settings(max_examples=25, deadline=None)
@given(banks())
def test_connectors_by_shapely_s_own_predicate(walled: Walled) -> None:
    """Each crosses just the classes that it says, is as long as the straight line, and cutting streets moved no node."""
    streets = streets_of(walled.world)
    graph = build_graph(streets, "walk", EPSG)
    lines = {
        name: [
            shapely.LineString(np.asarray(one[1:], dtype=float) + ORIGIN) for one in walled.barriers if one[0] == name
        ]
        for name in CLASSES
    }
    frame = pd.DataFrame({"barrier": [one[0] for one in walled.barriers], "bridge": False, "geometry": project_geometry(np.asarray(
        [shapely.MultiLineString([np.asarray(one[1:], dtype=float) + ORIGIN]) for one in walled.barriers], dtype=object), EPSG, 4326)})  # fmt: skip
    classes = read_barrier_classes(frame, pd.DataFrame({"geometry": np.zeros(0, dtype=object)}), EPSG)
    of_graph = street_lines(streets, graph.edge_id, EPSG, ("walk",))
    cut = lift_barriers(graph, of_graph.lines, of_graph.ground, classes)
    xy = cut.pieces.xy
    for tail, head, length, bits in zip(cut.tail, cut.head, cut.across_m, cut.bits, strict=True):
        leg = shapely.LineString([xy[tail], xy[head]])
        assert leg.length == pytest.approx(length)
        assert length <= 500
        for name in CLASSES:
            clear = [one for one in lines[name] if one.length >= 100.1]
            # within a centimetre of an end either answer is right
            sure = any(leg.crosses(one) and _clearly(leg, one) for one in clear)
            never = all(leg.distance(one) > 0.02 for one in lines[name])
            assert not (sure and not bits & bits_of([name])), name
            assert not (never and bits & bits_of([name])), name
    assert cut.pieces.length_m.sum() == pytest.approx(graph.length_m.sum())
    np.testing.assert_array_equal(xy[: graph.n_nodes], graph.xy)


def _clearly(leg: shapely.LineString, barrier: shapely.LineString) -> bool:
    """Whether both lines go on for at least 2 cm on both sides of their meeting."""
    meet = leg.intersection(barrier)
    ends_ = [shapely.Point(one) for line in (leg, barrier) for one in line.coords]
    off = min(
        line.distance(one)
        for line, other in ((leg, barrier), (barrier, leg))
        for one in map(shapely.Point, other.coords)
    )
    return min(meet.distance(one) for one in ends_) > 0.02 and off > 0.02
