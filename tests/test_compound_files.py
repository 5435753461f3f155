"""Compounds and gates of a planner's own files, and the range that unknown gates leave."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from xiqing_space.crs import project_geometry, to_degrees
from xiqing_space.errors import ConfigError, XiqingError
from xiqing_space.ingest.compound_files import merge_compounds, read_compound_file, walled
from xiqing_space.ingest.gate_files import build_gates, one_gate_range, read_gate_file
from xiqing_space.ingest.quality import Quality

EPSG = 4548
EAST, NORTH = 500_000.0, 4_320_000.0


def metric_box(west: float, south: float, east: float, north: float) -> Any:
    return shapely.box(EAST + west, NORTH + south, EAST + east, NORTH + north)


def degrees(shapes: list[Any]) -> Any:
    return to_degrees(np.array(shapes, dtype=object), EPSG)


def write(path: Path, columns: dict[str, list[Any]], shapes: list[Any]) -> Path:
    gpd.GeoDataFrame(columns, geometry=shapes, crs=EPSG).to_file(path)
    return path


BOXES = [metric_box(200 * i, 0, 200 * i + 100, 100) for i in range(4)]


def test_compounds_are_read(tmp_path: Path) -> None:
    path = write(tmp_path / "小区.gpkg", {
        "小区名称": ["阳光里", "河畔园", "开放村", "旧里"], "户数": ["1,200户", "８００", None, "0"],
        "是否封闭": ["封闭", "Yes", "开放", None], "pop_3_5": [30.5, 0, 7, None],
    }, BOXES)  # fmt: skip
    quality = Quality()
    found = read_compound_file(path, quality=quality)
    assert found["compound_id"].tolist() == [f"file:小区:{row}" for row in (1, 2, 3, 4)]
    assert found["name"].tolist() == ["阳光里", "河畔园", "开放村", "旧里"]
    assert found["households"].fillna(-1).tolist() == [1200, 800, -1, 0]
    assert found["pop_3_5"].fillna(-1).tolist() == [30.5, 0, 7, -1]
    assert found["pop_0_2"].isna().all(), "missing is never zero"
    assert found["open"].tolist() == [False, False, True, False]
    assert quality.frame()[["check", "row"]].to_numpy().tolist() == [["compound_enclosed_unknown", "第 4 行 / row 4"]]
    assert walled(found)["name"].tolist() == ["阳光里", "河畔园", "旧里"]


def test_own_codes_and_named_columns(tmp_path: Path) -> None:
    path = write(
        tmp_path / "c.gpkg",
        {"编码": ["A1", "A2"], "MC": ["甲", "乙"], "三至五岁": [3, 4], "封闭": ["是", "否"]},
        BOXES[:2],
    )
    found = read_compound_file(path, quality=Quality(), columns={"name": "MC", "pop_3_5": "三至五岁"})
    assert found["compound_id"].tolist() == ["file:c:A1", "file:c:A2"]
    assert found["pop_3_5"].tolist() == [3, 4]


def test_all_problems_of_a_compounds_file(tmp_path: Path) -> None:
    path = write(tmp_path / "c.gpkg", {"编号": ["1", "1", "2", ""], "名称": ["甲", "乙", "丙", "丁"], "户数": ["-5", "多", "1", "2"],
                                       "封闭": ["封闭", "大概", "开放", "封闭"]}, BOXES)  # fmt: skip
    with pytest.raises(XiqingError) as caught:
        read_compound_file(path, quality=Quality())
    said = [one.split("：")[0].split(" / ")[1] for one in caught.value.first]
    assert said == ["rows 1, 2", "row 1", "row 2", "row 2"]


def test_a_compounds_file_without_names(tmp_path: Path) -> None:
    path = write(tmp_path / "c.gpkg", {"x": [1]}, BOXES[:1])
    with pytest.raises(XiqingError, match="no column of names"):
        read_compound_file(path, quality=Quality())
    with pytest.raises(XiqingError, match="no column 'y'"):
        read_compound_file(path, quality=Quality(), columns={"name": "y"})
    with pytest.raises(ConfigError, match="unknown roles"):
        read_compound_file(path, quality=Quality(), columns={"nom": "x"})


# ---- merging: squares of 100 m by 100 m


def mapped(*shapes: Any) -> pd.DataFrame:
    return pd.DataFrame({"compound_id": [f"osm:w{i}" for i in range(len(shapes))], "name": None, "households": np.nan,
                         "geometry": degrees(list(shapes))})  # fmt: skip


def own(*shapes: Any) -> pd.DataFrame:
    return pd.DataFrame({"compound_id": [f"file:c:{i}" for i in range(len(shapes))], "name": "甲", "households": 10.0,
                         "pop_3_5": 4.0, "open": False, "geometry": degrees(list(shapes))})  # fmt: skip


def test_what_a_file_replaces() -> None:
    """Shares of the smaller: 0.49 stays, 0.51 goes, a small one inside a large one goes, one beside stays."""
    quality = Quality()
    merged, replaced = merge_compounds(
        own(metric_box(0, 0, 100, 100), metric_box(1000, 0, 1500, 500)),
        mapped(metric_box(51, 0, 151, 100), metric_box(-51, 0, 49, 100), metric_box(49, -200, 149, 100 - 300 + 200),
               metric_box(1100, 100, 1150, 150), metric_box(0, 500, 100, 600), metric_box(0, -49, 100, 51)),
        EPSG, quality, "c.gpkg",
    )  # fmt: skip
    assert replaced["compound_id"].tolist() == ["osm:w3", "osm:w5"]
    assert replaced["replaced_by"].tolist() == ["file:c:1", "file:c:0"]
    assert replaced["shared_share"].tolist() == pytest.approx([1.0, 0.51], abs=1e-3)
    assert merged["compound_id"].tolist() == ["file:c:0", "file:c:1", "osm:w0", "osm:w1", "osm:w2", "osm:w4"]
    assert merged["open"].dtype == bool
    assert merged["pop_3_5"].isna().tolist() == [False, False, True, True, True, True]
    assert quality.frame()["id"].tolist() == ["osm:w3", "osm:w5"]


def test_an_open_compound_replaces_too_and_then_counts_no_more() -> None:
    opened = own(metric_box(0, 0, 100, 100)).assign(open=True)
    merged, replaced = merge_compounds(opened, mapped(metric_box(0, 0, 100, 100)), EPSG, Quality(), "c")
    assert replaced["compound_id"].tolist() == ["osm:w0"]
    assert walled(merged).empty


@pytest.mark.parametrize("sides", [(0, 0), (0, 2), (2, 0)])
def test_merging_with_nothing(sides: tuple[int, int]) -> None:
    boxes = [metric_box(0, 0, 10, 10), metric_box(50, 0, 60, 10)]
    merged, replaced = merge_compounds(own(*boxes[: sides[0]]), mapped(*boxes[: sides[1]]), EPSG, Quality(), "c")
    assert (len(merged), len(replaced)) == (sum(sides), 0)


def test_merging_does_not_depend_on_order() -> None:
    first, second = own(*BOXES[:3]), mapped(*(shapely.affinity.translate(one, 20, 0) for one in BOXES))
    a = merge_compounds(first, second, EPSG, Quality(), "c")
    b = merge_compounds(first.iloc[::-1], second.iloc[::-1], EPSG, Quality(), "c")
    for one, two in zip(a, b, strict=True):
        pd.testing.assert_frame_equal(one, two)


# ---- gates. The compounds are 100 m squares at 0, 200, 400 and 600 m east

COMPOUNDS = pd.DataFrame({"compound_id": ["c0", "c1", "c2", "c3"], "name": ["阳光里", "河畔园", "同名", "同名"],
                          "geometry": degrees(BOXES)})  # fmt: skip
SITES = pd.DataFrame({"site_id": ["s0", "s1"], "name": ["第一小学", "示例公园"],
                      "geometry": degrees([shapely.Point(EAST, NORTH + 500), metric_box(0, 600, 100, 700)])})  # fmt: skip


def gates_of(*rows: tuple[str, str, float, float], quality: Quality | None = None) -> pd.DataFrame:
    points = pd.DataFrame({"owner": [one[0] for one in rows], "status": [one[1] for one in rows], "code": "",
                           "source_row": range(1, len(rows) + 1),
                           "geometry": degrees([shapely.Point(EAST + x, NORTH + y) for *_, x, y in rows])})  # fmt: skip
    return build_gates(points, COMPOUNDS, SITES, metric_epsg=EPSG, source="门.csv", quality=quality or Quality())


def place(gates: pd.DataFrame, row: int) -> list[float]:
    point = project_geometry(gates["geometry"].to_numpy(dtype=object), 4326, EPSG)[row]
    return [round(point.x - EAST, 1), round(point.y - NORTH, 1)]


def test_gates_move_onto_their_outline() -> None:
    """South of c0 by 20 m: straight north; inside c1, 10 m from its east side: east; a school without ground: as it stands."""
    gates = gates_of(
        ("阳光里", "开放", 50, -20), ("c1", "仅居民", 290, 50), ("第一小学", "", 7, 490), ("示例公园", "分时", 50, 610)
    )
    assert gates["owner_id"].tolist() == ["c0", "c1", "s0", "s1"]
    assert gates["owner_type"].tolist() == ["compound", "compound", "site", "site"]
    assert gates["status"].tolist() == ["open", "residents", "unknown", "timed"]
    assert set(gates["resolved_by"]) == {"survey"}
    assert [place(gates, row) for row in range(4)] == [[50, 0], [300, 50], [7, 490], [50, 600]]


def test_a_gate_far_away_is_left_out_with_a_doubt() -> None:
    quality = Quality()
    gates = gates_of(
        ("阳光里", "开放", 50, -29.5), ("阳光里", "开放", 50, -31), ("河畔园", "关闭", 250, 0), quality=quality
    )
    assert gates["gate_id"].tolist() == ["file:门:1", "file:门:3"]
    frame = quality.frame().set_index("check")
    assert frame.loc["gate_far", "row"] == "第 2 行 / row 2"
    assert "31 m" in frame.loc["gate_far", "what_en"]
    assert frame.loc["gate_not_open", "row"] == "第 3 行 / row 3"


def test_one_name_of_two_compounds_is_told_apart_by_place() -> None:
    assert gates_of(("同名", "开放", 450, 0), ("同名", "开放", 650, 0))["owner_id"].tolist() == ["c2", "c3"]


def test_all_problems_of_a_gates_file() -> None:
    with pytest.raises(XiqingError) as caught:
        gates_of(("阳光理", "开放", 0, 0), ("", "开放", 0, 0), ("同名", "开放", 5000, 0), ("河畔园", "偶尔", 250, 0))
    said = list(caught.value.first)
    assert [one.split(" / ")[1].split("：")[0] for one in said] == ["row 1", "row 2", "row 3", "row 4"]
    assert "did you mean 阳光里" in said[0]
    assert "several bear this name: c2, c3" in said[2]
    assert "偶尔" in said[3]


def test_a_gates_file(tmp_path: Path) -> None:
    path = write(tmp_path / "大门.gpkg", {"所属小区": ["阳光里", "c1"], "状态": ["开放", "门禁"], "编号": ["东门", "d2"]},
                 [shapely.Point(EAST + 100, NORTH + 50), shapely.Point(EAST + 200, NORTH + 50)])  # fmt: skip
    gates = read_gate_file(path, COMPOUNDS, metric_epsg=EPSG, quality=Quality())
    assert gates["gate_id"].tolist() == ["file:大门:d2", "file:大门:东门"]
    assert gates["status"].tolist() == ["residents", "open"]
    with pytest.raises(XiqingError, match="no column of owners"):
        read_gate_file(write(tmp_path / "x.gpkg", {"x": [1]}, [shapely.Point(EAST, NORTH)]), COMPOUNDS, metric_epsg=EPSG,
                       quality=Quality())  # fmt: skip
    with pytest.raises(XiqingError, match="id given twice"):
        read_gate_file(write(tmp_path / "t.gpkg", {"所属": ["c0", "c0"], "编号": ["a", "a"]},
                             [shapely.Point(EAST, NORTH), shapely.Point(EAST + 50, NORTH)]),
                       COMPOUNDS, metric_epsg=EPSG, quality=Quality())  # fmt: skip


# ---- one gate or all


def test_range_by_hand() -> None:
    """Home a: three gates, 310, 420 and 990 m. Home b: one gate. Home c: one of two leads nowhere. Home d: none leads there."""
    nan = float("nan")
    table = pd.DataFrame(
        [("a", "g1", 420.0), ("a", "g2", 310.0), ("a", "g3", 990.0), ("b", "g1", 55.5), ("c", "g1", 100.0), ("c", "g2", nan),
         ("d", "g1", nan)],
        columns=["owner_id", "gate_id", "distance_m"],
    )  # fmt: skip
    found = one_gate_range(table)
    assert found["owner_id"].tolist() == ["a", "b", "c", "d"]
    assert found["best_m"].fillna(-1).tolist() == [310.0, 55.5, 100.0, -1]
    assert found["worst_m"].fillna(-1).tolist() == [990.0, 55.5, -1, -1]
    assert found["gates"].tolist() == [3, 1, 2, 1]
    assert found["best_gate"].tolist() == ["g2", "g1", "g1", None]
    assert found["worst_gate"].tolist() == ["g3", "g1", "g2", "g1"]
    assert found["reason"].tolist() == [None, None, "one_gate_leads_nowhere", "no_gate_leads_there"]


def test_a_gate_given_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="given twice"):
        one_gate_range(pd.DataFrame({"owner_id": ["a", "a"], "gate_id": ["g", "g"], "distance_m": [1.0, 2.0]}))


def test_range_of_nothing() -> None:
    assert one_gate_range(pd.DataFrame({"owner_id": [], "gate_id": [], "distance_m": []})).empty


distances = st.one_of(st.floats(0, 5000), st.just(float("nan")))


@settings(max_examples=40, deadline=None)
@given(
    st.dictionaries(st.tuples(st.sampled_from("abc"), st.integers(0, 6)), distances, min_size=1),
    distances,
    st.randoms(),
)
def test_range_holds_and_another_gate_only_widens_it(table: dict[Any, float], more: float, order: Any) -> None:
    rows = [(owner, f"g{gate}", metres) for (owner, gate), metres in table.items()]
    columns = ["owner_id", "gate_id", "distance_m"]
    found = one_gate_range(pd.DataFrame(rows, columns=columns)).set_index("owner_id")
    for owner in found.index:
        mine = [metres for name, _, metres in rows if name == owner]
        known = [one for one in mine if one == one]
        assert found.loc[owner, "best_m"] == min(known) if known else np.isnan(found.loc[owner, "best_m"])
        whole = len(known) == len(mine)
        assert found.loc[owner, "worst_m"] == max(known) if whole else np.isnan(found.loc[owner, "worst_m"])
    order.shuffle(rows)
    pd.testing.assert_frame_equal(found, one_gate_range(pd.DataFrame(rows, columns=columns)).set_index("owner_id"))
    wider = one_gate_range(pd.DataFrame([*rows, ("a", "g9", more)], columns=columns)).set_index("owner_id")
    if "a" in found.index:
        far = {"best_m": np.inf, "worst_m": np.inf}
        before, after = found.fillna(far).loc["a"], wider.fillna(far).loc["a"]
        assert after["best_m"] <= before["best_m"]
        assert after["worst_m"] >= before["worst_m"]
