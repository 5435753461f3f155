"""Places per child: a case by hand, plain loops beside the arrays, and what must hold for any numbers."""

from __future__ import annotations

import math
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from xiqing_space.catalog import load_catalogue
from xiqing_space.catalog.capacity import CapacityRules, Weights
from xiqing_space.coverage.access import AccessInputs, ProfileLinks
from xiqing_space.coverage.facility_reach import KindReach, measure_facility_reach, reach_of_kind, search_of
from xiqing_space.coverage.supply import gaussian, in_bands, known_places, measure_supply, share_places, within
from xiqing_space.ingest.quality import Quality
from xiqing_space.network.graph import assemble
from xiqing_space.network.pairs import Pairs
from xiqing_space.network.reach import Seeds
from xiqing_space.stages.measure_supply import _note_places
from xiqing_space.tables import finish

RULES = load_catalogue().capacity
LIMIT = 300.0
PRESCHOOL = load_catalogue().bands["preschool"]

# homes: children, and what they are
HOMES = ("a", "b", "c", "d", "e", "f", "g", "h")
CHILDREN = (40.0, 20.0, 0.0, 10.0, 5.0, 7.0, 3.0, 0.0)  # e is not linked, f not placed, g near nothing
# facilities: 60 places public; 30 private, inferred; unknown places public; 40 places that no child reaches
PLACES = pd.DataFrame({"places": [60.0, 30.0, np.nan, 40.0], "inferred": [False, True, False, False], "shared": False})
# (facility, home, metres)
NEAR = ((0, 0, 100.0), (0, 1, 200.0), (0, 2, 300.0), (1, 1, 50.0), (1, 2, 250.0), (2, 3, 120.0), (3, 7, 10.0))


def demand_of(children: tuple[float, ...] = CHILDREN, weight: str = "persons") -> pd.DataFrame:
    names = HOMES if len(children) == len(HOMES) else tuple(f"h{row}" for row in range(len(children)))
    return pd.DataFrame(
        {
            "demand_id": list(names), "pop_3_5": list(children), "weight_kind": weight,
            "inside": [name != "b" for name in names], "placed": [name != "f" for name in names],
        }
    )  # fmt: skip


def reach_of(
    near: tuple[tuple[int, int, float], ...] = NEAR, operators: tuple[str, ...] = ("public", "private", "public", "public"),
    homes: int = len(HOMES), linked: tuple[bool, ...] | None = None,
) -> KindReach:  # fmt: skip
    site, home, metres = (np.asarray(column) for column in zip(*sorted(near), strict=True)) if near else ([], [], [])
    count = len(operators)
    facilities = pd.DataFrame({"facility_id": [f"f{row}" for row in range(count)], "operator": list(operators)})
    home_linked = np.asarray([row != 4 for row in range(homes)], dtype=bool)
    pairs = Pairs(np.asarray(site, dtype=np.int64), np.asarray(home, dtype=np.int64), np.asarray(metres, dtype=float),
                  np.arange(2.0 * count).reshape(count, 2))  # fmt: skip
    return KindReach("kindergarten", "walk", facilities, (150.0, LIMIT), pairs,
                     np.ones(count, dtype=bool) if linked is None else np.asarray(linked), home_linked)  # fmt: skip


def supply_of(
    reach: KindReach | None = None, demand: pd.DataFrame | None = None, places: pd.DataFrame = PLACES
) -> pd.DataFrame:
    found = measure_supply(
        reach or reach_of(), demand_of() if demand is None else demand, "pop_3_5", places, LIMIT, RULES
    )
    return finish("supply", found).set_index(["operators", "method", "demand_id"]).sort_index()


# ---- by hand


def test_two_steps_by_hand() -> None:
    # f0: 60 ÷ (40 + 20 + 0) = 1; f1: 30 ÷ 20 = 1.5
    value = supply_of()["places_per_child"].xs(("all", "2sfca"))
    assert value[["a", "b", "c", "g"]].tolist() == [1.0, 2.5, 2.5, 0.0]
    assert value[["d", "e", "f", "h"]].isna().all()


def test_bands_by_hand() -> None:
    # thirds of 300: a at 100 counts whole, b at 200 .68, c at 300 and 250 .22. f0: 60 ÷ (40 + 13.6) = 1.1194030; f1: 30 ÷ 20
    value = supply_of()["places_per_child"].xs(("all", "e2sfca"))
    assert value["a"] == pytest.approx(60 / 53.6, abs=1e-9)
    assert value["b"] == pytest.approx(0.68 * 60 / 53.6 + 1.5, abs=1e-9)
    assert value["c"] == pytest.approx(0.22 * 60 / 53.6 + 0.22 * 1.5, abs=1e-9)


