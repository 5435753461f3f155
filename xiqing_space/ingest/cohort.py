"""Ages moved on from a base year, cohort by cohort: low, middle and high, all of it inferred."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from xiqing_space.catalog.cohort import Range, load_cohort
from xiqing_space.errors import InputDataError
from xiqing_space.ingest.ages import AGES_FROM, CHILD_YEARS, PARENT, SPLIT, band_ages
from xiqing_space.ingest.people_sources import Basis, ZonePeople, read_figures
from xiqing_space.ingest.quality import Quality

if TYPE_CHECKING:
    from numpy.typing import NDArray

Case = Literal["low", "mid", "high"]
CASES: tuple[Case, ...] = ("low", "mid", "high")


@dataclass(frozen=True)
class Scenario:
    """Assumptions: births of each year after the base year (None: from the youngest cohort and `yearly_change`), `stay`."""

    births: Range | None = None
    yearly_change: Range | None = None
    stay: Range | None = None


NOTHING_HAPPENS = Scenario(Range(low=0, mid=0, high=0), None, Range(low=1, mid=1, high=1))


def _years_between(base_year: int, target_year: int) -> int:
    years = target_year - base_year
    limit = load_cohort().limits.max_years
    if not 0 <= years <= limit:
        raise InputDataError(
            f"不能由 {base_year} 年推算至 {target_year} 年（0–{limit} 年）/ ages cannot be moved from {base_year} to {target_year}",
            todo="使用更近的基准年 / use a base year that is nearer",
        )
    return years


def age_single_years(
    counts: NDArray[np.float64], years: int, case: Case, scenario: Scenario = Scenario()
) -> NDArray[np.float64]:  # fmt: skip
    """Children by single year of age after some years.

    Everyone grows a year older each year; `stay` of each cohort is still there; the children born in the k-th year are aged
    `years - k` at the end.

    Parameters
    ----------
    counts : array (…, ages from 0)
        Persons by single year of age at the end of the base year.
    years : int
        Not negative.
    case : "low", "mid", "high"
    scenario : Scenario

    Returns
    -------
    array (…, ages + years)
        The oldest are kept, so nobody leaves by ageing: without births, deaths and moves the sum stays.
    """
    rules = load_cohort()
    stay = getattr(scenario.stay or rules.stay.yearly_factor, case)
    change = getattr(scenario.yearly_change or rules.births.yearly_change, case)
    fixed = None if scenario.births is None else getattr(scenario.births, case)
    if stay < 0 or change < -1 or (fixed is not None and fixed < 0):
        raise InputDataError("出生数与留存系数不能为负 / births and shares that stay cannot be negative")
    now = np.asarray(counts, dtype=np.float64)
    youngest = now[..., :1]
    for year in range(1, years + 1):
        born = youngest * (1 + change) ** year if fixed is None else np.full_like(youngest, fixed)
        now = np.concatenate([born, now * stay], axis=-1)
    return now


def age_forward(
    single_year_counts: Mapping[int, float], base_year: int, target_year: int, scenario: Scenario = Scenario()
) -> pd.DataFrame:  # fmt: skip
    """Children per age band in a later year: index band column, columns low, mid, high; inferred, never observed.

    Parameters
    ----------
    single_year_counts : mapping of age to persons
        Ages 0 to 17 at least; groups of five years are split first (`years_from_groups`).
    base_year, target_year : int
    scenario : Scenario
        Where births are not stated: the base year's children aged 0 and the catalogue's yearly change.

    Raises
    ------
    InputDataError
        An age from 0 to 17 is missing or no count, or the years are out of reach.

    Notes
    -----
    A planner may not read a forecast off this: it says what follows from the assumptions in `catalog/cohort.toml`.
    """
    years = _years_between(base_year, target_year)
    counts = np.asarray([single_year_counts.get(age, np.nan) for age in range(CHILD_YEARS)], dtype=np.float64)
    if wrong := [f"{age} 岁 / age {age}: {value:g}" for age, value in enumerate(counts.tolist())
                 if not 0 <= value < float("inf")]:  # fmt: skip
        raise InputDataError("推算需要 0–17 岁每岁人数 / people of each age from 0 to 17 are needed", first=wrong,
                             todo="补充年龄，或先把年龄组拆为单岁 / add the ages, or split groups first")  # fmt: skip
    aged = {case: age_single_years(counts, years, case, scenario) for case in CASES}
    return pd.DataFrame(
        {case: [float(aged[case][low : high + 1].sum()) for low, high in band_ages().values()] for case in CASES},
        index=pd.Index(list(band_ages()), name="band"),
    )


def age_zone_people(
    people: ZonePeople, target_year: int, case: Case, quality: Quality, scenario: Scenario = Scenario()
) -> ZonePeople:  # fmt: skip
    """A zone table moved on to another year: ages as single years, marked inferred; totals by `stay` and births.

    Births in `scenario` are the whole table's, shared out by each row's children aged 0; without any, each row's own
    youngest cohort goes on. Rows without a full set of ages keep none: they take them from the zone above, aged alike.

    Raises
    ------
    InputDataError
        The years are out of reach, or figures are at fault.
    """
    years = _years_between(people.basis.base_year, target_year)
    if years == 0:
        return people
    total, known = read_figures(people.frame, people.source)
    count = known.count
    mine = scenario
    aged = np.full((len(total), CHILD_YEARS), np.nan)
    births = np.zeros(len(total))
    whole = ~np.isnan(count).any(axis=1)
    for place in np.flatnonzero(whole).tolist():
        if scenario.births is not None:
            infants = np.nansum(np.where(whole, count[:, 0], 0.0))
            part = count[place, 0] / infants if infants > 0 else 1 / whole.sum()
            scaled = {one: getattr(scenario.births, one) * part for one in CASES}
            mine = Scenario(Range(**scaled), scenario.yearly_change, scenario.stay)
        every = age_single_years(count[place], years, case, mine)
        aged[place] = every[:CHILD_YEARS]
        births[place] = every[:years].sum()
    stay = getattr(scenario.stay or load_cohort().stay.yearly_factor, case)
    keep = [one for one in ("zone_id", "row", "households", "unplaced", "reason") if one in people.frame.columns]
    frame = people.frame[keep].assign(
        pop_total=total * stay**years + np.where(whole, births, np.nan),
        ages_from=[AGES_FROM[max(one, SPLIT)] if one <= PARENT else AGES_FROM[PARENT] for one in known.how.max(axis=1)],
        **{f"age_{age}": aged[:, age] for age in range(CHILD_YEARS)},
    )
    quality.add("people_aged", source=people.source, base=people.basis.base_year, target=target_year, scenario=case)
    return ZonePeople(frame, Basis(people.basis.counted, target_year, people.basis.base_year), people.source)
