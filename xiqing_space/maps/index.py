"""maps/index.html: what there is to open, the chief figures, where the data came from, and where to read on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from xiqing_space.catalog import Catalogue
from xiqing_space.embed import iframe
from xiqing_space.maps import action13
from xiqing_space.maps.action02 import FILE, TITLE
from xiqing_space.maps.figure_list import list_figures
from xiqing_space.maps.offline import escape, own_file
from xiqing_space.maps.page import grave, page_facts
from xiqing_space.release import Reader
from xiqing_space.sections import OutputConfig


def _both(pair: tuple[str, str] | list[str], language: str) -> str:
    first, second = pair if language == "zh" else (pair[1], pair[0])
    return f"{escape(first)}<small>{escape(second)}</small>"


def _percent(value: float) -> str:
    return "—" if np.isnan(value) else f"{value * 100:.1f} %"


def _with_range(row: pd.Series, catalogue: Catalogue, language: str) -> str:
    """A share, and below it its range where there is one; where nobody knows how high it may be, the least it is."""
    low, high = row["value_low"], row["value_high"]
    if not np.isnan(row["value"]) and np.isnan(high):
        zh, en = (f"{word} {_percent(low)}" for word in catalogue.word("at_least"))
        return _percent(row["value"]) + f"<small>{escape(zh if language == 'zh' else en)}</small>"
    wide = not np.isnan(row["value"]) and (
        _percent(low) != _percent(row["value"]) or _percent(high) != _percent(row["value"])
    )
    return _percent(row["value"]) + (f"<small>{_percent(low)} – {_percent(high)}</small>" if wide else "")


def _count(row: pd.Series) -> str:
    """How many there are: one number, or low – high where some may be counted twice."""
    low, high = row["value_low"], row["value_high"]
    if np.isnan(row["value"]):
        return "—"
    return f"{int(row['value']):,}" if np.isnan(high) or low == high else f"{int(low):,} – {int(high):,}"


def _figures(store: Reader, catalogue: Catalogue, language: str) -> str:
    table = store.get("indicators")
    rows = table[(table["zone_id"] == "*") & (table["age_band"] == "*") & (table["indicator_id"] == "A02-coverage")]
    counts = table[(table["zone_id"] == "*") & (table["indicator_id"] == "A02-count")].set_index("kind")
    lines = []
    for kind in catalogue.measured_kinds:
        for standard in catalogue.standards_of(kind):
            mine = rows[(rows["kind"] == kind) & (rows["standard_id"] == standard.id)].set_index("measure")
            if mine.empty or standard.role != "default":
                continue
            lines.append(_line(mine, catalogue, kind, standard.value, standard.unit, counts, language))
    head = "".join(
        f"<th>{_both(catalogue.word(word), language)}</th>"
        for word in ("kind", "facility_operating", "limit", "measure_radius", "measure_walk", "verdict")
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table>"


def _line(
    mine: pd.DataFrame, catalogue: Catalogue, kind: str, limit: float, unit: str, counts: Any, language: str
) -> str:
    walk = mine.loc["walk"]
    radius = mine.loc["radius"] if "radius" in mine.index else None
    verdict = radius["verdict"] if radius is not None and isinstance(radius["verdict"], str) else ""
    word = {"unknown": "verdict_unknown"}.get(verdict, verdict) or "reference_only"
    if walk["reason"] == "no_facility_mapped":
        word = "no_data"
    label = catalogue.kinds[kind]
    cells = [
        _both((label.zh, label.en), language),
        _count(counts.loc[kind]),
        f"{limit:g} {'m' if unit == 'm' else 'min'}",
        "—" if radius is None else _with_range(radius, catalogue, language),
        _with_range(walk, catalogue, language),
        _both(catalogue.word(word), language) if word else "",
    ]
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _watermark(facts: dict[str, Any]) -> str:
    """Pale words across an internal page, with unit and date."""
    if not facts["stamp"][0]:
        return ""
    lines = [*facts["stamp"], "  ".join(one for one in (facts["organisation"], facts["date"]) if one)]
    return f"<div class='watermark' aria-hidden='true'>{''.join(f'<span>{escape(line)}</span>' for line in lines if line)}</div>"


def _sheets(store: Reader, catalogue: Catalogue, language: str) -> str:
    """Links to the sheets under figures/, by what they show."""
    found = list_figures(store, catalogue, Path("figures"))
    themes = {"reach": catalogue.word("title_action02"), "routes": catalogue.word("title_action13")}
    side = 0 if language == "zh" else 1
    lines = []
    for theme, title in themes.items():
        links = "".join(
            f"<li><a href='{one.png.as_posix()}'>{escape(one.title or catalogue.word('whole_area')[side])}</a> "
            f"<a href='{one.svg.as_posix()}'>SVG</a></li>"
            for one in found if one.theme == theme
        )  # fmt: skip
        lines.append(f"<h4>{_both(title, language)}</h4><ul class='sheets'>{links}</ul>" if links else "")
    note = f"<p>{_both(catalogue.word('sheets_note'), language)}</p>"
    return f"<h3>{_both(catalogue.word('sheets'), language)}</h3>{''.join(lines)}{note}"


def _embedding(titles: dict[str, list[str]], catalogue: Catalogue, language: str) -> str:
    """The lines with which the maps are put into a page of the office's own, as text to copy."""
    side = 0 if language == "zh" else 1
    lines = "\n".join(iframe(file, title[side]) for file, title in titles.items())
    return f"<h3>{_both(catalogue.word('embedding'), language)}</h3><pre class='copy'>{escape(lines)}</pre>"


