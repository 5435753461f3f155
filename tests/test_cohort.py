"""Ages moved on: by hand, and what must hold."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xiqing_space.catalog.cohort import Range, load_cohort
from xiqing_space.errors import InputDataError
from xiqing_space.ingest.ages import ambiguous_age, band_ages, read_age_group, years_from_groups
from xiqing_space.ingest.cohort import (
    NOTHING_HAPPENS,
    Scenario,
    age_forward,
    age_single_years,
    age_zone_people,
)
from xiqing_space.ingest.people_sources import Basis, ZonePeople
from xiqing_space.ingest.quality import Quality

EVEN = {age: 10.0 * (age + 1) for age in range(18)}  # 10 aged 0, 20 aged 1 … 180 aged 17


def test_two_years_on_by_hand() -> None:
    births = Range(low=100, mid=200, high=300)
    scenario = Scenario(births, None, Range(low=0.5, mid=1, high=1))
    found = age_forward(EVEN, 2020, 2022, scenario)
    # mid: ages 0 and 1 are births; age 2 were aged 0 (10); bands move by two years
    assert found["mid"].tolist() == [
        200 + 200 + 10,
        20 + 30 + 40,
        50 + 60 + 70 + 80 + 90 + 100,
        110 + 120 + 130,
        140 + 150 + 160,
    ]
    # low: half of each cohort goes each year; those born in the first year go through one such year
    assert found["low"].tolist() == [100 + 50 + 2.5, 90 / 4, 450 / 4, 360 / 4, 450 / 4]
    assert found.loc["pop_0_2", "high"] == 610


def test_births_go_on_from_the_youngest_by_a_stated_change() -> None:
    scenario = Scenario(None, Range(low=-0.5, mid=0, high=1), Range(low=1, mid=1, high=1))
    found = age_forward(EVEN, 2020, 2022, scenario).loc["pop_0_2"]
    assert found.tolist() == [2.5 + 5 + 10, 10 + 10 + 10, 40 + 20 + 10]


def test_no_years_change_nothing() -> None:
    found = age_forward(EVEN, 2024, 2024)
    assert found["low"].tolist() == found["high"].tolist() == [60, 150, 570, 420, 510]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(0, 1e6), min_size=18, max_size=18), st.integers(0, 15))
def test_without_births_deaths_and_moves_everyone_stays(counts: list[float], years: int) -> None:
    aged = age_single_years(np.asarray(counts), years, "mid", NOTHING_HAPPENS)
    assert aged[:years].tolist() == [0.0] * years
    assert aged[years:].tolist() == counts
    found = age_forward(dict(enumerate(counts)), 2010, 2010 + years, NOTHING_HAPPENS)
    assert math.isclose(found["mid"].sum(), math.fsum(counts[: 18 - years]), rel_tol=1e-12, abs_tol=1e-9)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0, 1e6), min_size=18, max_size=18), st.integers(0, 15))
def test_low_middle_and_high_are_in_order(counts: list[float], years: int) -> None:
    found = age_forward(dict(enumerate(counts)), 2010, 2010 + years)
    assert (found["low"] <= found["mid"]).all()
    assert (found["mid"] <= found["high"]).all()


def test_five_year_groups_are_split_first() -> None:
    years = years_from_groups([(0, 4), (5, 9), (10, 14), (15, 19)], np.asarray([[50.0, 100.0, 150.0, 200.0]])).count[0]
    assert years.tolist() == [10] * 5 + [20] * 5 + [30] * 5 + [40] * 3
    found = age_forward(dict(enumerate(years)), 2020, 2021, NOTHING_HAPPENS)
    assert found["mid"].tolist() == [20, 10 + 10 + 10, 20 * 5 + 30, 90, 30 + 40 + 40]


@pytest.mark.parametrize("target", [2019, 2036])
def test_years_out_of_reach_are_refused(target: int) -> None:
    with pytest.raises(InputDataError, match="不能由 2020"):
        age_forward(EVEN, 2020, target)


def test_every_missing_age_is_named() -> None:
    with pytest.raises(InputDataError) as caught:
        age_forward({**EVEN, 3: math.nan, 5: -1.0}, 2020, 2021)
    assert [one[:3] for one in caught.value.first] == ["3 岁", "5 岁"]


def test_a_zone_table_moves_on_with_its_basis_and_marks() -> None:
    frame = pd.DataFrame(
        {"zone_id": ["a", "b"], "row": ["2", "3"], "pop_total": [1800.0, 100.0], "age_0_17": [180.0, math.nan]}
    )
    people = ZonePeople(frame, Basis("resident", 2020), "t")
    quality = Quality()
    births = Scenario(Range(low=20, mid=20, high=20), None, Range(low=1, mid=1, high=1))
    aged = age_zone_people(people, 2022, "mid", quality, births)
    assert aged.basis == Basis("resident", 2022, 2020)
    assert aged.frame[["age_0", "age_1", "age_2", "age_17"]].iloc[0].tolist() == [20, 20, 10, 10]
    assert aged.frame["pop_total"].iloc[0] == 1840
    assert aged.frame[["age_0", "age_17"]].iloc[1].isna().all()
    assert aged.frame["ages_from"].iloc[0] == "split"
    assert [row["check"] for row in quality.rows] == ["people_aged"]
    assert age_zone_people(people, 2020, "mid", quality) is people


def test_the_catalogues_assumptions_are_marked_as_proposals() -> None:
    rules = load_cohort()
    assert {rules.births.status, rules.stay.status, rules.limits.status, rules.household.status} == {"proposal"}


# ---- age groups


@pytest.mark.parametrize(
    ("header", "group"),
    [
        ("0-2岁", (0, 2)), ("０－２岁", (0, 2)), ("0—4岁人口数", (0, 4)), ("5～9", (5, 9)), ("0岁-4岁(人)", (0, 4)), ("pop_3_5", (3, 5)),
        ("age_7", (7, 7)), ("3岁", (3, 3)), ("3周岁", (3, 3)), ("14岁及以下", (0, 14)), ("未满18周岁", (0, 17)), ("65+", (65, 999)),
        ("60岁及以上", (60, 999)), ("15 至 17 岁", (15, 17)), ("0–17岁儿童", (0, 17)), ("18岁以下", None), ("男", None),
        ("0-4岁男", None), ("9-5岁", None), ("2020", None), ("0-14岁占比", None), ("", None), (None, None),
    ],
)  # fmt: skip
def test_headings_of_age_groups(header: str | None, group: tuple[int, int] | None) -> None:
    assert read_age_group(header) == group


def test_a_heading_that_leaves_its_last_year_open_is_told() -> None:
    assert ambiguous_age("18岁以下")
    assert not ambiguous_age("18岁及以下")
    assert not ambiguous_age("总人口")


def split(**groups: float) -> list[float]:
    keys = [tuple(map(int, one.removeprefix("g").split("_"))) for one in groups]
    return years_from_groups(keys, np.asarray([list(groups.values())])).count[0].tolist()  # type: ignore[arg-type]


def test_a_wide_group_gives_only_what_finer_ones_leave() -> None:
    years = split(g0_14=300, g0_2=90, g3_5=30)
    assert years[:6] == [30, 30, 30, 10, 10, 10]
    assert years[6:15] == [20] * 9  # (300 − 120) / 9
    assert np.isnan(years[15:]).all()
    assert split(g0_18=190, g0_14=150)[15:] == [10, 10, 10]
    assert np.isnan(split(g15_59=9000)).all()


def test_bands_say_whether_they_are_stated_or_split() -> None:
    assert list(band_ages()) == ["pop_0_2", "pop_3_5", "pop_6_11", "pop_12_14", "pop_15_17"]

    def how(*groups: tuple[int, int]) -> list[int]:
        return years_from_groups(list(groups), np.asarray([[10.0 * (b - a + 1) for a, b in groups]])).how[0].tolist()

    assert how((0, 2), (3, 5), (6, 11), (12, 14), (15, 17)) == [0, 0, 0, 0, 0]
    assert how((0, 2), (0, 5)) == [0, 0, 3, 3, 3]  # 3–5 is what 0–2 leaves: exact
    assert how((0, 4), (5, 9), (10, 14)) == [1, 1, 1, 1, 3]
    assert how((0, 4), (3, 5)) == [1, 0, 3, 3, 3]  # 0–2 rests on an even split of 3–5
    assert how((0, 2), (0, 14), (15, 17)) == [0, 1, 1, 1, 0]


def test_groups_that_contradict_each_other_are_told() -> None:
    found = years_from_groups([(0, 2), (3, 5), (0, 5), (0, 17)], np.asarray([[10.0, 10.0, 30.0, 15.0]]))
    assert found.doubts == [(0, "0–5 岁 30 人，而其中各组合计 20 人 / ages 0–5 are 30, their parts 20")]
    assert found.faults == [(0, "0–17 岁 15 人，而其中各组合计 20 人 / ages 0–17 are 15, their parts 20")]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 17), max_size=6, unique=True), st.data())
def test_groups_side_by_side_keep_their_sums(cuts: list[int], data: st.DataObject) -> None:
    edges = [0, *sorted(cuts), 18]
    groups = [(low, high - 1) for low, high in itertools.pairwise(edges)]
    values = data.draw(st.lists(st.floats(0, 1e6), min_size=len(groups), max_size=len(groups)))
    found = years_from_groups(groups, np.asarray([values]))
    assert math.isclose(math.fsum(found.bands()[0]), math.fsum(values), rel_tol=1e-9, abs_tol=1e-9)
    assert found.faults == found.doubts == []
