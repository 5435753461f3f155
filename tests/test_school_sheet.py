"""What is numbered at a school, on the page and on its sheet; which schools have a sheet; numbers that lie over each other."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import shapely
from matplotlib.textpath import TextPath, text_to_path
from PIL import Image

from xiqing_space.maps.lettering import Lettering, Style, font, keeping, outline, width, wrapped
from xiqing_space.maps.picture import write_png
from xiqing_space.maps.sheet import HEIGHT_IN, Key, Sheet
from xiqing_space.safety.problems import first_schools, school_problems


def problems(*risks: str, most: int = 6) -> pd.DataFrame:
    ids = [f"c{number}" for number in range(len(risks))]
    crossings = pd.DataFrame({"crossing_id": ids, "risk": list(risks), "cross": [4.0, 10.0, 30.0][: len(risks)]})
    children = [50.0, 10.0, 9.0][: len(risks)]
    forest = pd.DataFrame({"school_id": "s", "next_crossing_id": ids, "children": children})
    # of the last one a part comes over another node
    forest = pd.concat([forest, forest.tail(1).assign(children=1.0), forest.tail(1).assign(children=0.0)])
    return school_problems(forest, crossings, most)


def test_problems_by_pupils_and_score() -> None:
    # 50 × 4 = 200 is of low risk and left out; 10 × 10 = 100, (9 + 1) × 30 = 300
    found = problems("low", "high", "very_high")
    assert found[["number", "crossing_id", "children"]].values.tolist() == [[1, "c2", 10.0], [2, "c1", 10.0]]
    assert problems("low", "high", "very_high", most=1)["crossing_id"].tolist() == ["c2"]


def test_a_school_whose_crossings_are_all_of_low_risk_has_none() -> None:
    assert problems("low", "low").empty


def test_row_order_changes_no_number() -> None:
    crossings = pd.DataFrame({"crossing_id": ["b", "a"], "risk": "high", "cross": 10.0})
    forest = pd.DataFrame({"school_id": ["s", "s"], "next_crossing_id": ["b", "a"], "children": 5.0})
    for one, other in ((forest, crossings), (forest[::-1], crossings[::-1])):
        assert school_problems(one, other, 6)["crossing_id"].tolist() == ["a", "b"]


def test_schools_by_pupils_without_an_acceptable_route() -> None:
    # left over: a 100 × 0.1 = 10, b 40 × 0.5 = 20, c outside, d unknown
    schools = pd.DataFrame({"school_id": list("abcd"), "kind": "primary_school", "inside": [True, True, False, True],
                            "children_routed": [100.0, 40.0, 500.0, 500.0], "share_acceptable": [0.9, 0.5, 0.0, np.nan]})  # fmt: skip
    assert first_schools(schools, 20)["school_id"].tolist() == ["b", "a"]
    assert first_schools(schools, 1)["school_id"].tolist() == ["b"]


def _placed(sheet: Sheet) -> list[tuple[str, float, float]]:
    return [one for words in sheet.words.values() for one in words.placed]


def test_numbers_at_one_place_are_set_side_by_side() -> None:
    sheet = Sheet((0.0, 0.0, 1000.0, 800.0))
    sheet.labels(np.array([[500.0, 400.0]] * 3), ["1", "2", "3"], 7, every=True)
    assert len({(x, y) for _, x, y in _placed(sheet)}) == 3
    crowded = Sheet((0.0, 0.0, 1000.0, 800.0))
    crowded.labels(np.array([[500.0, 400.0]] * 3), ["1", "2", "3"], 7)
    assert len(_placed(crowded)) == 1


def test_lines_of_the_legend_are_evenly_spaced_and_none_lies_over_another() -> None:
    sheet = Sheet((0.0, 0.0, 1000.0, 800.0))
    sheet.furniture("题", "", [("组", [Key("line", "#111111", "长" * 55), Key("line", "#111111", "短")])], [], "")
    rows = [y / (HEIGHT_IN * 72) for text, _, y in _placed(sheet) if text and set(text) <= {"长", "短"}]
    assert len(rows) == 4  # 20 + 20 + 15, and the next key
    assert np.diff(rows)[:2] == pytest.approx([-0.019, -0.019])
    assert rows[3] < rows[2] - 0.015


@pytest.mark.parametrize("text", ["北", "示例路，2 车道", "AV To", "a b"])
def test_a_line_is_what_the_library_makes_of_it(text: str) -> None:
    theirs = TextPath((0, 0), text, size=1, prop=font(1))
    assert outline(text).vertices == pytest.approx(theirs.vertices)
    assert outline(text).codes.tolist() == theirs.codes.tolist()
    face = text_to_path._get_font(font(1))
    assert keeping().get_glyphs_with_font(face, text)[0] == tuple(text_to_path.get_glyphs_with_font(face, text)[0])


def test_words_stand_where_they_are_put() -> None:
    # two characters of 10 points are 20 wide and, from 8.8 over the base to 1.2 below it, 10 high
    assert width("口口") == pytest.approx(2.0, abs=0.01)
    words = Lettering()
    for across, left in (("left", 100.0), ("center", 90.0), ("right", 80.0)):
        assert words.put(100, 50, "口口", Style(10), across) == pytest.approx((left, 45, 20, 10), abs=0.1)
    assert words.put(100, 50, "口口", Style(10), up="bottom")[:2] == pytest.approx((100, 50))
    # the second line is 14 lower, both together 24 high
    assert words.put(100, 50, "口口\n口", Style(10), "center", spacing=1.4) == pytest.approx((90, 38, 20, 24), abs=0.1)
    rows = words._rows[Style(10)]
    assert rows[0][1:] == pytest.approx((100, 46.2))
    assert rows[-2][1:] == pytest.approx((90, 62 - 8.8), abs=0.1)
    assert rows[-1][1:] == pytest.approx((95, 62 - 8.8 - 14), abs=0.1)


def test_words_without_letters_are_no_words(tmp_path: Path) -> None:
    sheet = Sheet((0.0, 0.0, 1000.0, 800.0))
    sheet.watermark([" "])
    sheet.labels(np.array([[500.0, 400.0]]), [""], 7)
    assert all(path.exists() for path in sheet.save(tmp_path / "a"))


def test_turned_words_turn_about_their_place() -> None:
    words = Lettering()
    words.put(100, 50, "口口", Style(10, turn=90), "center")
    ((_, x, y),) = words._rows[Style(10, turn=90)]
    assert (x, y) == pytest.approx((100 + 3.8, 50 - 10), abs=0.1)  # the base, 3.8 below the middle, is on the right now


def test_a_picture_is_read_as_it_was_drawn(tmp_path: Path) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (130, 70, 4), dtype=np.uint8)
    write_png(pixels, tmp_path / "a.png", 300)
    with Image.open(tmp_path / "a.png") as image:
        image.load()
        assert image.mode == "RGB"
        assert image.info["dpi"] == pytest.approx((300, 300), abs=0.01)
        assert np.array_equal(np.asarray(image), pixels[:, :, :3])


def _drawn(folder: Path) -> list[bytes]:
    sheet = Sheet((0.0, 0.0, 1000.0, 800.0))
    sheet.areas(np.array([shapely.box(-500, -500, 1500, 1500)]), "#000000")
    sheet.labels(np.array([[500.0, 400.0]]), ["名"], 20, "#ff0000")
    sheet.watermark(["内部使用"])
    sheet.furniture("题", "title", [("组", [Key("line", "#111111", "组题题")])], ["题"], "红")
    return [path.read_bytes() for path in sheet.save(folder / "a")]


def test_a_sheet_is_drawn_the_same_twice_and_shapes_no_line_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = _drawn(tmp_path)
    monkeypatch.setattr("matplotlib._text_helpers.layout", lambda *args, **more: pytest.fail("shaped again"))
    assert _drawn(tmp_path) == first
    svg = first[1].decode()
    names = re.findall(r'<path id="(NotoSansSC[^"]*)"', svg)
    assert len(names) == len(set(names)) > 10
    assert svg.count("<!-- 题 -->") == 2


@pytest.mark.parametrize("marks", [10, 3001])
def test_words_of_a_drawing_stay_in_place_after_marks_that_are_a_picture(tmp_path: Path, marks: int) -> None:
    sheet = Sheet((0.0, 0.0, 1000.0, 800.0))
    sheet.points(np.full((marks, 2), 400.0), "o", 2.0, "#0000ff")
    sheet.furniture("题", "title", [], [], "")
    svg = sheet.save(tmp_path / "a")[1].read_text(encoding="utf-8")
    assert ("<image" in svg) == (marks > 3000)
    x, y = re.search(r'<!-- 题 -->\s*<g transform="translate\(([\d.]+) ([\d.]+)\)', svg).groups()
    # 0.012 of 691.2 points; 1 - 0.968 of 475.2, and the base lies 0.38 of 12.5 under the middle
    assert (float(x), float(y)) == pytest.approx((8.29, 15.21 + 4.75), abs=0.01)


def test_a_label_has_a_white_rim_under_its_letters(tmp_path: Path) -> None:
    _drawn(tmp_path)
    with Image.open(tmp_path / "a.png") as image:
        # the middle of the map: 0.372 of the width and half of its height, over the black area
        x, y = round(2880 * 0.372), round(1980 * (1 - 0.5))
        pixels = np.asarray(image)[y - 60 : y + 60, x - 60 : x + 60].reshape(-1, 3)
    found = {tuple(one) for one in pixels.tolist()}
    assert {(0, 0, 0), (255, 255, 255), (255, 0, 0)} <= found


def test_lines_of_the_legend_keep_words_whole() -> None:
    assert wrapped("线越粗，学生越多（按全部）", 12) == ["线越粗，学生越多（按全部）"], (
        "what closes a phrase hangs over"
    )
    assert wrapped("过 Calle Díaz，2 车道", 8) == ["过 Calle Díaz，", "2 车道"]
    assert wrapped("", 8) == [""]
    assert "".join(wrapped("a" * 40, 8)) == "a" * 40, "a word that has no room is broken all the same"
    assert all(width(line) <= 8 for line in wrapped("a" * 40, 8))
