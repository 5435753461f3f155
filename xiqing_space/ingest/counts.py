"""Numbers of people as offices write them: full-width digits, thousands commas, 万; anything else is a problem, not a guess."""

from __future__ import annotations

import math
import re
import unicodedata
from typing import Any

MOST = 1e8  # no district of China has a hundred million people: a larger figure is a wrong column or unit
UNITS = {"万": 10_000, "千": 1_000}
_MISSING = {
    "",
    "-",
    "--",
    "—",
    "——",
    "–",
    "/",
    "\\",
    "nan",
    "none",
    "null",
    "n/a",
    "<na>",
    "无数据",
    "不详",
    "暂无",
    "…",
}
_NUMBER = re.compile(r"\+?(\d{1,3}(?:,\d{3})+|\d+)(\.\d+)?(?:[eE]\+?(\d{1,2}))?([万千])?(?:人|户)?")


def plain(value: Any, most: int = 200) -> str:
    """A cell as text: full-width forms narrowed, blanks of any kind dropped at the ends, bounded in length."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return unicodedata.normalize("NFKC", str(value)[: 10 * most]).strip()[:most]


def read_count(value: Any) -> tuple[float, str]:
    """A count of people or households, and what is wrong with it ("" where nothing is).

    Parameters
    ----------
    value : text or number
        `1,234`, `１２３４`, `1.2万`, `3千`, `356人`; empty and `—` are missing, never zero.

    Returns
    -------
    (float, str)
        NaN where missing or wrong; the fault as "中文 / English".
    """
    text = plain(value)
    if text.lower() in _MISSING:
        return math.nan, ""
    shown = text[:40]
    if text.startswith(("-", "−")) and _NUMBER.fullmatch(text[1:]):
        return math.nan, f'“{shown}”为负数 / "{shown}" is negative'
    found = _NUMBER.fullmatch(text)
    if not found:
        return math.nan, f'“{shown}”不是人数 / "{shown}" is no count'
    number = float(found[1].replace(",", "") + (found[2] or "") + (f"e{found[3]}" if found[3] else ""))
    if found[4]:
        number *= UNITS[found[4]]
    if not number <= MOST:
        return math.nan, f'“{shown}”过大 / "{shown}" is too large'
    return number, ""
