"""Numbers and coordinates out of cells, in all the ways people write them."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

_ABOUT_HEAD = "约|大约|大概|近|≈|~|～"
_ABOUT_TAIL = "左右|余|多"
_UNITS = "人|名|个班|个|班|所|户|位|座|岁|张|处|万人|千人|万|年"
_PLAIN = r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[-+]?\d{1,2})?"
_NUMBER = re.compile(
    rf"(?P<about>{_ABOUT_HEAD})?(?:共|计)?(?P<number>[-+]?[\d][\d,. ]*|{_PLAIN})(?P<tail>{_ABOUT_TAIL})?"
    rf"(?P<unit>{_UNITS})?(?P<tail2>{_ABOUT_TAIL})?"
)
_TIMES = {"万人": 10_000.0, "万": 10_000.0, "千人": 1_000.0}
_DATE = re.compile(r"\d{4}-\d\d-\d\d(?:T.*)?")
_QUOTES = str.maketrans(
    {"′": "'", "’": "'", "‘": "'", "`": "'", "´": "'", "ʹ": "'", "″": '"', "”": '"', "“": '"', "ʺ": '"', "º": "°", "˚": "°",
     "−": "-", "–": "-"}
)  # fmt: skip
_EAST = {"东经": 1, "e": 1, "西经": -1, "w": -1}
_NORTH = {"北纬": 1, "n": 1, "南纬": -1, "s": -1}
_ANGLE = re.compile(
    r"(?P<head>东经|西经|北纬|南纬|[ewns])?\s*(?P<sign>[-+])?(?P<d>\d{1,3}(?:\.\d+)?)\s*"
    r"(?:(?:°|度|d|:|-|\s)\s*(?:(?P<m>\d{1,2}(?:\.\d+)?)\s*(?:(?:'|分|m|:|-|\s)\s*(?:(?P<s>\d{1,2}(?:\.\d+)?)\s*(?:\"|''|秒)?)?)?)?)?"
    r"\s*(?P<tail>[ewns])?"
)
_LABEL = re.compile(r"(?:经度|longitude|lng|lon|纬度|latitude|lat|point|坐标)\s*[:=]?\s*")


@dataclass(frozen=True)
class Number:
    """A number as written; `about` where the text says that it is none exactly."""

    value: float
    about: bool = False


@dataclass(frozen=True)
class Angle:
    """Decimal degrees; `axis` is "lon" or "lat" where the text says which (东经, N, …), else empty."""

    degrees: float
    axis: str = ""


def is_date(text: str) -> bool:
    """Whether a text is a date as the sheet reader writes dates: in a column of counts, Excel made it of something like 1-2."""
    return bool(_DATE.fullmatch(text))


def parse_number(text: str) -> Number | None:
    """A number, or None where the text is none.

    Known: thousands (1,200 and 1 200), decimal commas (12,5; a comma before exactly three digits is thousands), 约120, 120人,
    120余人, 1.2万, full-width characters, 1.2E+03. A range (5-6), a sum (3+1) or a share (50%) is no number.
    """
    plain = unicodedata.normalize("NFKC", text).casefold().strip().replace("\u00a0", " ")
    if len(plain) > 60 or not (found := _NUMBER.fullmatch(plain.replace("−", "-"))):
        return None
    digits = found["number"].strip()
    sign = -1.0 if digits.startswith("-") else 1.0
    digits = digits.lstrip("+-")
    if re.fullmatch(r"\d{1,3}(,\d{3})+(\.\d+)?", digits):
        digits = digits.replace(",", "")
    elif re.fullmatch(r"\d{1,3}( \d{3})+(\.\d+)?", digits):
        digits = digits.replace(" ", "")
    elif re.fullmatch(r"\d{1,3}(\.\d{3})+,\d+", digits):
        digits = digits.replace(".", "").replace(",", ".")
    elif re.fullmatch(r"\d+,\d+", digits):
        digits = digits.replace(",", ".")
    elif not re.fullmatch(_PLAIN, digits):
        return None
    value = sign * float(digits) * _TIMES.get(found["unit"] or "", 1.0)
    about = bool(found["about"] or found["tail"] or found["tail2"])
    return Number(round(value, 6) if abs(value) < 1e9 else value, about)


def _plain_angle(text: str) -> str:
    # before NFKC, which would turn ″ into two strokes and º into a letter
    plain = unicodedata.normalize("NFKC", text.translate(_QUOTES)).casefold().translate(_QUOTES).strip()
    return plain.strip("()[]{}<>【】《》 ,;")


def parse_angle(text: str) -> Angle | None:
    """One coordinate in degrees: decimal (also with a decimal comma), or degrees, minutes and seconds in any usual spelling.

    117.108, 117,108, 117°06′30″, 117度6分30秒, 东经117°6.5′, 117 06 30E, 117:06:30, W15.4. Minutes or seconds of 60 and more,
    and a fraction anywhere but in the last part, are refused (None). A plain number of any size is returned as it stands: the
    caller tells degrees from metres.
    """
    plain = _LABEL.sub("", _plain_angle(text)).strip()
    if len(plain) > 60:
        return None
    if re.fullmatch(_PLAIN, plain):
        return Angle(float(plain))
    if re.fullmatch(r"[-+]?\d{1,3},\d+", plain):
        return Angle(float(plain.replace(",", ".")))
    found = _ANGLE.fullmatch(plain)
    if not found or (found["head"] and found["tail"]):
        return None
    parts = [found["d"], found["m"], found["s"]]
    given = [part for part in parts if part is not None]
    if any("." in part for part in given[:-1]) or any(float(part) >= 60 for part in given[1:]):
        return None
    mark = found["head"] or found["tail"] or ""
    value = sum(float(part) / 60**power for power, part in enumerate(given))
    sign = -1 if found["sign"] == "-" else 1
    sign *= {**_EAST, **_NORTH}.get(mark, 1)
    return Angle(sign * value, "lon" if mark in _EAST else "lat" if mark in _NORTH else "")


def parse_pair(text: str) -> tuple[Angle, Angle] | None:
    """Two coordinates in one cell, in the order written: "117.1,39.1", "(39.1 117.1)", "东经117°6′ 北纬39°5′", "POINT (117 39)"."""
    plain = _plain_angle(_LABEL.sub(" ", _plain_angle(text)))
    if len(plain) > 120:
        return None
    splits: list[list[str]] = [re.split(pattern, plain) for pattern in (r"\s*[;；、/|]\s*", r",\s+", r"\s*[,，]\s*")]
    splits.append(re.split(r"[,;，\s]*(?=东经|北纬|西经|南纬)", plain))
    splits.append(re.split(r"[,;，]?\s*(?=[ewns]\d)", plain))
    splits.append(re.split(r"(?<=[ewns])[,;，]?\s*(?=\d)", plain))
    words = plain.split()
    splits.append(
        [" ".join(words[: len(words) // 2]), " ".join(words[len(words) // 2 :])] if len(words) % 2 == 0 else []
    )
    for split in splits:
        parts = [part for part in split if part.strip()]
        if len(parts) == 2:
            first, second = parse_angle(parts[0]), parse_angle(parts[1])
            if first and second and (not first.axis or first.axis != second.axis):
                return first, second
    return None


def probable_system(x: float, y: float) -> tuple[str, str]:
    """What coordinates that are no degrees probably are, Chinese and English; a hint for a message, never applied.

    Zone numbers before the easting (39 500 000) are those of China's Gauss-Krüger zones: 13–23 of six, 25–45 of three degrees.
    """
    east, north = (y, x) if 2e6 < x < 6.5e6 and not 2e6 < y < 6.5e6 else (x, y)
    zone, easting = divmod(east, 1e6)
    if 1e5 < easting < 9e5 and 25 <= zone <= 45:
        code = 4513 + int(zone) - 25
        return (f"CGCS2000 三度带第 {int(zone)} 带（EPSG:{code}）", f"CGCS2000 3-degree zone {int(zone)} (EPSG:{code})")
    if 1e5 < easting < 9e5 and 13 <= zone <= 23:
        code = 4491 + int(zone) - 13
        return (f"CGCS2000 六度带第 {int(zone)} 带（EPSG:{code}）", f"CGCS2000 6-degree zone {int(zone)} (EPSG:{code})")
    if 8e6 < abs(east) < 1.6e7 and 1.5e6 < north < 7.5e6:
        return ("Web 墨卡托（EPSG:3857）", "Web Mercator (EPSG:3857)")
    if 1e5 < east < 9e5 and 1.5e6 < north < 6.5e6:
        return (
            "不带带号的高斯投影米制坐标（天津多为 CGCS2000 中央经线 117°，EPSG:4548）",
            "metres of a Gauss-Krüger zone without its number (in Tianjin mostly CGCS2000 with 117°E, EPSG:4548)",
        )
    if 7e7 < abs(east) < 1.4e8 and abs(north) < 6e7:
        return ("放大一百万倍的度", "degrees times a million")
    return ("米制或地方坐标", "metres, or a local system")
