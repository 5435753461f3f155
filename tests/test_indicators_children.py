"""Shares of children by hand from small tables: zones, circle, bridge, other cases, sensitivity."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from indicator_tables import CATALOGUE, facilities, figures, homes, one, sensitivity, tables, unlocated, zones

from xiqing_space.schemas.coverage import CAUSES
from xiqing_space.tables import finish

URBAN = zones(("A", "甲街道", "urban"), ("B", "乙街道", "urban"), ("C", "丙镇", "rural"))
DEMAND = homes([
    {"demand_id": "h1", "zone_id": "A", "pop_3_5": 30.0}, {"demand_id": "h2", "zone_id": "A", "pop_3_5": 10.0},
    {"demand_id": "h3", "zone_id": "B", "pop_3_5": 40.0}, {"demand_id": "h4", "zone_id": "C", "pop_3_5": 20.0},
    {"demand_id": "h5", "zone_id": None, "pop_3_5": 500.0, "inside": False},
])  # fmt: skip
WALKS: dict[str, dict[str, float | str]] = {
    "kindergarten": {"h1": 250.0, "h2": 550.0, "h3": 450.0, "h4": "home_not_linked", "h5": 100.0},
}  # fmt: skip
NUMBERS = ["value", "value_low", "value_high", "numerator", "denominator", "n_unknown"]


def share(rows: pd.DataFrame, **wanted: Any) -> tuple[float, ...]:
    return tuple(one(rows, **wanted)[NUMBERS].astype(float))


def test_zones_settlements_and_district_by_hand() -> None:
    rows = figures(tables(DEMAND, URBAN, WALKS))
    key = {"indicator_id": "A02-coverage", "kind": "kindergarten", "measure": "walk"}
    # 300 m: h1 (30 of 100 children); h4 (20) is unknown. 500 m: h1 and h3
    at = key | {"standard_id": "kindergarten_300m"}
    assert share(rows, **at) == pytest.approx((0.3, 0.3, 0.5, 30, 100, 20))
    assert share(rows, **at, zone_id="*urban") == pytest.approx((30 / 80, 30 / 80, 30 / 80, 30, 80, 0))
    assert share(rows, **at, zone_id="A") == pytest.approx((0.75, 0.75, 0.75, 30, 40, 0))
    assert share(rows, **at, zone_id="B")[0] == 0.0
    assert np.isnan(share(rows, **at, zone_id="C")[0])
    assert one(rows, **at, zone_id="*rural")["reason"] == "homes_unknown"
    assert share(rows, **key, standard_id="kindergarten_500m") == pytest.approx((0.7, 0.7, 0.9, 70, 100, 20))
    # urban standards judge the urban zones together, not the district with its village
    judged = {
        "indicator_id": "A02-coverage",
        "kind": "kindergarten",
        "measure": "radius",
        "standard_id": "kindergarten_300m",
    }
    assert one(rows, **judged)["verdict"] == "unknown"
    assert one(rows, **judged, zone_id="*urban")["verdict"] == "meets"  # half as far: 125, 275 and 225 m
    assert one(rows, **judged, zone_id="*rural")["reason"] == "not_all_urban"
    names = dict(zip(rows["zone_id"], rows["zone_name"], strict=True))
    assert (names["*"], names["*urban"], names["*rural"]) == ("全区", "城镇街镇合计", "乡村街镇合计")


def test_zones_that_do_not_tell_their_settlement_are_not_put_apart() -> None:
    for settlements in ((None, "mixed", None), ("urban", "urban", "urban")):  # the latter are the district itself
        places = zones(*((name, name, one) for name, one in zip("ABC", settlements, strict=True)))
        rows = figures(tables(DEMAND, places, WALKS))
        assert not rows["zone_id"].isin(["*urban", "*rural"]).any()


persons = st.integers(0, 40)
worlds = st.lists(
    st.tuples(st.sampled_from(["A", "B", "C"]), persons, persons, st.sampled_from([50.0, 299.0, 400.0, 900.0, "unreachable",
                                                                                  "home_not_linked", "beyond_search_limit"])),
    min_size=1, max_size=9,
)  # fmt: skip


@settings(max_examples=8, deadline=None)
@given(worlds)
def test_zone_shares_weighted_by_children_give_the_district_s(rows: list[tuple[str, int, int, Any]]) -> None:
    demand = homes([{"demand_id": f"h{at}", "zone_id": zone, "pop_3_5": float(small), "pop_6_11": float(large)}
                    for at, (zone, small, large, _) in enumerate(rows)])  # fmt: skip
    walks = {kind: {f"h{at}": row[3] for at, row in enumerate(rows)} for kind in ("kindergarten", "park", "clinic")}
    found = figures(tables(demand, URBAN, walks))
    found = found[found["indicator_id"].isin(["A02-coverage", "A02-circle", "A02-bridge"])]
    found["met"] = found["value"] * found["denominator"]
    keys = ["indicator_id", "kind", "measure", "standard_id", "age_band", "variant"]
    by = found.pivot_table(
        index=keys, columns="zone_id", values=["value", "met", "denominator", "n_unknown"], dropna=False, sort=False
    )
    known = by["value"]["*"].notna()
    # who is unknown in a zone without a figure stands below the line of the district all the same
    each = by["met"][["A", "B", "C"]].fillna(0.0).sum(axis=1)
    np.testing.assert_allclose(each[known], by["met"]["*"][known], atol=1e-9)
    for column in ("denominator", "n_unknown"):
        np.testing.assert_allclose(by[column][["A", "B", "C"]].sum(axis=1)[known], by[column]["*"][known], atol=1e-9)


def test_the_order_of_rows_changes_nothing() -> None:
    demand = pd.DataFrame(DEMAND.iloc[[3, 0, 4, 2, 1]])
    first, second = tables(DEMAND, URBAN, WALKS, bridge=BRIDGE), tables(demand, URBAN, WALKS, bridge=BRIDGE.iloc[::-1])
    for name, made in (("indicators", figures), ("sensitivity", sensitivity)):
        pd.testing.assert_frame_equal(finish(name, made(first)), finish(name, made(second)))


def test_a_kind_that_nobody_mapped_is_no_data_in_every_zone_and_never_zero() -> None:
    data = tables(DEMAND, URBAN, WALKS)
    rows = figures(data)
    mine = rows[(rows["kind"] == "library") & (rows["basis"] != "reported")]
    assert {"*", "*urban", "*rural", "A", "B", "C"} <= set(mine["zone_id"])
    assert mine["value"].isna().all()
    assert set(mine["reason"]) == {"no_facility_mapped"}
    moved = sensitivity(data).query("kind == 'library'")
    assert moved[["value", "changed"]].isna().all().all()


def test_relative_weights_never_become_persons() -> None:
    demand = homes([{"demand_id": "h1", "zone_id": "A"}, {"demand_id": "h2", "zone_id": "B"}], persons=False)
    walks: dict[str, dict[str, float | str]] = {"kindergarten": {"h1": 100.0}, "childcare": {"h1": 100.0}}
    places = facilities([{"kind": kind, "zone": 0, "capacity_places": 90.0} for kind in walks])
    rows = figures(tables(demand, URBAN, walks, of=places))
    counted = rows[rows["value"].notna() & (rows["weight_kind"] == "persons")]
    assert counted.empty
    of_places = rows[rows["basis"] == "places"]
    assert of_places["value"].isna().all()
    mapped = of_places[of_places["kind"].isin(walks)]
    assert set(mapped["reason"]) == {"relative_weights"}
    assert set(mapped["verdict"]) == {"no_data"}


# ---- the complete circle

WHOLE = {kind: dict.fromkeys(["h1", "h2", "h3", "h4"], 100.0) for kind in CATALOGUE.circle}


def test_the_circle_by_hand() -> None:
    # every kind at every door, but h2 is 400 m from the park, h3 misses the junior school and h4 knows nothing of its library
    walks: dict[str, dict[str, float | str]] = {kind: dict(row) for kind, row in WHOLE.items()}
    walks["park"]["h2"], walks["junior_school"]["h3"], walks["library"]["h4"] = 400.0, 1200.0, "home_not_linked"
    walks["park"]["h4"] = 100.0
    demand = homes([{"demand_id": f"h{at}", "zone_id": zone} for at, zone in ((1, "A"), (2, "A"), (3, "B"), (4, "C"))])
    rows = figures(tables(demand, URBAN, walks))
    rows = rows[rows["indicator_id"] == "A02-circle"]
    # 0-2, 3-5 and 6-11 need a park, so h2 loses 30 of its 50; 12-14 need a junior school: h3 loses 10; 6 to 17 a library: 30 unknown
    assert share(rows) == pytest.approx((130 / 200, 130 / 200, 160 / 200, 130, 200, 30))
    assert share(rows, zone_id="A") == pytest.approx((70 / 100, 70 / 100, 70 / 100, 70, 100, 0))
    assert share(rows, age_band="junior") == pytest.approx((20 / 40, 20 / 40, 30 / 40, 20, 40, 10))
    assert one(rows)["label_zh"] == "完整生活圈覆盖率（步行距离（沿路））"


def test_a_kind_of_the_circle_that_nobody_mapped_is_named_and_not_counted_as_reached() -> None:
    walks: dict[str, dict[str, float | str]] = {kind: dict(row) for kind, row in WHOLE.items() if kind != "childcare"}
    demand = homes([{"demand_id": f"h{at}", "zone_id": zone} for at, zone in ((1, "A"), (2, "A"), (3, "B"), (4, "C"))])
    rows = figures(tables(demand, URBAN, walks))
    rows = rows[rows["indicator_id"] == "A02-circle"]
    # only 0 to 2 need it: of 50 children of a home 10 may lack something that nobody looked for
    assert share(rows)[:3] == pytest.approx((1.0, 0.8, 1.0))
    assert share(rows, age_band="infant")[:3] == pytest.approx((1.0, 0.0, 1.0))
    assert one(rows)["reason"] == one(rows, age_band="infant")["reason"] == "kinds_not_mapped"
    assert "托育机构" in one(rows)["label_zh"]
    assert pd.isna(one(rows, age_band="junior")["reason"])
    only = figures(tables(demand, URBAN, {"clinic": WHOLE["clinic"]}))
    # nothing of what 15 to 17 need is mapped: no figure for them, and they are unknown in the figure of all
    senior = one(only, indicator_id="A02-circle", age_band="senior")
    assert np.isnan(senior["value"])
    assert senior["reason"] == "no_facility_mapped"
    assert share(only[only["indicator_id"] == "A02-circle"])[3:] == pytest.approx((120, 200, 80))


def test_places_to_be_verified_leave_the_circle_without_a_high_value() -> None:
    waiting = unlocated([{"kind": "park"}])
    rows = figures(tables(DEMAND, URBAN, WHOLE, waiting=waiting))
    row = one(rows, indicator_id="A02-circle")
    assert np.isnan(row["value_high"])
    assert row["reason"] == "positions_unknown"


def test_the_circle_that_a_second_method_counts() -> None:
    rng = np.random.default_rng(5)
    demand = homes([{"demand_id": f"h{at}", "zone_id": "ABC"[at % 3], "pop_3_5": float(at)} for at in range(40)])
    walks: dict[str, dict[str, float | str]] = {
        kind: {home: float(rng.integers(50, 1300)) for home in demand["demand_id"]} for kind in CATALOGUE.circle
    }  # fmt: skip
    found = one(figures(tables(demand, URBAN, walks)), indicator_id="A02-circle")
    met = 0.0
    for row in demand.to_dict("records"):
        for band in CATALOGUE.bands.values():
            needed = [kind for kind in CATALOGUE.circle if kind in band.kinds]
            limits = [CATALOGUE.standards_of(kind)[0].limit_m(band) for kind in needed]
            met += row[band.column] * all(
                float(walks[kind][row["demand_id"]]) <= limit for kind, limit in zip(needed, limits, strict=True)
            )
    assert found["numerator"] == pytest.approx(met, abs=1e-9)
    assert 0 < found["value"] < 1


# ---- the bridge

BRIDGE = pd.DataFrame(
    [("h2", "kindergarten", "walk", 300.0, 275.0, 550.0, 290.0, "water"),
     ("h3", "kindergarten", "walk", 300.0, 225.0, 450.0, np.nan, "pattern"),
     ("h4", "kindergarten", "walk", 300.0, 200.0, np.nan, np.nan, "home_not_linked"),
     ("h5", "kindergarten", "walk", 300.0, 200.0, 400.0, 100.0, "rail")],
    columns=["demand_id", "kind", "profile", "limit_m", "straight_m", "distance_m", "lifted_m", "cause"],
)  # fmt: skip


def near(walks: dict[str, dict[str, float | str]]) -> Any:
    data = tables(DEMAND, URBAN, walks, bridge=BRIDGE)
    straight = data.access["straight_m"].where(data.access["demand_id"] != "h4", 200.0)
    data.access["straight_m"] = straight
    return data


def test_the_bridge_by_hand() -> None:
    rows = figures(near(WALKS))
    rows = rows[(rows["indicator_id"] == "A02-bridge") & (rows["kind"] == "kindergarten")]
    # within 300 m straight: all of the 100 children; on foot h1 alone. h2 (10) and h3 (40) are lost, of h4 (20) nobody knows
    assert share(rows) == pytest.approx((0.5, 0.5, 0.7, 50, 100, 20))
    causes = rows[(rows["zone_id"] == "*") & (rows["variant"] != "")].set_index("variant")["value"]
    assert causes.to_dict() == pytest.approx({"water": 0.1, "pattern": 0.4, "home_not_linked": 0.2})
    assert set(causes.index) < set(CAUSES)
    assert one(rows, zone_id="B", variant="pattern")["value"] == 1.0
    assert one(rows, zone_id="B", variant="water")["value"] == 0.0
    assert one(rows, variant="water")["label_zh"] == "半径内而步行不可达：幼儿园（步行距离（沿路），300 m，水域）"
    for _, mine in rows.groupby("zone_id"):  # the causes of a zone are its children lost and unknown
        whole = mine[mine["variant"] == ""].iloc[0]
        parts = mine.loc[mine["variant"] != "", "numerator"].sum()
        if not np.isnan(whole["value"]):
            assert parts == pytest.approx(whole["numerator"] + whole["n_unknown"])


def test_a_bridge_that_nobody_measured_says_so() -> None:
    data = tables(DEMAND, URBAN, WALKS)
    rows = figures(data)
    row = one(rows, indicator_id="A02-bridge", kind="kindergarten")
    assert row["reason"] == "causes_not_measured"
    assert row["value"] == pytest.approx(0.5)


# ---- other cases of access

INSIDE = pd.DataFrame(
    [("h1", "kindergarten", "walk", 700.0, 350.0, None), ("h3", "kindergarten", "walk", 480.0, 240.0, None)],
    columns=["demand_id", "kind", "profile", "distance_m", "straight_m", "reason"],
)  # fmt: skip


def test_the_district_s_own_facilities_alone() -> None:
    of = facilities([{"kind": "kindergarten", "zone": 0}, {"kind": "kindergarten", "zone": 2, "inside": False}])
    data = tables(DEMAND, URBAN, WALKS, of=of, inside=INSIDE)
    key = {"indicator_id": "A02-inside", "kind": "kindergarten", "measure": "walk", "standard_id": "kindergarten_300m"}
    # h1 has its kindergarten from the neighbours: 30 of 100 children are left with none
    assert share(figures(data), **key)[0] == 0.0
    assert share(figures(data), **(key | {"measure": "radius"}))[0] == pytest.approx(
        0.5
    )  # h2 275 and h3 240 m straight
    assert pd.isna(one(figures(data), **key)["verdict"])
    # where no facility stands outside there is nothing to tell apart
    plain = figures(tables(DEMAND, URBAN, WALKS))
    assert not plain["indicator_id"].eq("A02-inside").any()


def moved(rows: pd.DataFrame, scenario: str, **wanted: Any) -> pd.Series:
    return one(rows, **({"kind": "kindergarten", "measure": "walk", "scenario": scenario} | wanted))


def test_sensitivity_by_hand() -> None:
    no_legs = pd.DataFrame([("h1", 200.0), ("h2", 290.0), ("h3", 420.0)], columns=["demand_id", "distance_m"])
    no_legs = no_legs.assign(kind="kindergarten", profile="walk")
    fewer = INSIDE.assign(distance_m=[310.0, 480.0])
    rows = finish("sensitivity", sensitivity(tables(DEMAND, URBAN, WALKS, no_legs=no_legs, no_inferred=fewer)))
    hand = {"alternative_limit": 0.7, "no_access_legs": 0.4, "no_inferred_facilities": np.nan, "one_gate": 0.3}
    for scenario, changed in hand.items():
        row = moved(rows, scenario)
        assert row["value"] == pytest.approx(0.3)
        assert row["changed"] == pytest.approx(changed, nan_ok=True), scenario
        assert row["difference"] == pytest.approx(changed - 0.3, nan_ok=True)
    assert moved(rows, "alternative_limit")["changed_to"] == "kindergarten_500m"
    assert moved(rows, "no_inferred_facilities")["reason"] == "all_inferred"
    assert moved(rows, "faster_10")["reason"] == "metres_have_no_pace"
    assert moved(rows, "no_access_legs", zone_id="A")["changed"] == 1.0
    # straight lines have neither legs nor gates
    radius = rows[(rows["kind"] == "kindergarten") & (rows["measure"] == "radius")]
    assert set(radius["scenario"]) == {"alternative_limit", "no_inferred_facilities"}
    # what stands is the figure itself
    table = finish("indicators", figures(tables(DEMAND, URBAN, WALKS)))
    both = rows.merge(table[(table["age_band"] == "*") & (table["variant"] == "")],
                      on=["indicator_id", "kind", "zone_id", "measure", "standard_id"])  # fmt: skip
    assert len(both) == len(rows)
    pd.testing.assert_series_equal(both["value_x"], both["value_y"], check_names=False)


def test_only_minutes_move_with_the_pace() -> None:
    walks: dict[str, dict[str, float | str]] = {"library": {"h1": 850.0, "h2": 950.0, "h3": 1150.0, "h4": 960.0}}
    demand = homes([{"demand_id": f"h{at}", "zone_id": "A"} for at in range(1, 5)])
    rows = sensitivity(tables(demand, URBAN, walks))
    # 15 minutes: 900 m at 6 to 11, 1,080 m above; 10 % faster 990 and 1,188, slower 810 and 972. A third each of 30 children
    assert moved(rows, "faster_10", kind="library")["value"] == pytest.approx((1 + 3 + 3) / 12)
    assert moved(rows, "faster_10", kind="library")["changed"] == pytest.approx((3 + 4 + 4) / 12)
    assert moved(rows, "slower_10", kind="library")["changed"] == pytest.approx((0 + 3 + 3) / 12)
    assert moved(rows, "alternative_limit", kind="library")["reason"] == "no_alternative"
