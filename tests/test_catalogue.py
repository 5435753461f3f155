"""The catalogue holds together, its rules of verdict are those of the method, and tags become the kinds they should."""

from __future__ import annotations

import re
import string
from collections import Counter
from typing import Any

import pytest
from pydantic import ValidationError

from xiqing_space.catalog import Standard, load_catalogue
from xiqing_space.catalog.load import PROFILES
from xiqing_space.indicators import verdict_of
from xiqing_space.ingest.facilities import classify
from xiqing_space.ingest.quality import COLUMNS, Quality
from xiqing_space.tables import TABLES

CATALOGUE = load_catalogue()
URBAN: set[str | None] = {"urban"}


def standard(**changes: Any) -> Standard:
    return Standard(
        **{
            "id": "x", "kind": "park", "role": "default", "value": 300.0, "unit": "m", "target": 0.8, "document": "d",
            "clause": "", "wording": "宜", "status": "in_force", "seen": "V", "source": "s", **changes,
        }
    )  # fmt: skip


# ---- standards


@pytest.mark.parametrize("seen", ["U", "P"])
def test_a_clause_whose_text_was_not_seen_cannot_be_stored(seen: str) -> None:
    with pytest.raises(ValidationError, match="not seen"):
        standard(clause="3.1.3", seen=seen)


@pytest.mark.parametrize("seen", ["V", "V2"])
def test_a_clause_that_was_seen_can(seen: str) -> None:
    assert standard(clause="3.1.3", seen=seen).clause == "3.1.3"


def test_no_clause_of_the_catalogue_is_unseen() -> None:
    assert [one.id for one in CATALOGUE.standards.values() if one.clause and one.seen not in ("V", "V2")] == []


def test_every_kind_with_standards_has_exactly_one_default() -> None:
    defaults = Counter(one.kind for one in CATALOGUE.standards.values() if one.role == "default")
    assert defaults == dict.fromkeys({one.kind for one in CATALOGUE.standards.values()}, 1)
    for kind in defaults:
        assert CATALOGUE.standards_of(kind)[0].role == "default"


def test_another_default_leaves_exactly_one() -> None:
    other = CATALOGUE.with_standards({"kindergarten": "kindergarten_500m"}, {})
    assert [(one.id, one.role) for one in other.standards_of("kindergarten")] == [
        ("kindergarten_500m", "default"), ("kindergarten_300m", "alternative"),
    ]  # fmt: skip
    assert CATALOGUE.standards["kindergarten_300m"].role == "default", "the catalogue itself must not change"


def test_an_overridden_standard_gives_no_verdict_and_keeps_its_reason() -> None:
    other = CATALOGUE.with_standards({}, {"kindergarten_300m": (450.0, "地方导则")}).standards["kindergarten_300m"]
    assert (other.value, other.status, other.reason, other.gives_verdict) == (450.0, "overridden", "地方导则", False)


def test_minutes_are_taken_at_the_band_s_own_pace() -> None:
    ten = CATALOGUE.standards["primary_school_10min"]
    assert ten.limit_m(CATALOGUE.bands["primary"]) == pytest.approx(600.0)
    assert ten.limit_m(CATALOGUE.bands["preschool"]) == pytest.approx(480.0)
    assert CATALOGUE.standards["park_300m"].limit_m(CATALOGUE.bands["preschool"]) == 300.0


def test_bands_are_those_of_the_method() -> None:
    found = {one.id: (one.ages, one.speed_m_s, one.profile) for one in CATALOGUE.bands.values()}
    assert found == {
        "infant": ((0, 2), 1.0, "pram"), "preschool": ((3, 5), 0.8, "walk"), "primary": ((6, 11), 1.0, "walk"),
        "junior": ((12, 14), 1.2, "walk"), "senior": ((15, 17), 1.2, "walk"),
    }  # fmt: skip
    demand = {column.name for column in TABLES["demand"].columns}
    assert {one.column for one in CATALOGUE.bands.values()} <= demand
    assert {one.profile for one in CATALOGUE.bands.values()} <= set(PROFILES)


# ---- verdicts, worked out by hand

