"""Population rasters: what is read equals what was written, by hand and by a second method."""

from __future__ import annotations

import math
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import shapely
from people_tables import AREA, EAST, NORTH, homes_of, lonlat, rect, zones_of
from pyproj import Geod
from rasterio.errors import NotGeoreferencedWarning
from rasterio.transform import Affine

from xiqing_space.crs import GEOGRAPHIC, project_geometry
from xiqing_space.errors import InputDataError
from xiqing_space.ingest import raster as raster_module
from xiqing_space.ingest.area import Area
from xiqing_space.ingest.people import spread_people
from xiqing_space.ingest.people_sources import Basis, DistrictPeople, PeopleSources, RasterPeople
from xiqing_space.ingest.quality import Quality
from xiqing_space.ingest.raster import RasterCells, read_people_raster, true_area_km2

BASIS = Basis("resident", 2020)
NORTH_UP = Affine(500, 0, EAST, 0, -500, NORTH + 1000)


def write(path: Path, bands: Any, transform: Affine = NORTH_UP, crs: Any = 4548, names: Any = (), **more: Any) -> Path:
    stack = np.asarray(bands)
    stack = stack[None] if stack.ndim == 2 else stack
    scale, offset = more.pop("scale", None), more.pop("offset", None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(path, "w", driver=more.pop("driver", "GTiff"), height=stack.shape[1], width=stack.shape[2],
                           count=len(stack), dtype=stack.dtype, transform=transform, crs=crs, **more) as file:  # fmt: skip
            file.write(stack)
            for place, name in enumerate(names):
                file.set_band_description(place + 1, name)
            if scale is not None:
                file.scales, file.offsets = [scale] * len(stack), [offset or 0.0] * len(stack)
    return path


def read(path: Path, area: Area = AREA, unit: Any = "persons_per_cell", **more: Any) -> tuple[RasterCells, Quality]:
    quality = Quality()
    return read_people_raster(path, area, quality, unit=unit, **more), quality


def values(cells: RasterCells, field: str = "pop_total") -> dict[tuple[int, int], float]:
    frame = cells.frame
    return dict(zip(zip(frame["row"].tolist(), frame["col"].tolist(), strict=True), frame[field].tolist(), strict=True))


GRID = np.asarray([[1, 2, 3, 4], [5, 0, -9999, 8]])


@pytest.mark.parametrize("dtype", ["int16", "float32", "float64", "int32"])
def test_cells_nodata_and_noughts(tmp_path: Path, dtype: str) -> None:
    cells, quality = read(write(tmp_path / "p.tif", GRID.astype(dtype), nodata=-9999))
    assert values(cells) == {(0, 0): 1, (0, 1): 2, (0, 2): 3, (0, 3): 4, (1, 0): 5, (1, 3): 8}
    assert cells.frame["pop_total"].dtype == np.float64
    rows, cols = np.asarray([1, 1, 0, 5]), np.asarray([1, 2, 0, 0])
    assert cells.holds_data(rows, cols).tolist() == [True, False, True, False]
    assert quality.rows == []


def test_nan_is_missing_and_scale_and_offset_are_used(tmp_path: Path) -> None:
    grid = np.asarray([[1.0, math.nan, 3.0, 4.0]] * 2, dtype="float32")
    cells, _ = read(write(tmp_path / "p.tif", grid, scale=0.5, offset=10.0))
    assert values(cells)[0, 2] == 11.5
    assert (0, 1) not in values(cells)


def test_density_becomes_persons_by_the_cells_true_area(tmp_path: Path) -> None:
    """Second method: the area on the ellipsoid, by geographiclib."""
    lon, lat = lonlat(shapely.Point(EAST, NORTH + 1000)).coords[0]
    transform = Affine(0.005, 0, lon, 0, -0.005, lat)
    cells, _ = read(write(tmp_path / "d.tif", np.full((3, 5), 1000.0), transform, 4326), unit="persons_per_km2")
    for (row, col), people in values(cells).items():
        west, north = lon + 0.005 * col, lat - 0.005 * row
        corners = [west, west + 0.005, west + 0.005, west], [north, north, north - 0.005, north - 0.005]
        wanted = 1000 * abs(Geod(ellps="WGS84").polygon_area_perimeter(*corners)[0]) / 1e6
        assert people == pytest.approx(wanted, rel=2e-5)  # straight sides against geodesics


def test_the_true_area_does_not_depend_on_the_metric_system() -> None:
    square = lonlat(rect(0, 0, 500, 500))
    found = [true_area_km2(np.asarray([project_geometry(square, GEOGRAPHIC, epsg)]), epsg)[0] for epsg in (4548, 32650)]
    assert found[0] == pytest.approx(found[1], rel=1e-6)


def test_a_turned_raster_lies_where_it_should(tmp_path: Path) -> None:
    turned = Affine.translation(EAST + 1000, NORTH + 500) @ Affine.rotation(30) @ Affine.scale(100, -100)
    cells, _ = read(write(tmp_path / "t.tif", np.ones((2, 2)), turned))
    polygons = cells.polygons(np.asarray([0]), np.asarray([1]), 4548)
    c, s = math.cos(math.radians(30)), math.sin(math.radians(30))
    middle = 150 * c + 50 * s, 150 * s - 50 * c  # (150, −50) turned by 30 degrees
    assert polygons[0].centroid.distance(shapely.Point(EAST + 1000 + middle[0], NORTH + 500 + middle[1])) < 1e-6
    assert polygons[0].area == pytest.approx(10_000)
    assert [one.tolist() for one in cells.locate(shapely.centroid(polygons), 4548)] == [[0], [1]]


def test_neighbours_share_their_corners_in_another_system(tmp_path: Path) -> None:
    lon, lat = lonlat(shapely.Point(EAST, NORTH + 1000)).coords[0]
    cells, _ = read(write(tmp_path / "p.tif", np.ones((4, 6)), Affine(0.004, 0, lon, 0, -0.0025, lat), 4326))
    polygons = cells.polygons(cells.frame["row"].to_numpy(), cells.frame["col"].to_numpy(), 4548)
    assert shapely.union_all(polygons).area == pytest.approx(shapely.area(polygons).sum(), rel=1e-12)
    assert len(shapely.union_all(polygons).interiors) == 0


def test_bands_by_name_and_number(tmp_path: Path) -> None:
    path = write(
        tmp_path / "b.tif",
        np.stack([np.full((2, 4), one) for one in (9.0, 1.0, 2.0)]),
        names=("总人口", "0-4岁", "5-9岁"),
    )
    cells, _ = read(path)
    assert list(cells.frame.columns) == ["row", "col", "pop_total", "0-4岁", "5-9岁"]
    cells, _ = read(path, bands={"pop_total": 1, "0-4": "0-4岁"})
    assert set(values(cells, "0-4").values()) == {1.0}
    with pytest.raises(InputDataError) as caught:
        read(path, bands={"pop_total": 4, "x": 1})
    assert len(caught.value.first) == 2


def test_strips_read_the_same_as_the_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "p.tif", np.arange(24.0).reshape(4, 6), Affine(300, 0, EAST, 0, -300, NORTH + 1000))
    whole, _ = read(path)
    monkeypatch.setattr(raster_module, "STRIP_CELLS", 6)
    strips, _ = read(path)
    assert values(whole) == values(strips)
    assert (whole.valid == strips.valid).all()


