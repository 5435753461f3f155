"""A public release: what is left out, worked out by hand; and that nothing left out can be worked out again."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from helpers import box, call, degrees, write_config
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from release_rules import CATALOGUE, FLOOR, RULES
from scipy.optimize import linprog

from xiqing_space.release import notice_of
from xiqing_space.release.grid import cell_corners, cell_names, clipped_squares
from xiqing_space.release.people import count_people, zone_demand
from xiqing_space.release.routes import release_fixes, release_flows, release_forest, release_schools
from xiqing_space.release.suppress import Sum, hide_crossed, hide_parts, in_steps, is_small
from xiqing_space.sections import OutputConfig
from xiqing_space.stage_list import STAGES

# ---- which figures are left out, by hand


@pytest.mark.parametrize(
    ("children", "shown"),
    [
        ([12, 30, 25], [12, 30, 25]),  # none is small
        ([4, 30, 25], [None, 30, None]),  # 59 − 30 − 25 = 4: the next smallest goes too
        ([4, 3, 30], [None, None, None]),  # two are hidden, but 37 − 30 = 7 children would stand there
        ([4, 7, 30], [None, None, 30]),  # 11 children in two cells: neither can be told
        ([0, 4, 12, 30], [0, None, None, 30]),  # nobody is no group, and hides nobody
        ([4], [None]),
        ([9.9999, 20, 30], [None, None, 30]),
        ([10, 20, 30], [10, 20, 30]),  # ten is not fewer than ten
    ],
)
def test_parts_of_a_zone(children: list[float], shown: list[float | None]) -> None:
    values = np.asarray(children, dtype=float)
    hidden = hide_parts(values, is_small(values, FLOOR), np.zeros(len(values), dtype=np.intp), FLOOR)
    assert [None if out else value for out, value in zip(hidden, children, strict=True)] == shown


def test_zones_do_not_hide_for_each_other() -> None:
    values = np.asarray([4.0, 20.0, 30.0, 40.0, 50.0])
    groups = np.asarray([0, 0, 1, 1, -1], dtype=np.intp)
    assert hide_parts(values, is_small(values, FLOOR), groups, FLOOR).tolist() == [True, True, False, False, False]


def crossed(grid: list[list[float]]) -> tuple[np.ndarray, list[Sum]]:
    """A table of zones × ages with its totals: rows first, the last row and column are sums."""
    inner = np.asarray(grid, dtype=float)
    whole = np.vstack([np.hstack([inner, inner.sum(axis=1, keepdims=True)]), np.append(inner.sum(axis=0), inner.sum())])
    rows, columns = whole.shape
    at = np.arange(whole.size).reshape(whole.shape)
    sums = [Sum(int(at[row, -1]), tuple(at[row, :-1].tolist())) for row in range(rows)]
    sums += [Sum(int(at[-1, column]), tuple(at[:-1, column].tolist())) for column in range(columns)]
    return whole, sums


def test_a_crossed_table_needs_a_square_of_gaps() -> None:
    """Zone A has 3 infants. Hiding the row's 20 and the column's 15 leaves the corner 40: it must go too."""
    whole, sums = crossed([[3, 20, 50], [15, 40, 60], [70, 80, 90]])
    hidden = hide_crossed(whole.reshape(-1, 1), is_small(whole.ravel(), FLOOR), sums, FLOOR).reshape(whole.shape)
    assert hidden[0, 0]
    assert hidden.sum() == 4
    assert set(hidden.any(axis=1).nonzero()[0]) == {0, 1}, "two rows and two columns, none of the totals"
    assert not hidden[-1].any()
    assert not hidden[:, -1].any()


def test_what_a_second_count_tells_is_left_out_too() -> None:
    """5 of 40 covered: the share is left out though 40 may be told; and a neighbour, for 5 = total − 60."""
    values = np.asarray([[5.0, 35.0, 40.0], [60.0, 20.0, 80.0], [70.0, 90.0, 160.0], [135.0, 145.0, 280.0]])
    small = is_small(values, FLOOR).any(axis=1)
    assert small.tolist() == [True, False, False, False]
    assert hide_crossed(values, small, [Sum(3, (0, 1, 2))], FLOOR).tolist() == [True, True, False, False]


def test_children_of_no_zone_count_as_one_more_part() -> None:
    """104 in the district, 60 and 40 in its zones: 4 live in none, and 104 − 100 must not tell."""
    values = np.asarray([[104.0], [60.0], [40.0]])
    hidden = hide_crossed(values, np.zeros(3, dtype=bool), [Sum(0, (1, 2))], FLOOR)
    assert hidden.sum() == 1
    assert not hidden[0]


def test_steps_tell_no_difference() -> None:
    assert np.array_equal(
        in_steps(np.asarray([0, 3, 9.99, 10, 19, 20, 127.0]), 10.0),
        [0, np.nan, np.nan, 10, 10, 20, 120],
        equal_nan=True,
    )


# ---- nothing that is left out can be worked out again: a second method, linear programmes over what is shown


def settled(number: int, values: np.ndarray, hidden: np.ndarray, sums: list[Sum]) -> bool:
    """Whether a hidden figure can be no other number while all that is shown, and every sum, stays as it is."""
    at = np.flatnonzero(hidden)
    rows, right = [], []
    for one in sums:
        row = np.zeros(len(values))
        row[list(one.parts)] += 1
        row[one.total] -= 1
        rows.append(row[at])
        right.append(-(row[~hidden] @ values[~hidden]))
    aim = (at == number).astype(float)
    return (
        linprog(aim, A_eq=np.asarray(rows), b_eq=right, bounds=(None, None), method="highs").status != 3
    )  # 3: it may be any number


def test_the_second_method_itself_can_say_yes() -> None:
    whole, sums = crossed([[3, 20], [15, 40]])
    only = np.zeros(whole.size, dtype=bool)
    only[[0, 1]] = True
    assert settled(0, whole.ravel(), only, sums)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(2, 4).flatmap(
        lambda columns: st.lists(
            st.lists(st.integers(0, 40), min_size=columns, max_size=columns), min_size=2, max_size=5
        )
    )
)
def test_no_small_figure_is_settled_by_zones_and_ages(grid: list[list[int]]) -> None:
    whole, sums = crossed(grid)
    values = whole.ravel()
    small = is_small(values, FLOOR)
    hidden = hide_crossed(values.reshape(-1, 1), small, sums, FLOOR)
    assert (hidden | ~small).all()
    for number in np.flatnonzero(small):
        assert not settled(int(number), values, hidden, sums)
    for one in sums:  # nor is a group of small ones: what is hidden of a sum that is shown
        parts = list(one.parts)
        left = values[parts][hidden[parts]].sum()
        assert hidden[one.total] or left == 0 or left >= FLOOR


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 30)), min_size=1, max_size=25))
def test_no_cell_is_total_less_shown(cells: list[tuple[int, int]]) -> None:
    groups, values = (
        np.asarray([one for one, _ in cells], dtype=np.intp),
        np.asarray([one for _, one in cells], dtype=float),
    )
    hidden = hide_parts(values, is_small(values, FLOOR), groups, FLOOR)
    assert not (is_small(values, FLOOR) & ~hidden).any()
    for group in set(groups.tolist()):
        mine = groups == group
        left = values[mine].sum() - values[mine & ~hidden].sum()
        assert left == 0 or left >= FLOOR or values[mine].sum() < FLOOR
        if (mine & (values > 0)).sum() > 1:
            assert (mine & hidden).sum() != 1


# ---- cells


def homes_at(*places: tuple[float, float]) -> gpd.GeoSeries:
    return gpd.GeoSeries([shapely.Point(degrees(*one)) for one in places], crs=4326)


def test_cells_lie_on_whole_hundreds_and_keep_their_names() -> None:
    homes = homes_at((0, 0), (150, 0), (450, 30))
    corners = cell_corners(homes.to_numpy(), 4548, 200.0)
    assert (corners % 200 == 0).all()
    metric = homes.to_crs(4548)
    assert ((metric.x - corners[:, 0]).between(0, 200) & (metric.y - corners[:, 1]).between(0, 200)).all()
    names = cell_names(corners, pd.Series(["z", None, "z"]))
    assert names[0] == f"E{int(corners[0, 0] / 100)}N{int(corners[0, 1] / 100)}/z"
    assert "/" not in names[1]
    again = cell_names(cell_corners(homes.to_numpy()[:1], 4548, 200.0), pd.Series(["z"]))
    assert again == names[:1], "other homes change no name"


def test_a_cell_on_a_border_is_one_part_in_each_zone() -> None:
    corners = cell_corners(homes_at((100, 100), (100, 100)).to_numpy(), 4548, 200.0)
    west = corners[0] + np.asarray([-1000.0, -1000.0])
    half = corners[0][0] + 80.0
    shapes = [
        shapely.box(west[0], west[1], half, west[1] + 3000),
        shapely.box(half, west[1], west[0] + 3000, west[1] + 3000),
    ]
    zones = gpd.GeoDataFrame({"zone_id": ["a", "b"]}, geometry=shapes, crs=4548).to_crs(4326)
    cells = gpd.GeoSeries(clipped_squares(corners, 200.0, pd.Series(["a", "b"]), zones, 4548), crs=4326).to_crs(4548)
    assert cells.area.tolist() == pytest.approx([80 * 200, 120 * 200], rel=1e-3)


# ---- zones


def demand_of(rows: list[tuple[str | None, tuple[int, ...]]], weight: str = "persons") -> gpd.GeoDataFrame:
    bands = ["pop_0_2", "pop_3_5", "pop_6_11", "pop_12_14", "pop_15_17"]
    frame = pd.DataFrame([dict(zip(bands, children, strict=True)) for _, children in rows], dtype=float)
    frame = frame.assign(demand_id=[f"h{n}" for n in range(len(rows))], zone_id=[zone for zone, _ in rows], compound_id=None, inside=True,
                         pop_total=frame.sum(axis=1) * 4, weight_kind=weight, ages_from="stated", placed=True, reason=None)  # fmt: skip
    frame["from"] = "zone"
    order = [
        "demand_id",
        "zone_id",
        "compound_id",
        "inside",
        "pop_total",
        *bands,
        "weight_kind",
        "from",
        "ages_from",
        "placed",
        "reason",
    ]
    return gpd.GeoDataFrame(
        frame[order], geometry=homes_at(*[(10.0 * n, 0.0) for n in range(len(rows))]).to_numpy(), crs=4326
    )


def zones_of(*names: str) -> gpd.GeoDataFrame:
    shapes = [
        shapely.Polygon([degrees(*one) for one in box(1000 * n, 0, 1000 * n + 1000, 1000)]) for n in range(len(names))
    ]
    return gpd.GeoDataFrame(
        {"zone_id": list(names), "name": list(names), "settlement": "urban"}, geometry=shapes, crs=4326
    )


def test_a_zone_figure_below_the_floor_takes_the_second_smallest_along() -> None:
    """Infants: 4, 30, 25. The district's 59 less 30 would be 29; 4 and 25 are left out together, and 29 remain as one row."""
    zones = zones_of("a", "b", "c")
    demand = demand_of([("a", (4, 20, 50, 20, 20)), ("b", (30, 30, 60, 30, 30)), ("c", (25, 40, 70, 40, 40))])
    people = count_people(demand, zones, CATALOGUE, FLOOR, RULES.least_homes)
    shown = zone_demand(demand, zones, people, CATALOGUE).set_index("zone_id")
    assert shown.loc[["a", "b", "c"], "pop_0_2"].isna().tolist() == [True, False, True]
    assert shown["pop_0_2"].sum() == 59
    others = ["pop_3_5", "pop_6_11", "pop_12_14", "pop_15_17"]
    assert shown[others].notna().all().all()
    # all children of a, 114, less its other ages would be the 4
    assert [people.is_hidden(zone, ("pop_0_2", *others)) for zone in ("a", "b", "c", "*")] == [True, False, True, False]
    assert not people.is_hidden("a", ("pop_6_11",))
    assert not shown["placed"].any()
    assert demand["pop_0_2"].tolist() == [4, 30, 25], "the run's own table stays"