IN_FORCE = {"status": "in_force", "seen": "V", "target": 0.8}
CASES: list[tuple[dict[str, Any], str, float, float, set[str | None], str | None, str | None]] = [
    # in force, seen, urban
    ({}, "radius", 0.80, 0.0, URBAN, "meets", None),
    ({}, "radius", 1.00, 0.0, URBAN, "meets", None),
    ({}, "radius", 0.79, 0.0, URBAN, "below_recommended", None),
    ({"wording": "可"}, "radius", 0.10, 0.0, URBAN, "below_recommended", None),
    ({"wording": ""}, "radius", 0.10, 0.0, URBAN, "unknown", "wording_not_seen"),
    ({"wording": "应"}, "radius", 0.79, 0.0, URBAN, "fails_mandatory", None),
    ({"wording": "应"}, "radius", 0.80, 0.0, URBAN, "meets", None),
    ({"wording": "应"}, "radius", 0.00, 0.0, URBAN, "fails_mandatory", None),
    ({"seen": "V2"}, "radius", 0.90, 0.0, URBAN, "meets", None),
    ({"target": 1.0}, "radius", 0.999999, 0.0, URBAN, "below_recommended", None),
    # text not seen
    ({"seen": "U"}, "radius", 0.90, 0.0, URBAN, "unknown", "text_not_seen"),
    ({"seen": "U", "wording": "应"}, "radius", 0.10, 0.0, URBAN, "unknown", "text_not_seen"),
    ({"seen": "P"}, "radius", 0.90, 0.0, URBAN, "unknown", "proposal_of_this_project"),
    # not in force
    ({"status": "proposal", "seen": "P"}, "radius", 0.90, 0.0, URBAN, None, "reference_proposal"),
    ({"status": "superseded"}, "radius", 0.10, 0.0, URBAN, None, "reference_superseded"),
    ({"status": "overridden"}, "radius", 0.90, 0.0, URBAN, None, "reference_overridden"),
    ({"status": "other_place", "wording": "应"}, "radius", 0.10, 0.0, URBAN, None, "reference_other_place"),
    # not the clause's own measure
    ({}, "walk", 0.90, 0.0, URBAN, None, None),
    ({"wording": "应"}, "walk", 0.10, 0.0, URBAN, None, None),
    ({"unit": "min", "value": 10.0}, "walk", 0.90, 0.0, URBAN, None, None),
    # homes whose position is unknown
    ({}, "radius", 0.90, 5.0, URBAN, "unknown", "homes_unknown"),
    ({}, "radius", 0.10, 0.0, {"urban"}, "below_recommended", None),
    # not urban
    ({}, "radius", 0.90, 0.0, {"mixed"}, "unknown", "not_all_urban"),
    ({}, "radius", 0.10, 0.0, {"rural"}, "unknown", "not_all_urban"),
    ({"wording": "应"}, "radius", 0.10, 0.0, {"urban", "rural"}, "unknown", "not_all_urban"),
    ({}, "radius", 0.90, 0.0, {None}, "unknown", "settlement_unknown"),
    ({}, "radius", 0.90, 0.0, {"urban", None}, "unknown", "settlement_unknown"),
    # nothing to judge
    ({}, "radius", float("nan"), 0.0, URBAN, "no_data", None),
    ({"wording": "应"}, "radius", float("nan"), 3.0, {None}, "no_data", None),
]


@pytest.mark.parametrize(("changes", "measure", "share", "unknown", "settlements", "verdict", "reason"), CASES)
def test_verdict(
    changes: dict[str, Any], measure: str, share: float, unknown: float, settlements: set[str | None], verdict: str | None,
    reason: str | None,
) -> None:  # fmt: skip
    assert verdict_of(standard(**{**IN_FORCE, **changes}), measure, share, unknown, settlements) == (verdict, reason)


def test_every_verdict_is_in_the_vocabulary_and_has_words() -> None:
    column = next(one for one in TABLES["indicators"].columns if one.name == "verdict")
    given = {verdict for *_, verdict, _ in CASES} - {None}
    assert given == set(column.among)
    for verdict in given:
        assert CATALOGUE.word("verdict_unknown" if verdict == "unknown" else str(verdict))


# ---- words


def test_every_word_has_both_languages() -> None:
    assert len(CATALOGUE.words) > 50
    assert [key for key, (zh, en) in CATALOGUE.words.items() if not (zh or "").strip() or not (en or "").strip()] == []
    for table in (CATALOGUE.kinds, CATALOGUE.bands, CATALOGUE.indicators):
        assert [one.id for one in table.values() if not one.zh.strip() or not one.en.strip()] == []


def test_chinese_is_chinese() -> None:
    for key, (zh, _) in CATALOGUE.words.items():
        assert key in ("north", "language_switch") or re.search(r"[\u4e00-\u9fff]", zh), key
    for one in (*CATALOGUE.kinds.values(), *CATALOGUE.bands.values(), *CATALOGUE.indicators.values()):
        assert re.search(r"[\u4e00-\u9fff]", one.zh), one.id


