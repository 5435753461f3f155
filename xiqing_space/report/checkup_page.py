"""reports/data_checkup.html: the check-up as one page that asks no address for anything and prints on A4."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from importlib import resources
from pathlib import Path
from typing import Any

import pandas as pd

from xiqing_space.errors import printable
from xiqing_space.ingest.doubts import split_languages
from xiqing_space.report.checkup import LIGHTS, Checkup, group_doubts

FILE = "data_checkup.html"
MARKS = {"usable": "●", "gaps": "▲", "contradictions": "■"}
Pair = tuple[str, str]


def _safe(text: str) -> str:
    return escape(printable(text), quote=True)


class _Page:
    """Words in the page's order of languages."""

    def __init__(self, checkup: Checkup) -> None:
        self.checkup = checkup
        self.first = 0 if checkup.language == "zh" else 1

    def both(self, pair: Pair) -> str:
        """The first language, and the other below it."""
        first, second = pair[self.first], pair[1 - self.first]
        return _safe(first) + (f"<small>{_safe(second)}</small>" if second and second != first else "")

    def word(self, key: str) -> str:
        return self.both(self.checkup.catalogue.word(f"checkup_{key}"))

    def heading(self, key: str) -> str:
        zh, en = self.checkup.catalogue.word(f"checkup_{key}")
        return f"<h2>{self.both((zh, en.lstrip('123456 ') if self.first == 0 else en))}</h2>"

    def note(self, key: str) -> str:
        return f"<p class='note'>{self.word(key)}</p>"

    def table(self, heads: Sequence[tuple[str, str]], rows: Sequence[Sequence[str]]) -> str:
        """`heads` are (word, class); cells are HTML already."""
        top = "".join(f"<th class='{kind}'>{self.word(word)}</th>" for word, kind in heads)
        lines = [
            "<tr>" + "".join(f"<td class='{kind}'>{cell}</td>" for cell, (_, kind) in zip(row, heads, strict=True)) + "</tr>"
            for row in rows
        ]  # fmt: skip
        return f"<div class='wide'><table><thead><tr>{top}</tr></thead><tbody>{''.join(lines)}</tbody></table></div>"


def write_checkup_page(checkup: Checkup, path: Path) -> Path:
    """Write the page; every text from files is escaped."""
    page = _Page(checkup)
    sample = checkup.catalogue.word("synthetic_note")
    parts = [f"<h1>{_safe(checkup.area)} · {page.word('title')}</h1>"]
    if checkup.organisation:
        parts.append(
            f"<p class='note'>{page.both(checkup.catalogue.word('made_by'))} {_safe(checkup.organisation)}</p>"
        )
    if checkup.synthetic:
        parts.append(f"<p class='sample'>{page.both(sample)}</p><div id='stamp'>示例数据 / synthetic sample</div>")
    parts += [
        _tiles(page),
        _sources(page),
        _streets(page),
        _counts(page),
        _returns(page),
        _changes(page),
        _doubts(page),
    ]
    style = resources.files(__package__).joinpath("checkup.css").read_text(encoding="utf-8")
    title = f"{checkup.area} · {checkup.catalogue.word('checkup_title')[page.first]}"
    lang = "zh-CN" if page.first == 0 else "en"
    path.write_text(
        f'<!DOCTYPE html>\n<html lang="{lang}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><title>{_safe(title)}</title>'
        f"<style>{style}</style></head><body><main>{''.join(parts)}</main></body></html>\n",
        encoding="utf-8",
        newline="\n",
    )
    return path


def _tile(page: _Page, head: str, counts: Sequence[tuple[str, int, str]]) -> str:
    numbers = "".join(
        f"<i class='{kind if n else ''}'><strong>{n:,}</strong>{page.word(word)}</i>" for word, n, kind in counts
    )
    return f"<div class='tile'><b>{head}</b><p>{numbers}</p></div>"


