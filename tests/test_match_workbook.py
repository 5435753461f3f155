"""待确认匹配表.xlsx: written the same twice, harmless, and read back whatever Excel and a hurried hand made of it."""

from __future__ import annotations

import random
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xiqing_space.errors import InputDataError, InputFileError, OutputError
from xiqing_space.ingest.match_answers import locate_rows, no_decisions, note_answers, read_match_workbook
from xiqing_space.ingest.match_workbook import ACCEPTED_SHEET, ASK_SHEET, CHOICES, NOTES_SHEET, write_match_workbook
from xiqing_space.ingest.matching import CANDIDATE_COLUMNS, ROW_COLUMNS, match_list
from xiqing_space.ingest.quality import Quality

HOSTILE = '=HYPERLINK("http://x","春芽")\x07幼儿园'
ROWS = pd.DataFrame(
    [
        ("r1", "春芽幼儿园", None, "清溪镇", "kindergarten"),  # two towns: a question with two candidates
        ("r2", "启明幼儿园", "育新路3号", "清溪镇", "kindergarten"),  # accepted
        ("r3", HOSTILE, "@SUM(1)", "-1+2", "kindergarten"),
        ("r4", "云杉小学", None, None, "primary_school"),  # nothing near
        ("r5", "童馨幼儿园", None, "白杨镇", "kindergarten"),  # accepted
    ],
    columns=list(ROW_COLUMNS),
)
PLACES = pd.DataFrame(
    [
        ("a", "春芽幼儿园", None, "kindergarten", None, 117.01, 39.01, "osm"),
        ("b", "春芽幼儿园", None, "kindergarten", None, 117.05, 39.02, "osm"),
        ("c", "启明幼儿园", "育新路3号", "kindergarten", "清溪镇", 117.02, 39.03, "poi"),
        ("d", "+春芽园子", None, "kindergarten", "清溪镇", 117.03, 39.03, "=poi"),
        ("e", "童馨幼儿园", None, "kindergarten", "白杨镇", 117.04, 39.04, "osm"),
    ],
    columns=list(CANDIDATE_COLUMNS),
)  # fmt: skip


@pytest.fixture(scope="module")
def matches() -> pd.DataFrame:
    found = match_list(ROWS, PLACES, zones=("清溪镇", "白杨镇"))
    verdicts = found[found["rank"] == 1].set_index("row_id")["decided"].to_dict()
    assert (
        verdicts == {"r1": "ask", "r2": "accepted", "r3": "none", "r4": "none", "r5": "accepted"}
        or verdicts["r3"] == "ask"
    )
    return found


@pytest.fixture
def book(matches: pd.DataFrame, tmp_path: Path) -> Path:
    return write_match_workbook(tmp_path / "待确认匹配表.xlsx", matches, ROWS, PLACES)


def columns(sheet: Any) -> dict[str, int]:
    return {str(cell.value).rsplit("[", 1)[1].rstrip("]"): cell.column for cell in sheet[1]}


def fill(path: Path, *answers: tuple[str, str, int, str, Any]) -> Path:
    """(sheet, row_id, which of its lines, column, value), saved as a spreadsheet program saves."""
    book = openpyxl.load_workbook(path)
    for title, row_id, line, key, value in answers:
        sheet = book[title]
        at = columns(sheet)
        mine = [cells[0].row for cells in sheet.iter_rows(min_row=2) if cells[at["row_id"] - 1].value == row_id]
        sheet.cell(mine[line], at[key]).value = value
    book.save(path)
    return path


def answers(path: Path) -> dict[str, tuple[str, str | None]]:
    found = read_match_workbook(path, ROWS, PLACES).answers
    return {one.row_id: (one.decision, one.candidate_id) for one in found.itertuples()}


def test_two_writes_give_the_same_bytes(book: Path, matches: pd.DataFrame, tmp_path: Path) -> None:
    again = tmp_path / "again.xlsx"
    write_match_workbook(again, matches, ROWS.sample(frac=1, random_state=1), PLACES.sample(frac=1, random_state=2))
    assert again.read_bytes() == book.read_bytes()
    with zipfile.ZipFile(book) as archive:
        assert {item.date_time for item in archive.infolist()} == {(2020, 1, 1, 0, 0, 0)}


