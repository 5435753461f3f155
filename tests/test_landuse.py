"""Land use: codes to classes, settlement of zones, cells whose areas sum to the land's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from xiqing_space.crs import project_geometry, to_degrees
from xiqing_space.errors import ConfigError, XiqingError
from xiqing_space.ingest.landuse import (
    classify_code,
    landuse_catalogue,
    of_use,
    read_landuse,
    residential_points,
    settlement_of_zones,
    within_use,
)
from xiqing_space.ingest.quality import Quality

EPSG = 4548
EAST, NORTH = 500_000.0, 4_320_000.0


def metric_box(west: float, south: float, east: float, north: float) -> Any:
    return shapely.box(EAST + west, NORTH + south, EAST + east, NORTH + north)


def land(*pieces: tuple[str, Any]) -> pd.DataFrame:
    shapes = to_degrees(np.array([one for _, one in pieces], dtype=object), EPSG)
    exact = project_geometry(shapes, 4326, EPSG)
    return pd.DataFrame(
        {
            "landuse_id": [f"file:l:{i + 1}" for i in range(len(pieces))], "class": [name for name, _ in pieces],
            "code": "", "area_ha": shapely.area(exact) / 1e4, "source": "l", "source_row": range(1, len(pieces) + 1),
            "geometry": shapes,
        }
    )  # fmt: skip


def zones(*shapes: Any) -> pd.DataFrame:
    return pd.DataFrame({"zone_id": [f"z{i}" for i in range(len(shapes))],
                         "geometry": to_degrees(np.array(shapes, dtype=object), EPSG)})  # fmt: skip


@pytest.mark.parametrize(
    ("preset", "code", "name"),
    [
        ("dlbm", "0701", "residential_urban"), ("dlbm", "0702", "residential_rural"), ("dlbm", "0101", "farmland"),
        ("dlbm", "0201K", "farmland"), ("dlbm", "0306", "water"), ("dlbm", "05H1", "commercial"),
        ("dlbm", "0508", "industry"), ("dlbm", "0601", "industry"), ("dlbm", "08H1", "public"), ("dlbm", "08H2", "public"),
        ("dlbm", "08H2A", "campus"), ("dlbm", "0810A", "green"), ("dlbm", "1003", "transport"), ("dlbm", "1104A", "water"),
        ("dlbm", "1109", "transport"), ("dlbm", "1201", "vacant_planned"), ("dlbm", "203", None), ("dlbm", "071", None),
        ("dlbm", "701", None), ("dlbm", "07", None), ("dlbm", "0799", None), ("dlbm", "", None), ("dlbm", "居住", None),
        ("ydyh", "070102", "residential_urban"), ("ydyh", "0703", "residential_rural"), ("ydyh", "07", "residential"),
        ("ydyh", "0702", "public"), ("ydyh", "080404", "campus"), ("ydyh", "080602", "public"), ("ydyh", "1001", "industry"),
        ("ydyh", "1401", "green"), ("ydyh", "1501", "military"), ("ydyh", "1506", "other"), ("ydyh", "16", "vacant_planned"),
        ("ydyh", "1207", "transport"), ("ydyh", "0799", None), ("ydyh", "25", None), ("ydyh", "9999", None),
        ("osm", "residential", "residential"), ("osm", "industrial", "industry"), ("osm", "residential2", None),
        ("osm", "resi", None),
    ],
)  # fmt: skip
def test_codes(preset: str, code: str, name: str | None) -> None:
    assert classify_code(code, preset)[0] == name


def test_the_same_figures_mean_other_things_in_other_schemes() -> None:
    """1001 is a railway in the survey and industry in the plan; 0702 is rural housing and a community's services."""
    assert [classify_code("1001", one)[0] for one in ("dlbm", "ydyh")] == ["transport", "industry"]
    assert [classify_code("0702", one)[0] for one in ("dlbm", "ydyh")] == ["residential_rural", "public"]


def test_own_codes_come_first() -> None:
    assert classify_code("07", "dlbm", {"07": "residential"}) == ("residential", True)
    assert classify_code("0601", "dlbm", {"0601": "commercial"}) == ("commercial", True)


def test_every_class_has_two_languages_and_every_code_a_name() -> None:
    rules = landuse_catalogue()
    assert all(one["zh"] and one["en"] for one in rules["class"].values())
    assert all(code["zh"] for preset in rules["preset"].values() for code in preset["codes"])
    used = {code["class"] for preset in rules["preset"].values() for code in preset["codes"]}
    assert used == set(rules["class"])


def write(path: Path, codes: list[Any], column: str = "DLBM") -> Path:
    shapes = [metric_box(100 * i, 0, 100 * i + 100, 100) for i in range(len(codes))]
    gpd.GeoDataFrame({column: codes}, geometry=shapes, crs=EPSG).to_file(path)
    return path


