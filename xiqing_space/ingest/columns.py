"""Which column of a sheet is which field; and columns of text as numbers, places and words of a vocabulary."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xiqing_space.errors import ConfigError, InputDataError
from xiqing_space.ingest.headers import (
    header_ages,
    header_key,
    header_scale,
    is_missing,
    known_fields,
    load_names,
    word_key,
)
from xiqing_space.ingest.quality import Quality
from xiqing_space.ingest.sheets import Sheet
from xiqing_space.ingest.values import Angle, is_date, parse_angle, parse_number, parse_pair, probable_system

WHOLE = ("classes", "enrolled", "capacity_places", "gp_doctors", "child_health_doctors", "households", "gates", "year")
DOUBTED = ("capacity_places",)  # supply is worked out for the other facilities, and this one stays unknown
_FARTHEST_M = 5e7  # metres; eastings with a zone number before them stay below 46,000,000
_LAT_FIRST = ("latlon", "latlng", "纬度经度")


def find_columns(
    sheet: Sheet,
    wanted_fields: Sequence[str],
    given: Mapping[str, str] | None = None,
    *,
    required: Collection[str] = (),
) -> dict[str, str]:
    """Header of each wanted field: as the planner states it, else by the catalogue's synonyms.

    Parameters
    ----------
    sheet : Sheet
        The table.
    wanted_fields : sequence of str
        Fields of columns.toml, such as "name", "address", "lon".
    given : mapping of field to header, optional
        `columns` of the config; it settles what the synonyms cannot.
    required : collection of str
        Fields without which the table cannot be used.

    Returns
    -------
    dict of field to header
        In the order of `wanted_fields`; fields that no column stands for are absent.

    Raises
    ------
    ConfigError
        `given` names a field that does not exist.
    InputDataError
        `given` names a header that is not there; two columns stand for one field; a required field is missing. All at once.
    """
    given = dict(given or {})
    names = load_names().fields
    if unknown := [field for field in given if field not in names]:
        near = difflib.get_close_matches(unknown[0], names, 1)
        raise ConfigError(
            f"columns 中有不认识的字段 {'、'.join(unknown)} / unknown fields in columns",
            where=sheet.source,
            todo=f"可用字段{'，是否为 ' + near[0] if near else ''}：{'、'.join(wanted_fields)} / use one of these fields",
        )
    headers = [str(header) for header in sheet.frame.columns]
    found: dict[str, str] = {}
    problems: list[str] = []
    for field in wanted_fields:
        if field in given:
            fits = _given(given[field], headers)
            if not fits:
                near_zh, near_en = _nearest(given[field], headers)
                problems.append(
                    f"{field}：没有名为“{given[field]}”的列{near_zh} / there is no column “{given[field]}”{near_en}"
                )
        else:
            taken = {one for other, text in given.items() if other != field for one in _given(text, headers)}
            fits = [one for one in headers if field in known_fields(one) and one not in taken]
            whole = [one for one in fits if field in load_names().by_header.get(header_key(one), ())]
            fits = whole or fits
        if len(fits) > 1:
            problems.append(
                f'{names[field]}（{field}）有 {len(fits)} 列可选：{"、".join(fits)}；请写 columns = {{ {field} = "{fits[0]}" }}'
                f" / {len(fits)} columns could be {field}: state which in the config"
            )
        elif fits:
            found[field] = fits[0]
        elif field in required and field not in given:
            problems.append(f"缺少“{names[field]}”列（{field}） / there is no column for {field}")
    if problems:
        raise InputDataError(
            f"第 {sheet.header_row} 行的表头无法对应字段 / the header in row {sheet.header_row} does not fit the fields",
            where=sheet.source,
            first=problems,
            todo=f'现有列：{"、".join(headers)[:400]}；改正表头，或在配置中写 columns = {{ 字段 = "列名" }}，或写明 header_row'
            " / correct the header, or state columns or header_row in the config",
        )
    return found


def _given(text: str, headers: Sequence[str]) -> list[str]:
    exact = [one for one in headers if one == text]
    return exact or [one for one in headers if header_key(one) == header_key(text)]


def _nearest(text: str, headers: Sequence[str]) -> tuple[str, str]:
    near = difflib.get_close_matches(text, headers, 1, 0.5)
    return (f"，是否为“{near[0]}”？", f"; perhaps “{near[0]}”?") if near else ("", "")


def age_columns(sheet: Sheet) -> dict[str, tuple[int, int]]:
    """Columns that hold children of certain ages: header to first and last age, both in it, youngest first.

    Raises
    ------
    InputDataError
        Two columns share an age (0–3岁 beside 3–6岁): a child could be counted twice.
    """
    found = {str(one): ages for one in sheet.frame.columns if (ages := header_ages(str(one))) is not None}
    ordered = dict(sorted(found.items(), key=lambda item: (item[1], item[0])))
    pairs = list(ordered.items())
    clashes = [
        f"“{one}”与“{other}”都含 {second[0]} 岁 / “{one}” and “{other}” both hold age {second[0]}"
        for place, (one, first) in enumerate(pairs)
        for other, second in pairs[place + 1 :]
        if second[0] <= first[1]
    ]
    if clashes:
        raise InputDataError(
            "年龄列相互重叠，儿童会被重复计数 / columns of ages overlap: children would be counted twice",
            where=sheet.source,
            first=clashes,
            todo="改成不重叠的年龄（0-2岁、3-5岁），或删去合计列 / use ages that do not overlap, or remove sums",
        )
    return ordered


@dataclass(frozen=True)
class Cells:
    """One column of a sheet while it is read: where doubts are said to be."""

    sheet: Sheet
    quality: Quality

    def text(self, header: str | None) -> list[str | None]:
        """The column's text; None where nothing is stated or there is no such column."""
        if header is None:
            return [None] * len(self.sheet.rows)
        return [None if is_missing(one) else str(one) for one in self.sheet.frame[header].tolist()]

    def doubt(self, check: str, place: int, header: str, value: str, **more: str) -> None:
        """Note a doubt about one cell."""
        row = str(self.sheet.rows[place])
        self.quality.add(check, source=self.sheet.source, row=row, column=header, value=value[:40], **more)

    def line(self, place: int, zh: str, en: str) -> str:
        """A problem, worded with its row."""
        row = self.sheet.rows[place]
        return f"第 {row} 行：{zh} / row {row}: {en}"