def test_gaussian_by_hand() -> None:
    # f(100) = (e^(-1/18) - e^(-1/2)) / (1 - e^(-1/2)) = .86266, f(200) = .49358, f(300) = 0
    foot = math.exp(-0.5)
    f100, f200 = ((math.exp(-0.5 * (d / 300) ** 2) - foot) / (1 - foot) for d in (100, 200))
    assert (f100, f200) == pytest.approx((0.86266, 0.49358), abs=1e-5)
    value = supply_of()["places_per_child"].xs(("all", "gaussian"))
    assert value["a"] == pytest.approx(60 / (40 * f100 + 20 * f200) * f100, abs=1e-9)
    assert value["b"] == pytest.approx(60 / (40 * f100 + 20 * f200) * f200 + 30 / 20, abs=1e-9)


def test_every_missing_value_has_its_reason_and_no_other_has_one() -> None:
    rows = supply_of().xs(("all", "2sfca"))
    reasons = {"d": "no_places_known", "e": "home_not_linked", "f": "home_not_placed", "h": "no_children"}
    assert rows["reason"].dropna().to_dict() == reasons
    assert (rows["places_per_child"].isna() == rows["reason"].notna()).all()


def test_share_that_rests_on_inferred_places() -> None:
    share = supply_of()["share_inferred"].xs(("all", "2sfca"))
    assert share[["a", "b", "c"]].tolist() == [0.0, 0.6, 0.6]
    assert share[["d", "g", "h"]].isna().all()


def test_public_places_are_shared_by_all_children() -> None:
    rows = supply_of()
    public = rows["places_per_child"].xs(("public", "2sfca"))
    assert public[["a", "b", "c"]].tolist() == [1.0, 1.0, 1.0]
    both = reach_of(operators=("public", "inclusive_private", "public", "unknown"))
    inclusive = supply_of(both)["places_per_child"].xs(("public_inclusive", "2sfca"))
    assert inclusive[["a", "b", "c"]].tolist() == [1.0, 2.5, 2.5]
    assert supply_of(both)["places_per_child"].xs(("public", "2sfca"))["b"] == 1.0


@pytest.mark.parametrize(
    ("reach", "demand", "places", "reason"),
    [
        (reach_of(near=(), operators=()), demand_of(), PLACES.iloc[:0], "no_facility_mapped"),
        (reach_of(near=(), operators=()), demand_of(weight="relative"), PLACES.iloc[:0], "no_facility_mapped"),
        (reach_of(), demand_of(weight="relative"), PLACES, "relative_weights"),
        (reach_of(), demand_of(), PLACES.assign(places=np.nan), "no_places_known"),
        (reach_of(linked=(False, False, True, False)), demand_of(), PLACES, "facility_not_linked"),
    ],
)
def test_where_there_is_no_supply_every_home_says_why(
    reach: KindReach, demand: pd.DataFrame, places: pd.DataFrame, reason: str
) -> None:
    rows = supply_of(reach, demand, places)
    assert len(rows) == 9 * len(HOMES)
    assert rows.xs("all")["places_per_child"].isna().all()
    assert set(rows.xs("all")["reason"]) == {reason}


def test_whom_nobody_names_as_public_is_not_counted_as_none() -> None:
    rows = supply_of(reach_of(operators=("unknown", "private", "unknown", "unknown")))
    assert set(rows.xs("public")["reason"]) == {"no_facility_mapped"}
    assert rows.xs("public")["places_per_child"].isna().all()


def test_no_homes_no_rows() -> None:
    assert supply_of(reach_of(near=(), homes=0), demand_of(())).empty


# ---- weights


def test_edges_of_bands_belong_to_the_nearer_band() -> None:
    metres = np.array([0.0, 100.0, 100.01, 200.0, 200.01, 300.0, 300.01])
    assert in_bands(300.0, (1.0, 0.68, 0.22))(metres).tolist() == [1.0, 1.0, 0.68, 0.68, 0.22, 0.22, 0.0]
    assert within(300.0)(metres).tolist() == [1.0] * 6 + [0.0]


@given(st.floats(1.0, 5000.0))
def test_the_limit_itself_is_within(limit: float) -> None:
    assert in_bands(limit, RULES.weights.e2sfca)(np.array([limit]))[0] == RULES.weights.e2sfca[-1]
    assert within(limit)(np.array([limit]))[0] == 1.0


