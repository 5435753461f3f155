"""reports/tables.xlsx: what a planner reads is what the tables hold, in Chinese, with units, and nothing runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
from helpers import Result
from report_tables import made, share, small_run

from xiqing_space.catalog import load_catalogue
from xiqing_space.catalog.column_words import load_column_words
from xiqing_space.errors import OutputError
from xiqing_space.report.joined import bridge_summary, homes_with_walks, zones_with_figures
from xiqing_space.report.planner_tables import planner_sheets
from xiqing_space.report.workbook import BookFacts, write_workbook
from xiqing_space.schemas import TABLES

FACTS = BookFacts("试验区", "", False, "a.osm", "ODbL", "2026-01-01", 4548, "规划处", "0.1.0", "abc",
                  [{"role": "osm", "file": "a.osm", "sha256": "f" * 64, "date": "", "licence": "ODbL"}])  # fmt: skip
HEAD, FIRST = 4, 6  # Chinese headings; first row of data


def written(path: Path, facts: BookFacts = FACTS, **tables: Any) -> Any:
    write_workbook(small_run(**tables), facts, path / "t.xlsx")
    return openpyxl.load_workbook(path / "t.xlsx")


def columns(sheet: Any) -> dict[str, int]:
    """Place of each column by the table's own name for it."""
    return {cell.value: cell.column for cell in sheet[HEAD + 1]}


def cell(sheet: Any, row: int, name: str) -> Any:
    return sheet.cell(FIRST + row, columns(sheet)[name])


def test_the_figures_are_those_of_the_table(tmp_path: Path) -> None:
    sheet = written(tmp_path)["指标"]
    assert [cell(sheet, row, "zone_name").value for row in range(4)] == ["全区", "全区", "e镇", "w镇"]
    assert [cell(sheet, row, "value").value for row in range(4)] == [0.75, 0.5, 1.0, None]  # missing stays empty
    assert {cell(sheet, row, "value").number_format for row in range(3)} == {"0.0%"}
    assert cell(sheet, 0, "verdict").value == "低于推荐值"
    assert cell(sheet, 3, "reason").value == "没有这类设施的数据"
    assert cell(sheet, 0, "kind").value == "幼儿园"
    assert sheet.cell(HEAD, columns(sheet)["value"]).value == "数值"
    assert sheet.freeze_panes is not None
    assert sheet.auto_filter.ref.startswith("A5:")


def test_formats_follow_unit_and_weight_kind(tmp_path: Path) -> None:
    rows = [
        share("*", "kindergarten", "kindergarten_300m", "walk", 0.5, weight_kind="relative"),
        share(
            "*", "kindergarten", "", "", 7.0, indicator_id="A02-count", unit="sites", weight_kind="count", basis="count"
        ),
        share("*", "park", "park_300m", "walk", 0.25, indicator_id="A02-land", weight_kind="hectares"),
    ]
    sheet = written(tmp_path, indicators=rows)["指标"]
    found = {
        cell(sheet, row, "indicator_id").value: (
            cell(sheet, row, "value").number_format,
            cell(sheet, row, "numerator").number_format,
        )
        for row in range(3)
    }
    assert found == {
        "A02-coverage": ("0.0%", "0.0000%"), "A02-land": ("0.0%", "#,##0.00"), "A02-count": ("#,##0", "#,##0"),
    }  # fmt: skip


def test_a_name_that_looks_like_a_formula_stays_text(tmp_path: Path) -> None:
    book = written(tmp_path)
    name = cell(book["设施"], 0, "name")
    assert (name.value, name.data_type) == ('\'=HYPERLINK("http://x","一")', "s")
    assert not [one for sheet in book for row in sheet for one in row if one.data_type == "f"]
    assert cell(book["数据疑点"], 0, "source").value == "'+x.csv"
    assert not [one for sheet in book for row in sheet for one in row if one.hyperlink and one.hyperlink.target]


