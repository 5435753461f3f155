"""Values of tags as numbers with a unit. None is what could not be read: never a guess, never zero."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Iterable
from typing import Any

KMH = {"": 1.0, "km/h": 1.0, "kmh": 1.0, "kph": 1.0, "km": 1.0, "公里": 1.0, "公里/小时": 1.0, "千米/小时": 1.0, "mph": 1.609344,
       "knots": 1.852}  # fmt: skip
METRES = {"": 1.0, "m": 1.0, "meter": 1.0, "meters": 1.0, "metre": 1.0, "metres": 1.0, "米": 1.0, "cm": 0.01, "厘米": 0.01, "km": 1000.0,
          "ft": 0.3048, "feet": 0.3048, "'": 0.3048, "in": 0.0254, '"': 0.0254}  # fmt: skip
_FOOT, _INCH = METRES["ft"], METRES["in"]
# marks of feet and inches that a keyboard or an editor's autocorrection makes of ' and "
_PRIMES = str.maketrans({"′": "'", "’": "'", "‘": "'", "`": "'", "´": "'", "″": '"', "”": '"', "“": '"'})
_NUMBER = re.compile(r"([0-9]+(?:[.,][0-9]+)?|[.,][0-9]+)\s*(.*)", re.DOTALL)
_ZONE = re.compile(r"(?:[a-z]{2}:)?(?:zone)?:?\s*([0-9]{1,3})")
_FEET_INCHES = re.compile(r"([0-9]{1,3})\s*(?:'|ft|feet)\s*([0-9]{1,2}(?:\.[0-9]+)?)\s*(?:\"|''|in)?")
_RANGE = re.compile(r"([0-9.,]+)\s*[-~–—]\s*([0-9.,]+\s*[^0-9-]*)")
_LONGEST = 60  # characters; no value of these tags is longer
_YES, _NO = ("yes", "true", "1", "是", "有"), ("no", "false", "0", "none", "否", "无")


def plain(text: str) -> str:
    """Full-width characters made ordinary, lower case, marks of feet and inches as on a keyboard."""
    return unicodedata.normalize("NFKC", text.translate(_PRIMES)).translate(_PRIMES).strip().lower()


def read_list(text: str, one: Callable[[str], float | None], worst: Callable[[Iterable[float]], float]) -> float | None:
    """The less favourable of the values of a list such as `2;3`; None where any of them cannot be read."""
    parts = [part.strip() for part in re.split("[;|]", plain(text[: _LONGEST + 1]))] if len(text) <= _LONGEST else []
    values = [one(part) for part in parts]
    known = [value for value in values if value is not None]
    return worst(known) if known and len(known) == len(values) else None


def _number(text: str, units: dict[str, float]) -> float | None:
    found = _NUMBER.fullmatch(text)
    factor = units.get(found[2].strip()) if found else None
    return float(found[1].replace(",", ".")) * factor if found and factor is not None else None


def read_speed_kmh(text: str, rules: dict[str, Any]) -> float | None:
    """Speed limit in km/h; the higher one of a list.

    Parameters
    ----------
    text : str
        Such as `50`, `30 mph`, `CN:urban`, `DE:zone:30`, `walk`.
    rules : dict
        `limits` (words, km/h), `zones` (country and kind, km/h), `most_kmh`: the catalogue's `safety["speed"]`.

    Returns
    -------
    float or None
        None for what holds no number (`none`, `signals`), for zones that the catalogue does not know, for 0 and for more than `most_kmh`.
    """
    zones = {zone.lower(): value for zone, value in rules["zones"].items()}

    def one(part: str) -> float | None:
        value = zones.get(part, rules["limits"].get(part))
        if value is None:
            zone = _ZONE.fullmatch(part)
            value = float(zone[1]) if zone else _number(part, KMH)
        return float(value) if value is not None and 0 < value <= rules["most_kmh"] else None

    return read_list(text, one, max)


def read_lanes(text: str, most: int) -> int | None:
    """Number of lanes; the larger one of a list, a half lane (`1.5`) counts whole."""

    def one(part: str) -> float | None:
        value = _number(part, {"": 1.0})
        return float(math.ceil(value)) if value is not None and 0 < value <= most else None

    value = read_list(text, one, max)
    return None if value is None else int(value)


def read_length_m(text: str, most: float, worst: Callable[[Iterable[float]], float] = max) -> float | None:
    """Length in metres.

    Parameters
    ----------
    text : str
        Such as `1.5`, `1.5 m`, `1,5`, `5'`, `5'6"`, `3-4`, `约3米`.
    most : float
        What is longer cannot be right; nor can 0.
    worst : {max, min}
        Which end of a range or list is the less favourable one.
    """

    def one(part: str) -> float | None:
        part = part.removeprefix("~").removeprefix("约").strip()
        if both := _FEET_INCHES.fullmatch(part):
            value: float | None = int(both[1]) * _FOOT + float(both[2]) * _INCH
        elif ends := _RANGE.fullmatch(part):
            high = _NUMBER.fullmatch(ends[2].strip())
            unit = high[2].strip() if high else "?"
            pair = [_number(ends[1] + unit, METRES), _number(ends[2].strip(), METRES)]
            value = worst(pair) if None not in pair else None  # type: ignore[arg-type]
        else:
            value = _number(part, METRES)
        return value if value is not None and 0 < value <= most else None

    return read_list(text, one, worst)


def read_flag(text: str) -> bool | None:
    """Yes or no."""
    value = plain(text)
    return True if value in _YES else False if value in _NO else None


def read_oneway(text: str) -> tuple[bool, int] | None:
    """Whether a street is one-way, and how traffic runs.

    Returns
    -------
    (bool, int) or None
        Direction 1 along the line, -1 against it, 0 both or unknown (`reversible`; a list of both, as joined streets have it).
    """
    parts = {part.strip() for part in plain(text).split(";")}
    along, against = bool(parts & {"yes", "true", "1"}), bool(parts & {"-1", "reverse"})
    turning = bool(parts & {"reversible", "alternating"})
    if parts - {"yes", "true", "1", "-1", "reverse", "reversible", "alternating", "no", "false", "0"}:
        return None
    if not (along or against or turning):
        return False, 0
    return True, 0 if turning or along == against else 1 if along else -1
