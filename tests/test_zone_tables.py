"""People per 街镇 or 社区 from text, through to homes; the smallest table that an office would send."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
import pytest
from people_tables import AREA, BASIS, HOMES, TWO, spread, zones_of

from xiqing_space.errors import InputDataError
from xiqing_space.ingest.counts import read_count
from xiqing_space.ingest.people import as_homes, spread_people
from xiqing_space.ingest.people_sources import PeopleSources
from xiqing_space.ingest.quality import Quality
from xiqing_space.ingest.zone_tables import read_compound_people, read_zone_people

ZONES = zones_of(TWO)
HEAD = ["town", "community", "pop_total", "0-2岁", "3-5岁", "6-11岁", "12-14岁", "15-17岁"]


def text(rows: list[list[str]], head: list[str] | None = None) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=head or HEAD)
    frame["row"] = [str(one + 4) for one in range(len(rows))]  # two rows of title above the heading
    return frame


def read(rows: list[list[str]], head: list[str] | None = None, zones: Any = None, **more: Any) -> Any:
    quality = Quality()
    layer = ZONES if zones is None else zones
    people, district = read_zone_people(text(rows, head), "人口.xlsx", BASIS, layer, quality, **more)
    return people, district, {row["check"]: row for row in quality.rows}


A = ["a镇", "", "1,000", "30", "30", "60", "30", "30"]
B = ["b镇", "", "２００", "30", "30", "60", "30", "30"]


def test_a_plain_table_reaches_homes() -> None:
    people, district, doubts = read([A, B, ["合计", "", "1200", "60", "60", "120", "60", "60"], [""] * 8])
    assert people.frame["zone_id"].tolist() == ["a", "b"]
    assert people.frame["pop_total"].tolist() == [1000, 200]
    assert district is not None
    assert district.figures["6-11岁"] == 120
    assert doubts == {}
    table, _ = spread(HOMES, PeopleSources(zones=people, district=district))
    assert table.loc["h2", ["pop_total", "pop_6_11"]].tolist() == [750.0, 45.0]


def test_a_row_of_totals_that_differs_is_told_with_both_numbers() -> None:
    _, _, doubts = read([A, B, ["总 计", "", "1300", "60", "60", "120", "60", "60"]])
    assert "1200" in doubts["people_totals_differ"]["what_zh"]
    assert "1300" in doubts["people_totals_differ"]["what_zh"]


def test_communities_add_up_and_the_towns_own_row_is_only_a_check() -> None:
    rows = [
        A,
        ["a镇", "一社区", "600", "20", "20", "40", "20", "20"],
        ["a镇", "二社区", "400", "10", "10", "20", "10", "20"],
        B,
    ]
    people, _, doubts = read(rows)
    assert people.frame["pop_total"].tolist() == [600, 400, 200]
    assert doubts["people_totals_differ"]["id"] == "a"  # 15–17: 40 against 30
    table, _ = spread(HOMES, PeopleSources(zones=people))
    assert table.loc[["h1", "h2"], "pop_total"].sum() == pytest.approx(1000)
    assert table.loc[["h1", "h2"], "pop_15_17"].sum() == pytest.approx(40)


def test_subtotals_of_a_town_are_its_own_row() -> None:
    rows = [
        ["a镇", "一社区", "600", "20", "20", "40", "20", "20"],
        ["a镇", "小计", "600", "20", "20", "40", "20", "20"],
        B,
    ]
    people, _, doubts = read(rows)
    assert people.frame["pop_total"].tolist() == [600, 200]
    assert "people_totals_differ" not in doubts


def test_communities_as_zones_with_an_unknown_one() -> None:
    zones = zones_of(TWO, {"a": "t", "b": "t"}).assign(name=["一社区", "二社区"])
    rows = [["t", "一社区", "100", "3", "3", "6", "3", "3"], ["t", "二社区", "100", "3", "3", "6", "3", "3"],
            ["t", "三社区", "50", "1", "1", "1", "1", "1"]]  # fmt: skip
    people, _, doubts = read(rows, zones=zones)
    assert doubts["name_unmatched"]["row"] == "6"
    table, _ = spread(HOMES, PeopleSources(zones=people), zones)
    assert table.loc["unplaced:t", ["pop_total", "placed", "reason"]].tolist() == [50.0, False, "name_unmatched"]
    assert math.fsum(table.loc[table["inside"], "pop_total"]) == pytest.approx(250)


def test_a_town_row_of_unknown_name_keeps_its_people() -> None:
    people, _, _ = read([A, B, ["无名镇", "", "77", "1", "1", "1", "1", "1"]])
    table, _ = spread(HOMES, PeopleSources(zones=people))
    assert table.loc["unplaced:*", "pop_total"] == 77


def test_towns_that_merged_add_up_and_outside_ones_do_not_count() -> None:
    aliases = pd.DataFrame(
        {"old": ["旧镇", "远镇"], "new": ["a镇", ""], "kind": ["并入", "区外"], "date": ["2010", ""]}
    )
    rows = [A, ["旧镇", "", "100", "1", "1", "1", "1", "1"], B, ["远镇", "", "9", "1", "1", "1", "1", "1"]]
    people, _, doubts = read(rows, aliases=aliases)
    table, _ = spread(HOMES, PeopleSources(zones=people))
    assert table.loc[["h1", "h2"], "pop_total"].sum() == pytest.approx(1100)
    assert "name_outside" in doubts


def test_the_plans_0_18_count_stands_beside_the_0_17_sum() -> None:
    _, _, doubts = read(
        [["a镇", "", "1000", "100", "110"], [*B[:3], "10", "20"]],
        ["town", "community", "pop_total", "0-17岁", "0-18岁"],
    )
    assert "130" in doubts["people_plan_count"]["what_zh"]
    assert "110" in doubts["people_plan_count"]["what_zh"]
    assert "差额 20 为" in doubts["people_plan_count"]["what_zh"]


def test_a_column_that_only_looks_like_ages_is_told() -> None:
    _, _, doubts = read([[*A, "5"]], [*HEAD, "0-4岁男"])
    assert doubts["people_column_unused"]["id"] == "0-4岁男"


def test_order_of_rows_changes_nothing() -> None:
    first, _, _ = read([A, B])
    second, _, _ = read([B, A])
    one, _ = spread(HOMES, PeopleSources(zones=first))
    two, _ = spread(HOMES, PeopleSources(zones=second))
    pd.testing.assert_frame_equal(one, two, check_exact=True)


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("1,234", 1234),
        ("１２３４", 1234),
        ("1.2万", 12000),
        ("356人", 356),
        (" 7 ", 7),
        ("1.2E+04", 12000),
        (12.0, 12),
        ("0", 0),
    ],
)
def test_counts(cell: Any, value: float) -> None:
    assert read_count(cell) == (value, "")


@pytest.mark.parametrize("cell", ["", "—", "-", None, float("nan"), "不详", "N/A"])
def test_missing_is_missing(cell: Any) -> None:
    value, fault = read_count(cell)
    assert math.isnan(value)
    assert fault == ""


@pytest.mark.parametrize(
    "cell", ["约300", "-5", "1,23", "=1+1", "1e99", "inf", "三百", "12 34", "9" * 500, "\x00", "300-400"]
)
def test_what_is_no_count_is_a_fault(cell: str) -> None:
    value, fault = read_count(cell)
    assert math.isnan(value)
    assert " / " in fault


COMPOUNDS = pd.DataFrame(
    {"compound_id": ["c1", "c2", "c3"], "name": ["甲小区", "乙小区", "乙小区"], "geometry": [None, None, None]}
)


def test_compounds_by_name_and_id() -> None:
    quality = Quality()
    rows = pd.DataFrame(
        {"row": ["2", "3", "4", "5"], "compound": ["甲小区", "c2", "乙小区", "丙"], "children": ["10", "5", "5", "5"]}
    )
    people = read_compound_people(rows, "c.csv", BASIS, COMPOUNDS, quality)
    assert people.frame["compound_id"].tolist() == ["c1", "c2"]
    assert [(row["row"], row["check"]) for row in quality.rows] == [
        ("4", "compound_unmatched"),
        ("5", "compound_unmatched"),
    ]
    assert "c2、c3" in quality.rows[0]["what_zh"]
    homes = HOMES.assign(compound_id=["c1", None, "c2", None])
    zones, _, _ = read([A, B])
    table, _ = spread(homes, PeopleSources(people, zones))
    assert table.loc["h1", ["pop_0_2", "pop_6_11"]].sum() == pytest.approx(10 * 9 / 18)


def test_homes_of_the_map_are_taken_as_they_are() -> None:
    relative = spread_people(HOMES, PeopleSources(), ZONES, AREA, Quality())
    again = spread_people(as_homes(relative), PeopleSources(), ZONES, AREA, Quality())
    pd.testing.assert_frame_equal(relative, again)


def test_one_place_under_two_names_is_refused() -> None:
    """甲社区 and 甲社区居委会 of one 街镇 are one community; 甲村 beside 甲社区 may be two. A renamed town stands there once."""
    communities = [["a镇", name, "500", "15", "15", "30", "15", "15"] for name in ("柳甲社区", "柳甲社区居委会")]
    with pytest.raises(InputDataError) as caught:
        read([*communities, B])
    assert "第 4、5 行像是同一社区：柳甲社区、柳甲社区居委会" in str(caught.value)
    village = [communities[0], ["a镇", "柳甲村", *communities[1][2:]], B]
    assert len(read(village)[0].frame) == 3
    aliases = pd.DataFrame({"old": ["旧镇"], "new": ["a镇"], "kind": ["更名"], "date": ["2010"]})
    old = ["旧镇", "", "100", "1", "1", "1", "1", "1"]
    with pytest.raises(InputDataError) as caught:
        read([A, old, B], aliases=aliases)
    assert "第 5、4 行是同一地方的旧名“旧镇”与新名“a镇”" in str(caught.value)
    assert len(read([old, B], aliases=aliases)[0].frame) == 2
