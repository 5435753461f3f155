"""Results of all homes put together: every value where its home and its names say, and the rows in the order of the key."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from xiqing_space.coverage.home_rows import Part, rows_by_home


def part(kind: str, profile: str, metres: list[float], words: list[str], row: list[int]) -> Part:
    return Part(
        {"kind": kind, "profile": profile},
        {"metres": np.array(metres)},
        {"site": (words, np.array(row, dtype=np.int64))},
    )


def test_two_homes_and_three_parts_by_hand() -> None:
    parts = [
        part("school", "walk", [5.0, 6.0], ["s1", "s2"], [1, 0]),
        part("park", "walk", [1.0, 2.0], ["p1"], [0, -1]),
        part("park", "pram", [3.0, np.nan], [], [-1, -1]),
    ]
    found = rows_by_home(pd.Series(["a", "b"]), parts)
    got = [[None if pd.isna(cell) else cell for cell in row] for row in found.itertuples(index=False)]
    assert got == [
        ["a", "park", "pram", 3.0, None],
        ["a", "park", "walk", 1.0, "p1"],
        ["a", "school", "walk", 5.0, "s2"],
        ["b", "park", "pram", None, None],
        ["b", "park", "walk", 2.0, None],
        ["b", "school", "walk", 6.0, "s1"],
    ]
    assert list(found.columns) == ["demand_id", "kind", "profile", "metres", "site"]


def test_no_homes_no_rows_and_all_columns() -> None:
    found = rows_by_home(pd.Series([], dtype="str"), [part("park", "walk", [], ["p1"], [])])
    assert list(found.columns) == ["demand_id", "kind", "profile", "metres", "site"]
    assert found.empty


@given(st.data())
def test_it_is_what_plain_loops_give(data: st.DataObject) -> None:
    homes = sorted(data.draw(st.sets(st.text("ab甲", min_size=1, max_size=3), max_size=5)))
    keys = data.draw(st.sets(st.tuples(st.sampled_from("xyz"), st.sampled_from("pq")), min_size=1, max_size=5))
    parts, expected = [], {}
    for kind, profile in data.draw(st.permutations(sorted(keys))):
        words = data.draw(st.lists(st.sampled_from(["甲", "b", ""]), max_size=3))
        row = [data.draw(st.integers(-1, len(words) - 1)) for _ in homes]
        metres = [float(data.draw(st.integers(0, 9))) for _ in homes]
        parts.append(part(kind, profile, metres, words, row))
        for home, one, far in zip(homes, row, metres, strict=True):
            expected[home, kind, profile] = (far, None if one < 0 else words[one])
    found = rows_by_home(pd.Series(homes, dtype="str"), parts)
    got = [tuple(None if pd.isna(cell) else cell for cell in row) for row in found.itertuples(index=False)]
    assert got == [(*key, *expected[key]) for key in sorted(expected)]