def test_a_survey_is_read(tmp_path: Path) -> None:
    quality = Quality()
    path = write(tmp_path / "DLTB.gpkg", ["0701", "0702", "203", "09", None, "0701", "203"])
    found = read_landuse(path, "dlbm", metric_epsg=EPSG, quality=quality)
    assert found["landuse_id"].tolist() == [f"file:DLTB:{row}" for row in (1, 2, 4, 6)]
    assert found["class"].tolist() == ["residential_urban", "residential_rural", "military", "residential_urban"]
    assert found["area_ha"].tolist() == pytest.approx([1.0] * 4, rel=1e-3)
    doubts = quality.frame().set_index("check")["what_en"]
    assert "3 pieces" in doubts["landuse_unknown_codes"]
    assert "（空） × 1, 203 × 2" in doubts["landuse_unknown_codes"]
    assert "09 × 1" in doubts["landuse_codes_unseen"]
    own = read_landuse(path, "dlbm", metric_epsg=EPSG, quality=Quality(), codes={"203": "residential_rural"})
    assert own["class"].value_counts()["residential_rural"] == 3


def test_uses_and_masks(tmp_path: Path) -> None:
    table = read_landuse(write(tmp_path / "a.gpkg", ["0701", "0601", "08H2A", "1201", "0101"]), "dlbm", metric_epsg=EPSG,
                         quality=Quality())  # fmt: skip
    assert of_use(table, "no_homes")["code"].tolist() == ["0601", "08H2A"]
    assert of_use(table, "candidates")["code"].tolist() == ["1201"]
    points = to_degrees(shapely.points([EAST + 50 + 100 * i for i in range(6)], [NORTH + 50] * 6), EPSG)
    assert within_use(table, "no_homes", points).tolist() == [False, True, True, False, False, False]


def test_what_cannot_be_read(tmp_path: Path) -> None:
    path = write(tmp_path / "a.gpkg", ["0701"], column="TYPE")
    with pytest.raises(XiqingError, match="no column of land-use codes") as caught:
        read_landuse(path, "dlbm", metric_epsg=EPSG, quality=Quality())
    assert caught.value.first == ("TYPE",)
    assert len(read_landuse(path, "dlbm", metric_epsg=EPSG, quality=Quality(), column="TYPE")) == 1
    for preset, codes in (("gb50137", None), ("dlbm", {"1": "housing"})):
        with pytest.raises(ConfigError, match="no such preset or class"):
            read_landuse(path, preset, metric_epsg=EPSG, quality=Quality(), column="TYPE", codes=codes)


def test_land_drawn_twice_is_a_doubt(tmp_path: Path) -> None:
    shapes = [metric_box(0, 0, 100, 100), metric_box(50, 0, 150, 100), metric_box(150, 0, 250, 100)]
    gpd.GeoDataFrame({"DLBM": ["0701", "0702", "0701"]}, geometry=shapes, crs=EPSG).to_file(tmp_path / "a.gpkg")
    quality = Quality()
    read_landuse(tmp_path / "a.gpkg", "dlbm", metric_epsg=EPSG, quality=quality)
    doubt = quality.frame().set_index("check").loc["landuse_overlap"]
    assert "0.5 ha" in doubt["what_en"]
    assert doubt["row"] == "2"


# ---- settlement. Zones of 1 km by 1 km, 100 ha

KM = metric_box(0, 0, 1000, 1000)


@pytest.mark.parametrize(
    ("pieces", "settlement", "reason"),
    [
        ([("residential_urban", (0, 0, 1000, 300)), ("farmland", (0, 300, 1000, 1000))], "urban", None),
        ([("residential_urban", (0, 0, 1000, 70)), ("residential_rural", (0, 70, 1000, 100)),
          ("farmland", (0, 100, 1000, 1000))], "urban", None),
        ([("residential_urban", (0, 0, 1000, 60)), ("residential_rural", (0, 60, 1000, 100)),
          ("farmland", (0, 100, 1000, 1000))], "mixed", None),
        ([("residential_urban", (0, 0, 1000, 10)), ("residential_rural", (0, 10, 1000, 100)),
          ("farmland", (0, 100, 1000, 1000))], "rural", None),
        ([("residential_urban", (0, 0, 1000, 300))], None, "no_land_use"),
        ([("residential_urban", (0, 0, 100, 100)), ("farmland", (0, 100, 1000, 1000))], None, "little_residential_land"),
        ([("residential", (0, 0, 1000, 1000))], None, "housing_not_told_apart"),
        ([("farmland", (2000, 0, 3000, 1000))], None, "no_land_use"),
    ],
)  # fmt: skip
def test_settlement(pieces: list[Any], settlement: str | None, reason: str | None) -> None:
    table = land(*((name, metric_box(*corners)) for name, corners in pieces))
    found = settlement_of_zones(zones(KM), table, EPSG).iloc[0]
    assert (found["settlement"], found["reason"]) == (settlement, reason)


