"""maps/index.html: what there is to open, the chief figures, where the data came from, and where to read on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from xiqing_space.catalog import Catalogue
from xiqing_space.maps.action02 import FILE, grave, page_facts
from xiqing_space.maps.offline import escape, own_file
from xiqing_space.sections import OutputConfig
from xiqing_space.store import Store


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


def _figures(store: Store, catalogue: Catalogue, language: str) -> str:
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


def draw_index(store: Store, catalogue: Catalogue, output: OutputConfig, folder: Path, doubts: pd.DataFrame) -> Path:
    """Write the page."""
    facts, language = page_facts(store, catalogue, output), output.language
    relative = bool((store.get("demand")["weight_kind"] == "relative").any())
    parts = [f"<h1>{_both((facts['area'], ''), 'zh')}</h1><h2>{_both(catalogue.word('index_title'), language)}</h2>"]
    if facts["synthetic"]:
        parts.append(f"<p class='sample'>{_both(catalogue.word('synthetic_note'), language)}</p>")
    parts.append(f"<p><a class='open' href='{FILE}'>{_both(facts['title'], language)}</a></p>")
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
    parts.append(f"<p>{_both(catalogue.word('where_tables'), language)}</p>")
    grave_ones = grave(doubts, catalogue)
    if grave_ones:
        listed = "".join(f"<li>{_both(pair, language)}</li>" for pair in grave_ones)
        parts.append(f"<h3>{_both(catalogue.word('doubts'), language)}</h3><ul>{listed}</ul>")
    parts.append(f"<p>{_both(catalogue.word('where_doubts'), language)}</p>")
    path = folder / "index.html"
    lang = "zh-CN" if language == "zh" else "en"
    path.write_text(
        f'<!DOCTYPE html>\n<html lang="{lang}"><head><meta charset="utf-8">'
        f"<title>{escape(facts['area'])}</title><style>{own_file('page.css')}</style></head>"
        f'<body class="index"><main>{"".join(parts)}</main></body></html>\n',
        encoding="utf-8",
        newline="\n",
    )
    return path