def read_numbers(
    sheet: Sheet, header: str | None, field: str, quality: Quality
) -> tuple[NDArray[np.float64], list[str]]:
    """A column as numbers: NaN where nothing is stated or nothing can be read (a doubt); missing is never zero.

    Parameters
    ----------
    header : str or None
        The column; None gives NaN throughout.
    field : str
        Its range, and whether only whole numbers make sense, are the catalogue's.

    Returns
    -------
    array of float
        One per row; times 10,000 under a header in 万人.
    list of str
        Problems with their rows: numbers out of the range, or broken where they should be whole.
    """
    cells = Cells(sheet, quality)
    values = np.full(len(sheet.rows), np.nan)
    problems: list[str] = []
    if header is None:
        return values, problems
    least, most = load_names().ranges.get(field, (-np.inf, np.inf))
    scale = header_scale(header)
    for place, text in enumerate(cells.text(header)):
        if text is None:
            continue
        if is_date(text):
            cells.doubt("date_for_number", place, header, text)
            continue
        number = parse_number(text)
        if number is None:
            cells.doubt("number_unread", place, header, text)
            continue
        value = round(number.value * scale, 6)
        if not least <= value <= most and field in DOUBTED:
            cells.doubt("number_impossible", place, header, text)
        elif not least <= value <= most:
            problems.append(
                cells.line(place, f"“{header}”为 {text[:30]}，超出合理范围 {least:,.0f}–{most:,.0f}",
                           f"{header} is {text[:30]}, out of the range {least:,.0f}–{most:,.0f}")
            )  # fmt: skip
        elif field in WHOLE and value != int(value):
            problems.append(
                cells.line(place, f"“{header}”为 {text[:30]}，应为整数", f"{header} is {text[:30]}: not whole")
            )
        else:
            if number.about:
                cells.doubt("number_about", place, header, text)
            values[place] = value
    return values, problems


def read_words(
    sheet: Sheet, header: str | None, field: str, quality: Quality | None = None
) -> list[tuple[str | None, str | None]]:
    """A column as words of a vocabulary of columns.toml.

    Returns
    -------
    list of (meaning, text)
        Meaning is None where the cell is empty or its word unknown; text is None where the cell is empty. With `quality`
        every unknown word is a doubt.
    """
    names, source = load_names(), Cells(sheet, quality or Quality())
    known = names.values[field]
    found: list[tuple[str | None, str | None]] = []
    for place, text in enumerate(source.text(header)):
        if text is None:
            found.append((None, None))
            continue
        key = word_key(text)
        meaning = known.get(key) or _word_inside(key, known)
        if meaning is None and quality is not None:
            source.doubt("word_unknown", place, str(header), text)
        found.append((meaning, text))
    return found


def _word_inside(key: str, known: Mapping[str, str]) -> str | None:
    """The meaning of the words that a longer text holds; None where they disagree, or where the rest may turn them round.

    未停办 is not closed, 停止运营 not operating, 非公办 not public: such a text is a question for the office, never a guess.
    """
    inside = [word for word in known if len(word) > 1 and word in key and not word.isascii()]
    # a word within a longer one says nothing of its own: 民办 in 普惠性民办
    inside = [word for word in inside if not any(word != other and word in other for other in inside)]
    meanings = {known[word] for word in inside}
    rest = key
    for word in inside:
        rest = rest.replace(word, "")
    if len(meanings) != 1:
        return None
    meaning, turning = meanings.pop(), load_names().turning
    return None if any(one in rest for one in (*turning[""], *turning.get(meaning, ()))) else meaning


