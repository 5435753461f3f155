"""Addresses taken apart into street and house number, and how far two of them agree."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from xiqing_space.ingest.names import latin_words, load_words, plain_text, read_number, strip_prefixes

_STREET = re.compile(
    r"([^\W\d_]{1,10}?(?:大街|大道|公路|支路|路|街|道|里|胡同|巷|线))(?:([0-9]{1,5}|[零一二三四五六七八九十百]+)(?:号|弄|$))?"
)


@dataclass(frozen=True)
class Address:
    """An address in parts: town, street, house number (0 where none), and the plain text without the town."""

    text: str = ""
    zone: str = ""
    street: str = ""
    number: int = 0
    words: frozenset[str] = frozenset()


def read_address(text: object, zone_names: Sequence[str] = (), area_names: Sequence[str] = ()) -> Address:
    """An address in parts; anything but text is none."""
    plain = plain_text(text)
    if not plain:
        return Address()
    if not re.search("[\u3400-\u9fff]", plain):
        words = latin_words(plain)
        number = next((int(word[:6]) for word in words if word.isdecimal()), 0)
        stop = frozenset(load_words().latin["stop"]) | {
            "calle",
            "c",
            "strasse",
            "street",
            "katu",
            "numero",
            "no",
            "n",
            "s",
        }
        return Address(" ".join(words), "", "", number, frozenset(words) - stop)
    rest, zone = strip_prefixes(re.sub(r"[\s()（）,，、;；]+", "", plain), tuple(zone_names), tuple(area_names))
    found = _STREET.search(rest)
    if found is None:
        return Address(rest, zone, words=frozenset(map("".join, pairwise(rest))))
    number = read_number(found[2]) if found[2] else 0
    return Address(rest, zone, found[1], number, frozenset(map("".join, pairwise(rest))))


def compare_addresses(one: Address, other: Address) -> float:
    """Agreement of two addresses, 0 to 1; NaN where either is missing.

    1 is the same street and house number; 0.7 the same street where a number is missing; 0.4 the same street with other
    numbers. Towns are compared apart.
    """
    if not one.text or not other.text:
        return float("nan")
    if one.text == other.text:
        return 1.0
    shared = len(one.words & other.words)
    dice = 2 * shared / (len(one.words) + len(other.words)) if one.words or other.words else 0.0
    if one.street and other.street:
        if one.street != other.street:
            return 0.3 * dice
        if one.number and other.number:
            return 1.0 if one.number == other.number else 0.4
        return 0.7
    if one.number != other.number and one.number and other.number:
        dice *= 0.5
    return dice