def test_only_the_areas_window_is_read(tmp_path: Path) -> None:
    far = Affine(500, 0, EAST - 50_000, 0, -500, NORTH + 50_000)
    cells, _ = read(write(tmp_path / "p.tif", np.ones((200, 200)), far))
    assert cells.valid.size < 200
    assert cells.frame["row"].min() > 90


def test_a_raster_that_falls_short_and_a_likely_wrong_unit_are_told(tmp_path: Path) -> None:
    _, quality = read(write(tmp_path / "p.tif", np.full((2, 2), 1e6)))
    assert [row["check"] for row in quality.rows] == ["raster_dense", "raster_short"]
    assert "50.0%" in quality.rows[1]["what_zh"]


BAD = {
    "no crs": (lambda p: write(p, np.ones((2, 4)), crs=None), {}, "没有坐标系"),
    "no place": (lambda p: write(p, np.ones((2, 4)), Affine.identity()), {}, "地理定位"),
    "negative": (lambda p: write(p, np.asarray([[1.0, -1.0, -9999.0, 2.0]] * 2)), {}, "4 个像元"),
    "infinite": (lambda p: write(p, np.asarray([[1.0, math.inf, 1.0, 2.0]] * 2)), {}, "2 个像元"),
    "elsewhere": (lambda p: write(p, np.ones((2, 4)), Affine(500, 0, EAST + 90_000, 0, -500, NORTH)), {}, "不相交"),
    "complex": (lambda p: write(p, np.ones((2, 4), dtype="complex64")), {}, "不是实数"),
    "no unit": (lambda p: write(p, np.ones((2, 4))), {"unit": ""}, "单位未注明"),
    "bands without names": (lambda p: write(p, np.ones((2, 2, 4))), {}, "可识别的名称"),
    "text": (lambda p: Path(p).write_text("人口,1\n", encoding="utf-8"), {}, "无法读取栅格"),
    "empty": (lambda p: Path(p).write_bytes(b""), {}, "无法读取栅格"),
    "vrt": (lambda p: Path(p).write_text('<VRTDataset rasterXSize="1" rasterYSize="1"/>'), {}, "无法读取栅格"),
}


