"""Labelled lists for the matcher: real OSM names changed as offices change them, and an invented Chinese district (示例)."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from xiqing_space.catalog import load_catalogue
from xiqing_space.ingest.facilities import classify, facility_pairs
from xiqing_space.ingest.osm import read_features

NEAR_M = 150.0


@dataclass
class LabelledList:
    """A list, the places it may be matched to, and which are right for each row (empty: the place is not among them)."""

    title: str
    rows: pd.DataFrame
    candidates: pd.DataFrame
    truth: dict[str, frozenset[str]]
    change: dict[str, str]
    base: dict[str, str]  # the true name, by whose hash the halves are made
    zones: tuple[str, ...] = ()
    areas: tuple[str, ...] = ()


@dataclass
class _Maker:
    rows: list[dict[str, Any]] = field(default_factory=list)
    truth: dict[str, frozenset[str]] = field(default_factory=dict)
    change: dict[str, str] = field(default_factory=dict)
    base: dict[str, str] = field(default_factory=dict)

    def add(self, identity: str, row: dict[str, Any], right: frozenset[str], change: str, base: str) -> None:
        self.rows.append({"row_id": identity, **row})
        self.truth[identity], self.change[identity], self.base[identity] = right, change, base


def stable(text: str, salt: str, n: int) -> int:
    """A number below n that is the same on every machine."""
    return int.from_bytes(hashlib.sha256(f"{salt}|{text}".encode()).digest()[:8], "big") % n


def held_out(name: str) -> bool:
    """Whether a name belongs to the half that nothing was tuned on."""
    return stable(name, "half", 2) == 1


# ---- real names


def _without_accents(name: str, _salt: str) -> str:
    return "".join(one for one in unicodedata.normalize("NFKD", name) if not unicodedata.combining(one))


def _upper(name: str, _salt: str) -> str:
    return name.upper()


_LONG = {"Santa": "Sta.", "Santo": "Sto.", "Nuestra Señora": "Ntra. Sra.", "Doctor": "Dr.", "Francisco": "Fco.", "Plaza": "Pza.",
         "Parque": "Pque.", "CEIP": "C.E.I.P.", "IES": "I.E.S.", "Sankt": "St.", "Profesor": "Prof."}  # fmt: skip


def _abbreviated(name: str, salt: str) -> str:
    for long, short in _LONG.items():
        if re.search(rf"\b{long}\b", name):
            return name.replace(long, short)
    return _upper(name, salt)


def _typo(name: str, salt: str) -> str:
    """Two neighbouring letters swapped inside the longest word."""
    word = max(name.split(), key=lambda one: (len(one), one))
    if len(word) < 6:
        return name
    at = 1 + stable(name, salt, len(word) - 3)
    return name.replace(word, word[:at] + word[at + 1] + word[at] + word[at + 2 :], 1)


def _shortened(name: str, _salt: str) -> str:
    words = name.split()
    if len(words) < 3:
        return name
    return " ".join(words[:-2] + words[-1:])


def _same(name: str, _salt: str) -> str:
    return name


_CHANGES: tuple[tuple[str, Callable[[str, str], str]], ...] = (
    ("unchanged", _same), ("accents lost", _without_accents), ("capitals", _upper), ("abbreviated", _abbreviated),
    ("typing slip", _typo), ("a word left out", _shortened), ("prefix", _same), ("campus added", _same),
    ("number added", _same), ("not among the places", _same),
)  # fmt: skip


@cache
def _places(path: Path) -> pd.DataFrame:
    """Named facilities of an extract, with the first kind of each."""
    catalogue = load_catalogue()
    features = read_features(path, facility_pairs(catalogue), ())
    import shapely

    found = [(f"osm:n{one}", tags, lon, lat) for one, lon, lat, tags in features.nodes]
    for identity, tags, wkb in features.areas:
        centre = shapely.from_wkb(wkb).centroid
        found.append((identity, tags, centre.x, centre.y))
    rows = []
    for identity, tags, lon, lat in found:
        kinds, _ = classify(tags, catalogue)
        name = tags.get("name", "")
        if kinds and name:
            address = f"{tags.get('addr:street', '')} {tags.get('addr:housenumber', '')}".strip() or None
            rows.append((identity, name, address, kinds[0][0], None, lon, lat, "osm"))
    frame = pd.DataFrame(rows, columns=["candidate_id", "name", "address", "kind", "zone", "lon", "lat", "source"])
    return frame.drop_duplicates("candidate_id").sort_values("candidate_id").reset_index(drop=True)


def _metres(frame: pd.DataFrame, lon: float, lat: float) -> Any:
    x = np.radians(frame["lon"].to_numpy() - lon) * np.cos(np.radians(lat))
    y = np.radians(frame["lat"].to_numpy() - lat)
    return 6_371_008.8 * np.hypot(x, y)


def build_real_list(path: Path, title: str, city: str, turn: int) -> LabelledList:
    """A list made from an extract's names; each turn changes every name in another way."""
    places = _places(path)
    made, gone = _Maker(), set[str]()
    for one in places.itertuples():
        at = (stable(one.name, "first", len(_CHANGES)) + turn) % len(_CHANGES)
        change, action = _CHANGES[at]
        twins = (places["name"] == one.name) & (_metres(places, one.lon, one.lat) <= NEAR_M)
        right = frozenset(places.loc[twins, "candidate_id"])
        if made.base.get(f"row:{min(right)}") is not None:
            continue  # drawn twice: one row of a list
        name = action(one.name, f"{title}{turn}")
        if change == "prefix":
            name = f"{city}, {name}"
        elif change == "campus added":
            name, right = f"{name} Campus Norte", frozenset[str]()
        elif change == "number added":
            name, right = f"{name} II", frozenset[str]()
        elif change == "not among the places":
            gone |= right
            right = frozenset()
        identity = f"row:{min(places.loc[twins, 'candidate_id'])}"
        kind = one.kind
        if kind == "school_unknown_level":
            kind = ("primary_school", "junior_school")[stable(one.name, "level", 2)]
        address = one.address if stable(one.name, "address", 2) else None
        made.add(identity, {"name": name, "address": address, "zone": None, "kind": kind}, right, change, one.name)
    left = places[~places["candidate_id"].isin(gone)].reset_index(drop=True)
    truth = {key: frozenset(right - gone) for key, right in made.truth.items()}
    return LabelledList(title, pd.DataFrame(made.rows), left, truth, made.change, made.base, (), (city,))


