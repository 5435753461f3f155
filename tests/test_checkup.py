"""The data check-up: doubts and their ids that stay, lights of the sources, questions to the departments."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import shapely
from checkup_frames import CATALOGUE, RULES, ZONES, asked, doubts, facilities_frame
from helpers import degrees

from xiqing_space.config import Config
from xiqing_space.data_checkup import source_frame
from xiqing_space.errors import InputDataError
from xiqing_space.ingest.doubts import compare_doubts, read_doubts, split_languages, with_doubt_ids
from xiqing_space.ingest.quality import Quality
from xiqing_space.ingest.questions import with_unlocated
from xiqing_space.ingest.survey_step import take_survey
from xiqing_space.report.checkup import group_doubts, light_sources

# ---- ids of doubts


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
