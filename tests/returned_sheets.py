"""A check-up of four facilities, its workbook as departments get it, and copies of it with answers filled in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pytest
from checkup_frames import CATALOGUE, RULES, asked, checkup, facilities_frame

from xiqing_space.ingest.quality import Quality
from xiqing_space.ingest.survey import SurveyAnswers, read_survey
from xiqing_space.report import write_checkup_workbook
from xiqing_space.report.checkup_workbook import HEADER_ROW

Fill = dict[str, Any]
FACILITIES = facilities_frame(
    {"facility_id": "k1", "site_id": "k1", "operator": "unknown", "capacity_places": np.nan, "name": "甲园"},
    {"facility_id": "k2", "site_id": "k2", "status": "building", "name": "乙园"},
    {"facility_id": "s1", "site_id": "s1", "kind": "school_unknown_level", "name": "丙学校"},
    {"facility_id": "c1", "site_id": "c1", "kind": "clinic", "name": None},
)
QUALITY = Quality()
QUALITY.add("kind_unmapped", source="a.pbf", id="sports", kind=("体育", "Sports"))
QUALITY.add("possible_double", source="a.pbf", id="k1", name="k1", other="k9")
DOUBTS, ASKED = asked(FACILITIES, Quality(list(QUALITY.rows)))
ID = {f"{one.owner_id or one.check}:{one.check}": one.doubt_id for one in ASKED.itertuples(index=False)}
GAPS, STATUS, LEVEL, CLINIC, DOUBLE, NONE = (
    ID[key] for key in ("k1:ask_gaps", "k2:ask_status", "s1:ask_level", "c1:ask_gaps", "k1:possible_double", "kind_unmapped:kind_unmapped")
)  # fmt: skip


@pytest.fixture(scope="module")
def blank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The workbook as departments get it."""
    made = checkup(doubts=DOUBTS, returns=ASKED, area="区")
    return write_checkup_workbook(made, tmp_path_factory.mktemp("blank") / "data_checkup.xlsx")


def columns(sheet: Any, row: int = HEADER_ROW) -> dict[str, int]:
    """Columns of a sheet by the first line of their title."""
    return {str(cell.value).split("\n")[0]: cell.column for cell in sheet[row] if cell.value}


def fill(blank: Path, path: Path, answers: dict[str, Fill], change: Callable[[Any], None] | None = None) -> Path:
    """A copy of the blank workbook with answers, by doubt id and column title."""
    book = openpyxl.load_workbook(blank)
    left = dict(answers)
    for sheet in book:
        heads = columns(sheet)
        if "答复" not in heads:
            continue
        for row in range(HEADER_ROW + 1, sheet.max_row + 1):
            for title, value in left.pop(sheet.cell(row, heads["疑点编号"]).value, {}).items():
                sheet.cell(row, heads[title]).value = value
    assert not left, "every answer has its row"
    if change is not None:
        change(book)
    book.save(path)
    return path


def read(*paths: Path, **options: Any) -> SurveyAnswers:
    """What workbooks that came back say."""
    return read_survey(paths, ASKED, FACILITIES, CATALOGUE, RULES, **options)


def values(survey: SurveyAnswers) -> dict[tuple[str, str], str]:
    """Corrections by thing and field."""
    return {(one.owner_id, one.field): one.value for one in survey.corrections.itertuples(index=False)}


FULL: dict[str, Fill] = {
    GAPS: {"答复": "属实", "性质": "普惠民办", "学位数": 270, "填报单位": "教育局"},
    STATUS: {"答复": "有误", "状态": "在办", "备注": "九月开园"},
    LEVEL: {"答复": "有误", "更正值": "小学、初中"},  # 更正项目 stands there already
    CLINIC: {"更正项目": "名称", "更正值": "丁卫生院", "经度": 117.001, "纬度": 39.081, "坐标系": "CGCS2000"},
    NONE: {"答复": "属实"},
}