def _fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("check", sorted(CATALOGUE.quality))
def test_every_doubt_can_be_worded(check: str) -> None:
    wording = CATALOGUE.quality[check]
    assert set(wording) == {"severity", "zh", "en", "todo"}
    assert wording["severity"] in ("error", "warning", "info")
    assert all(text.strip() for text in wording.values())
    assert _fields(wording["zh"]) == _fields(wording["en"])
    assert not _fields(wording["todo"])
    assert " / " in wording["todo"], "what to do is said in both languages"
    quality = Quality()
    quality.add(check, **dict.fromkeys(_fields(wording["zh"]), ("甲", "one")))  # type: ignore[arg-type]
    row = quality.frame().iloc[0]
    assert tuple(quality.frame().columns) == COLUMNS
    assert "{" not in row["what_zh"] + row["what_en"]
    assert "甲" not in row["what_en"]


def test_doubts_come_gravest_first_and_once() -> None:
    first, second = Quality(), Quality()
    for quality, order in ((first, (0, 1, 2, 3)), (second, (3, 2, 1, 0))):
        calls = [("date_unknown", {}), ("no_homes", {}), ("level_unknown", {"n": 2}), ("date_unknown", {})]
        for index in order:
            quality.add(calls[index][0], source="a", **calls[index][1])
    assert first.frame()["check"].tolist() == ["no_homes", "date_unknown", "level_unknown"]
    assert first.frame().equals(second.frame())


# ---- what tags become

THINGS: list[tuple[dict[str, str], list[tuple[str, str]], str]] = [
    # schools: by ISCED level, by grades, by name; else of unknown level
    ({"amenity": "school", "isced:level": "1"}, [("primary_school", "operating")], ""),
    ({"amenity": "school", "isced:level": "2"}, [("junior_school", "operating")], ""),
    ({"amenity": "school", "isced:level": "3"}, [("senior_school", "operating")], ""),
    ({"amenity": "school", "isced:level": "1;2"}, [("primary_school", "operating"), ("junior_school", "operating")], ""),
    ({"amenity": "school", "isced:level": "3, 2"}, [("junior_school", "operating"), ("senior_school", "operating")], ""),
    ({"amenity": "school", "isced:level": "1", "name": "高级中学"}, [("senior_school", "operating")], ""),  # a Chinese name ends in what it is
    ({"amenity": "school", "grades": "1-6"}, [("primary_school", "operating")], ""),
    ({"amenity": "school", "grades": "7-9"}, [("junior_school", "operating")], ""),
    ({"amenity": "school", "grades": "1-9"}, [("primary_school", "operating"), ("junior_school", "operating")], ""),
    ({"amenity": "school", "grades": "7 - 12"}, [("junior_school", "operating"), ("senior_school", "operating")], ""),
    ({"amenity": "school", "name": "杨柳青第一小学"}, [("primary_school", "operating")], ""),
    ({"amenity": "school", "name": "师大附属小学"}, [("primary_school", "operating")], ""),
    ({"amenity": "school", "name": "中北镇九年一贯制学校"},
     [("primary_school", "operating"), ("junior_school", "operating")], ""),
    ({"amenity": "school", "name": "十二年一贯制学校"},
     [("primary_school", "operating"), ("junior_school", "operating"), ("senior_school", "operating")], ""),
    ({"amenity": "school", "name": "张家窝第一中学"}, [("school_unknown_level", "operating")], ""),
    ({"amenity": "school", "name": "初级中学"}, [("junior_school", "operating")], ""),
    ({"amenity": "school", "name": "高级中学"}, [("senior_school", "operating")], ""),
    ({"amenity": "school", "name": "西青区特殊教育学校"}, [("special_school", "operating")], ""),
    ({"amenity": "school", "name": "启智学校"}, [("special_school", "operating")], ""),
    ({"amenity": "school", "school": "special_education_needs"}, [("special_school", "operating")], ""),
    ({"amenity": "school"}, [("school_unknown_level", "operating")], ""),
    ({"amenity": "school", "name": "CEIP Las Canteras"}, [("primary_school", "operating")], ""),
    ({"amenity": "school", "name": "C.E.I.P. Galicia"}, [("primary_school", "operating")], ""),
    ({"amenity": "school", "name": "IES El Batán"}, [("junior_school", "operating"), ("senior_school", "operating")], ""),
    ({"amenity": "school", "name": "Colegio Heidelberg"}, [("school_unknown_level", "operating")], ""),
    ({"amenity": "school", "name": "Primarschule Vaduz"}, [("primary_school", "operating")], ""),
    ({"amenity": "school", "name": "Snellmanin ala-aste"}, [("primary_school", "operating")], ""),
    ({"amenity": "school", "name": "北方驾校"}, [], "school_unknown_level"),
    ({"amenity": "school", "name": "小学生培训学校"}, [], "school_unknown_level"),
    ({"amenity": "school", "name": "School", "name:zh": "实验小学"}, [("primary_school", "operating")], ""),
    # a name that says something else
    ({"amenity": "clinic"}, [("clinic", "operating")], ""),
    ({"amenity": "clinic", "name": "李七庄街社区卫生服务中心"}, [("clinic", "operating")], ""),
    ({"amenity": "clinic", "name": "美奥口腔门诊部"}, [], "clinic"),
    ({"amenity": "clinic", "name": "Clínica Dental Sur"}, [], "clinic"),
    ({"amenity": "clinic", "name": "瑞鹏宠物医院"}, [], "clinic"),
    ({"healthcare": "clinic", "name": "Clinica Veterinaria"}, [], "clinic"),
    ({"healthcare": "centre"}, [("clinic", "operating")], ""),
    ({"amenity": "clinic", "healthcare": "clinic"}, [("clinic", "operating")], ""),
    ({"leisure": "park", "name": "滨水公园"}, [("park", "operating")], ""),
    ({"leisure": "park", "name": "松江高尔夫公园"}, [], "park"),
    ({"leisure": "park", "name": "Golf Park"}, [], "park"),
    ({"leisure": "park", "name": "华苑科技园"}, [], "park"),
    ({"leisure": "golf_course", "name": "公园"}, [], ""),
    ({"amenity": "kindergarten", "name": "红黄蓝早教"}, [], "kindergarten"),
    ({"amenity": "hospital", "name": "爱尔口腔医院"}, [], "hospital"),
    # one site, several kinds; and names that say more than the tag
    ({"amenity": "clinic", "name": "大寺村卫生室"}, [("health_station", "operating")], ""),
    ({"amenity": "clinic", "name": "某社区卫生服务站"}, [("health_station", "operating")], ""),
    ({"amenity": "community_centre"}, [("community_service", "operating")], ""),
    ({"amenity": "community_centre", "name": "侯台社区儿童之家"},
     [("childrens_place", "operating"), ("community_service", "operating")], ""),
    ({"amenity": "community_centre", "name": "侯台社区家长学校"},
     [("community_service", "operating"), ("family_school", "operating")], ""),
    ({"amenity": "kindergarten", "leisure": "playground"}, [("kindergarten", "operating"), ("playground", "operating")], ""),
    ({"amenity": "bank", "name": "儿童之家"}, [], ""),
    ({"shop": "books", "name": "第一小学书店"}, [], ""),
    ({}, [], ""),
    # stages of life
    ({"construction:amenity": "school", "name": "新建小学"}, [("primary_school", "building")], ""),
    ({"planned:amenity": "kindergarten"}, [("kindergarten", "planned")], ""),
    ({"proposed:leisure": "park"}, [("park", "planned")], ""),
    ({"disused:amenity": "kindergarten"}, [("kindergarten", "closed")], ""),
    ({"abandoned:amenity": "hospital"}, [("hospital", "closed")], ""),
    ({"amenity": "library", "disused": "yes"}, [("library", "closed")], ""),
    ({"leisure": "playground", "abandoned": "yes"}, [("playground", "closed")], ""),
    ({"amenity": "library", "disused": "no"}, [("library", "operating")], ""),
    ({"amenity": "library", "disused:amenity": "kindergarten"}, [("library", "operating")], ""),
    ({"construction:amenity": "clinic", "name": "口腔门诊"}, [], "clinic"),
]  # fmt: skip