def test_gaussian_falls_from_one_to_nothing() -> None:
    falls = gaussian(500.0)(np.linspace(0, 600, 61))
    assert falls[0] == 1.0
    assert (np.diff(falls) <= 0).all()
    assert falls[50:].tolist() == [0.0] * 11


@pytest.mark.parametrize("weights", [(0.5, 0.6), (1.2,), (0.0,), ()])
def test_weights_must_fall(weights: tuple[float, ...]) -> None:
    with pytest.raises(ValidationError):
        Weights(e2sfca=weights, source="s", seen="P")


# ---- any numbers, with plain loops


@st.composite
def towns(draw: st.DrawFn) -> tuple[list[float], list[float], dict[tuple[int, int], float]]:
    """Children of each home, places of each facility (nan: unknown), metres of each pair."""
    children = draw(st.lists(st.sampled_from([0.0, 1.0, 2.5, 40.0, 0.1, 333.3]), min_size=1, max_size=6))
    places = draw(st.lists(st.sampled_from([math.nan, 1.0, 30.0, 180.5]), min_size=1, max_size=4))
    pair = st.tuples(st.integers(0, len(places) - 1), st.integers(0, len(children) - 1))
    metres = st.one_of(
        st.floats(0, 300).map(lambda value: round(value, 2)), st.sampled_from([0.0, 100.0, 200.0, 300.0])
    )
    return children, places, draw(st.dictionaries(pair, metres, max_size=14))


def plain_weight(method: str, metres: float) -> float:
    if method == "2sfca":
        return 1.0
    if method == "e2sfca":
        return 1.0 if metres <= 100 else 0.68 if metres <= 200 else 0.22
    return (math.exp(-((metres / 300) ** 2) / 2) - math.exp(-0.5)) / (1 - math.exp(-0.5)) if metres < 300 else 0.0


@settings(max_examples=120, deadline=None)
@given(towns())
def test_plain_loops_agree_and_no_place_is_lost(
    town: tuple[list[float], list[float], dict[tuple[int, int], float]],
) -> None:
    children, places, near = town
    facility, home = (np.asarray([pair[side] for pair in sorted(near)], dtype=np.int64) for side in (0, 1))
    metres = np.asarray([near[pair] for pair in sorted(near)])
    for method, weigh in {
        "2sfca": within(300.0),
        "e2sfca": in_bands(300.0, (1.0, 0.68, 0.22)),
        "gaussian": gaussian(300.0),
    }.items():
        got = share_places(
            facility, home, weigh(metres), np.asarray(children), np.asarray(places), np.zeros(len(places), dtype=bool)
        )
        want, given_out = [0.0] * len(children), 0.0
        for row, count in enumerate(places):
            crowd = 0.0
            for (one, place), far in near.items():
                if one == row:
                    crowd += children[place] * plain_weight(method, far)
            if math.isnan(count) or not crowd > 0:
                continue
            given_out += count
            for (one, place), far in near.items():
                if one == row:
                    want[place] += count / crowd * plain_weight(method, far)
        assert got.at_home.tolist() == pytest.approx(want, rel=1e-9, abs=1e-12)
        shared = sum(people * value for people, value in zip(children, got.at_home.tolist(), strict=True))
        assert shared == pytest.approx(given_out, rel=1e-9, abs=1e-9)


@settings(max_examples=8, deadline=None)
@given(towns(), st.integers(0, 2**32 - 1))
def test_order_of_homes_and_pairs_moves_no_figure(
    town: tuple[list[float], list[float], dict[tuple[int, int], float]], seed: int
) -> None:
    children, places, near = town
    table = pd.DataFrame({"places": places, "inferred": False, "shared": False})
    operators = ("public",) * len(places)
    plain = tuple((one, place, far) for (one, place), far in near.items())
    homes = len(children)
    before = supply_of(reach_of(plain, operators, homes), demand_of(tuple(children)), table)
    order = np.random.default_rng(seed).permutation(homes)
    back = np.argsort(order)
    reach = reach_of(tuple((one, int(back[place]), far) for one, place, far in plain), operators, homes)
    linked = np.asarray([row != 4 for row in range(homes)])
    object.__setattr__(reach, "home_linked", linked[order])
    after = supply_of(reach, demand_of(tuple(children)).iloc[order].reset_index(drop=True), table)
    pd.testing.assert_frame_equal(before, after, check_exact=False, rtol=0, atol=2e-9)