def test_without_persons_the_number_of_homes_decides() -> None:
    zones = zones_of("a", "b")
    few = [("a", (1, 1, 1, 1, 1))] * 2 + [("b", (1, 1, 1, 1, 1))] * 5
    people = count_people(demand_of(few, "relative"), zones, CATALOGUE, FLOOR, RULES.least_homes)
    assert people.is_hidden("a", ("pop_0_2",))
    enough = count_people(
        demand_of([("a", (0, 0, 0, 0, 1))] * 3 + few[2:], "relative"), zones, CATALOGUE, FLOOR, RULES.least_homes
    )
    assert enough.hidden == set()


# ---- ways to school


def forest_of(rows: list[tuple[str, str, float]]) -> pd.DataFrame:
    return pd.DataFrame([
        {"school_id": school, "tree": "safest", "node_id": f"n{n}", "corner": 0, "next_edge_id": edge, "next_crossing_id": None, "weight_kind": "persons", "children": children}
        for n, (school, edge, children) in enumerate(rows)
    ])  # fmt: skip


def test_streets_of_few_pupils_and_of_special_schools_have_none() -> None:
    """Edge e: 25 of school s and 8 of t; f: 6 of s; g: 12 of t. t is a special school."""
    forest = forest_of([("s", "e", 15), ("s", "e", 10), ("s", "f", 6), ("t", "e", 8), ("t", "g", 12)])
    released = release_forest(forest, {"t"}, FLOOR, RULES)
    assert released[["school_id", "next_edge_id", "children"]].values.tolist() == [["s", "e", 20]]
    flows = pd.DataFrame({"item_id": ["e", "f", "g"], "item_type": "edge", "weight_kind": "persons", "children": [33.0, 6.0, 12.0],
                          "school_ids": ["s|t", "s", "t"]})  # fmt: skip
    shown = release_flows(flows, forest, released, {"t"}, FLOOR)
    assert shown[["item_id", "children", "school_ids"]].values.tolist() == [["e", 20, "s"]], (
        "not 30: eight of the 33 go to t"
    )
    assert release_flows(flows.assign(school_ids="s"), forest, released, set(), FLOOR)["children"].tolist() == [30, 10]


