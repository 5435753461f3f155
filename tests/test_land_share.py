"""The share of residential land, on a street drawn small enough to work out by hand."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from helpers import Drawing, Result, box, call, polygon_feature, table, write_config, write_geojson

from xiqing_space.crs import project_geometry

EPSG = 4548
PAGE = "maps/action02_child_space_review.html"
PIECES = {
    # hectares, walk and straight line to the kindergarten at (500, -10): cells lie within 20 m of their piece's middle line
    "A": (90, 10, 110, 30),  # 0.04 ha; 390 m along the street and more: beyond 300, within 500
    "B": (280, 10, 320, 30),  # 0.08 ha; at most 220 + 30 + 10
    "C": (490, 10, 510, 30),  # 0.04 ha
    "D": (850, 10, 950, 30),  # 0.20 ha; 350 to 450 m along, so at most 490 in all
    "E": (490, 600, 510, 620),  # 0.04 ha, 600 m from any street: nobody knows how one gets out
}
WORKS = (600, 10, 700, 60)


def street() -> Drawing:
    """A street of 1,100 m with a house, a kindergarten and a library."""
    d = Drawing()
    d.street([(-100, 0), (1000, 0)])
    d.block(395, 15, 405, 25, {"building": "house"})
    d.node(500, -10, {"amenity": "kindergarten", "name": "示例幼儿园"})
    d.node(-60, -10, {"amenity": "library"})
    return d


def write_land(path: Path, names: str = "ABCDE") -> str:
    pieces = [polygon_feature(box(*PIECES[name]), {"landuse": "residential"}) for name in names]
    write_geojson(path, [*pieces, polygon_feature(box(*WORKS), {"landuse": "industrial"}),
                         polygon_feature(box(700, 10, 800, 60), {"landuse": "greenfield"})])  # fmt: skip
    return path.name


def run(drawing: Drawing, folder: Path, last: str = "indicators", **sections: Any) -> Path:
    drawing.write(folder / "a.osm")
    zones = [polygon_feature(box(-200, -100, 500, 800), {"zone_id": "W", "name": "西", "settlement": "urban"}),
             polygon_feature(box(500, -100, 1100, 800), {"zone_id": "E", "name": "东", "settlement": "urban"})]  # fmt: skip
    write_geojson(folder / "zones.geojson", zones)
    config = {
        "area": {"name": "a", "zones": "zones.geojson", **sections.pop("area", {})},
        "sources": {"osm": "a.osm"},
        **sections,
    }
    result = call("run", "--config", write_config(folder / "c.toml", config), "--out", folder / "out", "--only", last)
    assert result.code == 0, result.err[-500:]
    return folder / "out"


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("land")
    boundary = [polygon_feature(box(-200, -100, 1100, 800), {})]
    write_geojson(folder / "b.geojson", boundary)
    land = {"file": write_land(folder / "land.geojson"), "preset": "osm"}
    return run(street(), folder, "maps", area={"boundary": "b.geojson"}, landuse=land)


def share(out: Path, standard: str, measure: str, zone: str = "*") -> pd.Series:
    rows = table(out, "indicators").query(
        "indicator_id == 'A02-land' and standard_id == @standard and measure == @measure and zone_id == @zone"
    )
    assert len(rows) == 1
    return rows.iloc[0]


NUMBERS = ["value", "value_low", "value_high", "numerator", "denominator", "n_unknown"]


@pytest.mark.parametrize(
    ("standard", "measure", "zone", "hand"),
    [
        # 0.12 of 0.40 ha; on foot E is unknown, and the high value counts it
        ("kindergarten_300m", "walk", "*", (0.3, 0.3, 0.4, 0.12, 0.40, 0.04)),
        ("kindergarten_300m", "radius", "*", (0.3, 0.3, 0.3, 0.12, 0.40, 0.0)),
        ("kindergarten_500m", "walk", "*", (0.9, 0.9, 1.0, 0.36, 0.40, 0.04)),
        ("kindergarten_500m", "radius", "*", (0.9, 0.9, 0.9, 0.36, 0.40, 0.0)),
        # the west has A, B and half of C and of E: 0.16 ha, of which 0.10 is covered and 0.02 unknown
        ("kindergarten_300m", "walk", "W", (0.625, 0.625, 0.75, 0.10, 0.16, 0.02)),
        ("kindergarten_300m", "walk", "E", (0.02 / 0.24, 0.02 / 0.24, 0.04 / 0.24, 0.02, 0.24, 0.02)),
        # 15 minutes are 900 m at 1.0 m/s and 1,080 m at 1.2: D, 930 to 1,050 m away, is within reach of the elder ones only
        ("library_15min", "walk", "*", (0.4, 0.4, 0.5, 0.16, 0.40, 0.04)),
    ],
)
def test_shares_of_land_by_hand(ran: Path, standard: str, measure: str, zone: str, hand: tuple[float, ...]) -> None:
    row = share(ran, standard, measure, zone)
    # coordinates are written to a centimetre: some 0.1 % of a piece of 20 m
    assert tuple(row[NUMBERS]) == pytest.approx(hand, abs=1.5e-3)
    assert (row["basis"], row["weight_kind"], row["age_band"]) == ("residential_land", "hectares", "*")


def test_only_the_radius_carries_a_verdict_on_land(ran: Path) -> None:
    rows = table(ran, "indicators").query("indicator_id == 'A02-land'")
    assert rows.loc[rows["measure"] == "walk", "verdict"].isna().all()
    assert share(ran, "kindergarten_300m", "radius")["verdict"] == "below_recommended"


def test_a_kind_that_nobody_mapped_has_no_share_of_land(ran: Path) -> None:
    row = share(ran, "hospital_2000m", "walk")
    assert np.isnan(row["value"])
    assert np.isnan(row["numerator"])
    assert row["reason"] == "no_facility_mapped"
    assert row["denominator"] == pytest.approx(0.40, abs=1e-3)


def test_cells_of_a_zone_sum_to_the_residential_land_in_it(ran: Path) -> None:
    processed = ran / "data/processed"
    cells = table(ran, "land_cells").groupby("zone_id")["area_ha"].sum()
    land, zones = gpd.read_parquet(processed / "landuse.parquet"), gpd.read_parquet(processed / "zones.parquet")
    homes = land[land["class"] == "residential"].to_crs(EPSG).geometry.to_numpy()
    for name, shape in zip(zones["zone_id"], zones.geometry, strict=True):
        metric = project_geometry(np.array([shape], dtype=object), 4326, EPSG)[0]
        assert cells[name] == pytest.approx(shapely.area(shapely.intersection(homes, metric)).sum() / 1e4, rel=1e-9)
    assert set(table(ran, "land_cells")["class"]) == {"residential"}
    assert set(land["class"]) == {"residential", "industry", "vacant_planned"}  # kept for later use


def test_other_tables_do_not_know_of_land(ran: Path, tmp_path: Path) -> None:
    write_geojson(tmp_path / "b.geojson", [polygon_feature(box(-200, -100, 1100, 800), {})])
    plain = run(street(), tmp_path, "maps", area={"boundary": "b.geojson"})
    for path in sorted((plain / "data/processed").glob("*.parquet")):
        first, second = table(plain, path.stem), table(ran, path.stem)
        if path.stem.startswith("land"):
            assert first.empty
            assert not second.empty
        elif path.stem == "indicators":
            kept = second[second["indicator_id"] != "A02-land"].reset_index(drop=True)
            pd.testing.assert_frame_equal(first.drop(columns="evidence_id"), kept.drop(columns="evidence_id"))
        elif path.stem != "area":  # which names its files
            known = [name for name in second.columns if name != "residential_ha"]  # of catchments
            pd.testing.assert_frame_equal(first[known], second[known])


def test_land_beyond_the_boundary_does_not_count(tmp_path: Path) -> None:
    write_geojson(tmp_path / "b.geojson", [polygon_feature(box(-200, -100, 900, 100), {})])
    land = {"file": write_land(tmp_path / "land.geojson"), "preset": "osm"}
    out = run(street(), tmp_path, area={"boundary": "b.geojson"}, landuse=land)
    row = share(out, "kindergarten_500m", "walk")
    # E and half of D lie outside: 0.26 ha are left, all of it within 500 m
    assert tuple(row[["value", "numerator", "n_unknown"]]) == pytest.approx((1.0, 0.26, 0.0), abs=1.5e-3)


def test_land_without_housing_is_said_and_gives_no_rows(tmp_path: Path) -> None:
    out = run(street(), tmp_path, landuse={"file": write_land(tmp_path / "land.geojson", ""), "preset": "osm"})
    assert not table(out, "indicators")["indicator_id"].eq("A02-land").any()
    assert not table(out, "landuse").empty
    quality = pd.read_csv(out / "data/processed/quality.csv")
    assert quality["check"].eq("landuse_not_residential").sum() == 1


def views(out: Path) -> list[dict[str, Any]]:
    """What the page shows beside the map."""
    found = re.search(
        r'<script type="application/json" id="payload">(.*?)</script>', (out / PAGE).read_text("utf-8"), re.S
    )
    assert found is not None
    shown: list[dict[str, Any]] = json.loads(found.group(1))["views"]
    return shown


def test_without_land_use_there_are_no_rows_and_no_line(hamlet_run: tuple[Path, Path, Result]) -> None:
    _, out, _ = hamlet_run
    assert not table(out, "indicators")["basis"].eq("residential_land").any()
    for name in ("landuse", "land_cells", "land_links", "land_access"):
        assert table(out, name).empty
    assert [one["land"] for one in views(out) if one["land"] is not None] == []


def test_the_page_has_the_share_on_a_line_of_its_own(ran: Path) -> None:
    view = next(one for one in views(ran) if (one["standard"], one["measure"]) == ("kindergarten_500m", "walk"))
    assert view["land"] == pytest.approx(
        {"value": 0.9, "low": 0.9, "met": 0.4, "of": 0.4, "unknown": 0.1}, abs=1.5e-3
    )  # hectares to one decimal
    assert all(row["value"] == 1.0 for row in view["rows"] if row["zone"] != "E"), (
        "the home's own share stays beside it"
    )
    assert "居住用地覆盖率 {share}" in (ran / PAGE).read_text("utf-8")


def test_land_in_a_compound_leaves_by_its_gate(tmp_path: Path) -> None:
    d = Drawing()
    d.street([(0, 0), (1000, 0)])
    d.street([(0, 0), (0, 200), (150, 200), (1000, 200)])
    gate = d.node(150, 120, {"barrier": "gate"})
    corners = [d.node(x, y) for x, y in ((100.0, 20.0), (200.0, 20.0), (200.0, 120.0), (100.0, 120.0))]
    d.way([*corners[:3], gate, corners[3], corners[0]], {"landuse": "residential", "barrier": "wall"})
    d.street([gate, d.at(150, 200)], "service")
    d.block(145, 65, 155, 75, {"building": "house"})
    d.node(150, -10, {"amenity": "kindergarten", "name": "示例幼儿园"})
    write_geojson(tmp_path / "land.geojson", [polygon_feature(box(148, 30, 152, 40), {"landuse": "residential"})])
    out = run(d, tmp_path, landuse={"file": "land.geojson", "preset": "osm"})
    links, access = table(out, "land_links"), table(out, "land_access")
    assert set(links["gate_id"]) == {f"osm:n{gate}"}
    walk = access.query("kind == 'kindergarten' and profile == 'walk'")
    # up to the gate 80 to 90, 80 to the northern street, 150 west, 200 south, 150 east, 10 to the door; straight 40 to 50
    assert walk["distance_m"].between(670, 681).all()
    assert walk["straight_m"].between(40, 50.5).all()
