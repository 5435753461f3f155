"""Field sheets that come back: each filled cell becomes a value, a doubt, or a fault with its place."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
from field_files import nothing
from hypothesis import given
from hypothesis import strategies as st
from planner_files import write_table

from xiqing_space.errors import InputDataError
from xiqing_space.ingest.field_columns import is_blank, key_of, load_sheet_words
from xiqing_space.ingest.field_sheets import Known, read_field_sheets, with_guards
from xiqing_space.ingest.quality import Quality
from xiqing_space.schemas import TABLES

KNOWN = Known({"e1", "e2"}, {"e1": ("n1", "n2"), "e2": ("n2", "n3")}, {"z1", "x"}, {"g1", "x"}, {"s1"})


def sheet(tmp_path: Path, rows: Sequence[Sequence[object]], name: str = "回.csv") -> Path:
    return write_table(tmp_path / name, rows)


def read(paths: Sequence[Path] | Path, tagged: Any = nothing) -> tuple[list[tuple[Any, ...]], Quality]:
    quality = Quality()
    paths = [paths] if isinstance(paths, Path) else list(paths)
    frame, _ = read_field_sheets(paths, KNOWN, tagged, quality)
    return sorted(
        frame[["item_id", "item_type", "field", "value", "surveyed_on"]].itertuples(index=False, name=None)
    ), quality


def problems(paths: Sequence[Path] | Path) -> tuple[str, ...]:
    with pytest.raises(InputDataError) as fault:
        read(paths)
    return fault.value.first


def test_words_and_numbers_become_values(tmp_path: Path) -> None:
    head = [
        "编号 [item_id]",
        "[speed_kmh]",
        "车道［lanes］",
        "[sidewalk_left]",
        "[width_m]",
        "[lit]",
        "[parking]",
        "[flag_ebikes]",
        "[surveyed_on]",
    ]
    rows = [
        head,
        ["e1", "30 km/h", 2, "紧邻车道", "7.5米", "有", "两侧", "√", "2026年3月1日"],
        ["e2", "", "", "无", "", "×", "无", "—", ""],
    ]
    day = "2026-03-01"
    assert read(sheet(tmp_path, rows))[0] == [
        ("e1", "edge", "carriageway_width_m", "7.5", day), ("e1", "edge", "flag_ebikes", "yes", day), ("e1", "edge", "lanes_total", "2", day),
        ("e1", "edge", "lit", "yes", day), ("e1", "edge", "parking", "both", day), ("e1", "edge", "sidewalk_left", "separated_0_1m", day),
        ("e1", "edge", "speed_kmh", "30", day), ("e2", "edge", "lit", "no", None), ("e2", "edge", "parking", "none", None),
        ("e2", "edge", "sidewalk_left", "none", None),
    ]  # fmt: skip


def test_an_id_tells_what_it_is(tmp_path: Path) -> None:
    head = ["[item_id]", "[item_type]", "[control]", "[lanes]", "[guard]"]
    rows = [head, ["z1", "", "信号灯", 4, ""], ["n1/e1", "", "斑马线", "", ""], ["block/e2", "", "无", "", ""], ["over/e2", "", "天桥或地道", "", ""],
            ["g1", "", "", "", "有"], ["s1@b00100", "", "", "", "无"], ["x", "校门 gate", "", "", "有"], ["x2", "", "", "", "有"]]  # fmt: skip
    rows[7][1] = "校门"
    found, quality = read(sheet(tmp_path, rows))
    assert {(item, kind, name, value) for item, kind, name, value, _ in found} == {
        ("z1", "crossing", "control", "signals"), ("z1", "crossing", "lanes_crossed", "4"), ("n1/e1", "crossing", "control", "marked"),
        ("block/e2", "crossing", "control", "none"), ("over/e2", "crossing", "control", "grade_separated"), ("g1", "gate", "guard", "yes"),
        ("s1@b00100", "gate", "guard", "no"), ("x", "gate", "guard", "yes"),
    }  # fmt: skip
    assert [(one["check"], one["id"], one["row"]) for one in quality.rows] == [
        ("field_item_unknown", "x2", "回.csv!A9")
    ]


@pytest.mark.parametrize("item", ["n3/e1", "n1/e9", "block/e9", "e1/e1", "@s1", "/", "block/"])
def test_an_id_that_nothing_bears_any_more_is_listed_and_not_fatal(item: str, tmp_path: Path) -> None:
    found, quality = read(sheet(tmp_path, [["[item_id]", "[lit]"], [item, "有"], ["e1", "有"]]))
    assert [one[0] for one in found] == ["e1"]
    assert [one["id"] for one in quality.rows] == [item]


def test_every_fault_is_listed_with_its_cell_and_nothing_is_read(tmp_path: Path) -> None:
    head = ["[item_id]", "[speed_kmh]", "[lanes]", "[control]", "[parking]", "[surveyed_on]"]
    rows = [
        head,
        ["e1", "很快", "2.5", "", "到处", "昨天"],
        ["e2", 500, "", "信号灯", "", ""],
        ["", 30, "", "", "", ""],
    ]
    found = problems(sheet(tmp_path, rows))
    assert [one.partition("：")[0] for one in found] == [
        "回.csv!F2",
        "回.csv!B2",
        "回.csv!C2",
        "回.csv!E2",
        "回.csv!B3",
        "回.csv!D3",
        "回.csv!A4",
    ]
    assert "5–130" in found[1]
    assert "整数" in found[2]
    assert "无、一侧、两侧" in found[3]
    assert "路段不填" in found[5]


def test_contradictions_need_dates(tmp_path: Path) -> None:
    head = ["[item_id]", "[lit]", "[surveyed_on]"]
    one, other = (
        sheet(tmp_path, [head, ["e1", "有", ""]], "甲.csv"),
        sheet(tmp_path, [head, ["e1", "无", "2026-01-01"]], "乙.csv"),
    )
    (line,) = problems([one, other])
    assert "甲.csv!B2“有”" in line
    assert "乙.csv!B2“无”" in line
    one = sheet(tmp_path, [head, ["e1", "有", "2026-02-01"]], "甲.csv")
    found, quality = read([one, other])
    assert found == [("e1", "edge", "lit", "yes", "2026-02-01")]
    assert [row["check"] for row in quality.rows] == ["field_later"]
    assert read([one, one])[0] == found, "the same file twice says the same"


def test_a_conflict_with_the_map_stays_visible(tmp_path: Path) -> None:
    said = {
        ("e1", "speed_kmh"): "50",
        ("e1", "lit"): "yes",
        ("e1", "sidewalk_left"): "separated_0_1m",
        ("e1", "sidewalk_right"): "separated_0_1m",
    }
    rows = [["[item_id]", "[speed_kmh]", "[lit]", "[sidewalk_left]", "[sidewalk_right]", "[parking]"],
            ["e1", 30, "有", "与车道相距3米以上", "无人行道只能走车道", "一侧"]]  # fmt: skip
    quality = Quality()
    frame, counts = read_field_sheets(
        [sheet(tmp_path, rows)], KNOWN, lambda item, _, name: said.get((item, name)), quality
    )
    found = frame.set_index("field")
    assert counts == {"回.csv": 5}
    # the map's sidewalk may well lie 3 m away; that there is none contradicts it
    assert found["conflict"].to_dict() == {
        "lit": False,
        "parking": False,
        "sidewalk_left": False,
        "sidewalk_right": True,
        "speed_kmh": True,
    }
    assert found.loc["speed_kmh", ["value", "tag_value", "source"]].tolist() == ["30", "50", "回.csv!B2"]
    assert found.loc["parking", "tag_value"] is None
    assert sorted(one["check"] for one in quality.rows) == ["field_conflict"] * 2
    assert any("踏勘为“30”" in one["what_zh"] and "“50”" in one["what_zh"] for one in quality.rows)


def test_formulas_and_hostile_text_are_no_values(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in (
        ["[item_id]", "[lit]", "[speed_kmh]"],
        ["e1", '=HYPERLINK("http://x")', "=1+29"],
        ["e2", "'=cmd|' /c calc'!A0", "<b>30</b>"],
    ):
        book.active.append(row)
    book.save(tmp_path / "回.xlsx")
    found = problems(tmp_path / "回.xlsx")
    assert len(found) == 4
    assert all("回.xlsx" in one for one in found)
    assert any("公式" in one for one in found)


def test_what_is_no_field_sheet_is_refused(tmp_path: Path) -> None:
    (tmp_path / "坏.xlsx").write_bytes(b"PK\x03\x04 broken")
    found = problems([sheet(tmp_path, [["a", "b"], ["1", "2"]]), tmp_path / "坏.xlsx"])
    assert len(found) == 2
    assert any("没有踏勘表" in one for one in found)


def test_a_column_that_stands_twice_is_refused(tmp_path: Path) -> None:
    assert "[lit] 出现两次" in problems(sheet(tmp_path, [["[item_id]", "[lit]", "夜 [lit]"], ["e1", "有", "有"]]))[0]


@given(st.text(max_size=20))
def test_no_cell_breaks_the_reader(text: str) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = sheet(
            Path(folder), [["[item_id]", "[parking]"], ["e1", text.replace("\0", "").replace("\r", "")], ["e2", "无"]]
        )
        try:
            found, _ = read(path)
        except InputDataError:
            return
        assert {value for *_, value, _ in found} <= {"none", "one", "both"}


def test_a_field_sheet_stands_before_a_list_of_guards() -> None:
    columns = ["item_id", "item_type", "field", "value", "tag_value", "conflict", "surveyed_on", "source"]
    said = pd.DataFrame([("g1", "gate", "guard", "no", None, False, None, "回.csv!B2")], columns=columns)
    listed = pd.DataFrame(
        [(one, "gate", "guard", "yes", None, False, None, f"岗.csv:{row}") for row, one in enumerate(("g1", "s2"), 2)],
        columns=columns,
    )
    quality = Quality()
    found = with_guards(said, listed, quality)
    assert found.set_index("item_id")["value"].to_dict() == {"g1": "no", "s2": "yes"}
    assert [(one["check"], one["row"]) for one in quality.rows] == [("guard_contradicted", "岗.csv:2")]
    assert with_guards(said[:0], listed, Quality())["item_id"].tolist() == ["g1", "s2"]


def test_words_that_are_offered_are_understood_and_each_means_one_thing() -> None:
    for one in load_sheet_words().fields:
        assert not any(is_blank(word) for word in one.offered)
        assert len({word for words in one.words.values() for word in words}) == sum(map(len, one.words.values()))
        assert len(",".join(one.offered)) < 250, "a list of choices holds 255 characters"
        assert not any("," in word for word in one.offered)
    assert key_of("限速 km/h [speed_kmh]") == "speed_kmh"


def test_fields_are_those_of_the_tables() -> None:
    attributes = {column.name for column in TABLES["street_attributes"].columns}
    crossing = {column.name for column in TABLES["crossings"].columns}
    for one in load_sheet_words().fields:
        for kind, name in one.of.items():
            assert name.startswith("flag_") or kind == "gate" or name in (attributes if kind == "edge" else crossing), (
                name
            )
    for group, column in (("sidewalk_left", "sidewalk_left"), ("parking", "parking")):
        words = next(one.words for one in load_sheet_words().fields if one.key == group)
        among = next(one.among for one in TABLES["street_attributes"].columns if one.name == column)
        assert set(words) == set(among)
