"""The worst link of a route in words, Chinese and English: 过 津淄公路，6 车道，无信号灯."""

from __future__ import annotations

from typing import Any

import pandas as pd

from xiqing_space.catalog import Catalogue
from xiqing_space.schemas.safety import SIDEWALKS

Words = tuple[str, str]


def crossing_words(crossings: pd.DataFrame, catalogue: Catalogue) -> dict[str, Words]:
    """What a child gets over at each crossing: road, lanes, how traffic is stopped; defaults are called so.

    Parameters
    ----------
    crossings : DataFrame
        Rows of the table that are wanted.
    """
    columns = ["crossing_id", "road_name", "road_ref", "road_highway", "lanes_crossed", "lanes_crossed_from", "control", "control_from",
               "island"]  # fmt: skip
    found: dict[str, Words] = {}
    for identity, name, ref, highway, lanes, lanes_from, control, control_from, island in crossings[columns].itertuples(
        index=False, name=None
    ):
        road = road_words(name, ref, highway, catalogue)
        parts = [_filled("told_cross", catalogue, road=road), _lanes(lanes, lanes_from, catalogue),
                 _defaulted(catalogue.word(f"told_control_{control}"), control_from, catalogue)]  # fmt: skip
        if island is True:
            parts.append(catalogue.word("island"))
        found[str(identity)] = _joined(parts)
    return found


def stretch_words(edges: pd.DataFrame, catalogue: Catalogue) -> dict[str, Words]:
    """What a child walks along on each edge: street, sidewalk, speed; defaults are called so.

    Parameters
    ----------
    edges : DataFrame
        `edge_id, name, ref, highway` and the attributes `speed_kmh, sidewalk_left, sidewalk_right` with their `_from`.
    """
    columns = ["edge_id", "name", "ref", "highway", "speed_kmh", "speed_kmh_from", "sidewalk_left", "sidewalk_left_from", "sidewalk_right",
               "sidewalk_right_from"]  # fmt: skip
    found: dict[str, Words] = {}
    for identity, name, ref, highway, speed, speed_from, left, left_from, right, right_from in edges[
        columns
    ].itertuples(index=False, name=None):
        parts = [_filled("told_along", catalogue, road=road_words(name, ref, highway, catalogue))]
        worse, rests_on = max(((left, left_from), (right, right_from)), key=lambda one: SIDEWALKS.index(one[0]))
        if worse in ("none", "informal_wide", "informal_narrow"):
            parts.append(_defaulted(catalogue.word("told_no_sidewalk"), rests_on, catalogue))
        parts.append(_defaulted((f"{speed:.0f} km/h", f"{speed:.0f} km/h"), speed_from, catalogue))
        found[str(identity)] = _joined(parts)
    return found


def road_words(name: Any, ref: Any, highway: str, catalogue: Catalogue) -> Words:
    """A road's name, else its number, else its class."""
    for told in (name, ref):
        if isinstance(told, str) and told.strip():
            return told.strip(), told.strip()
    kind = catalogue.words.get(f"highway_{highway}", (highway, highway))
    return _filled("told_unnamed", catalogue, road=(kind[0], kind[1].lower()))


def _lanes(lanes: Any, rests_on: str | None, catalogue: Catalogue) -> Words:
    if pd.isna(lanes):
        return "", ""
    one = int(lanes) == 1
    zh, en = catalogue.word("lanes_n")
    words = (zh.format(n=int(lanes)), catalogue.word("told_lane")[1] if one else en.format(n=int(lanes)))
    return _defaulted(words, rests_on, catalogue)


def _defaulted(words: Words, rests_on: str | None, catalogue: Catalogue) -> Words:
    """Words that say where they rest on a default."""
    if rests_on != "default":
        return words
    zh, en = catalogue.word("by_default")
    return f"{words[0]}（{zh}）", f"{words[1]} ({en})"


def _filled(key: str, catalogue: Catalogue, *, road: Words) -> Words:
    zh, en = catalogue.word(key)
    return zh.replace("{road}", road[0]), en.replace("{road}", road[1])


def _joined(parts: list[Words]) -> Words:
    return "，".join(zh for zh, _ in parts if zh), ", ".join(en for _, en in parts if en)
