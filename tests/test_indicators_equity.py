"""Gini, tenth ratio and relatively weak zones: by hand, against the textbook, and what must hold of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xiqing_space.indicators.circle_rows import weak_zones
from xiqing_space.indicators.equity import gini, tenth_ratio

levels = st.lists(st.tuples(st.floats(0, 5), st.floats(0.1, 50)), min_size=2, max_size=12)
NAN = float("nan")


def textbook(values: list[float], weights: list[float]) -> float:
    """Mean absolute difference over all pairs of children, halved and over the mean (Gini's own definition)."""
    whole = sum(weights)
    mean = sum(x * w for x, w in zip(values, weights, strict=True)) / whole
    pairs = sum(
        w * v * abs(x - y)
        for x, w in zip(values, weights, strict=True) for y, v in zip(values, weights, strict=True)
    )  # fmt: skip
    return pairs / (2 * whole * whole * mean)


@settings(max_examples=60, deadline=None)
@given(levels)
def test_gini_is_the_textbook_s(zones: list[tuple[float, float]]) -> None:
    values, weights = [one[0] for one in zones], [one[1] for one in zones]
    if sum(x * w for x, w in zones) < 1e-6:
        return
    assert gini(values, weights) == pytest.approx(textbook(values, weights), abs=1e-9)
    # neither the unit nor the number of people changes it, nor the order of zones, nor a zone cut in two
    assert gini([3 * x for x in values], [7 * w for w in weights]) == pytest.approx(gini(values, weights), abs=1e-9)
    assert gini(values[::-1], weights[::-1]) == pytest.approx(gini(values, weights), abs=1e-9)
    halves = gini([values[0], *values], [weights[0] / 2, weights[0] / 2, *weights[1:]])
    assert halves == pytest.approx(gini(values, weights), abs=1e-9)


@pytest.mark.parametrize(
    ("values", "weights", "hand"),
    [
        ([0.5, 0.5, 0.5], [1, 20, 3], 0.0),
        ([0.0, 1.0], [1, 1], 0.5),  # half of the children hold everything: 1 - 0.5 * (0 + 0) - 0.5 * (0 + 1)
        ([0.0, 1.0], [2, 98], 0.02),
        ([1.0, 3.0], [3, 1], 0.25),  # mean 1.5; pairs 2 * 3 * 1 * 2 = 12; 12 / (2 * 16 * 1.5)
        ([1.0, 3.0, NAN], [3, 1, 9], 0.25),
        ([1.0, 3.0, 99.0], [3, 1, 0], 0.25),
    ],
)
def test_gini_by_hand(values: list[float], weights: list[float], hand: float) -> None:
    assert gini(values, weights) == pytest.approx(hand, abs=1e-12)


def test_no_gini_of_nothing_and_of_one() -> None:
    assert np.isnan([gini([0, 0], [1, 1]), gini([1], [1]), gini([], []), gini([1, NAN], [1, 1])]).all()


@pytest.mark.parametrize(
    ("values", "weights", "hand"),
    [
        ([0.2, 0.8], [50, 50], 4.0),
        # the best tenth are 10 children: 5 at 1.0 and 5 of the next at 0.6; the worst ten all stand at 0.2
        ([0.2, 0.6, 1.0], [60, 35, 5], 0.8 / 0.2),
        ([0.4, 0.4], [1, 1], 1.0),
        ([0.2, 0.8, NAN], [50, 50, 999], 4.0),
    ],
)
def test_tenths_by_hand(values: list[float], weights: list[float], hand: float) -> None:
    assert tenth_ratio(values, weights) == pytest.approx(hand, rel=1e-12)


@settings(max_examples=40, deadline=None)
@given(levels)
def test_tenths_as_if_every_child_stood_in_line(zones: list[tuple[float, float]]) -> None:
    values, counts = [round(x, 1) for x, _ in zones], [10 * int(w + 1) for _, w in zones]
    line = np.sort(np.repeat(values, counts))
    tenth = len(line) // 10  # a whole number of children: every zone has tens of them
    worst, best = line[:tenth].mean(), line[-tenth:].mean()
    found = tenth_ratio(values, counts)
    assert np.isnan(found) if worst == 0 else found == pytest.approx(best / worst, rel=1e-9)


def test_the_weakest_quarter_below_the_district() -> None:
    shares = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8])
    np.testing.assert_array_equal(weak_zones(shares, 0.45), [1, 1, 0, 0, 0, 0, 0, 0])
    # who equals the last of the quarter is weak too; who is not below the district is not
    np.testing.assert_array_equal(
        weak_zones(np.array([0.1, 0.2, 0.2, 0.2, 0.5, 0.6, 0.7, 0.8]), 0.4), [1, 1, 1, 1, 0, 0, 0, 0]
    )
    np.testing.assert_array_equal(weak_zones(np.full(8, 0.5), 0.5), np.zeros(8))
    # a zone without a share is none of them; of three nobody is the weakest quarter
    np.testing.assert_array_equal(weak_zones(np.array([NAN, 0.1, 0.2, 0.3, 0.4]), 0.25), [NAN, 1, 0, 0, 0])
    assert np.isnan(weak_zones(np.array([0.1, 0.2, 0.3]), 0.2)).all()
    assert np.isnan(weak_zones(shares, NAN)).all()
