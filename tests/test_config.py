"""Every key of the configuration does something: changing it changes a table or a page that is named here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import geopandas as gpd
import pandas as pd
import pytest
from helpers import Drawing, box, degrees, polygon_feature, table, write_config, write_geojson, write_osmnx
from planner_files import Change, Runs, content, differ, merged
from pydantic import BaseModel
from test_config_lists import CHANGES as LISTS
from test_config_people import CHANGES as PEOPLE
from test_config_records import CHANGES as RECORDS
from test_config_routes import CHANGES as ROUTES

from xiqing_space.config import Config, read_config
from xiqing_space.stage_list import STAGES

PAGE = "maps/action02_child_space_review.html"
BASE: dict[str, dict[str, Any]] = {"area": {"name": "村"}, "sources": {"osm": "hamlet.osm.pbf"}}
WITH_ZONES = {"area": {"zones": "zones.geojson"}}
WEST = [*degrees(-50, -50), *degrees(450, 850)]
OVERRIDE = {"standard": "kindergarten_300m", "value": 450.0, "reason": "地方导则另有规定"}


# a search never stops before the farthest limit of any standard, so that one has to be brought near first
NEAR_ONLY = {
    "standards": {
        "override": [
            {"standard": name, "value": value, "reason": "近处试算"}
            for name, value in {
                "hospital_2000m": 400.0, "clinic_1000m": 400.0, "junior_school_1000m": 400.0, "clinic_15min": 5.0,
                "junior_school_15min": 5.0, "primary_school_10min": 5.0, "library_15min": 5.0, "sports_15min": 5.0,
            }.items()
        ]
    }
}  # fmt: skip


LAND = {"landuse": {"file": "land.geojson", "preset": "osm"}}
OWN_CODES = {"own_codes": {"住宅": "residential"}}

HERE: dict[str, Change] = {
    "area.name": Change("area", {"area": {"name": "别处"}}),
    "area.boundary": Change("area", {"area": {"boundary": "boundary.geojson"}}),
    "area.bbox": Change("area", {"area": {"bbox": WEST}}),
    "area.zones": Change("zones", WITH_ZONES),
    "area.zone_id_column": Change("zones", {"area": {"zone_id_column": "code"}}, WITH_ZONES),
    "area.zone_name_column": Change("zones", {"area": {"zone_name_column": "label"}}, WITH_ZONES),
    "area.zone_settlement_column": Change("zones", {"area": {"zone_settlement_column": "kind"}}, WITH_ZONES),
    "area.metric_crs": Change("streets", {"area": {"metric_crs": 32650}}),
    "area.buffer_m": Change("demand", {"area": {"buffer_m": 100.0}}, {"area": {"bbox": WEST}}),
    "sources.osm": Change("streets", {"sources": {"osm": "other.osm.pbf"}}),
    "sources.streets": Change("streets", {"sources": {"streets": "streets.gpkg"}}),
    "sources.data_date": Change("area", {"sources": {"data_date": "2024-05-01"}}),
    "sources.licence": Change("area", {"sources": {"licence": "内部资料"}}),
    "walking.max_leg_m": Change("access_links", {"walking": {"max_leg_m": 20.0}}),
    "walking.search_limit_m": Change("access", {"walking": {"search_limit_m": 500.0}}, NEAR_ONLY),
    "walking.island_min_m": Change("access_links", {"walking": {"island_min_m": 0.0}}),
    "standards.default": Change(PAGE, {"standards": {"default": {"kindergarten": "kindergarten_500m"}}}),
    "standards.override.standard": Change(
        "indicators", {"standards": {"override": [{**OVERRIDE, "standard": "park_300m"}]}},
        {"standards": {"override": [OVERRIDE]}},
    ),
    "standards.override.value": Change(
        "indicators", {"standards": {"override": [{**OVERRIDE, "value": 460.0}]}}, {"standards": {"override": [OVERRIDE]}}
    ),
    "standards.override.reason": Change(
        PAGE, {"standards": {"override": [{**OVERRIDE, "reason": "居民调查结果"}]}}, {"standards": {"override": [OVERRIDE]}}
    ),
    "output.language": Change(PAGE, {"output": {"language": "en"}}),
    "output.title": Change(PAGE, {"output": {"title": "我的标题"}}),
    "output.organisation": Change(PAGE, {"output": {"organisation": "规划院"}}),
    "output.release": Change(PAGE, {"output": {"release": "public"}}, {"output": {"map_approval": "津S(2026)001号"}}),
    "output.map_approval": Change(PAGE, {"output": {"map_approval": "津S(2026)001号"}}),
    "output.privacy_floor": Change(PAGE, {"output": {"privacy_floor": 20}}, {"output": {"release": "public", "map_approval": "津S(2026)001号"}}),
    "landuse.file": Change("land_cells", {"landuse": {"file": "land2.geojson"}}, LAND),
    "landuse.preset": Change("landuse", {"landuse": {"preset": "dlbm"}}, LAND),
    "landuse.code_column": Change("landuse", {"landuse": {"code_column": "mine"}}, LAND),
    "landuse.own_codes": Change("indicators", {"landuse": {"own_codes": {"residential": "industry"}}}, LAND),
    "landuse.layer": Change("land_cells", {"landuse": {"layer": "second"}},
                            {"landuse": {"file": "land.gpkg", "preset": "osm", "layer": "first"}}),
    "landuse.crs": Change("landuse", {"landuse": {"crs": 32650}},
                          {"landuse": {"file": "land.shp", "preset": "osm", "crs": 4548, "encoding": "GBK", **OWN_CODES}}),
    "landuse.encoding": Change("landuse", {"landuse": {"encoding": "latin-1"}},
                               {"landuse": {"file": "land.shp", "preset": "osm", "crs": 4548, "encoding": "GBK", **OWN_CODES}}),
}  # fmt: skip
# those of other sections stand with the small files that they need
CHANGES: dict[str, Change] = {**HERE, **LISTS, **PEOPLE, **ROUTES, **RECORDS}


def leaves(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Every key that a configuration file may hold."""
    for name, one in model.model_fields.items():
        inner = [kind for kind in (one.annotation, *get_args(one.annotation)) if isinstance(kind, type)]
        models = [kind for kind in inner if issubclass(kind, BaseModel)]
        if models:
            yield from leaves(models[0], f"{prefix}{name}.")
        else:
            yield prefix + name


