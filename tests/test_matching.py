"""Which rows of a list are taken without asking; answers by hand, and rates on labelled sets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.match_rates import measure
from benchmarks.match_sets import build_chinese_list, build_real_list
from xiqing_space.errors import InputDataError
from xiqing_space.ingest.matching import (
    ACCEPT_SCORE,
    CANDIDATE_COLUMNS,
    MATCH_COLUMNS,
    PLACE_CEILING,
    ROW_COLUMNS,
    match_list,
    note_matches,
)
from xiqing_space.ingest.quality import Quality

ZONES, AREAS = ("清溪镇", "白杨镇"), ("示例市", "示例区")


def rows(*given: tuple[Any, ...]) -> pd.DataFrame:
    """(row_id, name, zone, address)."""
    lines = [
        (one[0], one[1], one[3] if len(one) > 3 else None, one[2] if len(one) > 2 else None, "kindergarten")
        for one in given
    ]
    return pd.DataFrame(lines, columns=list(ROW_COLUMNS))


def places(*given: tuple[Any, ...]) -> pd.DataFrame:
    """(candidate_id, name, zone, lon, kind, address)."""
    lines = []
    for at, one in enumerate(given):
        identity, name, zone, lon, kind, address = (*one, *[None] * (6 - len(one)))
        lon = 117.0 + 0.02 * at if lon is None else lon
        lines.append((identity, name, address, kind or "kindergarten", zone, lon, 39.0, "osm"))
    return pd.DataFrame(lines, columns=list(CANDIDATE_COLUMNS))


def matched(rows: pd.DataFrame, places: pd.DataFrame) -> dict[str, tuple[str, str | None]]:
    """Verdict and first candidate of each row."""
    found = match_list(rows, places, zones=ZONES, areas=AREAS)
    assert list(found.columns) == list(MATCH_COLUMNS)
    first = found[found["rank"] == 1]
    assert sorted(first["row_id"]) == sorted(rows["row_id"]), "every row has one first line"
    return {one.row_id: (one.decided, one.candidate_id) for one in first.itertuples()}


def test_the_same_place_written_in_another_way_is_accepted() -> None:
    found = matched(
        rows(
            ("1", "示例市示例区清溪镇第一幼儿园", "清溪镇"),
            ("2", "清溪二幼", "清溪镇"),
            ("3", "春芽幼儿园（东校区）", "白杨镇"),
        ),
        places(("a", "清溪一幼", "清溪镇"), ("b", "清溪镇第2幼儿园", "清溪镇"), ("c", "春芽幼儿园东校区", "白杨镇")),
    )
    assert found == {"1": ("accepted", "a"), "2": ("accepted", "b"), "3": ("accepted", "c")}


def test_another_number_campus_village_or_town_is_never_accepted() -> None:
    found = matched(
        rows(
            ("1", "清溪镇第一幼儿园", "清溪镇"),
            ("2", "春芽幼儿园西校区", "清溪镇"),
            ("3", "前柳庄村幼儿园", "清溪镇"),
            ("4", "童馨幼儿园", "清溪镇"),
        ),
        places(
            ("a", "清溪镇第二幼儿园", "清溪镇"),
            ("b", "春芽幼儿园东校区", "清溪镇"),
            ("c", "后柳庄村幼儿园", "清溪镇"),
            ("d", "童馨幼儿园", "白杨镇"),
        ),
    )
    assert {verdict for verdict, _ in found.values()} <= {"ask", "none"}
    assert found["4"] == ("ask", "d")


def test_a_bare_ordinal_without_its_town_is_a_question() -> None:
    assert matched(rows(("1", "第一幼儿园")), places(("a", "第一幼儿园"))) == {"1": ("ask", "a")}


def test_two_places_of_one_name_are_a_question_two_drawings_of_one_place_are_not() -> None:
    apart = places(("a", "春芽幼儿园", None, 117.0), ("b", "春芽幼儿园", None, 117.01))
    assert matched(rows(("1", "春芽幼儿园")), apart)["1"][0] == "ask"
    near = places(("a", "春芽幼儿园", None, 117.0), ("b", "春芽幼儿园", None, 117.001))  # about 87 m
    assert matched(rows(("1", "春芽幼儿园")), near) == {"1": ("accepted", "a")}


def test_an_address_tells_two_places_of_one_name_apart() -> None:
    found = matched(
        rows(("1", "春芽幼儿园", None, "育新路12号")),
        places(("a", "春芽幼儿园", None, None, None, "明德道3号"), ("b", "春芽幼儿园", None, None, None, "育新路12号")),
    )
    assert found == {"1": ("accepted", "b")}


def test_two_rows_that_want_one_place_both_ask() -> None:
    both = rows(("1", "春芽幼儿园", "清溪镇"), ("2", "清溪镇春芽幼儿园", "清溪镇"))
    assert {one[0] for one in matched(both, places(("a", "春芽幼儿园", "清溪镇"))).values()} == {"ask"}
    drawn_twice = places(("a", "春芽幼儿园", "清溪镇", 117.0), ("b", "清溪春芽幼儿园", "清溪镇", 117.0005))
    assert {one[0] for one in matched(both, drawn_twice).values()} == {"ask"}


def test_two_levels_of_one_school_may_share_a_place() -> None:
    both = rows(("1", "春芽学校", "清溪镇"), ("2", "春芽学校", "清溪镇")).assign(
        kind=["primary_school", "junior_school"]
    )
    found = matched(both, places(("a", "春芽学校", "清溪镇", None, "school_unknown_level")))
    assert found == {"1": ("accepted", "a"), "2": ("accepted", "a")}


def test_a_compound_of_the_name_is_shown_and_never_accepted() -> None:
    found = match_list(
        rows(("1", "翠湖花园幼儿园", "清溪镇")), places(("a", "翠湖花园小区", "清溪镇", None, "compound"))
    )
    assert found["decided"].tolist() == ["ask"]
    assert found["score"].iloc[0] == PLACE_CEILING < ACCEPT_SCORE


def test_a_renamed_place_at_the_same_door_is_a_question() -> None:
    found = matched(
        rows(("1", "春芽幼儿园", "清溪镇", "育新路12号")),
        places(("a", "启明幼儿园", "清溪镇", None, None, "育新路12号")),
    )
    assert found == {"1": ("ask", "a")}


def test_a_candidate_without_a_position_locates_nothing_and_no_row_is_lost() -> None:
    nowhere = places(("a", "春芽幼儿园", "清溪镇", float("nan")))
    found = match_list(rows(("1", "春芽幼儿园", "清溪镇"), ("2", None), ("3", "甲")), nowhere)
    assert found["row_id"].tolist() == ["1", "2", "3"]
    assert set(found["decided"]) == {"none"}
    assert found["candidate_id"].isna().all()
    assert match_list(rows(("1", "春芽幼儿园")), places())["decided"].tolist() == ["none"]
    assert match_list(rows(), places(("a", "春芽幼儿园"))).empty


def test_at_most_three_are_shown_the_best_first() -> None:
    found = match_list(rows(("1", "春芽幼儿园")), places(*[(f"{at}", f"春芽{at}幼儿园") for at in range(9)]))
    assert found["rank"].tolist() == [1, 2, 3]
    assert found["score"].is_monotonic_decreasing


def test_ids_given_twice_are_named() -> None:
    with pytest.raises(InputDataError, match="row_id") as caught:
        match_list(rows(("1", "甲"), ("1", "乙"), ("2", "丙")), places(("a", "甲")))
    assert caught.value.first == ("1",)
    with pytest.raises(InputDataError, match="zone"):
        match_list(rows(("1", "甲")).drop(columns="zone"), places(("a", "甲")))


def test_open_rows_are_doubts() -> None:
    quality = Quality()
    found = match_list(
        rows(("1", "春芽幼儿园", "清溪镇"), ("2", "启明幼儿园", "清溪镇")), places(("a", "春芽幼儿园", "白杨镇"))
    )
    lists = rows(("1", "春芽幼儿园", "清溪镇"), ("2", "启明幼儿园", "清溪镇"))
    note_matches(found, lists.assign(source=["roster.xlsx[幼儿园]", "other.csv"], source_row=["5", "7"]), quality)
    assert quality.frame()[["check", "source", "row", "id"]].to_numpy().tolist() == [
        ["match_none", "other.csv", "7", "2"],
        ["match_to_confirm", "roster.xlsx[幼儿园]", "5", "1"],
    ], "each row names its own list, or its list would be called usable"


NAMES = st.sampled_from(
    [
        "清溪一幼",
        "清溪镇第一幼儿园",
        "春芽幼儿园",
        "春芽幼儿园东校区",
        "白杨镇春芽幼儿园",
        "启明幼儿园",
        "Colegio Arenas",
        "第二幼儿园",
    ]
)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(NAMES, min_size=1, max_size=6), st.lists(NAMES, min_size=1, max_size=8), st.randoms(use_true_random=False)
)
def test_order_changes_nothing_and_accepted_rows_of_a_kind_share_no_place(
    listed: list[str], drawn: list[str], random: Any
) -> None:
    left = rows(*[(f"r{at}", name) for at, name in enumerate(listed)])
    right = places(*[(f"c{at}", name) for at, name in enumerate(drawn)])
    found = match_list(left, right, zones=ZONES, areas=AREAS)
    shuffled = match_list(
        left.sample(frac=1, random_state=random.randrange(2**31)), right.sample(frac=1, random_state=random.randrange(2**31)),
        zones=tuple(reversed(ZONES)), areas=AREAS,
    )  # fmt: skip
    pd.testing.assert_frame_equal(found, shuffled)
    accepted = found[(found["decided"] == "accepted") & (found["rank"] == 1)]
    assert accepted["candidate_id"].is_unique
    assert (accepted["score"] >= ACCEPT_SCORE).all()


# ---- rates; the whole measurement is benchmarks/match_rates.py


def test_rates_on_the_invented_district() -> None:
    halves, changes, _ = measure([build_chinese_list(0), build_chinese_list(1)])
    for half in halves.values():
        assert half.precision >= 0.98
        assert half.recall > 0.85
        assert half.found > 0.95
    assert changes["not among the places"].rows > 30
    assert changes["another name that reads alike"].rows > 30


def test_rates_on_helsinki(helsinki: Path) -> None:
    halves, _, _ = measure([build_real_list(helsinki, "Helsinki", "Helsinki", turn) for turn in range(4)])
    for half in halves.values():
        assert half.accepted > 20
        assert half.precision >= 0.98
        assert half.recall > 0.7


@pytest.mark.parametrize(
    ("name", "city", "floor"),
    [
        ("las_palmas_20230221.osm.pbf", "Las Palmas de Gran Canaria", 0.65),
        ("liechtenstein.osm.pbf", "Liechtenstein", 0.6),
    ],
)
def test_rates_on_real_names(shared_data: Path, name: str, city: str, floor: float) -> None:
    halves, _, _ = measure([build_real_list(shared_data / name, city, city, turn) for turn in range(2)])
    for half in halves.values():
        assert half.precision >= 0.98
        assert half.recall > floor


def test_the_measurement_sees_a_matcher_that_is_wrong() -> None:
    """Taking whatever comes first is not precise: the sets hold what they should."""
    one = build_chinese_list(0)
    found = match_list(one.rows, one.candidates, zones=one.zones, areas=one.areas)
    first = found[(found["rank"] == 1) & found["candidate_id"].notna()]
    right = sum(line.candidate_id in one.truth[line.row_id] for line in first.itertuples())
    assert right / len(first) < 0.9
