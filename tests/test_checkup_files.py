"""The data check-up's workbook and page, which hold hostile names, and the command that writes them."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
from checkup_frames import RULES, checkup, doubts
from helpers import call, files_of, write_config
from planner_files import write_layer

from xiqing_space.errors import OutputError, TableError
from xiqing_space.ingest.doubts import compare_doubts, read_doubts, with_doubt_ids
from xiqing_space.report import write_checkup_page, write_checkup_workbook
from xiqing_space.report.checkup_workbook import HEADER_ROW

# ---- workbook and page


def cells(path: Path) -> list[Any]:
    book = openpyxl.load_workbook(path)
    return [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]


def test_no_cell_of_the_workbook_is_a_formula(tmp_path: Path) -> None:
    found = cells(write_checkup_workbook(checkup(), tmp_path / "a.xlsx"))
    assert {cell.data_type for cell in found} <= {"s", "n"}
    hostile = [cell for cell in found if isinstance(cell.value, str) and cell.value.startswith(("=", "@", "+"))]
    assert {cell.value[:4] for cell in hostile} == {"=HYP", "@SUM", "+a.p"}
    assert all(cell.quotePrefix for cell in hostile)
    assert not any("\x07" in str(cell.value) or "\u202e" in str(cell.value) for cell in found)


def test_the_workbook_has_a_sheet_for_each_department(tmp_path: Path) -> None:
    made = checkup()
    book = openpyxl.load_workbook(write_checkup_workbook(made, tmp_path / "a.xlsx"))
    assert book.sheetnames == ["说明", "体检总表", "街道完整度", "区教育局", "疑点清单"]
    sheet = book["区教育局"]
    heads = [cell.value.split("\n")[0] for cell in sheet[HEADER_ROW]]
    assert heads[0] == "疑点编号"
    assert {"答复", "更正值", "经度", "纬度", "状态", "学位数", "备注", "填报单位"} <= set(heads)
    assert sheet.max_row == HEADER_ROW + len(made.returns)
    assert sheet.freeze_panes == "D4"
    assert sheet.auto_filter.ref == f"A{HEADER_ROW}:S{sheet.max_row}"
    assert sheet.print_title_rows == f"$1:${HEADER_ROW}"
    lists = {str(one.sqref): one.formula1 for one in sheet.data_validations.dataValidation if one.type == "list"}
    assert lists[f"I{HEADER_ROW + 1}:I{sheet.max_row}"] == '"属实,有误,不清楚"'
    assert all(len(one) < 255 for one in lists.values())
    written = [row[0].value for row in book["疑点清单"].iter_rows(min_row=HEADER_ROW + 1)]
    assert sorted(written) == sorted(made.doubts["doubt_id"]), "no doubt is dropped"


def test_the_sample_says_so_on_every_sheet_and_the_page(tmp_path: Path) -> None:
    for synthetic in (True, False):
        made = checkup(synthetic=synthetic)
        book = openpyxl.load_workbook(write_checkup_workbook(made, tmp_path / "a.xlsx"))
        assert all(("示例数据 / synthetic sample" in sheet["A1"].value) is synthetic for sheet in book)
        page = write_checkup_page(made, tmp_path / "a.html").read_text("utf-8")
        assert ("示例数据" in page) is synthetic


def test_the_same_check_up_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_checkup_workbook(checkup(), tmp_path / f"{name}.xlsx")
        write_checkup_page(checkup(), tmp_path / f"{name}.html")
    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.html", "a.xlsx", "b.html", "b.xlsx"]


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written"):
        write_checkup_workbook(checkup(), tmp_path / "none" / "a.xlsx")


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def test_the_page_runs_nothing_and_asks_no_address(tmp_path: Path) -> None:
    text = write_checkup_page(checkup(), tmp_path / "a.html").read_text("utf-8")
    parser = Tags()
    parser.feed(text)
    names = [tag for tag, _ in parser.tags]
    assert not {"script", "img", "link", "iframe", "a"} & set(names)
    assert names.count("b") == 3, "the heads of the three tiles, and none from a file"
    assert not any(
        key.startswith("on") or key in ("src", "href") for _, attributes in parser.tags for key in attributes
    )
    assert "url(" not in text
    assert "&lt;script&gt;" in text
    assert "\x07" not in text
    assert "\u202e" not in text


def test_counts_and_changes_stand_in_both(tmp_path: Path) -> None:
    counts = pd.DataFrame(
        [
            {
                "kind": "幼儿园",
                "stated": 115,
                "by_site": 117,
                "by_legal_person": 115,
                "difference": 2,
                "zh": "按法人一致。",
                "en": "fits.",
            }
        ]
    )
    now = checkup().doubts
    former = with_doubt_ids(doubts({"id": "gone", "what_zh": "旧疑点"}))
    made = checkup(counts=counts, changes=compare_doubts(former, now))
    assert (made.tally("settled"), made.tally("open"), made.tally("new")) == (1, 0, len(now))
    page = write_checkup_page(made, tmp_path / "a.html").read_text("utf-8")
    book = openpyxl.load_workbook(write_checkup_workbook(made, tmp_path / "a.xlsx"))
    for words in ("按法人一致。", "旧疑点"):
        assert words in page
    assert [cell.value for cell in book["数量核对"][HEADER_ROW + 1]][:5] == ["幼儿园", 115, 117, 115, 2]
    assert book["已消除"].cell(HEADER_ROW + 1, 6).value.startswith("旧疑点")
    assert "首次体检" not in page
    assert "首次体检" in write_checkup_page(checkup(), tmp_path / "b.html").read_text("utf-8")


def test_counts_say_that_rows_wait_for_a_choice(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        [{"kind": "幼儿园", "stated": 1, "by_site": 3, "by_legal_person": 3, "difference": 2, "zh": "甲", "en": "a"}]
    )
    waiting = doubts({"check": "match_to_confirm", "row": "1"}, {"check": "match_to_confirm", "row": "2"})
    made = checkup(counts=frame, doubts=with_doubt_ids(waiting))
    assert made.waiting is not None
    assert made.waiting[0].startswith("名录中有 2 行等待")
    assert made.waiting[0] in write_checkup_page(made, tmp_path / "a.html").read_text("utf-8")
    book = openpyxl.load_workbook(write_checkup_workbook(made, tmp_path / "a.xlsx"))
    assert book["数量核对"].cell(HEADER_ROW + 3, 1).value == "\n".join(made.waiting)
    assert checkup(counts=frame).waiting is None


def test_counts_with_longer_names() -> None:
    frame = pd.DataFrame(
        [{"label": "kindergarten", "kinds": "kindergarten", "stated": 115, "counted_by_site": 117, "counted_by_legal_person": 115,
          "difference_by_site": 2, "sentence_zh": "甲", "sentence_en": "a"}]
    )  # fmt: skip
    made = checkup(counts=frame).counts
    assert made.to_numpy().tolist() == [["幼儿园 / Kindergarten", 115, 117, 115, 2, "甲", "a"]]
    with pytest.raises(TableError, match="stated"):
        checkup(counts=frame.drop(columns="stated"))


def test_english_first_when_asked(tmp_path: Path) -> None:
    text = write_checkup_page(checkup(language="en"), tmp_path / "a.html").read_text("utf-8")
    assert '<html lang="en">' in text
    assert "Data check-up<small>数据体检</small>" in text


# ---- the command


def test_check_writes_all_and_a_second_check_compares(hamlet_osm: Path, tmp_path: Path) -> None:
    config = write_config(tmp_path / "c.toml", {"area": {"name": "村"}, "sources": {"osm": str(hamlet_osm)}})
    first = call("check", "--config", config, "--out", tmp_path / "out")
    assert first.code == 0, first.err[-300:]
    assert "since the last check" not in first.out
    frame = read_doubts(tmp_path / "out/quality.csv")
    assert frame is not None
    again = call("check", "--config", config, "--out", tmp_path / "out")
    assert f"已消除 0，仍存在 {len(frame)}，新出现 0" in again.out
    dated = write_config(
        tmp_path / "d.toml", {"area": {"name": "村"}, "sources": {"osm": str(hamlet_osm), "data_date": "2026-01-01"}}
    )
    third = call("check", "--config", dated, "--out", tmp_path / "out")
    assert f"已消除 1，仍存在 {len(frame) - 1}，新出现 0" in third.out
    assert "数据日期未注明" in (tmp_path / "out/reports/data_checkup.html").read_text("utf-8"), (
        "named among the settled"
    )


def test_two_checks_of_the_same_data_give_the_same_bytes(hamlet_osm: Path, tmp_path: Path) -> None:
    config = write_config(tmp_path / "c.toml", {"area": {"name": "村"}, "sources": {"osm": str(hamlet_osm)}})
    for name in ("a", "b"):
        assert call("check", "--config", config, "--out", tmp_path / name).code == 0
    assert files_of(tmp_path / "a") == files_of(tmp_path / "b")
    assert len(files_of(tmp_path / "a")) == 3


def test_every_question_can_be_settled() -> None:
    """What is asked has a rule for its answer: 属实 or 有误 closes it, or fields that are asked for do."""
    for check in ("merge_conflict", "stated_total_differs", "kind_unknown", "gate_not_open", "compound_gates_unknown"):
        ask = RULES.ask(check)
        assert ask is not None, check
        assert ask.confirm == "settles" or ask.deny == "settles" or ask.fields, check
    assert "people_basis" in RULES.not_asked, "a fact that the office itself configured is no question"


def test_a_check_asks_towns_for_gates(hamlet_osm: Path, tmp_path: Path) -> None:
    """甲小区 has a mapped gate on its wall, so nobody is asked; 乙小区 of the office's file, where no gate lies, is."""
    write_layer(
        tmp_path / "own.geojson",
        [{"小区": "乙小区", "编号": "C1", "封闭": "是", "ring": [(640.0, 440.0), (770.0, 440.0), (770.0, 560.0)]}],
    )
    base = {"area": {"name": "村"}, "sources": {"osm": str(hamlet_osm)}}
    asked_for = {}
    for name, more in {"map": {}, "own": {"compounds": {"file": "own.geojson"}}}.items():
        config = write_config(tmp_path / f"{name}.toml", base | more)
        assert call("check", "--config", config, "--out", tmp_path / name).code == 0
        found = read_doubts(tmp_path / name / "quality.csv")
        assert found is not None
        asked_for[name] = found.loc[found["check"] == "compound_gates_unknown", ["id", "source"]].to_numpy().tolist()
    assert asked_for == {"map": [], "own": [["file:own:C1", "own.geojson"]]}
    book = openpyxl.load_workbook(tmp_path / "own/reports/data_checkup.xlsx")
    assert [cell.value for cell in book["街镇"][HEADER_ROW + 1]][1:3] == ["file:own:C1", "乙小区"]
