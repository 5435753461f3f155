"""What pages say in words: doubts of one kind on one line, least figures, counts that are two numbers, one name per source."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from xiqing_space.catalog import load_catalogue
from xiqing_space.maps.index import _count, _with_range
from xiqing_space.maps.page import grave
from xiqing_space.report.checkup_workbook import _height

CATALOGUE = load_catalogue()


def doubt(check: str, severity: str, what: str) -> dict[str, str]:
    return {"check": check, "severity": severity, "what_zh": what, "what_en": f"{what} en"}


def test_doubts_of_a_check_stand_on_one_line_errors_first() -> None:
    rows = [
        doubt("compound_gates_unknown", "warning", "甲"), doubt("rows_merged", "info", "提示"),
        doubt("compound_gates_unknown", "warning", "乙"), doubt("no_homes", "error", "无住宅"),
        doubt("compound_gates_unknown", "warning", "丙"), doubt("kind_unmapped", "warning", "无"),
    ]  # fmt: skip
    assert grave(pd.DataFrame(rows), CATALOGUE) == [
        ["无住宅", "无住宅 en"],
        ["甲（另有 2 项同类）", "甲 en (2 more of the kind)"],
    ]


@pytest.mark.parametrize(
    ("value", "low", "high", "expected"),
    [
        (0.2, 0.2, 0.2, "20.0 %"),
        (0.2, 0.19999, 0.2, "20.0 %"),
        (0.2, 0.1, 0.3, "20.0 %<small>10.0 % – 30.0 %</small>"),
        (0.2, 0.1, np.nan, "20.0 %<small>不低于 10.0 %</small>"),
        (np.nan, np.nan, np.nan, "—"),
    ],
)
def test_a_share_and_its_range(value: float, low: float, high: float, expected: str) -> None:
    row = pd.Series({"value": value, "value_low": low, "value_high": high})
    assert _with_range(row, CATALOGUE, "zh") == expected


@pytest.mark.parametrize(
    ("value", "low", "high", "expected"),
    [
        (116.0, 116.0, 128.0, "116 – 128"),
        (1015.0, 1015.0, 1015.0, "1,015"),
        (3.0, 3.0, np.nan, "3"),
        (np.nan, np.nan, np.nan, "—"),
    ],
)
def test_a_count_that_may_hold_some_twice(value: float, low: float, high: float, expected: str) -> None:
    assert _count(pd.Series({"value": value, "value_low": low, "value_high": high})) == expected


def test_a_row_of_a_workbook_is_as_high_as_its_longest_cell() -> None:
    assert _height(["一", 3, None], (10, 10, 10)) == _height(["one"], (10,))
    assert _height(["一二三四五六七八九十" * 2], (10,)) > 4 * _height(["一"], (10,)) > 0
    assert _height(["甲\n乙\n丙"], (80,)) > _height(["甲\n乙"], (80,))
    assert _height(["长" * 100_000], (10,)) == 409.0
