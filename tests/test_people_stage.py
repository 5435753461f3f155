"""People in whole runs of the hamlet, by every source: who lives where, worked out by hand, and what the figures say of them."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from helpers import Drawing, box, degrees, polygon_feature, table, write_geojson
from planner_files import Office, write_table
from pyproj import Transformer

BANDS = ["pop_0_2", "pop_3_5", "pop_6_11", "pop_12_14", "pop_15_17"]
HEADER = ["总人口", "0-2岁", "3-5岁", "6-11岁", "12-14岁", "15-17岁"]
WEST, EAST, NORTH = (4400, 44, 88, 176, 88, 44), (2000, 20, 40, 80, 40, 20), (500, 25, 50, 100, 50, 25)
BASIS = {"counted": "resident", "base_year": 2023}
THREE = {"area": {"zones": "three.geojson"}}
TABLE = {"population": BASIS | {"zones": {"file": "people.csv"}}}


@pytest.fixture(scope="module")
def office(hamlet: Drawing, tmp_path_factory: pytest.TempPathFactory) -> Office:
    """Three zones; nobody lives in the north. `out` holds the run of `TABLE` with all three."""
    made = Office(tmp_path_factory.mktemp("people"), hamlet)
    zones = [(box(-100, -100, 500, 900), "w", "西片"), (box(500, -100, 1000, 900), "e", "东片"),
             (box(-50, 910, 900, 1090), "n", "北片")]  # fmt: skip
    write_geojson(
        made.folder / "three.geojson",
        [polygon_feature(one, {"zone_id": key, "name": name, "settlement": "urban"}) for one, key, name in zones],
    )
    rows = [["街镇", *HEADER], ["西片", *WEST], ["东片", *EAST], ["北片", *NORTH]]
    write_table(made.folder / "people.csv", rows)
    write_table(made.folder / "two.csv", rows[:3])
    made.run(THREE | TABLE, "--only", "maps")
    return made


def people(office: Office, out: str = "out") -> pd.DataFrame:
    return table(office.folder / out, "demand").set_index("demand_id")


def ingest(office: Office, out: str, population: dict[str, Any], **more: Any) -> pd.DataFrame:
    office.run({"population": BASIS | population, **more}, "--only", "ingest", out=out)
    return people(office, out)


def figures(office: Office, measure: str, out: str = "out") -> pd.DataFrame:
    rows = table(office.folder / out, "indicators").query("indicator_id == 'A02-coverage'")
    mine = rows[(rows["standard_id"] == "kindergarten_300m") & (rows["measure"] == measure) & (rows["age_band"] == "*")]
    return mine.set_index("zone_id")


def test_a_zone_s_people_are_shared_by_floor_area(office: Office) -> None:
    """West: homes of 18 × 20 m with 3, 4, 5 levels in columns, 4 + 3 + 4 of them (one lies in the school's ground): 44 levels."""
    found = people(office)
    west = found[found["zone_id"] == "w"]
    per_level = np.sort(west["pop_3_5"].to_numpy()) / np.repeat([3.0, 4.0, 5.0], [4, 3, 4])
    assert per_level == pytest.approx(np.full(11, 88 / 44), rel=2e-3)
    assert west["weight_kind"].eq("persons").all()
    # as drawn: 400 m² × 12 levels and 360 m² × 6 levels in 甲小区
    walled = found[found["compound_id"] == "osm:w1041"]["pop_3_5"]
    assert walled.max() / walled.min() == pytest.approx(400 * 12 / (360 * 6), rel=2e-3)


def test_sums_are_kept(office: Office) -> None:
    found = people(office)
    for place, column in enumerate(["pop_total", *BANDS]):
        for zone, row in (("w", WEST), ("e", EAST), ("n", NORTH)):
            held = math.fsum(found.loc[found["zone_id"] == zone, column])
            assert held == pytest.approx(row[place], rel=1e-9), (zone, column)


def test_a_zone_without_homes_stays_in_the_denominator(office: Office) -> None:
    """88 + 40 + 50 children of 3–5; within 300 m of the one kindergarten at (20, 220) are 13 of the west's 44 levels: 26."""
    lost = people(office).loc["unplaced:n"]
    assert (lost["placed"], lost["pop_3_5"], lost["reason"]) == (False, 50.0, "no_home_in_zone")
    line = figures(office, "radius").loc["*"]
    assert line["denominator"] == pytest.approx(178.0)
    assert line["n_unknown"] == pytest.approx(50.0)
    assert line["value"] == pytest.approx(26 / 178, abs=1e-4)
    assert line["value_high"] == pytest.approx(76 / 178, abs=1e-4)
    north = figures(office, "walk").loc["n"]
    assert math.isnan(north["value"])
    assert (north["reason"], north["denominator"]) == ("homes_unknown", 50.0)


def test_persons_reach_figures_and_page(office: Office) -> None:
    assert figures(office, "walk")["weight_kind"].eq("persons").all()
    doubts = office.quality()
    assert "homes_relative" not in set(doubts["check"]), "they are persons, no relative weights"
    assert doubts.loc[doubts["check"] == "people_basis", "what_zh"].tolist() == ["人口为常住口径，2023 年"]
    page = (office.folder / "out/maps/action02_child_space_review.html").read_text("utf-8")
    assert "为相对权重，不代表人数" not in page
    assert re.search(r'"relative":\s*false', page)


def test_communities_find_their_zones_by_the_membership(office: Office) -> None:
    write_table(
        office.folder / "belongs.csv", [["街镇", "社区"], ["西片", "甲社区"], ["西片", "乙社区"], ["东片", "丙社区"]]
    )
    rows = [
        ["社区", *HEADER],
        ["甲社区", 2400, 24, 40, 100, 48, 20],
        ["乙社区", 2000, 20, 48, 76, 40, 24],
        ["丙社区", *EAST],
    ]
    write_table(office.folder / "communities.csv", rows)
    given = {"zones": {"file": "communities.csv"}, "membership": {"file": "belongs.csv"}}
    sums = ingest(office, "members", given).groupby("zone_id")["pop_3_5"].sum()
    assert sums.to_dict() == pytest.approx({"w": 88.0, "e": 40.0}, rel=1e-9)


def test_old_names_are_found_through_the_aliases(office: Office) -> None:
    write_table(office.folder / "old.csv", [["街镇", *HEADER], ["西庄", *WEST], ["东片", *EAST]])
    write_table(office.folder / "aliases.csv", [["原名称", "现名称", "变更方式"], ["西庄", "西片", "更名"]])
    given = {"zones": {"file": "old.csv"}, "aliases": {"file": "aliases.csv"}}
    sums = ingest(office, "aliases", given).groupby("zone_id")["pop_total"].sum()
    assert sums.to_dict() == pytest.approx({"w": 4400.0, "e": 2000.0}, rel=1e-9)


def test_a_compound_s_own_people_come_first(office: Office) -> None:
    """甲小区 states 30 of the east's 40 children of 3–5: by floor 4,800 and 2,160 m². The other ten are the other homes'."""
    write_table(office.folder / "compounds.csv", [["小区", *HEADER], ["甲小区", 600, 6, 30, 24, 12, 6]])
    found = ingest(office, "compounds", {"zones": {"file": "two.csv"}, "compounds": {"file": "compounds.csv"}})
    mine = found[found["compound_id"] == "osm:w1041"]
    assert mine["from"].eq("compound").all()
    assert sorted(mine["pop_3_5"]) == pytest.approx([30 * 2160 / 6960, 30 * 4800 / 6960], rel=2e-3)
    others = found[(found["zone_id"] == "e") & found["compound_id"].isna()]
    assert math.fsum(others["pop_3_5"]) == pytest.approx(10.0, rel=1e-9)


def test_one_compound_is_not_the_district(office: Office) -> None:
    """Were the other homes left out, the district's share would be that of one compound."""
    write_table(office.folder / "alone.csv", [["小区", *HEADER], ["甲小区", 600, 6, 30, 24, 12, 6]])
    result = office.run({"population": BASIS | {"compounds": {"file": "alone.csv"}}}, out="alone", ok=False)
    assert result.code == 1
    assert "15 栋住宅没有任何人口来源" in result.err
    assert "totals" in result.err


def test_a_raster_s_cells_go_to_the_homes_in_them(office: Office) -> None:
    """Two cells of 200 m: the one from (0, 0) holds the home at (69, 40) alone, the one north of it that at (69, 240)."""
    import rasterio
    from rasterio import Affine

    to_metric = Transformer.from_crs(4326, 4548, always_xy=True)
    west, south = to_metric.transform(*degrees(0, 0))
    cells = np.asarray(
        [[[700.0], [300.0]], [[14.0], [6.0]], [[28.0], [12.0]], [[56.0], [24.0]], [[28.0], [12.0]], [[14.0], [6.0]]]
    )
    with rasterio.open(
        office.folder / "people.tif", "w", driver="GTiff", width=1, height=2, count=6, dtype="float64", crs="EPSG:4548",
        transform=Affine(200, 0, west, 0, -200, south + 400),
    ) as raster:  # fmt: skip
        raster.write(cells)
        raster.descriptions = ("pop_total", "0-2", "3-5", "6-11", "12-14", "15-17")
    raster_given = {"file": "people.tif", "unit": "persons_per_cell"}
    found = ingest(office, "raster", {"raster": raster_given})
    assert found.loc["osm:w1024", ["pop_total", "pop_3_5"]].tolist() == pytest.approx([300.0, 12.0], rel=1e-6)
    assert found.loc["osm:w1025", ["pop_total", "pop_3_5"]].tolist() == pytest.approx([700.0, 28.0], rel=1e-6)
    assert math.fsum(found["pop_total"]) == pytest.approx(1000.0, rel=1e-9)
    # by density: 700 a km² are 28 in a cell of 0.04 km²
    dense = ingest(office, "density", {"raster": raster_given | {"unit": "persons_per_km2"}})
    assert dense.loc["osm:w1025", "pop_total"] == pytest.approx(28.0, rel=2e-3)


def test_totals_of_the_area_go_to_all_homes(office: Office) -> None:
    totals = dict(zip(["pop_total", *HEADER[1:]], (10000, 100, 300, 400, 200, 100), strict=True))
    found = ingest(office, "totals", {"totals": totals})
    assert math.fsum(found["pop_3_5"]) == pytest.approx(300.0, rel=1e-9)
    assert found["from"].eq("district").all()
    assert len(found) == 17


def test_ages_are_moved_on_by_cohort(office: Office) -> None:
    """Three years on, with everyone staying (mid): who was 0–2 is 3–5; births fall by 5 % a year from the 64 / 3 aged 0."""
    given = {"zones": {"file": "two.csv"}, "target_year": 2026}
    found = ingest(office, "aged", given)
    assert math.fsum(found["pop_3_5"]) == pytest.approx(64.0, rel=1e-9)
    assert math.fsum(found["pop_0_2"]) == pytest.approx(64 / 3 * (0.95 + 0.95**2 + 0.95**3), rel=1e-9)
    high = ingest(office, "aged_high", given | {"scenario": "high"})
    assert math.fsum(high["pop_3_5"]) == pytest.approx(64.0 * 1.01**3, rel=1e-9)
    assert "people_aged" in set(office.quality("aged")["check"])


# ---- what is refused


@pytest.mark.parametrize(
    ("population", "words"),
    [
        ({"zones": {"file": "two.csv"}}, ("counted", "base_year", "常住")),
        ({"zones": {"file": "two.csv"}, "counted": "resident"}, ("base_year",)),
        (BASIS | {"zones": {"file": "two.csv"}, "target_year": 2020}, ("target_year",)),
        (BASIS | {"totals": {"pop_total": 10, "孩子": 5}}, ("孩子", "pop_total")),
        (BASIS | {"totals": {"pop_total": -3}}, ("pop_total",)),
        (BASIS | {"zones": {"file": "two.csv", "sheat": "x"}}, ("population.zones.sheat", "sheet")),
        (BASIS | {"raster": {"file": "two.csv"}}, ("population.raster.unit", "missing")),
        (BASIS | {"zones": {"file": "two.csv", "columns": {"zone": "乡镇"}}}, ("乡镇",)),
    ],
)
def test_what_cannot_be_used_is_said_in_one_message(
    office: Office, population: dict[str, Any], words: tuple[str, ...]
) -> None:
    result = office.run({"population": population}, out="refused", ok=False)
    assert result.code == 1
    assert "Traceback" not in result.err
    for word in words:
        assert word in result.err
    assert not (office.folder / "refused/data").exists()


def test_people_without_streets_are_not_the_sample_s(tmp_path: Path) -> None:
    from helpers import call, write_config

    config = write_config(
        tmp_path / "c.toml", {"area": {"name": "x"}, "population": BASIS | {"totals": {"pop_total": 5}}}
    )
    result = call("run", "--config", config, "--out", tmp_path / "out")
    assert result.code == 1
    assert "没有街道数据" in result.err
