"""Names of facilities taken apart: what the place is called, which one of several it is, and what is said round it."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

MAX_NAME = 120  # characters of a name that are read
_DIGITS = dict(zip("零一二三四五六七八九", range(10), strict=True)) | {"两": 2}
_NUMBER = "[零一二三四五六七八九十百两]+|[0-9]{1,6}"
_CJK = re.compile("[\u3400-\u9fff]")
_ROMAN = {"ii": 2, "iii": 3, "iv": 4, "vi": 6, "vii": 7, "viii": 8, "ix": 9, "xi": 11, "xii": 12, "xiii": 13}


@dataclass(frozen=True)
class NameParts:
    """A name in parts. Two names with different numbers, branches or villages are two places, however alike they read.

    Attributes
    ----------
    core : str
        What the place is called, bare of everything below; empty for 第一幼儿园.
    numbers : tuple of int
        第一, 一幼, No. 1, II, in the order of the name.
    branch : str
        Which campus (东, #2, a place name); empty for the main one.
    village : str
        Village or community that the name gives, without its suffix.
    kinds : frozenset of str
        What the name says the place is; empty where it says nothing.
    zone : str
        Town that the name begins with, as the list of towns writes it; empty where none.
    marks : tuple of str
        Characters or words inside the core that tell places apart (directions, numerals, sizes), sorted.
    tokens : tuple of str
        Words of the core; for a Chinese name its characters.
    chinese : bool
        Whether the name is written in Chinese.
    """

    core: str = ""
    numbers: tuple[int, ...] = ()
    branch: str = ""
    village: str = ""
    kinds: frozenset[str] = frozenset()
    zone: str = ""
    marks: tuple[str, ...] = ()
    tokens: tuple[str, ...] = ()
    chinese: bool = False

    @property
    def empty(self) -> bool:
        """Whether nothing is left that could name a place."""
        return not (self.core or self.numbers or self.zone or self.village or self.branch)

    @property
    def key(self) -> tuple[str, tuple[int, ...], str, str]:
        """What must be equal for two names to read the same; kind and town are compared apart."""
        return self.core, self.numbers, self.branch, self.village


@dataclass(frozen=True)
class NameWords:
    """The catalogue's words of names, made ready."""

    variants: dict[int, int]
    zh: dict[str, Any]
    latin: dict[str, Any]
    kind_of: dict[str, str]
    kind_pattern: re.Pattern[str]
    short_pattern: re.Pattern[str]
    latin_kind_of: dict[str, str]
    compatible: dict[str, frozenset[str]]


def _longest_first(words: Iterable[str]) -> str:
    return "|".join(re.escape(word) for word in sorted(set(words), key=lambda word: (-len(word), word)))


@cache
def load_words() -> NameWords:
    """The words of `catalog/names.toml`."""
    text = resources.files("xiqing_space.catalog").joinpath("names.toml").read_text(encoding="utf-8")
    data = tomllib.loads(text)
    zh, latin = data["zh"], data["latin"]
    kind_of = {word: kind for kind, words in zh["kinds"].items() for word in words}
    short = {letter: kind for kind, letter in zh["short_kinds"].items()}
    before = "|".join(zh["short_before"])
    tail = f"(?:{_longest_first(zh['main_branch'])}|.{{1,8}}(?:{_longest_first(zh['branch'])}))?"
    return NameWords(
        variants=str.maketrans(data["variants"]["from"], data["variants"]["to"]),
        zh=zh | {"short_of": short},
        latin=latin,
        kind_of=kind_of,
        kind_pattern=re.compile(_longest_first(kind_of)),
        short_pattern=re.compile(f"(第?(?:{_NUMBER})|{before})({'|'.join(short)})({tail})$"),
        latin_kind_of={word: kind for kind, words in latin["kinds"].items() for word in words},
        compatible={kind: frozenset(others) for kind, others in data["compatible"].items()},
    )


def plain_text(text: object) -> str:
    """Text of a cell: full-width and traditional forms made plain, control characters out, lower case, bounded."""
    if not isinstance(text, str):
        return ""
    folded = unicodedata.normalize("NFKC", text[:MAX_NAME]).casefold()
    kept = "".join(one if one.isprintable() else " " for one in folded)
    return kept.translate(load_words().variants).strip()


def read_number(text: str) -> int:
    """Value of 12, 十二, 一百零一 or 一二; the text is digits of one of the two kinds."""
    if text.isdecimal():
        return int(text)
    if "十" not in text and "百" not in text:
        return int("".join(str(_DIGITS[one]) for one in text))
    value = digit = 0
    for one in text:
        if one in "十百":
            value += (digit or 1) * (10 if one == "十" else 100)
            digit = 0
        else:
            digit = _DIGITS[one]
    return value + digit


def normalise(name: object, zone_names: Sequence[str] = (), area_names: Sequence[str] = ()) -> NameParts:
    """A name in parts.

    Parameters
    ----------
    name : object
        A cell; anything but text is no name.
    zone_names : sequence of str
        Towns and sub-districts that may stand before a name (杨柳青镇); short forms are derived.
    area_names : sequence of str
        Province, city and district (天津市, 西青区); likewise.
    """
    text = plain_text(name)
    if not text:
        return NameParts()
    if _CJK.search(text):
        return _chinese(text, tuple(zone_names), tuple(area_names))
    return _latin(text, tuple(area_names))


# ---- Chinese


@cache
def _prefixes(zones: tuple[str, ...], areas: tuple[str, ...]) -> tuple[tuple[str, str, bool], ...]:
    """(text, town it stands for or "", whether it is a short form), the longest first."""
    words = load_words().zh
    found: dict[str, tuple[str, bool]] = {}
    for names, suffixes, town in ((areas, words["area_suffixes"], False), (zones, words["zone_suffixes"], True)):
        for name in sorted(names):
            whole = re.sub(r"\s+", "", plain_text(name))
            if not whole:
                continue
            found[whole] = (whole if town else "", False)
            for suffix in suffixes:
                short = whole.removesuffix(suffix)
                if short != whole and len(short) > 1:
                    found.setdefault(short, (whole if town else "", True))
                    break
    return tuple((text, *found[text]) for text in sorted(found, key=lambda text: (-len(text), text)))


def strip_prefixes(text: str, zones: tuple[str, ...], areas: tuple[str, ...]) -> tuple[str, str]:
    """Text without the districts and towns it begins with, and the town (as the list writes it, else empty)."""
    guard, zone, again = load_words().zh["not_after_short"], "", True
    while again:
        again = False
        for prefix, town, short in _prefixes(zones, areas):
            rest = text.removeprefix(prefix)
            if rest == text or not rest or (town and zone) or (short and rest[0] in guard):
                continue
            text, zone, again = rest, zone or town, True
            break
    return text, zone


def _open_brackets(text: str) -> str:
    """Brackets' content goes behind the name (it says which campus); former names and remarks on the data go."""
    former, remarks = tuple(load_words().zh["former"]), frozenset(load_words().zh["remarks"])
    inside: list[str] = []

    def take(found: re.Match[str]) -> str:
        if not found[1].startswith(former) and found[1].strip() not in remarks:
            inside.append(found[1])
        return " "

    bare = re.sub(r"[(\[【〔「<{]([^()\[\]【】〔〕「」<>{}]*)[)\]】〕」>}]", take, text)
    return re.sub(r"[\W_]+", "", bare + "".join(inside))


def _chinese(text: str, zones: tuple[str, ...], areas: tuple[str, ...]) -> NameParts:
    words = load_words()
    head, zone = strip_prefixes(_open_brackets(text), zones, areas)
    for word in words.zh["dropped"]:
        head = head.replace(word, "") or head
    head, tail, kinds, numbers = _split_at_kind(head)
    head, found = _take_numbers(head)
    branch, tail_number = _branch_of(tail)
    if tail_number is not None:
        if found or numbers:
            branch = f"#{tail_number}"
        else:
            numbers = (tail_number,)
    village, head = _village_of(head)
    if not kinds and not village:
        for word in words.zh["compound"]:
            head = head.removesuffix(word) or head
    marks = tuple(sorted(one for one in head if one in words.zh["marks"]))
    return NameParts(head, found + numbers, branch, village, kinds, zone, marks, tuple(head), chinese=True)


def _split_at_kind(text: str) -> tuple[str, str, frozenset[str], tuple[int, ...]]:
    """Text before and behind the last kind word, the kinds, and the number of a short form (一幼)."""
    words = load_words()
    found = list(words.kind_pattern.finditer(text))
    short = words.short_pattern.search(text)
    affiliated = (
        short is not None and found and short[1] in words.zh["short_before"] and short.start() >= found[-1].end()
    )
    if found and not affiliated:  # but 春芽小学附小 is an affiliated school
        last = found[-1]
        return text[: last.start()], text[last.end() :], frozenset({words.kind_of[last[0]]}), ()
    if short is None:
        return text, "", frozenset(), ()
    kinds = frozenset({words.zh["short_of"][short[2]]})
    head = text[: short.start()]
    if (written := words.zh["short_before"].get(short[1])) is not None:
        return head + written, short[3], kinds, ()
    return head, short[3], kinds, (read_number(short[1].removeprefix("第")),)


def _take_numbers(head: str) -> tuple[str, tuple[int, ...]]:
    """Ordinals (第一), digits, and a numeral that stands last (四十七[中学]); other numerals are part of the name."""
    found: list[int] = []

    def take(match: re.Match[str]) -> str:
        found.append(read_number(next(one for one in match.groups() if one)))
        return ""

    pattern = f"第({_NUMBER})(?:号)?|([0-9]{{1,6}})(?:号)?|({_NUMBER})$"
    bare = re.sub(pattern, take, head)
    return bare, tuple(found)


def _branch_of(tail: str) -> tuple[str, int | None]:
    """Which campus the words behind the kind name; or the number of 幼儿园二园, which may be the name's own."""
    words = load_words().zh
    if not tail or tail in words["main_branch"]:
        return "", None
    if found := re.fullmatch(f"第?({_NUMBER})园", tail):
        return "", read_number(found[1])
    stem = tail
    for word in words["branch"]:
        if tail.endswith(word):
            stem = tail.removesuffix(word)
            break
    if found := re.fullmatch(f"第?({_NUMBER})(?:号)?", stem):
        return f"#{read_number(found[1])}", None
    return stem or "*", None


def _village_of(head: str) -> tuple[str, str]:
    """Village or community of a name, and the name without its suffix."""
    cuts = [(head.find(word, 1), -len(word), word) for word in load_words().zh["village"] if head.find(word, 1) > 0]
    if not cuts:
        return "", head
    at, _, word = min(cuts)
    return head[:at], head[:at] + head[at + len(word) :]


# ---- Latin


def latin_words(text: str) -> list[str]:
    """Words of a plain text: accents off, dotted letters joined, short forms written out."""
    short = load_words().latin["short"]
    bare = "".join(one for one in unicodedata.normalize("NFKD", text) if not unicodedata.combining(one))
    bare = bare.replace("ß", "ss").replace("ø", "o").replace("'", "").replace("’", "")
    bare = re.sub(r"\b(?:\w\.){2,}\w?", lambda found: found[0].replace(".", ""), bare)
    return [short.get(word, word) for word in re.findall(r"[^\W_]+", bare)]


def _without_areas(tokens: list[str], areas: tuple[str, ...]) -> list[str]:
    """Words without a city's name at either end, where something else is left."""
    for area in sorted(areas, key=lambda name: (-len(name), name)):
        part = latin_words(plain_text(area))
        size = len(part)
        if part and len(tokens) > size:
            if tokens[-size:] == part:
                tokens = tokens[:-size]
            elif tokens[:size] == part:
                tokens = tokens[size:]
    return tokens


def _latin(text: str, areas: tuple[str, ...]) -> NameParts:
    words = load_words()
    stop, directions, branches = (frozenset(words.latin[key]) for key in ("stop", "directions", "branch"))
    numbers: list[int] = []
    marks: list[str] = []
    kinds: set[str] = set()
    core: list[str] = []
    branch = ""
    for word in _without_areas(latin_words(text), areas):
        if word in stop:
            continue
        if word.isdecimal():
            numbers.append(int(word[:9]))
        elif word in _ROMAN:
            numbers.append(_ROMAN[word])
        elif word in words.latin_kind_of:
            kinds.add(words.latin_kind_of[word])
        elif word in branches:
            branch = "*"
        else:
            core.append(word)
            if word in directions or len(word) == 1:
                marks.append(word)
    specific = kinds - {"school", ""}
    said = frozenset(specific or kinds - {""})
    return NameParts(
        " ".join(core), tuple(numbers), branch, "", said, "", tuple(sorted(marks)), tuple(core), chinese=False
    )
