"""Every page in headless Chromium with the network refused: no request, no error, both languages, a keyboard, a phone, a printer."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from colour_sight import linear, luminance
from helpers import Drawing
from screen import ACTION02, ACTION13, BOTH, browser, look_round, maps_of, open_page, read

from xiqing_space.pipeline import run

__all__ = ["browser"]
pytestmark = pytest.mark.browser
CHINESE = re.compile(r"[\u3400-\u9fff]")


def test_pages_ask_no_address_and_raise_no_error(
    browser: Any, town_run: Path, helsinki_run: Path, district_run: Path
) -> None:
    folders = (district_run, town_run, helsinki_run)
    pages = [path for folder in folders for path in (*folder.glob("maps/*.html"), *folder.glob("reports/review.html"))]
    assert len(pages) == 11
    for path in pages:
        page, asked, errors = open_page(browser, path)
        assert not asked
        assert not errors
        assert path.stat().st_size < 6_000_000
        page.close()


def test_the_whole_page_has_no_address_to_fetch(town_run: Path) -> None:
    for path in town_run.glob("maps/*.html"):
        text = path.read_text(encoding="utf-8").replace('href="https://leafletjs.com"', "")
        assert not re.search(r"""(src|href)\s*=\s*["']\s*(https?:)?//""", text)
        assert "url(http" not in text
        assert "@import" not in text


@pytest.fixture(scope="module")
def looked(browser: Any, district_run: Path) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """What both pages of the district say, in Chinese and then in English."""
    found = {}
    for name in BOTH:
        page, _, errors = open_page(browser, district_run / name)
        found[name, "zh"] = look_round(page)
        page.click("#language")
        assert page.get_attribute("html", "lang") == "en"
        assert page.evaluate("document.activeElement.id") == "language"  # a keyboard stays where it was
        found[name, "en"] = look_round(page)
        for attribute in ("placeholder", "aria-label", "title"):
            words = page.eval_on_selector_all(
                f"[{attribute}]", f"all => all.map(one => one.getAttribute('{attribute}'))"
            )
            assert not [text for text in words if CHINESE.search(text)]
        page.click("#language")
        assert page.get_attribute("html", "lang") == "zh-CN"
        assert not errors
        page.close()
    return found


Looked = dict[tuple[str, str], list[dict[str, Any]]]


@pytest.mark.parametrize("name", BOTH)
def test_the_switch_of_language_leaves_no_word_behind(looked: Looked, name: str) -> None:
    shown = [one for one in looked[name, "zh"] if not (one["name"] or one["small"] or one["language"])]
    # a number, a sign or a unit has no language
    alone = [one["text"] for one in shown if re.search("[A-Za-z]{2}", one["text"]) and not CHINESE.search(one["text"])]
    units = {"km", "km/h", "km²", "ha", "min", "CGCS2000"}
    assert [text for text in alone if not set(re.findall(r"[A-Za-z²/]{2,}", text)) <= units and "ev-" not in text] == []
    shown = [one for one in looked[name, "en"] if not (one["name"] or one["language"])]
    # a school in a list of choices stands under its own name; doubts quote names of things and files
    left = [one["text"] for one in shown if CHINESE.search(one["text"]) and not one["option"] and one["id"] != "doubts"]
    assert left == []
    assert len(shown) > 100


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("name", BOTH)
def test_no_code_of_the_program_is_shown(looked: Looked, name: str, language: str) -> None:
    texts = [one["text"] for one in looked[name, language] if not one["name"] and one["id"] != "doubts"]
    bad = re.compile(r"\b[a-z]+_[a-z_]+\b|\{\w*\}|\bundefined\b|\bNaN\b|\bnull\b")
    assert [text for text in texts if bad.search(text)] == []


@pytest.mark.parametrize("name", BOTH)
def test_every_text_reads_on_what_it_stands_on(looked: Looked, name: str) -> None:
    def light(colour: str) -> float:
        return luminance(linear(np.array([float(part) for part in re.findall(r"[\d.]+", colour)[:3]]) / 255))

    pairs = {(one["colour"], one["ground"]) for one in looked[name, "zh"] if not one["disabled"]}
    assert len(pairs) > 4
    for text, ground in pairs:
        low, high = sorted((light(text), light(ground)))
        assert (high + 0.05) / (low + 0.05) >= 4.5, (text, ground)


@pytest.mark.parametrize("name", BOTH)
@pytest.mark.parametrize("width", [1400, 420])
def test_no_panel_runs_over_its_edge(browser: Any, district_run: Path, name: str, width: int) -> None:
    page, _, _ = open_page(browser, district_run / name, width=width, height=800)
    for _ in range(2):
        wide = page.eval_on_selector_all(
            ".panel", "all => all.filter(one => one.scrollWidth > one.clientWidth + 1).map(one => one.id)"
        )
        assert wide == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        head, side = (page.query_selector(part).bounding_box() for part in ("#head", "#side"))
        assert head["x"] + head["width"] <= side["x"] or head["y"] + head["height"] <= side["y"]
        page.click("#language")
    page.close()


