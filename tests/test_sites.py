"""Duplicates, merges and campuses: by hand on small lists, and what must hold for any list."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xiqing_space.ingest.duplicates import EARTH_M, components, near_pairs
from xiqing_space.ingest.quality import Quality
from xiqing_space.ingest.sites import build_sites, note_merges

NAN = float("nan")
DEGREE_M = EARTH_M * math.pi / 180  # metres of a degree of latitude


def row(
    identity: str, name: str | None, kind: str = "kindergarten", north_m: float = 0.0, source: str = "osm", **more: Any
) -> dict[str, Any]:
    lat = NAN if math.isnan(north_m) else 39.0 + north_m / DEGREE_M
    return {"row_id": identity, "name": name, "kind": kind, "lon": NAN if math.isnan(north_m) else 117.0, "lat": lat,
            "source": source, "priority": {"roster": 1, "osm": 2, "poi": 3}[source], **more}  # fmt: skip


def build(*rows: dict[str, Any], quality: Quality | None = None) -> tuple[pd.DataFrame, pd.DataFrame]:
    sites, merges = build_sites(pd.DataFrame(list(rows)), zones=("清溪镇", "白杨镇"), quality=quality)
    conserved(pd.DataFrame(list(rows)), sites, merges)
    return sites.set_index("row_id"), merges


def conserved(rows: pd.DataFrame, sites: pd.DataFrame, merges: pd.DataFrame) -> None:
    assert sorted([*sites["row_id"], *merges["merged_row_id"]]) == sorted(rows["row_id"])
    assert set(merges["kept_row_id"]) <= set(sites["row_id"])
    assert set(sites["site_id"]) <= set(sites["row_id"])


def test_one_facility_of_three_sources_takes_each_value_from_the_most_trusted() -> None:
    sites, merges = build(
        row("r", "清溪镇第一幼儿园", source="roster", enrolled=240.0, operator="public", classes=NAN),
        row("o", "清溪一幼", north_m=40, capacity_places=270.0, enrolled=200.0, operator="unknown"),
        row("p", "清溪第1幼儿园", north_m=90, source="poi", classes=8.0, operator="private"),
    )
    assert sites.index.tolist() == ["r"]
    kept = sites.loc["r"]
    assert (kept["enrolled"], kept["enrolled_from"]) == (240.0, "roster")
    assert (kept["capacity_places"], kept["capacity_places_from"]) == (270.0, "osm")
    assert (kept["classes"], kept["classes_from"]) == (8.0, "poi")
    assert (kept["operator"], kept["lat"], kept["place_from"]) == ("public", 39.0, "roster")
    assert merges[["kept_row_id", "merged_row_id", "distance_m"]].to_numpy().tolist() == [
        ["r", "o", 40.0],
        ["r", "p", 90.0],
    ]
    assert merges["conflicts"].tolist() == [
        "在园（在校）人数：240（roster）≠ 200（osm）",
        "性质：公办（roster）≠ 民办（poi）",
    ]
    assert merges["conflicts_en"].tolist() == [
        "children enrolled: 240 (roster) ≠ 200 (osm)",
        "operator: public (roster) ≠ private (poi)",
    ]
    quality = Quality()
    note_merges(merges, {"r": "名册.xlsx[幼儿园]", "o": "a.pbf", "p": "poi.csv"}, quality)
    told = quality.frame()
    assert told["check"].tolist() == ["merge_conflict"] * 2 + ["rows_merged"] * 2
    assert told["source"].tolist() == ["osm", "poi", "a.pbf", "poi.csv"], (
        "the list that contradicts is not called usable"
    )


def test_a_survey_is_trusted_before_any_priority() -> None:
    sites, _ = build(
        row("r", "春芽幼儿园", source="roster", classes=6.0),
        row("p", "春芽幼儿园", source="poi", classes=7.0, survey=True),
    )
    assert sites.loc["p", ["classes", "classes_from"]].tolist() == [7.0, "poi"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (row("a", "清溪第一幼儿园"), row("b", "清溪第二幼儿园", north_m=20)),
        (row("a", "春芽幼儿园东校区"), row("b", "春芽幼儿园西校区", north_m=20)),
        (row("a", "春芽幼儿园"), row("b", "春芽幼儿园分园", north_m=20)),
        (row("a", "春芽幼儿园"), row("b", "春芽幼儿园", north_m=151)),
        (row("a", "春芽幼儿园"), row("b", "启明幼儿园", north_m=0)),
        (row("a", "春芽幼儿园"), row("b", "春芽小学", "primary_school")),
        (row("a", "春芽小学", "primary_school"), row("b", "春芽公园", "park")),
        (row("a", None), row("b", None)),
        (row("a", "春芽幼儿园", north_m=NAN), row("b", "春芽幼儿园", north_m=NAN)),
    ],
)  # fmt: skip
def test_what_stays_two(one: dict[str, Any], other: dict[str, Any]) -> None:
    sites, merges = build(one, other)
    assert merges.empty
    assert sites["site_id"].nunique() == 2


def test_a_chain_is_not_glued_but_told() -> None:
    """150 m apart each: the ends lie 450 m apart and are more than twice the radius from each other."""
    quality = Quality()
    sites, merges = build(*[row(f"k{at}", "春芽幼儿园", north_m=145.0 * at) for at in range(4)], quality=quality)
    assert merges.empty
    assert len(sites) == 4
    assert quality.frame()["check"].tolist() == ["duplicate_unclear"] * 4
    sites, merges = build(*[row(f"k{at}", "春芽幼儿园", north_m=145.0 * at) for at in range(3)])
    assert len(merges) == 2


def test_a_nine_year_school_is_two_facilities_of_one_site() -> None:
    sites, merges = build(
        row("j", "春芽学校", "junior_school", source="roster", north_m=50), row("p", "春芽学校", "primary_school", source="roster"),
        row("k", "春芽幼儿园", north_m=10),
    )  # fmt: skip
    assert merges.empty
    assert sites["site_id"].to_dict() == {"j": "j", "p": "j", "k": "k"}


def test_a_kindergarten_and_its_childcare_share_a_site_and_sixty_metres_is_the_limit() -> None:
    sites, _ = build(row("k", "清溪镇春芽幼儿园", source="roster"), row("c", "春芽托育园", "childcare", north_m=60))
    assert sites["site_id"].to_dict() == {"k": "k", "c": "k"}
    sites, _ = build(row("k", "春芽幼儿园"), row("c", "春芽托育园", "childcare", north_m=61))
    assert sites["site_id"].nunique() == 2


def test_legal_person_and_address_make_a_campus_without_coordinates() -> None:
    same = {"legal_person": "示例法人", "address": "育新路3号"}
    sites, _ = build(
        row("k", "春芽幼儿园", north_m=NAN, **same), row("s", "云杉小学", "primary_school", north_m=NAN, **same)
    )
    assert sites["site_id"].to_dict() == {"k": "k", "s": "k"}


def test_a_school_of_unknown_level_joins_the_one_whose_level_is_known() -> None:
    sites, merges = build(
        row("p", "春芽学校", "primary_school", source="poi"), row("o", "春芽学校", "school_unknown_level", north_m=30, capacity_places=900.0)
    )  # fmt: skip
    assert sites["kind"].to_dict() == {"p": "primary_school"}
    assert sites.loc["p", ["capacity_places", "capacity_places_from"]].tolist() == [900.0, "osm"]
    assert merges["rule_en"].str.contains("unknown level").tolist() == [True]


def test_a_row_that_was_matched_joins_its_place_whatever_the_names() -> None:
    sites, merges = build(
        row("r", "启明幼儿园", source="roster", same_as="o", enrolled=90.0), row("o", "春芽幼儿园"),
        row("j", "云杉中学初中部", "junior_school", source="roster", same_as="s"),
        row("h", "云杉中学高中部", "senior_school", source="roster", same_as="s"), row("s", "云杉中学", "school_unknown_level"),
    )  # fmt: skip
    assert merges[["kept_row_id", "merged_row_id"]].to_numpy().tolist() == [["h", "s"], ["r", "o"]]
    assert sites["site_id"].to_dict() == {"r": "r", "j": "h", "h": "h"}


def test_two_of_a_kind_on_one_campus_are_not_guessed() -> None:
    quality = Quality()
    same = {"legal_person": "示例法人", "address": "育新路3号"}
    sites, _ = build(
        row("a", "春芽幼儿园", **same), row("b", "启明幼儿园", **same), row("c", "云杉托育园", "childcare", **same), quality=quality
    )  # fmt: skip
    assert sites["site_id"].nunique() == 3
    assert quality.frame()["check"].tolist() == ["campus_unclear"] * 3


NAMES = [
    "清溪镇第一幼儿园",
    "清溪一幼",
    "清溪第二幼儿园",
    "春芽幼儿园",
    "春芽幼兒園",
    "春芽幼儿园东校区",
    "春芽学校",
    "春芽托育园",
    None,
]
KINDS = ["kindergarten", "childcare", "primary_school", "junior_school", "school_unknown_level"]
ROWS = st.lists(
    st.tuples(
        st.sampled_from(NAMES), st.sampled_from(KINDS), st.sampled_from([0.0, 30.0, 90.0, 200.0, 320.0, NAN]),
        st.sampled_from(["roster", "osm", "poi"]), st.sampled_from([NAN, 3.0, 6.0]), st.sampled_from([None, "示例法人"]),
        st.sampled_from([None, "育新路3号"]), st.sampled_from([None, None, "x0", "x1"]),
    ),
    min_size=1, max_size=7,
)  # fmt: skip


@settings(max_examples=30, deadline=None)
@given(ROWS, st.integers(0, 2**31 - 1))
def test_conserved_order_free_and_idempotent(drawn: list[tuple[Any, ...]], seed: int) -> None:
    rows = pd.DataFrame(
        [
            row(
                f"x{at}", name, kind, north, source, classes=classes, legal_person=person, address=address, same_as=same
            )
            for at, (name, kind, north, source, classes, person, address, same) in enumerate(drawn)
        ]
    )
    sites, merges = build_sites(rows, zones=("清溪镇",))
    conserved(rows, sites, merges)
    shuffled = build_sites(rows.sample(frac=1, random_state=seed), zones=("清溪镇",))
    pd.testing.assert_frame_equal(sites, shuffled[0])
    pd.testing.assert_frame_equal(merges, shuffled[1])
    again, nothing = build_sites(sites, zones=("清溪镇",))
    assert nothing.empty
    pd.testing.assert_frame_equal(sites, again)
    # what a merge may not do: join two kinds that are both known, or lose a number that some source had
    kinds = rows.set_index("row_id")["kind"]
    for one in merges.itertuples():
        assert kinds[one.merged_row_id] in (kinds[one.kept_row_id], "school_unknown_level")
    assert sites["classes"].notna().any() == rows["classes"].notna().any()


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.floats(116.9, 117.1), st.floats(38.95, 39.05)), max_size=12),
    st.sampled_from([100.0, 2000.0, 9000.0]),
)
def test_near_pairs_are_those_of_the_formula(points: list[tuple[float, float]], radius_m: float) -> None:
    lon, lat = (np.array([one[at] for one in points], dtype=float) for at in (0, 1))
    expected = set()
    for a in range(len(points)):
        for b in range(a + 1, len(points)):
            x, y = np.radians(lat[[a, b]])
            h = (
                math.sin((y - x) / 2) ** 2
                + math.cos(x) * math.cos(y) * math.sin(math.radians(lon[b] - lon[a]) / 2) ** 2
            )
            if round(2 * EARTH_M * math.asin(math.sqrt(h)), 2) <= radius_m:
                expected.add((a, b))
    found = near_pairs(lon, lat, radius_m)
    assert {(a, b) for a, b, _ in found} == expected


def test_groups_that_links_join() -> None:
    assert components(6, [(4, 1), (1, 3), (5, 0)]) == [[0, 5], [1, 3, 4], [2]]
