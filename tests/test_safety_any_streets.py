"""Attributes of streets however they are drawn and tagged: a street in three styles is one walk, and any tags are read or listed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from street_drawing import CATALOGUE, EAST, EPSG, Streets, edge

from xiqing_space.ingest.street_tags import WAY_KEYS
from xiqing_space.safety.attributes import resolve_attributes
from xiqing_space.safety.score import score_segments
from xiqing_space.safety.sheet import ATTRIBUTES
from xiqing_space.safety.tag_values import TagReader
from xiqing_space.tables import empty, finish

FACTORS = CATALOGUE.safety["factors"]


# --- one street, drawn as mappers draw it


def along(row: Any) -> float:
    """The equation of the catalogue's factors, written out."""
    curve = FACTORS["speed"]
    speed = curve["top"] / (1 + np.exp(-curve["slope"] * (row["speed_kmh"] - curve["middle_kmh"])))
    sides = (FACTORS["sidewalk"][row["sidewalk_left"]] + FACTORS["sidewalk"][row["sidewalk_right"]]) / 2
    lanes = FACTORS["lanes_per_dir"][min(row["lanes_per_dir"], 4) - 1]
    flow = FACTORS["flow"][int(row["flow_per_lane"] // FACTORS["flow_step"])]
    lit, calming = FACTORS["lit"]["yes" if row["lit"] else "no"], FACTORS["calming"] if row["calming"] else 1.0
    return float(
        FACTORS["along_base"]
        * sides
        * lanes
        * FACTORS["median"][row["median"]]
        * lit
        * calming
        * FACTORS["surface"][row["surface"]]
        * speed
        * flow
    )


@pytest.mark.parametrize("known", [True, False])
def test_the_same_street_in_three_styles_is_the_same_walk(known: bool) -> None:
    """A secondary street of 2 × 2 lanes, 50 km/h, with a kerb-side sidewalk on either side; tagged, or left to the defaults.

    One line: 14 m of carriageway, walks (2 m wide) at 7 + 1 = 8 m from it. Two lines, 3 m of median: at -5 and 5 m, walks 3.5 + 1 m outside.
    """
    say = {"maxspeed": "50", "lit": "yes", "surface": "asphalt"} if known else {}
    whole = {"lanes": "4", **say} if known else {}
    half = {"oneway": "yes", "name": "甲路", **({"lanes": "2"} if known else {}), **say}
    tagged = {"sidewalk": "both"} if known else {}
    line = Streets().way(1, EAST, "secondary", **whole, **tagged).resolve()
    drawn = (
        Streets().way(1, EAST, "secondary", **whole, **({"sidewalk": "separate"} if known else {}))
        .way(2, [(0.0, 8.0), (200.0, 8.0)], "footway", footway="sidewalk").way(3, [(200.0, -8.0), (0.0, -8.0)], "footway").resolve()
    )  # fmt: skip
    two = (
        Streets().way(1, [(0.0, -5.0), (200.0, -5.0)], "secondary", **half, **({"sidewalk": "right"} if known else {}))
        .way(2, [(200.0, 5.0), (0.0, 5.0)], "secondary", **half, **({"sidewalk": "right"} if known else {})).resolve()
    )  # fmt: skip
    both = (
        Streets().way(1, [(0.0, -5.0), (200.0, -5.0)], "secondary", **half).way(2, [(200.0, 5.0), (0.0, 5.0)], "secondary", **half)
        .way(3, [(0.0, 9.5), (200.0, 9.5)], "footway").way(4, [(0.0, -9.5), (200.0, -9.5)], "footway").resolve()
    )  # fmt: skip
    scores = [along(row) for rows in (line, drawn, two, both) for _, row in rows.iterrows()]
    # by hand: 1.76 × 1.0 × 1.4 × S(50) = 1.459 × F(6000) = 3.58
    assert scores == pytest.approx([12.87] * (1 + 3 + 2 + 4), abs=0.02)
    assert drawn.loc[[2, 3], "beside_edge_id"].tolist() == [edge(1)] * 2
    assert both.loc[[3, 4], "beside_edge_id"].tolist() == [edge(2), edge(1)]
    assert two["pair_id"].tolist() == ["osm:w1+osm:w2"] * 2


def test_a_walk_drawn_farther_off_lies_within_the_range_of_an_unmapped_one() -> None:
    """Untagged, a secondary street may have walks from 1 to 3 m apart (0.6) to none (12.6); drawn ones 2 m apart score the best of it."""
    whole = Streets().way(1, EAST, "secondary").resolve().loc[1]
    drawn = Streets().way(1, EAST, "secondary").way(2, [(0.0, 10.0), (200.0, 10.0)], "footway").resolve()
    line, *_, walk = score_segments(pd.concat([whole.to_frame().T, drawn]), CATALOGUE).itertuples(index=False)
    assert line.low_along <= walk.along <= line.high_along
    assert walk.along == pytest.approx(line.along * 0.6, rel=1e-3)
    assert line.along == pytest.approx(along(whole), rel=1e-3)
    assert line.high_along > line.along > line.low_along


# --- anything that OSM may hold

_VALUES = ["yes", "no", "both", "left", "right", "separate", "1", "2", "3", "-1", "50", "30 mph", "CN:urban", "none", "asphalt", "dirt", "bad", "2;3",
           "lane", "marked", "1.5 m", "5'6\"", "３", "", "x" * 300, "roundabout", "sidewalk", "crossing", "\u0000", "hump"]  # fmt: skip
_TAGS = st.dictionaries(
    st.sampled_from([key for key in WAY_KEYS if key != "highway"]),
    st.sampled_from(_VALUES) | st.text(max_size=12),
    max_size=12,
)


@settings(max_examples=150, deadline=None)
@given(_TAGS, st.booleans(), st.booleans())
def test_any_tags_are_read_or_listed(tags: dict[str, str], motor: bool, motorway: bool) -> None:
    reader = TagReader(tags, motor, motorway, CATALOGUE.safety)
    found = reader.read()
    assert all(why in ("unread", "contradiction") and key in tags for key, _, why in reader.wrong)
    if found.lanes_total is not None:
        assert found.lanes_per_dir is not None
        assert found.lanes_per_dir <= found.lanes_total <= 2 * CATALOGUE.safety["lanes"]["most"] * 2
        assert not found.oneway or found.lanes_per_dir == found.lanes_total
        assert (
            found.oneway or 2 * found.lanes_per_dir >= found.lanes_total - 12
        )  # a middle lane is of neither direction


@settings(max_examples=15, deadline=None)
@given(
    st.lists(
        st.tuples(_TAGS, st.sampled_from([*CATALOGUE.safety["roads"]["order"], "footway", "path", "raceway"])),
        min_size=1,
        max_size=6,
    )
)
def test_any_streets_fit_the_table(drawn: list[tuple[dict[str, str], str]]) -> None:
    s = Streets()
    for number, (tags, highway) in enumerate(drawn, start=1):
        s.way(number, [(0.0, 6.0 * number), (100.0, 6.0 * number)], highway)
        s.ways[-1][2].update(tags)
    rows = finish("street_attributes", s.resolve().reset_index(drop=True))
    assert rows[[f"{name}_from" for name in ATTRIBUTES if name != "sidewalk_width_m"]].notna().all().all()
    assert (rows["sidewalk_width_m"].isna() == rows["sidewalk_width_m_from"].isna()).all()
    assert (rows["pair_id"].isna() == rows["pair_gap_m"].isna()).all()
    road = rows["road_class"] != "foot"
    assert (rows.loc[road, ["speed_kmh", "lanes_total", "lanes_per_dir", "carriageway_width_m"]] > 0).all().all()


@settings(max_examples=25, deadline=None)
@given(_TAGS, st.sampled_from(["residential", "secondary", "trunk"]))
def test_taking_a_sidewalk_away_or_adding_a_lane_or_speed_never_improves_a_street(
    tags: dict[str, str], highway: str
) -> None:
    changes = [{"sidewalk": "no"}, {"sidewalk": "both"}, {"lanes": "4"}, {"lanes": "3"}, {"lanes": "2"}, {"maxspeed": "60"}, {"maxspeed": "50"},
               {"lit": "no"}, {"lit": "yes"}]  # fmt: skip
    s = Streets()
    for number, change in enumerate(changes, start=1):
        s.way(number, [(0.0, 100.0 * number), (200.0, 100.0 * number)], highway)
        s.ways[-1][2].update({**tags, **change})
    frame, _ = resolve_attributes(*s.tables(), CATALOGUE, EPSG)
    no, both, four, three, two, fast, slow, dark, light = (along(row) for _, row in frame.iterrows())
    assert no >= both - 1e-9
    assert four >= three - 1e-9 >= two - 2e-9
    assert fast >= slow - 1e-9
    assert dark >= light - 1e-9


def test_no_streets_and_no_tags() -> None:
    tables = Streets().way(1, EAST).tables()
    frame, listed = resolve_attributes(tables[0], empty("street_tags"), *tables[2:], CATALOGUE, EPSG)
    assert frame["speed_kmh_from"].tolist() == ["default"]
    assert listed.empty
    frame, listed = resolve_attributes(
        empty("streets"), empty("street_tags"), empty("road_points"), empty("street_survey"), CATALOGUE, EPSG
    )
    assert finish("street_attributes", frame).empty
    assert listed.empty
