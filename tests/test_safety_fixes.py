"""The list of works to do first on the ways to school: by hand on small scenes, and of a run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from helpers import box, degrees
from street_scenes import CATALOGUE, WORKS, Built, Scene

from xiqing_space.pipeline import run
from xiqing_space.safety.assignment import AssignmentTables
from xiqing_space.safety.fixes import FixTables, find_fixes
from xiqing_space.safety.open_gates import ways_over
from xiqing_space.safety.school_routes import RouteTables, SchoolRoutes, route_pupils
from xiqing_space.safety.score import score_crossings, score_segments
from xiqing_space.safety.way_values import read_values
from xiqing_space.safety.work_ways import read_ways, stretches, with_junction, with_other_half
from xiqing_space.sample import write_sample
from xiqing_space.tables import empty, finish

# --- the list by hand


@dataclass
class Town:
    """A scene with homes h… of some children and schools s… with gates, routed."""

    scene: Scene
    children: dict[str, float]
    guessed: bool = False

    def __post_init__(self) -> None:
        built = Built(self.scene)
        owner = built.links["owner_id"].astype(str)
        site = owner.str.startswith("s").to_numpy()
        self.links = built.links.assign(
            owner_type=np.where(site, "site", "demand"), gate_id=np.where(site, "g" + owner, owner)
        )
        self.links["resolved_by"] = np.where(site, "point" if self.guessed else "mapped", "point")
        points = {name: shapely.Point(degrees(*place)) for name, place in self.scene.homes.items()}
        homes, sites = sorted(set(owner[~site])), sorted(set(owner[site]))
        columns = {f"pop_{band}": 0.0 for band in ("total", "0_2", "3_5", "12_14", "15_17")}
        demand = gpd.GeoDataFrame(
            {"demand_id": homes, "zone_id": "z", "compound_id": None, "inside": True, "placed": True, "weight_kind": "persons", **columns,
             "pop_6_11": [self.children.get(one, 1.0) for one in homes]}, geometry=[points[one] for one in homes], crs=4326,
        )  # fmt: skip
        facilities = gpd.GeoDataFrame(
            {"facility_id": [f"f{one}" for one in sites], "site_id": sites, "kind": "primary_school", "name": [f"{one}小学" for one in sites],
             "status": "operating", "serves": "everyone", "inside": True}, geometry=[points[one] for one in sites], crs=4326,
        )  # fmt: skip
        access = pd.DataFrame([{"demand_id": one, "kind": "primary_school", "profile": "walk", "facility_id": f"f{sites[0]}",
                                "distance_m": 500.0, "reason": None} for one in homes])  # fmt: skip
        land = gpd.GeoDataFrame({"zone_id": ["z"], "name": ["片"]}, geometry=[shapely.Polygon([degrees(*one) for one in box(-3000, -3000, 3000, 3000)])],
                                crs=4326)  # fmt: skip
        gates = gpd.GeoDataFrame(
            {"gate_id": [f"g{one}" for one in sites], "owner_id": sites, "owner_type": "site", "through": None, "resolved_by": "mapped"},
            geometry=[points[one] for one in sites], crs=4326,
        )  # fmt: skip
        tables = self.scene.tables()
        self.built, self.attributes = built, tables["street_attributes"]
        self.tables = RouteTables(
            AssignmentTables(demand, facilities, land, access, empty("school_areas"), empty("school_assignments")),
            self.links, gates, empty("school_shares"), built.crossings, built.streets, self.attributes, 4548,
        )  # fmt: skip
        self.rest = {"area": land, "gates": gates, "compounds": empty("compounds"), "openings": empty("gate_openings"),
                     "opening_links": self.links.iloc[:0]}  # fmt: skip

    def routes(self) -> SchoolRoutes:
        values = read_values(
            self.built.graph,
            score_segments(self.attributes, CATALOGUE),
            score_crossings(self.built.crossings, CATALOGUE),
            {},
        )
        return route_pupils(self.tables, self.built.graph, values, CATALOGUE)

    def fixes(self, **other: Any) -> pd.DataFrame:
        found = find_fixes(self.routes(), FixTables(self.tables, **(self.rest | other)), CATALOGUE)
        return finish("fixes", found).set_index("fix_id")


def across_the_avenue(gate_y: float = 100.0) -> Scene:
    """A home south and a school north of an avenue of six lanes at 50 km/h, both west of the street that crosses it."""
    scene = Scene()
    scene.road([(-2000, 0), (200, 0), (2000, 0)], "secondary", lanes=6, speed=50.0, name="大道")
    scene.road([(200, -200), (200, 0)], name="南街")
    scene.road([(200, 0), (200, 200)], name="北街")
    scene.home("s1", 190, gate_y)
    scene.home("h1", 190, -100)
    return scene


def test_the_list_by_hand() -> None:
    town = Town(across_the_avenue(), {"h1": 4.0})
    target = town.scene.mouth((200, 0), (-2000, 0))
    found = town.fixes()
    # S(50) = 4.868 ÷ (1 + e^.8487) = 1.45897; 2.374 × 6 lanes × 1.2 (four legs) × S = 24.9378: very high
    before = 24.9378
    assert sorted(found.index) == [f"{target}/{one}" for one in ("island", "signal", "zebra")]
    assert found["risk_before"].to_numpy() == pytest.approx(before, abs=2e-4)
    after = {"island": before * 0.5, "signal": before * 0.12, "zebra": before * 0.667}
    for work, score in after.items():
        row = found.loc[f"{target}/{work}"]
        assert row["risk_after"] == pytest.approx(score, abs=2e-4)
        assert row["risk_removed"] == pytest.approx(4.0 * (before - score), abs=2e-3)
        assert row["children_helped"] == 4.0
        # along .44 + cross: 24.94 → 2 stars 9 (58 < 60, and over 24): not acceptable; with any work it is
        assert row["children_acceptable"] == 4.0
        assert (row["target_type"], row["school_ids"], row["zone_id"], row["weight_kind"]) == (
            "crossing",
            "s1",
            "z",
            "persons",
        )
    # a zebra (16.6) and an island (12.5) leave it in the class high; the signal gets it out
    listed = found[found["rank"].notna()]
    assert listed.index.tolist() == [f"{target}/signal"]
    assert listed["rank"].tolist() == [1]
    assert listed["rerouted"].tolist() == [True]
    assert not found.loc[f"{target}/zebra", "rerouted"]
    row = listed.iloc[0]
    assert (row["cost_class"], row["term"]) == ("high", "middle")
    # 100.5 m from the crossing to the school
    assert row["place_zh"] == "大道与北街交叉口，距s1小学约 100 m"
    assert row["place_en"] == "the junction of 大道 and 北街, about 100 m from s1小学"


def test_a_guard_works_within_50_m_of_the_gate() -> None:
    # the gate at (190, 40) is 41.2 m from the crossing, at (190, 60) 60.8 m
    near = Town(across_the_avenue(40.0), {"h1": 4.0}).fixes()
    row = near.loc["gs1/guard"]
    assert row["risk_before"] == pytest.approx(24.9378, abs=2e-4)
    assert row["risk_after"] == pytest.approx(24.9378 * 0.6, abs=2e-4)
    assert row["risk_removed"] == pytest.approx(4.0 * 24.9378 * 0.4, abs=2e-3)
    assert (row["place_zh"], row["place_en"], row["target_type"]) == ("s1小学校门", "the gate of s1小学", "gate")
    # both change the same crossing: the list has one of them, the one that removes more
    assert near[near["rank"].notna()]["treatment"].tolist() == ["signal"]
    assert "gs1/guard" not in Town(across_the_avenue(60.0), {"h1": 4.0}).fixes().index
    guessed = Town(across_the_avenue(40.0), {"h1": 4.0}, guessed=True).fixes()
    assert guessed.loc["gs1/guard", "place_zh"] == "s1小学校门（位置待核）"


def test_the_cheapest_work_that_is_enough_comes_first() -> None:
    scene = across_the_avenue()
    scene.ways[101] = (scene.ways[101][0], scene.ways[101][1] | {"lanes": 3})
    town = Town(scene, {"h1": 4.0})
    found = town.fixes()
    # 12.47 is high; a zebra makes it 8.32, medium, and so is enough, though a signal would remove more
    listed = found[found["rank"].notna()]
    assert listed["treatment"].tolist() == ["zebra"]
    assert (
        found.loc[f"{town.scene.mouth((200, 0), (-2000, 0))}/signal", "risk_removed"] > listed["risk_removed"].iloc[0]
    )


def test_order_by_risk_removed() -> None:
    scene = across_the_avenue()
    scene.road([(800, -200), (800, 0)], name="东街")
    scene.road([(800, 0), (800, 200)], name="东北街")
    scene.ways[101] = ([(-2000.0, 0.0), (200.0, 0.0), (800.0, 0.0), (2000.0, 0.0)], scene.ways[101][1])
    scene.road([(200, 200), (800, 200)], name="后街")
    scene.home("h2", 810, -100)
    # the school for h2 is s1 too: over the avenue at 800, then along the back street
    for children, first in ((9.0, (800, 0)), (1.0, (200, 0))):
        town = Town(scene, {"h1": 4.0, "h2": children})
        listed = town.fixes()
        listed = listed[listed["rank"].notna()].sort_values("rank")
        assert listed["rank"].tolist() == [1, 2]
        node = town.scene.node(*first)
        assert listed["target_id"].iloc[0].startswith(node + "/")
        assert listed["risk_removed"].is_monotonic_decreasing


def test_pupils_of_another_crossing_come_to_the_new_signal() -> None:
    scene = across_the_avenue(150.0)
    scene.ways[101] = ([(-2000.0, 0.0), (200.0, 0.0), (800.0, 0.0), (2000.0, 0.0)], scene.ways[101][1])
    scene.road([(800, -200), (800, 0)], name="东街")
    scene.road([(800, 0), (800, 200)], name="东北街")
    scene.road([(200, 200), (800, 200)], name="后街")
    scene.road([(200, -200), (800, -200)], name="前街")
    scene.home("h2", 810, -100)
    town = Town(scene, {"h1": 4.0, "h2": 3.0})
    # h2 walks 10 + 100 + 200 + 600 + 50 + 10 over the crossing at 800, as bad as that at 200, which is 100 m longer
    far, near = (scene.node(x, 0) for x in (800, 200))
    crossed = town.routes()
    worst = crossed.walks.graph.crossing_id[crossed.sums["worst_crossing"]]
    assert [one.split("/")[0] for one in worst] == [near, far]
    listed = town.fixes()
    listed = listed[listed["rank"].notna()].sort_values("rank")
    # a signal at 200 takes 24.9378 × .88 = 21.9453 from h1, and as much from h2, less what 100 m more of .4388 make
    assert [one.split("/")[0] for one in listed["target_id"]] == [near, far]
    assert listed["risk_removed"].tolist() == pytest.approx(
        [4 * 21.9453 + 3 * (21.9453 - 0.4388), 3 * 21.9453], abs=0.05
    )
    assert listed["children_helped"].tolist() == [7.0, 3.0]


def test_what_nobody_passes_is_no_target() -> None:
    scene = across_the_avenue()
    scene.homes["h1"] = (190.0, 150.0)  # on the school's side
    found = find_fixes(Town(scene, {}).routes(), FixTables(Town(scene, {}).tables, **Town(scene, {}).rest), CATALOGUE)
    assert found.empty
    assert finish("fixes", found).empty


def test_outside_the_area_is_for_others_to_mend() -> None:
    town = Town(across_the_avenue(), {"h1": 4.0})
    far = town.rest["area"].set_geometry(
        [shapely.Polygon([degrees(*one) for one in box(-3000, 50, 3000, 3000)])], crs=4326
    )
    assert find_fixes(town.routes(), FixTables(town.tables, **(town.rest | {"area": far})), CATALOGUE).empty


def test_streets_are_mended_in_stretches() -> None:
    """A street without sidewalks in three pieces and its sidewalk drawn apart."""
    scene = Scene()
    scene.road([(0, 0), (100, 0), (200, 0), (300, 0)], speed=40.0, name="长街")
    for x in (100, 200):
        scene.road([(x, 0), (x, 80)])
    scene.home("s1", 5, 8)
    scene.home("h1", 295, 8)
    scene.home("h2", 150, 8)
    town = Town(scene, {"h1": 2.0, "h2": 3.0})
    bare = town.attributes["edge_id"].str.startswith("osm:w101:")
    town.attributes.loc[bare, ["sidewalk_left", "sidewalk_right"]] = "none"
    found = town.fixes()
    row = found[found["treatment"] == "sidewalk"]
    assert (
        len(row) == 1
    )  # one stretch, named by the piece where most is removed: both homes pass the middle and the west
    # S(40) = 4.868 ÷ (1 + e^1.8837) = .64240; along 1.76 × 12.6 × S = 14.2459, with a sidewalk 1.1306
    one = row.iloc[0]
    assert (one["risk_before"], one["risk_after"]) == (
        pytest.approx(14.2459, abs=2e-3),
        pytest.approx(1.1306, abs=2e-4),
    )
    # h1 walks 290 m of it, h2 145 m: (2 × 2.9 + 3 × 1.45) × 13.1153
    assert one["risk_removed"] == pytest.approx((2 * 2.9 + 3 * 1.45) * (14.2459 - 1.1306), rel=1e-3)
    assert one["children_helped"] == 5.0
    assert one["place_zh"].startswith("长街（约 300 m）")
    slow = found[found["treatment"] == "zone_30"].iloc[0]
    assert slow["risk_after"] == pytest.approx(1.76 * 12.6 * 4.868 / (1 + np.exp(0.1035 * 28.2)), abs=2e-3)


def test_stretches_are_cut_where_the_street_changes_or_gets_long() -> None:
    roads = pd.DataFrame({
        "u": ["a", "b", "c", "d", "x"], "v": ["b", "c", "d", "e", "y"], "street": ["甲", "甲", "乙", "甲", "甲"],
        "x": [0.0, 100.0, 200.0, 300.0, 400.0], "y": 0.0,
    })  # fmt: skip
    # b joins the first two; 乙 is another street; the last two hang on nothing of theirs
    assert stretches(roads, 500.0).tolist() == [0, 0, 1, 2, 3]
    one = roads.assign(
        street="甲", v=["b", "c", "d", "e", "e"], u=["a", "b", "c", "d", "e"], x=[0.0, 300.0, 600.0, 900.0, 1200.0]
    )
    assert stretches(one, 500.0).tolist() == [0, 0, 1, 1, 2]
    assert stretches(one.iloc[:0], 500.0).tolist() == []


def two_carriageways() -> Scene:
    scene = Scene()
    scene.road([(-500, 0), (0, 0), (500, 0)], "primary", lanes=2, speed=60.0, pair_id="p", gap=12.0, name="双幅路")
    scene.road([(500, 12), (0, 12), (-500, 12)], "primary", lanes=2, speed=60.0, pair_id="p", gap=12.0, name="双幅路")
    scene.road([(0, -100), (0, 0)])
    scene.road([(0, 0), (0, 12)])
    scene.road([(0, 12), (0, 100)])
    scene.home("s1", -8, 60)
    scene.home("h1", -8, -60)
    return scene


def test_both_halves_of_a_crossing_are_one_work() -> None:
    town = Town(two_carriageways(), {"h1": 1.0})
    graph = town.built.graph
    ways = read_ways(graph, town.routes().walks.values, town.built.streets, town.attributes, town.built.crossings,
                     np.ones(len(graph.edge_id) + len(graph.crossing_id)), 4548)  # fmt: skip
    names = graph.crossing_id.tolist()
    south, north = town.scene.mouth((0, 0), (-500, 0)), town.scene.mouth((0, 12), (-500, 12))
    target, item = with_other_half(ways, np.array([names.index(south)]), CATALOGUE)
    assert [names[one] for one in item] == [south, north]
    assert target.tolist() == [names.index(south)] * 2
    # a signal controls every crossing of both junctions
    target, item = with_junction(ways, target, item)
    mouths = {one for one in names if one.startswith((town.scene.node(0, 0) + "/", town.scene.node(0, 12) + "/"))}
    assert {names[one] for one in item} == mouths
    # both targets are one place: the list has it once, with the whole crossing's risk
    found = town.fixes()
    listed = found[found["rank"].notna()]
    assert len(listed) == 1
    assert listed["risk_removed"].iloc[0] == pytest.approx(
        listed["risk_before"].iloc[0] - listed["risk_after"].iloc[0], abs=2e-4
    )


def opening(town: Town, place: tuple[float, float]) -> dict[str, Any]:
    """A closed gate of the school at a place, as the tables have it."""
    scene = replace(town.scene, homes={"s1": place})
    link = scene.tables()["access_links"].assign(
        owner_type="site", gate_id="side", profile="walk", resolved_by="survey"
    )
    gates = pd.DataFrame({"gate_id": ["side"], "owner_id": ["s1"], "owner_type": ["site"], "geometry": [shapely.Point(degrees(*place))],
                          "kind": ["primary_school"]})  # fmt: skip
    return {"openings": gates, "opening_links": link}


def test_a_side_gate_on_the_near_side() -> None:
    town = Town(across_the_avenue(), {"h1": 4.0})
    # a gate at (190, -150) spares the avenue: along 100 + 100 m of .4388 and a crossing of 24.9378 become 50 m
    found = town.fixes(**opening(town, (190.0, -150.0)))
    row = found.loc["side/open_gate"]
    assert row["risk_removed"] == pytest.approx(4.0 * (24.9378 + (2.0 - 0.5) * 0.4388), abs=0.01)
    assert (row["children_helped"], row["children_acceptable"], row["rerouted"]) == (4.0, 4.0, True)
    assert pd.isna(row["risk_before"])
    assert row["place_zh"] == "s1小学关闭的门"
    # it removes more than the signal
    assert row["rank"] == 1
    # one farther along the same street helps nobody
    assert "side/open_gate" not in town.fixes(**opening(town, (190.0, 180.0))).index


def test_gates_of_compounds_are_tried_together_and_each_alone() -> None:
    """Two compounds with a closed gate on the school's side; opened together or one by one, each counts its own homes."""
    scene = across_the_avenue()
    scene.home("h2", 210, -120)
    town = Town(scene, {"h1": 4.0, "h2": 2.0})
    town.tables.assignment.demand["compound_id"] = ["c1", "c2"]

    def opened(*homes: str) -> dict[str, Any]:
        places = {"h1": (190.0, 150.0), "h2": (190.0, 160.0)}
        links = replace(scene, homes={one: places[one] for one in homes}).tables()["access_links"]
        links = links.assign(
            owner_type="demand", gate_id="gate " + links["owner_id"], profile="walk", resolved_by="survey"
        )
        gates = pd.DataFrame({"gate_id": links["gate_id"], "owner_id": ["c" + one[1] for one in homes], "owner_type": "compound",
                              "geometry": [shapely.Point(degrees(*places[one])) for one in homes], "kind": "primary_school"})  # fmt: skip
        return {"openings": gates, "opening_links": links}

    both = town.fixes(**opened("h1", "h2"))
    first = both.loc["gate h1/open_gate"]
    # 200 m of .4388 and a crossing of 24.9378 become 50 m
    assert first["risk_removed"] == pytest.approx(4.0 * (24.9378 + 1.5 * 0.4388), abs=0.01)
    assert (first["children_helped"], first["place_zh"]) == (4.0, "小区或学校关闭的门")
    for home in ("h1", "h2"):
        alone = town.fixes(**opened(home)).loc[f"gate {home}/open_gate"]
        names = ["children_helped", "children_acceptable", "risk_removed"]
        assert both.loc[f"gate {home}/open_gate", names].tolist() == alone[names].tolist()


