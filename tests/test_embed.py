"""The line that puts a map into another page."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import pytest
from helpers import Result

from xiqing_space.embed import iframe, iframe_of


def attributes(line: str) -> dict[str, str | None]:
    found: list[tuple[str, dict[str, str | None]]] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            found.append((tag, dict(attrs)))

    Reader().feed(line)
    assert [tag for tag, _ in found] == ["iframe"]
    return found[0][1]


@pytest.mark.parametrize("title", ["某区评估图", 'A "quoted" <b>title</b> & more', "'); alert(1)//"])
def test_a_title_stays_a_title(title: str) -> None:
    said = attributes(iframe("map.html#kind=park&lang=en", title))
    assert said["src"] == "map.html#kind=park&lang=en"
    assert said["title"] == title
    assert "onload" not in said


def test_a_page_gives_its_own_title(tmp_path: Path) -> None:
    maps = tmp_path / "maps"
    maps.mkdir()
    (maps / "a.html").write_text("<html><head><title>甲 &lt;b&gt; &amp; 乙</title>", encoding="utf-8")
    (maps / "index.html").write_text("<title>x</title>", encoding="utf-8")
    line = iframe_of(maps / "a.html")
    assert line is not None
    assert attributes(line)["title"] == "甲 <b> & 乙"
    assert iframe_of(maps / "index.html") is None
    assert iframe_of(maps / "absent.html") is None
    (tmp_path / "review.html").write_text("<title>x</title>", encoding="utf-8")
    assert iframe_of(tmp_path / "review.html") is None


def test_a_run_prints_the_line_of_each_map(hamlet_run: tuple[Path, Path, Result]) -> None:
    _, out, said = hamlet_run
    lines = [line for line in said.out.splitlines() if line.startswith("嵌入 embed: ")]
    files = [attributes(line)["src"] for line in lines]
    assert files == ["action02_child_space_review.html", "action13_school_routes_review.html"]
    assert all((out / "maps" / str(file)).is_file() for file in files)
    index = (out / "maps/index.html").read_text("utf-8")
    assert index.count("&lt;iframe src=") == 2
