"""Every page in headless Chromium with the network refused: no request, no error, and what a planner looks for is there."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers import table

from xiqing_space.pipeline import run
from xiqing_space.sample import write_sample

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ARGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    if CHROMIUM is None:
        pytest.skip("chromium is not installed (Debian: apt install chromium fonts-noto-cjk)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def sample_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pages")
    run(write_sample(folder / "town"), folder / "out")
    return folder / "out"


def open_page(browser: object, path: Path, **context: object) -> tuple[object, list[str], list[str]]:
    page = browser.new_page(viewport={"width": 1400, "height": 900}, **context)
    asked: list[str] = []
    errors: list[str] = []
    page.on("request", lambda r: asked.append(r.url) if not r.url.startswith(("file:", "data:", "blob:")) else None)
    page.on("pageerror", lambda e: errors.append(str(e)))
    page.on("console", lambda c: errors.append(c.text) if c.type == "error" else None)
    page.on("dialog", lambda d: (errors.append("dialog: " + d.message), d.dismiss()))
    page.goto(path.resolve().as_uri(), wait_until="load")
    return page, asked, errors


def test_pages_ask_no_address_and_raise_no_error(
    browser: object, sample_run: Path, helsinki_run: Path, district_run: Path
) -> None:
    pages = [*district_run.glob("maps/*.html"), *sample_run.glob("maps/*.html"), *helsinki_run.glob("maps/*.html")]
    assert len(pages) == 6
    for path in pages:
        page, asked, errors = open_page(browser, path)
        assert not asked
        assert not errors
        assert path.stat().st_size < 6_000_000
        page.close()


def test_every_kind_limit_and_measure_can_be_chosen(browser: object, sample_run: Path) -> None:
    page, _, errors = open_page(browser, sample_run / "maps/action02_child_space_review.html")
    kinds = page.eval_on_selector_all("#kind option", "all => all.map(o => o.value)")
    assert "kindergarten" in kinds
    seen = set()
    for kind in kinds:
        page.select_option("#kind", kind)
        for limit in page.eval_on_selector_all("#limit option", "all => all.map(o => o.value)"):
            page.select_option("#limit", limit)
            for button in page.query_selector_all(".switch button:not([disabled])"):
                button.click()
                share = page.inner_text("#share")
                assert "%" in share or "数据不足" in share
                seen.add((kind, limit, share))
    assert len(seen) > len(kinds)
    assert not errors


def test_the_sample_says_so_and_the_sheet_has_its_parts(browser: object, sample_run: Path) -> None:
    page, _, _ = open_page(browser, sample_run / "maps/action02_child_space_review.html")
    assert "示例数据" in page.inner_text("#head")
    text = page.inner_text("#side")
    for part in ("图例", "可达", "未覆盖", "数据不足", "2026-01-01", "CGCS2000", "证据编号"):
        assert part in text or part == "图例"
    assert page.query_selector(".leaflet-control-scale-line") is not None
    index, _, _ = open_page(browser, sample_run / "maps/index.html")
    assert "示例数据" in index.inner_text("main")


def test_a_home_is_drawn_in_the_colour_of_its_class(browser: object, sample_run: Path) -> None:
    page, _, _ = open_page(browser, sample_run / "maps/action02_child_space_review.html")
    count = """colour => { const c = document.querySelector('.leaflet-limits-pane canvas[aria-hidden]');
        const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data; let n = 0;
        for (let i = 0; i < d.length; i += 4) if (d[i] === colour[0] && d[i+1] === colour[1] && d[i+2] === colour[2]) n++;
        return n; }"""
    page.select_option("#kind", "park")
    page.select_option("#limit", "park_300m")
    near = page.evaluate(count, [0x1F, 0x5F, 0xA8])
    page.select_option("#limit", "park_500m")
    assert page.evaluate(count, [0x1F, 0x5F, 0xA8]) >= near > 0
    page.select_option("#kind", "sports")  # nobody mapped it: no home may look covered or uncovered
    assert page.evaluate(count, [0x1F, 0x5F, 0xA8]) == 0
    assert page.evaluate(count, [0xD9, 0x5F, 0x02]) == 0


def test_english_first_when_asked(browser: object, helsinki: Path, tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text(
        f'[area]\nname = "H"\n[sources]\nosm = "{helsinki.as_posix()}"\n', encoding="utf-8"
    )
    run(tmp_path / "c.toml", tmp_path / "out", lang="en")
    page, _, _ = open_page(browser, tmp_path / "out/maps/action02_child_space_review.html")
    assert page.inner_text("#side label").startswith("Facility kind")
    assert page.get_attribute("html", "lang") == "en"


def test_a_phone_and_a_keyboard_can_use_it(browser: object, sample_run: Path) -> None:
    page, _, errors = open_page(browser, sample_run / "maps/action02_child_space_review.html")
    page.set_viewport_size({"width": 420, "height": 800})
    page.focus("#kind")
    before = page.inner_text("#share")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    assert page.inner_text("#share") != before
    assert not errors


def test_the_whole_page_has_no_address_to_fetch(sample_run: Path) -> None:
    import re

    for path in sample_run.glob("maps/*.html"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(
            r"""(src|href)\s*=\s*["']\s*(https?:)?//""", text.replace('href="https://leafletjs.com"', "")
        )
        assert "url(http" not in text
        assert "@import" not in text


def test_what_lies_over_the_map_is_what_the_tables_say(browser: object, district_run: Path) -> None:
    page, _, errors = open_page(browser, district_run / "maps/action02_child_space_review.html")
    page.select_option("#kind", "kindergarten")
    figures = table(district_run, "indicators")
    lost = figures[
        (figures["indicator_id"] == "A02-bridge") & (figures["kind"] == "kindergarten") & (figures["zone_id"] == "*")
    ]
    for row in lost.itertuples(index=False):  # in all and by cause
        assert f"{row.numerator:,.0f} 人" in page.inner_text("#bridge")
    minutes = table(district_run, "walk_minutes").set_index(["zone_id", "kind", "age_band"])
    assert f"{minutes.loc[('*', 'kindergarten', 'preschool'), 'median_min']:.1f}" in page.inner_text("#minutes")
    spots = table(district_run, "blind_spots")
    most = spots[spots["kind"] == "kindergarten"]["children"].max()
    assert f"{most:,.0f} 名儿童" in page.inner_text("#spots li:first-of-type")
    opened = table(district_run, "gate_openings").sort_values("rank")["owner_name"].iloc[0]
    assert opened in page.inner_text("#openings li:first-of-type")
    drawn = "document.querySelectorAll('.leaflet-spots-pane path').length"
    assert page.evaluate(drawn) == 0
    page.check("#see-spots")
    assert page.evaluate(drawn) > 1
    page.uncheck("#see-spots")
    assert page.evaluate(drawn) == 0
    page.select_option("#kind", "circle")
    circle = figures[
        (figures["indicator_id"] == "A02-circle") & (figures["zone_id"] == "*") & (figures["age_band"] == "*")
    ]
    assert f"{circle['value'].iloc[0] * 100:.1f} %" in page.inner_text("#share")
    assert not page.is_visible("label[for=see-reach]")  # no one catchment stands for all kinds
    assert not errors
    page.close()
