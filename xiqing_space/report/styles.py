"""QGIS styles of the GeoPackage's layers, as QML: rules with Chinese legends, and Chinese names of columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal
from xml.sax.saxutils import quoteattr

import pandas as pd

from xiqing_space.catalog import Catalogue
from xiqing_space.catalog.column_words import ColumnWords
from xiqing_space.report.joined import default_kinds
from xiqing_space.schemas.safety import RISKS

Shape = Literal["marker", "line", "fill"]
GREY, INK = "#9a9a9a", "#333333"
_SHARES = ("#f2dfc7", "#e9c08a", "#a9cbe6", "#5f9fd0", "#22629f")
_BOUNDS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
_SHAPES = ("circle", "square", "triangle", "diamond", "pentagon", "star", "cross_fill")
_HUES = ("#1b6ca8", "#c0392b", "#2e8b57", "#8e44ad", "#b8860b", "#0f8b8d", "#d2527f")
_MAIN = ("trunk", "primary", "secondary", "tertiary", "trunk_link", "primary_link", "secondary_link", "tertiary_link")
_PATHS = ("footway", "path", "steps", "cycleway", "pedestrian", "track", "bridleway", "corridor", "platform")


@dataclass(frozen=True)
class Symbol:
    """How a feature is drawn. `size`: of a marker or the width of a line, millimetres; `hatch`: lines instead of a fill.

    `scaled`: expression of QGIS that gives the size of each feature instead.
    """

    shape: Shape
    colour: str
    size: float = 2.0
    alpha: int = 255
    form: str = "circle"
    edge: str = "#ffffff"
    dash: bool = False
    hatch: bool = False
    scaled: str = ""


@dataclass(frozen=True)
class Rule:
    """One line of the legend: an expression of QGIS (empty: all), its label, and the symbol."""

    where: str
    label: str
    symbol: Symbol


@dataclass(frozen=True)
class Style:
    """A style of a layer: name, rules, and the column that labels features (empty: none)."""

    name: str
    rules: tuple[Rule, ...]
    label: str = ""


def _quote(text: str) -> str:
    """A text as QGIS' expressions write it."""
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def _rgba(colour: str, alpha: int = 255) -> str:
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"{red},{green},{blue},{alpha}"


def _options(values: Mapping[str, str]) -> str:
    """Properties of a symbol, as QGIS 3.26 and later write them and as earlier ones read them."""
    new = "".join(
        f'<Option name={quoteattr(key)} type="QString" value={quoteattr(value)}/>' for key, value in values.items()
    )
    old = "".join(f"<prop k={quoteattr(key)} v={quoteattr(value)}/>" for key, value in values.items())
    return f'<Option type="Map">{new}</Option>{old}'


def _layer(kind: str, values: Mapping[str, str], inner: str = "") -> str:
    return f'<layer class="{kind}" enabled="1" locked="0" pass="0">{_options(values)}{inner}</layer>'


def _symbol(symbol: Symbol, name: str) -> str:
    mm = {"width_unit": "MM", "outline_width_unit": "MM", "size_unit": "MM"}
    if symbol.shape == "marker":
        body = _layer("SimpleMarker", {
            "name": symbol.form, "color": _rgba(symbol.colour, symbol.alpha), "outline_color": _rgba(symbol.edge),
            "outline_width": "0.2", "outline_style": "solid", "size": f"{symbol.size:g}", "size_unit": mm["size_unit"],
            "outline_width_unit": "MM",
        }, _scaled("size", symbol.scaled))  # fmt: skip
    elif symbol.shape == "line":
        body = _line(symbol.colour, symbol.size, symbol.alpha, symbol.dash, symbol.scaled)
    elif symbol.hatch:
        lines = f'<symbol type="line" name="@{name}@0" alpha="1" clip_to_extent="1" force_rhr="0">{_line(symbol.colour, 0.3, 255, False)}</symbol>'
        body = _layer("LinePatternFill", {"angle": "45", "distance": "1.6", "distance_unit": "MM", "line_width": "0.3",
                                          "line_width_unit": "MM", "color": _rgba(symbol.colour)}, lines)  # fmt: skip
        body += _line(symbol.colour, 0.5, 255, False)
    else:
        body = _layer("SimpleFill", {
            "color": _rgba(symbol.colour, symbol.alpha), "style": "solid" if symbol.alpha else "no",
            "outline_color": _rgba(symbol.edge), "outline_width": f"{symbol.size:g}", "outline_width_unit": "MM",
            "outline_style": "dash" if symbol.dash else "solid",
        })  # fmt: skip
    return f'<symbol type="{symbol.shape}" name="{name}" alpha="1" clip_to_extent="1" force_rhr="0">{body}</symbol>'