# ---- an invented district: 示例，所有名称均为虚构

TOWNS = ("清溪镇", "白杨镇", "石桥街道", "北湖镇", "柳林镇", "云台街道")
AREAS = ("示例市", "示例区")
_BRANDS = ("小海豚", "春芽", "向阳花", "星河湾", "童馨", "晨曦", "翠湖里", "云杉", "启明", "小蜜蜂")
# read much like a brand above, and are none of them: rows of these have no right place
_LOOKALIKES = ("小海豹", "春蕾芽", "向日葵花", "星河里", "童心", "晨星", "翠湖东里", "云松", "启航", "小蜜糖")
_VILLAGES = ("前柳庄", "后柳庄", "东杨台", "西杨台", "大梁庄", "小梁庄", "三里屯口", "五里屯口")
_NUMERALS = "零一二三四五六"


@dataclass(frozen=True)
class _Entity:
    town: str
    kind: str
    core: str = ""
    number: int = 0
    branch: str = ""
    village: bool = False

    @property
    def id(self) -> str:
        return f"{self.town}|{self.kind}|{self.core}|{self.number}|{self.branch}"


def _entities(town: str) -> list[_Entity]:
    found = [_Entity(town, "kindergarten", "", number) for number in range(1, 6)]
    found += [_Entity(town, "primary_school", "", number) for number in range(1, 4)]
    found += [_Entity(town, "middle", "", number) for number in (1, 2)]
    found += [_Entity(town, "kindergarten", "中心"), _Entity(town, "primary_school", "中心"), _Entity(town, "clinic")]
    for brand in _BRANDS:
        if stable(brand + town, "brand", 3):
            branches = [[""], ["", "东"], ["", "东", "西"], ["", "#分园"], ["", "#2"]][
                stable(brand + town, "campus", 5)
            ]
            found += [_Entity(town, "kindergarten", brand, 0, branch) for branch in branches]
            if stable(brand + town, "second", 4) == 0:
                found += [_Entity(town, "kindergarten", brand, number) for number in (1, 2)]
    for village in _VILLAGES:
        if stable(village + town, "village", 2):
            found += [_Entity(town, "kindergarten", village, village=True),
                      _Entity(town, "health_station", village, village=True)]  # fmt: skip
    return found