@pytest.mark.parametrize(("tags", "kinds", "denied"), THINGS, ids=lambda one: str(one))
def test_classify(tags: dict[str, str], kinds: list[tuple[str, str]], denied: str) -> None:
    found, name_denied = classify(tags, CATALOGUE)
    assert found == kinds
    if not kinds:
        assert name_denied == denied


@pytest.mark.parametrize("kind", sorted(one.id for one in CATALOGUE.kinds.values() if one.osm))
def test_every_kind_is_recognised_by_each_of_its_own_tags(kind: str) -> None:
    for rule in CATALOGUE.kinds[kind].osm:
        tags = dict(part.split("=", 1) for part in rule.split(" & "))
        assert kind in [one for one, _ in classify(tags, CATALOGUE)[0]]


@pytest.mark.parametrize("kind", sorted(one.id for one in CATALOGUE.kinds.values() if not one.osm))
def test_every_kind_without_a_tag_can_be_told_by_name(kind: str) -> None:
    """A kind that nothing can ever become would read as "nobody mapped it"."""
    carriers = ({"amenity": "school"}, {"amenity": "clinic"}, {"amenity": "community_centre"})
    found = {
        one
        for word in CATALOGUE.kinds[kind].synonyms
        for tags in carriers
        for one, _ in classify({**tags, "name": f"某某{word}"}, CATALOGUE)[0]
    }
    assert kind in found
