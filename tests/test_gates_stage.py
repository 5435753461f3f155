"""Surveyed gates in whole runs: walks of a walled compound's home change as worked out with a pencil."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from helpers import Drawing, table
from planner_files import Office, write_layer

# 甲小区: (620, 420)–(780, 580), mapped gate at (700, 420); streets x = 600, x = 800 and y = 400, y = 600 round it.
# The home is the middle of its taller building, (700, 510). The hospital at (790, 20) joins x = 800 after 10 m.
HOME, COMPOUND = "osm:w1043", "osm:w1041"
SOUTH = (90 + 20) + 100 + 380 + 10  # to the gate and out, along y = 400, down x = 800
EAST = (80**2 + 10**2) ** 0.5 + 20 + 480 + 10  # to (780, 500), across to x = 800, down
ROW = {"小区": "甲小区", "编号": "东门", "at": (780.0, 500.0)}


@pytest.fixture(scope="module")
def office(hamlet: Drawing, tmp_path_factory: pytest.TempPathFactory) -> Office:
    made = Office(tmp_path_factory.mktemp("gates"), hamlet)
    made.run({}, "--only", "coverage")
    return made


def surveyed(office: Office, name: str, rows: list[dict[str, Any]], **more: Any) -> pd.Series:
    """Walking distances to the hospital after a survey."""
    write_layer(office.folder / f"{name}.geojson", rows)
    office.run({"gates": {"file": f"{name}.geojson"}, **more}, "--only", "coverage", out=name)
    return walks(office, name)


def walks(office: Office, out: str, kind: str = "hospital", profile: str = "walk") -> pd.Series:
    access = table(office.folder / out, "access")
    mine = access[(access["kind"] == kind) & (access["profile"] == profile)]
    return mine.set_index("demand_id")["distance_m"]


def test_as_mapped(office: Office) -> None:
    assert walks(office, "out")[HOME] == pytest.approx(SOUTH, abs=0.1)


@pytest.mark.parametrize("status", ["开放", "仅居民", "分时", ""])
def test_a_gate_that_lets_residents_pass_takes_the_mapped_one_s_place(office: Office, status: str) -> None:
    found = surveyed(office, f"open{status}", [ROW | {"状态": status}])
    assert found[HOME] == pytest.approx(EAST, abs=0.1)
    gates = table(office.folder / f"open{status}", "gates")
    mine = gates[gates["owner_id"] == COMPOUND]
    assert mine["resolved_by"].tolist() == ["survey"]
    before = walks(office, "out")
    others = found.index.difference([HOME, "osm:w1038"])
    assert (found[others].fillna(-1) == before[others].fillna(-1)).all(), "nobody else's walk changes"


def test_a_closed_gate_is_no_way(office: Office) -> None:
    south = {"小区": "甲小区", "编号": "南门", "at": (700.0, 420.0)}
    found = surveyed(office, "one", [ROW | {"状态": "关闭"}, south | {"状态": "开放"}])
    assert found[HOME] == pytest.approx(SOUTH, abs=0.1)
    both = surveyed(office, "two", [ROW | {"状态": "开放"}, south | {"状态": "开放"}])
    assert both[HOME] == pytest.approx(min(EAST, SOUTH), abs=0.1)


def test_all_closed_is_unknown_and_neither_far_nor_near(office: Office) -> None:
    found = surveyed(office, "shut", [ROW | {"状态": "关闭"}])
    assert pd.isna(found[HOME])
    access = table(office.folder / "shut", "access").query("demand_id == @HOME and kind == 'hospital'")
    assert set(access["reason"]) == {"home_not_linked"}
    links = table(office.folder / "shut", "access_links")
    assert not links[links["owner_id"] == HOME]["linked"].any()
    assert "compound_all_closed" in set(office.quality("shut")["check"])


def test_a_gate_for_residents_lets_no_visitor_pass(hamlet: Drawing, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A kindergarten inside the compound: through an open gate by way of it, else (residents only) its own point, flagged."""
    drawing = hamlet.copy()
    inner = drawing.node(760, 510, {"amenity": "kindergarten", "name": "院内幼儿园"})
    office = Office(tmp_path_factory.mktemp("inside"), drawing)
    found = {}
    for status in ("开放", "仅居民"):
        surveyed(office, status, [ROW | {"状态": status}])
        gates = table(office.folder / status, "gates")
        found[status] = (
            gates[gates["owner_id"] == f"osm:n{inner}"][["resolved_by", "through"]].fillna("").to_numpy().tolist()
        )
    assert found == {"开放": [["survey", COMPOUND]], "仅居民": [["point", ""]]}


