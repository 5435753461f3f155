"""Counts against stated totals, by hand."""

from __future__ import annotations

import pandas as pd
import pytest

from xiqing_space.errors import InputDataError
from xiqing_space.ingest.quality import Quality
from xiqing_space.ingest.reconcile import PRIVATE, Stated, reconcile

FACILITIES = pd.DataFrame(
    [
        # site, kind, operator, status, legal person, inside
        ("k1", "kindergarten", "public", "operating", "甲", True),
        ("k2", "kindergarten", "public", "operating", "甲", True),  # second campus of 甲
        ("k3", "kindergarten", "private", "operating", "乙", True),
        ("k4", "kindergarten", "inclusive_private", "operating", "丙", None),  # place to be verified: counts
        ("k5", "kindergarten", "unknown", "operating", None, True),
        ("k6", "kindergarten", "public", "planned", "丁", True),  # does not exist yet
        ("k7", "kindergarten", "public", "operating", "戊", False),  # outside the district
        ("s1", "junior_school", "public", "operating", "己", True),
        ("s1", "senior_school", "public", "operating", "己", True),  # one campus
        ("s2", "junior_school", "public", "operating", "庚", True),
    ],
    columns=["site_id", "kind", "operator", "status", "legal_person", "inside"],
)
KINDERGARTEN, SECONDARY = ("kindergarten",), ("junior_school", "senior_school")


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        # (by_site, by_site_high, by_legal_person, without, fits)
        (Stated("幼儿园", KINDERGARTEN, 5), (5, 5, 4, 1, "by_site")),
        (Stated("幼儿园", KINDERGARTEN, 4), (5, 5, 4, 1, "by_legal_person")),
        (Stated("幼儿园", KINDERGARTEN, 9), (5, 5, 4, 1, "neither")),
        (Stated("公办", KINDERGARTEN, 2, ("public",)), (2, 3, 1, 0, "by_site")),
        (Stated("公办", KINDERGARTEN, 3, ("public",)), (2, 3, 1, 0, "within_unknown")),
        (Stated("民办", KINDERGARTEN, 2, PRIVATE), (2, 3, 2, 0, "both")),
        (Stated("中学", SECONDARY, 2), (2, 2, 2, 0, "both")),
        (Stated("特教", ("special_school",), 1), (0, 0, 0, 0, "no_data")),
    ],
)
def test_counts_by_campus_and_by_legal_person(stated: Stated, expected: tuple[int, int, int, int, str]) -> None:
    found = reconcile(FACILITIES, [stated]).iloc[0]
    assert (
        found["by_site"],
        found["by_site_high"],
        found["by_legal_person"],
        found["n_without_legal_person"],
        found["fits"],
    ) == expected
    assert found["difference_by_site"] == expected[0] - stated.total
    assert found["difference_by_legal_person"] == expected[2] - stated.total
    assert str(stated.total) in found["zh"]
    assert str(stated.total) in found["en"]


def test_what_does_not_fit_is_a_doubt() -> None:
    quality = Quality()
    reconcile(FACILITIES, [Stated("幼儿园", KINDERGARTEN, 9), Stated("中学", SECONDARY, 2)], quality)
    assert quality.frame()[["check", "id"]].to_numpy().tolist() == [["stated_total_differs", "幼儿园"]]


def test_row_order_and_missing_columns_change_nothing() -> None:
    stated = [Stated("幼儿园", KINDERGARTEN, 5), Stated("中学", SECONDARY, 2)]
    pd.testing.assert_frame_equal(reconcile(FACILITIES, stated), reconcile(FACILITIES[::-1], stated))
    bare = reconcile(FACILITIES.drop(columns=["legal_person", "inside"]), stated[1:]).iloc[0]
    assert (bare["by_legal_person"], bare["n_without_legal_person"]) == (2, 2)


def test_totals_that_cannot_be() -> None:
    with pytest.raises(InputDataError) as caught:
        reconcile(
            FACILITIES, [Stated("甲", KINDERGARTEN, -1), Stated("乙", KINDERGARTEN, 1), Stated("乙", SECONDARY, 1)]
        )
    assert caught.value.first == ("甲", "乙")


def test_it_is_said_what_a_nine_year_school_counts_as() -> None:
    """Two primary schools, one of which is a nine-year school: 2 primary, 1 junior, and 2 campuses of both together."""
    rows = [("p1", "primary_school"), ("n1", "primary_school"), ("n1", "junior_school")]
    frame = pd.DataFrame([(*one, "public", "operating", None) for one in rows],
                         columns=["site_id", "kind", "operator", "status", "legal_person"])  # fmt: skip
    primary, both, junior = (
        reconcile(frame, [Stated("x", kinds, total)]).iloc[0]
        for kinds, total in (
            (("primary_school",), 1),
            (("primary_school", "junior_school"), 2),
            (("junior_school",), 1),
        )
    )
    assert (primary["by_site"], both["by_site"], junior["by_site"]) == (2, 2, 1)
    assert "其中 1 处兼有其他学段" in primary["zh"]
    assert "1 of them have other levels too" in primary["en"]
    assert "兼有其他学段" not in both["zh"], "a campus counts once in a total of both"
