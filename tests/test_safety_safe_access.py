"""The safe walk: by hand on a drawn scene, by networkx on the town, and its bridge. Distances of the scene are added up in the comments."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from street_scenes import Built, Scene

from xiqing_space.catalog import load_catalogue
from xiqing_space.coverage.access import AccessInputs, measure_walk
from xiqing_space.safety.ends import attach_links
from xiqing_space.safety.safe_access import (
    CAUSES,
    SidedLinks,
    find_unsafe,
    measure_safe_access,
    safe_kinds,
    sided_links,
)
from xiqing_space.safety.safe_bridge import measure_safe_bridge, safe_limits
from xiqing_space.safety.sides import build_sided_graph

CATALOGUE = load_catalogue()
LIMIT = 3000.0
KIND = {"kindergarten": ("walk",)}
Rows = list[tuple[str, str, str | None, bool]]  # barrier, edge, way over, verified


@dataclass
class Case:
    """A scene whose sites are named s…, measured."""

    scene: Scene
    barriers: Rows
    shuffled: int | None = None

    def __post_init__(self) -> None:
        built = Built(self.scene, shuffled=self.shuffled)
        self.built = built
        owner = built.links["owner_id"].astype(str)
        site = owner.str.startswith("s")
        links = built.links.assign(owner_type=np.where(site, "site", "demand"))
        links = pd.concat([links, links.assign(profile="pram")], ignore_index=True)
        homes, sites = sorted(owner[~site]), sorted(owner[site])
        demand = pd.DataFrame({"demand_id": homes, "placed": True})
        facilities = pd.DataFrame({"facility_id": [f"f{one}" for one in sites], "site_id": sites, "kind": "kindergarten",
                                   "status": "operating", "serves": "everyone"})  # fmt: skip
        self.inputs = AccessInputs(demand, facilities, pd.DataFrame(), links, 4548)
        columns = ["barrier", "edge_id", "way_over", "verified"]
        crossed = pd.DataFrame(self.barriers, columns=columns).astype({"verified": bool})
        unsafe = find_unsafe(built.graph, built.crossings, crossed)
        self.sided: dict[str, SidedLinks] = {
            profile: sided_links(built.streets, links, built.graph, unsafe, profile) for profile in ("walk", "pram")
        }

    def walk(self) -> pd.DataFrame:
        """`access` of the scene: nothing left out."""
        found = measure_walk(self.inputs, self.sided["walk"].without((), self.inputs), "kindergarten", LIMIT)
        return found.assign(demand_id=self.inputs.demand["demand_id"], kind="kindergarten", profile="walk")

    def safe(self) -> pd.DataFrame:
        return measure_safe_access(self.inputs, self.sided, KIND, LIMIT)

    def distances(self) -> dict[str, tuple[float, float]]:
        """Walk and safe walk by home."""
        both = self.walk().merge(self.safe(), on="demand_id", suffixes=("", "_safe"))
        return {row.demand_id: (row.distance_m, row.distance_m_safe) for row in both.itertuples()}

    def bridge(self, limit: float) -> pd.DataFrame:
        found = measure_safe_bridge(
            self.inputs, self.walk(), self.safe(), self.sided, (("kindergarten", "walk", limit),)
        )
        return found.set_index("demand_id") if len(found) else found


def two_junctions(zebra: str = "zebra") -> Scene:
    """An arterial along y = 0 with junctions at 200 and, signalised, at 600; a zebra between; side streets north and south."""
    scene = Scene()
    # long enough that nobody walks round its ends
    scene.road([(-2000, 0), (200, 0), (400, 0), (600, 0), (2000, 0)], "secondary", lanes=4, speed=50.0, name="大道")
    for x in (200, 600):
        scene.road([(x, -200), (x, 0)])
        scene.road([(x, 0), (x, 200)])
    scene.zebra(400, 0, crossing=zebra)
    scene.point("signal", 600, 0)
    scene.home("s1", 190, 100)
    scene.home("h1", 190, -100)
    return scene


def test_round_by_the_signals() -> None:
    # walk 10 + 100 + 100 + 10; safe 10 + 100 + 400 along the south side, over at the signals, 400 back, 100 + 10
    assert Case(two_junctions(), []).distances() == {"h1": (220.0, 1020.0)}


def test_a_zebra_counts_only_with_signals() -> None:
    # 10 + 100 + 200 + 200 + 100 + 10
    assert Case(two_junctions("traffic_signals"), []).distances() == {"h1": (220.0, 620.0)}


def test_a_minor_road_may_be_crossed_anywhere() -> None:
    scene = two_junctions()
    scene.ways = {number: (line, tags | {"highway": "tertiary"}) for number, (line, tags) in scene.ways.items()}
    assert Case(scene, []).distances() == {"h1": (220.0, 220.0)}


def test_a_footbridge_is_a_safe_way_over() -> None:
    scene = two_junctions()
    scene.foot([(200, -200), (300, -200), (300, 200), (200, 200)], bridge=True)
    # 10 + 100 down to (200, -200), 100 + 400 + 100 over the bridge, 100 up the street, 10
    assert Case(scene, []).distances() == {"h1": (220.0, 820.0)}


def test_homes_on_the_arterial() -> None:
    scene = two_junctions()
    scene.home("s2", 500, 10)
    scene.home("h2", 500, -10)  # across the road
    scene.home("h3", 450, 10)  # on the same side
    scene.home("h4", 300, 0)  # on the line: nobody knows the side
    found = Case(scene, []).distances()
    # h2 dashes over: 10 + 10; safe: 10 + 100 to the signals, 100 back, 10. h3: 10 + 50 + 10
    assert found["h2"] == (20.0, 220.0)
    assert found["h3"] == (70.0, 70.0)
    # h4: 200 + 10 to s2 along its side, and no crossing of the road can be laid to its charge
    assert found["h4"] == (210.0, 210.0)


def test_a_gate_across_the_arterial_needs_signals() -> None:
    scene = two_junctions()
    del scene.homes["s1"]
    scene.home("s2", 300, 10)
    # 10 + 100 + 100 + 10 over the junction; safe: 10 + 100 + 400 + 300 + 10
    assert Case(scene, []).distances() == {"h1": (220.0, 820.0)}


def beyond_the_rail() -> tuple[Scene, str, str]:
    """A home north of a railway; the street to the site crosses it on the level, another by some way over 400 m to the east."""
    scene = Scene()
    scene.road([(0, 0), (0, 100)])
    scene.road([(0, 100), (0, 200)])
    scene.road([(0, 200), (0, 300)])
    scene.road([(0, 100), (400, 100)])
    scene.road([(400, 100), (400, 200)])
    scene.road([(400, 200), (0, 200)])
    scene.home("s1", 10, 50)
    scene.home("h1", 10, 250)
    return scene, scene.edge((0, 100), (0, 200)), scene.edge((400, 100), (400, 200))


@pytest.mark.parametrize(
    ("level", "other", "safe"),
    [
        # walk 10 + 50 + 100 + 50 + 10; by the bridge 10 + 50 + 400 + 100 + 400 + 50 + 10
        (("rail", "level", True), ("rail", "bridge", True), 1020.0),
        (("rail", None, False), ("rail", "tunnel", True), 1020.0),
        (("rail", "bridge", True), ("rail", "level", True), 220.0),
        (("water", None, False), ("water", "bridge", True), 1020.0),
        (("motorway", None, False), ("rail", "bridge", True), 1020.0),
        (("water", "ford", True), ("water", None, False), 220.0),
        (("rail", "level", True), ("rail", "level", True), math.nan),
        (("rail", "level", True), ("water", None, False), math.nan),
    ],
)
def test_barriers(level: tuple[str, str | None, bool], other: tuple[str, str | None, bool], safe: float) -> None:
    scene, near, far = beyond_the_rail()
    case = Case(scene, [(level[0], near, *level[1:]), (other[0], far, *other[1:])])
    assert case.distances()["h1"] == pytest.approx((220.0, safe), nan_ok=True)
    if math.isnan(safe):
        assert case.safe()["reason"].tolist() == ["unreachable"]


def test_reasons_are_those_of_access() -> None:
    scene = two_junctions()
    case = Case(scene, [])
    demand = pd.DataFrame({"demand_id": ["h0", "h1", "h2"], "placed": [False, True, True]})
    inputs = replace(case.inputs, demand=demand)
    found = measure_safe_access(inputs, case.sided, KIND, LIMIT)
    assert found["reason"].fillna("").tolist() == ["home_not_placed", "", "home_not_linked"]
    found = measure_safe_access(inputs, case.sided, KIND, 900.0)
    assert found["reason"].tolist() == ["home_not_placed", "beyond_search_limit", "home_not_linked"]
    closed = replace(inputs, facilities=inputs.facilities.assign(status="planned"))
    assert measure_safe_access(closed, case.sided, KIND, LIMIT)["reason"].tolist() == ["no_facility_mapped"] * 3
    residents = replace(inputs, facilities=inputs.facilities.assign(serves="residents"))
    assert measure_safe_access(residents, case.sided, KIND, LIMIT)["reason"].tolist() == ["no_facility_mapped"] * 3
    unlinked = replace(inputs, facilities=inputs.facilities.assign(site_id="s9"))
    assert measure_safe_access(unlinked, case.sided, KIND, LIMIT)["reason"].tolist()[1] == "facility_not_linked"


# --- the bridge


def test_the_crossing_on_the_way() -> None:
    case = Case(two_junctions(), [])
    found = case.bridge(300.0).loc["h1"]
    assert (found["distance_m"], found["safe_m"], found["cause"]) == (220.0, 1020.0, "unsignalised_arterial")
    # both stand west of their streets: only the western leg need be crossed
    assert found["crossing_id"] == case.scene.mouth((200, 0), (-2000, 0))
    assert case.bridge(200.0).empty  # not covered on foot
    assert case.bridge(1100.0).empty  # nor lost


def test_a_dash_before_the_door_is_told() -> None:
    scene = two_junctions()
    scene.home("s2", 500, 10)
    scene.home("h2", 500, -10)
    case = Case(scene, [])
    assert case.bridge(100.0).loc["h2", "crossing_id"] == "block/" + scene.edge((400, 0), (600, 0))


def test_rail_and_unverified_barriers_are_told_by_their_edge() -> None:
    scene, near, far = beyond_the_rail()
    for level, cause in ((("rail", near, "level", True), "rail"), (("water", near, None, False), "unverified_barrier")):
        found = Case(scene, [level, ("water", far, "bridge", True)]).bridge(300.0).loc["h1"]
        assert (found["cause"], found["crossing_id"]) == (cause, near)


def test_several_together() -> None:
    # 220 over the level crossing, 1020 over the unverified one; within 1100 either will do
    scene, near, far = beyond_the_rail()
    case = Case(scene, [("rail", near, "level", True), ("water", far, None, False)])
    found = case.bridge(1100.0).loc["h1"]
    assert (found["cause"], found["crossing_id"]) == ("several", near)
    assert math.isnan(found["safe_m"])
    # within 300 only the first helps, so that one alone is the cause
    assert case.bridge(300.0).loc["h1", "cause"] == "rail"


def test_of_two_causes_on_one_walk_the_first() -> None:
    scene, near, far = beyond_the_rail()
    scene.road([(-2000, 50), (0, 50), (2000, 50)], "primary", lanes=4)
    scene.ways[101] = ([(0.0, 0.0), (0.0, 50.0), (0.0, 100.0)], scene.ways[101][1])
    scene.homes["s1"] = (-10.0, 25.0)
    scene.homes["h1"] = (-10.0, 250.0)
    case = Case(scene, [("rail", near, "level", True), ("rail", far, "bridge", True)])
    # 10 + 50 + 100 + 50 + 25 + 10 = 245; without the rail 1045; without the arterial's crossing there is no way at all
    found = case.bridge(300.0).loc["h1"]
    assert (found["distance_m"], found["cause"]) == (245.0, "unsignalised_arterial")
    assert found["crossing_id"] == scene.mouth((0, 50), (-2000, 50))


def test_row_order_changes_nothing() -> None:
    scene = two_junctions()
    scene.home("s2", 500, 10)
    scene.home("h2", 500, -10)
    cases = [Case(scene, [], shuffled) for shuffled in (None, 3)]
    tables = [case.safe().sort_values("demand_id", ignore_index=True) for case in cases]
    pd.testing.assert_frame_equal(*tables)
    bridges = [case.bridge(300.0).sort_index() for case in cases]
    pd.testing.assert_frame_equal(*bridges)


def test_nothing_at_all() -> None:
    case = Case(two_junctions(), [])
    none = replace(case.inputs, demand=case.inputs.demand.iloc[:0])
    empty = measure_safe_access(none, case.sided, KIND, LIMIT)
    assert empty.empty
    assert measure_safe_bridge(none, case.walk(), empty, case.sided, (("kindergarten", "walk", 300.0),)).empty


# --- by plain networkx


def plain_walk(
    graph: Any, ends: Any, links: pd.DataFrame, left_out: set[int], dash: set[int], goals: set[str]
) -> dict[str, float]:
    """Distance from each home to the nearest goal without some arcs and ways in, by networkx; inf where there is none."""
    net = nx.MultiGraph()
    on: dict[int, list[tuple[float, str, float, bool]]] = {}
    for row in range(len(ends.link)):
        if row not in dash:
            link = links.iloc[ends.link[row]]
            home = link["owner_type"] == "demand"
            if home or link["owner_id"] in goals:
                on.setdefault(int(ends.arc[row]), []).append(
                    (float(ends.offset_m[row]), link["owner_id"], float(ends.leg_m[row]), home)
                )
    for arc in range(len(graph.tail)):
        if arc in left_out:
            continue
        tail, head, length = int(graph.tail[arc]), int(graph.head[arc]), float(graph.length_m[arc])
        stops = sorted(on.get(arc, []))
        last, at = ("c", tail), 0.0
        for number, (offset, owner, leg, home) in enumerate(stops):
            place = ("a", arc, number)
            net.add_edge(last, place, weight=offset - at)
            net.add_edge(place, ("h", owner) if home else "goal", weight=leg)
            last, at = place, offset
        net.add_edge(last, ("c", head), weight=length - at)
    homes = set(links.loc[links["owner_type"] == "demand", "owner_id"])
    # nobody walks through somebody else's home
    found: dict[str, float] = {}
    if "goal" in net:
        inner = net.copy()
        inner.remove_nodes_from([("h", home) for home in homes])
        far = nx.single_source_dijkstra_path_length(inner, "goal", weight="weight") if "goal" in inner else {}
        for home in homes:
            node = ("h", home)
            ways = net.adj[node].items() if node in net else ()
            found[home] = min((far.get(next_, math.inf) + min(one["weight"] for one in many.values()) for next_, many in ways),
                              default=math.inf)  # fmt: skip
    return {home: found.get(home, math.inf) for home in homes}


def plain_causes(
    graph: Any, ends: Any, crossings: pd.DataFrame, barriers: pd.DataFrame
) -> dict[str, tuple[set[int], set[int]]]:
    """Arcs and ways in that each cause leaves out, row by row."""
    unstopped = {
        row.crossing_id for row in crossings.itertuples() if row.arterial and row.control in ("none", "marked")
    }
    edges: dict[str, set[str]] = {"rail": set(), "unverified_barrier": set()}
    for row in barriers.itertuples():
        if row.barrier == "rail":
            if row.way_over not in ("bridge", "tunnel"):
                edges["rail"].add(row.edge_id)
        elif not row.verified:
            edges["unverified_barrier"].add(row.edge_id)
    arterial = {
        arc for arc in range(len(graph.tail))
        if graph.crossing[arc] >= 0 and graph.crossing_id[graph.crossing[arc]] in unstopped
    }  # fmt: skip
    dash = {
        row for row in range(len(ends.link))
        if ends.crossing[row] >= 0 and graph.crossing_id[ends.crossing[row]] in unstopped and ends.part[row] == 1
    }  # fmt: skip
    found: dict[str, tuple[set[int], set[int]]] = {"unsignalised_arterial": (arterial, dash)}
    for cause, mine in edges.items():
        over = {
            arc for arc in range(len(graph.tail)) if graph.edge[arc] >= 0 and graph.edge_id[graph.edge[arc]] in mine
        }
        found[cause] = (over, set())
    return found


places = st.tuples(st.integers(1, 79), st.sampled_from([-7, 7])).map(lambda one: (one[0] * 10.0, float(one[1])))


@st.composite
def scenes(draw: st.DrawFn) -> Scene:
    """A ladder of two long streets and rungs; each of them an arterial or not, with signals and zebras anywhere."""
    scene = Scene()
    classes = st.sampled_from(["secondary", "residential", "primary"])
    for y in (0, 200):
        scene.road([(x, y) for x in range(0, 801, 100)], draw(classes), lanes=4)
    for x in sorted(draw(st.sets(st.sampled_from(range(0, 801, 200)), min_size=1))):
        scene.road([(x, -150), (x, 0), (x, 200), (x, 350)], draw(classes))
    for x in draw(st.sets(st.sampled_from(range(100, 800, 200)), max_size=3)):
        scene.zebra(x, draw(st.sampled_from([0, 200])), crossing=draw(st.sampled_from(["zebra", "traffic_signals"])))
    for x in draw(st.sets(st.sampled_from(range(0, 801, 200)), max_size=2)):
        scene.point("signal", x, draw(st.sampled_from([0, 200])))
    for number, (x, y) in enumerate(draw(st.lists(places, min_size=3, max_size=6, unique=True))):
        scene.home(("s" if number == 0 else "h") + str(number), x, y + 200 * (number % 2))
    return scene


@settings(max_examples=12, deadline=None)
@given(scenes(), st.data())
def test_never_shorter_than_the_walk_and_as_networkx_has_it(scene: Scene, data: st.DataObject) -> None:
    edges = sorted(name for name, _, _ in scene.edges())
    barrier = st.tuples(
        st.sampled_from(["rail", "water"]), st.sampled_from(edges), st.sampled_from(["level", "bridge", None])
    )
    rows = [(*one, one[2] is not None) for one in data.draw(st.lists(barrier, max_size=3))]
    case = Case(scene, rows)
    both = case.walk().merge(case.safe(), on="demand_id", suffixes=("", "_safe")).set_index("demand_id")
    walk, safe = (both[name].fillna(math.inf) for name in ("distance_m", "distance_m_safe"))
    assert (safe >= walk).all()
    graph, mine = case.built.graph, case.sided["walk"]
    frame = pd.DataFrame(rows, columns=["barrier", "edge_id", "way_over", "verified"])
    causes = plain_causes(graph, mine.ends, case.built.crossings, frame)
    goals = set(case.inputs.facilities["site_id"])

    def plain(names: tuple[str, ...]) -> dict[str, float]:
        left_out, dash = (set().union(*(causes[name][at] for name in names)) for at in (0, 1))
        far = plain_walk(graph, mine.ends, mine.links, left_out, dash, goals)
        return {home: one if one <= LIMIT else math.inf for home, one in far.items()}

    for ours, theirs in ((walk, plain(())), (safe, plain(CAUSES))):
        assert {home: pytest.approx(one, abs=0.006) for home, one in theirs.items()} == ours.to_dict()
    alone = {name: plain((name,)) for name in CAUSES}
    limit = data.draw(st.sampled_from([250.0, 500.0, 900.0]))
    found = case.bridge(limit)
    told = {} if found.empty else found["cause"].to_dict()
    assert set(told) == {home for home in walk.index if walk[home] <= limit < safe[home]}
    for home, cause in told.items():
        lost = {name: alone[name][home] for name in CAUSES if round(alone[name][home], 2) > limit}
        if cause == "several":
            assert lost == {}
        else:
            assert cause == next(iter(lost))
        met = found.loc[home, "crossing_id"]
        names = CAUSES if cause == "several" else (cause,)
        arcs = {arc for name in names for arc in causes[name][0]}
        ends = {row for name in names for row in causes[name][1]}
        there = {graph.crossing_id[graph.crossing[arc]] for arc in arcs if graph.crossing[arc] >= 0}
        there |= {graph.edge_id[graph.edge[arc]] for arc in arcs if graph.edge[arc] >= 0}
        there |= {graph.crossing_id[mine.ends.crossing[row]] for row in ends}
        assert met in there


def test_the_town_by_networkx(town_run: Path) -> None:
    folder = town_run / "data/processed"
    names = ("streets", "crossings", "street_attributes", "access_links", "barrier_crossings", "facilities", "access", "safe_access",
             "safe_bridge", "demand")  # fmt: skip
    spatial = ("streets", "crossings")
    table = {
        name: (gpd.read_parquet if name in spatial else pd.read_parquet)(folder / f"{name}.parquet") for name in names
    }
    kinds = safe_kinds(CATALOGUE)
    assert set(kinds) == set(CATALOGUE.safety["routes"]["safe_kinds"])
    key = ["demand_id", "kind", "profile"]
    safe = table["safe_access"].set_index(key)
    assert len(safe) == len(table["demand"]) * sum(len(profiles) for profiles in kinds.values())
    walk = table["access"].set_index(key).loc[safe.index]
    assert (safe["distance_m"].fillna(math.inf) >= walk["distance_m"].fillna(math.inf)).all()
    known = walk["reason"].isin(["no_facility_mapped", "home_not_placed", "home_not_linked", "facility_not_linked"])
    assert (safe["reason"][known] == walk["reason"][known]).all()
    graph = build_sided_graph(table["streets"], table["crossings"], table["street_attributes"], "walk", CATALOGUE, 4548)
    shut = {"pram": set(table["streets"].loc[~table["streets"]["pram"], "edge_id"]), "walk": set()}
    facilities = table["facilities"]
    counted = facilities[(facilities["status"] == "operating") & (facilities["serves"] == "everyone")]
    compared = 0
    for kind, profiles in kinds.items():
        for profile in profiles:
            links = table["access_links"][table["access_links"]["profile"] == profile].reset_index(drop=True)
            ends = attach_links(links, graph)
            causes = plain_causes(graph, ends, table["crossings"], table["barrier_crossings"])
            closed = {
                arc
                for arc in range(len(graph.tail))
                if graph.edge[arc] >= 0 and graph.edge_id[graph.edge[arc]] in shut[profile]
            }
            left_out = closed.union(*(arcs for arcs, _ in causes.values()))
            goals = set(counted.loc[counted["kind"] == kind, "site_id"])
            dash = set().union(*(ends_ for _, ends_ in causes.values()))
            for home, far in plain_walk(graph, ends, links, left_out, dash, goals).items():
                got = safe.loc[(home, kind, profile), "distance_m"]
                assert math.isnan(got) if far > LIMIT else got == pytest.approx(far, abs=0.006), (home, kind, profile)
                compared += 1
    assert compared > 100
    assert (safe["distance_m"] > walk["distance_m"]).any()  # the town has something to leave out
    bridge = table["safe_bridge"]
    assert set(zip(bridge["kind"], bridge["profile"], bridge["limit_m"], strict=True)) <= set(safe_limits(CATALOGUE))
    assert bridge["crossing_id"].notna().all()