def test_a_site_s_own_gate(office: Office) -> None:
    """示例公园 (610, 640)–(780, 780) by one gate at (610, 700): the home across the street at (469, 640) has the canal between.

    From 甲小区's home over the south gate: 110 to (700, 400), 100 to x = 600, 300 up to (600, 700), 10 across.
    """
    rows = [{"owner": "示例公园", "status": "open", "gate_id": "西门", "at": (612.0, 700.0)}]
    write_layer(office.folder / "park.geojson", rows)
    office.run({"gates": {"file": "park.geojson"}}, "--only", "coverage", out="park")
    assert walks(office, "park", "park")[HOME] == pytest.approx(110 + 100 + 300 + 10, abs=0.2)
    gate = table(office.folder / "park", "surveyed_gates").iloc[0]
    assert (gate["gate_id"], gate["owner_type"]) == ("file:park:西门", "site")


def test_own_compounds_take_the_place_of_mapped_ones(office: Office) -> None:
    ring = [(620.0, 420.0), (780.0, 420.0), (780.0, 580.0), (620.0, 580.0)]
    rows = [
        {"小区": "甲小区新名", "编号": "C1", "户数": 320, "封闭": "是", "ring": ring},
        {"小区": "远方小区", "编号": "C2", "户数": 90, "封闭": "是", "ring": [(9000.0, 9000.0), (9100.0, 9000.0), (9100.0, 9100.0)]},
        {"小区": "开放小区", "编号": "C3", "户数": 50, "封闭": "否", "ring": [(40.0, 20.0), (90.0, 20.0), (90.0, 60.0)]},
    ]  # fmt: skip
    write_layer(office.folder / "own.geojson", rows)
    office.run({"compounds": {"file": "own.geojson"}}, "--only", "ingest", out="own")
    found = table(office.folder / "own", "compounds")
    assert found[["compound_id", "name", "households"]].to_numpy().tolist() == [["file:own:C1", "甲小区新名", 320.0]]
    told = office.quality("own").set_index("check")
    assert "compound_replaced" in told.index
    assert told.loc["compound_far", "what_zh"].count("远方小区") == 1


def test_a_gate_of_an_open_compound_is_told_and_not_needed(office: Office) -> None:
    rows = [
        {"小区": "开放小区", "封闭": "否", "ring": [(640.0, 430.0), (770.0, 430.0), (770.0, 570.0), (640.0, 570.0)]}
    ]
    write_layer(office.folder / "open.geojson", rows)
    write_layer(office.folder / "gate.geojson", [{"owner": "开放小区", "status": "开放", "at": (770.0, 500.0)}])
    settings = {"compounds": {"file": "open.geojson"}, "gates": {"file": "gate.geojson"}}
    office.run(settings, "--only", "ingest", out="opened")
    assert table(office.folder / "opened", "surveyed_gates").empty
    assert "gate_of_open_compound" in set(office.quality("opened")["check"])


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"小区": "丙小区", "状态": "开放", "at": (780.0, 500.0)}, ("丙小区", "甲小区")),
        ({"小区": "甲小区", "状态": "半开", "at": (780.0, 500.0)}, ("半开", "开放")),
        ({"名": "甲小区", "at": (780.0, 500.0)}, ("owner",)),
    ],
)
def test_what_cannot_be_used_is_named(office: Office, row: dict[str, Any], words: tuple[str, ...]) -> None:
    write_layer(office.folder / "bad.geojson", [row])
    result = office.run({"gates": {"file": "bad.geojson"}}, out="bad", ok=False)
    assert result.code == 1
    for word in ("bad.geojson", *words):
        assert word in result.err
