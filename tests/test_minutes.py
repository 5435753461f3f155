"""Minutes at each band's own pace: by hand, with plain loops beside, and unknown apart from far."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xiqing_space.catalog import load_catalogue
from xiqing_space.coverage.by_home import AccessByHome
from xiqing_space.coverage.minutes import measure_minutes, weighted_quantile
from xiqing_space.tables import finish

CATALOGUE = load_catalogue()
BANDS = [band.column for band in CATALOGUE.bands.values()]
# homes: zone, children of each band, walk and pram to the clinic
HOMES = (
    ("a", "Z1", 2.0, 480.0, 600.0), ("b", "Z1", 1.0, 960.0, 960.0), ("c", "Z1", 1.0, None, 2400.0), ("d", "Z2", 4.0, 240.0, 240.0),
    ("e", "Z2", 3.0, "home_not_linked", "home_not_linked"), ("f", None, 1.0, 4800.0, None), ("g", "Z1", 9.0, 1.0, 1.0),
)  # fmt: skip


def minutes(
    mapped: frozenset[str] = frozenset({"clinic"}), homes: tuple[tuple[object, ...], ...] = HOMES
) -> pd.DataFrame:
    demand = pd.DataFrame(
        [(name, zone, name != "g", "persons", *[count] * len(BANDS)) for name, zone, count, *_ in homes],
        columns=["demand_id", "zone_id", "inside", "weight_kind", *BANDS],
    )
    rows = []
    for name, _, _, walk, pram in homes:
        for profile, metres in (("walk", walk), ("pram", pram)):
            known = isinstance(metres, float)
            reason = None if known else metres or "beyond_search_limit"
            rows.append((name, "clinic", profile, metres if known else np.nan, reason))
    access = pd.DataFrame(rows, columns=["demand_id", "kind", "profile", "distance_m", "reason"])
    zones = pd.DataFrame({"zone_id": ["Z2", "Z1", "Z3"]})
    found = measure_minutes(demand, zones, AccessByHome(access, demand["demand_id"]), set(mapped), CATALOGUE)
    return finish("walk_minutes", found).set_index(["kind", "age_band", "zone_id"]).sort_index()


def test_minutes_by_hand() -> None:
    row = minutes().loc["clinic", "preschool", "*"]  # g lives in the buffer; e is unknown; c is beyond
    # known 9: d 240 (4), a 480 (6), b 960 (7), f 4800 (8), c beyond. half 4.5: a 480 m ÷ 48 = 10; nine tenths 8.1: beyond
    assert row[["children", "n_unknown"]].tolist() == [12.0, 3.0]
    assert row["share_beyond"] == pytest.approx(1 / 9, abs=1e-6)
    assert row["median_min"] == 10.0
    assert math.isnan(row["p90_min"])
    assert row["adult_median_min"] == 6.67  # the same 480 m ÷ 72
    assert row[["profile", "speed_m_s"]].tolist() == ["walk", 0.8]


def test_the_pram_has_its_own_network_and_the_adult_walks() -> None:
    row = minutes().loc[
        "clinic", "infant", "Z1"
    ]  # pram: a 600 (2), b 960 (3), c 2400 (4); an adult: a 480, b 960, c beyond
    assert row[["median_min", "p90_min", "adult_median_min"]].tolist() == [10.0, 40.0, 6.67]
    assert row[["share_beyond", "n_unknown"]].tolist() == [0.0, 0.0]


def test_zones_leave_out_whom_nobody_placed_in_one() -> None:
    rows = minutes().loc["clinic", "primary"]
    assert rows["children"].to_dict() == {"*": 12.0, "Z1": 4.0, "Z2": 7.0, "Z3": 0.0}
    assert rows["n_unknown"].to_dict() == {"*": 3.0, "Z1": 0.0, "Z2": 3.0, "Z3": 0.0}
    assert rows.loc["Z2", "median_min"] == 4.0
    assert rows["reason"].dropna().to_dict() == {"Z3": "no_children"}


def test_half_beyond_has_no_median_and_is_no_reason() -> None:
    homes = (("a", "Z1", 1.0, 480.0, 480.0), ("c", "Z1", 2.0, None, None))
    row = minutes(homes=homes).loc["clinic", "primary", "Z1"]
    assert row[["median_min", "p90_min", "adult_median_min"]].isna().all()
    assert row["share_beyond"] == pytest.approx(2 / 3, abs=1e-6)
    assert pd.isna(row["reason"])


def test_unmapped_kinds_and_unknown_walks_have_reasons_and_no_minutes() -> None:
    rows = minutes(frozenset()).loc["clinic", "primary"]
    assert set(rows["reason"]) == {"no_facility_mapped"}
    assert rows["n_unknown"].equals(rows["children"])
    lost = minutes(homes=(("e", "Z1", 3.0, "home_not_placed", "home_not_placed"),)).loc["clinic", "primary", "Z1"]
    assert lost["reason"] == "walks_unknown"
    for found in (rows, lost.to_frame().T):
        assert found[["share_beyond", "median_min", "p90_min", "adult_median_min"]].isna().all(axis=None)


def test_kinds_that_no_band_needs_are_measured_for_all_and_the_adult_is_no_band() -> None:
    rows = minutes().reset_index()
    bands = rows.groupby("kind")["age_band"].unique().map(sorted).to_dict()
    assert bands["hospital"] == sorted(CATALOGUE.bands)
    assert bands["senior_school"] == ["senior"]
    assert set(bands) == set(CATALOGUE.measured_kinds)
    assert "adult" not in set(rows["age_band"])
    assert (CATALOGUE.adult.speed_m_s, CATALOGUE.adult.profile) == (1.2, "walk")
    assert set(CATALOGUE.bands) == {"infant", "preschool", "primary", "junior", "senior"}


def test_a_column_has_minutes_or_metres() -> None:
    assert not [name for name in minutes().columns if name.endswith("_m")]


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from([100.0, 200.0, 350.0, math.inf]), st.integers(0, 5)), min_size=1, max_size=12),
    st.sampled_from([0.1, 0.25, 0.5, 0.9, 1.0]),
)
def test_quantile_equals_one_that_counts_children_one_by_one(homes: list[tuple[float, int]], share: float) -> None:
    queue = sorted(metres for metres, count in homes for _ in range(count))
    homes = sorted(homes)
    got = weighted_quantile(np.array([one[0] for one in homes]), np.array([float(one[1]) for one in homes]), share)
    if not queue:
        assert math.isnan(got)
        return
    want = queue[math.ceil(round(share * len(queue), 6)) - 1]
    assert math.isnan(got) if math.isinf(want) else got == want


def test_half_of_parts_is_half() -> None:
    tenths = np.array([0.1, 0.2, 0.3])  # 0.1 + 0.2 is a hair more than 0.3, and 0.6 ÷ 2 a hair less
    assert weighted_quantile(np.array([1.0, 2.0, 3.0]), tenths, 0.5) == 2.0
    assert weighted_quantile(np.array([1.0, 2.0, 3.0]), np.array([0.3, 0.2, 0.1]), 0.5) == 1.0
