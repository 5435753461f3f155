"""Works on the ways to school: the catalogue, what each changes, and what that does to routes, by plain sums made again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from street_scenes import CATALOGUE, WORKS
from way_drawing import random_walks

from xiqing_space.catalog.treatments import load_treatments, read_treatments
from xiqing_space.errors import CatalogueError
from xiqing_space.safety.assignment import Assigned
from xiqing_space.safety.route_sums import sum_routes
from xiqing_space.safety.routes import choose_routes, walk_shortest
from xiqing_space.safety.school_routes import SchoolRoutes
from xiqing_space.safety.score import CONTROLS, cross_score, score_segments
from xiqing_space.safety.work_effects import Effects, measure_effects, of_pairs, route_again, summed
from xiqing_space.safety.work_scores import crossing_after, crossing_fits, street_after, street_fits
from xiqing_space.safety.works import Works
from xiqing_space.schemas.safety import SIDEWALKS

# --- the catalogue


def test_the_works_that_were_asked_for_are_there_and_say_what_they_are() -> None:
    assert {"zebra", "island", "raised_table", "signal", "sidewalk", "zone_30", "guard", "open_gate"} <= set(WORKS)
    assert all(one.status == "proposal" and one.zh and one.en for one in WORKS.values())
    assert CATALOGUE.fix_list.name_zh == "建议优先整治清单"
    assert CATALOGUE.fix_list.guard_m == 50.0  # 行动20


ONE = """
[list]
name_zh = "清单"
name_en = "list"
length = 20
bad = ["high"]
guard_m = 50.0
stretch_m = 500.0
least_stretch_m = 20.0
[[treatment]]
id = "zebra"
zh = "斑马线"
en = "Zebra"
target = "crossing"
reach = "place"
cost = "low"
term = "near"
status = "proposal"
note = "why"
sets = { control = "marked" }
only = { control = ["none"] }
"""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('target = "crossing"', 'target = "edge"'),  # a street has no halves
        ('sets = { control = "marked" }', "sets = { speed_kmh = 30 }"),  # a crossing does not make a street slower
        ('sets = { control = "marked" }', "sets = {}"),
        ('sets = { control = "marked" }', 'sets = { control = "zebra" }'),
        ('sets = { control = "marked" }', "sets = { island = false }"),  # nothing is taken away
        ('only = { control = ["none"] }', 'only = { sidewalk = ["none"] }'),
        ('only = { control = ["none"] }', "only = { over_speed_kmh = 50, most_speed_kmh = 50 }"),
        ('cost = "low"', 'cost = "cheap"'),
        ('status = "proposal"', 'status = "in_force"'),
        ('note = "why"', 'note = ""'),
        ("guard_m = 50.0", "guard_m = 50.0\nguard_km = 1"),
    ],
)
def test_a_file_that_contradicts_itself_is_refused(old: str, new: str) -> None:
    assert read_treatments(ONE).treatment[0].id == "zebra"
    with pytest.raises(CatalogueError):
        read_treatments(ONE.replace(old, new))


def test_a_work_given_twice_is_refused() -> None:
    part = ONE[ONE.index("[[treatment]]") :]
    with pytest.raises(CatalogueError):
        read_treatments(ONE + part)


def test_treatments_are_read_once() -> None:
    assert load_treatments() is load_treatments()


# --- what works do to scores


def crossing(**given: Any) -> dict[str, Any]:
    usual = {"place": "junction", "legs": 4, "road_highway": "secondary", "arterial": True, "speed_kmh": 50.0, "lanes_crossed": 4,
             "width_m": 14.0, "control": "marked", "island": False, "raised": False, "guard": False, "flow_per_lane": 6000.0,
             "lit": True, "surface": "good", "parking": "none", "calming": False}  # fmt: skip
    return {**usual, **given}


def street(**given: Any) -> dict[str, Any]:
    usual = {"road_class": "residential", "speed_kmh": 30.0, "lanes_per_dir": 1, "sidewalk_left": "none", "sidewalk_right": "none",
             "flow_per_lane": 500.0, "lit": True, "surface": "good", "calming": False, "median": "none"}  # fmt: skip
    return {**usual, **given}


def test_worked_examples_of_the_standards() -> None:
    # standards.md B1.3: secondary 50, 2×2, zebra 39.70; with a signal 7.14; tertiary 40, zebra, 6.18 → 3.71 with a guard;
    # residential 30 without sidewalk 5.53 → .44 with one
    rows = pd.DataFrame([crossing()])
    assert crossing_after(rows, WORKS["signal"].sets, CATALOGUE)[0] == pytest.approx(7.14, abs=0.01)
    tertiary = pd.DataFrame(
        [crossing(road_highway="tertiary", arterial=False, speed_kmh=40.0, lanes_crossed=2, flow_per_lane=3000.0)]
    )
    assert crossing_after(tertiary, WORKS["guard"].sets, CATALOGUE)[0] == pytest.approx(3.71, abs=0.01)
    rows = pd.DataFrame([street()])
    assert street_after(rows, WORKS["sidewalk"].sets, CATALOGUE)[0] == pytest.approx(0.44, abs=0.005)


@pytest.mark.parametrize(
    ("work", "given", "fits"),
    [
        ("zebra", {"control": "none"}, True),
        ("zebra", {"control": "marked"}, False),
        ("zebra", {"control": "signals"}, False),
        ("zebra", {"control": "none", "speed_kmh": 60.0}, False),
        ("raised_table", {"arterial": True}, False),
        ("raised_table", {"arterial": False, "speed_kmh": 60.0}, False),
        ("raised_table", {"arterial": False, "raised": True}, False),
        ("raised_table", {"arterial": False}, True),
        ("island", {"lanes_crossed": 2, "width_m": 7.0}, False),
        ("island", {"lanes_crossed": 2, "width_m": 16.0}, False),
        ("island", {"lanes_crossed": 2, "width_m": 16.1}, True),
        ("island", {"lanes_crossed": 4, "width_m": 14.0}, True),
        ("island", {"lanes_crossed": 4, "island": True}, False),
        ("island", {"control": "grade_separated"}, False),
        ("signal", {"control": "signals"}, False),
        ("signal", {"road_highway": "residential"}, False),
        ("signal", {}, True),
        ("footbridge", {}, False),
        ("footbridge", {"speed_kmh": 70.0}, True),
        ("guard", {"guard": True}, False),
        ("guard", {"control": "grade_separated"}, False),
    ],
)
def test_where_a_work_on_a_crossing_makes_sense(work: str, given: dict[str, Any], fits: bool) -> None:
    assert crossing_fits(pd.DataFrame([crossing(**given)]), WORKS[work].only).tolist() == [fits]


@pytest.mark.parametrize(
    ("work", "given", "fits"),
    [
        ("sidewalk", {}, True),
        ("sidewalk", {"sidewalk_left": "separated_0_1m"}, True),  # one side lacks it
        ("sidewalk", {"sidewalk_left": "separated_0_1m", "sidewalk_right": "barrier"}, False),
        ("sidewalk", {"road_class": "living_street"}, False),
        ("sidewalk", {"road_class": "foot"}, False),
        ("zone_30", {}, False),
        ("zone_30", {"speed_kmh": 40.0}, True),
        ("zone_30", {"speed_kmh": 40.0, "road_class": "primary"}, False),
        ("zone_30", {"speed_kmh": 70.0}, False),
        ("lighting", {}, False),
        ("lighting", {"lit": False}, True),
    ],
)
def test_where_a_work_on_a_street_makes_sense(work: str, given: dict[str, Any], fits: bool) -> None:
    assert street_fits(pd.DataFrame([street(**given)]), WORKS[work].only, CATALOGUE).tolist() == [fits]


flags = st.booleans()
crossings = st.fixed_dictionaries({
    "place": st.sampled_from(["junction", "block", "over"]), "legs": st.integers(2, 6),
    "road_highway": st.sampled_from(["primary", "tertiary", "residential"]), "arterial": flags,
    "speed_kmh": st.sampled_from([15.0, 30.0, 50.0, 55.0, 80.0]), "lanes_crossed": st.integers(1, 8),
    "control": st.sampled_from(CONTROLS), "island": flags, "raised": flags, "guard": flags,
    "flow_per_lane": st.sampled_from([200.0, 3000.0, 9000.0]), "lit": flags, "calming": flags,
    "surface": st.sampled_from(["good", "poor"]), "parking": st.sampled_from(["none", "both"]),
}).map(lambda one: crossing(**one))  # fmt: skip
streets = st.fixed_dictionaries({
    "road_class": st.sampled_from(["primary", "residential", "foot"]), "speed_kmh": st.sampled_from([15.0, 30.0, 50.0, 80.0]),
    "lanes_per_dir": st.integers(1, 4), "sidewalk_left": st.sampled_from(SIDEWALKS), "sidewalk_right": st.sampled_from(SIDEWALKS),
    "lit": flags, "calming": flags, "median": st.sampled_from(["none", "painted"]), "surface": st.sampled_from(["good", "poor"]),
}).map(lambda one: street(**one))  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(st.lists(crossings, min_size=1, max_size=8), st.lists(streets, min_size=1, max_size=8))
def test_no_work_raises_a_score(over: list[dict[str, Any]], along: list[dict[str, Any]]) -> None:
    """Wherever it is done, sensible there or not."""
    table, roads = pd.DataFrame(over), pd.DataFrame(along)
    before = cross_score(table, CATALOGUE.safety["factors"]).round(4)
    now = score_segments(_sourced(roads), CATALOGUE)["along"].to_numpy()
    for work in WORKS.values():
        if work.target == "edge":
            assert (street_after(roads, work.sets, CATALOGUE) <= now).all(), work.id
        assert (crossing_after(table, work.sets, CATALOGUE) <= before).all(), work.id


def _sourced(roads: pd.DataFrame) -> pd.DataFrame:
    names = ("speed_kmh", "lanes_per_dir", "sidewalk_left", "sidewalk_right", "lit", "surface", "calming", "median")
    return roads.assign(
        edge_id=[str(row) for row in range(len(roads))],
        road_status="urban",
        **{f"{name}_from": "tag" for name in names},
    )


# --- what works do to routes: random ones against sums made again


def as_routes(seed: int) -> SchoolRoutes:
    walks = random_walks(seed)
    home, school = np.repeat(np.arange(12), 3), np.tile(np.arange(3), 12)
    nearest = walk_shortest(walks, home, school)
    routed = choose_routes(walks, home, school, nearest)
    rows = pd.DataFrame({"home": home, "school": school, "kind": "primary_school", "assigned_by": "nearest", "reason": None,
                         "children": 1.0 + home % 3, "pair": np.arange(len(home))})  # fmt: skip
    assigned = Assigned(np.array(["s0", "s1", "s2"], dtype=object), rows, pd.DataFrame(), ())
    return SchoolRoutes(assigned, rows, walks, home, school, routed, sum_routes(routed, walks, CATALOGUE), nearest)


def random_works(routes: SchoolRoutes, seed: int) -> Works:
    rng = np.random.default_rng(seed)
    values = routes.walks.values
    before = np.concatenate([values.along, values.cross])
    work, item = [], []
    for number in range(12):
        chosen = np.sort(rng.choice(len(before), size=rng.integers(1, 6), replace=False))
        work += [number] * len(chosen)
        item += chosen.tolist()
    after = before[item] * rng.choice([0.0, 0.1, 0.5, 0.9], size=len(item))
    frame = pd.DataFrame({"target_id": [str(one) for one in range(12)]})
    return Works(frame, np.array(work), np.array(item), after, before, len(values.along))


@pytest.mark.parametrize("seed", range(8))
def test_effects_are_what_sums_made_again_say(seed: int) -> None:
    routes = as_routes(seed)
    works = random_works(routes, seed)
    effects = measure_effects(works, routes, CATALOGUE)
    assert len(effects.pair)
    pupils = routes.pupils().sum(axis=1)
    total = summed(effects, len(works.frame), pupils)
    for number in range(len(works.frame)):
        done = replace(routes.walks, values=works.done(number, routes.walks.values))
        sums = sum_routes(routes.routed, done, CATALOGUE)
        fall = (routes.sums["route_risk"] - sums["route_risk"]).fillna(0.0).to_numpy()
        mine = effects.of(number)
        got = np.zeros(len(fall))
        got[mine.pair] = mine.removed
        np.testing.assert_allclose(got, fall, atol=1e-6)
        better = ~routes.sums["acceptable"] & sums["acceptable"]
        assert set(mine.pair[mine.acceptable]) == set(np.flatnonzero(better))
        assert total.loc[number, "risk_removed"] == pytest.approx((pupils * fall).sum(), abs=1e-6)
        assert total.loc[number, "children_helped"] == pytest.approx(pupils[fall > 1e-9].sum())
        assert total.loc[number, "children_acceptable"] == pytest.approx(pupils[better].sum())
        # routed again: the safer of the old way and the new one
        pairs = np.flatnonzero(routes.school == number % 3)
        nearest = of_pairs(routes.nearest, pairs)
        again = route_again(routes, done, nearest, pairs, mine, CATALOGUE)
        new = sum_routes(choose_routes(done, routes.home[pairs], routes.school[pairs], nearest), done, CATALOGUE)
        expected = np.maximum(
            fall[pairs], np.nan_to_num(routes.sums["route_risk"].to_numpy()[pairs] - new["route_risk"].to_numpy())
        )
        got = np.zeros(len(routes.home))
        got[again.pair] = again.removed
        np.testing.assert_allclose(got[pairs], np.where(expected > 1e-9, expected, 0.0), atol=1e-6)
        assert (got[pairs] >= fall[pairs] - 1e-6).all()


def test_a_riskier_short_cut_is_not_held_against_a_work() -> None:
    """With a crossing made half as bad, the model's walker takes it and the shorter way: R rises, yet the old way is still there."""
    routes = as_routes(1)
    pairs = np.arange(len(routes.home))
    worse = replace(routes.walks, values=replace(routes.walks.values, cross=routes.walks.values.cross + 5.0))
    none = Effects(*(np.zeros(0, dtype=kind) for kind in (np.int64, np.int64, float, bool)))
    assert len(route_again(routes, worse, routes.nearest, pairs, none, CATALOGUE).pair) == 0
