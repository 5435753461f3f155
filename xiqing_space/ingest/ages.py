"""Age groups as tables state them, to single years and to the bands of the catalogue."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from xiqing_space.catalog import Catalogue, load_catalogue
from xiqing_space.ingest.counts import plain

if TYPE_CHECKING:
    from numpy.typing import NDArray

CHILD_YEARS = 18  # ages 0 to 17
LAST_USED = 24  # a group that ends later says nothing about children: 15–59 divided per year would be wrong by half
STATED, SPLIT, PARENT, MISSING = 0, 1, 2, 3
AGES_FROM = ("stated", "split", "parent", "missing")
_TAIL = r"(?:周?岁)?(?:常住|户籍|实有)?(?:儿童|人口|人群)?(?:数|人数)?(?:\(人\)|/人)?"
_RANGE = re.compile(rf"(?:age_|pop_|age|年龄)?(\d{{1,3}})(?:周?岁)?(?:-|–|—|−|~|〜|_|至|到)(\d{{1,3}}){_TAIL}")
_SINGLE = re.compile(
    r"(?:age_|pop_)(\d{1,3})|(\d{1,3})周?岁(?:常住|户籍|实有)?(?:儿童|人口)?(?:数|人数)?(?:\(人\)|/人)?"
)
_UP_TO = re.compile(rf"(\d{{1,3}})(?:周?岁)?(?:及以下|\(含\)以下){_TAIL}")
_BELOW = re.compile(rf"(?:不满|未满)(\d{{1,3}}){_TAIL}")
_FROM = re.compile(rf"(\d{{1,3}})(?:(?:周?岁)?(?:及以上|以上)|\+){_TAIL}")
_EITHER = re.compile(r"\d{1,3}(?:周?岁)?以下.*")


def read_age_group(header: Any) -> tuple[int, int] | None:
    """The ages (first, last; both included) that a column heading names, or nothing.

    `0-2岁`, `0—4`, `pop_0_2`, `age_5`, `3岁`, `14岁及以下`, `未满18周岁`, `65+`. `18岁以下` is nothing: it may or may not hold the
    18-year-olds (see `ambiguous_age`).
    """
    text = plain(header).replace(" ", "").lower()
    if found := _RANGE.fullmatch(text):
        first, last = int(found[1]), int(found[2])
        return (first, last) if first <= last <= 150 else None
    if found := _SINGLE.fullmatch(text):
        year = int(found[1] or found[2])
        return (year, year) if year <= 150 else None
    if found := _UP_TO.fullmatch(text):
        return 0, int(found[1])
    if (found := _BELOW.fullmatch(text)) and int(found[1]) > 0:
        return 0, int(found[1]) - 1
    if found := _FROM.fullmatch(text):
        return int(found[1]), 999
    return None


def ambiguous_age(header: Any) -> bool:
    """Whether a heading such as 18岁以下 leaves open if the last year counts."""
    text = plain(header).replace(" ", "")
    return read_age_group(text) is None and bool(_EITHER.fullmatch(text))


def band_ages(catalogue: Catalogue | None = None) -> dict[str, tuple[int, int]]:
    """Column of each band and its ages, youngest first."""
    bands = (catalogue or load_catalogue()).bands.values()
    return {band.column: band.ages for band in sorted(bands, key=lambda one: one.ages)}


@dataclass(frozen=True)
class Years:
    """Children by single year: `count` (rows, 18), NaN where nothing tells; `how` (rows, bands) as `AGES_FROM`.

    `faults` are (row, 中文 / English) that make a row unusable, `doubts` those where the finer figures were kept.
    """

    count: NDArray[np.float64]
    how: NDArray[np.int_]
    faults: list[tuple[int, str]] = field(default_factory=list)
    doubts: list[tuple[int, str]] = field(default_factory=list)

    def bands(self) -> NDArray[np.float64]:
        """People per band, (rows, bands)."""
        return np.column_stack([self.count[:, low : high + 1].sum(axis=1) for low, high in band_ages().values()])

    def worst(self) -> NDArray[np.object_]:
        """How the ages of each row are known, the weakest of its bands."""
        return np.asarray(AGES_FROM, dtype=object)[self.how.max(axis=1)] if len(self.how) else np.zeros(0, dtype=object)


def years_from_groups(groups: Sequence[tuple[int, int]], values: NDArray[np.float64]) -> Years:
    """Single years of age from groups of any width, the finest first.

    A group's people are spread evenly over those of its years that no finer group has told; a band is `stated` where groups
    add up to it exactly, `split` where a group straddles its edge.

    Parameters
    ----------
    groups : sequence of (first, last)
        Ages, both included; groups that start after 17 or end after 24 are not used.
    values : array (rows, groups)
        Persons, NaN where not stated.
    """
    rows = len(values)
    count = np.full((rows, LAST_USED + 1), np.nan)
    how = np.full((rows, len(band_ages())), MISSING)
    faults: list[tuple[int, str]] = []
    doubts: list[tuple[int, str]] = []
    used = sorted(
        (last - first, first, last, place) for place, (first, last) in enumerate(groups)
        if first < CHILD_YEARS and last <= LAST_USED
    )  # fmt: skip
    if used and rows:
        known = ~np.isnan(values[:, [place for *_, place in used]])
        patterns, which = np.unique(known, axis=0, return_inverse=True)
        for number, pattern in enumerate(patterns):
            mine = np.flatnonzero(which.ravel() == number)
            here = [one for one, there in zip(used, pattern.tolist(), strict=True) if there]
            how[mine] = _fill(here, values, mine, count, faults, doubts)
    return Years(count[:, :CHILD_YEARS], how, sorted(faults), sorted(doubts))


def _fill(
    used: list[tuple[int, int, int, int]], values: NDArray[np.float64], rows: NDArray[np.intp],
    count: NDArray[np.float64], faults: list[tuple[int, str]], doubts: list[tuple[int, str]],
) -> NDArray[np.int_]:  # fmt: skip
    """Years of the rows that state the same groups; how each band of theirs is known."""
    pieces: list[tuple[set[int], bool]] = []  # years that one figure was spread over, and whether that figure is exact
    told: set[int] = set()
    for _, first, last, place in used:
        span = set(range(first, last + 1))
        open_years = sorted(span - told)
        exact = all(sure and years <= span for years, sure in pieces if years & span)
        before = np.nansum(count[rows, first : last + 1], axis=1)
        rest = values[rows, place] - before
        wrong = (rest < -0.5) | ((rest > 0.5) if not open_years else False)
        if exact:
            for one in np.flatnonzero(wrong).tolist():
                text = (
                    f"{first}–{last} 岁 {values[rows[one], place]:g} 人，而其中各组合计 {before[one]:g} 人 / "
                    f"ages {first}–{last} are {values[rows[one], place]:g}, their parts {before[one]:g}"
                )
                (faults if open_years else doubts).append((int(rows[one]), text))
        if open_years:
            count[rows[:, None], np.asarray(open_years)] = (np.maximum(rest, 0.0) / len(open_years))[:, None]
            pieces.append((set(open_years), exact))
            told |= span
    how = []
    for low, high in band_ages().values():
        band = set(range(low, high + 1))
        touching = [(years, sure) for years, sure in pieces if years & band]
        whole = all(sure and years <= band for years, sure in touching)
        how.append(MISSING if band - told else STATED if whole else SPLIT)
    return np.asarray(how)


def fill_years(
    years: Years, totals: NDArray[np.float64], parent: NDArray[np.float64], parent_total: NDArray[np.float64]
) -> Years:
    """Years that a row does not state, from the age structure of the zone above it; such bands are marked `parent`.

    The structure is scaled to the children whom the row does state, else to its total.

    Parameters
    ----------
    years : Years
    totals : array (rows,)
        All people of each row, NaN where not stated.
    parent : array (rows, 18)
        Single years of the zone above, NaN where unknown.
    parent_total : array (rows,)
        All its people.
    """
    count, how = years.count.copy(), years.how.copy()
    gap = np.isnan(count)
    both = ~gap & ~np.isnan(parent)
    mine = np.where(both, count, 0.0).sum(axis=1)
    theirs = np.where(both, parent, 0.0).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        by_total = np.where(parent_total > 0, totals / parent_total, np.nan)
        by_children = np.where(theirs > 0, mine / theirs, np.nan)
    # a village that states no infant may still have pupils: its total tells more than that nought
    scale = np.where((mine > 0) | np.isnan(by_total), by_children, by_total)
    filled = gap & ~np.isnan(parent) & ~np.isnan(scale)[:, None]
    count[filled] = (parent * scale[:, None])[filled]
    for place, (low, high) in enumerate(band_ages().values()):
        part = slice(low, high + 1)
        done = ~np.isnan(count[:, part]).any(axis=1) & filled[:, part].any(axis=1)
        how[done, place] = PARENT
    return Years(count, how, years.faults, years.doubts)