def test_a_gate_where_no_crossing_is_known_leads_to_its_own_side() -> None:
    town = Town(across_the_avenue(), {"h1": 4.0})
    graph = town.built.graph
    links = opening(town, (1000.0, -10.0))["opening_links"]  # on the avenue, south: nobody else joins it there
    ends = ways_over(links, graph)
    assert ends.part.tolist() == [0.0]
    assert graph.edge_id[graph.edge[ends.arc[0]]] == town.scene.edge((200, 0), (2000, 0))
    assert graph.lane[ends.arc[0]] == 2  # right, looking east
    unknown = ways_over(links.assign(side=None), graph)
    assert graph.lane[unknown.arc].tolist() == [1, 2]
    # where one is known, as other links have it
    known = ways_over(opening(town, (190.0, -150.0))["opening_links"], graph)
    assert known.part.tolist() == [0.0, 1.0]


# --- a run


def test_fixes_of_the_town_and_the_same_when_routes_are_made_again(tmp_path: Path) -> None:
    config = write_sample(tmp_path / "sample")
    run(config, tmp_path / "one", only=["fixes", "routes"])
    run(config, tmp_path / "two", only=["routes", "bridge"])
    run(config, tmp_path / "two", only=["fixes", "routes"])
    one, two = (tmp_path / name / "data/processed/fixes.parquet" for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()
    found = gpd.read_parquet(one)
    folder = one.parent
    assert len(found)
    assert (found["risk_after"].fillna(-1.0) <= found["risk_before"].fillna(0.0)).all()
    listed = found[found["rank"].notna()].sort_values("rank")
    assert listed["rank"].tolist() == list(range(1, len(listed) + 1))
    assert len(listed) <= CATALOGUE.fix_list.length
    assert listed["rerouted"].all()
    assert listed["target_id"].is_unique
    assert listed["risk_removed"].round(9).is_monotonic_decreasing
    assert (found["children_acceptable"] <= found["children_helped"] + 1e-9).all()
    schools = set(pd.read_parquet(folder / "schools.parquet")["school_id"])
    for row in found.itertuples():
        assert row.treatment in WORKS
        assert row.place_zh
        assert row.place_en
        assert set(row.school_ids.split("|")) <= schools
        assert "最差" not in row.place_zh
        assert "worst" not in row.place_en
