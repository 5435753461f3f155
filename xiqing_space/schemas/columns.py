"""What a table and a column are, and short names for the columns' types."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Dtype = Literal["text", "number", "whole", "flag", "geometry"]


@dataclass(frozen=True)
class Column:
    """One column: type, meaning, unit, range or vocabulary, whether it may be missing, decimals kept on write."""

    name: str
    dtype: Dtype
    meaning: str
    unit: str = ""
    null: bool = False
    least: float | None = None
    most: float | None = None
    among: tuple[str, ...] = ()
    digits: int = 3
    geometry: str = ""


@dataclass(frozen=True)
class Table:
    """One table: what a row is, its columns, and the key that rows are sorted by and unique in."""

    name: str
    row: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]

    @property
    def spatial(self) -> bool:
        """Whether the table has a geometry."""
        return any(column.dtype == "geometry" for column in self.columns)


def text(name: str, meaning: str, *, null: bool = False, among: tuple[str, ...] = ()) -> Column:
    """Column of texts."""
    return Column(name, "text", meaning, null=null, among=among)


def number(
    name: str,
    meaning: str,
    unit: str,
    *,
    null: bool = False,
    least: float | None = 0.0,
    most: float | None = None,
    digits: int = 3,
) -> Column:
    """Column of numbers with a unit."""
    return Column(name, "number", meaning, unit, null, least, most, digits=digits)


def whole(name: str, meaning: str, unit: str = "", *, null: bool = False) -> Column:
    """Column of whole numbers."""
    return Column(name, "whole", meaning, unit, null, 0)


def flag(name: str, meaning: str) -> Column:
    """Column of flags."""
    return Column(name, "flag", meaning)


def geometry(kind: str, meaning: str = "place, EPSG:4326", *, null: bool = False) -> Column:
    """Column of geometries of one type."""
    return Column("geometry", "geometry", meaning, "degree", null, geometry=kind)


PROFILES = ("walk", "pram")
BARRIERS = ("water", "rail", "motorway")
VERDICTS = ("meets", "below_recommended", "fails_mandatory", "unknown", "no_data")