# ---- facility reach


def test_reach_counts_the_buffer_and_keeps_relative_weights_from_places() -> None:
    reach, places = reach_of(linked=(True, True, True, False)), PLACES["places"].to_numpy()
    rows = measure_facility_reach(reach, demand_of(), [PRESCHOOL], places).set_index(["facility_id", "limit_m"])
    # f0 within 150: a; within 300 a, b, c; b lives in the buffer. f3 is not linked: no row
    assert rows["children"].to_dict() == {
        ("f0", 150.0): 40.0, ("f0", 300.0): 60.0, ("f1", 150.0): 20.0, ("f1", 300.0): 20.0, ("f2", 150.0): 10.0, ("f2", 300.0): 10.0,
    }  # fmt: skip
    assert rows["children_inside"].tolist() == [40.0, 0.0, 10.0, 40.0, 0.0, 10.0]
    assert rows["places_per_child"].tolist()[:2] == [1.5, 1.5]
    assert rows["places_per_child"].isna().tolist() == [False, False, True, False, False, True]
    assert rows["reached_m"].tolist() == [0.0, 2.0, 4.0, 1.0, 3.0, 5.0]
    relative = measure_facility_reach(reach, demand_of(weight="relative"), [PRESCHOOL], places)
    assert relative["places_per_child"].isna().all()
    assert set(relative["weight_kind"]) == {"relative"}


def test_two_facilities_of_a_kind_on_one_site_share_its_ways_in() -> None:
    line = np.array([[0.0, 0.0], [100.0, 0.0], [200.0, 0.0]])
    graph = assemble(np.array(["a", "b", "c"], dtype=object), line, np.array(["e", "f"], dtype=object), np.array([0, 1], dtype=np.int32),
                     np.array([1, 2], dtype=np.int32), np.array([100.0, 100.0]))  # fmt: skip
    facilities = pd.DataFrame(
        {
            "facility_id": ["y", "x", "z", "p", "w"], "site_id": ["s", "s", "t", "s", "off"], "status": "operating",
            "kind": ["kindergarten", "kindergarten", "kindergarten", "park", "kindergarten"],
            "serves": ["everyone", "everyone", "residents", "everyone", "everyone"],
        }
    )  # fmt: skip
    homes = Seeds(np.array([1]), np.array([50.0]), np.array([0.0]))
    gates = Seeds(np.array([0, 1, 1]), np.array([10.0, 90.0, 50.0]), np.zeros(3))
    names = np.array(["s", "s", "t"], dtype=object)
    links = ProfileLinks(graph, homes, np.array([0]), np.array([False]), names[:1], gates, names, names)
    demand = pd.DataFrame({"demand_id": ["h"], "geometry": None})
    inputs = AccessInputs(demand, facilities, facilities, facilities, 4548)
    reach = reach_of_kind(inputs, links, search_of(inputs, links), "kindergarten", "walk", (60.0,))
    assert reach.facilities["facility_id"].tolist() == ["w", "x", "y"]  # z is for residents only
    assert (reach.pairs.site.tolist(), reach.pairs.distance_m.tolist()) == ([1, 2], [40.0, 40.0])
    assert reach.facility_linked.tolist() == [False, True, True]
    # gates at 10 and 190 of 200 m: 0–70 and 130–200
    assert reach.pairs.reached_m[:, 0].tolist() == pytest.approx([0.0, 140.0, 140.0])


# ---- places


def listed(*rows: dict[str, Any]) -> pd.DataFrame:
    base = {
        "site_id": "s",
        "source": "a.xlsx",
        "source_row": "1",
        "capacity_places": np.nan,
        "classes": np.nan,
        "capacity_from": None,
    }
    return pd.DataFrame([{**base, "site_id": f"s{row}", "source_row": str(row), **one} for row, one in enumerate(rows)])


def places_of(*rows: dict[str, Any]) -> list[tuple[float | None, bool]]:
    found = known_places(listed(*rows), RULES)
    return [
        (None if np.isnan(value) else value, bool(by_rule))
        for value, by_rule in zip(found["places"], found["inferred"], strict=True)
    ]


def test_stated_places_stand_and_classes_stand_in() -> None:
    assert places_of(
        {"kind": "kindergarten", "capacity_places": 180.0, "classes": 9.0}, {"kind": "kindergarten", "classes": 9.0},
        {"kind": "childcare", "classes": 4.0}, {"kind": "primary_school", "classes": 24.0}, {"kind": "kindergarten"},
        {"kind": "park", "classes": 2.0}, {"kind": "kindergarten", "capacity_places": 90.0, "capacity_from": "default"},
    ) == [(180.0, False), (270.0, True), (60.0, True), (1080.0, True), (None, False), (None, False), (90.0, True)]  # fmt: skip