@pytest.mark.parametrize("name", BOTH)
def test_a_keyboard_reaches_every_control_and_is_seen_there(browser: Any, district_run: Path, name: str) -> None:
    page, _, errors = open_page(browser, district_run / name)
    page.evaluate("document.body.focus()")
    wanted = page.evaluate(
        """() => [...document.querySelectorAll('select, button, input, summary, a[href]')].filter(one => one.offsetParent && !one.disabled)
            .map((one, n) => (one.dataset.n = n, n))"""
    )
    reached = set()
    for _ in range(len(wanted) + 60):  # marks on the map come between
        page.keyboard.press("Tab")
        at = page.evaluate(
            """() => { const one = document.activeElement, look = getComputedStyle(one);
                return [one.dataset.n === undefined ? null : Number(one.dataset.n), look.outlineStyle !== 'none' && parseFloat(look.outlineWidth) >= 2,
                        one.outerHTML.slice(0, 90)]; }"""
        )
        if at[0] is not None:
            assert at[1], f"nothing shows that the keyboard is at {at[2]}"
            reached.add(at[0])
    assert set(wanted) <= reached
    page.focus("#layers input")
    before = page.is_checked("#layers input")
    page.keyboard.press("Space")
    assert page.is_checked("#layers input") != before
    page.focus("#search")
    page.keyboard.type("第")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('#hits') !== null")
    page.focus("#search")
    page.keyboard.press("Escape")
    assert page.query_selector("#hits button") is None
    assert not errors
    page.close()


@pytest.mark.parametrize("name", BOTH)
def test_print_keeps_the_legend_and_leaves_out_the_controls(browser: Any, district_run: Path, name: str) -> None:
    page, _, _ = open_page(browser, district_run / name)
    assert not page.is_visible(".printed")
    page.emulate_media(media="print")
    for part in ("#legend", "#head h1", "#north", ".leaflet-control-scale", "#scale", ".printed"):
        assert page.is_visible(part), part
    for part in ("#search", "#language", "select", ".leaflet-control-zoom", "#layers", ".switch"):
        assert not page.is_visible(part), part
    printed = page.pdf(prefer_css_page_size=True)
    assert re.search(rb"/MediaBox \[0 0 119[01]", printed)  # A3 on its side
    assert len(re.findall(rb"/Type /Page\b", printed)) == 1
    page.close()


HOSTILE = (
    '<img src=x onerror="window.taken=1">',
    "</script><script>window.taken=1</script>",
    "{{ taken }}{name}",
    "${taken}`'\"\\",
)


def rename(hamlet: Drawing) -> Drawing:
    """The hamlet with hostile names wherever somebody may give one; what a name says of its kind is kept."""
    drawn = Drawing(dict(hamlet.nodes), dict(hamlet.ways), dict(hamlet.relations), dict(hamlet.places))
    count = 0
    for things in (drawn.nodes, drawn.ways, drawn.relations):
        for key, thing in things.items():
            tags = thing[-1]
            if "name" in tags:
                things[key] = (*thing[:-1], {**tags, "name": HOSTILE[count % 4] + tags["name"]})
                count += 1
    assert count > 15
    return drawn


def test_hostile_names_are_text_on_every_page(browser: Any, hamlet: Drawing, tmp_path: Path) -> None:
    out = maps_of(tmp_path, rename(hamlet), area={"name": HOSTILE[0]})
    for name in (*BOTH, "maps/index.html"):
        page, asked, errors = open_page(browser, out / name)
        texts = " ".join(one["text"] for one in (look_round(page) if name in BOTH else read(page)))
        assert HOSTILE[0] in texts
        if name in BOTH:
            assert sum(one in texts for one in HOSTILE) >= 3
            page.fill("#search", "taken")
            assert "taken" in page.inner_text("#hits button")
        assert page.evaluate("window.taken") is None
        assert page.query_selector("img[src=x]") is None
        assert not asked
        assert not errors
        page.close()


def test_a_run_with_next_to_nothing_still_gives_every_page(browser: Any, tmp_path: Path) -> None:
    lonely = Drawing()
    lonely.street([(0.0, 0.0), (300.0, 0.0)])
    out = maps_of(tmp_path, lonely)
    for name in (*BOTH, "maps/index.html"):
        page, asked, errors = open_page(browser, out / name)
        page.wait_for_function("document.documentElement.dataset.ready || document.body.classList.contains('index')")
        if name in BOTH:
            look_round(page)
            page.click("#language")
        assert not re.search(r"\bNaN\b|\bundefined\b", page.inner_text("body"))
        assert not asked
        assert not errors
        page.close()
    page, _, _ = open_page(browser, out / ACTION13)
    assert "没有可列出的项目" in page.inner_text("#fixes")
    page.close()
    page, _, _ = open_page(browser, out / ACTION02)
    assert "数据不足" in page.inner_text("#share")
    page.close()


def test_the_sheet_has_its_parts(browser: Any, town_run: Path, district_run: Path) -> None:
    for path in (town_run / ACTION02, district_run / ACTION13):
        page, _, _ = open_page(browser, path)
        assert "示例数据" in page.inner_text("#head")
        text = page.inner_text("#side")
        for part in (
            "现状",
            "评估",
            "CGCS2000",
            "数据日期",
            "证据编号" if path.name.startswith("action02") else "评分",
        ):
            assert part in text
        assert page.is_visible(".leaflet-control-scale-line")
        assert re.search(r"1:[\d,]+", page.inner_text("#scale"))
        page.close()
    index, _, _ = open_page(browser, district_run / "maps/index.html")
    assert "示例数据" in index.inner_text("main")
    hrefs = index.eval_on_selector_all("a", "all => all.map(one => one.getAttribute('href'))")
    assert {Path(ACTION02).name, Path(ACTION13).name} <= set(hrefs)
    for href in hrefs:
        assert (district_run / "maps" / href).is_file(), href
    index.close()


def test_english_first_when_asked(browser: Any, helsinki: Path, tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text(
        f'[area]\nname = "H"\n[sources]\nosm = "{helsinki.as_posix()}"\n', encoding="utf-8"
    )
    run(tmp_path / "c.toml", tmp_path / "out", only=["maps"], lang="en")
    page, _, _ = open_page(browser, tmp_path / "out" / ACTION02)
    assert page.inner_text("label[for=kind]").startswith("Facility kind")
    assert page.get_attribute("html", "lang") == "en"
    page.close()