def draw_index(store: Reader, catalogue: Catalogue, output: OutputConfig, folder: Path, doubts: pd.DataFrame) -> Path:
    """Write the page."""
    facts, language = page_facts(store, catalogue, output, TITLE), output.language
    relative = bool((store.get("demand")["weight_kind"] == "relative").any())
    parts = [f"<h1>{_both((facts['area'], ''), 'zh')}</h1><h2>{_both(catalogue.word('index_title'), language)}</h2>"]
    if facts["synthetic"]:
        parts.append(f"<p class='sample'>{_both(catalogue.word('synthetic_note'), language)}</p>")
    titles = {FILE: facts["title"], action13.FILE: page_facts(store, catalogue, output, action13.TITLE)["title"]}
    parts += [f"<p><a class='open' href='{file}'>{_both(title, language)}</a></p>" for file, title in titles.items()]
    parts.append(_figures(store, catalogue, language))
    if relative:
        parts.append(f"<p>{_both(catalogue.word('share_note_relative'), language)}</p>")
    parts.append(f"<p>{_both(catalogue.word('reach_note'), language)}</p>")
    date = (facts["date"], facts["date"]) if facts["date"] else catalogue.word("date_unknown")
    register = [
        ("source", (facts["source"], facts["source"])), ("data_date", date),
        ("licence", (facts["licence"], facts["licence"])), ("made_by", (facts["organisation"],) * 2),
    ]  # fmt: skip
    lines = [
        f"<dt>{_both(catalogue.word(word), language)}</dt><dd>{escape(value[0 if language == 'zh' else 1])}</dd>"
        for word, value in register if value[0]
    ]  # fmt: skip
    parts.append(f"<dl>{''.join(lines)}</dl>")
    if facts["floor"]:
        steps = [text.format(n=facts["floor"]) for text in catalogue.word("steps_note")]
        parts += [f"<p>{_both(catalogue.word('cell_note'), language)}</p>", f"<p>{_both(steps, language)}</p>"]
    parts.append(f"<p class='release'>{_both(facts['note'], language)}</p>")
    parts.append(f"<p>{_both(catalogue.word('where_tables'), language)}</p>")
    grave_ones = grave(doubts, catalogue)
    if grave_ones:
        listed = "".join(f"<li>{_both(pair, language)}</li>" for pair in grave_ones)
        parts.append(f"<h3>{_both(catalogue.word('doubts'), language)}</h3><ul>{listed}</ul>")
    parts.append(f"<p>{_both(catalogue.word('where_doubts'), language)}</p>")
    parts += [_sheets(store, catalogue, language), _embedding(titles, catalogue, language)]
    path = folder / "index.html"
    lang = "zh-CN" if language == "zh" else "en"
    path.write_text(
        f'<!DOCTYPE html>\n<html lang="{lang}"><head><meta charset="utf-8">'
        f"<title>{escape(facts['area'])}</title><style>{own_file('page.css')}</style></head>"
        f'<body class="index">{_watermark(facts)}<main>{"".join(parts)}</main></body></html>\n',
        encoding="utf-8",
        newline="\n",
    )
    return path
