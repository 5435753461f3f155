"""What `make data` asks Overpass for, and how the answers become one extract."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import helpers
import numpy as np
import pytest
import shapely
from fetch_office import only_this_machine, quick_utm
from hypothesis import given, settings
from hypothesis import strategies as st

from xiqing_space.catalog import load_catalogue
from xiqing_space.crs import project, project_geometry
from xiqing_space.errors import InputDataError
from xiqing_space.ingest.area import Area
from xiqing_space.ingest.osm import read_features
from xiqing_space.ingest.osm_json import merge_answers, write_extract
from xiqing_space.ingest.overpass import plan_steps, query_outline

__all__ = ["only_this_machine", "quick_utm"]

# --- what is asked for


def test_every_tag_that_the_readers_look_for_is_asked_for() -> None:
    from xiqing_space.ingest.barriers import barrier_pairs
    from xiqing_space.ingest.facilities import facility_pairs
    from xiqing_space.ingest.population import home_pairs

    catalogue = load_catalogue()
    steps = plan_steps(catalogue)
    asked = [(key, value) for tags in steps.values() for key, value in tags.items()]
    keys = [key for key, _ in asked]
    assert len(keys) == len(set(keys)), "asked for twice"
    wanted = dict(asked)
    for key, value in {*facility_pairs(catalogue), *barrier_pairs(catalogue), *home_pairs(catalogue)}:
        assert wanted[key] is True or value in wanted[key], (key, value)  # type: ignore[operator]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(300, 20_000), min_size=5, max_size=60), st.sampled_from([0.0, 200.0, 2000.0]))
def test_what_is_asked_for_covers_the_area_with_few_corners(radii: list[float], buffer_m: float) -> None:
    turns = [2 * math.pi * place / len(radii) for place in range(len(radii))]
    ring = [(r * math.cos(t), r * math.sin(t)) for r, t in zip(radii, turns, strict=True)]
    east, north = project(np.asarray([helpers.PLACE]), 4326, 4548)[0]
    metric = shapely.make_valid(shapely.Polygon([(east + x, north + y) for x, y in ring]))
    area = Area(
        "x", project_geometry(metric, 4548, 4326), 4548, metric, metric.buffer(buffer_m) if buffer_m else metric
    )
    outline = query_outline(area)
    assert outline.geom_type == "Polygon"
    assert outline.is_valid
    assert not outline.interiors
    back = project_geometry(outline, 4326, 4548)
    assert back.buffer(0.01).covers(area.buffered)
    solid = shapely.union_all([shapely.Polygon(one.exterior) for one in shapely.get_parts([area.buffered])])
    assert solid.buffer(250).covers(back)


# --- merging answers


def write_answers(folder: Path, answers: list[tuple[str, list[dict[str, Any]]]]) -> list[Path]:
    paths = []
    for number, (date, elements) in enumerate(answers):
        path = folder / f"{number}.json"
        path.write_text(json.dumps({"osm3s": {"timestamp_osm_base": date}, "elements": elements}), "utf-8")
        paths.append(path)
    return paths


def node(identity: int, lon: float = 1.0, **tags: str) -> dict[str, Any]:
    return {"type": "node", "id": identity, "lat": 2.0, "lon": lon, **({"tags": tags} if tags else {})}


def test_of_two_versions_the_later_counts(tmp_path: Path) -> None:
    early, late = "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"
    paths = write_answers(tmp_path, [(late, [node(1, 5.0)]), (early, [node(1, 9.0), node(2)])])
    for order in (paths, paths[::-1]):
        found = merge_answers(order)
        assert found.nodes == {1: (5.0, 2.0, {}), 2: (1.0, 2.0, {})}
        assert found.dates == [early, late]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["", "2026-01-01", "2026-01-02"]), st.lists(
    st.builds(node, st.integers(1, 4), st.sampled_from([1.0, 2.0, 3.0])), max_size=4)), min_size=1, max_size=4), st.randoms())  # fmt: skip
def test_the_order_of_answers_does_not_matter(
    tmp_path_factory: pytest.TempPathFactory, answers: Any, random: Any
) -> None:
    folder = tmp_path_factory.mktemp("answers")
    one = merge_answers(write_answers(folder, answers))
    random.shuffle(answers)
    two = merge_answers(write_answers(folder, answers))
    assert (one.nodes, one.dates) == (two.nodes, two.dates)
    # plainly: of the latest date that holds a node, the greatest place
    for identity, (lon, _, _) in one.nodes.items():
        seen = [(date, item["lon"]) for date, items in answers for item in items if item["id"] == identity]
        assert lon == max(seen)[1]


@pytest.mark.parametrize(
    "item",
    [
        5, {}, {"type": "area", "id": 1}, {"type": "node", "id": True, "lat": 1, "lon": 1}, {"type": "node", "id": 1},
        {"type": "node", "id": 1, "lat": 95, "lon": 1}, {"type": "node", "id": 1, "lat": float("nan"), "lon": 1},
        {"type": "way", "id": 1, "nodes": ["x"]}, {"type": "way", "id": 1, "nodes": [1], "tags": {"a": 1}},
        {"type": "way", "id": 1, "nodes": [1], "tags": []}, {"type": "relation", "id": 1, "members": [{"type": "x", "ref": 1}]},
        {"type": "relation", "id": 1, "members": [{"type": "way"}]}, {"type": "way", "id": 1, "nodes": None},
    ],
)  # fmt: skip
def test_elements_that_are_none(tmp_path: Path, item: Any) -> None:
    with pytest.raises(InputDataError, match="格式不符") as caught:
        merge_answers(write_answers(tmp_path, [("", [node(1), item, item])]))
    assert len(caught.value.first) == 2


def test_hostile_tags_are_written_as_they_are_or_refused(tmp_path: Path) -> None:
    text = '=1+1"<script>\x1b[31m第一\n'
    paths = write_answers(tmp_path, [("", [node(1, name=text, amenity="kindergarten")])])
    write_extract(merge_answers(paths), tmp_path / "x.osm.pbf", (0, 0, 1, 1), "")
    found = read_features(tmp_path / "x.osm.pbf", [("amenity", "kindergarten")], ())
    assert found.nodes[0][3]["name"] == text
    paths = write_answers(tmp_path, [("", [node(1, name="x" * 5000)])])
    with pytest.raises(InputDataError, match="无法写出"):
        write_extract(merge_answers(paths), tmp_path / "y.osm.pbf", (0, 0, 1, 1), "")
