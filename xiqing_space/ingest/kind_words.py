"""Kinds of facility out of a list's own words: its column of kinds, its column of school levels, and names."""

from __future__ import annotations

import re
from functools import cache

from xiqing_space.catalog import Catalogue, Kind
from xiqing_space.ingest.headers import load_names, word_key
from xiqing_space.ingest.names import load_words

_SCHOOLS = ("primary_school", "junior_school", "senior_school", "school_unknown_level")
_BRACKETS = re.compile(r"[(（\[【]([^()（）\[\]【】]*)[)）\]】]")
_PARTS = re.compile(r"[、,，/／;；+＋|\s]+|和|及|与|兼|含|附设|设")
# words that, at the end of a name, only say which part of a town or of an institution this is
_ENDS = re.compile(
    r"(?:分园|分校|分部|校区|园区|总园|总校|本部|新园|新校|[东西南北中]区|[一二三四五六七八九十\d]+[园部]|有限公司|公司)+$"
)


def _exact(catalogue: Catalogue) -> dict[str, tuple[str, ...]]:
    """Words that are a kind by themselves."""
    return _words(tuple(catalogue.kinds.values()))


@cache
def _words(kinds: tuple[Kind, ...]) -> dict[str, tuple[str, ...]]:
    words: dict[str, tuple[str, ...]] = {}
    for kind in kinds:
        for word in (kind.id, kind.zh, kind.en, *kind.synonyms):
            words.setdefault(word_key(word), (kind.id,))
    return words | dict(load_names().kinds)


def _in_order(found: set[str], catalogue: Catalogue) -> tuple[str, ...]:
    if found & {"primary_school", "junior_school", "senior_school", "special_school"}:
        found = found - {"school_unknown_level"}
    return tuple(kind for kind in catalogue.kinds if kind in found)


def kinds_of_words(text: str, catalogue: Catalogue) -> tuple[str, ...]:
    """Kinds that the cell of a column of kinds or levels states, in catalogue order; empty where it states none.

    小学、初中 is two kinds, 九年一贯制 too, 幼儿园（含托班） is kindergarten and childcare; 公办幼儿园 is read by its end, as a name is.
    """
    exact = _exact(catalogue)
    if whole := exact.get(word_key(text)):
        return whole
    found: set[str] = set()
    if len(re.split("[;；]", text)) > 2:
        # a map service's path (医疗保健服务;综合医院;卫生院), or several of them: the end that tells is the kind
        for path in text.split("|"):
            steps = (kinds_of_words(one, catalogue) for one in reversed(re.split("[;；]", path)) if one.strip())
            found |= set(next((one for one in steps if one), ()))
        return _in_order(found, catalogue)
    pieces = [piece for part in (_BRACKETS.sub(" ", text), *_BRACKETS.findall(text)) for piece in _PARTS.split(part)]
    for piece in pieces:
        if key := word_key(piece):
            found |= set(exact.get(key, ())) or set(_by_end(key, exact))
    return _in_order(found, catalogue)


def _by_end(key: str, exact: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    """The word that ends last in a text, the longest of those: a Chinese name ends in what the thing is."""
    best: tuple[int, int, tuple[str, ...]] = (0, 0, ())
    for word, kinds in exact.items():
        if len(word) > 1 and not word.isascii() and (place := key.rfind(word)) >= 0:
            best = max(best, (place + len(word), len(word), kinds))
    return best[2]


def kinds_of_name(name: str, catalogue: Catalogue) -> tuple[tuple[str, ...], str]:
    """Kinds that a name tells, and the kind that it only seems to tell (驾校, 牙科 …), else empty.

    第一小学附属幼儿园 is a kindergarten, for a Chinese name ends in what the thing is; words in brackets add kinds
    (幼儿园（含托班）). A school's level is told by the catalogue's patterns. A planner may not take this for the bureau's own
    classification: a name is what somebody wrote.
    """
    exact = _exact(catalogue)
    core = _BRACKETS.sub("", name)
    key = word_key(_ENDS.sub("", core.strip()))
    found = set(exact.get(key, ())) or set(_by_end(key, exact))
    denied = sorted(kind for kind in found if catalogue.kinds[kind].excludes(name))
    found -= set(denied)
    if found & {*_SCHOOLS}:
        for rule in catalogue.school_level["name"]:
            if re.search(rule["pattern"], name):
                found = (found - {"school_unknown_level"}) | set(rule["kinds"])
                break
    for inside in _BRACKETS.findall(name) if found else []:
        for piece in _PARTS.split(inside):
            found |= set(exact.get(word_key(piece), ()))
    return _in_order(found, catalogue), denied[0] if denied and not found else ""


def _seeming(name: str, kind_text: str | None, catalogue: Catalogue) -> str:
    """The kind that a row looks like by a vague word (口腔诊所) and that its name denies, else empty."""
    for kind, words in load_words().zh["seems"].items():
        if any(word in name or word in (kind_text or "") for word in words) and catalogue.kinds[kind].excludes(name):
            return str(kind)
    return ""


def kinds_of_row(
    given: str | None, kind_text: str | None, level_text: str | None, name: str, catalogue: Catalogue
) -> tuple[tuple[str, ...], str]:
    """Kinds of one row: of the whole file, else of its column of kinds, else of its name; a column of levels says more.

    Returns
    -------
    tuple of str
        Kinds in catalogue order; empty where nothing tells.
    str
        The kind that the name denies, else empty.
    """
    by_name, denied = kinds_of_name(name, catalogue)
    stated = set(kinds_of_words(kind_text, catalogue)) if kind_text and given is None else set()
    if given is not None:
        kinds, denied = {given}, given if catalogue.kinds[given].excludes(name) else ""
    elif stated:
        # exports of map services call every dentist a clinic: there the name decides, in an office's own list the office
        wrong = {kind for kind in stated if catalogue.kinds[kind].excludes(name)}
        kinds, denied = stated - wrong, min(wrong) if wrong == stated else ""
        if not kinds:
            return (), denied
    else:
        kinds = set(by_name)
        denied = denied or ("" if kinds else _seeming(name, kind_text, catalogue))
    if kinds == {"school_unknown_level"} and set(by_name) & {*_SCHOOLS, "special_school"}:
        kinds = set(by_name) & {*_SCHOOLS, "special_school"}
    level = set(kinds_of_words(level_text, catalogue)) if level_text else set()
    if level - {"school_unknown_level"}:
        others = kinds if given else kinds - {*_SCHOOLS}
        kinds = level | (others - {"school_unknown_level"})
    return _in_order(kinds, catalogue), denied
