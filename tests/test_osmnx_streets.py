"""Streets as osmnx saves them: two-way edges once, parallel ones both, whatever the order of rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
from helpers import degrees, write_osmnx

from xiqing_space.catalog import load_catalogue
from xiqing_space.ingest.quality import Quality
from xiqing_space.ingest.streets import read_osmnx_streets


def _osmnx_rows() -> list[dict[str, Any]]:
    bend = [(0.0, 0.0), (50.0, 20.0), (100.0, 0.0)]
    other = {"oneway": False, "bridge": None, "tunnel": None, "access": None}
    return [
        {"u": 2, "v": 1, "osmid": "[11, 12]", "highway": "['residential', 'footway']", "name": "['甲路', '乙路']",
         "line": bend[::-1], **other},
        {"u": 1, "v": 2, "osmid": "[11, 12]", "highway": "['residential', 'footway']", "name": "['甲路', '乙路']",
         "line": bend, **other},
        {"u": 2, "v": 3, "osmid": "13", "highway": "tertiary", "name": None, "line": [(100.0, 0.0), (200.0, 0.0)],
         **other, "oneway": True, "bridge": "yes"},
        {"u": 1, "v": 2, "osmid": "14", "highway": "steps", "name": None, "line": [(0.0, 0.0), (100.0, 0.0)], **other},
        {"u": 2, "v": 1, "osmid": "14", "highway": "steps", "name": None, "line": [(100.0, 0.0), (0.0, 0.0)], **other},
        {"u": 3, "v": 4, "osmid": "15", "highway": "motorway", "name": None, "line": [(200.0, 0.0), (300.0, 0.0)], **other},
    ]  # fmt: skip


def test_osmnx_two_way_edges_once_and_lists_as_text(tmp_path: Path) -> None:
    quality = Quality()
    frame = read_osmnx_streets(write_osmnx(tmp_path / "s.gpkg", _osmnx_rows()), load_catalogue(), 4548, quality)
    frame = frame.sort_values("edge_id", ignore_index=True)
    assert frame["edge_id"].tolist() == ["osm:w11:n1-n2", "osm:w13:n2-n3", "osm:w14:n1-n2", "osm:w15:n3-n4"]
    assert frame["highway"].tolist() == ["residential", "tertiary", "steps", "motorway"]
    assert frame["name"].iloc[0] == "甲路"
    assert frame["walk"].tolist() == [True, True, True, False]
    assert frame["pram"].tolist() == [True, True, False, False]
    assert frame["bridge"].tolist() == [False, True, False, False]
    assert frame["length_m"].to_numpy() == pytest.approx([2 * np.hypot(50, 20), 100, 100, 100], abs=0.05)
    assert [row["check"] for row in quality.rows] == ["duplicate_street"]
    assert frame["geometry"].iloc[0].coords[0] == pytest.approx(degrees(0, 0), abs=2e-7), "drawn from u to v"


def test_osmnx_row_order_changes_nothing(tmp_path: Path) -> None:
    forth = read_osmnx_streets(write_osmnx(tmp_path / "a.gpkg", _osmnx_rows()), load_catalogue(), 4548, Quality())
    back = read_osmnx_streets(write_osmnx(tmp_path / "b.gpkg", _osmnx_rows()[::-1]), load_catalogue(), 4548, Quality())
    key = ["edge_id", "u", "v", "length_m", "highway", "walk"]
    assert forth.sort_values("edge_id")[key].to_numpy().tolist() == back.sort_values("edge_id")[key].to_numpy().tolist()


def test_osmnx_parallel_streets_of_one_way_are_both_kept(tmp_path: Path) -> None:
    rows = [
        {"u": 1, "v": 2, "osmid": "9", "highway": "footway", "line": [(0.0, 0.0), (100.0, 0.0)]},
        {"u": 1, "v": 2, "osmid": "9", "highway": "footway", "line": [(0.0, 0.0), (50.0, 60.0), (100.0, 0.0)]},
    ]
    frame = read_osmnx_streets(write_osmnx(tmp_path / "a.gpkg", rows), load_catalogue(), 4548, Quality())
    assert sorted(frame["edge_id"]) == ["osm:w9:n1-n2", "osm:w9:n1-n2:2"]


def test_osmnx_two_way_loop_is_one_street(tmp_path: Path) -> None:
    ring = [(0.0, 0.0), (60.0, 0.0), (60.0, 60.0), (0.0, 60.0), (0.0, 0.0)]
    rows = [
        {"u": 1, "v": 1, "osmid": "9", "highway": "residential", "line": ring},
        {"u": 1, "v": 1, "osmid": "9", "highway": "residential", "line": ring[::-1]},
    ]
    frame = read_osmnx_streets(write_osmnx(tmp_path / "a.gpkg", rows), load_catalogue(), 4548, Quality())
    assert frame["edge_id"].tolist() == ["osm:w9:n1-n1"]


def test_osmnx_district_of_a_chinese_city(shared_data: Path) -> None:
    path = shared_data / "shenzhen_futian_osmnx.gpkg"
    if not path.is_file():
        pytest.skip(f"XIQING_TEST_DATA holds no {path.name}")
    raw = gpd.read_file(path, layer="edges")
    frame = read_osmnx_streets(path, load_catalogue(), 32649, Quality())
    assert frame["edge_id"].is_unique
    assert frame["name"].dropna().str.contains(r"[\u4e00-\u9fff]").any()
    # by hand: an undirected street is a set of ends, a way and a line that may be turned round
    unturned = {
        (frozenset((u, v)), str(way), frozenset((tuple(line.coords), tuple(line.coords)[::-1])))
        for u, v, way, line in zip(raw["u"], raw["v"], raw["osmid"], raw.geometry, strict=True)
    }
    assert len(frame) == len(unturned)
    assert set(frame["u"]) | set(frame["v"]) == {f"osm:n{one}" for one in {*raw["u"], *raw["v"]}}
