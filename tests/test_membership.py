"""Names of 街镇 and 社区: what is taken for what, and what stays unplaced."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from xiqing_space.ingest.membership import Reconciled, core_name, plain_name, reconcile_names
from xiqing_space.ingest.quality import Quality

TOWNS = {"t1": "甲青镇", "t2": "乙北街道", "t3": "丙营镇", "t4": "丁庄街"}


def zones(names: dict[str, str], parents: dict[str, str] | None = None) -> pd.DataFrame:
    return pd.DataFrame(
        {"zone_id": list(names), "name": list(names.values()), "parent_id": [(parents or {}).get(one) for one in names]}
    )


COMMUNITIES = zones(
    {**TOWNS, "c1": "和平里社区", "c2": "和平里社区", "c3": "大柳滩社区", "c4": "东村", "c5": "东社区"},
    {"c1": "t1", "c2": "t2", "c3": "t1", "c4": "t2", "c5": "t2"},
)


def alias(*rows: tuple[str, str, str, str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["old", "new", "kind", "date"])


def reconcile(
    rows: list[tuple[str, str]], layer: pd.DataFrame, aliases: pd.DataFrame | None = None
) -> tuple[Reconciled, Any]:
    quality = Quality()
    frame = pd.DataFrame(rows, columns=["town", "community"]).assign(row=[str(one + 5) for one in range(len(rows))])
    return reconcile_names(frame, layer, aliases, quality, source="表.xlsx"), quality


def one(
    town: str, community: str = "", layer: pd.DataFrame | None = None, aliases: pd.DataFrame | None = None
) -> tuple[Any, ...]:
    found, _ = reconcile([(town, community)], zones(TOWNS) if layer is None else layer, aliases)
    row = found.mapping.iloc[0]
    return row["zone_id"], row["how"], bool(row["unplaced"])


@pytest.mark.parametrize(
    ("town", "zone", "how"),
    [
        ("甲青镇", "t1", "exact"), (" 甲 青 镇 ", "t1", "exact"), ("天津市西青区甲青镇", "t1", "exact"), ("t1", "t1", "id"),
        ("甲青", "t1", "suffix"), ("甲青镇人民政府", "t1", "suffix"), ("甲青街道办事处", "t1", "suffix"), ("乙北街", "t2", "suffix"),
        ("丁庄街道", "t4", "suffix"),
    ],
)  # fmt: skip
def test_towns_by_name_and_suffix(town: str, zone: str, how: str) -> None:
    assert one(town) == (zone, how, False)


def test_a_suffix_never_eats_the_name() -> None:
    assert core_name("东村") == "东村"
    assert core_name("大柳滩村") == "大柳滩"
    assert plain_name("西青区") == "西青区"


def test_an_unknown_town_stays_with_the_district_and_is_listed_with_its_row() -> None:
    found, quality = reconcile([("甲青镇", ""), ("戊台镇", "")], zones(TOWNS))
    assert found.mapping["zone_id"].tolist() == ["t1", "*"]
    assert found.mapping["unplaced"].tolist() == [False, True]
    assert found.problems == (
        "第 6 行 / row 6: “戊台镇” 图层与别名表中均无此名 / neither zones nor alias table have it",
    )
    assert [(row["check"], row["row"]) for row in quality.rows] == [("name_unmatched", "6")]


def test_two_that_a_suffix_cannot_tell_apart_are_both_named() -> None:
    layer = zones({"a": "杨柳镇", "b": "杨柳街道"})
    assert one("杨柳镇", layer=layer) == ("a", "exact", False)
    found, _ = reconcile([("杨柳", "")], layer)
    assert "杨柳镇（a）、杨柳街道（b）" in found.problems[0]
    assert found.mapping["zone_id"].tolist() == ["*"]


def test_a_community_is_looked_for_in_its_own_town() -> None:
    assert one("甲青镇", "和平里社区", COMMUNITIES) == ("c1", "exact", False)
    assert one("乙北街道", "和平里居委会", COMMUNITIES) == ("c2", "suffix", False)
    assert one("", "大柳滩社区", COMMUNITIES) == ("c3", "exact", False)
    assert one("", "和平里社区", COMMUNITIES) == ("*", "unmatched", True)
    assert one("乙北街道", "东村", COMMUNITIES) == ("c4", "exact", False)


def test_an_unknown_community_stays_with_its_town() -> None:
    assert one("甲青镇", "新苑社区", COMMUNITIES) == ("t1", "parent", True)
    assert one("甲青镇", "新苑社区") == ("t1", "exact", False)  # where 街镇 are the zones, the 社区 does not matter
    assert one("戊台镇", "大柳滩社区", COMMUNITIES) == ("c3", "exact", False)
    assert one("戊台镇", "无名社区", COMMUNITIES) == ("*", "unmatched", True)


def test_a_village_that_became_a_community() -> None:
    assert one("甲青镇", "大柳滩村", COMMUNITIES) == ("c3", "suffix", False)
    assert one("甲青镇", "小柳滩村", COMMUNITIES, alias(("小柳滩村", "大柳滩社区", "撤村建居", "2019-05"))) == (
        "c3",
        "alias",
        False,
    )


@pytest.mark.parametrize("kind", ["并入", "更名", "merged", "renamed"])
def test_merged_and_renamed_by_the_alias_table(kind: str) -> None:
    assert one("戊台乡", aliases=alias(("戊台乡", "丙营镇", kind, "2001"))) == ("t3", "alias", False)


def test_aliases_chain_and_also_work_backwards() -> None:
    table = alias(
        ("老庄乡", "中庄镇", "更名", ""),
        ("中庄镇", "丁庄街", "并入", "2010-01-01"),
        ("丙营镇", "新营街道", "更名", "2024"),
    )
    assert one("老庄乡", aliases=table) == ("t4", "alias", False)
    assert one("新营街道", aliases=table) == ("t3", "alias", False)


def test_a_merger_backwards_is_ambiguous() -> None:
    table = alias(("甲青镇", "新青街道", "并入", ""), ("丙营镇", "新青街道", "并入", ""))
    found, _ = reconcile([("新青街道", "")], zones(TOWNS), table)
    assert "甲青镇（t1）、丙营镇（t3）" in found.problems[0]


def test_outside_is_listed_and_does_not_count() -> None:
    found, quality = reconcile([("别区镇", "")], zones(TOWNS), alias(("别区镇", "", "区外", "")))
    assert (found.mapping["how"][0], found.mapping["unplaced"][0], found.problems) == ("outside", False, ())
    assert quality.rows[0]["check"] == "name_outside"


def test_faults_of_the_alias_table_are_all_told() -> None:
    table = alias(("A镇", "B镇", "更名", "x"), ("", "B镇", "更名", ""), ("C镇", "C镇", "更名", ""), ("D镇", "E镇", "不知", ""),
                  ("F镇", "G镇", "更名", ""), ("G镇", "F镇", "更名", ""), ("H镇", "甲青镇", "更名", ""), ("H镇", "丙营镇", "更名", ""))  # fmt: skip
    found, _ = reconcile([("H镇", ""), ("F镇", "")], zones(TOWNS), table)
    text = "\n".join(found.problems)
    for part in (
        "第 2 行",
        "第 3 行",
        "第 4 行",
        "第 5 行",
        "循环：F镇",
        "循环：G镇",
        "多个新名：丙营镇、甲青镇",
        "第 6 行",
    ):
        assert part in text
    assert found.mapping["unplaced"].all()


def test_no_row_is_lost_and_order_changes_nothing() -> None:
    rows = [("甲青镇", "和平里社区"), ("", ""), ("戊台镇", "x"), ("乙北街", "东村"), ("丁庄街", "")]
    found, _ = reconcile(rows, COMMUNITIES)
    back, _ = reconcile(rows[::-1], COMMUNITIES.iloc[::-1])
    assert len(found.mapping) == len(rows)
    assert found.mapping["zone_id"].tolist() == back.mapping["zone_id"].tolist()[::-1]
