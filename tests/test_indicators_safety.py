"""Figures of the ways to school, added up on paper: the safe walk, routes, gates."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from indicator_tables import CATALOGUE, figures, homes, one, tables, unlocated, zones
from pandas import DataFrame

from xiqing_space.indicators import build_indicators
from xiqing_space.indicators.route_rows import route_rows
from xiqing_space.indicators.rows import Writer

# two zones; kindergartens are for 3–5: 10 children in each home but b, which has 30
HOMES = homes(
    [
        {"demand_id": "a", "zone_id": "Z1"},
        {"demand_id": "b", "zone_id": "Z1", "pop_3_5": 30.0},
        {"demand_id": "c", "zone_id": "Z2"},
    ]
)
ZONES = zones(("Z1", "甲", "urban"), ("Z2", "乙", "urban"))
WALKS = {"kindergarten": {"a": 200.0, "b": 250.0, "c": 290.0}}


def safe(**metres: float) -> DataFrame:
    rows = [(home, "kindergarten", profile, metres.get(home, float("nan")), None if home in metres else "beyond_search_limit")
            for home in ("a", "b", "c") for profile in ("walk", "pram")]  # fmt: skip
    return DataFrame(rows, columns=["demand_id", "kind", "profile", "distance_m", "reason"])


def safe_bridge(*rows: tuple[str, str]) -> DataFrame:
    return DataFrame(
        [(home, "kindergarten", "walk", 300.0, cause) for home, cause in rows],
        columns=["demand_id", "kind", "profile", "limit_m", "cause"],
    )


def test_the_safe_walk_beside_walk_and_radius() -> None:
    # safely a stays at 200 m, b comes to 700 m over the signal, c reaches nothing: 10 of 50
    rows = figures(
        tables(
            HOMES,
            ZONES,
            WALKS,
            safe=safe(a=200.0, b=700.0),
            safe_bridge=safe_bridge(("b", "unsignalised_arterial"), ("c", "rail")),
        )
    )
    wanted: dict[str, Any] = {
        "indicator_id": "A02-coverage",
        "kind": "kindergarten",
        "standard_id": "kindergarten_300m",
    }
    assert one(rows, measure="walk", **wanted)["value"] == 1.0
    found = one(rows, measure="safe_walk", **wanted)
    assert (found["value"], found["numerator"], found["denominator"]) == (0.2, 10.0, 50.0)
    assert not isinstance(found["verdict"], str)  # only the radius carries one
    assert one(rows, measure="safe_walk", zone_id="Z2", **wanted)["value"] == 0.0
    # lost between the two: 30 over an arterial, 10 over rails
    lost = {"indicator_id": "A13-lost", "kind": "kindergarten"}
    assert one(rows, **lost)["value"] == pytest.approx(0.8)
    assert one(rows, variant="unsignalised_arterial", **lost)["numerator"] == 30.0
    assert one(rows, variant="rail", **lost)["numerator"] == 10.0
    assert one(rows, variant="unsignalised_arterial", zone_id="Z1", **lost)["value"] == pytest.approx(30 / 40)


def test_a_limit_finer_than_the_table_keeps_its_causes() -> None:
    finer = CATALOGUE.with_standards({}, {"kindergarten_300m": (300.00004, "地方导则")})
    data = tables(HOMES, ZONES, WALKS, safe=safe(a=200.0, b=700.0), safe_bridge=safe_bridge(("b", "rail")))
    rows = build_indicators(data, finer, "key", True)
    assert one(rows, indicator_id="A13-lost", kind="kindergarten", variant="rail")["numerator"] == 30.0


def test_no_safe_walk_where_nobody_measured_it() -> None:
    rows = figures(tables(HOMES, ZONES, WALKS))
    assert "safe_walk" not in set(rows["measure"])
    assert not rows["indicator_id"].str.startswith("A13-lost").any()


def routes(*rows: tuple[Any, ...]) -> DataFrame:
    columns = [
        "demand_id",
        "kind",
        "children",
        "reason",
        "acceptable",
        "route_score",
        "m_high",
        "m_very_high",
        "worst_crossing_id",
        "reliability",
    ]
    return DataFrame(rows, columns=columns).assign(inside=True, assigned_by="nearest")


CROSSINGS = DataFrame(
    {"crossing_id": ["x", "y", "z"], "arterial": [True, True, False], "control": ["marked", "signals", "none"]}
)
# a: 10 pupils, acceptable, score 80, 50 m of high risk, over x (an arterial's zebra); b: 30, not, score 40, 100 + 20 m, over y
# (signals); c: 10 without a place; and 10 of c's older ones whose way is too long
ROUTES = routes(
    ("a", "primary_school", 10.0, None, True, 80.0, 50.0, 0.0, "x", "high"),
    ("b", "primary_school", 30.0, None, False, 40.0, 100.0, 20.0, "y", "low"),
    ("c", "primary_school", 10.0, "home_not_linked", False, np.nan, np.nan, np.nan, None, None),
    ("c", "junior_school", 10.0, "beyond_route_limit", False, np.nan, np.nan, np.nan, None, None),
)


def test_routes_by_hand() -> None:
    rows = figures(tables(HOMES, ZONES, WALKS, routes=ROUTES, crossings=CROSSINGS))
    share = one(rows, indicator_id="A13-acceptable", kind="primary_school")
    # 10 of 50 acceptable, the 10 without a place unknown: between 10 and 20 of 50
    assert (share["value"], share["value_low"], share["value_high"]) == (0.2, 0.2, 0.4)
    assert (share["numerator"], share["denominator"], share["n_unknown"]) == (10.0, 50.0, 10.0)
    # all kinds: 10 of 60; the way that is too long is known and not acceptable
    assert one(rows, indicator_id="A13-acceptable", kind="")["value"] == pytest.approx(10 / 60)
    assert one(rows, indicator_id="A13-acceptable", kind="junior_school")["value"] == 0.0
    assert one(rows, indicator_id="A13-arterial", kind="primary_school")["value"] == 0.2
    assert one(rows, indicator_id="A13-unsure", kind="primary_school")["value"] == pytest.approx(30 / 50)
    # (10 * 80 + 30 * 40) / 40 and (10 * 50 + 30 * 120) / 40
    assert one(rows, indicator_id="A13-score", kind="primary_school")["value"] == 50.0
    # the best 10 of 40 are a quarter: nine tenths of them reach no more than 40
    assert one(rows, indicator_id="A13-p10", kind="primary_school")["value"] == 40.0
    assert one(rows, indicator_id="A13-score", kind="primary_school")[["value_low", "value_high"]].isna().all()
    assert one(rows, indicator_id="A13-high", kind="primary_school")["value"] == pytest.approx(102.5)
    assert one(rows, indicator_id="A13-score", kind="junior_school")["reason"] == "no_routes"
    nobody = one(rows, indicator_id="A13-acceptable", kind="primary_school", zone_id="Z2")
    assert np.isnan(nobody["value"])
    assert nobody["reason"] == "homes_unknown"


def test_zones_weighted_by_their_pupils_give_the_district() -> None:
    rows = figures(tables(HOMES, ZONES, WALKS, routes=ROUTES, crossings=CROSSINGS))
    for name in ("A13-acceptable", "A13-score", "A13-high"):
        mine = rows[(rows["indicator_id"] == name) & (rows["kind"] == "")].set_index("zone_id")
        parts, whole = mine.loc[["Z1", "Z2"]], mine.loc["*"]
        assert parts["denominator"].sum() == pytest.approx(whole["denominator"])
        held = np.nansum(parts["value"] * parts["denominator"])
        assert held == pytest.approx(whole["value"] * whole["denominator"])


def test_a_school_kind_that_nobody_mapped_is_no_data_and_never_nought() -> None:
    nobody = routes(
        ("a", "junior_school", 10.0, "no_school", False, np.nan, np.nan, np.nan, None, None),
        ("b", "junior_school", 10.0, "no_school", False, np.nan, np.nan, np.nan, None, None),
    )
    rows = figures(tables(HOMES, ZONES, WALKS, routes=nobody))
    for name in ("A13-acceptable", "A13-arterial", "A13-unsure"):
        found = one(rows, indicator_id=name, kind="junior_school")
        assert np.isnan(found["value"])
        assert (found["reason"], found["n_unknown"]) == ("no_facility_mapped", 20.0)
    assert one(rows, indicator_id="A13-acceptable", kind="junior_school", zone_id="Z2")["reason"] == "no_children"


def test_a_school_without_a_place_may_be_the_nearest_one() -> None:
    rows = figures(
        tables(HOMES, ZONES, WALKS, waiting=unlocated([{"kind": "primary_school"}]), routes=ROUTES, crossings=CROSSINGS)
    )
    found = one(rows, indicator_id="A13-acceptable", kind="primary_school")
    assert (found["value"], found["reason"]) == (0.2, "schools_unlocated")
    assert found[["value_low", "value_high"]].isna().all()
    # the office's own list says which school: nobody else can be nearer
    listed = tables(HOMES, ZONES, WALKS, waiting=unlocated([{"kind": "primary_school"}]), crossings=CROSSINGS,
                    routes=ROUTES.assign(assigned_by="table"))  # fmt: skip
    assert one(figures(listed), indicator_id="A13-acceptable", kind="primary_school")["value_high"] == 0.4


def test_zones_that_are_relatively_weak() -> None:
    # of four zones the lowest quarter is one: Z3, where nobody's way is acceptable
    names = [f"Z{at}" for at in range(1, 5)]
    four = zones(*((name, name, "urban") for name in names))
    people = homes([{"demand_id": f"h{name}", "zone_id": name} for name in names])
    ways = routes(
        *((f"h{name}", "primary_school", 10.0, None, name != "Z3", 80.0, 0.0, 0.0, None, "high") for name in names)
    )
    rows = figures(tables(people, four, WALKS, routes=ways))
    key = {"indicator_id": "A13-weak"}
    assert [one(rows, zone_id=name, **key)["value"] for name in names] == [0.0, 0.0, 1.0, 0.0]
    assert one(rows, **key)[["value", "denominator"]].tolist() == [1.0, 4.0]
    few = figures(tables(HOMES, ZONES, WALKS, routes=ROUTES))
    assert one(few, **key)["reason"] == "too_few_zones"


scores = st.lists(
    st.tuples(st.integers(10, 50).map(lambda value: 2.0 * value), st.integers(0, 9).map(float), st.sampled_from("abc")),
    min_size=1, max_size=12,
)  # fmt: skip


@given(scores)
@settings(max_examples=25, deadline=None)
def test_nine_tenths_reach_p10_by_a_plain_count(rows: list[tuple[float, float, str]]) -> None:
    ways = routes(
        *((home, "primary_school", who, None, True, score, 0.0, 0.0, None, "high") for score, who, home in rows)
    )
    data = tables(HOMES, ZONES, WALKS, routes=ways)
    found = {row["zone_id"]: row for row in route_rows(data, Writer(CATALOGUE, "persons"))
             if row["indicator_id"] == "A13-p10" and row["kind"] == ""}  # fmt: skip
    for zone, here in (("*", "abc"), ("Z1", "ab"), ("Z2", "c")):
        mine = [(score, who) for score, who, home in rows if home in here and who]
        total = sum(who for _, who in mine)
        if not mine:
            assert found[zone]["reason"] == "no_routes"
            continue
        reached = [
            score for score, _ in mine if sum(who for other, who in mine if other >= score) >= 0.9 * total - 1e-9
        ]
        assert found[zone]["value"] == max(reached)


def gates(*rows: tuple[str, str, str, str, float, str | None], **more: Any) -> DataFrame:
    columns = ["gate_id", "site_id", "zone_id", "rule_id", "measured", "verdict"]
    return DataFrame(rows, columns=columns).assign(**({"reason": None, "gate_use": "student"} | more))


def test_gates_that_meet_a_rule() -> None:
    frame = gates(
        ("g1", "s1", "Z1", "speed_limit_30", 30.0, "meets"), ("g2", "s2", "Z1", "speed_limit_30", 50.0, "below_recommended"),
        ("g3", "s3", "Z2", "speed_limit_30", np.nan, "unknown"), ("g1", "s1", "Z1", "junction_100m", 120.0, "meets"),
        ("g1", "s1", "Z1", "internet_cafes_200m", 2.0, "unknown"), ("g2", "s2", "Z1", "internet_cafes_200m", 0.0, "unknown"),
        ("g3", "s3", "Z2", "internet_cafes_200m", np.nan, "no_data"), ("g1", "s1", "Z1", "guard_50m", np.nan, "unknown"),
    )  # fmt: skip
    rows = figures(tables(HOMES, ZONES, WALKS, gate_rules=frame))
    speed = one(rows, indicator_id="A16-speed")
    # one of two known, one unknown: between 1 and 2 of 3
    assert (speed["value"], speed["numerator"], speed["denominator"], speed["n_unknown"]) == (0.5, 1.0, 2.0, 1.0)
    assert (speed["value_low"], speed["value_high"]) == (pytest.approx(1 / 3), pytest.approx(2 / 3))
    assert one(rows, indicator_id="A16-speed", zone_id="Z2")["reason"] == "no_gates_known"
    assert one(rows, indicator_id="A13-gates", variant="junction_100m")["value"] == 1.0
    # points to verify: one of two schools whose surroundings are known; how many, never which
    assert one(rows, indicator_id="A17-premises")["value"] == 1.0
    assert one(rows, indicator_id="A17-premises")["value_high"] == 2.0
    # without a list of guards there is no figure, and no 0 %
    guard = one(rows, indicator_id="A20-guard-gates")
    assert np.isnan(guard["value"])
    assert guard["reason"] == "no_guard_list"


def test_vehicle_gates_and_gates_that_a_rule_asks_nothing_of_do_not_count() -> None:
    frame = pd.concat(
        [
            gates(("g1", "s1", "Z1", "crossing_50m", 20.0, "meets")),
            gates(("g2", "s1", "Z1", "crossing_50m", np.nan, "unknown"), reason="vehicle_gate", gate_use="vehicle"),
            gates(("g3", "s1", "Z1", "speed_limit_30", 50.0, "below_recommended"), gate_use="vehicle"),
            gates(("g4", "s2", "Z1", "crossing_50m", 1.0, "meets"), reason="does_not_apply"),
            gates(("g5", "s2", "Z1", "crossing_50m", np.nan, "unknown"), reason="gate_guessed", gate_use="guessed"),
        ],
        ignore_index=True,
    )
    rows = figures(tables(HOMES, ZONES, WALKS, gate_rules=frame))
    found = one(rows, indicator_id="A13-gates", variant="crossing_50m")
    assert (found["numerator"], found["denominator"], found["n_unknown"]) == (1.0, 1.0, 1.0)
    assert not (rows["indicator_id"] == "A16-speed").any()


def test_a_school_of_which_one_gate_was_not_looked_at_is_not_known_to_have_nothing() -> None:
    frame = gates(
        ("g1", "s1", "Z1", "internet_cafes_200m", 0.0, "unknown"), ("g2", "s1", "Z1", "internet_cafes_200m", np.nan, "unknown"),
        ("g3", "s2", "Z1", "internet_cafes_200m", 3.0, "unknown"), ("g4", "s2", "Z1", "internet_cafes_200m", np.nan, "unknown"),
        ("g5", "s3", "Z2", "internet_cafes_200m", 0.0, "unknown"),
    )  # fmt: skip
    rows = figures(tables(HOMES, ZONES, WALKS, gate_rules=frame))
    found = one(rows, indicator_id="A17-premises")
    assert found[["value", "value_high", "denominator", "n_unknown"]].tolist() == [1.0, 2.0, 2.0, 1.0]
    assert one(rows, indicator_id="A17-premises", zone_id="Z2")["value"] == 0.0


def test_guards_are_told_of_the_district_alone() -> None:
    frame = gates(
        ("g1", "s1", "Z1", "guard_50m", 1.0, "meets"), ("g2", "s2", "Z2", "guard_50m", 0.0, "below_recommended")
    )
    rows = figures(tables(HOMES, ZONES, WALKS, gate_rules=frame))
    assert rows.loc[rows["indicator_id"] == "A20-guard-gates", "zone_id"].tolist() == ["*"]
    assert one(rows, indicator_id="A20-guard-gates")["value"] == 0.5
    guessed = gates(("g1", "s1", "Z1", "guard_50m", np.nan, "unknown"), reason="gate_guessed", gate_use="guessed")
    rows = figures(tables(HOMES, ZONES, WALKS, gate_rules=guessed))
    assert one(rows, indicator_id="A20-guard-gates")["reason"] == "no_gates_known"


def test_what_nobody_looked_at_leaves_no_rows() -> None:
    rows = figures(tables(HOMES, ZONES, WALKS))
    assert (
        not rows["indicator_id"]
        .isin(["A13-acceptable", "A13-gates", "A16-speed", "A17-premises", "A20-guard-gates"])
        .any()
    )


def test_every_reason_has_its_words() -> None:
    rows = pd.concat(
        [figures(tables(HOMES, ZONES, WALKS, routes=ROUTES, crossings=CROSSINGS)), figures(tables(HOMES, ZONES, WALKS))]
    )
    for reason in rows["reason"].dropna().unique():
        assert f"why_{reason}" in CATALOGUE.words or reason.startswith("reference_"), reason
