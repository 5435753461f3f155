"""People onto homes: what must hold for any input."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st
from people_tables import BANDS, TWO, compound_table, homes_of, raster_of, spread, zone_table, zones_of

from xiqing_space.ingest.people_sources import PeopleSources
from xiqing_space.ingest.people_steps import columns

people = st.floats(0, 1e6, allow_subnormal=False)
weights = st.floats(1e-3, 1e6)


@st.composite
def districts(draw: Any) -> tuple[pd.DataFrame, list[dict[str, Any]]]:
    many = draw(st.integers(0, 12))
    rows = []
    for one in range(many):
        zone = draw(st.sampled_from("ab"))
        x = draw(st.integers(1, 990)) + (1000 if zone == "b" else 0)
        compound = draw(st.sampled_from([None, None, f"{zone}1"]))
        rows.append((f"h{one}", zone, compound, True, draw(weights), float(x), float(draw(st.integers(1, 990)))))
    table = []
    for zone in "ab":
        bands = {one: draw(people) for one in BANDS}
        table.append({"zone_id": zone, "pop_total": sum(bands.values()) + draw(people), **bands})
    return homes_of(rows), table


def close(found: float, wanted: float) -> bool:
    return math.isclose(found, wanted, rel_tol=1e-9, abs_tol=1e-9)


def by_loops(homes: pd.DataFrame, compounds: list[dict[str, Any]], zones: list[dict[str, Any]]) -> dict[str, float]:
    """All people of each home, home by home: the second method."""
    found: dict[str, float] = {}
    records = homes.to_dict("records")
    stated = {one["compound_id"]: one["pop_total"] for one in compounds}
    for zone in zones:
        mine = [one for one in records if one["zone_id"] == zone["zone_id"]]
        left = zone["pop_total"]
        for key in sorted({one["compound_id"] for one in mine if one["compound_id"] in stated}):
            inner = [one for one in mine if one["compound_id"] == key]
            gets = min(stated[key], zone["pop_total"])  # each zone of these drawings has one compound
            for one in inner:
                found[one["demand_id"]] = gets * one["weight"] / sum(other["weight"] for other in inner)
            left -= gets
        free = [one for one in mine if one["demand_id"] not in found]
        for one in free:
            found[one["demand_id"]] = left * one["weight"] / sum(other["weight"] for other in free)
    return found


@settings(max_examples=15, deadline=None)
@given(districts(), st.lists(people, min_size=2, max_size=2))
def test_every_zone_keeps_its_total_and_nobody_is_negative(drawn: Any, compounds: list[float]) -> None:
    homes, rows = drawn
    listed = [{"compound_id": key, "pop_total": people} for key, people in zip(("a1", "b1"), compounds, strict=True)
              if key in set(homes["compound_id"])]  # fmt: skip
    table, _ = spread(homes, PeopleSources(compound_table(listed) if listed else None, zone_table(rows)))
    assert (table[list(columns())].to_numpy() >= 0).all()
    plain = by_loops(homes, listed, rows)
    assert all(close(table.loc[key, "pop_total"], value) for key, value in plain.items())
    for row in rows:
        mine = table[table["zone_id"] == row["zone_id"]]
        for column in columns():
            assert close(math.fsum(mine[column]), row[column]), (row["zone_id"], column)


def test_a_compound_of_next_to_nobody_leaves_its_zone_s_total_alone() -> None:
    homes = homes_of([("h0", "a", "a1", True, 1.0, 100, 100), ("h1", "a", None, True, 1.0, 300, 100)])
    zones = [
        {"zone_id": zone, "pop_total": people, **dict.fromkeys(BANDS, 0.0)} for zone, people in (("a", 9e5), ("b", 0.0))
    ]
    table, _ = spread(
        homes, PeopleSources(compound_table([{"compound_id": "a1", "pop_total": 1e-303}]), zone_table(zones))
    )
    assert close(table.loc["h0", "pop_total"], 0.0)
    assert close(table.loc["h1", "pop_total"], 9e5)


@settings(max_examples=15, deadline=None)
@given(districts(), st.randoms(use_true_random=False))
def test_the_order_of_rows_leaves_no_trace(drawn: Any, random: Any) -> None:
    homes, rows = drawn
    first, _ = spread(homes, PeopleSources(zones=zone_table(rows)))
    order = list(range(len(homes)))
    random.shuffle(order)
    sources = PeopleSources(zones=zone_table(rows[::-1]))
    second, _ = spread(homes.iloc[order], sources, zones_of(dict(reversed(TWO.items()))))
    pd.testing.assert_frame_equal(first, second, check_exact=True)


@settings(max_examples=15, deadline=None)
@given(districts(), st.sampled_from(columns()), people)
def test_more_people_in_a_zone_never_lower_any_home(drawn: Any, column: str, more: float) -> None:
    homes, rows = drawn
    inflated = [{**rows[0], column: rows[0][column] + more, "pop_total": rows[0]["pop_total"] + more}, rows[1]]
    before, _ = spread(homes, PeopleSources(zones=zone_table(rows)))
    after, _ = spread(homes, PeopleSources(zones=zone_table(inflated)))
    for name in columns():
        assert (after[name].reindex(before.index) >= before[name]).all()


@settings(max_examples=15, deadline=None)
@given(
    districts(),
    st.lists(st.sampled_from([0.0, 7.0, 7.0, 1e-3, 12345.678]), min_size=32, max_size=32),
    st.integers(0, 400),
)
def test_people_of_cells_inside_are_kept(drawn: Any, values: list[float], shift: int) -> None:
    """Against a plain loop over the cells: value × the share of the cell's area inside; equal neighbours included."""
    homes, _ = drawn
    raster = raster_of(np.reshape(values, (4, 8)).tolist(), west=-300 + shift, north=1100, size=300)
    table, _ = spread(homes, PeopleSources(raster=raster))
    wanted = []
    for place, value in enumerate(values):
        row, col = divmod(place, 8)
        west, top = -300 + shift + 300 * col, 1100 - 300 * row
        wide = max(0.0, min(west + 300, 2000) - max(west, 0))
        high = max(0.0, min(top, 1000) - max(top - 300, 0))
        wanted.append(value * wide * high / 300**2)
    assert close(math.fsum(table.loc[table["inside"], "pop_total"]), math.fsum(wanted))
    assert close(math.fsum(table.loc[table["inside"], list(BANDS)].to_numpy().ravel()), math.fsum(wanted) / 2)
