"""Chinese words for what tables hold: names of tables, headings of columns, codes in them, units."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

from pydantic import BaseModel, ConfigDict

from xiqing_space.catalog.load import Catalogue
from xiqing_space.errors import CatalogueError

ANY = "*"
_ALL_BANDS = "全部适龄"
_DISTRICT = "全区"
_CIRCLE = "完整生活圈"


class ColumnWords(BaseModel):
    """Headings by (table, column), codes by (column, code); `*` stands for any table or column."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    headings: dict[tuple[str, str], tuple[str, str]]
    values: dict[tuple[str, str], str]

    def table(self, name: str) -> tuple[str, str]:
        """Chinese name of a table, and what a row is; the name itself where nobody gave one."""
        return self.headings.get((name, ""), (name, ""))

    def heading(self, table: str, column: str) -> tuple[str, str]:
        """Chinese heading of a column and a note on it (empty where the heading says all)."""
        return self.headings.get((table, column)) or self.headings.get((ANY, column)) or (column, "")

    def unit(self, unit: str) -> str:
        """A unit in Chinese; m, km and the like stay as they are."""
        return self.values.get(("unit", unit), unit)

    def value(self, column: str, code: Any, catalogue: Catalogue) -> Any:
        """A code in Chinese; what is no code stays as it is."""
        if not isinstance(code, str):
            return code
        if column in ("kind", "missing_kinds"):
            kinds = {"circle": _CIRCLE} | {key: kind.zh for key, kind in catalogue.kinds.items()}
            return "、".join(kinds.get(one, one) for one in code.split("|"))
        if column == "variant":
            return "·".join(self.variant(one, catalogue) for one in code.split("|"))
        if column == "rule_id" and code in catalogue.gate_rules:
            return catalogue.gate_rules[code].zh
        if column == "treatment" and code in catalogue.treatments:
            return catalogue.treatments[code].zh
        if column == "age_band":
            return _ALL_BANDS if code == ANY else catalogue.bands[code].zh if code in catalogue.bands else code
        if column == "zone_name" and code == ANY:
            return _DISTRICT
        found = self.values.get((column, code)) or self.values.get((ANY, code))
        if found is None and column == "reason":
            found = catalogue.words.get(f"why_{code}", catalogue.words.get(code, (code,)))[0]
        return code if found is None else found

    def variant(self, code: str, catalogue: Catalogue) -> str:
        """One part of a figure's variant: a cause, a method, a rule of gates."""
        rule = catalogue.gate_rules.get(code)
        return self.values.get(("variant", code), rule.zh if rule else code)

    def codes(self, column: str, among: Mapping[str, Any] | tuple[str, ...]) -> str:
        """The codes of a column, each with its Chinese word, for the dictionary."""
        return "；".join(f"{code} = {self.values.get((column, code), code)}" for code in among if code)


def _rows(name: str) -> list[dict[str, str]]:
    text = resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


@cache
def load_column_words() -> ColumnWords:
    """The words that ship with this version.

    Raises
    ------
    CatalogueError
        A word is given twice.
    """
    headings: dict[tuple[str, str], tuple[str, str]] = {}
    for row in _rows("columns_zh.csv"):
        key = (row["table"], row["column"])
        if key in headings:
            raise CatalogueError(f"columns_zh.csv: {key} is given twice")
        headings[key] = (row["zh"], row["note"] or "")
    values: dict[tuple[str, str], str] = {}
    for row in _rows("values_zh.csv"):
        if (row["column"], row["code"]) in values:
            raise CatalogueError(f"values_zh.csv: {row['column']}, {row['code']} is given twice")
        values[row["column"], row["code"]] = row["zh"]
    return ColumnWords(headings=headings, values=values)
