"""The data check-up: lights, completeness worked out by hand, questions, ids that stay, workbook and page that hold hostile names."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pytest
import shapely
from helpers import call, degrees, files_of, write_config
from hypothesis import given, settings
from hypothesis import strategies as st
from planner_files import write_layer

from xiqing_space.catalog import load_catalogue
from xiqing_space.catalog.checkup import load_checkup
from xiqing_space.config import Config
from xiqing_space.crs import project_geometry
from xiqing_space.data_checkup import source_frame
from xiqing_space.errors import InputDataError, OutputError, TableError
from xiqing_space.ingest.doubts import compare_doubts, read_doubts, split_languages, with_doubt_ids
from xiqing_space.ingest.quality import COLUMNS, Quality
from xiqing_space.ingest.questions import build_returns, note_questions, with_unlocated
from xiqing_space.ingest.survey_step import take_survey
from xiqing_space.network.completeness import COMPLETENESS_COLUMNS, note_unfinished, street_completeness
from xiqing_space.report import build_checkup, write_checkup_page, write_checkup_workbook
from xiqing_space.report.checkup import group_doubts, light_sources
from xiqing_space.report.checkup_workbook import HEADER_ROW

CATALOGUE, RULES = load_catalogue(), load_checkup()
EPSG = 4548
# the lower left corner of a cell of the 200 m grid of EPSG:4548, near the tests' place
ORIGIN = (500_000.0, 4_327_000.0)


def place(x: float, y: float) -> tuple[float, float]:
    """Degrees of a place in metres from `ORIGIN`."""
    point = project_geometry(np.asarray([shapely.Point(ORIGIN[0] + x, ORIGIN[1] + y)]), EPSG, 4326)[0]
    return point.x, point.y


def line(*points: tuple[float, float]) -> Any:
    return shapely.LineString([place(*one) for one in points])


def square(west: float, south: float, east: float, north: float) -> Any:
    return shapely.MultiPolygon(
        [shapely.Polygon([place(west, south), place(east, south), place(east, north), place(west, north)])]
    )


def zones_frame(*shapes: tuple[str, Any]) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {"zone_id": [name for name, _ in shapes], "name": [f"{name}镇" for name, _ in shapes]},
        geometry=[shape for _, shape in shapes], crs=4326,
    )  # fmt: skip


def streets_frame(*lines: tuple[Any, bool]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "edge_id": [f"e{number}" for number in range(len(lines))], "walk": [walk for _, walk in lines],
            "geometry": [one for one, _ in lines],
        }
    )  # fmt: skip


def homes_frame(*homes: tuple[str, str | None, float, float]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "demand_id": [name for name, *_ in homes], "zone_id": [zone for _, zone, *_ in homes], "inside": True,
            "geometry": [shapely.Point(*place(x, y)) for *_, x, y in homes],
        }
    )  # fmt: skip


# ---- completeness, by hand


def two_zones() -> tuple[pd.DataFrame, gpd.GeoDataFrame, pd.DataFrame]:
    """Zone A is [0, 1000] × [0, 1000], zone B [1000, 2000] × [0, 1000].

    Streets: y = 100 from x = −500 to 2500 (walkable): 1 km in each. x = 300 from 0 to 600 (walkable): 0.6 km in A. A motorway y = 900
    from 0 to 2000 (not walkable): 1 km in each. Homes of A: (50, 50), 50 m from y = 100; (350, 450), 50 m from x = 300; (450, 350),
    150 m from it. B: (1500, 700), 600 m from the nearest.
    """
    streets = streets_frame(
        (line((-500, 100), (2500, 100)), True), (line((300, 0), (300, 600)), True), (line((0, 900), (2000, 900)), False)
    )
    zones = zones_frame(("A", square(0, 0, 1000, 1000)), ("B", square(1000, 0, 2000, 1000)))
    homes = homes_frame(("h1", "A", 50, 50), ("h2", "A", 350, 450), ("h3", "A", 450, 350), ("h4", "B", 1500, 700))
    return streets, zones, homes


def test_completeness_by_hand() -> None:
    table = street_completeness(*two_zones(), None, EPSG, RULES.completeness).set_index("zone_id")
    assert tuple(table.reset_index().columns) == COMPLETENESS_COLUMNS
    a, b = table.loc["A"], table.loc["B"]
    assert a["area_km2"] == pytest.approx(1.0, rel=1e-5)
    assert (a["street_km"], a["walk_km"]) == (pytest.approx(2.6, rel=1e-5), pytest.approx(1.6, rel=1e-5))
    assert (b["street_km"], b["walk_km"]) == (pytest.approx(2.0, rel=1e-5), pytest.approx(1.0, rel=1e-5))
    # cells of A with homes: [0, 200]², [200, 400] × [400, 600], [400, 600] × [200, 400]: 0.12 km²; in them 200 m of y = 100 and
    # 200 m of x = 300: 0.4 km
    assert a["builtup_km2"] == pytest.approx(0.12, rel=1e-5)
    assert a["walk_km_per_builtup_km2"] == pytest.approx(0.4 / 0.12, rel=1e-5)
    assert a["walk_m_per_home"] == pytest.approx(1600 / 3, rel=1e-5)
    assert (a["homes"], a["homes_far"], a["homes_without"]) == (3, 1, 1)
    assert a["share_without"] == pytest.approx(1 / 3, abs=1e-6)
    assert (b["builtup_km2"], b["walk_km_per_builtup_km2"]) == (pytest.approx(0.04, rel=1e-5), 0.0)
    assert (b["homes"], b["homes_without"], b["share_without"]) == (1, 1, 1.0)
    assert table["homes_unlinked"].isna().all()
    assert table["ratio_to_median"].isna().all(), "two zones have no median to speak of"
    assert table["state"].tolist() == ["few_homes", "few_homes"]


def test_links_count_where_there_are_any() -> None:
    links = pd.DataFrame(
        [("demand", "h1", "walk", False), ("demand", "h1", "pram", True), ("demand", "h2", "walk", True),
         ("demand", "h3", "walk", True), ("demand", "h4", "walk", True), ("site", "h1", "walk", True)],
        columns=["owner_type", "owner_id", "profile", "linked"],
    )  # fmt: skip
    table = street_completeness(*two_zones(), links, EPSG, RULES.completeness).set_index("zone_id")
    # A: h1 lies at a street but has no link of its own, h3 is far; B: h4 is linked and far all the same
    assert table["homes_unlinked"].tolist() == [1, 0]
    assert table["homes_without"].tolist() == [2, 1]


def rows_of_homes(zone: str, west: float, near: int, far: int) -> list[tuple[str, str | None, float, float]]:
    """Homes of one zone: `near` of them 20 m from y = 0, `far` of them 300 m from it; all in cells of the grid."""
    near_ones: list[tuple[str, str | None, float, float]] = [
        (f"{zone}n{k}", zone, west + 30 + 4 * k, 20) for k in range(near)
    ]
    return near_ones + [(f"{zone}f{k}", zone, west + 30 + 4 * k, 300) for k in range(far)]


def four_zones(street_m: float, near: int, far: int) -> pd.DataFrame:
    """Three zones with 800 m of street at y = 0 and 12 homes along it, and D with so much street and so many homes."""
    shapes = [(name, square(1000 * k, -200, 1000 * k + 1000, 800)) for k, name in enumerate("ABCD")]
    lines = [(line((1000 * k, 0), (1000 * k + 800, 0)), True) for k in range(3)]
    lines.append((line((3000, 0), (3000 + street_m, 0)), True))
    homes = [home for k, name in enumerate("ABC") for home in rows_of_homes(name, 1000 * k, 12, 0)]
    homes += rows_of_homes("D", 3000, near, far)
    table = street_completeness(
        streets_frame(*lines), zones_frame(*shapes), homes_frame(*homes), None, EPSG, RULES.completeness
    )
    return table.set_index("zone_id")


def test_a_zone_with_few_streets_and_homes_away_from_them_is_unfinished() -> None:
    # A to C: one cell of 0.04 km² with 200 m: 5 km/km². D: 8 near and 4 far homes in two cells, 0.08 km²; 80 m of street: 1 km/km²,
    # a fifth of the median 5, and 4 of 12 homes without a street
    table = four_zones(80.0, 8, 4)
    assert table.loc["A", "walk_km_per_builtup_km2"] == pytest.approx(5.0, rel=1e-4)
    assert table.loc["D", "walk_km_per_builtup_km2"] == pytest.approx(1.0, rel=1e-4)
    assert table.loc["D", "ratio_to_median"] == pytest.approx(0.2, rel=1e-4)
    assert table["state"].tolist() == ["ok", "ok", "ok", "unfinished"]
    quality = Quality()
    note_unfinished(table.reset_index(), quality)
    assert [(row["check"], row["id"]) for row in quality.rows] == [("streets_unfinished", "D")]
    assert "20%" in quality.rows[0]["what_zh"]
    assert "33%" in quality.rows[0]["what_en"]
    assert RULES.department("streets_unfinished").id == "towns"


@pytest.mark.parametrize(
    ("street_m", "near", "far", "state"),
    [
        (80.0, 10, 3, "ok"),  # sparse, but 3 of 13 homes are no more than a quarter
        (200.0, 8, 4, "ok"),  # a third without a street, but half as dense as the median: 2.5 of 5
        (200.0, 6, 7, "unfinished"),  # more than half without: whatever the density
        (200.0, 6, 6, "ok"),  # just half is not more than half
        (0.1, 0, 9, "few_homes"),  # nine homes are too few to judge
        (80.0, 0, 0, "no_homes"),
    ],
)
def test_what_makes_a_zone_unfinished(street_m: float, near: int, far: int, state: str) -> None:
    assert four_zones(street_m, near, far).loc["D", "state"] == state


def test_no_street_and_no_home_at_all() -> None:
    zones = zones_frame(("A", square(0, 0, 1000, 1000)))
    empty = homes_frame().assign(inside=pd.Series(dtype=bool))
    table = street_completeness(streets_frame(), zones, empty, None, EPSG, RULES.completeness)
    assert table["walk_km"].tolist() == [0.0]
    assert np.isnan(table["share_without"].iloc[0])
    homes = homes_frame(*[(f"h{k}", "A", 10.0 * k, 5.0) for k in range(12)])
    table = street_completeness(streets_frame(), zones, homes, None, EPSG, RULES.completeness)
    assert (table["state"].iloc[0], table["share_without"].iloc[0]) == ("unfinished", 1.0)


COORDINATE = st.integers(0, 40).map(lambda k: 25.0 * k + 3.0)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(COORDINATE, COORDINATE, COORDINATE, COORDINATE).filter(lambda c: c[:2] != c[2:]), min_size=1, max_size=6),
    st.lists(st.tuples(COORDINATE, COORDINATE), min_size=1, max_size=6, unique=True),
    st.randoms(use_true_random=False),
)  # fmt: skip
def test_completeness_against_a_plain_method_and_in_any_order(segments: Any, spots: Any, random: Any) -> None:
    streets = streets_frame(*[(line((a, b), (c, d)), k % 3 != 2) for k, (a, b, c, d) in enumerate(segments)])
    zones = zones_frame(("A", square(0, 0, 500, 1100)), ("B", square(500, 0, 1100, 1100)))
    homes = homes_frame(*[(f"h{k}", "A" if x < 500 else "B", x, y) for k, (x, y) in enumerate(spots)])
    table = street_completeness(streets, zones, homes, None, EPSG, RULES.completeness)
    shuffled = []
    for frame in (streets, zones, homes):
        order = list(range(len(frame)))
        random.shuffle(order)
        shuffled.append(frame.iloc[order])
    pd.testing.assert_frame_equal(table, street_completeness(*shuffled, None, EPSG, RULES.completeness))
    metric = [project_geometry(np.asarray([one]), 4326, EPSG)[0] for one in streets["geometry"]]
    walk = [one for one, open_ in zip(metric, streets["walk"], strict=True) if open_]
    for row, shape in zip(table.to_dict("records"), zones.geometry, strict=True):
        zone = project_geometry(np.asarray([shape]), 4326, EPSG)[0]
        assert row["street_km"] == pytest.approx(sum(one.intersection(zone).length for one in metric) / 1000, abs=2e-6)
        assert row["walk_km"] == pytest.approx(sum(one.intersection(zone).length for one in walk) / 1000, abs=2e-6)
        mine = [place(x, y) for x, y in spots if ("A" if x < 500 else "B") == row["zone_id"]]
        points = project_geometry(np.asarray([shapely.Point(one) for one in mine], dtype=object), 4326, EPSG)
        far = [point for point in points if round(min((point.distance(one) for one in walk), default=1e9), 2) > 100]
        assert (row["homes"], row["homes_without"]) == (len(mine), len(far))


# ---- ids of doubts


def doubts(*rows: dict[str, str]) -> pd.DataFrame:
    base = {"check": "possible_double", "severity": "warning", "source": "a.xlsx", "row": "", "id": "",
            "what_zh": "甲", "what_en": "a", "what_to_do": "查 / look"}  # fmt: skip
    return pd.DataFrame([base | row for row in rows], columns=list(COLUMNS))


def one_id(**row: str) -> str:
    return str(with_doubt_ids(doubts(row))["doubt_id"].iloc[0])


def test_an_id_depends_on_what_the_doubt_is_about() -> None:
    same = one_id(id="osm:n1", what_zh="有 12 处")
    assert re.fullmatch(r"D-[0-9a-f]{10}", same)
    assert one_id(id="osm:n1", what_zh="有 12 处", what_en="other", severity="info", what_to_do="x") == same
    assert one_id(id="osm:n1", what_zh="有 12 处", row="7") == same, "a thing with an id may move to another row"
    for change in ({"id": "osm:n2"}, {"what_zh": "有 13 处"}, {"source": "b.xlsx"}, {"check": "row_twice"}):
        assert one_id(**({"id": "osm:n1", "what_zh": "有 12 处"} | change)) != same
    assert one_id(row="7") != one_id(row="8")
    assert one_id(what_zh="81 处，共 1,200.5 m") == one_id(what_zh="60 处，共 7 m"), (
        "of a whole file: counts may change"
    )
    assert one_id(what_zh="81 处甲") != one_id(what_zh="81 处乙")


def test_ids_are_unique_and_do_not_depend_on_the_order() -> None:
    frame = doubts({"what_zh": "第 1 处"}, {"what_zh": "第 2 处"}, {"what_zh": "第 1 处"}, {"id": "x"})
    ids = with_doubt_ids(frame).set_index(frame.index)["doubt_id"]
    assert ids.is_unique
    turned = with_doubt_ids(frame.iloc[::-1])
    assert set(turned["doubt_id"]) == set(ids)
    assert turned[turned["id"] == "x"]["doubt_id"].tolist() == [ids[3]]


def test_ids_survive_the_csv(tmp_path: Path) -> None:
    from xiqing_space.stages import write_csv

    frame = with_doubt_ids(
        doubts({"id": "=1+1", "what_zh": "=cmd|'x'"}, {"what_zh": "-甲\r乙"}, {"what_zh": "NA", "id": "NA"})
    )
    write_csv(frame, tmp_path / "quality.csv")
    again = read_doubts(tmp_path / "quality.csv")
    assert again is not None
    assert again["doubt_id"].tolist() == frame["doubt_id"].tolist()
    write_csv(frame.drop(columns="doubt_id"), tmp_path / "older.csv")
    assert read_doubts(tmp_path / "older.csv")["doubt_id"].tolist() == frame["doubt_id"].tolist()  # type: ignore[index]
    assert read_doubts(tmp_path / "none.csv") is None


@pytest.mark.parametrize("content", [b"a,b\n1,2\n", b"\xff\xfe\x00", b""])
def test_a_spoilt_quality_csv_is_said(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "quality.csv").write_bytes(content)
    with pytest.raises(InputDataError, match="cannot be read"):
        read_doubts(tmp_path / "quality.csv")


def test_what_became_of_doubts() -> None:
    former = with_doubt_ids(doubts({"id": "1"}, {"id": "2"}, {"id": "3"}, {"what_zh": "81 处"}))
    now = with_doubt_ids(doubts({"id": "3"}, {"id": "4"}, {"what_zh": "60 处"}))
    answered = {str(former["doubt_id"].iloc[0])}
    changes = compare_doubts(former, now, answered)
    assert changes is not None
    assert changes[["state", "by", "id", "what_zh"]].to_numpy().tolist() == [
        ["settled", "survey", "1", "甲"], ["settled", "data", "2", "甲"], ["new", "", "4", "甲"], ["open", "", "", "60 处"],
        ["open", "", "3", "甲"],
    ]  # fmt: skip
    assert compare_doubts(None, now) is None


# ---- lights


SOURCES = pd.DataFrame(
    [
        ("a.xlsx", "名录", 12, "2025-09", "内部", "GCJ-02"),
        ("b.xlsx", "名录", 3, "", "", ""),
        ("c.pbf", "街道", 9, "2026", "ODbL", ""),
    ],
    columns=["source", "role", "rows", "date", "licence", "datum"],
)


def light(*rows: dict[str, str]) -> dict[str, str]:
    return dict(light_sources(SOURCES, doubts(*rows), RULES)[["source", "light"]].itertuples(index=False, name=None))


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"check": "possible_double", "severity": "info"}, "contradictions"),
        ({"check": "kind_unmapped", "severity": "warning"}, "gaps"),
        ({"check": "no_homes", "severity": "error"}, "gaps"),
        ({"check": "ask_gaps", "severity": "info"}, "gaps"),
        ({"check": "clipped_way", "severity": "info"}, "usable"),
        ({"check": "ask_status", "severity": "info"}, "usable"),
    ],
)
def test_the_light_of_a_source(row: dict[str, str], expected: str) -> None:
    assert light(row)["a.xlsx"] == expected
    assert light(row | {"source": "a.xlsx[名录]"})["a.xlsx"] == expected


def test_a_source_without_a_date_is_a_gap_and_says_so() -> None:
    frame = light_sources(SOURCES, doubts(), RULES).set_index("source")
    assert frame["light"].to_dict() == {"b.xlsx": "gaps", "a.xlsx": "usable", "c.pbf": "usable"}
    assert frame.loc["b.xlsx", "top_zh"] == ("未注明数据日期",)
    assert frame.index.tolist()[0] == "b.xlsx", "the gravest first"


def test_doubts_of_no_listed_source_are_not_lost() -> None:
    found = light({"source": "", "check": "no_homes"}, {"source": "a.xlsx.bak", "check": "row_twice"})
    assert found[""] == "gaps"
    assert found["a.xlsx.bak"] == "contradictions"
    assert found["a.xlsx"] == "usable"


def test_the_three_chief_doubts() -> None:
    rows = [{"check": "clipped_way", "severity": "info"}, {"check": "no_homes", "severity": "error", "what_zh": "错"},
            {"check": "row_twice", "what_zh": "重一", "id": "1"}, {"check": "row_twice", "what_zh": "重二", "id": "2"},
            {"check": "ask_gaps", "severity": "info", "what_zh": "缺"}]  # fmt: skip
    top = light_sources(SOURCES, doubts(*rows), RULES).set_index("source").loc["a.xlsx", "top_zh"]
    assert top == ("重一（另有 1 项同类）", "错", "缺")
    assert group_doubts(doubts(*rows), RULES)["n"].sum() == 5


def test_every_check_that_the_rules_name_is_one() -> None:
    named = {*RULES.lights.contradictions, *RULES.lights.gaps, *RULES.not_asked, *(one.check for one in RULES.asks)}
    named |= {check for one in RULES.departments for check in one.checks}
    assert {check for check in named if "*" not in check} - set(CATALOGUE.quality) == set()
    for number in RULES.completeness.model_dump().values():
        assert number["zh"]
        assert number["en"]


def test_every_kind_has_somebody_to_ask() -> None:
    assert {RULES.department("x", kind).id for kind in CATALOGUE.kinds} >= {
        "education",
        "health",
        "greening",
        "culture",
    }
    assert {kind for kind in CATALOGUE.kinds if RULES.department("x", kind).id == "planning"} == set()


# ---- questions


def facilities_frame(*rows: dict[str, Any]) -> gpd.GeoDataFrame:
    base = {
        "facility_id": "osm:n1", "site_id": "osm:n1", "kind": "kindergarten", "name": "甲幼儿园", "operator": "public",
        "status": "operating", "serves": "everyone", "capacity_places": 180.0, "classes": np.nan, "enrolled": np.nan,
        "capacity_from": "tag", "inside": True, "located_by": "node", "source": "a.pbf", "source_row": "osm:n1",
        "datum_in": "EPSG:4326", "geometry": shapely.Point(*degrees(100, 100)),
    }  # fmt: skip
    return gpd.GeoDataFrame([base | row for row in rows], crs=4326)


ZONES = gpd.GeoDataFrame(
    {"zone_id": ["z1", "z2"], "name": ["一街", "二镇"]},
    geometry=[
        shapely.MultiPolygon([shapely.Polygon([degrees(x, 0), degrees(x + 500, 0), degrees(x + 500, 500), degrees(x, 500)])])
        for x in (0, 500)
    ],
    crs=4326,
)  # fmt: skip


def asked(facilities: gpd.GeoDataFrame, quality: Quality | None = None) -> tuple[pd.DataFrame, pd.DataFrame]:
    quality = quality or Quality()
    note_questions(facilities, CATALOGUE, RULES, quality)
    found = with_doubt_ids(quality.frame())
    return found, build_returns(found, facilities, ZONES, CATALOGUE, RULES)


def test_what_is_asked_of_each_facility() -> None:
    frame = facilities_frame(
        {"facility_id": "f1"},  # nothing is missing
        {"facility_id": "f2", "name": None, "operator": "unknown", "capacity_places": np.nan},
        {
            "facility_id": "f3",
            "kind": "park",
            "name": None,
            "operator": "unknown",
            "capacity_places": np.nan,
        },  # owes none of it
        {"facility_id": "f4", "kind": "school_unknown_level", "name": "乙学校"},
        {"facility_id": "f5", "status": "closed", "operator": "unknown", "capacity_places": np.nan},
        {"facility_id": "f6", "inside": False, "operator": "unknown"},  # beyond the border: none of the district's
        {"facility_id": "f7", "geometry": None, "inside": None, "source": "教育.xlsx", "source_row": "12"},
        {
            "facility_id": "f8",
            "kind": "clinic",
            "name": "丙",
            "status": "building",
            "geometry": shapely.Point(*degrees(700, 9)),
        },
    )
    found, returns = asked(frame)
    rows = {(one.owner_id, one.check): one for one in returns.itertuples(index=False)}
    assert set(rows) == {
        ("f2", "ask_gaps"),
        ("f4", "ask_level"),
        ("f5", "ask_status"),
        ("f7", "ask_gaps"),
        ("f8", "ask_status"),
    }
    assert rows["f2", "ask_gaps"].fields == "name|operator|capacity_places"
    assert rows["f2", "ask_gaps"].current_zh == "名称：缺；性质：缺；学位数：缺"
    assert rows["f7", "ask_gaps"].fields == "place"
    assert np.isnan(rows["f7", "ask_gaps"].lon)
    assert (rows["f2", "ask_gaps"].lon, rows["f2", "ask_gaps"].lat) == degrees(100, 100), (
        "else nobody finds what has no name"
    )
    assert "无名称，f2" in rows["f2", "ask_gaps"].ask_zh
    assert "unnamed, f2" in rows["f2", "ask_gaps"].ask_en
    assert (rows["f7", "ask_gaps"].source, rows["f7", "ask_gaps"].row) == ("教育.xlsx", "12")
    assert (rows["f8", "ask_status"].department, rows["f8", "ask_status"].zone) == ("health", "二镇")
    assert rows["f4", "ask_level"].department == "education"
    assert set(found["severity"]) == {"info"}, "questions do not make a check fail"


def test_every_doubt_is_asked_once_or_needs_no_answer() -> None:
    quality = Quality()
    quality.add("possible_double", source="a.pbf", id="osm:n1", name="osm:n1", other="osm:w5")
    quality.add("kind_unmapped", source="a.pbf", id="sports", kind=("体育", "Sports"))
    quality.add("clipped_way", source="a.pbf", n=3, missing=4)
    quality.add("capacity_unread", source="名录.xlsx", row="7", value="约百")
    quality.add("streets_unfinished", id="z2", name="二镇", why=("甲", "a"))
    frame = facilities_frame(
        {}, {"facility_id": "file:7", "site_id": "file:7", "source": "名录.xlsx", "source_row": "7", "name": "乙园"}
    )
    found, returns = asked(frame, quality)
    rows = returns.set_index("check")
    assert sorted(returns["doubt_id"]) == sorted(found.loc[found["check"] != "clipped_way", "doubt_id"])
    assert rows["department"].to_dict() == {
        "possible_double": "education", "capacity_unread": "education", "kind_unmapped": "culture", "streets_unfinished": "towns",
    }  # fmt: skip
    assert rows.loc["capacity_unread", ["owner_id", "name"]].tolist() == ["file:7", "乙园"], (
        "found by its row in the list"
    )
    assert rows.loc["streets_unfinished", "zone"] == "二镇"
    assert (rows["ask_zh"] != "").all()


def test_a_row_of_a_list_without_a_place_is_asked_for_it() -> None:
    lost = pd.DataFrame(
        [("file:名册:7", "kindergarten", "乙园", "某路", "二镇", False, "public", "operating", "everyone", "名册.xlsx", "7")],
        columns=["facility_id", "kind", "name", "address", "zone", "asked", "operator", "status", "serves", "source", "source_row"],
    )  # fmt: skip
    both = with_unlocated(facilities_frame({}), lost)
    quality = Quality()
    quality.add("match_none", id="file:名册:7", name="乙园")
    done = take_survey(quality, both, ZONES, CATALOGUE, RULES)
    assert done.returns[["owner_id", "department", "zone", "fields", "current_zh"]].to_numpy().tolist() == [
        ["file:名册:7", "education", "二镇", "place", "位置：缺"]
    ], "its place once, and nothing that the table of places to verify does not hold"


def test_sources_state_what_the_config_says() -> None:
    raw = {"area": {"name": "x"}, "sources": {"osm": "a.pbf"}, "population": {"base_year": 2025}}
    lists = [{"file": "名册.xlsx", "kind": "kindergarten", "date": "2025-09", "licence": "内部", "datum": "GCJ-02"}]
    config = Config.model_validate(raw | {"facilities": lists})
    records = [{"role": role, "file": path.name, "licence": ""} for role, path in config.files().items()]
    records[0]["licence"] = "ODbL"
    frame = source_frame(records, {"data_date": "2026-01-01", "rows": {"streets": 5, "homes": 2}}, config, CATALOGUE)
    by_file = frame.set_index("source")
    assert by_file.loc["a.pbf", ["date", "licence", "rows"]].tolist() == ["2026-01-01", "ODbL", 7]
    assert by_file.loc["名册.xlsx", ["date", "licence", "datum"]].tolist() == ["2025-09", "内部", "GCJ-02"]


def test_the_parts_of_a_bilingual_text() -> None:
    assert split_languages("核对 / check") == ("核对", "check")
    zh, en = split_languages("加 settlement 列（urban / rural）/ add a settlement column")
    assert (zh, en) == ("加 settlement 列（urban / rural）", "add a settlement column")
    assert split_languages("核对") == ("核对", "")
    for wording in CATALOGUE.quality.values():
        zh, en = split_languages(wording["todo"])
        assert re.search("[\u4e00-\u9fff]", zh)
        assert re.match("[A-Za-z]", en), wording["todo"]


# ---- workbook and page

HOSTILE = '=HYPERLINK("http://x")<script>alert(1)</script>\x07\u202e&amp;'


def checkup(**changes: Any) -> Any:
    frame = facilities_frame(
        {"name": HOSTILE, "status": "building"}, {"facility_id": "f2", "name": None, "operator": "unknown"},
        {"facility_id": "f3", "kind": "school_unknown_level", "name": "@SUM(A1)"},
    )  # fmt: skip
    found, returns = asked(frame)
    table = street_completeness(*two_zones(), None, EPSG, RULES.completeness)
    sources = pd.DataFrame(
        [{"source": "+a.pbf", "role": "街道", "rows": 3, "date": "", "licence": "<b>", "datum": "GCJ-02"}]
    )
    values = {
        "area": HOSTILE, "sources": sources, "doubts": found, "returns": returns, "catalogue": CATALOGUE, "rules": RULES,
        "completeness": table,
    }  # fmt: skip
    return build_checkup(**(values | changes))


def cells(path: Path) -> list[Any]:
    book = openpyxl.load_workbook(path)
    return [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]


def test_no_cell_of_the_workbook_is_a_formula(tmp_path: Path) -> None:
    found = cells(write_checkup_workbook(checkup(), tmp_path / "a.xlsx"))
    assert {cell.data_type for cell in found} <= {"s", "n"}
    hostile = [cell for cell in found if isinstance(cell.value, str) and cell.value.startswith(("=", "@", "+"))]
    assert {cell.value[:4] for cell in hostile} == {"=HYP", "@SUM", "+a.p"}
    assert all(cell.quotePrefix for cell in hostile)
    assert not any("\x07" in str(cell.value) or "\u202e" in str(cell.value) for cell in found)


def test_the_workbook_has_a_sheet_for_each_department(tmp_path: Path) -> None:
    made = checkup()
    book = openpyxl.load_workbook(write_checkup_workbook(made, tmp_path / "a.xlsx"))
    assert book.sheetnames == ["说明", "体检总表", "街道完整度", "区教育局", "疑点清单"]
    sheet = book["区教育局"]
    heads = [cell.value.split("\n")[0] for cell in sheet[HEADER_ROW]]
    assert heads[0] == "疑点编号"
    assert {"答复", "更正值", "经度", "纬度", "状态", "学位数", "备注", "填报单位"} <= set(heads)
    assert sheet.max_row == HEADER_ROW + len(made.returns)
    assert sheet.freeze_panes == "D4"
    assert sheet.auto_filter.ref == f"A{HEADER_ROW}:S{sheet.max_row}"
    assert sheet.print_title_rows == f"$1:${HEADER_ROW}"
    lists = {str(one.sqref): one.formula1 for one in sheet.data_validations.dataValidation if one.type == "list"}
    assert lists[f"I{HEADER_ROW + 1}:I{sheet.max_row}"] == '"属实,有误,不清楚"'
    assert all(len(one) < 255 for one in lists.values())
    written = [row[0].value for row in book["疑点清单"].iter_rows(min_row=HEADER_ROW + 1)]
    assert sorted(written) == sorted(made.doubts["doubt_id"]), "no doubt is dropped"


def test_the_sample_says_so_on_every_sheet_and_the_page(tmp_path: Path) -> None:
    for synthetic in (True, False):
        made = checkup(synthetic=synthetic)
        book = openpyxl.load_workbook(write_checkup_workbook(made, tmp_path / "a.xlsx"))
        assert all(("示例数据 / synthetic sample" in sheet["A1"].value) is synthetic for sheet in book)
        page = write_checkup_page(made, tmp_path / "a.html").read_text("utf-8")
        assert ("示例数据" in page) is synthetic


def test_the_same_check_up_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_checkup_workbook(checkup(), tmp_path / f"{name}.xlsx")
        write_checkup_page(checkup(), tmp_path / f"{name}.html")
    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.html", "a.xlsx", "b.html", "b.xlsx"]


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written"):
        write_checkup_workbook(checkup(), tmp_path / "none" / "a.xlsx")


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def test_the_page_runs_nothing_and_asks_no_address(tmp_path: Path) -> None:
    text = write_checkup_page(checkup(), tmp_path / "a.html").read_text("utf-8")
    parser = Tags()
    parser.feed(text)
    names = [tag for tag, _ in parser.tags]
    assert not {"script", "img", "link", "iframe", "a"} & set(names)
    assert names.count("b") == 3, "the heads of the three tiles, and none from a file"
    assert not any(
        key.startswith("on") or key in ("src", "href") for _, attributes in parser.tags for key in attributes
    )
    assert "url(" not in text
    assert "&lt;script&gt;" in text
    assert "\x07" not in text
    assert "\u202e" not in text


def test_counts_and_changes_stand_in_both(tmp_path: Path) -> None:
    counts = pd.DataFrame(
        [
            {
                "kind": "幼儿园",
                "stated": 115,
                "by_site": 117,
                "by_legal_person": 115,
                "difference": 2,
                "zh": "按法人一致。",
                "en": "fits.",
            }
        ]
    )
    now = checkup().doubts
    former = with_doubt_ids(doubts({"id": "gone", "what_zh": "旧疑点"}))
    made = checkup(counts=counts, changes=compare_doubts(former, now))
    assert (made.tally("settled"), made.tally("open"), made.tally("new")) == (1, 0, len(now))
    page = write_checkup_page(made, tmp_path / "a.html").read_text("utf-8")
    book = openpyxl.load_workbook(write_checkup_workbook(made, tmp_path / "a.xlsx"))
    for words in ("按法人一致。", "旧疑点"):
        assert words in page
    assert [cell.value for cell in book["数量核对"][HEADER_ROW + 1]][:5] == ["幼儿园", 115, 117, 115, 2]
    assert book["已消除"].cell(HEADER_ROW + 1, 6).value.startswith("旧疑点")
    assert "首次体检" not in page
    assert "首次体检" in write_checkup_page(checkup(), tmp_path / "b.html").read_text("utf-8")


def test_counts_say_that_rows_wait_for_a_choice(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        [{"kind": "幼儿园", "stated": 1, "by_site": 3, "by_legal_person": 3, "difference": 2, "zh": "甲", "en": "a"}]
    )
    waiting = doubts({"check": "match_to_confirm", "row": "1"}, {"check": "match_to_confirm", "row": "2"})
    made = checkup(counts=frame, doubts=with_doubt_ids(waiting))
    assert made.waiting is not None
    assert made.waiting[0].startswith("名录中有 2 行等待")
    assert made.waiting[0] in write_checkup_page(made, tmp_path / "a.html").read_text("utf-8")
    book = openpyxl.load_workbook(write_checkup_workbook(made, tmp_path / "a.xlsx"))
    assert book["数量核对"].cell(HEADER_ROW + 3, 1).value == "\n".join(made.waiting)
    assert checkup(counts=frame).waiting is None


def test_counts_with_longer_names() -> None:
    frame = pd.DataFrame(
        [{"label": "kindergarten", "kinds": "kindergarten", "stated": 115, "counted_by_site": 117, "counted_by_legal_person": 115,
          "difference_by_site": 2, "sentence_zh": "甲", "sentence_en": "a"}]
    )  # fmt: skip
    made = checkup(counts=frame).counts
    assert made.to_numpy().tolist() == [["幼儿园 / Kindergarten", 115, 117, 115, 2, "甲", "a"]]
    with pytest.raises(TableError, match="stated"):
        checkup(counts=frame.drop(columns="stated"))


def test_english_first_when_asked(tmp_path: Path) -> None:
    text = write_checkup_page(checkup(language="en"), tmp_path / "a.html").read_text("utf-8")
    assert '<html lang="en">' in text
    assert "Data check-up<small>数据体检</small>" in text


# ---- the command


def test_check_writes_all_and_a_second_check_compares(hamlet_osm: Path, tmp_path: Path) -> None:
    config = write_config(tmp_path / "c.toml", {"area": {"name": "村"}, "sources": {"osm": str(hamlet_osm)}})
    first = call("check", "--config", config, "--out", tmp_path / "out")
    assert first.code == 0, first.err[-300:]
    assert "since the last check" not in first.out
    frame = read_doubts(tmp_path / "out/quality.csv")
    assert frame is not None
    again = call("check", "--config", config, "--out", tmp_path / "out")
    assert f"已消除 0，仍存在 {len(frame)}，新出现 0" in again.out
    dated = write_config(
        tmp_path / "d.toml", {"area": {"name": "村"}, "sources": {"osm": str(hamlet_osm), "data_date": "2026-01-01"}}
    )
    third = call("check", "--config", dated, "--out", tmp_path / "out")
    assert f"已消除 1，仍存在 {len(frame) - 1}，新出现 0" in third.out
    assert "数据日期未注明" in (tmp_path / "out/reports/data_checkup.html").read_text("utf-8"), (
        "named among the settled"
    )


def test_two_checks_of_the_same_data_give_the_same_bytes(hamlet_osm: Path, tmp_path: Path) -> None:
    config = write_config(tmp_path / "c.toml", {"area": {"name": "村"}, "sources": {"osm": str(hamlet_osm)}})
    for name in ("a", "b"):
        assert call("check", "--config", config, "--out", tmp_path / name).code == 0
    assert files_of(tmp_path / "a") == files_of(tmp_path / "b")
    assert len(files_of(tmp_path / "a")) == 3


def test_every_question_can_be_settled() -> None:
    """What is asked has a rule for its answer: 属实 or 有误 closes it, or fields that are asked for do."""
    for check in ("merge_conflict", "stated_total_differs", "kind_unknown", "gate_not_open", "compound_gates_unknown"):
        ask = RULES.ask(check)
        assert ask is not None, check
        assert ask.confirm == "settles" or ask.deny == "settles" or ask.fields, check
    assert "people_basis" in RULES.not_asked, "a fact that the office itself configured is no question"


def test_a_check_asks_towns_for_gates(hamlet_osm: Path, tmp_path: Path) -> None:
    """甲小区 has a mapped gate on its wall, so nobody is asked; 乙小区 of the office's file, where no gate lies, is."""
    write_layer(
        tmp_path / "own.geojson",
        [{"小区": "乙小区", "编号": "C1", "封闭": "是", "ring": [(640.0, 440.0), (770.0, 440.0), (770.0, 560.0)]}],
    )
    base = {"area": {"name": "村"}, "sources": {"osm": str(hamlet_osm)}}
    asked_for = {}
    for name, more in {"map": {}, "own": {"compounds": {"file": "own.geojson"}}}.items():
        config = write_config(tmp_path / f"{name}.toml", base | more)
        assert call("check", "--config", config, "--out", tmp_path / name).code == 0
        found = read_doubts(tmp_path / name / "quality.csv")
        assert found is not None
        asked_for[name] = found.loc[found["check"] == "compound_gates_unknown", ["id", "source"]].to_numpy().tolist()
    assert asked_for == {"map": [], "own": [["file:own:C1", "own.geojson"]]}
    book = openpyxl.load_workbook(tmp_path / "own/reports/data_checkup.xlsx")
    assert [cell.value for cell in book["街镇"][HEADER_ROW + 1]][1:3] == ["file:own:C1", "乙小区"]
