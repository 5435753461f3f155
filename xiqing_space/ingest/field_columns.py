"""Columns and words of the field sheet: what the writer puts there and how the reader finds it again."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

DATE_KEY, ID_KEY, TYPE_KEY = "surveyed_on", "item_id", "item_type"
SIGHT_KEY, OBSTACLE_KEY, PHOTO_KEY = "sightline_id", "obstacle_id", "photo"  # of the sheet 视线测量


@dataclass(frozen=True)
class Field:
    """One thing to be filled in.

    Attributes
    ----------
    key : str
        Its column.
    least, most : float
        Of a number, ends included.
    whole : bool
        Whether only whole numbers make sense.
    words : mapping of meaning to words
        Of a choice; the first word of each is offered. Empty for a number.
    of : mapping of item type to name in `street_survey`
        Types of items that it is asked for.
    """

    key: str
    zh: str
    en: str
    least: float
    most: float
    whole: bool
    words: Mapping[str, tuple[str, ...]]
    of: Mapping[str, str]

    @property
    def offered(self) -> tuple[str, ...]:
        """The choices of its list."""
        return tuple(words[0] for words in self.words.values())

    def shown(self, value: str) -> str:
        """A value of `street_survey` as a surveyor reads it."""
        return self.words[value][0] if value in self.words else value


@dataclass(frozen=True)
class SheetWords:
    """The catalogue's field_sheet.toml."""

    file: str
    fields: tuple[Field, ...]
    types: Mapping[str, tuple[str, str]]
    blank: frozenset[str]
    sights: tuple[Field, ...]

    def named(self, name: str, item_type: str) -> Field | None:
        """The field that an attribute of `street_survey` or a measure of a sightline comes from."""
        return next((one for one in (*self.fields, *self.sights) if one.of.get(item_type) == name), None)


@cache
def load_sheet_words() -> SheetWords:
    """The columns and words that ship with this version."""
    raw = tomllib.loads(
        resources.files("xiqing_space.catalog").joinpath("field_sheet.toml").read_text(encoding="utf-8")
    )
    words = {group: {meaning: tuple(one) for meaning, one in table.items()} for group, table in raw["words"].items()}
    fields, sights = (
        tuple(
            Field(one["key"], one["zh"], one["en"], float(one.get("least", 0)), float(one.get("most", 0)), one.get("whole", False),
                  words.get(one.get("words", ""), {}), one.get("of", {"sight": one["key"]}))
            for one in raw[part]
        )
        for part in ("field", "sight")
    )  # fmt: skip
    return SheetWords(
        raw["file"],
        fields,
        {key: (zh, en) for key, (zh, en) in raw["types"].items()},
        frozenset(map(fold, raw["blank"])),
        sights,
    )


def fold(text: str) -> str:
    """A word without case, width, blanks and hyphens' varieties."""
    plain = re.sub(r"\s", "", unicodedata.normalize("NFKC", text)).casefold()
    return re.sub("[–—~～至]", "-", plain)


def key_of(header: str) -> str:
    """The key in brackets at the end of a title: 限速 km/h [speed_kmh] is speed_kmh; empty where there is none."""
    found = re.search(r"[\[［【]\s*(\w+)\s*[\]］】]\s*$", unicodedata.normalize("NFKC", header))
    return found[1] if found else ""


def is_blank(text: str | None) -> bool:
    """Whether a cell says nothing. 无 does say something here: that there is none."""
    return text is None or fold(text) in load_sheet_words().blank