def test_a_school_of_few_pupils_tells_nothing_of_their_ways() -> None:
    rows = [("big", 47.0, 0.978), ("small", 8.0, 1.0), ("special", 200.0, 0.5)]
    frame = pd.DataFrame([
        {"school_id": name, "weight_kind": "persons", "children": children, "children_routed": children, "worst_children": 3.0, "length_mean_m": 500.0,
         "route_score_mean": 50.0, "route_score_p10": 30.0, "share_acceptable": share, "worst_cross": 2.0, "share_defaulted": 0.5, "worst_crossing_id": "x",
         "worst_zh": "过街", "worst_en": "crossing", "grade": "low"} for name, children, share in rows
    ])  # fmt: skip
    shown = release_schools(frame, {"special"}, FLOOR, RULES).set_index("school_id")
    assert list(shown.index) == ["big", "small"]
    assert shown.loc["big", ["children", "share_acceptable"]].tolist() == [40, 1.0]
    assert shown["worst_children"].isna().all()
    assert (
        shown.loc["small", ["children", "length_mean_m", "route_score_mean", "share_acceptable", "worst_zh"]]
        .isna()
        .all()
    )


def test_the_list_tells_no_gate_without_a_guard() -> None:
    frame = pd.DataFrame([
        {"fix_id": f"f{n}", "treatment": treatment, "weight_kind": "persons", "children_helped": helped, "children_acceptable": 0.0, "risk_removed": 5.0,
         "rank": rank, "school_ids": schools}
        for n, (treatment, helped, rank, schools) in enumerate([("guard", 50.0, 1, "s"), ("zebra", 47.0, 2, "s|t"), ("island", 9.0, 3, "s"), ("zebra", 30.0, 4, "t"),
                                                                 ("zebra", 30.0, pd.NA, "s")])
    ])  # fmt: skip
    shown = release_fixes(frame, RULES, {"t"}, FLOOR)
    assert shown[["fix_id", "school_ids", "rank"]].values.tolist() == [["f1", "s", 1], ["f2", "s", 2]]
    assert np.array_equal(shown["children_helped"], [40, np.nan], equal_nan=True)
    assert shown["risk_removed"].isna().all()


