"""Guards at school gates: the crossings within 50 m of them; worked out by hand, and by plain loops."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from helpers import degrees
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import Point

from xiqing_space.safety.guards import guarded_gates, with_guards_of_gates

EPSG = 4548


def said(*rows: tuple[str, str, str]) -> pd.DataFrame:
    return pd.DataFrame(
        [(item, kind, "guard", value) for item, kind, value in rows], columns=["item_id", "item_type", "field", "value"]
    )


def gates_at(*rows: tuple[str, str, float, float]) -> pd.DataFrame:
    return pd.DataFrame(
        [(gate, owner, Point(degrees(x, y))) for gate, owner, x, y in rows], columns=["gate_id", "owner_id", "geometry"]
    )


def crossings_at(*places: tuple[float, float], **columns: Any) -> pd.DataFrame:
    frame = pd.DataFrame(
        {
            "crossing_id": [f"z{at}" for at in range(len(places))],
            "control": "marked",
            "guard": False,
            "guard_from": "default",
        }
    )
    return frame.assign(**columns, geometry=[Point(degrees(*one)) for one in places])


GATES = gates_at(("g1", "s", 0, 0), ("g2", "s", 500, 0), ("g3", "t", 1000, 0))


def test_a_school_means_all_its_gates_save_where_a_gate_itself_says_otherwise() -> None:
    assert guarded_gates(GATES, said(("s", "gate", "yes"))).tolist() == [True, True, False]
    assert guarded_gates(GATES, said(("s", "gate", "yes"), ("g2", "gate", "no"))).tolist() == [True, False, False]
    assert guarded_gates(GATES, said(("g3", "gate", "yes"))).tolist() == [False, False, True]
    assert guarded_gates(GATES, said(("g3", "crossing", "yes"))).tolist() == [False, False, False]
    assert guarded_gates(GATES, said()).tolist() == [False, False, False]


def test_crossings_within_50_m_are_guarded() -> None:
    crossings = crossings_at((49, 0), (51, 0), (500, 30), (1000, 10))
    found = with_guards_of_gates(crossings, GATES, said(("s", "gate", "yes")), EPSG)
    assert found["guard"].tolist() == [True, False, True, False]
    assert found["guard_from"].tolist() == ["survey", "default", "survey", "default"]
    assert not crossings["guard"].any(), "the frame that was given is left alone"


def test_what_was_seen_at_a_crossing_and_bridges_keep_theirs() -> None:
    crossings = crossings_at((10, 0), (20, 0), guard_from=["survey", "default"], control=["marked", "grade_separated"])
    found = with_guards_of_gates(crossings, GATES, said(("g1", "gate", "yes")), EPSG)
    assert found["guard"].tolist() == [False, False]


@given(
    st.lists(st.tuples(st.integers(-200, 200), st.integers(-200, 200)), min_size=1, max_size=8),
    st.sets(st.sampled_from(["g1", "g2", "g3"])),
)
def test_agrees_with_plain_loops(places: list[tuple[int, int]], names: set[str]) -> None:
    gates = gates_at(("g1", "s", 0, 0), ("g2", "s", 120, 0), ("g3", "t", 0, 120))
    at = {"g1": (0, 0), "g2": (120, 0), "g3": (0, 120)}
    survey = said(*((one, "gate", "yes") for one in sorted(names)))
    found = with_guards_of_gates(crossings_at(*places), gates, survey, EPSG)["guard"].tolist()
    for place, one in zip(places, found, strict=True):
        away = min((float(np.hypot(place[0] - at[name][0], place[1] - at[name][1])) for name in names), default=np.inf)
        if abs(away - 50) > 0.1:  # degrees are rounded
            assert one == (away < 50)