@pytest.mark.parametrize("case", sorted(BAD))
def test_broken_rasters_say_what_and_what_to_do(tmp_path: Path, case: str) -> None:
    make, more, message = BAD[case]
    make(tmp_path / "p.tif")
    with pytest.raises(InputDataError, match=message) as caught:
        read(tmp_path / "p.tif", **more)
    assert caught.value.todo
    assert caught.value.where == "p.tif"
    assert str(tmp_path) not in str(caught.value)


def test_a_cut_file_and_too_many_cells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(
        tmp_path / "p.tif", np.random.default_rng(1).random((200, 400)), Affine(5, 0, EAST, 0, -5, NORTH + 1000)
    )
    monkeypatch.setattr(raster_module, "MAX_CELLS", 1000)
    with pytest.raises(InputDataError, match="上限 1,000"):
        read(path)
    monkeypatch.undo()
    path.write_bytes(path.read_bytes()[:-200_000])
    with pytest.raises(InputDataError, match="无法读取栅格"):
        read(path)


def test_people_of_a_written_raster_reach_homes(tmp_path: Path) -> None:
    cells, _ = read(write(tmp_path / "p.tif", np.full((2, 4), 10, dtype="int16")))
    homes = homes_of([("h", "z", None, True, 1.0, 750, 250)])
    bands = {"0-2": 1.0, "3-5": 1.0, "6-11": 2.0, "12-14": 1.0, "15-17": 1.0}
    sources = PeopleSources(
        raster=RasterPeople(cells, BASIS, "p"), district=DistrictPeople({"pop_total": 60.0, **bands}, BASIS, "d")
    )
    quality = Quality()
    table = spread_people(homes, sources, zones_of({"z": rect(0, 0, 2000, 1000)}), AREA, quality)
    assert len(table) == 8
    assert table["pop_total"].tolist() == pytest.approx([10.0] * 8)
    assert table["pop_6_11"].tolist() == pytest.approx([10 * 2 / 60] * 8)
    assert {row["check"] for row in quality.rows} == {"people_ages_inferred", "people_totals_differ"}
    assert "80" in next(row["what_zh"] for row in quality.rows if "pop_total" in row["what_zh"])


def test_the_real_raster_keeps_its_people(shared_data: Path) -> None:
    """WorldPop, Wuhan: the sum inside a polygon against plain clipping, cell by cell."""
    path = shared_data / "wuhan_core_worldpop_age20plus_100m.tif"
    with rasterio.open(path) as file:
        grid, transform = file.read(1).astype(float), file.transform
        middle = transform @ (132, 96)
    centre = project_geometry(shapely.Point(*middle), GEOGRAPHIC, 32650)
    shape = centre.buffer(3000, quad_segs=5)
    area = Area("武汉", project_geometry(shape, 32650, GEOGRAPHIC), 32650, shape, shape)
    quality = Quality()
    cells = read_people_raster(path, area, quality, unit="persons_per_cell")
    wanted = []
    for row in range(40, 150):
        for col in range(80, 190):
            corners = [transform @ one for one in ((col, row), (col + 1, row), (col + 1, row + 1), (col, row + 1))]
            cell = project_geometry(shapely.Polygon(corners), GEOGRAPHIC, 32650)
            if cell.intersects(shape):
                wanted.append(grid[row, col] * cell.intersection(shape).area / cell.area)
    zones = zones_of({})
    table = spread_people(homes_of([]), PeopleSources(raster=RasterPeople(cells, BASIS, "w")), zones, area, quality)
    total = math.fsum(wanted)
    assert total > 100_000
    people = table.loc[table["inside"], "pop_total"]
    # no ages: relative weights, which sum to one; the cells themselves hold the persons
    assert math.isclose(math.fsum(people), 1.0, rel_tol=1e-9)
    district = DistrictPeople({"pop_total": total, "0-17": total / 6}, BASIS, "d")
    sources = PeopleSources(raster=RasterPeople(cells, BASIS, "w"), district=district)
    table = spread_people(homes_of([]), sources, zones, area, Quality())
    assert math.isclose(math.fsum(table.loc[table["inside"], "pop_total"]), total, rel_tol=1e-9)