def test_it_shows_every_open_row_and_every_accepted_one(book: Path) -> None:
    wb = openpyxl.load_workbook(book)
    assert wb.sheetnames == [NOTES_SHEET, ASK_SHEET, ACCEPTED_SHEET]
    asked, taken = wb[ASK_SHEET], wb[ACCEPTED_SHEET]
    at = columns(asked)
    assert {cells[at["row_id"] - 1].value for cells in asked.iter_rows(min_row=2)} == {"r1", "r3", "r4"}
    assert [cells[0].value for cells in taken.iter_rows(min_row=2)] == ["r2", "r5"]
    assert asked.freeze_panes == "C2"
    offered = [one.formula1 for one in asked.data_validations.dataValidation]
    assert f'"{",".join(CHOICES)}"' in offered
    first = {key: asked.cell(2, column).value for key, column in at.items()}
    assert (first["row_name"], first["rank"], first["candidate_id"]) == ("春芽幼儿园", 1, "a")
    assert (first["candidate_lon"], first["candidate_lat"]) == (117.01, 39.01)


def test_no_cell_is_a_formula_and_no_control_character_is_left(book: Path) -> None:
    texts = []
    for sheet in openpyxl.load_workbook(book):
        for cells in sheet.iter_rows():
            for cell in cells:
                assert cell.data_type != "f", cell.coordinate
                if isinstance(cell.value, str):
                    texts.append(cell.value)
                    if cell.value.startswith(("=", "+", "-", "@")):
                        assert cell.quotePrefix
    assert any(text.startswith("=HYPERLINK") for text in texts)
    assert all(one.isprintable() for text in texts for one in text)


def test_an_empty_workbook_answers_nothing(book: Path) -> None:
    assert answers(book) == {}


@pytest.mark.parametrize("typed", ["2", 2, 2.0, "２", " 2 "])
def test_a_choice_means_the_candidate_of_that_number(book: Path, typed: Any) -> None:
    assert answers(fill(book, (ASK_SHEET, "r1", 0, "choice", typed))) == {"r1": ("matched", "b")}


def test_every_kind_of_answer(book: Path) -> None:
    fill(
        book,
        (ASK_SHEET, "r1", 1, "choice", "都不是"),
        (ASK_SHEET, "r3", 0, "choice", "暂不确定"), (ASK_SHEET, "r3", 0, "note", "待查"),
        (ASK_SHEET, "r4", 0, "lon", 117.2), (ASK_SHEET, "r4", 0, "lat", "39.1"), (ASK_SHEET, "r4", 0, "datum", "gcj-02"),
        (ACCEPTED_SHEET, "r2", 0, "revoke", "是"),
    )  # fmt: skip
    found = read_match_workbook(book, ROWS, PLACES).answers
    assert found[["row_id", "decision", "candidate_id"]].fillna("").to_numpy().tolist() == [
        ["r1", "none", ""], ["r2", "revoked", "c"], ["r3", "unsure", ""], ["r4", "by_hand", ""],
    ]  # fmt: skip
    assert found.set_index("row_id").loc["r4", ["lon", "lat", "datum"]].tolist() == [117.2, 39.1, "GCJ-02"]
    assert found.set_index("row_id").loc["r3", "note"] == "待查"


def test_sorted_filtered_moved_and_retitled_by_a_spreadsheet_it_reads_the_same(book: Path, tmp_path: Path) -> None:
    fill(book, (ASK_SHEET, "r1", 0, "choice", 2), (ACCEPTED_SHEET, "r5", 0, "revoke", "是"))
    expected = answers(book)
    old = openpyxl.load_workbook(book)
    new = openpyxl.Workbook()
    new.remove(new.active)
    order = random.Random(3)
    for title in (ACCEPTED_SHEET, ASK_SHEET):
        sheet = new.create_sheet(title)
        lines = [[cell.value for cell in cells] for cells in old[title].iter_rows()]
        places = list(range(len(lines[0])))
        order.shuffle(places)
        body = lines[1:]
        order.shuffle(body)
        sheet.append(["西青区某局回填"])
        for line in [lines[0], *body]:
            sheet.append([line[at] for at in places])
    new.save(tmp_path / "moved.xlsx")
    assert answers(tmp_path / "moved.xlsx") == expected == {"r1": ("matched", "b"), "r5": ("revoked", "e")}


