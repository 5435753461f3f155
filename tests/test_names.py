"""Names taken apart, worked out by hand; what tells two places apart never matches."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xiqing_space.catalog import load_catalogue
from xiqing_space.ingest.addresses import compare_addresses, read_address
from xiqing_space.ingest.name_score import DENIED, DOUBTED, compare_names, edits, kinds_agree
from xiqing_space.ingest.names import load_words, normalise, plain_text, read_number

ZONES = ("清溪镇", "白杨镇", "石桥街道", "大寺镇")
AREAS = ("示例市", "示例区")


def key(name: str) -> tuple[str, tuple[int, ...], str, str, str, frozenset[str]]:
    parts = normalise(name, ZONES, AREAS)
    return (*parts.key, parts.zone, parts.kinds)


KINDERGARTEN = frozenset({"kindergarten"})
ONE = ("", (1,), "", "", "清溪镇", KINDERGARTEN)
SAME = {
    "第一": (
        [
            "清溪镇第一幼儿园", "清溪第一幼儿园", "清溪镇第1幼儿园", "清溪一幼", "清溪镇1幼", "示例市示例区清溪镇第一幼儿园",
            "示例区清溪镇第一幼稚园", "清溪镇第一幼兒園", "清溪镇第壹幼儿园", "清溪镇 第一幼儿园（公办）", "清溪镇第一幼儿园（总园）",
            "清溪镇一幼(本部)", "清溪镇第１幼儿园",
        ],
        ONE,
    ),
    "东校区": (
        ["清溪镇第一幼儿园（东校区）", "清溪一幼东校区", "清溪镇第1幼儿园-东院", "清溪镇第一幼儿园(东区)", "清溪一幼东园区"],
        ("", (1,), "东", "", "清溪镇", KINDERGARTEN),
    ),
    "分园": (["春芽幼儿园第二分园", "春芽幼儿园（二分园）", "春芽幼儿园2分园"], ("春芽", (), "#2", "", "", KINDERGARTEN)),
    "二园": (["春芽幼儿园二园", "春芽第二幼儿园", "春芽二幼", "春芽2幼"], ("春芽", (2,), "", "", "", KINDERGARTEN)),
    "村": (
        ["白杨镇前柳庄村幼儿园", "白杨镇前柳庄村委会幼儿园", "示例区白杨镇前柳庄村民委员会幼儿园", "白杨前柳庄村幼儿园（普惠性民办）"],
        ("前柳庄", (), "", "前柳庄", "白杨镇", KINDERGARTEN),
    ),
    "社区": (
        ["翠湖社区居委会幼儿园", "翠湖社区幼儿园", "翠湖居委会幼儿园"],
        ("翠湖", (), "", "翠湖", "", KINDERGARTEN),
    ),
    "四十七": (["四十七中学", "第四十七中学", "第47中学", "47中", "四十七中"], ("", (47,), "", "", "", frozenset({"middle"}))),
    "附属": (["春芽小学附小", "春芽小学附属小学"], ("春芽小学附属", (), "", "", "", frozenset({"primary_school"}))),
}  # fmt: skip


@pytest.mark.parametrize(("name", "parts"), [(n, parts) for names, parts in SAME.values() for n in names])
def test_ways_of_writing_one_name(name: str, parts: object) -> None:
    assert key(name) == parts


@pytest.mark.parametrize(
    ("one", "other", "part"),
    [
        ("清溪镇第一幼儿园", "清溪镇第二幼儿园", "number"),
        ("清溪一幼", "清溪十一幼", "number"),
        ("春芽幼儿园（东校区）", "春芽幼儿园（西校区）", "branch"),
        ("春芽幼儿园第一分园", "春芽幼儿园第二分园", "branch"),
        ("春芽幼儿园翠湖分园", "春芽幼儿园云杉分园", "branch"),
        ("前柳庄村幼儿园", "后柳庄村幼儿园", "village"),
        ("三里屯口村卫生室", "五里屯口村卫生室", "village"),
        ("清溪镇中心小学", "白杨镇中心小学", "town"),
        ("春芽小学", "春芽幼儿园", "kind"),
        ("春芽初级中学", "春芽高级中学", "kind"),
        ("翠湖社区卫生服务中心", "翠湖社区卫生服务站", "kind"),
        ("春芽南幼儿园", "春芽北幼儿园", "word"),
        ("华云东里幼儿园", "华云西里幼儿园", "word"),
        ("CEIP Alcalde II", "CEIP Alcalde III", "number"),
        ("Colegio Salvador Norte", "Colegio Salvador Sur", "word"),
    ],
)  # fmt: skip
def test_what_tells_places_apart_never_matches(one: str, other: str, part: str) -> None:
    found = compare_names(normalise(one, ZONES, AREAS), normalise(other, ZONES, AREAS))
    assert part in found.denied
    assert found.score <= DENIED


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("春芽幼儿园", "春芽第一幼儿园"),
        ("春芽幼儿园", "春芽幼儿园东校区"),
        ("春芽公园", "春芽公园南门"),
        ("春芽幼儿园", "大春芽幼儿园"),
    ],
)
def test_what_only_one_name_states_is_a_question(one: str, other: str) -> None:
    found = compare_names(normalise(one), normalise(other))
    assert found.doubted
    assert not found.denied
    assert found.score <= DOUBTED


def test_a_street_or_village_is_not_the_town_whose_short_name_it_begins_with() -> None:
    assert key("清溪道小学")[0] == "清溪道"
    assert key("大寺镇大寺村幼儿园")[:5] == ("大寺", (), "", "大寺", "大寺镇")
    assert key("大寺村幼儿园")[:5] == ("大寺", (), "", "大寺", "")


def test_former_names_are_left_out() -> None:
    assert key("春芽小学（原第三小学）") == key("春芽小学")


def test_latin_names() -> None:
    one, other = normalise("C.E.I.P. Ntra. Sra. del Pilar"), normalise("CEIP NUESTRA SEÑORA DEL PILAR")
    assert one == other
    assert one.tokens == ("nuestra", "senora", "pilar")
    assert one.kinds == {"primary_school"}
    assert normalise("Las Palmas, Colegio Arenas", (), ("Las Palmas",)) == normalise("Colegio Arenas")
    assert compare_names(normalise("Escuela Infantil"), normalise("Escuela Infantil")).score == 0.0  # names no place


@pytest.mark.parametrize(
    ("text", "value"),
    [("12", 12), ("十", 10), ("十二", 12), ("四十七", 47), ("一百零一", 101), ("一二", 12), ("两", 2)],
)
def test_numbers(text: str, value: int) -> None:
    assert read_number(text) == value


def test_hostile_and_missing_text_is_bounded() -> None:
    assert normalise(None).empty
    assert normalise(float("nan")).empty
    assert normalise("幼儿园").empty
    assert len(plain_text("园" * 10_000)) <= 120
    assert normalise("=cmd|' /C calc'!A0幼儿园").kinds == KINDERGARTEN


@pytest.mark.parametrize(
    ("one", "other", "score"),
    [
        ("示例市示例区清溪镇育新路12号", "育新路12号", 1.0),
        ("清溪镇育新路12号", "育新路十二号", 1.0),
        ("育新路12号", "育新路与明德道交口", 0.7),
        ("育新路12号", "育新路14号", 0.4),
        ("Calle Mayor 12", "C/ Mayor, 12", 1.0),
    ],
)  # fmt: skip
def test_addresses(one: str, other: str, score: float) -> None:
    assert compare_addresses(read_address(one, ZONES, AREAS), read_address(other, ZONES, AREAS)) == pytest.approx(score)


def test_an_unknown_address_says_nothing() -> None:
    found = compare_addresses(read_address(None), read_address("育新路12号"))
    assert found != found


def test_kinds_that_can_be_one() -> None:
    assert kinds_agree("", "park")
    assert kinds_agree("junior_school", "middle")
    assert kinds_agree("school_unknown_level", "primary_school")
    assert not kinds_agree("primary_school", "junior_school")
    assert not kinds_agree("clinic", "health_station")


def test_words_of_kinds_are_kinds() -> None:
    words, kinds = load_words(), set(load_catalogue().kinds)
    known = kinds | {"middle", "secondary", "school", ""}
    assert set(words.kind_of.values()) <= known
    assert set(words.latin_kind_of.values()) <= known
    assert {one for others in words.compatible.values() for one in others} | set(words.compatible) <= known
    assert all(one in words.zh["kinds"] for one in words.zh["short_kinds"])


PIECES = st.lists(
    st.sampled_from(["清溪镇", "示例区", "第一", "第2", "春芽", "东", "村", "社区", "幼儿园", "小学", "分园", "（", "）", "三", "Casa", " del ", "1"]),
    max_size=7,
).map("".join)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(PIECES, PIECES)
def test_comparison_is_symmetric_and_bounded(one: str, other: str) -> None:
    a, b = normalise(one, ZONES, AREAS), normalise(other, ZONES, AREAS)
    there, back = compare_names(a, b), compare_names(b, a)
    assert there.score == pytest.approx(back.score)
    assert (set(there.denied), set(there.doubted)) == (set(back.denied), set(back.doubted))
    assert 0.0 <= there.score <= 1.0
    itself = compare_names(a, a)
    assert itself.clear
    assert itself.score == (0.0 if a.empty else 1.0 if a.core or a.numbers or a.zone else 0.5)


def plain_edits(one: str, other: str) -> int:
    """The definition, without a table."""
    if not one or not other:
        return len(one) + len(other)
    best = min(
        plain_edits(one[:-1], other) + 1,
        plain_edits(one, other[:-1]) + 1,
        plain_edits(one[:-1], other[:-1]) + (one[-1] != other[-1]),
    )
    if len(one) > 1 and len(other) > 1 and one[-1] == other[-2] and one[-2] == other[-1]:
        best = min(best, plain_edits(one[:-2], other[:-2]) + 1)
    return best


@settings(max_examples=60, deadline=None)
@given(st.text("abc", max_size=5), st.text("abc", max_size=5))
def test_edits_are_those_of_the_definition(one: str, other: str) -> None:
    assert edits(one, other) == plain_edits(one, other)


def test_a_remark_on_the_data_is_no_campus() -> None:
    """（示例） says of what kind the data are; （示例分园） and （东区） say which campus."""
    assert key("清溪镇第一幼儿园（示例）") == key("清溪镇第一幼儿园")
    assert key("第二十九幼儿园（云杉分园）（示例）") == key("第二十九幼儿园（云杉分园）")
    assert compare_names(normalise("春芽幼儿园（示例）"), normalise("春芽幼儿园")).clear
    assert not compare_names(normalise("春芽幼儿园（东区）"), normalise("春芽幼儿园")).clear
    assert normalise("示例小学").core == "示例", "outside brackets it may be the name itself"