def write_land(folder: Path) -> None:
    """One piece of land as GeoJSON, another one, a GeoPackage of two layers, and a shapefile with Chinese codes and no .prj."""
    codes = {"landuse": "residential", "mine": "industrial", "DLBM": "0702"}
    corners = {"land": box(40, 20, 120, 90), "land2": box(40, 20, 120, 130)}
    for name, ring in corners.items():
        write_geojson(folder / f"{name}.geojson", [polygon_feature(ring, codes)])
    for layer, name in (("first", "land"), ("second", "land2")):
        gpd.read_file(folder / f"{name}.geojson").to_file(folder / "land.gpkg", layer=layer)
    metric = gpd.read_file(folder / "land.geojson").to_crs(4548).assign(landuse="住宅")
    metric.to_file(folder / "land.shp", encoding="GBK")
    for ending in (".prj", ".cpg"):
        (folder / f"land{ending}").unlink(missing_ok=True)


@pytest.fixture(scope="module")
def runs(hamlet: Drawing, tmp_path_factory: pytest.TempPathFactory) -> Runs:
    made = Runs(tmp_path_factory.mktemp("config"), hamlet)
    other = hamlet.copy()
    other.street([(800.0, 0.0), (1000.0, 0.0)])
    other.write(made.folder / "other.osm.pbf")
    write_geojson(made.folder / "boundary.geojson", [polygon_feature(box(-50, -50, 850, 850))])
    grid = [{"u": 1, "v": 2, "osmid": "7", "highway": "residential", "line": [(0.0, 0.0), (800.0, 0.0)]}]
    write_osmnx(made.folder / "streets.gpkg", grid)
    write_land(made.folder)
    made.run(BASE, PAGE)
    return made


def test_every_key_of_the_model_has_a_change() -> None:
    # [fetch] is for `make data` alone: tests/test_fetch.py has its keys, and that no run changes with them
    assert set(CHANGES) == {key for key in leaves(Config) if not key.startswith("fetch.")}
    assert len(CHANGES) == sum(map(len, (HERE, LISTS, PEOPLE, ROUTES, RECORDS))), "none stands in two places"


@pytest.mark.parametrize("key", list(HERE))
def test_each_key_changes_what_it_names(key: str, runs: Runs) -> None:
    assert differ(*runs.pair(HERE[key], BASE))


def test_the_comparison_itself_can_say_no(runs: Runs) -> None:
    """No distance here is beyond 2900 m: were anything to differ, the test above would prove nothing."""
    before = runs.run(BASE, PAGE)
    after = runs.run(merged(BASE, {"walking": {"search_limit_m": 2900.0}}), PAGE)
    for what in (*(name for stage in STAGES for name in stage.leaves), PAGE):
        assert not differ(content(before, what), content(after, what)), what


# ---- what some of them do, worked out by hand


def test_a_longer_leg_is_flagged_and_no_more(runs: Runs) -> None:
    short = table(runs.run(merged(BASE, {"walking": {"max_leg_m": 20.0}}), "access_links"), "access_links")
    usual = table(runs.run(BASE, "access_links"), "access_links")
    same = ["owner_id", "gate_id", "profile", "edge_id", "leg_m"]
    pd.testing.assert_frame_equal(short[same], usual[same])
    # a link is flagged when the way from its start to the street is longer than the limit; homes here stand 35 m off
    flagged = usual[(usual["reason"] == "long_leg") & (usual["owner_type"] == "demand")]
    assert len(flagged) == 2, "the house 150 m off its street, on both networks"
    assert (short["reason"] == "long_leg").sum() > 20