def test_every_wrong_answer_is_named_in_one_message(book: Path) -> None:
    fill(
        book,
        (ASK_SHEET, "r1", 0, "choice", "1"), (ASK_SHEET, "r1", 1, "choice", "2"),
        (ASK_SHEET, "r3", 0, "choice", "也许"),
        (ASK_SHEET, "r4", 0, "lon", 117.2), (ASK_SHEET, "r4", 0, "lat", 39.1),
        (ACCEPTED_SHEET, "r2", 0, "revoke", "否"),
    )  # fmt: skip
    with pytest.raises(InputDataError) as caught:
        read_match_workbook(book, ROWS, PLACES)
    text = "\n".join(caught.value.first)
    assert len(caught.value.first) == 4
    assert f"{ASK_SHEET}!N2、{ASK_SHEET}!N3：同一行的回答互相矛盾" in text
    assert "也许" in text
    assert "坐标系" in text
    assert f"{ACCEPTED_SHEET}!N2" in text


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ([("choice", "3")], "没有候选 3"),
        ([("choice", "1"), ("lon", 117.0), ("lat", 39.0), ("datum", "WGS-84")], "既选了候选又填了坐标"),
        ([("lon", 117.0), ("datum", "WGS-84")], "不完整"),
        ([("lon", "东经117"), ("lat", 39), ("datum", "WGS-84")], "不完整"),
        ([("lon", 500000), ("lat", 4300000), ("datum", "CGCS2000")], "不是度"),
    ],
)
def test_answers_that_cannot_be_used(book: Path, cells: list[tuple[str, Any]], said: str) -> None:
    fill(book, *[(ASK_SHEET, "r4", 0, key, value) for key, value in cells])
    with pytest.raises(InputDataError, match=said):
        read_match_workbook(book, ROWS, PLACES)


def test_answers_to_what_has_changed_are_stale_and_said_so(book: Path) -> None:
    fill(
        book,
        (ASK_SHEET, "r1", 0, "choice", "1"), (ASK_SHEET, "r3", 0, "choice", "都不是"), (ASK_SHEET, "r4", 0, "choice", "都不是"),
        (ACCEPTED_SHEET, "r2", 0, "revoke", "是"),
    )  # fmt: skip
    rows = ROWS[ROWS["row_id"] != "r4"].copy()
    rows.loc[rows["row_id"] == "r3", "name"] = "改名幼儿园"
    places = PLACES.copy()
    places.loc[places["candidate_id"] == "a", "lon"] = 117.3
    found = read_match_workbook(book, rows, places)
    assert found.stale[["row_id", "reason_en"]].to_numpy().tolist() == [
        ["r1", "the candidate has changed or is gone"],
        ["r3", "the row has changed in the list"],
        ["r4", "the list no longer has this row"],
    ]
    assert found.answers["row_id"].tolist() == ["r2"]
    quality = Quality()
    note_answers(found, "待确认匹配表.xlsx", quality)
    assert quality.frame()["check"].tolist() == ["match_answer_stale"] * 3


def test_where_every_row_lies(book: Path, matches: pd.DataFrame) -> None:
    before = locate_rows(ROWS, matches, PLACES, no_decisions()).set_index("row_id")
    assert before["state"].to_dict() == {
        "r1": "to_verify", "r2": "accepted", "r3": "to_verify", "r4": "to_verify", "r5": "accepted",
    }  # fmt: skip
    assert pd.isna(before.loc["r1", "located_by"])
    assert not before["confirmed"].any()
    fill(
        book,
        (ASK_SHEET, "r1", 0, "choice", "2"), (ACCEPTED_SHEET, "r5", 0, "revoke", "是"),
        (ASK_SHEET, "r4", 0, "lon", 117.2), (ASK_SHEET, "r4", 0, "lat", 39.1), (ASK_SHEET, "r4", 0, "datum", "WGS-84"),
    )  # fmt: skip
    after = locate_rows(ROWS, matches, PLACES, read_match_workbook(book, ROWS, PLACES)).set_index("row_id")
    assert after["state"].to_dict() == {
        "r1": "confirmed", "r2": "accepted", "r3": "to_verify", "r4": "by_hand", "r5": "to_verify",
    }  # fmt: skip
    assert after.loc["r1", ["lon", "lat", "located_by", "confirmed"]].tolist() == [117.05, 39.02, "matched", True]
    assert after.loc["r4", ["lon", "located_by"]].tolist() == [117.2, "file"]
    assert after.loc["r5", ["lon", "lat"]].isna().all()


def test_files_that_are_no_workbook(tmp_path: Path, book: Path) -> None:
    with pytest.raises(InputFileError):
        read_match_workbook(tmp_path / "none.xlsx", ROWS, PLACES)
    for name, data in {"text.xlsx": b"a,b", "cut.xlsx": book.read_bytes()[:900], "empty.xlsx": b""}.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(InputDataError, match="xlsx"):
            read_match_workbook(tmp_path / name, ROWS, PLACES)
    with zipfile.ZipFile(tmp_path / "zip.xlsx", "w") as archive:
        archive.writestr("a.txt", "a")
    with pytest.raises(InputDataError, match="xlsx"):
        read_match_workbook(tmp_path / "zip.xlsx", ROWS, PLACES)


