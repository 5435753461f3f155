"""Access with one assumption changed: by hand on a drawn street, and against searches made from scratch."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers import Drawing, box, call, polygon_feature, table, write_config, write_geojson
from hypothesis import given, settings
from hypothesis import strategies as st
from test_gate_range import inputs_of
from test_properties import LIMIT, World, worlds

from xiqing_space.coverage.access import measure_access
from xiqing_space.coverage.access_other import measure_no_legs, measure_without, observed
from xiqing_space.tables import finish

KEY = ["demand_id", "kind", "profile"]


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A street of 1,000 m with a home each 400 m; the area ends at 600, and the nearest playground of two homes lies beyond."""
    folder = tmp_path_factory.mktemp("cases")
    d = Drawing()
    d.street([(0, 0), (1000, 0)])
    for x in (100, 500):
        d.block(x - 5, 15, x + 5, 25, {"building": "house"})
    d.node(20, -10, {"leisure": "playground"})
    d.node(700, -30, {"leisure": "playground"})
    d.node(750, -10, {"amenity": "library"})
    d.write(folder / "a.osm")
    write_geojson(folder / "b.geojson", [polygon_feature(box(-50, -100, 600, 100), {})])
    config = {"area": {"name": "a", "boundary": "b.geojson", "buffer_m": 500.0}, "sources": {"osm": "a.osm"}}
    result = call(
        "run", "--config", write_config(folder / "c.toml", config), "--out", folder / "out", "--only", "indicators"
    )
    assert result.code == 0, result.err[-500:]
    return folder / "out"


def walks(out: Path, name: str, kind: str, column: str = "distance_m") -> list[float]:
    rows = table(out, name).query("kind == @kind and profile == 'walk'")
    return rows.sort_values("demand_id")[column].tolist()


def test_facilities_of_the_area_alone_by_hand(street: Path) -> None:
    # 20 out + 80 along + 10 in; 20 + 200 + 30, and without the one beyond the border 20 + 480 + 10
    assert walks(street, "access", "playground") == pytest.approx([110, 250], abs=0.05)
    assert walks(street, "access_inside", "playground") == pytest.approx([510], abs=0.05)
    assert walks(street, "access_inside", "playground", "straight_m") == pytest.approx(
        [480.9], abs=0.1
    )  # √(480² + 30²)
    assert np.isnan(walks(street, "access_inside", "library")).all()
    rows = table(street, "indicators").query("indicator_id == 'A02-inside' and zone_id == '*' and age_band == '*'")
    shares = rows.set_index(["kind", "measure"])
    assert shares["value"].to_dict() == pytest.approx(
        {("playground", "walk"): 0.5, ("playground", "radius"): 0.5, ("library", "walk"): 0.0}, abs=1e-3
    )
    assert shares["reason"].fillna("").to_dict() == {
        ("playground", "walk"): "", ("playground", "radius"): "", ("library", "walk"): "none_inside",
    }  # fmt: skip


def test_walks_without_legs_by_hand(street: Path) -> None:
    assert walks(street, "access_no_legs", "playground") == pytest.approx([80, 200], abs=0.05)
    assert walks(street, "access_no_legs", "library") == pytest.approx([650, 250], abs=0.05)
    assert "kindergarten" not in set(table(street, "access_no_legs")["kind"])


def test_only_places_that_nothing_confirms_are_inferred() -> None:
    rows = pd.DataFrame({"facility_id": ["a", "b", "c"], "located_by": ["matched", "matched", "node"]})
    merges = pd.DataFrame({"kept_row_id": ["b"], "merged_row_id": ["osm:n1"]})
    assert observed(rows, merges).tolist() == [False, True, True]


one_gate_each = worlds().map(lambda world: replace(world, sites=tuple(one[:1] for one in world.sites)))


@settings(max_examples=25, deadline=None)
@given(one_gate_each, st.integers(0, 2))
def test_leaving_facilities_out_equals_a_world_without_them(world: World, kept: int) -> None:
    kept = min(kept, len(world.sites) - 1)
    inputs, links = inputs_of(world, [world.homes[0]])
    access = measure_access(inputs, links, ("park",), LIMIT)
    mask = (inputs.facilities["facility_id"] == f"f{kept}").to_numpy()
    found = measure_without(inputs, links, ("park",), LIMIT, access, mask)
    alone, its = inputs_of(replace(world, sites=(world.sites[kept],)), [world.homes[0]])
    fresh = measure_access(alone, its, ("park",), LIMIT).set_index(KEY)[["distance_m", "straight_m"]]
    columns = ["distance_m", "straight_m"]
    whole = access.set_index(KEY)[columns]
    if len(found):
        finish("access_inside", found)
        changed = found.set_index(KEY)[columns]
        before = whole.loc[changed.index]
        assert (
            ((changed != before) & ~(changed.isna() & before.isna())).any(axis=1).all()
        )  # only what differs is listed
        whole.loc[changed.index] = changed
    pd.testing.assert_frame_equal(whole, fresh)


@settings(max_examples=25, deadline=None)
@given(one_gate_each)
def test_without_legs_equals_the_best_pair_of_links(world: World) -> None:
    """Every home's link to every site's link one by one, over a matrix of all nodes (Floyd and Warshall)."""
    inputs, links = inputs_of(world, [world.homes[0]])
    mine = links["walk"]
    graph = mine.graph
    far = np.full((graph.n_nodes, graph.n_nodes), np.inf)
    np.fill_diagonal(far, 0.0)
    for u, v, length in zip(graph.u, graph.v, graph.length_m, strict=True):
        far[u, v] = far[v, u] = min(far[u, v], length)
    for node in range(graph.n_nodes):
        far = np.minimum(far, far[:, [node]] + far[[node], :])
    best = np.full(len(inputs.demand), np.inf)
    for row, edge, offset in zip(mine.home_row, mine.homes.edge, mine.homes.offset_m, strict=True):
        for other, place in zip(mine.sites.edge, mine.sites.offset_m, strict=True):
            ends = [(graph.u[edge], offset), (graph.v[edge], graph.length_m[edge] - offset)]
            goals = [(graph.u[other], place), (graph.v[other], graph.length_m[other] - place)]
            ways = [cost + far[a, b] + more for a, cost in ends for b, more in goals]
            if edge == other:
                ways.append(abs(offset - place))
            best[row] = min(best[row], *ways)
    found = measure_no_legs(inputs, links, {"park": ("walk",)}, LIMIT)
    got = np.full(len(best), np.inf)
    if len(found):
        got[pd.Index(inputs.demand["demand_id"]).get_indexer(pd.Index(found["demand_id"]))] = found["distance_m"]
        with_legs = measure_access(inputs, links, ("park",), LIMIT)["distance_m"].to_numpy()
        assert not (got > with_legs + 0.011).any()  # legs never shorten
    np.testing.assert_allclose(got, np.where(best <= LIMIT, best, np.inf), atol=0.0051)