def test_settlement_counts_only_what_lies_in_a_zone() -> None:
    """Rural housing across the border belongs to the other zone; overlapping land does not make a zone mapped twice."""
    table = land(("residential_urban", metric_box(900, 0, 1000, 1000)), ("residential_rural", metric_box(1000, 0, 1600, 1000)),
                 ("farmland", metric_box(0, 0, 900, 1000)), ("farmland", metric_box(0, 0, 900, 1000)))  # fmt: skip
    found = settlement_of_zones(zones(KM, metric_box(1000, 0, 2000, 1000)), table, EPSG)
    assert found["settlement"].tolist() == ["urban", "rural"]
    assert found["urban_ha"].tolist() == pytest.approx([10.0, 0.0], abs=1e-3)
    assert found["mapped_share"].tolist() == pytest.approx([1.0, 0.6], abs=1e-5)


# ---- cells


def test_cells_by_hand() -> None:
    """A piece of 100 m by 50 m that begins on the grid: two cells of a quarter hectare; its left half is in zone z0."""
    cells = residential_points(land(("residential_urban", metric_box(0, 0, 100, 50)), ("industry", KM)),
                               zones(metric_box(-500, -500, 50, 500)), EPSG)  # fmt: skip
    big = cells[cells["area_ha"] > 1e-4]
    assert big["area_ha"].tolist() == pytest.approx([0.25, 0.25], rel=1e-3)
    assert big["zone_id"].tolist() == ["z0", None]
    assert cells["area_ha"].sum() == pytest.approx(0.5, rel=1e-3)


@st.composite
def pieces(draw: st.DrawFn) -> Any:
    """Land with holes and several parts, anywhere within a kilometre."""
    numbers = st.floats(0, 800, allow_nan=False).map(lambda one: round(one, 2))
    shape: Any = shapely.Polygon()
    for _ in range(draw(st.integers(1, 3))):
        x, y, w, h = draw(st.tuples(numbers, numbers, st.floats(5, 300), st.floats(5, 300)))
        shape = shape.union(shapely.affinity.rotate(shapely.box(x, y, x + w, y + h), draw(st.floats(0, 90))))
    for _ in range(draw(st.integers(0, 3))):
        x, y, r = draw(st.tuples(numbers, numbers, st.floats(3, 60)))
        shape = shape.difference(shapely.Point(x, y).buffer(r, quad_segs=3))
    assume(not shape.is_empty and shape.area > 1)
    return shapely.transform(shape, lambda coords: coords + np.array([EAST, NORTH]))


@settings(max_examples=25, deadline=None)
@given(st.lists(pieces(), min_size=1, max_size=3), st.lists(pieces(), max_size=3), st.sampled_from([25.0, 50.0, 130.0]))
def test_cells_sum_to_the_land_and_match_a_plain_count(shapes: list[Any], areas: list[Any], cell_m: float) -> None:
    table = land(*(("residential_urban", one) for one in shapes))
    places = zones(*areas)
    cells = residential_points(table, places, EPSG, cell_m)
    sums = cells.groupby("landuse_id")["area_ha"].sum()
    assert sums.to_numpy() == pytest.approx(table["area_ha"].to_numpy(), rel=1e-9)
    assert cells["point_id"].is_unique
    # a second, plain way: each zone's own share of each piece, with what earlier zones took left out
    metric = project_geometry(table["geometry"].to_numpy(dtype=object), 4326, EPSG)
    taken: Any = shapely.Polygon()
    for name, place in zip(places["zone_id"], project_geometry(places["geometry"].to_numpy(dtype=object), 4326, EPSG),
                           strict=True):  # fmt: skip
        own = place.difference(taken)
        taken = taken.union(place)
        expected = sum(one.intersection(own).area for one in metric) / 1e4
        assert cells.loc[cells["zone_id"] == name, "area_ha"].sum() == pytest.approx(expected, abs=1e-6)
    # each cell's area, cut on its own
    owner = dict(zip(table["landuse_id"], metric, strict=True))
    per_cell = (
        cells.assign(cell=cells["point_id"].str.split("@").str[1]).groupby(["landuse_id", "cell"])["area_ha"].sum()
    )
    for (identity, cell), area in per_cell.iloc[:20].items():
        column, row = map(int, cell.split("_"))
        box = shapely.box(column * cell_m, row * cell_m, (column + 1) * cell_m, (row + 1) * cell_m)
        assert area == pytest.approx(owner[identity].intersection(box).area / 1e4, abs=1e-6)
    # order of rows changes nothing
    again = residential_points(table.iloc[::-1], places.iloc[::-1], EPSG, cell_m)
    pd.testing.assert_frame_equal(pd.DataFrame(cells), pd.DataFrame(again))


@pytest.mark.parametrize("cell_m", [0.0, -5.0, float("nan"), float("inf")])
def test_cells_need_a_size(cell_m: float) -> None:
    with pytest.raises(ConfigError, match="positive"):
        residential_points(land(("residential", KM)), zones(KM), EPSG, cell_m)


def test_no_land_gives_no_cells() -> None:
    assert residential_points(land(("industry", KM)), zones(KM), EPSG).empty