def test_a_workbook_that_unpacks_to_too_much_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from xiqing_space.ingest import match_answers

    monkeypatch.setattr(match_answers, "MAX_INFLATED_MB", 1)
    with zipfile.ZipFile(tmp_path / "bomb.xlsx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 2**21)
    with pytest.raises(InputDataError, match="过大"):
        read_match_workbook(tmp_path / "bomb.xlsx", ROWS, PLACES)


def test_a_lost_column_is_named(book: Path) -> None:
    wb = openpyxl.load_workbook(book)
    wb[ASK_SHEET].delete_cols(columns(wb[ASK_SHEET])["fingerprint"])
    wb.save(book)
    with pytest.raises(InputDataError, match="fingerprint"):
        read_match_workbook(book, ROWS, PLACES)


def test_a_folder_that_is_not_there(matches: pd.DataFrame, tmp_path: Path) -> None:
    with pytest.raises(OutputError):
        write_match_workbook(tmp_path / "none" / "a.xlsx", matches, ROWS, PLACES)


@settings(max_examples=6, deadline=None)
@given(st.lists(st.text(max_size=12), min_size=1, max_size=5), st.data())
def test_any_text_survives_and_answers_come_back(names: list[str], data: st.DataObject) -> None:
    import tempfile

    rows = pd.DataFrame(
        [(f"r{at}", name, name, None, None) for at, name in enumerate(names)], columns=list(ROW_COLUMNS)
    )
    found = match_list(rows, PLACES)
    chosen = data.draw(st.sampled_from(["都不是", "暂不确定"]))
    with tempfile.TemporaryDirectory() as folder:
        path = write_match_workbook(Path(folder) / "w.xlsx", found, rows, PLACES)
        asked = sorted(set(found.loc[found["decided"] != "accepted", "row_id"]))
        fill(path, *[(ASK_SHEET, row_id, 0, "choice", chosen) for row_id in asked])
        back = read_match_workbook(path, rows, PLACES)
    assert back.stale.empty
    assert back.answers["row_id"].tolist() == asked
    assert set(back.answers["decision"]) <= {"none" if chosen == "都不是" else "unsure"}


def test_the_workbook_reads_and_prints_well(tmp_path: Path) -> None:
    """Kinds in Chinese, titles and reasons wrapped and whole, one page wide; a park is no answer to a kindergarten."""
    rows = pd.DataFrame([("r1", "春芽初级中学", "育新路3号", "清溪镇", "junior_school"), ("r2", "云杉幼儿园", None, "清溪镇", "kindergarten")],
                        columns=list(ROW_COLUMNS))  # fmt: skip
    places = pd.DataFrame(
        [("a", "春芽初级中学", None, "junior_school", "白杨镇", 117.01, 39.01, "osm"), ("b", "云杉公园", None, "park", "清溪镇", 117.02, 39.02, "osm")],
        columns=list(CANDIDATE_COLUMNS),
    )  # fmt: skip
    found = match_list(rows, places, zones=("清溪镇", "白杨镇"))
    assert found.groupby("row_id")["candidate_id"].apply(lambda one: one.dropna().tolist()).to_dict() == {
        "r1": ["a"],
        "r2": [],
    }
    sheet = openpyxl.load_workbook(write_match_workbook(tmp_path / "m.xlsx", found, rows, places))[ASK_SHEET]
    at = columns(sheet)
    assert [sheet.cell(line, at["row_kind"]).value for line in (2, 3)] == ["初中", "幼儿园"]
    why = sheet.cell(2, at["why"])
    assert why.alignment.wrap_text
    assert why.value.count("街镇不同") == 1
    zh, en = why.value.split(" / ", 1)
    assert not any("\u4e00" <= one <= "\u9fff" for one in en)
    assert zh.startswith("名称 1.00")
    assert all(cell.alignment.wrap_text for cell in sheet[1] if cell.value)
    assert (sheet.page_setup.orientation, sheet.page_setup.fitToWidth, sheet.print_title_rows) == (
        "landscape",
        1,
        "$1:$1",
    )
    assert sheet.sheet_properties.pageSetUpPr.fitToPage
