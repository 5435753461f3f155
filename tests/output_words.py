"""Every text that a reader meets in the outputs of a run, each with the place where it stands."""

from __future__ import annotations

import json
import re
import sqlite3
import zipfile
from collections.abc import Iterator
from contextlib import closing
from html import unescape
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from xiqing_space.catalog import load_catalogue
from xiqing_space.maps import draw_figures, sheet
from xiqing_space.release import tables
from xiqing_space.sections import OutputConfig
from xiqing_space.store import Store

_SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
Said = tuple[str, str]  # where, what


def from_html(path: Path) -> Iterator[Said]:
    """Text and titles of a page; of a map its words, doubts, labels and names too."""
    html = path.read_text("utf-8")
    found = re.search(r'id="payload">(.*?)</script>', html, re.DOTALL)
    if found:
        yield from ((path.name, text) for text in _inside(json.loads(found[1])))
    plain = re.sub(r"<(script|style)\b.*?</\1>", " ", html, flags=re.DOTALL)
    yield from ((path.name, unescape(text).strip()) for text in re.split(r"<[^>]*>", plain) if text.strip())


def _inside(value: Any) -> Iterator[str]:
    """Sentences of a map's data: strings that hold a Chinese character or a blank."""
    if isinstance(value, str):
        if re.search(r"[\u3400-\u9fff ]", value):
            yield value
    elif isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _inside(one)


_CELL = re.compile(rb'<c r="[A-Z]+(\d+)"[^>]* t="s"[^>]*><v>(\d+)</v>')


def from_workbook(path: Path) -> Iterator[tuple[str, int, str]]:
    """Sheet, row and text of the cells that hold text, each text of a sheet once below the headings."""
    with zipfile.ZipFile(path) as archive:
        book = ElementTree.fromstring(archive.read("xl/workbook.xml"))
        shared = [
            "".join(text.text or "" for text in one.iter(f"{_SHEET}t"))
            for one in ElementTree.fromstring(archive.read("xl/sharedStrings.xml"))
        ]
        for number, one in enumerate(book.iter(f"{_SHEET}sheet"), 1):
            seen = set()
            for row, text in _CELL.findall(archive.read(f"xl/worksheets/sheet{number}.xml")):
                if int(row) <= 6 or text not in seen:
                    seen.add(text)
                    yield one.get("name", ""), int(row), shared[int(text)]


def from_document(path: Path) -> Iterator[Said]:
    """Paragraphs of body, tables, head and foot."""
    with zipfile.ZipFile(path) as archive:
        for part in archive.namelist():
            if re.fullmatch(r"word/(document|header\d*|footer\d*)\.xml", part):
                for paragraph in ElementTree.fromstring(archive.read(part)).iter(f"{_WORD}p"):
                    text = "".join(one.text or "" for one in paragraph.iter(f"{_WORD}t"))
                    if text.strip():
                        yield path.name, text


def from_geopackage(path: Path) -> Iterator[Said]:
    """What QGIS shows: names of layers and styles, legends, Chinese names of columns."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as book:
        for identifier, about in book.execute("select identifier, description from gpkg_contents"):
            yield path.name, f"{identifier} {about or ''}"
        for name, qml in book.execute("select styleName, styleQML from layer_styles"):
            yield path.name, name
            yield from (
                (path.name, unescape(one)) for one in re.findall(r'<(?:rule|alias)[^>]* (?:label|name)="([^"]*)"', qml)
            )


def from_figures(run: Path, monkeypatch: Any) -> Iterator[Said]:
    """What the sheets under maps/figures/ are given to write; nothing is drawn."""
    said: list[Said] = []

    class Written(sheet.Sheet):
        """A sheet that only notes its words."""

        def labels(self, places: Any, texts: list[str], *rest: Any, **more: Any) -> None:
            said.extend(("label", text) for text in texts)

        def watermark(self, lines: list[str]) -> None:
            said.extend(("watermark", text) for text in lines)

        def furniture(self, title: str, subtitle: str, groups: Any, notes: list[str], stamp: str) -> None:
            said.extend((f"figure {title}", text) for text in (title, subtitle, *notes, stamp))
            said.extend(
                (f"figure {title}", text) for head, keys in groups for text in (head, *(key.text for key in keys))
            )

        def lines(self, *_: Any, **__: Any) -> None: ...
        def areas(self, *_: Any, **__: Any) -> None: ...
        def points(self, *_: Any, **__: Any) -> None: ...
        def save(self, stem: Path) -> tuple[Path, Path]:
            return stem, stem

    monkeypatch.setattr("xiqing_space.maps.figures.Sheet", Written)
    output = OutputConfig()
    shown = tables(Store(run / "data" / "processed"), load_catalogue(), output)
    draw_figures(shown, shown.catalogue, output, run.parent / "unwritten")
    yield from said
