"""Figures that count places, doctors, communities and stated totals, and what the plan itself states; by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from indicator_tables import CATALOGUE, facilities, figures, homes, one, tables, unlocated, zones

from xiqing_space.indicators import Stated
from xiqing_space.indicators.equity import gini
from xiqing_space.tables import finish

ZONES = zones(("A", "甲街道", "urban"), ("B", "乙镇", "rural"))
DEMAND = homes([
    {"demand_id": "h1", "zone_id": "A", "pop_3_5": 30.0, "pop_total": 3000.0},
    {"demand_id": "h2", "zone_id": "A", "pop_3_5": 10.0, "pop_total": 1000.0},
    {"demand_id": "h3", "zone_id": "B", "pop_3_5": 40.0, "pop_total": 2000.0},
])  # fmt: skip
NOWHERE: dict[str, dict[str, float | str]] = {}


def rows_of(of: Any = None, waiting: Any = None, **more: Any) -> pd.DataFrame:
    found = facilities([]) if of is None else facilities(of)
    return figures(
        tables(DEMAND, ZONES, NOWHERE, of=found, waiting=None if waiting is None else unlocated(waiting), **more)
    )


# ---- places

CHILDCARE = [
    {"kind": "childcare", "zone": 0, "capacity_places": 20.0, "operator": "public"},
    {"kind": "childcare", "zone": 0, "capacity_places": 10.0, "operator": "private"},
    {"kind": "childcare", "zone": 1, "capacity_places": 6.0, "operator": "inclusive_private"},
    {"kind": "childcare", "zone": 1, "capacity_places": 50.0, "status": "planned"},
    {"kind": "childcare", "zone": 1, "capacity_places": 50.0, "serves": "employees"},
    {"kind": "childcare", "zone": 1, "capacity_places": 50.0, "inside": False},
]


def test_childcare_places_per_thousand_residents_by_hand() -> None:
    rows = rows_of(CHILDCARE)
    key = {"indicator_id": "A05-places"}
    # 36 places for 6,000 residents; 30 for 4,000; 6 for 2,000
    assert one(rows, **key, variant="all")["value"] == pytest.approx(6.0)
    assert one(rows, **key, variant="all", zone_id="A")["value"] == pytest.approx(7.5)
    assert one(rows, **key, variant="all", zone_id="*rural")["value"] == pytest.approx(3.0)
    assert one(rows, **key, variant="public")["value"] == pytest.approx(20 / 6)
    assert one(rows, **key, variant="public_inclusive")["value"] == pytest.approx(26 / 6)
    row = one(rows, **key, variant="all")
    assert (row["target_plan"], row["unit"]) == (4.5, "places per 1,000 residents")
    assert "4.5个" in row["target_plan_zh"]
    assert pd.isna(row["verdict"])  # the plan's target is no standard
    assert row["responsible"] == "区卫健委、区发展改革委、区教育局、区财政局、各街镇按职责分工负责"


def test_facilities_that_state_no_places_make_the_figure_a_least_one() -> None:
    rows = rows_of([*CHILDCARE[:1], {"kind": "childcare", "zone": 1}])
    key = {"indicator_id": "A05-places", "variant": "all"}
    row = one(rows, **key)
    assert (row["value"], row["n_unknown"], row["reason"]) == (pytest.approx(20 / 6), 1.0, "places_unknown")
    assert np.isnan(row["value_high"])
    other = one(rows, **key, zone_id="B")  # all of this zone's places are unknown: no figure, and no zero
    assert np.isnan(other["value"])
    assert other["reason"] == "no_places_known"
    nothing = one(rows_of([{"kind": "childcare", "zone": 1}]), **key)
    assert (nothing["verdict"], nothing["reason"]) == ("no_data", "no_places_known")


def test_places_whose_operator_nobody_knows_widen_the_range() -> None:
    kinds = [
        {"kind": "kindergarten", "zone": 0, "capacity_places": 40.0, "operator": operator}
        for operator in ("public", "unknown")
    ]
    rows = rows_of(kinds)
    key = {"indicator_id": "A06-places", "kind": "kindergarten"}
    row = one(rows, **key, variant="public")
    assert (row["value"], row["value_high"]) == (pytest.approx(40 / 80), pytest.approx(80 / 80))
    assert one(rows, **key, variant="all")["value"] == pytest.approx(1.0)
    nobody = one(rows_of([kinds[1]]), **key, variant="public")
    assert np.isnan(nobody["value"])
    assert nobody["reason"] == "operators_unknown"


def test_places_of_lists_count_where_their_town_is_named() -> None:
    waiting = [
        {"kind": "kindergarten", "capacity_places": 60.0, "zone": "乙镇"},
        {"kind": "kindergarten", "capacity_places": 20.0, "zone": None},
        {"kind": "kindergarten", "capacity_places": 30.0, "zone": "甲街", "asked": True},
    ]
    rows = rows_of([{"kind": "kindergarten", "zone": 0, "capacity_places": 40.0}], waiting)
    key = {"indicator_id": "A06-places", "kind": "kindergarten", "variant": "all"}
    # the last may be one that is counted already: it is in the high value alone
    assert tuple(one(rows, **key)[["value", "value_high"]]) == pytest.approx((120 / 80, 150 / 80))
    inside = one(rows, **key, zone_id="B")
    assert inside["value"] == pytest.approx(60 / 40)
    assert np.isnan(inside["value_high"])  # the one without a town may stand here
    assert inside["reason"] == "positions_unknown"


SUPPLY = pd.DataFrame(
    [(home, "kindergarten", method, operators, level, inferred, None if level == level else "home_not_linked")
     for method in ("2sfca", "e2sfca") for operators, levels in (("all", (0.5, 1.5, np.nan)), ("public", (0.0, 0.5, np.nan)))
     for home, level, inferred in zip(("h1", "h2", "h3"), levels, (0.0, 0.5, np.nan), strict=True)],
    columns=["demand_id", "kind", "method", "operators", "places_per_child", "share_inferred", "reason"],
)  # fmt: skip


def test_supply_is_the_mean_over_the_children_whose_level_is_known() -> None:
    rows = rows_of([{"kind": "kindergarten", "zone": 0}], supply=SUPPLY)
    key = {"indicator_id": "A06-supply", "kind": "kindergarten", "variant": "e2sfca|all"}
    # 30 children at 0.5 and 10 at 1.5; of the 40 of h3 nothing is known; 7.5 of 30 places are inferred
    row = one(rows, **key)
    assert tuple(row[["value", "numerator", "denominator", "n_unknown"]]) == pytest.approx((0.75, 30, 40, 40))
    assert row["share_inferred"] == pytest.approx(0.25)
    assert one(rows, **key, zone_id="A")["value"] == pytest.approx(0.75)
    missing = one(rows, **key, zone_id="B")
    assert np.isnan(missing["value"])
    assert (missing["reason"], missing["verdict"]) == ("home_not_linked", "no_data")
    assert one(rows, **(key | {"variant": "e2sfca|public"}))["value"] == pytest.approx(5 / 40)
    # other methods stand beside it for the district alone
    assert set(rows.loc[rows["variant"] == "2sfca|all", "zone_id"]) == {"*"}
    assert (
        one(rows, indicator_id="A06-supply", kind="primary_school", variant="e2sfca|all")["reason"]
        == "no_facility_mapped"
    )


def test_equity_of_supply_and_of_shares() -> None:
    supply = SUPPLY.assign(places_per_child=SUPPLY["places_per_child"].fillna(0.25), reason=None)
    walks: dict[str, dict[str, float | str]] = {"kindergarten": {"h1": 100.0, "h2": 900.0, "h3": 900.0}}
    rows = figures(tables(DEMAND, ZONES, walks, supply=supply))
    row = one(rows, indicator_id="A02-gini", kind="kindergarten", variant="supply|e2sfca|all")
    assert row["value"] == pytest.approx(gini([0.75, 0.25], [40, 40])) == pytest.approx(0.25)
    tenth = one(rows, indicator_id="A02-tenth", kind="kindergarten", variant="supply|e2sfca|all")
    assert tenth["value"] == pytest.approx(3.0)
    share = one(rows, indicator_id="A02-gini", kind="kindergarten", measure="walk")
    assert share["value"] == pytest.approx(0.5)  # one zone has 0.75, the other nothing; each holds half of the children
    assert one(rows, indicator_id="A02-tenth", kind="kindergarten", measure="walk")["reason"] == "worst_is_zero"
    # relatively weak zones want four of them
    assert one(rows, indicator_id="A02-weak", kind="kindergarten")["reason"] == "too_few_zones"


# ---- doctors, communities, totals


def test_health_centres_with_enough_doctors_by_hand() -> None:
    doctors = [(1.0, 2.0, 0), (3.0, 1.0, 0), (0.0, 5.0, 1), (np.nan, 1.0, 1), (np.nan, 2.0, 1)]
    rows = rows_of(
        [
            {"kind": "clinic", "zone": zone, "gp_doctors": gp, "child_health_doctors": child}
            for gp, child, zone in doctors
        ]
    )
    key = {"indicator_id": "A08-doctors"}
    assert tuple(one(rows, **key, variant="gp")[["value", "value_high", "n_unknown"]]) == pytest.approx((0.4, 0.8, 2))
    assert one(rows, **key, variant="child_health")["value"] == pytest.approx(0.6)
    # both: the first; the fourth has too few for children whatever else it has; of the fifth nobody knows
    assert tuple(one(rows, **key, variant="both")[["value", "value_high", "n_unknown"]]) == pytest.approx((0.2, 0.4, 1))
    assert one(rows, **key, variant="both", zone_id="A")["value"] == pytest.approx(0.5)
    assert one(rows_of([{"kind": "clinic", "zone": 0}]), **key, variant="both")["reason"] == "no_doctor_counts"
    empty = rows_of([{"kind": "clinic", "zone": 0, "gp_doctors": 1.0, "child_health_doctors": 2.0}])
    assert one(empty, **key, variant="both", zone_id="B")["reason"] == "none_in_zone"


COMMUNITIES = pd.DataFrame(
    [("甲街道/一社区", "一社区", "甲街道", "urban"), ("甲街道/二社区", "二社区", "甲街道", "urban"),
     ("甲街道/东社区", "东社区", "甲街道", "urban"), ("乙镇/东村", "东村村委会", "乙镇", "rural"),
     ("乙镇/西村", "西村村委会", "乙镇", "rural")],
    columns=["community_id", "name", "town", "settlement"],
)  # fmt: skip


def test_communities_with_a_family_school_by_hand() -> None:
    schools = [
        {"kind": "family_school", "zone": 0, "community": "一社区"}, {"kind": "family_school", "zone": 0, "community": "一社区居委会"},
        {"kind": "family_school", "zone": 0, "name": "二社区家长学校"}, {"kind": "family_school", "zone": 1, "community": "西村"},
    ]  # fmt: skip
    rows = rows_of(schools, communities=COMMUNITIES)
    assert one(rows, indicator_id="A15-urban")["value"] == pytest.approx(2 / 3)
    assert one(rows, indicator_id="A15-rural")["value"] == pytest.approx(1 / 2)
    assert (one(rows, indicator_id="A15-urban")["target_plan"], one(rows, indicator_id="A15-rural")["target_plan"]) == (
        0.95,
        0.85,
    )
    assert one(rows, indicator_id="A15-rural", zone_id="B")["denominator"] == 2
    assert one(rows, indicator_id="A15-count")["value"] == 4.0
    assert one(rows, indicator_id="A15-count")["now_plan"] == 197.0
    assert one(rows, indicator_id="A12-childrens-place")["reason"] == "no_facility_mapped"
    lost = rows_of([*schools, {"kind": "family_school", "zone": 0, "community": "别处"}], communities=COMMUNITIES)
    row = one(lost, indicator_id="A15-urban")
    assert np.isnan(row["value_high"])
    assert (row["reason"], row["n_unknown"]) == ("communities_unknown", 1.0)


def test_one_name_in_two_towns_is_told_by_the_town_and_zones_may_be_communities() -> None:
    twice = pd.concat([COMMUNITIES, COMMUNITIES.tail(1).assign(name="东村村委会", town="甲街道")], ignore_index=True)
    rows = rows_of([{"kind": "childrens_place", "zone": 1, "community": "东村"}], communities=twice)
    assert one(rows, indicator_id="A12-childrens-place", zone_id="A")["value"] == 0.0
    assert one(rows, indicator_id="A12-childrens-place", zone_id="B")["value"] == pytest.approx(1 / 2)
    named = zones(("1", "一社区", "urban"), ("2", "东村", "rural"))
    demand = DEMAND.assign(zone_id=["1", "1", "2"])
    of = facilities([{"kind": "family_school", "zone": 1}])
    found = figures(tables(demand, named, NOWHERE, of=of))
    assert one(found, indicator_id="A15-urban")["value"] == 0.0
    assert one(found, indicator_id="A15-rural")["value"] == 1.0
    assert one(rows_of([{"kind": "family_school", "zone": 0}]), indicator_id="A15-urban")["reason"] == "no_communities"


def test_completeness_against_stated_totals_by_hand() -> None:
    of = [{"kind": "kindergarten", "zone": 0, "operator": operator} for operator in ("public", "private", "unknown")]
    waiting = [
        {"kind": "kindergarten", "operator": "public"},
        {"kind": "kindergarten", "operator": "public", "asked": True},
    ]
    stated = (
        Stated("幼儿园", ("kindergarten",), 8),
        Stated("公办园", ("kindergarten",), 4, ("public",)),
        Stated("图书馆", ("library",), 3),
    )
    rows = rows_of(of, waiting, stated=stated)
    key = {"indicator_id": "A02-completeness"}
    everyone = one(rows, **key, variant="幼儿园")
    assert tuple(everyone[["value", "value_high", "numerator", "denominator"]]) == pytest.approx((4 / 8, 5 / 8, 4, 8))
    public = one(rows, **key, variant="公办园")  # 2 sure, one asked about, one of unknown operator
    assert tuple(public[["value", "value_high", "numerator"]]) == pytest.approx((2 / 4, 4 / 4, 2))
    assert one(rows, **key, variant="图书馆")["reason"] == "no_facility_mapped"
    assert np.isnan(one(rows, **key, variant="图书馆")["value"])
    assert one(rows_of(of), **key)["reason"] == "no_stated_total"


# ---- the plan


def test_every_action_has_rows_and_the_plan_s_own_figures_are_printed_never_computed() -> None:
    rows = finish("indicators", rows_of([{"kind": "kindergarten", "zone": 0, "capacity_places": 40.0}]))
    assert set(rows["action"]) == {str(number) for number in range(1, 21)}
    enrolment = one(rows, indicator_id="A06-enrolment")
    assert (enrolment["target_plan"], enrolment["now_plan"]) == (0.93, 0.9718)
    assert "93%以上" in enrolment["target_plan_zh"]
    assert "97.18%" in enrolment["now_plan_zh"]
    reported = rows[rows["basis"] == "reported"]
    assert set(reported["indicator_id"]) == set(CATALOGUE.reported)
    assert reported[["value", "value_low", "value_high", "numerator", "denominator"]].isna().all().all()
    assert set(reported["reason"]) == {"non_spatial"}
    assert CATALOGUE.word("why_non_spatial")[0] == "非空间指标，由责任单位填报"
    assert one(rows, indicator_id="A12-communities")["target_plan"] == 10.0


def test_every_row_says_how_it_is_worked_out_who_answers_and_which_way_is_better() -> None:
    rows = finish(
        "indicators", rows_of([{"kind": kind, "zone": 0} for kind in CATALOGUE.kinds], communities=COMMUNITIES)
    )
    assert (rows["formula_zh"].str.len() > 4).all()
    assert not rows["formula_zh"].str.contains("[{}]", regex=True).loc[rows["indicator_id"] != "A02-gini"].any()
    assert (rows["responsible"].str.endswith("按职责分工负责")).all()
    assert set(rows["direction"]) == {"up", "down"}
    assert one(rows, indicator_id="A05-places", variant="all")["facility_action"] == "5"
    assert one(rows, indicator_id="A02-count", kind="library")["facility_action"] == "9"
    assert rows["evidence_id"].is_unique
    for reason in set(rows["reason"].dropna()):
        assert reason.startswith("reference_") or CATALOGUE.word(f"why_{reason}"), reason


NEEDS: dict[str, tuple[dict[str, Any], str]] = {
    "A02-coverage": ({"of": []}, "no_facility_mapped"),
    "A02-inside": ({}, ""),
    "A05-places": ({"of": [{"kind": "childcare", "zone": 0}]}, "no_places_known"),
    "A06-supply": ({"of": [{"kind": "kindergarten", "zone": 0}]}, "supply_not_measured"),
    "A08-doctors": ({"of": [{"kind": "clinic", "zone": 0}]}, "no_doctor_counts"),
    "A12-childrens-place": ({"of": [{"kind": "childrens_place", "zone": 0}]}, "no_communities"),
    "A15-urban": ({"of": []}, "no_facility_mapped"),
    "A02-completeness": ({}, "no_stated_total"),
}


@pytest.mark.parametrize("indicator", sorted(NEEDS))
def test_what_the_data_cannot_carry_is_no_data_with_a_reason(indicator: str) -> None:
    given, reason = NEEDS[indicator]
    rows = rows_of(**given)
    mine = rows[rows["indicator_id"] == indicator]
    assert mine["value"].isna().all()
    assert (len(mine) > 0) == bool(reason)
    kinds = {one["kind"] for one in given.get("of") or []}
    told = mine[mine["kind"].isin(kinds)] if kinds else mine
    assert set(told["reason"]) == ({reason} if reason else set())


def test_residents_must_be_known_for_a_figure_per_thousand() -> None:
    demand = DEMAND.assign(pop_total=[3000.0, np.nan, 2000.0])
    rows = figures(tables(demand, ZONES, NOWHERE, of=facilities(CHILDCARE)))
    assert one(rows, indicator_id="A05-places", variant="all")["reason"] == "residents_unknown"