def test_nought_is_unknown_and_never_zero() -> None:
    assert places_of(
        {"kind": "kindergarten", "capacity_places": 0.0}, {"kind": "kindergarten", "capacity_places": 0.0, "classes": 3.0},
        {"kind": "kindergarten", "classes": 0.0},
    ) == [(None, False), (90.0, True), (None, False)]  # fmt: skip


def test_one_figure_for_several_levels_is_shared_by_years() -> None:
    school = {"site_id": "n", "source_row": "7", "capacity_places": 1800.0}
    nine = [{**school, "kind": kind} for kind in ("primary_school", "junior_school")]
    assert places_of(*nine) == [(1200.0, True), (600.0, True)]
    # classes: 24 of 36 × 45 and 12 of 36 × 50
    by_class = [{**one, "capacity_places": np.nan, "classes": 36.0} for one in nine]
    assert places_of(*by_class) == [(1080.0, True), (600.0, True)]
    # figures of their own, or of another row of the list, are their own
    assert places_of(nine[0], {**nine[1], "capacity_places": 700.0}) == [(1800.0, False), (700.0, False)]
    assert places_of(nine[0], {**nine[1], "source_row": "8"}) == [(1800.0, False), (1800.0, False)]
    # nothing says how a kindergarten and its 托班 share one
    assert places_of({**school, "kind": "kindergarten"}, {**school, "kind": "childcare"}) == [(None, False)] * 2


def test_doubts_about_places_are_stated() -> None:
    facilities = listed(
        {"kind": "kindergarten", "capacity_places": 0.0}, {"kind": "kindergarten"}, {"kind": "kindergarten", "classes": 6.0},
        {"kind": "kindergarten", "capacity_places": 90.0},
    ).assign(facility_id=["f0", "f1", "f2", "f3"])  # fmt: skip
    reach = replace(reach_of(), facilities=facilities)
    context = SimpleNamespace(quality=Quality(), catalogue=load_catalogue())
    _note_places(cast(Any, context), reach, known_places(facilities, RULES))
    found = context.quality.frame().set_index("check")
    assert found["id"].to_dict() == {
        "places_unknown": "kindergarten",
        "places_inferred": "kindergarten",
        "places_nought": "f0",
    }
    assert "4 处幼儿园中 2 处" in found["what_zh"]["places_unknown"]
    assert "1 of 4" in found["what_en"]["places_inferred"]
    assert found[["source", "row"]].loc["places_nought"].tolist() == ["a.xlsx", "0"]


# ---- the catalogue


def test_kinds_with_places_have_one_band_and_a_distance() -> None:
    catalogue = load_catalogue()
    assert catalogue.capacity.kinds == ("kindergarten", "childcare", "primary_school", "junior_school", "senior_school")
    assert {kind: catalogue.supply_limit_m(kind) for kind in catalogue.capacity.kinds} == {
        "kindergarten": 300.0, "childcare": 300.0, "primary_school": 500.0, "junior_school": 1000.0, "senior_school": 1000.0,
    }  # fmt: skip
    other = catalogue.with_standards({"kindergarten": "kindergarten_500m"}, {})
    assert other.supply_limit_m("kindergarten") == 500.0


def test_limits_are_those_of_the_bands_on_that_network() -> None:
    catalogue = load_catalogue()
    assert catalogue.limits_m("park", "walk") == (240.0, 300.0, 500.0)  # 5 minutes at 0.8 m/s, and at 1.0
    assert catalogue.limits_m("park", "pram") == (300.0, 500.0)
    assert catalogue.limits_m("childcare", "walk") == ()
    assert catalogue.limits_m("senior_school", "walk") == (1000.0,)


def test_an_unseen_clause_of_a_rule_cannot_be_stored() -> None:
    rule = RULES.place[0].model_dump()
    for changes, word in (
        ({"seen": "U"}, "not seen"),
        ({"limit_m": 300.0}, "comes from"),
        ({"class_size": 0}, "class_size"),
    ):
        with pytest.raises(ValidationError, match=word):
            CapacityRules(place=[{**rule, **changes}], weights=RULES.weights)
    with pytest.raises(ValidationError, match="two rules"):
        CapacityRules(place=[rule, rule], weights=RULES.weights)
