"""Pupils of a village on their ways to school: tables, flows and lines of their routes, and which school is whose."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import shapely
from helpers import Drawing, box, call, degrees, write_config
from way_drawing import CATALOGUE, assert_lines_fit

from xiqing_space.safety.assignment import walking_shares
from xiqing_space.safety.route_lines import route_lines
from xiqing_space.safety.school_routes import (
    RouteTables,
    SchoolRoutes,
    flows_of,
    flows_table,
    forest_table,
    route_pupils,
    routes_table,
    weight_kind_of,
)
from xiqing_space.safety.schools import schools_table
from xiqing_space.schemas.safety import TREES
from xiqing_space.stages.route_pupils import route_tables, sided_values
from xiqing_space.store import Store
from xiqing_space.tables import empty, finish

# --- a village, from an extract through all stages before


def draw_village() -> Drawing:
    """A grid of streets each 200 m with a wide road through it, homes, five schools: one near, one far off, one on an island, one on no
    street, one of the middle level.
    """  # fmt: skip
    d = Drawing()
    for row in range(4):
        y = 200.0 * row
        wide = {"lanes": "4", "maxspeed": "60"} if row == 2 else {}
        stops = [(200.0 * column, y) for column in range(5)]
        d.street(stops, "secondary" if row == 2 else "residential", name=f"横{row}路", **wide)
    for column in range(5):
        d.street([(200.0 * column, 200.0 * row) for row in range(4)], "residential", name=f"纵{column}路")
    d.street([(800.0, 400.0), (1500.0, 400.0), (2200.0, 400.0)], "tertiary", name="远路")
    d.street([(3000.0, 0.0), (3000.0, 700.0)], name="岛路")
    for column in range(4):
        for row in range(3):
            west, south = 200.0 * column + 60, 200.0 * row + 30
            d.block(west, south, west + 20, south + 20, {"building": "apartments", "building:levels": str(3 + row)})
    for number, (name, x, y) in enumerate(
        (
            ("第一小学", 310, 590),
            ("第二小学", 2190, 420),
            ("岛上小学", 2980, 300),
            ("荒地小学", 2600, 350),
            ("初级中学", 790, 20),
        )
    ):
        d.node(x, y, {"amenity": "school", "name": name}, id=9000 + number)
    d.way([(-100.0, 195.0), (900.0, 195.0)], {"waterway": "canal"})
    return d


ONE, TWO, ISLE, WASTE, MIDDLE = (f"osm:n900{number}" for number in range(5))


@pytest.fixture(scope="module")
def village(tmp_path_factory: pytest.TempPathFactory) -> Store:
    base = tmp_path_factory.mktemp("village")
    osm = draw_village().write(base / "village.osm.pbf")
    config = write_config(base / "c.toml", {"area": {"name": "村"}, "sources": {"osm": str(osm)}})
    result = call("run", "--config", config, "--out", base / "out", "--only", "routes")
    assert result.code == 0, result.err[-300:]
    return Store(base / "out" / "data" / "processed")


@pytest.fixture(scope="module")
def parts(village: Store) -> tuple[RouteTables, Any, Any]:
    tables = route_tables(village)
    return tables, *sided_values(village, tables, CATALOGUE)


Reroute = Callable[..., tuple[RouteTables, SchoolRoutes]]


@pytest.fixture(scope="module")
def reroute(parts: tuple[RouteTables, Any, Any]) -> Reroute:
    """The village with other tables of assignment."""

    def again(shares: pd.DataFrame | None = None, **tables: pd.DataFrame) -> tuple[RouteTables, SchoolRoutes]:
        made = replace(parts[0], assignment=replace(parts[0].assignment, **tables))
        made = made if shares is None else replace(made, school_shares=shares)
        return made, route_pupils(made, *parts[1:], CATALOGUE)

    return again


def all_tables(tables: RouteTables, found: SchoolRoutes) -> dict[str, pd.DataFrame]:
    weights = weight_kind_of(tables.assignment.demand)
    edges, crossings = flows_of(found, "edge"), flows_of(found, "crossing")
    made = {
        "school_routes": routes_table(found, tables, CATALOGUE), "school_forest": forest_table(found, weights),
        "pupil_flows": flows_table(found, edges, crossings, weights), "schools": schools_table(found, crossings, tables, CATALOGUE),
    }  # fmt: skip
    return {name: finish(name, frame) for name, frame in made.items()}


def test_each_school_has_a_row_and_its_reason(village: Store) -> None:
    schools = village.get("schools").set_index(["school_id", "kind"])
    assert schools["reason"].fillna("").to_dict() == {
        (ONE, "primary_school"): "", (TWO, "primary_school"): "no_pupils_near", (ISLE, "primary_school"): "island",
        (WASTE, "primary_school"): "school_not_linked", (MIDDLE, "junior_school"): "",
    }  # fmt: skip
    idle = schools[schools["reason"].notna()]
    assert (idle["children"] == 0).all()
    assert idle[["route_score_mean", "share_acceptable", "worst_cross", "assigned_by"]].isna().all(axis=None)


def test_every_child_of_every_kind_is_in_one_row(village: Store) -> None:
    rows, demand = village.get("school_routes"), village.get("demand")
    assert len(rows) == 2 * len(demand)
    assert set(rows["weight_kind"]) == {"relative"}
    assert rows.groupby("kind")["children"].sum().to_dict() == pytest.approx(
        {"primary_school": demand["pop_6_11"].sum(), "junior_school": demand["pop_12_14"].sum()}
    )
    # twelve homes of one size, 3, 4 and 5 storeys: shares that sum to one, of which 6 and 3 of 18 years
    assert rows.groupby("kind")["children"].sum().to_dict() == pytest.approx(
        {"primary_school": 6 / 18, "junior_school": 3 / 18}
    )
    assert set(village.get("pupil_flows")["weight_kind"]) == {"relative"}
    assert village.get("pupil_flows")["children"].max() <= 0.5 + 1e-9


def test_shortest_is_the_walk_of_access(village: Store) -> None:
    rows = village.get("school_routes")
    access = village.get("access").query("profile == 'walk'").set_index(["demand_id", "kind"])["distance_m"]
    walked = access[pd.MultiIndex.from_frame(rows[["demand_id", "kind"]])].to_numpy()
    assert np.abs(rows["shortest_m"].to_numpy() - walked).max() < 0.0151
    assert (rows["length_m"] >= rows["shortest_m"] - 0.01).all()


def test_pupils_are_conserved_at_every_corner(
    village: Store, parts: tuple[RouteTables, Any, Any], reroute: Reroute
) -> None:
    _, found = reroute()
    graph = found.walks.graph
    by_gate = dict.fromkeys(found.assigned.site_id, 0.0)
    for tree, pieces, passing, _ in found.passing:
        total = passing.sum(axis=1)
        start = np.zeros(len(total))
        np.add.at(start, pieces.leaf[pieces.leaf >= 0], found.pupils().sum(axis=1)[pieces.leaf >= 0])
        entering = start.copy()
        np.add.at(entering, pieces.parent[pieces.parent >= 0], total[pieces.parent >= 0])
        np.testing.assert_allclose(entering, total, atol=1e-12)
        for row in np.flatnonzero(pieces.gate >= 0).tolist():
            by_gate[found.assigned.site_id[pieces.school[row]]] += total[row]
        assert tree in TREES
    schools = village.get("schools").groupby("school_id")["children_routed"].sum()
    assert {site: by_gate[site] for site in schools.index} == pytest.approx(schools.to_dict())
    # and from the written table alone: whoever leaves a corner over a crossing or edge arrives at another corner or at the gate
    forest = village.get("school_forest")
    assert forest["next_edge_id"].notna().mul(1).add(forest["next_crossing_id"].notna()).eq(1).all()
    assert set(forest["node_id"]) <= set(graph.node_id)
    assert len(forest) == len(forest_table(found, "relative"))


def test_flows_add_up_over_routes(village: Store, reroute: Reroute) -> None:
    tables, found = reroute()
    ids = tables.assignment.demand["demand_id"].tolist()
    lines = route_lines(ids, found, tables)
    children = village.get("school_routes").set_index(["demand_id", "school_id", "kind"])["children"]
    lines["children"] = children[pd.MultiIndex.from_frame(lines[["demand_id", "school_id", "kind"]])].to_numpy()
    flows = village.get("pupil_flows").set_index("item_id")["children"]
    for what, part in (("edge_id", "street"), ("crossing_id", "crossing")):
        mine = lines[lines["part"] == part].drop_duplicates(["demand_id", "school_id", "kind", what])
        expected = mine.groupby(what)["children"].sum()
        assert len(expected) > 10 if what == "edge_id" else len(expected) > 3
        assert flows[expected.index].to_dict() == pytest.approx(expected.to_dict())
    assert len(flows) == len(set(lines["edge_id"].dropna()) | set(lines["crossing_id"].dropna()))


def test_lines_run_from_door_to_gate_and_hold_the_worst_link(village: Store, reroute: Reroute) -> None:
    tables, found = reroute()
    homes = tables.assignment.demand["demand_id"].tolist()
    assert assert_lines_fit(tables, found, village.get("school_routes"), homes) == 2 * len(homes)
    assert set(route_lines(homes[:2], found, tables, kinds=["junior_school"])["kind"]) == {"junior_school"}
    assert route_lines(["nobody"], found, tables).empty


def test_worst_links_are_told_in_words(village: Store) -> None:
    rows = village.get("school_routes")
    over = rows[rows["worst_zh"].str.startswith("过 横2路")]
    assert len(over) > 3  # the school lies beyond the wide road
    assert set(over["worst_zh"]) == {"过 横2路，4 车道，无信号灯（按默认值）"}
    assert set(over["worst_en"]) == {"crossing 横2路, 4 lanes, no signal (default)"}
    walked = rows[rows["worst_zh"].str.startswith("沿")]
    assert (walked["worst_along"] > walked["worst_cross"]).all()
    assert walked["worst_zh"].str.contains("无人行道（按默认值）").any()


def test_water_beside_the_way_is_counted(village: Store, reroute: Reroute) -> None:
    # the canal runs 5 m south of the first cross street, so all of its edges lie beside it, and 15 m of streets that cross it
    _, found = reroute()
    values, graph = found.walks.values, found.walks.graph
    streets = village.get("streets").set_index("edge_id")
    for edge, share in zip(graph.edge_id, values.water, strict=True):
        name, south = streets.loc[edge, "name"], streets.loc[edge, "geometry"].bounds[1]
        if name == "横1路":
            assert share == 1.0
        elif str(name).startswith("纵"):
            # from 185 to 205: 15 of the 200 m below the cross street, 5 of those above it
            low, at = south < degrees(0, 195)[1], degrees(0, 195)[1]
            expected = (15 if low else 5) / 200 if low or south < at + 0.0001 else 0.0
            assert share == pytest.approx(expected, abs=0.011)
        else:
            assert share == 0.0
    rows = village.get("school_routes")
    assert rows["m_beside_water"].max() > 20


# --- who goes where


def areas(*rows: tuple[str, str | None, list[tuple[float, float]]]) -> pd.DataFrame:
    shapes = [shapely.MultiPolygon([shapely.Polygon([degrees(*place) for place in corners])]) for _, _, corners in rows]
    return finish(
        "school_areas",
        pd.DataFrame(
            {
                "area_id": [f"file:areas:{at}" for at in range(len(rows))], "school_id": [row[0] for row in rows],
                "school_name": "某校", "kind": [row[1] for row in rows], "geometry": shapes,
            }
        ),
    )  # fmt: skip


def table_of(*rows: tuple[str, str | None, str | None, str | None]) -> pd.DataFrame:
    return finish(
        "school_assignments",
        pd.DataFrame(
            [(f"file:t:{at}", unit, key, "某", site, "某校", kind) for at, (unit, key, site, kind) in enumerate(rows)],
            columns=["row_id", "unit", "unit_id", "unit_name", "school_id", "school_name", "kind"],
        ),
    )


def chosen(tables: RouteTables, found: SchoolRoutes, kind: str = "primary_school") -> pd.DataFrame:
    rows = routes_table(found, tables, CATALOGUE)
    return rows[rows["kind"] == kind].set_index("demand_id").sort_index()


def test_overlapping_areas_take_the_nearer_school_and_gaps_the_nearest(reroute: Reroute) -> None:
    # one 学区 holds the two columns of homes from x = 200 to 600, the other those east of 400: the third column lies in both. From there
    # at y = 40 it is 40 + 330 + 20 + 10 to the middle school, which takes younger pupils here, and 40 + 70 + 600 + 90 + 10 to the
    # first; at 240 560 and 610; at 440 760 and 410.
    tables, found = reroute(
        school_areas=areas(
            (MIDDLE, "primary_school", box(400, -50, 900, 700)), (ONE, None, box(200, -50, 600, 700))
        )
    )  # fmt: skip
    rows = chosen(tables, found)
    places = tables.assignment.demand.set_index("demand_id")["geometry"][rows.index]
    hand = []
    for point in places:
        column = int(np.searchsorted([degrees(at, 0)[0] for at in (200, 400, 600)], point.x))
        far_south = point.y < degrees(0, 400)[1]
        hand.append(
            ("nearest" if column == 0 else "district", MIDDLE if column == 3 or (column == 2 and far_south) else ONE)
        )
    assert list(zip(rows["assigned_by"], rows["school_id"], strict=True)) == hand
    both = rows[[school == "district" and degrees(400, 0)[0] < point.x < degrees(600, 0)[0] for (school, _), point in
                 zip(hand, places, strict=True)]]  # fmt: skip
    assert both["shortest_m"].round(0).sort_values().tolist() == [400, 410, 560]
    told = found.assigned.overlaps
    assert told[["kind", "schools", "homes"]].to_numpy().tolist() == [["primary_school", f"{ONE}|{MIDDLE}", 3]]
    # nothing is said of the middle schools
    assert set(chosen(tables, found, "junior_school")["assigned_by"]) == {"nearest"}


def test_the_narrower_unit_wins_and_the_table_over_the_area(village: Store, reroute: Reroute) -> None:
    demand = village.get("demand").copy()
    ids = demand["demand_id"].tolist()
    demand.loc[demand["demand_id"] == ids[0], "compound_id"] = "c1"
    demand.loc[demand["demand_id"] == ids[1], "zone_id"] = "inner"
    zones = pd.DataFrame({"zone_id": ["area", "inner"], "name": ["村", "甲社区"], "parent_id": [None, "area"],
                          "geometry": [village.get("zones")["geometry"].iloc[0]] * 2})  # fmt: skip
    everywhere = box(-100, -100, 2500, 900)
    tables, found = reroute(
        demand=demand, zones=zones, school_areas=areas((ONE, "primary_school", everywhere)),
        school_assignments=table_of(
            ("zone", "area", TWO, "primary_school"), ("compound", "c1", ONE, "primary_school"),
            ("community", "甲社区", ONE, "primary_school"), ("zone", None, ONE, "primary_school"), ("compound", "c1", None, None),
        ),
    )  # fmt: skip
    rows = chosen(tables, found)
    assert set(rows["assigned_by"]) == {"table"}
    assert rows["school_id"].to_dict() == {one: ONE if one in ids[:2] else TWO for one in ids}


def test_a_school_nobody_reaches_keeps_its_homes(reroute: Reroute) -> None:
    everywhere = box(-100, -100, 2500, 900)
    for site, why, reason in ((WASTE, "school_not_linked", "school_not_linked"), (ISLE, "unreachable", "island")):
        tables, found = reroute(school_areas=areas((site, "primary_school", everywhere)))
        rows = chosen(tables, found)
        assert set(rows["reason"]) == {why}
        assert set(rows["school_id"]) == {site}
        assert rows["length_m"].isna().all()
        assert not rows["acceptable"].any()
        schools = all_tables(tables, found)["schools"].set_index("school_id")
        assert schools.loc[site, "reason"] == reason
        assert schools.loc[site, "children"] == pytest.approx(6 / 18)
        assert schools.loc[site, "children_routed"] == 0
        assert schools.loc[ONE, "reason"] == "no_pupils_near"


def test_a_closed_school_of_the_table_gives_way_to_the_nearest(village: Store, reroute: Reroute) -> None:
    facilities = village.get("facilities").copy()
    facilities.loc[facilities["site_id"] == TWO, "status"] = "closed"
    tables, found = reroute(facilities=facilities, school_areas=areas((TWO, None, box(-100, -100, 2500, 900))))
    assert set(chosen(tables, found)["assigned_by"]) == {"nearest"}
    assert found.assigned.closed == (TWO,)


def test_boarders_and_pupils_of_other_districts_leave_by_their_share(reroute: Reroute) -> None:
    shares = finish("school_shares", pd.DataFrame({"school_id": [ONE], "boarders_share": [0.25], "cross_district_share": [0.15],
                                                   "source": ["表"]}))  # fmt: skip
    tables, found = reroute(shares=shares)
    assert chosen(tables, found)["children"].sum() == pytest.approx(6 / 18 * 0.6)
    assert chosen(tables, found, "junior_school")["children"].sum() == pytest.approx(3 / 18)
    # what is not stated is none
    shares.loc[0, "cross_district_share"] = np.nan
    np.testing.assert_allclose(walking_shares(shares, np.array([TWO, ONE], dtype=object)), [1.0, 0.75])


def test_schools_of_unknown_level_are_pooled_where_the_catalogue_says_so(
    village: Store, parts: Any, reroute: Reroute
) -> None:
    # the first school's level is not stated: it is nearest for every child, or the second one has all the primary pupils
    facilities, access = village.get("facilities").copy(), village.get("access").copy()
    facilities.loc[facilities["site_id"] == ONE, "kind"] = "school_unknown_level"
    of_first = facilities.loc[facilities["site_id"] == ONE, "facility_id"].iloc[0]
    access = access[access["profile"] == "walk"]
    walked = access[access["facility_id"] == of_first]
    unknown = walked.assign(kind="school_unknown_level")
    gone = access["kind"].isin(["primary_school", "school_unknown_level"])
    far = walked.assign(
        facility_id=facilities.loc[facilities["site_id"] == TWO, "facility_id"].iloc[0], distance_m=2000.0
    )
    access = pd.concat([access[~gone], unknown, far], ignore_index=True)
    tables, found = reroute(facilities=facilities, access=access)
    assert set(chosen(tables, found)["school_id"]) == {ONE}
    assert (ONE, "primary_school") in set(
        zip(*(all_tables(tables, found)["schools"][one] for one in ("school_id", "kind")), strict=True)
    )
    rules = CATALOGUE.safety["routes"] | {"unknown_level": False}
    strict = CATALOGUE.model_copy(update={"safety": CATALOGUE.safety | {"routes": rules}})
    alone = route_pupils(tables, *parts[1:], strict)
    assert set(chosen(tables, alone)["school_id"]) == {TWO}


def test_homes_without_a_place_or_a_street_say_so(village: Store, reroute: Reroute) -> None:
    demand, access = village.get("demand").copy(), village.get("access").copy()
    first = demand["demand_id"].iloc[0]
    demand.loc[0, "placed"] = False
    access.loc[access["demand_id"] == first, ["facility_id", "gate_id", "distance_m"]] = np.nan
    access.loc[access["demand_id"] == first, "reason"] = "home_not_placed"
    tables, found = reroute(demand=demand, access=access)
    row = chosen(tables, found).loc[first]
    assert [row["school_id"], row["reason"]] == ["*", "home_not_placed"]
    assert row["children"] > 0
    finish("school_routes", routes_table(found, tables, CATALOGUE))


def test_nothing_to_route_gives_empty_tables(village: Store, reroute: Reroute) -> None:
    tables, found = reroute(facilities=village.get("facilities").iloc[:0], access=empty("access"))
    made = all_tables(tables, found)
    assert set(made["school_routes"]["reason"]) == {"no_school"}
    assert made["school_forest"].empty
    assert made["pupil_flows"].empty
    assert made["schools"].empty


def test_row_order_changes_nothing(village: Store, parts: Any, reroute: Reroute) -> None:
    tables, found = reroute()
    before = all_tables(tables, found)
    turned = replace(tables, assignment=replace(
        tables.assignment, facilities=tables.assignment.facilities.iloc[::-1], zones=tables.assignment.zones.iloc[::-1],
        access=tables.assignment.access.iloc[::-1],
    ), crossings=tables.crossings.iloc[::-1], street_attributes=tables.street_attributes.iloc[::-1])  # fmt: skip
    after = all_tables(turned, route_pupils(turned, *parts[1:], CATALOGUE))
    for name, frame in before.items():
        pd.testing.assert_frame_equal(frame, after[name])
        pd.testing.assert_frame_equal(frame, village.get(name))
