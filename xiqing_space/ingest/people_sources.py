"""What is known of people, as small frozen records; and the checks that hold between them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from xiqing_space.errors import InputDataError
from xiqing_space.ingest.ages import AGES_FROM, Years, read_age_group, years_from_groups

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xiqing_space.ingest.raster import RasterCells

Counted = Literal["resident", "registered", "actual"]
COUNTED: dict[str, Counted] = {
    "resident": "resident", "常住": "resident", "常住人口": "resident",
    "registered": "registered", "户籍": "registered", "户籍人口": "registered", "户口": "registered",
    "actual": "actual", "实有": "actual", "实有人口": "actual", "实际居住": "actual",
}  # fmt: skip
COUNTED_ZH = {"resident": "常住", "registered": "户籍", "actual": "实有"}
MAX_SHOWN = 1000  # faulty rows named
SLACK = 0.5  # persons: what rounding to whole people explains


@dataclass(frozen=True)
class Basis:
    """How people were counted and in which year; both are stated, never assumed. `aged_from` where ages were moved on."""

    counted: Counted
    base_year: int
    aged_from: int | None = None


def read_basis(counted: Any, base_year: Any, source: str) -> Basis:
    """The basis that a configuration or a table states.

    Raises
    ------
    InputDataError
        Either is missing or no such thing; both problems are listed.
    """
    problems = []
    how = COUNTED.get(str(counted or "").strip().lower())
    if how is None:
        problems.append(f"counted = {str(counted)[:40]!r}：应为 resident 常住 / registered 户籍 / actual 实有")
    text = str(base_year).strip().removesuffix("年")
    year = int(text) if text.isascii() and text.isdigit() and len(text) == 4 else 0
    if not 1950 <= year <= 2100:
        problems.append(f"base_year = {str(base_year)[:40]!r}：应为四位年份 / a year of four digits is needed")
    if how is None or problems:
        raise InputDataError(
            "人口口径或基准年未注明 / how people were counted, or in which year, is not stated",
            where=source, first=problems, todo="在 [population] 中填写 counted 与 base_year / state both in [population]",
        )  # fmt: skip
    return Basis(how, year)


@dataclass(frozen=True)
class CompoundPeople:
    """People of compounds. `frame`: compound_id, row; any of households, pop_total, children (0–17) and age columns.

    Also, where known, zone_id and geometry (EPSG:4326): they place a compound in which no home is mapped.
    """

    frame: pd.DataFrame
    basis: Basis
    source: str


@dataclass(frozen=True)
class ZonePeople:
    """People of zones. `frame`: zone_id, row; any of pop_total, households, age columns; several rows of a zone add up.

    A row with `unplaced` true keeps its people at that zone (`*`, the district) without a place, for the `reason` given.
    """

    frame: pd.DataFrame
    basis: Basis
    source: str


@dataclass(frozen=True)
class RasterPeople:
    """People of raster cells; `cells` as `read_people_raster` gives them."""

    cells: RasterCells
    basis: Basis
    source: str


@dataclass(frozen=True)
class DistrictPeople:
    """People of the whole area: `figures` holds pop_total, households and age columns, as far as known."""

    figures: dict[str, float]
    basis: Basis
    source: str


@dataclass(frozen=True)
class PeopleSources:
    """Everything that is known of people; each part may be absent."""

    compounds: CompoundPeople | None = None
    zones: ZonePeople | None = None
    raster: RasterPeople | None = None
    district: DistrictPeople | None = None

    def present(self) -> Iterator[CompoundPeople | ZonePeople | RasterPeople | DistrictPeople]:
        """The parts that are there."""
        for one in (self.compounds, self.zones, self.raster, self.district):
            if one is not None:
                yield one


def require_one_basis(sources: PeopleSources) -> Basis | None:
    """The one way of counting and year of all sources.

    Raises
    ------
    InputDataError
        Sources were counted differently or in different years; each is listed with its own.
    """
    found = list(sources.present())
    if len({(one.basis.counted, one.basis.base_year) for one in found}) > 1:
        raise InputDataError(
            "人口来源的口径或年份不一致，不能混用 / sources of people differ in how or when they were counted",
            first=[
                f"{one.source}: {COUNTED_ZH[one.basis.counted]} {one.basis.counted}, {one.basis.base_year}"
                for one in found
            ],
            todo="换用同一口径同一年份，或先按队列推算到同一年 / use one way and year, or age them to one year first",
        )
    return found[0].basis if found else None


def numbers_of(frame: pd.DataFrame, column: str) -> NDArray[np.float64]:
    """A column as numbers, NaN where it is absent."""
    if column not in frame.columns:
        return np.full(len(frame), np.nan)
    return np.asarray(frame[column].to_numpy(dtype=np.float64, na_value=np.nan), dtype=np.float64)


def read_figures(frame: pd.DataFrame, source: str) -> tuple[NDArray[np.float64], Years]:
    """Totals and single years of age of every row of a source.

    Parameters
    ----------
    frame : DataFrame
        `row` (as the file numbers it), `pop_total`, age columns by any heading of `read_age_group`, optional `ages_from`.

    Raises
    ------
    InputDataError
        Negative or infinite people, groups that contradict each other, more children than people: all are listed.
    """
    groups = {column: group for column in map(str, frame.columns) if (group := read_age_group(column))}
    total = numbers_of(frame, "pop_total")
    values = np.column_stack([numbers_of(frame, one) for one in groups]) if groups else np.empty((len(frame), 0))
    rows = frame["row"].astype(str).tolist() if "row" in frame.columns else [str(one + 1) for one in range(len(frame))]
    figures = {**{name: values[:, place] for place, name in enumerate(groups)}, "pop_total": total}
    figures |= {name: numbers_of(frame, name) for name in ("households", "children") if name in frame.columns}
    problems = [
        (one, f"{name} = {column[one]:g} 不是人数 / {name} = {column[one]:g} is no count")
        for name, column in figures.items()
        for one in np.flatnonzero((column < 0) | np.isinf(column)).tolist()
    ]
    years = years_from_groups(list(groups.values()), values)
    problems += years.faults
    children = np.nansum(years.count, axis=1)
    problems += [
        (
            one,
            f"0–17 岁 {children[one]:g} 人多于总人口 {total[one]:g} / {children[one]:g} children of {total[one]:g} people",
        )
        for one in np.flatnonzero(children > total + SLACK).tolist()
    ]
    if problems:
        raise InputDataError(
            "人口数有误 / figures of people are at fault",
            where=source,
            first=[f"第 {rows[one]} 行 / row {rows[one]}: {text}" for one, text in sorted(set(problems))[:MAX_SHOWN]],
            todo="改正表中这些行 / correct these rows of the table",
        )
    if "ages_from" in frame.columns:
        stated = frame["ages_from"].map(lambda one: AGES_FROM.index(one) if one in AGES_FROM else 0).to_numpy(dtype=int)
        return total, Years(years.count, np.maximum(years.how, stated[:, None]), [], years.doubts)
    return total, years