def _line(colour: str, width: float, alpha: int, dash: bool, scaled: str = "") -> str:
    return _layer("SimpleLine", {
        "line_color": _rgba(colour, alpha), "line_width": f"{width:g}", "line_width_unit": "MM",
        "line_style": "dash" if dash else "solid", "capstyle": "round", "joinstyle": "round",
    }, _scaled("outlineWidth", scaled))  # fmt: skip


def _scaled(what: str, expression: str) -> str:
    """A size that QGIS works out for each feature; nothing where there is no expression."""
    if not expression:
        return ""
    of = (f'<Option name="active" type="bool" value="true"/><Option name="expression" type="QString" value={quoteattr(expression)}/>'
          '<Option name="type" type="int" value="3"/>')  # fmt: skip
    return (
        '<data_defined_properties><Option type="Map"><Option name="name" type="QString" value=""/>'
        f'<Option name="properties" type="Map"><Option name={quoteattr(what)} type="Map">{of}</Option></Option>'
        '<Option name="type" type="QString" value="collection"/></Option></data_defined_properties>'
    )


def to_qml(style: Style, aliases: Sequence[tuple[str, str]]) -> str:
    """A style as QML.

    Parameters
    ----------
    style : Style
    aliases : sequence of (column, Chinese name)
        In the order of the layer's columns.
    """
    rules = "".join(
        f'<rule key="{{rule-{number}}}" symbol="{number}" label={quoteattr(rule.label)}'
        + (f" filter={quoteattr(rule.where)}" if rule.where else "") + "/>"
        for number, rule in enumerate(style.rules)
    )  # fmt: skip
    symbols = "".join(_symbol(rule.symbol, str(number)) for number, rule in enumerate(style.rules))
    named = "".join(
        f'<alias field={quoteattr(column)} index="{number}" name={quoteattr(zh)}/>'
        for number, (column, zh) in enumerate(aliases)
    )
    labels = ""
    if style.label:
        text = ('<text-style fontFamily="Microsoft YaHei" fontSize="9" fontSizeUnit="Point" namedStyle="Regular" '
                f'textColor="{_rgba(INK)}" fieldName={quoteattr(style.label)} isExpression="0">'
                '<text-buffer bufferDraw="1" bufferSize="1" bufferSizeUnits="MM" bufferColor="255,255,255,255"/></text-style>')  # fmt: skip
        labels = f'<labeling type="simple"><settings calloutType="simple">{text}<placement placement="1"/></settings></labeling>'
    return (
        '<!DOCTYPE qgis PUBLIC "http://mrcc.com/qgis.dtd" "SYSTEM">\n'
        f'<qgis version="3.22.0" styleCategories="Symbology|Labeling|Fields" labelsEnabled="{int(bool(labels))}">'
        f'<renderer-v2 type="RuleRenderer" symbollevels="0" enableorderby="0" forceraster="0"><rules key="{{root}}">{rules}</rules>'
        f"<symbols>{symbols}</symbols></renderer-v2>{labels}<aliases>{named}</aliases></qgis>\n"
    )


def styles_of(layer: str, frame: pd.DataFrame, catalogue: Catalogue, words: ColumnWords) -> list[Style]:
    """The styles of a layer, the default one first; any layer has one."""
    if layer == "cells" and (found := list(_zones(frame, catalogue, ""))):
        return found
    if layer == "zones" and (found := list(_zones(frame, catalogue, "name"))):
        return found
    if layer == "demand" and (found := list(_homes(frame, catalogue))):
        return found
    if layer == "catchments" and len(frame):
        return list(_catchments(frame, catalogue))
    if layer == "facilities":
        return [Style("设施类别", tuple(_facilities(frame, catalogue)), "name")]
    if layer == "blind_spots":
        return list(_blind_spots(frame, catalogue))
    if layer in ("streets", "crossings") and "risk" in frame:
        scored = Style("步行风险等级（推导，非官方）", tuple(_risks(frame, catalogue, words)))
        return [Style(words.table(layer)[0], _PLAIN[layer]), scored] if layer in _PLAIN else [scored]
    if layer == "schools":
        return [Style("学校", (Rule("\"reason\" IS NULL", "学校", Symbol("marker", INK, 2.4)),
                              Rule("\"reason\" IS NOT NULL", "学校（没有推算路径）", Symbol("marker", GREY, 2.4))), "name")]  # fmt: skip
    if layer == "fixes":
        first = Rule('"rank" <= 20', "建议优先整治（前 20）", Symbol("marker", "#e8b400", 3.6, form="star"))
        return [
            Style(
                "建议优先整治",
                (first, Rule('"rank" > 20 OR "rank" IS NULL', "其他措施", Symbol("marker", GREY, 1.4))),
                "rank",
            )
        ]
    if layer in _PLAIN:
        return [Style(words.table(layer)[0], _PLAIN[layer])]
    return [Style(words.table(layer)[0], (Rule("", words.table(layer)[0], Symbol(_shape(frame), INK, 0.4)),))]