_KIND_WORDS = {"kindergarten": ("幼儿园", "幼"), "primary_school": ("小学", "小"), "middle": ("中学", "中"),
               "clinic": ("社区卫生服务中心", ""), "health_station": ("卫生室", "")}  # fmt: skip


def _written(one: _Entity, salt: str, zone_told: bool) -> str:
    """The name as one office or one map writes it."""

    def pick(what: str, options: tuple[str, ...]) -> str:
        return options[stable(one.id + what, salt, len(options))]

    word, short = _KIND_WORDS[one.kind]
    prefix = pick("prefix", ("".join(AREAS) + one.town, one.town, one.town[:2], one.town))
    if zone_told and one.core:
        prefix = pick("prefix", ("".join(AREAS) + one.town, one.town, "", ""))
    village = pick("village", ("村", "", "村委会", "村")) if one.village else ""
    if one.number:
        numeral = _NUMERALS[one.number]
        options = (f"第{numeral}{word}", f"第{one.number}{word}", f"{numeral}{short}", f"{one.number}{short}")
        name = one.core + pick("number", options)
    else:
        name = one.core + village + word
    operator = pick("operator", ("", "", "", "（公办）", "(普惠性民办)")) if one.kind == "kindergarten" else ""
    branch = ""
    if one.branch == "#分园":
        branch = pick("branch", ("分园", "（分园）"))
    elif one.branch == "#2":
        branch = pick("branch", ("第二分园", "（二分园）", "2分园"))
    elif one.branch:
        branch = pick(
            "branch", (f"（{one.branch}校区）", f"{one.branch}校区", f"-{one.branch}校区", f"({one.branch}区)")
        )
    else:
        branch = pick("main", ("", "", "", "(本部)"))
    text = f"{prefix}{name}{branch}{operator}"
    return text.replace("幼儿园", "幼兒園") if stable(one.id, salt + "old", 12) == 0 else text


def build_chinese_list(turn: int = 0) -> LabelledList:
    """An invented district (示例): a roster as an education bureau writes it against a map that lacks some of it."""
    made, places = _Maker(), []
    for number, town in enumerate(TOWNS):
        for brand in _LOOKALIKES:
            one = _Entity(town, "kindergarten", brand)
            row = {"name": _written(one, f"list{turn}", True), "address": None, "zone": town, "kind": "kindergarten"}
            if stable(one.id, f"lookalike{turn}", 2):
                made.add(f"row:{one.id}", row, frozenset(), "another name that reads alike", one.id)
        for at, one in enumerate(_entities(town)):
            lon, lat = 117.0 + 0.06 * number + 0.004 * (at % 9), 39.0 + 0.004 * (at // 9)
            present, listed = stable(one.id, f"map{turn}", 6) > 0, stable(one.id, f"list{turn}", 8) > 0
            kind = "junior_school" if one.kind == "middle" else one.kind
            zone_on_map = stable(one.id, f"zone on map{turn}", 5) > 0
            if present:
                name = _written(one, f"map{turn}", zone_on_map)
                places.append((one.id, name, None, kind, town if zone_on_map else None, lon, lat, "poi"))
            if listed:
                zone_told = stable(one.id, f"zone told{turn}", 10) < 7
                name, change = _written(one, f"list{turn}", zone_told), "as written by another office"
                if not present:
                    change = "not among the places"
                row = {"name": name, "address": None, "zone": town if zone_told else None, "kind": kind}
                made.add(f"row:{one.id}", row, frozenset({one.id} if present else ()), change, one.id)
    candidates = pd.DataFrame(
        places, columns=["candidate_id", "name", "address", "kind", "zone", "lon", "lat", "source"]
    )
    return LabelledList(
        "invented Chinese (示例)", pd.DataFrame(made.rows), candidates, made.truth, made.change, made.base, TOWNS, AREAS
    )