def test_headings_carry_units_and_persons_are_never_made_of_weights(tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    (tmp_path / "r").mkdir()
    persons, relative = written(tmp_path / "p")["街镇与分区"], written(tmp_path / "r", weight="relative")["街镇与分区"]
    at = columns(persons)["pop_3_5"]
    assert persons.cell(HEAD, at).value == "3–5 岁儿童\n（人）"
    assert relative.cell(HEAD, at).value == "3–5 岁儿童\n（占全区居民权重）"
    assert relative.cell(FIRST, at).number_format == "0.0000%"
    assert not [one.value for one in relative[HEAD] if "（人）" in str(one.value)]
    # the district first, then zones: two homes of two children each
    assert [cell(persons, row, "pop_3_5").value for row in range(3)] == [4.0, 2.0, 2.0]
    assert [cell(persons, row, "share_walk_kindergarten").value for row in range(3)] == [0.5, 1.0, None]


def test_the_sample_says_so_on_every_sheet(tmp_path: Path) -> None:
    sample = BookFacts(**{**FACTS.__dict__, "synthetic": True})
    assert all("示例数据" in sheet["A1"].value for sheet in written(tmp_path, sample))
    assert not any("示例数据" in str(sheet["A1"].value) for sheet in written(tmp_path))


def test_the_cover_says_where_from_and_what_is_left_out(tmp_path: Path) -> None:
    cover = written(tmp_path)["说明"]
    text = "\n".join(str(one.value) for row in cover for one in row if one.value is not None)
    for part in (
        "试验区",
        "规划处",
        "a.osm",
        "2026-01-01",
        "EPSG:4548",
        "abc",
        "f" * 16,
        "data/processed/access.parquet",
        "不得公开",
    ):
        assert part in text, part
    assert "f" * 17 not in text


def test_rows_beyond_the_limit_are_cut_and_said(tmp_path: Path) -> None:
    rows = [{"facility_id": f"f{number:02}", "kind": "park", "name": f"园{number}"} for number in range(9)]
    cuts = write_workbook(small_run(facilities=rows), FACTS, tmp_path / "t.xlsx", most=5 + 7)
    assert cuts["facilities"] == 2
    sheet = openpyxl.load_workbook(tmp_path / "t.xlsx")["设施"]
    assert sheet.max_row == 5 + 7
    assert "其余 2 行见 data/processed/facilities.parquet" in sheet["A3"].value


def test_the_same_tables_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.xlsx", "b.xlsx"):
        write_workbook(small_run(), FACTS, tmp_path / name)
    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.xlsx", "b.xlsx"]


def test_a_workbook_that_cannot_be_written_is_an_error_to_mend(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="Excel"):
        write_workbook(small_run(), FACTS, tmp_path / "absent" / "t.xlsx")


def test_what_is_lost_on_foot_adds_up_by_zone_and_cause() -> None:
    # h1 (east) misses the park on both networks: 1 child of 0-2 with the pram, 2 + 3 of 3-11 on foot; h3 lies in the buffer
    rows = [
        {"demand_id": home, "kind": kind, "profile": profile, "limit_m": 300.0, "straight_m": 1.0, "cause": cause}
        for home, kind, profile, cause in (
            ("h1", "park", "walk", "water"), ("h1", "park", "pram", "rail"), ("h2", "park", "walk", "water"),
            ("h2", "kindergarten", "walk", "pattern"), ("h3", "park", "walk", "water"),
        )
    ]  # fmt: skip
    run = small_run(bridge=rows)
    found = bridge_summary(run.frames["bridge"], run.frames["demand"], run.catalogue)
    keyed = {(*row[:3], row[4]): row[5:] for row in found.to_numpy().tolist()}
    assert keyed == {
        ("*", "kindergarten", "walk", "pattern"): [1, 2.0], ("w", "kindergarten", "walk", "pattern"): [1, 2.0],
        ("*", "park", "pram", "rail"): [1, 1.0], ("e", "park", "pram", "rail"): [1, 1.0],
        ("*", "park", "walk", "water"): [2, 10.0], ("e", "park", "walk", "water"): [1, 5.0],
        ("w", "park", "walk", "water"): [1, 5.0],
    }  # fmt: skip


def test_walks_stand_beside_homes() -> None:
    run = small_run()
    frame, aliases = homes_with_walks(run.frames["demand"], run.frames["access"], run.catalogue)
    assert frame["walk_m_kindergarten"].fillna(-1).tolist() == [250.0, -1.0, -1.0]
    assert aliases["walk_m_kindergarten"] == ("到幼儿园步行距离", "m")


def test_a_zone_without_homes_has_no_number_of_children() -> None:
    zones = [{"zone_id": "e", "name": "东镇"}, {"zone_id": "x", "name": "空镇"}]
    run = small_run(zones=zones)
    frame, _ = zones_with_figures(
        run.frames["zones"], run.frames["demand"], run.frames["indicators"], run.catalogue, run.words
    )
    assert frame.set_index("zone_id")["pop_3_5"].isna().to_dict() == {"e": False, "x": True}


@pytest.mark.parametrize(
    ("table", "sheet"),
    [("blind_spots", "盲区"), ("gate_openings", "先开这道门"), ("catchments", "步行服务区"), ("facility_reach", "设施服务范围"),
     ("walk_minutes", "步行时间"), ("sensitivity", "敏感性"), ("bridge", "半径内步行不可达"), ("schools", "学校")],
)  # fmt: skip
def test_a_table_has_its_sheet_where_the_run_has_it(table: str, sheet: str) -> None:
    row = {"kind": "park", "zone_id": "e", "demand_id": "h1", "facility_id": "f2"}
    named = {column.name for column in TABLES[table].columns}
    run = small_run(**{table: [{key: value for key, value in row.items() if key in named}]})
    found = {one.zh: one for one in planner_sheets(run)}
    assert found[sheet].rows["kind"].tolist() == ["公园"]
    assert "geometry" not in found[sheet].rows
    assert sheet not in {one.zh for one in planner_sheets(small_run())}


def test_repairs_come_in_their_rank_and_say_what_the_score_is() -> None:
    rows = [{"fix_id": name, "rank": rank, "treatment": "zebra", "zone_id": "e", "risk_removed": 1.0}
            for name, rank in (("a", 2), ("b", pd.NA), ("c", 1))]  # fmt: skip
    sheet = next(one for one in planner_sheets(small_run(fixes=rows)) if one.table == "fixes")
    assert sheet.zh == "建议优先整治清单"
    assert sheet.rows["rank"].fillna(0).tolist() == [1.0, 2.0, 0.0]
    assert sheet.rows["treatment"].tolist() == [load_catalogue().treatments["zebra"].zh] * 3
    assert sheet.columns[0].name == "rank"


def test_gates_are_named_and_rules_that_may_not_be_shown_are_absent() -> None:
    rows = [{"gate_id": "g1", "site_id": "site_id-0", "rule_id": rule, "zone_id": "e", "measured": 40.0, "verdict": "below_recommended"}
            for rule in ("speed_limit_30", "guard_50m", "internet_cafes_200m")]  # fmt: skip
    sheet = next(one for one in planner_sheets(small_run(gate_rules=rows)) if one.table == "gate_rules")
    assert sheet.rows["rule_zh"].tolist() == [load_catalogue().gate_rules["speed_limit_30"].zh]
    assert sheet.rows["site_name"].tolist() == ['=HYPERLINK("http://x","一")']
    assert sheet.rows["verdict"].tolist() == ["低于推荐值"]
    assert sheet.rows["zone_name"].tolist() == ["东镇"]


def test_homes_have_no_sheet_of_routes_and_scores_say_that_they_are_unofficial() -> None:
    rows: dict[str, Any] = {
        name: [{}] for name in ("school_routes", "segment_scores", "crossing_scores", "school_forest", "pupil_flows")
    }
    shown = {one.table for one in planner_sheets(small_run(**rows, schools=[{}], fixes=[{}]))}
    assert shown & set(rows) == set()
    words = load_column_words()
    for table in ("schools", "fixes", "segment_scores", "crossing_scores"):
        assert "推导" in words.table(table)[1], table


def test_every_column_and_code_has_a_chinese_word() -> None:
    words, catalogue = load_column_words(), load_catalogue()
    bare = [name for name in TABLES if words.table(name)[0] == name]
    bare += [
        f"{table.name}.{column.name}"
        for table in TABLES.values()
        for column in table.columns
        if words.heading(table.name, column.name)[0] == column.name
    ]
    bare += [
        f"{column.name} = {code}"
        for table in TABLES.values() for column in table.columns for code in column.among
        if code and (column.name, code) not in words.values and words.value(column.name, code, catalogue) == code
    ]  # fmt: skip
    assert bare == []
    known = {column.name for table in TABLES.values() for column in table.columns} | {
        "site_name"
    }  # joined on for a sheet
    strange = {column for table, column in words.headings if table != "quality" and column} - known
    assert strange == set()


def test_every_unit_is_said_in_chinese_or_is_a_sign() -> None:
    words = load_column_words()
    units = {column.unit for table in TABLES.values() for column in table.columns if column.unit}
    assert {unit for unit in units if words.unit(unit) == unit} <= {"m", "km/h", "m/s", "0–100"}


def test_a_rule_of_a_gate_is_no_rule_of_merging() -> None:
    words = load_column_words()
    assert words.heading("gate_rules", "rule_zh")[0] == "规则"
    assert words.heading("merges", "rule_zh")[0] == "合并规则"


def test_the_dictionary_explains_every_column_of_every_sheet(tmp_path: Path) -> None:
    book = written(tmp_path)
    rows = [[one.value for one in row] for row in book["字段说明"].iter_rows(min_row=FIRST)]
    listed = {(row[0], row[2]) for row in rows}
    for sheet in book.sheetnames[1:-1]:
        assert {(sheet, name) for name in columns(book[sheet])} <= listed, sheet
    assert ("最近设施（access）", "distance_m") in listed
    verdict = next(row for row in rows if row[:3] == ["指标", "判定", "verdict"])
    assert "below_recommended = 低于推荐值" in verdict[5]


def test_the_workbook_of_a_run_holds_the_numbers_of_its_csv(hamlet_run: tuple[Path, Path, Result]) -> None:
    out = hamlet_run[1]
    csv = pd.read_csv(out / "data/processed/indicators.csv").set_index("evidence_id")
    book = openpyxl.load_workbook(out / "reports/tables.xlsx")  # read whole, so that no file stays open
    sheet = book["指标"]
    rows = list(sheet.iter_rows(min_row=HEAD + 1, values_only=True))
    found = pd.DataFrame(rows[1:], columns=rows[0]).set_index("evidence_id")
    assert len(found) == len(csv) > 100
    for name in ("value", "value_low", "value_high", "numerator", "denominator", "n_unknown", "threshold", "target"):
        pd.testing.assert_series_equal(
            found[name].astype("float64"), csv.loc[found.index, name].astype("float64"), check_names=False
        )


def test_made_tables_pass_their_schemas() -> None:
    assert {name: len(made(name, [{}])) for name in TABLES} == dict.fromkeys(TABLES, 1)