def read_places(
    sheet: Sheet, found: Mapping[str, str], quality: Quality
) -> tuple[NDArray[np.float64], NDArray[np.float64], list[str]]:
    """Coordinates of each row, in the datum that the source declares: nothing is transformed here.

    Degrees in `lon` and `lat`, else both in `lonlat`, else `x` and `y` in whatever system is declared. Longitude and latitude
    that are plainly swapped (one beyond 90°) are put right, with a doubt; where both lie below 90° a swap cannot be seen here.
    Zero for both, one without the other, and text that is no coordinate give NaN with a doubt: the row is then located by name.

    Returns
    -------
    x, y : arrays of float
        NaN where a row has no coordinates.
    list of str
        Problems with their rows: metres in a column of degrees, and degrees that do not exist.
    """
    cells = Cells(sheet, quality)
    x, y = np.full(len(sheet.rows), np.nan), np.full(len(sheet.rows), np.nan)
    problems: list[str] = []
    ways = [way for way in (("lon", "lat"), ("lonlat",), ("x", "y")) if all(field in found for field in way)]
    if len(ways) > 1:
        options = ["、".join(found[field] for field in way) for way in ways]
        quality.add(
            "places_several",
            source=sheet.source,
            row=str(sheet.header_row),
            used=options[0],
            unused="；".join(options[1:]),
        )
    for one, other in (("lon", "lat"), ("x", "y")):
        if not ways and (one in found) != (other in found):
            only = found[one if one in found else other]
            raise InputDataError(
                f"只有一列坐标“{only}” / there is only one column of coordinates, “{only}”",
                where=sheet.source,
                todo="补上另一列，或在配置的 columns 中写明 / add the other one, or state it in columns",
            )
    if not ways:
        return x, y, problems
    way = ways[0]
    columns = [cells.text(found[field]) for field in way]
    label = "、".join(found[field] for field in way)
    lat_first = way == ("lonlat",) and header_key(found["lonlat"]) in _LAT_FIRST
    for place, texts in enumerate(zip(*columns, strict=True)):
        if all(text is None for text in texts):
            continue
        shown = ", ".join(text or "—" for text in texts)
        if any(text is None for text in texts):
            cells.doubt("place_half", place, label, shown)
            continue
        angles = parse_pair(texts[0] or "") if len(way) == 1 else _both(texts[0] or "", texts[1] or "")
        if angles is None:
            cells.doubt("place_unread", place, label, shown)
            continue
        if angles[0].degrees == 0 == angles[1].degrees:
            cells.doubt("place_zero", place, label, shown)
            continue
        first, second, swapped = _ordered(*angles, way, lat_first)
        if swapped:
            cells.doubt("place_swapped", place, label, shown)
        if (abs(first) > 180 or abs(second) > 90) if way != ("x", "y") else max(abs(first), abs(second)) > _FARTHEST_M:
            zh, en = _impossible(first, second)
            problems.append(cells.line(place, f"“{label}”为 {shown[:50]}，{zh}", f"{shown[:50]} {en}"))
            continue
        x[place], y[place] = first, second
    return x, y, problems


def _both(first: str, second: str) -> tuple[Angle, Angle] | None:
    one, other = parse_angle(first), parse_angle(second)
    return (one, other) if one and other else None


def _impossible(x: float, y: float) -> tuple[str, str]:
    if max(abs(x), abs(y)) < 1000:
        return "不是可能的经纬度", "is no possible longitude and latitude"
    zh, en = probable_system(x, y)
    return f"不是经纬度，可能是{zh}", f"is no longitude and latitude: probably {en}"


def _ordered(first: Angle, second: Angle, way: tuple[str, ...], lat_first: bool) -> tuple[float, float, bool]:
    """East before north, and whether that is not the order that the columns promised."""
    a, b = first.degrees, second.degrees
    if way == ("x", "y"):
        # in Chinese surveying X is the northing, and columns x and y come either way round
        northing = 1.5e6 < abs(a) < 6.5e6 and (1e5 < abs(b) < 1e6 or 1.3e7 < abs(b) < 4.6e7)
        turned = northing or (abs(a) <= 90 < abs(b) <= 180)
        return (b, a, True) if turned else (a, b, False)
    if first.axis == "lat" or second.axis == "lon":
        return b, a, way != ("lonlat",)
    if first.axis or second.axis:
        return a, b, False
    if lat_first:
        a, b = b, a
    return (b, a, True) if abs(a) <= 90 < abs(b) <= 180 else (a, b, False)
