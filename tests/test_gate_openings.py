"""Closed gates: the town's by hand, a whole rerun with the gate opened, and a random site's gates against plain access."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import shapely
from helpers import Drawing, call, table
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from planner_files import Office, write_layer
from test_properties import EPSG, LIMIT, NO_BARRIERS, World, degrees, streets_of, worlds
from town.test_town import assert_agrees, expected

from xiqing_space.catalog import load_catalogue
from xiqing_space.coverage.access import AccessInputs, measure_walk
from xiqing_space.coverage.by_home import Distances
from xiqing_space.coverage.gate_openings import GateWalks, Opened, _helped, find_closed_gates
from xiqing_space.network import build_graph
from xiqing_space.network.links import link_to_graph, starting_points
from xiqing_space.sample import plan, write_sample

KEY = ["gate_id", "owner_id", "kind"]
NUMBERS = ["children_helped", "children_covered", "metres_saved_mean"]


def test_the_town_s_gate_41_by_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(plan.NODE_TAGS, 41, {"barrier": "gate", "access": "no"})
    result = call("run", "--config", write_sample(tmp_path / "sample"), "--out", tmp_path / "out", "--only", "bridge")
    assert result.code == 0, result.err[-500:]
    hand, found = expected("gate_openings"), table(tmp_path / "out", "gate_openings")
    for name in ("children_helped", "children_covered", "metres_saved_mean", "rank"):
        hand[name] = pd.to_numeric(hand[name])
    # weights are of homes drawn to the centimetre
    weights = hand[[*KEY, "children_helped", "children_covered"]]
    assert_agrees(weights, found, KEY, 0.001)
    assert_agrees(hand.drop(columns=weights.columns[3:]), found, KEY, 0.05)


# 甲小区 of the hamlet: (620, 420)–(780, 580), its home (700, 510); 示例公园 (610, 640)–(780, 780)
COMPOUND, HOME = "osm:w1041", "osm:w1043"
SOUTH = {"小区": "甲小区", "编号": "南门", "at": (700.0, 420.0), "状态": "开放"}
EAST = {"小区": "甲小区", "编号": "东门", "at": (780.0, 500.0), "状态": "关闭"}
PARK_WEST = {"小区": "示例公园", "编号": "园西门", "at": (610.0, 700.0), "状态": "开放"}
PARK_EAST = {"小区": "示例公园", "编号": "园东门", "at": (780.0, 700.0), "状态": "关闭"}
SCHOOL = {"小区": "示例小学", "编号": "校门", "at": (320.0, 450.0), "状态": "关闭"}


@pytest.fixture(scope="module")
def office(hamlet: Drawing, tmp_path_factory: pytest.TempPathFactory) -> Office:
    """The hamlet surveyed with two closed gates; then each of them opened in a run of its own."""
    made = Office(tmp_path_factory.mktemp("openings"), hamlet)
    for name, rows in (("closed", (SOUTH, EAST, PARK_WEST, PARK_EAST, SCHOOL)),
                       ("east", (SOUTH, EAST | {"状态": "仅居民"}, PARK_WEST, PARK_EAST, SCHOOL)),
                       ("park", (SOUTH, EAST, PARK_WEST, PARK_EAST | {"状态": "开放"}, SCHOOL))):  # fmt: skip
        write_layer(made.folder / f"{name}.geojson", rows)
        last = "bridge" if name == "closed" else "coverage"
        made.run({"gates": {"file": f"{name}.geojson"}}, "--only", last, out=name)
    return made


def plain_gain(office: Office, opened: str) -> dict[str, list[float]]:
    """From two whole runs, in plain loops: kind -> children helped, children who come within the limit, mean metres saved."""
    catalogue = load_catalogue()
    key = ["demand_id", "kind", "profile"]
    before, after = (table(office.folder / run, "access").set_index(key) for run in ("closed", opened))
    gain: dict[str, list[float]] = {}
    for home in table(office.folder / "closed", "demand").to_dict("records"):
        if not home["inside"]:
            continue
        for kind in catalogue.measured_kinds:
            for band in catalogue.target_bands(kind):
                was, now = (frame.loc[(home["demand_id"], kind, band.profile)] for frame in (before, after))
                start = was["distance_m"]
                if np.isnan(start) and was["reason"] in ("beyond_search_limit", "unreachable"):
                    start = LIMIT
                if not now["distance_m"] < start:
                    continue
                children = home[band.column]
                helped = gain.setdefault(kind, [0.0, 0.0, 0.0])
                helped[0] += children
                helped[2] += children * (start - now["distance_m"])
                limits = [standard.limit_m(band) for standard in catalogue.standards_of(kind)[:1]]
                helped[1] += np.nan if not limits else children * (now["distance_m"] <= limits[0] < start)
    return {kind: [helped, covered, metres / helped] for kind, (helped, covered, metres) in gain.items()}


@pytest.mark.parametrize(("opened", "owner"), [("east", COMPOUND), ("park", "osm:r5001")])
def test_a_whole_rerun_with_the_gate_opened_gives_the_same(office: Office, opened: str, owner: str) -> None:
    found = table(office.folder / "closed", "gate_openings")
    mine = found[found["owner_id"] == owner].set_index("kind")
    plain = plain_gain(office, opened)
    assert plain, "the gate helps somebody"
    assert set(mine.index) == set(plain)
    for kind, numbers in plain.items():
        assert mine.loc[kind, NUMBERS].to_numpy(dtype=float) == pytest.approx(numbers, abs=0.006, nan_ok=True), kind
    assert set(mine["weight_kind"]) == {"relative"}


def test_names_zone_and_rank(office: Office) -> None:
    found = table(office.folder / "closed", "gate_openings")
    score = (found["children_helped"] * found["metres_saved_mean"]).groupby(found["gate_id"]).sum()
    rank = found.drop_duplicates("gate_id").set_index("gate_id")["rank"]
    assert rank.sort_values().index.tolist() == score.sort_values(ascending=False).index.tolist()
    assert rank.sort_values().tolist() == [1, 2]
    rows = found.drop_duplicates("owner_id").set_index("owner_id")
    assert rows["owner_name"].to_dict() == {COMPOUND: "甲小区", "osm:r5001": "示例公园"}
    assert set(rows["zone_id"]) == {"e"}  # the hamlet's eastern zone
    assert set(found.loc[found["owner_id"] == "osm:r5001", "kind"]) == {"park"}
    place = shapely.from_wkb(rows.loc[COMPOUND, "geometry"])
    surveyed = (
        table(office.folder / "closed", "surveyed_gates")
        .set_index("gate_id")
        .loc[rows.loc[COMPOUND, "gate_id"], "geometry"]
    )
    assert place.equals(shapely.from_wkb(surveyed))


def frames(rows: list[tuple[Any, ...]], columns: str) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=columns.split())


SQUARE = degrees([(0, 0), (100, 0), (100, 100), (0, 100)])


def find(
    surveyed: list[tuple[str, str, str, str]], shut: bool, gates: list[tuple[str, str, str, str]]
) -> dict[str, bool]:
    """Closed gates of a compound c with a mapped gate m on its edge and one n far off: gate -> whether it is told."""
    there, far = degrees([(50, 1)])[0], degrees([(50, 40)])[0]
    ring = shapely.Polygon([one.coords[0] for one in SQUARE])
    found = find_closed_gates(
        frames([(*one, there) for one in surveyed], "gate_id owner_id owner_type status geometry"),
        frames([("m", shut, there), ("n", shut, far)], "gate_id shut geometry"),
        frames([(*one, None, there) for one in gates], "gate_id owner_id owner_type resolved_by through geometry"),
        frames([("c", ring)], "compound_id geometry"), frames([], "site_id geometry"), EPSG,
    )  # fmt: skip
    assert set(found["owner_id"]) <= {"c"}
    return dict(zip(found["gate_id"], found["known"], strict=True))


@pytest.mark.parametrize(
    ("surveyed", "shut", "gates", "right"),
    [
        ([], True, [("g", "c", "compound", "mapped")], {"m": True}),
        ([], False, [("g", "c", "compound", "mapped")], {}),  # a private gate is not closed: residents pass
        ([], True, [("g", "c", "compound", "perimeter")], {"m": False}),  # the other ways out are guesses
        ([("s", "c", "compound", "closed")], True, [], {"s": False}),  # all closed: today's walks are unknown
        ([("s", "c", "compound", "closed"), ("t", "c", "compound", "open")], True, [("t", "c", "compound", "survey")], {"s": True}),
        ([("t", "c", "compound", "residents")], True, [("t", "c", "compound", "survey")], {}),  # surveyed: the map counts no more
    ],
)  # fmt: skip
def test_which_gates_are_closed(
    surveyed: list[tuple[str, str, str, str]],
    shut: bool,
    gates: list[tuple[str, str, str, str]],
    right: dict[str, bool],
) -> None:
    assert find(surveyed, shut, gates) == right


def test_gates_left_out_are_told(office: Office) -> None:
    """No other gate of the school is known: what opening its only one would save cannot be told."""
    school = table(office.folder / "closed", "facilities").set_index("name").loc["示例小学", "site_id"]
    assert school not in set(table(office.folder / "closed", "gate_openings")["owner_id"])
    told = office.quality("closed").set_index("check").loc["gate_opening_unknown", "what_en"]
    assert "1 closed gates" in told


def test_who_counts_as_helped() -> None:
    """Homes in turn: shorter, covered anew, covered already, longer, nothing within 3,000 m today, unknown today, no children."""
    walk = np.array([700.0, 400.0, 300.0, 900.0, 2500.0, 400.0, 400.0])
    today = Distances(np.array([800.0, 600.0, 450.0, 800.0, np.nan, np.nan, 600.0]), np.zeros(7),
                      np.array([False, False, False, False, False, True, False]), np.ones(7, dtype=bool))  # fmt: skip
    opened = Opened(np.zeros(7, dtype=np.int64), np.arange(7), walk)
    children = np.array([1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 0.0])
    found = _helped(opened, today, children, [500.0], 3000.0)
    assert found["children"].tolist() == [1.0, 2.0, 4.0, 16.0]
    assert found["covered"].tolist() == [0.0, 2.0, 0.0, 0.0]
    assert found["metres"].tolist() == [100.0, 2 * 200.0, 4 * 150.0, 16 * 500.0]
    assert (
        _helped(opened, today, children, [], 3000.0)["covered"].isna().all()
    )  # a kind without a standard: no limit, not zero


@settings(max_examples=12, deadline=None)
@given(worlds(), st.sampled_from([300.0, LIMIT]))
def test_a_site_s_gate_against_plain_access(world: World, limit: float) -> None:
    """The last gate of the first site is closed: what opening it gives is access measured with it."""
    assume(len(world.sites[0]) > 1)
    streets, graph = streets_of(world), None
    demand = pd.DataFrame({"demand_id": [f"h{i}" for i in range(len(world.homes))], "compound_id": None, "placed": True,
                           "geometry": degrees(list(world.homes))})  # fmt: skip
    ids = [f"f{i}" for i in range(len(world.sites))]
    facilities = pd.DataFrame({"facility_id": ids, "site_id": ids, "kind": "park", "status": "operating", "serves": "everyone",
                               "geometry": degrees([one[0] for one in world.sites])})  # fmt: skip
    rows = [(f"g{site}-{place}", f"f{site}", "site", "survey", None, degrees([place])[0])
            for site, mine in enumerate(world.sites) for place in mine]  # fmt: skip
    gates = pd.DataFrame(rows, columns=["gate_id", "owner_id", "owner_type", "resolved_by", "through", "geometry"])
    last = len(world.sites[0]) - 1
    graph = build_graph(streets, "walk", EPSG)

    def links(some: pd.DataFrame, homes: pd.DataFrame) -> pd.DataFrame:
        return link_to_graph(starting_points(homes, facilities, some, EPSG), streets, graph, "walk", NO_BARRIERS, max_leg_m=100,
                             island_min_m=0, metric_epsg=EPSG)  # fmt: skip

    before = AccessInputs(demand, facilities, gates.drop(index=last), links(gates.drop(index=last), demand), EPSG)
    after = replace(before, gates=gates, links=links(gates, demand))
    walks = GateWalks(before, before.of_profile(graph, "walk"), gates.iloc[[last]].reset_index(drop=True),
                      links(gates.iloc[[last]], demand.iloc[:0]), limit)  # fmt: skip
    over = walks.of_kind(np.asarray(ids, dtype=object))
    was = measure_walk(before, before.of_profile(graph, "walk"), "park", limit)["distance_m"].fillna(np.inf).to_numpy()
    np.minimum.at(was, over.home, over.walk_m)
    now = measure_walk(after, after.of_profile(graph, "walk"), "park", limit)["distance_m"].fillna(np.inf).to_numpy()
    np.testing.assert_allclose(was, now, atol=0.0101)
