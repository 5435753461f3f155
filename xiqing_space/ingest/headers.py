"""What headers and words of planners' own lists mean: the catalogue's columns.toml, looked up."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from xiqing_space.errors import CatalogueError

JOIN = "|"  # between the upper and the lower line of a two-line header
_BRACKET = re.compile(r"[(（\[【〔{]([^()（）\[\]【】〔〕{}]*)[)）\]】〕}]")
_BLANK = re.compile(r"[\W_]+")


def word_key(text: str) -> str:
    """Text as words are compared: width, case, blanks and punctuation set aside."""
    return _BLANK.sub("", unicodedata.normalize("NFKC", text).casefold())


@dataclass(frozen=True)
class Names:
    """The catalogue's columns.toml, turned round for looking up. Keys are `word_key`s."""

    fields: Mapping[str, str]  # field -> Chinese name
    by_header: Mapping[str, frozenset[str]]
    ranges: Mapping[str, tuple[float, float]]
    units: frozenset[str]
    scales: Mapping[str, float]
    values: Mapping[str, Mapping[str, str]]
    turning: Mapping[str, tuple[str, ...]]  # what may turn a meaning round; under "" any meaning
    kinds: Mapping[str, tuple[str, ...]]
    missing: frozenset[str]
    totals: tuple[str, ...]
    remarks: tuple[str, ...]


@cache
def load_names() -> Names:
    """Headers and words that ship with this version.

    Raises
    ------
    CatalogueError
        A word of a vocabulary has two meanings.
    """
    raw = tomllib.loads(resources.files("xiqing_space.catalog").joinpath("columns.toml").read_text(encoding="utf-8"))
    by_header: dict[str, set[str]] = {}
    for field, about in raw["fields"].items():
        for word in (field, *about["words"]):
            by_header.setdefault(word_key(word), set()).add(field)
    values: dict[str, dict[str, str]] = {}
    for field, meanings in raw["values"].items():
        mine = values.setdefault(field, {})
        for meaning, words in meanings.items():
            for key in {word_key(word) for word in (meaning, *words)}:
                if mine.setdefault(key, meaning) != meaning:
                    raise CatalogueError(f"columns.toml: {key} of {field} means both {mine[key]} and {meaning}")
    kinds = {word_key(word): (kind,) for kind, words in raw["kind_words"].items() for word in (kind, *words)}
    kinds |= {word_key(word): tuple(one["kinds"]) for one in raw["kind_several"] for word in one["words"]}
    return Names(
        fields={field: about["zh"] for field, about in raw["fields"].items()},
        by_header={key: frozenset(found) for key, found in by_header.items()},
        ranges={field: tuple(about["range"]) for field, about in raw["fields"].items() if "range" in about},
        units=frozenset(unicodedata.normalize("NFKC", one).casefold() for one in raw["units"]["ignore"]),
        scales={key: float(value) for key, value in raw["units"]["scale"].items()},
        values=values,
        turning={"": tuple(raw["turning"]["words"]), **{key: tuple(one) for key, one in raw["turning"]["of"].items()}},
        kinds=kinds,
        missing=frozenset(one.casefold() for one in raw["rows"]["missing"]),
        totals=tuple(raw["rows"]["totals"]),
        remarks=tuple(raw["rows"]["remarks"]),
    )


def header_key(header: str) -> str:
    """A header as headers are compared; brackets go where they hold a unit or a number, else their text stays."""
    names = load_names()

    def inside(found: re.Match[str]) -> str:
        unit = unicodedata.normalize("NFKC", found[1]).casefold().strip()
        return "" if unit in names.units or unit in names.scales or unit.isdigit() or not unit else unit

    return word_key(_BRACKET.sub(inside, header)) or word_key(header)


def known_fields(header: str) -> frozenset[str]:
    """Fields that a header can stand for: by the whole of it, else by its lower line."""
    names = load_names()
    whole = names.by_header.get(header_key(header))
    if whole is None and JOIN in header:
        whole = names.by_header.get(header_key(header.rpartition(JOIN)[2]))
    return whole or frozenset()


def known_count(cells: Iterable[str | None]) -> int:
    """How many of a row's different texts are known headers."""
    return sum(bool(known_fields(text)) for text in {cell for cell in cells if cell and len(cell) <= 60})


def header_scale(header: str) -> float:
    """What a column's numbers are multiplied by: 10,000 under a header that says 万人 in brackets, else 1."""
    scales = load_names().scales
    return next((scales[unit.strip()] for unit in reversed(_BRACKET.findall(header)) if unit.strip() in scales), 1.0)


def header_ages(header: str) -> tuple[int, int] | None:
    """The ages that a header names, both ends in it: 3－5岁 is (3, 5), 7岁 is (7, 7), 6岁以下 is (0, 5).

    Ages of grown-ups and headers that name none give None. A bare number is none: it may be a year or a count.
    """
    for part in (header, header.rpartition(JOIN)[2]):
        text = unicodedata.normalize("NFKC", part).casefold().replace(" ", "")
        text = _BRACKET.sub(lambda found: found[1] if "岁" in found[1] else "", text)
        text = re.sub("^(其中|常住人口|户籍人口|人口)[:,，：]?", "", text)
        if found := re.fullmatch(r"(?:不满|未满)?(\d{1,3})周?岁(以下|及以下)(?:人口|人数|儿童|幼儿|数)*", text):
            last = int(found[1]) - (found[2] == "以下")
            return (0, last) if 0 <= last < 18 else None
        found = re.fullmatch(
            r"(?P<en>age_?|pop_?)?(?P<low>\d{1,3})(?:周?岁)?(?:[-–—~_至到]+(?P<high>\d{1,3}))?(?P<zh>周?岁)?(?:人口|人数|儿童|幼儿|数)*",
            text,
        )
        if found and (found["en"] or "岁" in text):
            low = int(found["low"])
            high = int(found["high"] or low)
            return (low, high) if low <= high < 18 else None
    return None


def is_missing(text: str | None) -> bool:
    """Whether a cell says nothing: empty, a dash, 无, 不详 and the like. Missing is never zero."""
    return text is None or text.strip().casefold() in load_names().missing