def test_a_search_never_stops_before_the_farthest_limit(runs: Runs) -> None:
    short = table(runs.run(merged(BASE, {"walking": {"search_limit_m": 500.0}}), "access"), "access")
    assert short["distance_m"].max() > 500.0  # hospitals are held against 2,000 m


def test_beyond_the_search_limit_there_is_no_distance(runs: Runs) -> None:
    near = table(runs.run(merged(merged(BASE, NEAR_ONLY), {"walking": {"search_limit_m": 500.0}}), "access"), "access")
    far = table(runs.run(BASE, "access"), "access")
    assert near["distance_m"].max() <= 500.0
    lost = near["distance_m"].isna() & far["distance_m"].notna()
    assert lost.any()
    assert set(near.loc[lost, "reason"]) == {"beyond_search_limit"}
    assert (far.loc[lost, "distance_m"] > 500.0).all()
    kept = near["distance_m"].notna()
    assert (near.loc[kept, "distance_m"] == far.loc[kept, "distance_m"]).all()


def test_an_island_is_joined_when_the_configuration_says_so(runs: Runs) -> None:
    # the island is 200 m long; 500 m is the least by default
    home = "osm:w1023"
    usual = table(runs.run(BASE, "access_links"), "access_links").set_index("owner_id").loc[home]
    joined = table(runs.run(merged(BASE, {"walking": {"island_min_m": 0.0}}), "access_links"), "access_links")
    assert not usual["linked"].any()
    assert joined.set_index("owner_id").loc[home, "linked"].all()


def test_an_override_changes_its_own_rows_and_takes_their_verdict(runs: Runs) -> None:
    zones = merged(BASE, WITH_ZONES)
    usual = table(runs.run(zones, "indicators"), "indicators")
    other = table(runs.run(merged(zones, {"standards": {"override": [OVERRIDE]}}), "indicators"), "indicators")
    mine = (other["standard_id"] == OVERRIDE["standard"]).to_numpy()
    assert (other.loc[mine, "threshold"] == 450.0).all()
    assert (other.loc[mine, "status"] == "overridden").all()
    assert other.loc[mine & (other["measure"] == "radius"), "verdict"].isna().all()
    assert usual.loc[mine & (usual["measure"] == "radius"), "verdict"].notna().all()
    keep = [column for column in other.columns if column != "evidence_id"]
    pd.testing.assert_frame_equal(usual.loc[~mine, keep], other.loc[~mine, keep])


def test_verdicts_need_to_know_the_settlement(runs: Runs) -> None:
    rows = table(runs.run(BASE, "indicators"), "indicators")
    judged = rows[(rows["standard_id"] == "kindergarten_300m") & (rows["measure"] == "radius")]
    assert set(judged["verdict"]) == {"unknown"}
    assert set(judged["reason"]) == {"settlement_unknown"}


def test_a_reason_is_shown_with_the_standard_that_it_changes(runs: Runs) -> None:
    out = runs.run(merged(BASE, {"standards": {"override": [OVERRIDE]}}), PAGE)
    assert str(OVERRIDE["reason"]) in (out / PAGE).read_text("utf-8")


def test_a_title_and_an_organisation_are_printed_and_escaped(runs: Runs) -> None:
    words = {"title": "<b>题</b>", "organisation": "院 & 局<script>"}
    text = (runs.run(merged(BASE, {"output": words}), PAGE) / PAGE).read_text("utf-8")
    assert "<b>题</b>" not in text
    assert "局<script>" not in text
    assert "题" in text
    assert "院" in text


# ---- reading


def test_paths_are_taken_from_the_folder_of_the_file(
    tmp_path: Path, hamlet: Drawing, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "raw").mkdir()
    hamlet.write(tmp_path / "raw" / "a.osm.pbf")
    write_config(tmp_path / "config" / "c.toml", {"area": {"name": "x"}, "sources": {"osm": "../raw/a.osm.pbf"}})
    monkeypatch.chdir(tmp_path)
    found = read_config(Path("config/c.toml"))
    assert found.sources.osm is not None
    assert found.sources.osm.is_absolute()
    assert found.sources.osm.resolve() == (tmp_path / "raw" / "a.osm.pbf").resolve()


def test_the_smallest_configuration_has_the_documented_defaults(tmp_path: Path) -> None:
    found = read_config(write_config(tmp_path / "c.toml", {"area": {"name": "x"}}))
    assert (found.area.buffer_m, found.walking.max_leg_m, found.output.language) == (2000.0, 100.0, "zh")
    assert found.files() == {}


def test_a_configuration_cannot_be_changed_after_reading(tmp_path: Path) -> None:
    found = read_config(write_config(tmp_path / "c.toml", {"area": {"name": "x"}}))
    with pytest.raises(ValueError, match="frozen"):
        found.area.name = "y"


def test_the_configuration_that_is_shipped_can_be_read() -> None:
    for path in sorted((Path(__file__).parent.parent / "config").glob("*.toml")):
        assert read_config(path).area.name