def _tiles(page: _Page) -> str:
    """Three figures at a glance: sources, doubts, and what changed."""
    checkup = page.checkup
    lights = checkup.lights[checkup.lights["role"] != ""]["light"].value_counts()
    kinds = checkup.doubts["severity"].value_counts()
    tiles = [
        _tile(page, page.word("source"), [(f"light_{one}", int(lights.get(one, 0)), "") for one in LIGHTS]),
        _tile(page, page.word("doubts"),
              [(one, int(kinds.get(one, 0)), "") for one in ("error", "warning", "info")]),
    ]  # fmt: skip
    since = page.word("since")
    if checkup.changes is None:
        tiles.append(f"<div class='tile'><b>{since}</b><div class='note'>{page.word('first')}</div></div>")
    else:
        states = (("settled", "gone"), ("open", ""), ("new", "fresh"))
        tiles.append(_tile(page, since, [(state, checkup.tally(state), kind) for state, kind in states]))
    return f"<div class='tiles'>{''.join(tiles)}</div>"


def _sources(page: _Page) -> str:
    rows = []
    for one in page.checkup.lights.to_dict("records"):
        listed = bool(one["role"])
        name = _safe(one["source"]) if one["source"] else page.word("whole")
        light = f"<span class='light {one['light']}'>{MARKS[one['light']]} {page.word('light_' + one['light'])}</span>"
        missing = page.word("not_stated") if listed else ""
        top = "".join(f"<li>{page.both(pair)}</li>" for pair in zip(one["top_zh"], one["top_en"], strict=True))
        rows.append([
            f"{name}<small>{_safe(one['role'])}</small>", light, _rows(one["rows"]),
            _safe(one["date"] or "") or (page.word("no_date") if listed else ""),
            (_safe(one["licence"] or "") or missing) + f"<small>{_safe(one['datum'] or '')}</small>",
            f"<ul class='top'>{top}</ul>" if top else page.word("no_doubts"),
        ])  # fmt: skip
    heads = (("source", "name"), ("state", ""), ("rows", "n"), ("date", "d"), ("licence", ""), ("main_doubts", ""))
    return page.heading("sources") + page.table(heads, rows) + page.note("rule_lights")


def _rows(value: Any) -> str:
    if value is None or (not isinstance(value, str) and pd.isna(value)):
        return ""
    return _safe(value) if isinstance(value, str) else f"{int(value):,}"


def _number(value: float, digits: int = 1) -> str:
    return "—" if pd.isna(value) else f"{value:,.{digits}f}"


def _streets(page: _Page) -> str:
    table = page.checkup.completeness
    if table is None:
        return ""
    most = float(table["walk_km_per_builtup_km2"].max()) if len(table) else 0.0
    rows = []
    for one in table.to_dict("records"):
        density, state = one["walk_km_per_builtup_km2"], one["state"]
        share = 0 if pd.isna(density) or not most else round(100 * density / most)
        low = " class='low'" if state == "unfinished" else ""
        bar = "" if len(table) == 1 else f"<div class='bar'><i{low} style='width:{share}%'></i></div>"
        without = "—" if pd.isna(one["share_without"]) else f"{one['homes_without']} ({one['share_without']:.1%})"
        reading = page.word(f"state_{state}")
        rows.append([
            _safe(one["name"]), _number(one["street_km"]), _number(one["walk_km"]), _number(one["walk_km_per_km2"], 2),
            _number(density, 2) + bar, _number(one["walk_m_per_home"], 0), f"{one['homes']:,}", without,
            f"<span class='light unfinished'>{reading}</span>" if state == "unfinished" else reading,
        ])  # fmt: skip
    heads = (("zone", "name"), ("street_km", "n"), ("walk_km", "n"), ("walk_density", "n"), ("walk_builtup", "n"),
             ("per_home", "n"), ("homes", "n"), ("without", "n"), ("state", ""))  # fmt: skip
    return page.heading("streets") + page.table(heads, rows) + page.note("rule_streets")