# ---- what a release says of itself


def test_an_empty_number_is_never_printed() -> None:
    internal = notice_of(OutputConfig(), CATALOGUE)
    assert (
        internal.note
        == internal.stamp
        == ("内部使用，未经地图审核不得公开", "For internal use; not to be published without map review")
    )
    numbered = notice_of(OutputConfig(map_approval="津S(2026)001号"), CATALOGUE)
    assert numbered.note[0] == "内部使用，未经地图审核不得公开　审图号：津S(2026)001号"
    public = notice_of(OutputConfig(release="public", map_approval="津S(2026)001号"), CATALOGUE)
    assert public.stamp == ("", "")
    assert public.note[0] == "审图号：津S(2026)001号"


@pytest.mark.parametrize("text", ["____（公开前须送审）", "待定", "审图号：无"])
def test_a_line_to_be_filled_in_is_no_number(text: str) -> None:
    with pytest.raises(ValidationError, match="map review"):
        OutputConfig(map_approval=text)


@pytest.mark.parametrize("text", ["", "   ", "审图号：  "])
def test_blanks_are_no_number(text: str) -> None:
    assert OutputConfig(map_approval=text).map_approval == ""


def test_a_public_release_without_a_number_is_refused(tmp_path: Path) -> None:
    config = write_config(tmp_path / "c.toml", {"area": {"name": "x"}, "output": {"release": "public"}})
    refused = call("run", "--config", config, "--out", tmp_path / "out")
    assert refused.code == 1
    assert "审图号" in refused.err
    assert "needs the number of its map review" in refused.err
    assert "map_approval" in refused.err
    assert not (tmp_path / "out" / "maps").exists()


def test_only_known_tables_are_ever_published() -> None:
    """Whoever adds a table decides here: rows of homes, of children by name, of the office's own lists have no place in a release."""
    assert not set(RULES.columns) & {"demand", "access", "access_links", "school_routes", "supply", "bridge", "safe_access", "safe_bridge", "gate_range",
                                     "street_survey", "surroundings", "compounds", "land_cells", "unlocated", "facility_reach", "gates"}  # fmt: skip
    assert set(RULES.columns) <= {name for stage in STAGES for name in stage.leaves}