def _risks(frame: pd.DataFrame, catalogue: Catalogue, words: ColumnWords) -> Iterator[Rule]:
    """The four risk classes in the colours of the maps; where pupils pass the wider, or larger, the more of them."""
    shape = _shape(frame)
    least, most, plain = (0.7, 3.2, 0.35) if shape == "line" else (2.0, 4.6, 1.2)
    top = float(frame["children"].max()) if len(frame) else 0.0
    by_pupils = f'{least:g} + {most - least:g} * sqrt("children" / {top!r})' if top > 0 else ""
    for risk in RISKS:
        zh, colour = words.value("risk", risk, catalogue), catalogue.colours["risk"][risk]
        where = f'"risk" = {_quote(risk)} AND "children"'
        yield Rule(f"{where} > 0", f"{zh}（有学生经过，粗细随人数）", Symbol(shape, colour, least, scaled=by_pupils))
        yield Rule(f"{where} = 0", zh, Symbol(shape, colour, plain))


def _shape(frame: pd.DataFrame) -> Shape:
    kinds = set(frame.geometry.geom_type.dropna()) if "geometry" in frame else set()
    return (
        "fill"
        if kinds & {"Polygon", "MultiPolygon"}
        else "line"
        if kinds & {"LineString", "MultiLineString"}
        else "marker"
    )


def _zones(frame: pd.DataFrame, catalogue: Catalogue, label: str) -> Iterator[Style]:
    """One style per kind and measure; a zone without a share is grey, not at 0 %."""
    for measure, zh in (("walk", "步行"), ("radius", "半径")):
        for kind, _ in default_kinds(catalogue):
            column = f"share_{measure}_{kind}"
            if column not in frame or frame[column].isna().all():
                continue
            rules = [
                Rule(f'"{column}" {">=" if number == 0 else ">"} {low:g} AND "{column}" <= {high:g}', f"{low:.0%} – {high:.0%}",
                     Symbol("fill", colour, 0.3, 210, edge="#555555"))
                for number, (low, high, colour) in enumerate(zip(_BOUNDS, _BOUNDS[1:], _SHARES, strict=False))
            ]  # fmt: skip
            rules.append(Rule(f'"{column}" IS NULL', "数据不足", Symbol("fill", "#d8d8d8", 0.3, 160, edge="#555555")))
            yield Style(f"{catalogue.kinds[kind].zh}{zh}覆盖率", tuple(rules), label)


def _homes(frame: pd.DataFrame, catalogue: Catalogue) -> Iterator[Style]:
    """Covered or not by kind, as on the map; what is missing is unknown or farther than the search went."""
    home = catalogue.colours["homes"]
    for kind, standard_id in default_kinds(catalogue):
        standard = catalogue.standards[standard_id]
        bands = catalogue.target_bands(kind) or tuple(catalogue.bands.values())
        for profile in sorted({band.profile for band in bands}, reverse=True):
            column = f"{profile}_m_{kind}"
            if column not in frame:
                continue
            limits = {standard.limit_m(band) for band in bands if band.profile == profile}
            limit = min(limits)
            zh = catalogue.kinds[kind].zh + ("（推婴儿车）" if profile == "pram" else "")
            yield Style(f"{zh}可达"[:30], (
                Rule(f'"inside" AND "{column}" <= {limit:g}', f"可达（≤ {limit:g} m）", Symbol("marker", home["covered"], 1.4)),
                Rule(f'"inside" AND "{column}" > {limit:g}', f"超出（> {limit:g} m）", Symbol("marker", home["not_covered"], 1.4, form="square")),
                Rule(f'"inside" AND "{column}" IS NULL', "搜索范围内没有，或待核", Symbol("marker", home["unknown"], 1.4, edge=catalogue.colours["home_edges"]["unknown"], form="diamond")),
                Rule('NOT "inside"', "评估范围外", Symbol("marker", "#dddddd", 0.8, edge="#cccccc")),
            ))  # fmt: skip


