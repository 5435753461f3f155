"""The data check-up in headless Chromium with the network refused, on screen, on a phone and on A4."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from helpers import call
from screen import browser, open_page

from xiqing_space.sample import write_sample

__all__ = ["browser"]
pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def town_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of the sample town under a hostile name, looked at twice: the second time compares."""
    folder = tmp_path_factory.mktemp("checkup")
    config = write_sample(folder)
    text = config.read_text("utf-8")
    config.write_text(re.sub(r'(?m)^name = ".*"$', 'name = "某区 <b>"', text), encoding="utf-8")
    for _ in range(2):
        assert call("check", "--config", config, "--out", folder / "out").code == 0
    return folder / "out/reports/data_checkup.html"


@pytest.fixture(scope="module")
def sample_page(district_checked: Path) -> Path:
    """Of the sample district, which has rows of every sort."""
    return district_checked / "reports/data_checkup.html"


def test_it_asks_no_address_and_shows_its_parts(browser: object, town_page: Path, sample_page: Path) -> None:
    for path in (town_page, sample_page):
        page, asked, errors = open_page(browser, path)
        assert not asked
        assert not errors
        text = page.inner_text("main")
        for words in (
            "示例数据",
            "数据源",
            "街道完整度",
            "请各单位核实",
            "与上次体检相比",
            "区教育局",
            "有缺口",
            "Gaps",
        ):
            assert words in text
        assert page.query_selector_all(".light")
        page.close()


def test_the_second_one_compares_and_a_hostile_name_is_text(
    browser: object, town_page: Path, sample_page: Path
) -> None:
    told = {}
    for path in (town_page, sample_page):
        page, _, _ = open_page(browser, path)
        told[path] = page.inner_text("body")
        page.close()
    assert "首次体检，没有可比的上次结果" in told[sample_page]
    assert "首次体检，没有可比的上次结果" not in told[town_page]
    assert "某区 <b>" in told[town_page]


@pytest.mark.parametrize("width", [1280, 420])
def test_nothing_runs_out_of_the_page(browser: object, sample_page: Path, width: int) -> None:
    page, _, _ = open_page(browser, sample_page)
    page.set_viewport_size({"width": width, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()


def test_it_prints_on_a4(browser: object, sample_page: Path) -> None:
    page, _, _ = open_page(browser, sample_page)
    printed = page.pdf(prefer_css_page_size=True)
    assert b"/MediaBox [0 0 595" in printed or b"/MediaBox [0 0 594" in printed
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 710, "height": 1000})  # A4 less its margins, at 96 dots an inch
    assert page.evaluate("document.documentElement.scrollWidth") <= 710
    assert page.is_visible("#stamp")
    page.close()
