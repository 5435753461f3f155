"""Doctors, places and communities of an office's lists, from its files to the figures, in one whole run of the hamlet."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers import Drawing, box, degrees, polygon_feature, table, write_geojson
from indicator_tables import one
from planner_files import Office, write_table

AGES = ["总人口", "0-2岁", "3-5岁", "6-11岁", "12-14岁", "15-17岁"]


@pytest.fixture(scope="module")
def out(hamlet: Drawing, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two zones; lists of health centres with doctors, kindergartens with places (one without a position), family schools."""
    office = Office(tmp_path_factory.mktemp("figures"), hamlet)
    zones = [(box(-100, -100, 500, 900), "w", "西片街道", "urban"), (box(500, -100, 1000, 900), "e", "东片镇", "rural")]
    write_geojson(office.folder / "zones.geojson",
                  [polygon_feature(ring, {"zone_id": key, "name": name, "settlement": kind}) for ring, key, name, kind in zones])  # fmt: skip
    west, east = degrees(100, 300), degrees(700, 300)
    clinics = [["机构名称", "类别", "经度", "纬度", "全科医生", "儿保医生"],
               ["西片社区卫生服务中心", "社区卫生服务中心", *west, 3, 2], ["东片卫生院", "卫生院", *east, 1, "无"]]  # fmt: skip
    write_table(office.folder / "clinics.csv", clinics)
    places = [["幼儿园名称", "街镇", "社区", "办别", "学位数"], ["云杉幼儿园", "东片镇", "丙村", "公办", 90]]
    write_table(office.folder / "kindergartens.csv", places)
    schools = [
        ["名称", "类别", "街镇", "社区"],
        ["家长学校", "家长学校", "西片街道", "甲社区居委会"],
        ["丁村家长学校", "家长学校", "东片镇", ""],
    ]
    write_table(office.folder / "schools.csv", schools)
    write_table(office.folder / "members.csv", [["街镇", "社区"], ["西片街道", "甲社区"], ["西片街道", "甲社区"], ["西片街道", "乙社区"],
                                                ["东片镇", "丙村"], ["东片镇", "丁村"]])  # fmt: skip
    write_table(
        office.folder / "people.csv",
        [["街镇", *AGES], ["西片街道", 4400, 44, 60, 176, 88, 44], ["东片镇", 2000, 20, 40, 80, 40, 20]],
    )
    office.run(
        {
            "area": {"zones": "zones.geojson"},
            "facilities": [{"file": "clinics.csv", "datum": "WGS-84"}, {"file": "kindergartens.csv", "kind": "kindergarten"},
                           {"file": "schools.csv"}],
            "population": {"counted": "resident", "base_year": 2023, "zones": {"file": "people.csv"},
                           "membership": {"file": "members.csv"}},
        },
        "--only", "indicators",
    )  # fmt: skip
    return office.folder / "out"


def test_what_the_lists_state_reaches_the_tables(out: Path) -> None:
    clinics = table(out, "facilities").query("kind == 'clinic'").set_index("name")
    doctors = clinics[["gp_doctors", "child_health_doctors"]]
    assert doctors.loc["西片社区卫生服务中心"].tolist() == [3.0, 2.0]
    assert doctors.loc["东片卫生院", "gp_doctors"] == 1.0
    assert np.isnan(doctors.loc["东片卫生院", "child_health_doctors"])
    waiting = table(out, "unlocated").set_index("name")
    assert waiting.loc["云杉幼儿园", "capacity_places"] == 90.0
    assert waiting.loc["家长学校", "community"] == "甲社区居委会"
    communities = table(out, "communities").set_index("name")
    assert communities["settlement"].to_dict() == {
        "甲社区": "urban",
        "乙社区": "urban",
        "丙村": "rural",
        "丁村": "rural",
    }


def test_and_the_figures(out: Path) -> None:
    rows = table(out, "indicators")
    # the map has a clinic of its own, of which no list tells
    doctors = one(rows, indicator_id="A08-doctors", variant="both")
    assert tuple(doctors[["numerator", "denominator", "n_unknown"]]) == (1.0, 3.0, 2.0)
    assert doctors["value_high"] == 1.0
    # 180 places of the map's and 90 of the list's for the 100 children of 3 to 5
    assert one(rows, indicator_id="A06-places", kind="kindergarten", variant="all")["value"] == pytest.approx(2.7)
    assert one(rows, indicator_id="A06-places", kind="kindergarten", variant="all", zone_id="e")[
        "value"
    ] == pytest.approx(90 / 40)
    assert one(rows, indicator_id="A15-urban")["value"] == pytest.approx(1 / 2)
    assert one(rows, indicator_id="A15-rural")["value"] == pytest.approx(1 / 2)
    assert one(rows, indicator_id="A15-rural", zone_id="e")["numerator"] == 1.0


def test_the_csv_holds_the_same_rows(out: Path) -> None:
    read = pd.read_csv(out / "data/processed/indicators.csv", encoding="utf-8-sig")
    assert len(read) == len(table(out, "indicators"))
    assert read["responsible"].notna().all()