def _counts(page: _Page) -> str:
    table = page.checkup.counts
    if table is None or table.empty:
        return page.heading("counts") + f"<p>{page.word('no_counts')}</p>"
    rows = [
        [_safe(str(one["kind"])), *(_rows(one[key]) for key in ("stated", "by_site", "by_legal_person")),
         "" if pd.isna(one["difference"]) else f"{int(one['difference']):+d}", page.both((one["zh"], one["en"]))]
        for one in table.to_dict("records")
    ]  # fmt: skip
    heads = (
        ("kind", "name"),
        ("stated", "n"),
        ("by_site", "n"),
        ("by_legal_person", "n"),
        ("difference", "n"),
        ("reading", ""),
    )
    waiting = page.checkup.waiting
    note = f"<p class='note'>{page.both(waiting)}</p>" if waiting else ""
    return page.heading("counts") + page.table(heads, rows) + note


def _returns(page: _Page) -> str:
    returns, rows = page.checkup.returns, []
    for one in page.checkup.rules.departments:
        mine = returns[returns["department"] == one.id]
        if mine.empty:
            continue
        first = mine.drop_duplicates("check").head(3)
        told = "".join(f"<li>{page.both((row.ask_zh, row.ask_en))}</li>" for row in first.itertuples(index=False))
        rows.append([page.both((one.zh, one.en)), f"{len(mine):,}", f"<ul class='top'>{told}</ul>"])
    if not rows:
        return page.heading("returns") + f"<p>{page.word('no_doubts')}</p>"
    heads = (("department", "name"), ("to_confirm", "n"), ("examples", ""))
    return page.heading("returns") + page.note("rule_returns") + page.table(heads, rows)


def _changes(page: _Page) -> str:
    changes = page.checkup.changes
    if changes is None:
        return page.heading("changes") + f"<p>{page.word('first')}</p>"
    rows = []
    for state, by, word in (
        ("settled", "survey", "settled_answered"),
        ("settled", "data", "settled_gone"),
        ("new", "", "new"),
    ):
        mine = changes[(changes["state"] == state) & (changes["by"] == by)]
        if len(mine):
            groups = group_doubts(mine, page.checkup.rules).head(8)
            rows.append([page.word(word), f"{len(mine):,}", _listed(page, groups)])
    still = page.checkup.tally("open")
    rows.append([page.word("open"), f"{still:,}", ""])
    return page.heading("changes") + page.table((("state", "name"), ("number", "n"), ("what", "")), rows)


def _listed(page: _Page, groups: pd.DataFrame) -> str:
    lines = []
    for one in groups.itertuples(index=False):
        more = _more(page, one.n)
        lines.append(f"<li>{page.both((one.what_zh, one.what_en))}{more}</li>")
    return f"<ul class='top'>{''.join(lines)}</ul>"


def _more(page: _Page, n: int) -> str:
    """How many more doubts of the kind there are."""
    zh, en = page.checkup.catalogue.word("checkup_more")
    return "" if n == 1 else f"<small>{_safe(f'{zh} / {en}'.format(n=f'{n - 1:,}'))}</small>"


def _doubts(page: _Page) -> str:
    groups = group_doubts(page.checkup.doubts, page.checkup.rules)
    if groups.empty:
        return page.heading("all") + f"<p>{page.word('no_doubts')}</p>"
    rows = []
    for one in groups.itertuples(index=False):
        more = _more(page, one.n)
        rows.append([
            page.word(one.severity), page.both((one.what_zh, one.what_en)) + more, f"{one.n:,}",
            page.both(split_languages(one.what_to_do)),
        ])  # fmt: skip
    heads = (("severity", "d"), ("what", ""), ("number", "n"), ("todo", ""))
    return page.heading("all") + page.table(heads, rows) + page.note("all_in_book")
