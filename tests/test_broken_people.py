"""Broken inputs of people: each gets a message with its row and a remedy; none ends in a traceback, none is dropped."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from people_tables import AREA, BASIS, HOMES, TWO, both, compound_table, spread, zone_table, zones_of

from xiqing_space.errors import InputDataError
from xiqing_space.ingest.people import spread_people
from xiqing_space.ingest.people_sources import Basis, DistrictPeople, PeopleSources, read_basis
from xiqing_space.ingest.quality import Quality
from xiqing_space.ingest.zone_tables import read_compound_people, read_zone_people

COMPOUNDS = pd.DataFrame({"compound_id": ["c1"], "name": ["甲小区"], "geometry": [None]})


def table(rows: list[dict[str, str]]) -> Any:
    frame = pd.DataFrame([{"row": str(place + 3), **row} for place, row in enumerate(rows)])
    return read_zone_people(frame, "人口.xlsx", BASIS, zones_of(TWO), Quality())


def town(name: str = "a镇", **more: str) -> dict[str, str]:
    return {"town": name, "pop_total": "100", "0-17岁": "18", **more}


def compounds(rows: list[dict[str, str]]) -> Any:
    frame = pd.DataFrame([{"row": str(place + 3), **row} for place, row in enumerate(rows)])
    return read_compound_people(frame, "小区.csv", BASIS, COMPOUNDS, Quality())


def share(**parts: Any) -> Any:
    homes = parts.pop("homes", HOMES)
    return spread_people(homes, PeopleSources(**parts), zones_of(TWO), AREA, Quality())


def zones(*changes: dict[str, Any]) -> Any:
    rows = [{**row, **change} for row, change in zip(both(), [*changes, {}, {}], strict=False)]
    return zone_table(rows)


CASES: dict[str, tuple[Any, str]] = {
    "words for a number": (lambda: table([town(pop_total="约三百")]), "第 3 行“pop_total”"),
    "negative": (lambda: table([town(), town("b镇", **{"0-17岁": "-4"})]), "第 4 行“0-17岁”.*负数"),
    "a formula": (lambda: table([town(pop_total="=SUM(A1:A9)")]), "不是人数"),
    "too many people": (lambda: table([town(pop_total="999999999999")]), "过大"),
    "infinite": (lambda: table([town(pop_total="inf")]), "不是人数"),
    "a wrong thousands comma": (lambda: table([town(pop_total="12,34")]), "不是人数"),
    "a row without a figure": (lambda: table([town(), {"town": "b镇", "pop_total": "", "0-17岁": "—"}]), "第 4 行.*没有任何人数"),
    "the same zone twice": (lambda: table([town(), town()]), "第 3, 4 行重复"),
    "two rows of totals": (lambda: table([town(), town("合计"), town("总计")]), "合计行不止一行"),
    "no rows": (lambda: table([town("合计")]), "没有分区行"),
    "no column of people": (lambda: table([{"town": "a镇", "邮编": "300380"}]), "没有人口、户数或年龄列"),
    "under 18, or 18 too?": (lambda: table([town(**{"18岁以下": "20"})]), "是否含本数"),
    "one group twice": (lambda: table([town(**{"0~17岁": "20"})]), "年龄组重复"),
    "another way of counting": (lambda: table([town(counted="户籍")]), "counted = 户籍"),
    "another year": (lambda: table([town(base_year="2010年")]), "base_year = 2010"),
    "more children than people": (lambda: share(zones=zones({"pop_total": 50.0})), "第 2 行.*多于总人口"),
    "wide group below its parts": (lambda: share(zones=zone_table([{"zone_id": "a", "pop_total": 9.0, "0-2": 5.0, "0-17": 3.0}])),
                                   "第 2 行.*各组合计"),
    "ages that nothing tells": (lambda: share(zones=zone_table([{"zone_id": one, "pop_total": 9.0, "0-14": 3.0} for one in "ab"])),
                                "第 2 行.*15–17"),
    "a zone missing": (lambda: share(zones=zone_table(both()[:1])), "b b镇"),
    "a negative figure in a frame": (lambda: share(zones=zones({"pop_0_2": -1.0})), "第 2 行.*pop_0_2 = -1"),
    "an infinite figure in a frame": (lambda: share(zones=zones({"pop_total": float("inf")})), "第 2 行.*inf"),
    "years mixed": (lambda: share(zones=zones(), district=DistrictPeople({"pop_total": 9.0}, Basis("resident", 2021), "d")),
                    "2020"),
    "ways of counting mixed": (lambda: share(zones=zones(), district=DistrictPeople({"pop_total": 9.0}, Basis("actual", 2020), "d")),
                               "实有 actual, 2020"),
    "a compound twice": (lambda: share(compounds=compound_table([{"compound_id": "c", "children": 1.0}] * 2), zones=zones()),
                         "小区重复"),
    "a compound nowhere": (lambda: share(compounds=compound_table([{"compound_id": "c", "children": 1.0}]), zones=zones()),
                           "既无住宅建筑也无位置"),
    "compound rows of one name": (lambda: compounds([{"compound": "甲小区", "children": "1"}, {"compound": "c1", "children": "2"}]),
                                  "第 3、4 行为同一小区"),
    "no column of compounds": (lambda: compounds([{"children": "1"}]), "没有小区列"),
    "compound of words": (lambda: compounds([{"compound": "甲小区", "households": "许多"}]), "households.*不是人数"),
    "floor area no number": (lambda: share(homes=HOMES.assign(weight=[1.0, float("nan"), -1.0, 1.0])), "h2: weight = nan"),
    "a home twice": (lambda: share(homes=HOMES.assign(demand_id=["h1", "h1", "h3", "h4"])), "h1: 编号重复"),
    "no way of counting": (lambda: read_basis(None, 2020, "config"), "counted"),
    "no year": (lambda: read_basis("常住", "二〇二〇", "config"), "base_year"),
}  # fmt: skip


@pytest.mark.parametrize("case", sorted(CASES))
def test_broken_people_get_a_message(case: str) -> None:
    run, message = CASES[case]
    with pytest.raises(InputDataError, match="(?s)" + message) as caught:
        run()
    text = str(caught.value)
    assert " / " in text
    assert caught.value.todo, "what to do is missing"


def test_a_contradiction_of_columns_is_a_doubt_and_the_finer_stand() -> None:
    quality = Quality()
    rows = [{**row, "0-17岁": value} for row, value in zip(both(), (300.0, 180.0), strict=True)]
    result = spread_people(HOMES, PeopleSources(zones=zone_table(rows)), zones_of(TWO), AREA, quality)
    doubt = next(row for row in quality.rows if row["check"] == "people_ages_contradict")
    assert "300" in doubt["what_zh"]
    assert "180" in doubt["what_zh"]
    assert doubt["row"] == "2"
    children = result[result["zone_id"] == "a"].filter(regex=r"^pop_\d").to_numpy().sum()
    assert children == pytest.approx(180)


def test_every_problem_of_a_table_is_in_one_message() -> None:
    with pytest.raises(InputDataError) as caught:
        table([town(pop_total="x"), town("b镇", pop_total="-1"), town("b镇", **{"18岁以下": "1", "counted": "户籍"})])
    assert len(caught.value.first) == 5


def test_the_last_resort_of_a_basis_is_none() -> None:
    assert read_basis("常住人口", "2020年", "c") == Basis("resident", 2020)
    with pytest.raises(InputDataError) as caught:
        read_basis("", "", "c")
    assert len(caught.value.first) == 2


def test_hostile_text_is_bounded_and_shown_as_text() -> None:
    with pytest.raises(InputDataError) as caught:
        table([town(pop_total="<script>\x1b[31m" + "9" * 100_000)])
    assert len(str(caught.value)) < 500
    assert "\x1b" not in str(caught.value)


def test_nobody_at_all_is_a_table_of_noughts() -> None:
    rows = [{**row, **dict.fromkeys(row, 0.0), "zone_id": row["zone_id"]} for row in both()]
    result, _ = spread(HOMES, PeopleSources(zones=zone_table(rows)))
    assert (result["pop_total"] == 0).all()
    assert set(result["weight_kind"]) == {"persons"}