def _facilities(frame: pd.DataFrame, catalogue: Catalogue) -> Iterator[Rule]:
    here = set(frame["kind"])
    shown = """"kind" = {kind} AND "status" = 'operating' AND "serves" = 'everyone'"""
    for number, kind in enumerate(kind for kind in catalogue.kinds if kind in here):
        form, colour = _SHAPES[number // len(_HUES) % len(_SHAPES)], _HUES[number % len(_HUES)]
        yield Rule(shown.format(kind=_quote(kind)), catalogue.kinds[kind].zh, Symbol("marker", colour, 2.6, form=form))
    yield Rule("""NOT ("status" = 'operating' AND "serves" = 'everyone')""", "不计入：在建、规划、已关闭，或仅供住户、员工",
               Symbol("marker", "#ffffff", 2.2, edge=INK))  # fmt: skip


def _catchments(frame: pd.DataFrame, catalogue: Catalogue) -> Iterator[Style]:
    """One style per kind and network, the farthest limit the palest."""
    blues = ("#1f5f9e", "#4f8fc4", "#8dbbe0", "#c4ddf0")
    order = {kind: number for number, kind in enumerate(catalogue.kinds)}
    pairs = sorted({(row.kind, row.profile) for row in frame[["kind", "profile"]].itertuples()},
                   key=lambda one: (order.get(one[0], len(order)), one[1] != "walk"))  # fmt: skip
    for kind, profile in pairs:
        limits = sorted(set(frame.loc[(frame["kind"] == kind) & (frame["profile"] == profile), "limit_m"]))
        zh = catalogue.kinds[kind].zh if kind in catalogue.kinds else kind
        rules = tuple(
            Rule(f'"kind" = {_quote(kind)} AND "profile" = {_quote(profile)} AND "limit_m" = {limit!r}', f"{limit:g} m 内",
                 Symbol("fill", blues[min(number, len(blues) - 1)], 0.2, 120, edge="#1f5f9e"))
            for number, limit in enumerate(limits)
        )  # fmt: skip
        yield Style(f"{zh}{'推婴儿车' if profile == 'pram' else '步行'}服务区"[:30], rules)


def _blind_spots(frame: pd.DataFrame, catalogue: Catalogue) -> Iterator[Style]:
    """One style per kind, for spots of all kinds at once cover each other; the complete circle first."""
    hatched = Symbol("fill", catalogue.colours["marks"]["spot"], hatch=True)
    here = set(frame["kind"])
    for kind in ("circle", *catalogue.kinds):
        if kind in here:
            zh = catalogue.kinds[kind].zh if kind in catalogue.kinds else "完整生活圈"
            yield Style(f"盲区：{zh}"[:30], (Rule(f'"kind" = {_quote(kind)}', f"{zh}盲区（不是选址建议）", hatched),))
    yield Style("盲区：全部类别", (Rule("", "盲区（不是选址建议）", hatched),))


def _among(column: str, values: Sequence[str]) -> str:
    return f'"{column}" IN ({", ".join(map(_quote, values))})'


_PLAIN: dict[str, tuple[Rule, ...]] = {
    "area": (Rule("", "评估范围", Symbol("fill", "#ffffff", 0.8, 0, edge=INK)),),
    "zones": (Rule("", "分区", Symbol("fill", "#ffffff", 0.4, 0, edge="#777777")),),
    "streets": (
        Rule('"walk" AND ' + _among("highway", _MAIN), "干路（可步行）", Symbol("line", "#6f6f6f", 0.6)),
        Rule('"walk" AND ' + _among("highway", _PATHS), "步行道、小径", Symbol("line", "#7d9b76", 0.3, dash=True)),
        Rule('"walk" AND NOT ' + _among("highway", (*_MAIN, *_PATHS)), "街巷（可步行）", Symbol("line", "#a8a8a8", 0.35)),
        Rule('NOT "walk"', "不可步行", Symbol("line", "#c0392b", 0.4, dash=True)),
    ),
    "gates": (
        Rule(_among("resolved_by", ("survey",)), "出入口：单位调查", Symbol("marker", "#1b6ca8", 1.8, form="square")),
        Rule(_among("resolved_by", ("mapped",)), "出入口：地图标注", Symbol("marker", "#2e8b57", 1.8, form="square")),
        Rule(_among("resolved_by", ("perimeter", "boundary", "point")), "出入口：推定", Symbol("marker", "#ffffff", 1.4, edge=GREY)),
    ),
    "sightlines": (
        Rule('"verdict" = \'too_short\'', "视线不足（实测或标注高度）", Symbol("line", "#c0392b", 0.7)),
        Rule('"verdict" = \'to_verify\'', "视线待核实（默认高度）", Symbol("line", "#b8860b", 0.5, dash=True)),
        Rule('"verdict" = \'enough\'', "视线足够", Symbol("line", "#9ecae1", 0.15)),
    ),
    "gate_openings": (
        Rule('"rank" <= 10', "先开这道门（前 10）", Symbol("marker", "#c0392b", 3.4, form="star")),
        Rule('"rank" > 10', "关闭的门", Symbol("marker", "#e6a29b", 2.0, form="star")),
    ),
    "barriers": (
        Rule('"barrier" = \'water\'', "水域", Symbol("line", "#6baed6", 0.6)),
        Rule('"barrier" = \'rail\'', "铁路", Symbol("line", INK, 0.5, dash=True)),
        Rule('"barrier" = \'motorway\'', "高速公路", Symbol("line", "#b8860b", 0.8)),
        Rule('"barrier" = \'wall\'', "围墙", Symbol("line", "#8d6e63", 0.3)),
    ),
    "barrier_crossings": (
        Rule('"verified"', "跨越处（已核实）", Symbol("marker", "#2e8b57", 2.0)),
        Rule('NOT "verified"', "跨越处（未核实，下限情形中视为不通）", Symbol("marker", "#c0392b", 2.4, form="triangle")),
    ),
    "compounds": (Rule("", "小区", Symbol("fill", "#f3ead8", 0.3, 120, edge="#8d6e63")),),
    "grounds": (Rule("", "设施用地", Symbol("fill", "#cfe6c9", 0.2, 200, edge="#7d9b76")),),
    "landuse": (
        Rule("\"class\" LIKE 'residential%'", "居住用地", Symbol("fill", "#fbe3a6", 0.1, 180, edge="#d8b960")),
        Rule("\"class\" = 'green'", "绿地", Symbol("fill", "#b9dcae", 0.1, 180, edge="#8fbf80")),
        Rule("\"class\" = 'water'", "水域湿地", Symbol("fill", "#b7d7ee", 0.1, 180, edge="#7fb2d6")),
        Rule("\"class\" NOT LIKE 'residential%' AND \"class\" NOT IN ('green', 'water')", "其他用地", Symbol("fill", "#e4e1dc", 0.1, 160, edge="#c9c5bd")),
    ),
    "mapped_crossings": (
        Rule('"control" = \'signals\'', "过街：信号灯", Symbol("marker", "#2e8b57", 1.6, form="square")),
        Rule('"control" = \'marked\'', "过街：人行横道", Symbol("marker", "#1b6ca8", 1.6, form="square")),
        Rule('"control" = \'grade_separated\'', "立体过街", Symbol("marker", "#8e44ad", 1.6, form="square")),
        Rule("\"control\" = 'none' OR \"control\" IS NULL", "过街：无控制或未标注", Symbol("marker", "#ffffff", 1.4, edge=GREY)),
    ),
    "nodes": (Rule("", "路网节点", Symbol("marker", "#bbbbbb", 0.6)),),
    "access_links": (
        Rule('"linked"', "接入点", Symbol("marker", "#9ecae1", 0.7)),
        Rule('NOT "linked"', "未能接入", Symbol("marker", "#c0392b", 1.2, form="diamond")),
    ),
    "land_cells": (Rule("", "居住用地网格", Symbol("marker", "#d8b960", 0.7)),),
    "mapped_points": (Rule("", "门、平交道口、涉水处", Symbol("marker", GREY, 1.0, form="square")),),
    "surveyed_gates": (
        Rule('"status" = \'closed\'', "调查出入口：关闭", Symbol("marker", "#c0392b", 1.8, form="square")),
        Rule('"status" <> \'closed\'', "调查出入口", Symbol("marker", "#1b6ca8", 1.8, form="square")),
    ),
}  # fmt: skip
