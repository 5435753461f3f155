"""The GeoPackage and the Shapefile set: what GIS programs open, named in Chinese, styled, the same bytes each time."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import geopandas as gpd
import pandas as pd
import pyogrio
import pytest
import shapely
from helpers import Result, degrees, files_of
from hypothesis import given, settings
from hypothesis import strategies as st
from report_tables import made, small_run

from xiqing_space.catalog import load_catalogue
from xiqing_space.catalog.column_words import load_column_words
from xiqing_space.report.geopackage import write_geopackage
from xiqing_space.report.shapefiles import cut_bytes, field_names, shapefile_epsg, write_shapefiles
from xiqing_space.report.styles import Rule, Style, Symbol, styles_of, to_qml
from xiqing_space.schemas import TABLES
from xiqing_space.stage_list import NOT_REPORTED


def asked(path: Path, question: str) -> list[tuple[Any, ...]]:
    with sqlite3.connect(path) as book:
        rows = book.execute(question).fetchall()
    book.close()
    return rows


@pytest.fixture(scope="module")
def package(hamlet_run: tuple[Path, Path, Result]) -> Path:
    return hamlet_run[1] / "reports/xiqing_space.gpkg"


def test_every_spatial_table_is_a_layer_as_it_is_in_its_file(package: Path) -> None:
    home = package.parent.parent / "data/processed"
    names = [name for name, table in TABLES.items()
             if table.spatial and name not in NOT_REPORTED and (home / f"{name}.parquet").exists()]  # fmt: skip
    layers = {name for name, kind in pyogrio.list_layers(package) if kind is not None}
    assert layers == set(names)
    assert len(names) >= 15
    for name in names:
        layer, table = gpd.read_file(package, layer=name), gpd.read_parquet(home / f"{name}.parquet")
        assert layer.crs == 4326
        if name in ("crossings", "gate_rules"):  # a part of them: see below
            continue
        assert layer.geometry.to_wkb().tolist() == table.geometry.to_wkb().tolist(), name
        for column in TABLES[name].key:
            assert layer[column].tolist() == table[column].tolist(), name


def test_streets_and_crossings_carry_their_scores_and_pupils(package: Path) -> None:
    home = package.parent.parent / "data/processed"
    flows = pd.read_parquet(home / "pupil_flows.parquet").set_index("item_id")["children"]
    scores = pd.read_parquet(home / "segment_scores.parquet").set_index("edge_id")
    streets = gpd.read_file(package, layer="streets").set_index("edge_id")
    scored = streets[streets["risk"].notna()]
    assert len(scored) == len(scores) > 0
    assert scored["along"].tolist() == scores.loc[scored.index, "along"].tolist()
    assert scored["risk"].tolist() == scores.loc[scored.index, "risk"].tolist()
    assert streets["children"].tolist() == [flows.get(edge, 0.0) for edge in streets.index]
    assert (streets["children"] > 0).any()
    every = pd.read_parquet(home / "crossings.parquet").set_index("crossing_id")
    shown = gpd.read_file(package, layer="crossings").set_index("crossing_id")
    # the many mouths of junctions that nobody passes stay in data/processed
    assert set(shown.index) == {one for one in every.index if every.loc[one, "mapped"] or flows.get(one, 0.0) > 0}
    cross = pd.read_parquet(home / "crossing_scores.parquet").set_index("crossing_id")["cross"]
    assert shown["cross"].tolist() == cross.loc[shown.index].tolist()


def test_which_gates_lack_a_guard_is_in_no_layer(package: Path) -> None:
    rules = load_catalogue().gate_rules
    told = set(pd.read_parquet(package.parent.parent / "data/processed/gate_rules.parquet")["rule_id"])
    assert "guard_50m" in told
    assert set(gpd.read_file(package, layer="gate_rules")["rule_id"]) == {rule for rule in told if rules[rule].public}


def test_streets_are_the_wider_the_more_pupils_pass() -> None:
    catalogue, words = load_catalogue(), load_column_words()
    rows = made("streets", [{"edge_id": "a"}, {"edge_id": "b"}]).assign(risk=["low", "high"], children=[0.0, 16.0])
    styles = styles_of("streets", rows, catalogue, words)
    assert styles[0].name == "道路"
    assert "非官方" in styles[1].name
    by_where = {rule.where: rule for rule in styles[1].rules}
    assert len(by_where) == 8  # four classes, with pupils and without
    tree = ElementTree.fromstring(
        to_qml(Style("x", (by_where['"risk" = \'high\' AND "children" > 0'],)), []).split("\n", 1)[1]
    )
    scaled = tree.find(".//data_defined_properties//Option[@name='outlineWidth']/Option[@name='expression']")
    # 4 of 16 pupils: half the span of 2.5 mm above the least width
    assert scaled is not None
    assert scaled.get("value") == '0.7 + 2.5 * sqrt("children" / 16.0)'
    assert not by_where['"risk" = \'high\' AND "children" = 0'].symbol.scaled
    nobody = styles_of("streets", rows.assign(children=0.0), catalogue, words)[1]
    assert not any(rule.symbol.scaled for rule in nobody.rules)


def test_each_layer_has_one_default_style_that_uses_its_own_columns(package: Path) -> None:
    styles = asked(package, "SELECT f_table_name, f_geometry_column, styleQML, useAsDefault FROM layer_styles")
    defaults = [row[0] for row in styles if row[3]]
    layers = {name for name, kind in pyogrio.list_layers(package) if kind is not None}
    assert sorted(defaults) == sorted(layers)
    for layer, geometry, qml, _ in styles:
        assert geometry == pyogrio.read_info(package, layer=layer)["geometry_name"]
        tree = ElementTree.fromstring(qml.split("\n", 1)[1])
        fields = set(pyogrio.read_info(package, layer=layer)["fields"])
        rules = tree.findall(".//rule")
        assert rules
        for rule in rules:
            used = set(rule.get("filter", "").split('"')[1::2])
            assert used <= fields, (layer, used - fields)
            assert tree.find(f".//symbols/symbol[@name='{rule.get('symbol')}']") is not None
        aliases = [alias.get("field") for alias in tree.findall(".//alias")]
        assert aliases == ["fid", *pyogrio.read_info(package, layer=layer)["fields"]]


def test_layers_say_in_chinese_what_they_are_and_carry_no_time(package: Path) -> None:
    contents = asked(package, "SELECT table_name, identifier, description, last_change FROM gpkg_contents")
    words = load_column_words()
    assert all(words.table(name)[0] in identifier for name, identifier, *_ in contents if name != "layer_styles")
    assert all("不得公开" in text for name, _, text, _ in contents if name != "layer_styles")
    assert {row[3][:10] for row in contents} == {"2020-01-01"}
    assert {row[0][:10] for row in asked(package, "SELECT update_time FROM layer_styles")} == {"2020-01-01"}
    assert asked(package, "PRAGMA integrity_check") == [("ok",)]


def test_joined_columns_are_what_the_tables_say(package: Path) -> None:
    home = package.parent.parent / "data/processed"
    access = pd.read_parquet(home / "access.parquet")
    mine = access[(access["kind"] == "kindergarten") & (access["profile"] == "walk")].set_index("demand_id")[
        "distance_m"
    ]
    homes = gpd.read_file(package, layer="demand").set_index("demand_id")["walk_m_kindergarten"]
    pd.testing.assert_series_equal(homes, mine.loc[homes.index], check_names=False, check_index_type=False)
    figures = pd.read_parquet(home / "indicators.parquet")
    zones = gpd.read_file(package, layer="zones").set_index("zone_id")
    row = figures[(figures["indicator_id"] == "A02-coverage") & (figures["standard_id"] == "kindergarten_300m")
                  & (figures["measure"] == "walk") & (figures["age_band"] == "*")].set_index("zone_id")  # fmt: skip
    assert zones["share_walk_kindergarten"].tolist() == [row["value"][zone] for zone in zones.index]


def test_two_writes_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        folder = tmp_path / name
        folder.mkdir()
        run = small_run(blind_spots=[{"zone_id": "e", "kind": "park"}], catchments=[{"kind": "park", "limit_m": 300.0}])
        write_geopackage(run, folder / "x.gpkg", area="试验区", synthetic=True)
        write_shapefiles(run, folder / "shape", synthetic=True)
    assert files_of(tmp_path / "a") == files_of(tmp_path / "b")
    assert sum(one.endswith(".shp") for one in files_of(tmp_path / "a")) == 3
    identifiers = [row[0] for row in asked(tmp_path / "a/x.gpkg", "SELECT identifier FROM gpkg_contents")]
    assert all("示例数据" in one for one in identifiers if one != "layer_styles")


def test_blind_spots_are_hatched_and_a_missing_share_is_no_zero() -> None:
    catalogue, words = load_catalogue(), load_column_words()
    spots = made("blind_spots", [{"kind": "park"}])
    assert all(rule.symbol.hatch for style in styles_of("blind_spots", spots, catalogue, words) for rule in style.rules)
    both = made("blind_spots", [{"kind": "park", "spot_id": "a"}, {"kind": "circle", "spot_id": "b"}])
    names = [style.name for style in styles_of("blind_spots", both, catalogue, words)]
    assert names == [
        "盲区：完整生活圈",
        "盲区：公园",
        "盲区：全部类别",
    ]  # the first is the default: all at once hide each other
    zones = made("zones", [{}]).assign(share_walk_park=[0.2])
    style = styles_of("zones", zones, catalogue, words)[0]
    assert [rule.where for rule in style.rules if rule.label == "数据不足"] == ['"share_walk_park" IS NULL']
    assert [rule.label for rule in style.rules if "<= 0.2 " in rule.where + " "] == ["0% – 20%"]


def test_catchments_have_a_style_per_kind_with_a_class_per_limit() -> None:
    rows = [{"kind": kind, "limit_m": limit, "profile": profile}
            for kind, limit, profile in (("park", 300.0, "walk"), ("park", 500.0, "walk"), ("park", 300.0, "pram"), ("clinic", 1000.0, "walk"))]  # fmt: skip
    styles = styles_of("catchments", made("catchments", rows), load_catalogue(), load_column_words())
    assert [(one.name, [rule.label for rule in one.rules]) for one in styles] == [
        ("公园步行服务区", ["300 m 内", "500 m 内"]), ("公园推婴儿车服务区", ["300 m 内"]),
        ("社区卫生服务中心／卫生院步行服务区", ["1000 m 内"]),
    ]  # fmt: skip


def test_names_cannot_break_out_of_a_style() -> None:
    evil = "\"><evil a='&"
    qml = to_qml(
        Style(evil, (Rule(f"\"kind\" = '{evil}'", evil, Symbol("marker", "#123456")),), evil), [("name", evil)]
    )
    tree = ElementTree.fromstring(qml.split("\n", 1)[1])
    assert tree.find(".//evil") is None
    assert tree.find(".//rule").get("label") == evil  # type: ignore[union-attr]
    assert tree.find(".//alias").get("name") == evil  # type: ignore[union-attr]


# ---- Shapefiles


def sidecar(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "fields.csv", encoding="utf-8-sig", keep_default_na=False)


def test_a_shapefile_reads_back_with_its_aliases(tmp_path: Path) -> None:
    run = small_run(
        blind_spots=[
            {"zone_id": "e", "kind": "circle", "missing_kinds": "park|clinic", "children": 12.5, "held": False}
        ]
    )
    notes = write_shapefiles(run, tmp_path, synthetic=False)
    assert (notes.layers, notes.epsg, notes.cut) == (("zones", "facilities", "blind_spots"), 4548, {})
    fields = sidecar(tmp_path)
    for name in notes.layers:
        frame = gpd.read_file(tmp_path / f"{name}.shp")
        assert (tmp_path / f"{name}.cpg").read_text() == "UTF-8"
        assert frame.crs == 4548
        mine = fields[fields["layer"] == name]
        assert [column for column in frame if column != "geometry"] == mine["field"].tolist()
        assert all(column.isascii() and len(column) <= 10 for column in mine["field"])
        assert mine["中文"].ne("").all()
    spot = gpd.read_file(tmp_path / "blind_spots.shp").iloc[0]
    assert (spot["ZONE_NAME"], spot["KIND_ZH"], spot["CHILDREN"], spot["HELD"]) == ("东镇", "完整生活圈", 12.5, 0)
    assert spot["MISS_KINDS"] == "park|clinic"
    zones = gpd.read_file(tmp_path / "zones.shp").set_index("ZONE_ID")
    assert zones["W_KINDERGA"].fillna(-1).to_dict() == {"e": 1.0, "w": -1.0}  # missing stays missing
    alias = fields.set_index(["layer", "field"]).loc[("zones", "W_KINDERGA")]
    assert (alias["中文"], alias["table"]) == ("幼儿园步行覆盖率（300 m）", "indicators")
    assert "CGCS2000" in fields.iloc[0]["说明"]


def test_places_are_the_same_to_a_centimetre(tmp_path: Path) -> None:
    run = small_run()
    write_shapefiles(run, tmp_path, synthetic=False)
    back = gpd.read_file(tmp_path / "facilities.shp").to_crs(4326).geometry
    drawn = run.frames["facilities"]["geometry"]
    assert max(one.distance(other) for one, other in zip(back, drawn, strict=True)) < 2e-7


def test_long_texts_are_cut_between_characters_and_said(tmp_path: Path) -> None:
    long = "津" * 100  # 300 bytes
    notes = write_shapefiles(
        small_run(facilities=[{"facility_id": "f", "kind": "park", "address": long}]), tmp_path, synthetic=True
    )
    assert notes.cut == {("facilities", "ADDRESS"): 1}
    frame = gpd.read_file(tmp_path / "facilities.shp")
    assert frame["ADDRESS"].tolist() == ["津" * 84]
    assert frame["SAMPLE"].tolist() == ["示例数据"]
    fields = sidecar(tmp_path).set_index(["layer", "field"])
    assert "截断" in fields.loc[("facilities", "ADDRESS"), "说明"]


def test_elsewhere_the_run_s_own_system_is_used_and_said(tmp_path: Path) -> None:
    far = shapely.MultiPolygon([shapely.box(-15.5, 28.0, -15.3, 28.2)])
    area = made("area", [{"name": "Las Palmas", "metric_epsg": 32628, "geometry": far}])
    assert shapefile_epsg(area) == 32628
    write_shapefiles(small_run(area=[{"name": "x", "metric_epsg": 32628, "geometry": far}]), tmp_path, synthetic=False)
    about = sidecar(tmp_path).iloc[0]
    assert "32628" in about["中文"]
    assert "CGCS2000 117°E" in about["说明"]
    # in Tianjin it is EPSG:4548 whatever the run measured in
    assert (
        shapefile_epsg(
            made(
                "area",
                [
                    {
                        "metric_epsg": 4527,
                        "geometry": shapely.MultiPolygon([shapely.box(*degrees(0, 0), *degrees(9, 9))]),
                    }
                ],
            )
        )
        == 4548
    )


@settings(max_examples=50)
@given(st.text(max_size=200), st.integers(0, 300))
def test_cut_text_is_a_beginning_that_fits(text: str, most: int) -> None:
    short = cut_bytes(text, most)
    assert text.startswith(short)
    assert len(short.encode()) <= most
    assert short == text or len(text[: len(short) + 1].encode()) > most


@settings(max_examples=50)
@given(st.lists(st.from_regex(r"[a-z][a-z_0-9]{0,25}", fullmatch=True), max_size=60, unique=True))
def test_field_names_are_short_and_differ(columns: list[str]) -> None:
    names = field_names(columns)
    assert list(names) == columns
    assert len(set(names.values())) == len(columns)
    assert all(0 < len(name) <= 10 and name.isascii() for name in names.values())
