"""The sample district's office files: a roster without coordinates, a POI export in GCJ-02, clinics, people, compounds."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xiqing_space.sample.district import UNMATCHED, ZONES, Site
from xiqing_space.sample.district_names import STAGE, standing, word, written, zone_base

NOTE = "示例数据 synthetic"
_POI_CLASS = {
    "kindergarten": "科教文化服务;学校;幼儿园", "primary": "科教文化服务;学校;小学", "junior": "科教文化服务;学校;中学",
    "nine_year": "科教文化服务;学校;中学", "complete": "科教文化服务;学校;中学", "senior": "科教文化服务;学校;中学",
    "special": "科教文化服务;学校;特殊教育学校", "childcare": "科教文化服务;科教文化场所;托育", "clinic": "医疗保健服务;综合医院;卫生院",
    "health_station": "医疗保健服务;诊所;诊所", "hospital": "医疗保健服务;综合医院;综合医院", "park": "风景名胜;公园广场;公园",
    "library": "科教文化服务;图书馆;图书馆", "culture": "科教文化服务;文化宫;文化宫", "childrens_place": "政府机构及社会团体;社会团体;社会团体",
}  # fmt: skip
_DECOYS = (
    ("口腔诊所", "医疗保健服务;诊所;诊所", 28),
    ("宠物诊所", "医疗保健服务;动物医疗场所;宠物诊所", 14),
    ("少儿培训中心", "科教文化服务;培训机构;培训机构", 10),
)


def to_gcj(lon: NDArray[np.float64], lat: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """WGS-84 to GCJ-02, degrees; the formula as published in open code."""
    x, y, pi = lon - 105.0, lat - 35.0, np.pi
    wave = (20 * np.sin(6 * x * pi) + 20 * np.sin(2 * x * pi)) * 2 / 3
    north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * np.sqrt(np.abs(x)) + wave
    north += (20 * np.sin(y * pi) + 40 * np.sin(y / 3 * pi)) * 2 / 3
    north += (160 * np.sin(y / 12 * pi) + 320 * np.sin(y * pi / 30)) * 2 / 3
    east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * np.sqrt(np.abs(x)) + wave
    east += (20 * np.sin(x * pi) + 40 * np.sin(x / 3 * pi)) * 2 / 3
    east += (150 * np.sin(x / 12 * pi) + 300 * np.sin(x / 30 * pi)) * 2 / 3
    radians = lat / 180 * pi
    magic = 1 - 0.00669342162296594323 * np.sin(radians) ** 2
    north = north * 180 / (6378245.0 * (1 - 0.00669342162296594323) / (magic * np.sqrt(magic)) * pi)
    east = east * 180 / (6378245.0 / np.sqrt(magic) * np.cos(radians) * pi)
    return lon + east, lat + north


def _write_csv(path: Path, rows: list[list[Any]], encoding: str) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    path.write_bytes(text.getvalue().encode(encoding))


def _zone_name(zone: str) -> str:
    return next(name for _, one, name, _ in ZONES if one == zone)


def _address(site: Site) -> str:
    return f"{_zone_name(site.zone)}{site.street or '示例村路'}{7 + site.number * 13 % 190}号"


def write_roster(path: Path, names: dict[Site, str]) -> None:
    """教育名册.xlsx: kindergartens and schools as a bureau has them, without coordinates. Same bytes on each call."""
    from openpyxl import Workbook
    from openpyxl.styles import Alignment, Font

    book = Workbook()
    sites = sorted(
        names, key=lambda one: (one.zone, list(STAGE).index(one.kind) if one.kind in STAGE else -1, one.number)
    )
    plans: tuple[tuple[str, str, list[str]], ...] = (
        (
            "幼儿园",
            "示例区幼儿园名册",
            ["序号", "幼儿园名称", "办别", "地址", "所属街镇", "班数", "在园人数", "学位数", "备注"],
        ),
        (
            "中小学",
            "示例区中小学名册",
            ["序号", "学校名称", "学段", "办别", "地址", "所属街镇", "班数", "在校人数", "学位数", "备注"],
        ),
    )
    for number, (tab, title, header) in enumerate(plans):
        sheet = book.active if number == 0 else book.create_sheet()
        sheet.title = tab
        sheet.append([f"{title}（{NOTE}，纯属虚构）"])
        sheet.merge_cells(start_row=1, start_column=1, end_row=1, end_column=len(header))
        sheet["A1"].font, sheet["A1"].alignment = Font(bold=True, size=14), Alignment(horizontal="center")
        sheet.append(["填报日期：2025年12月31日", *[""] * (len(header) - 2), "单位：班、人"])
        sheet.append(header)
        chosen = [
            one
            for one in sites
            if (one.kind == "kindergarten") == (tab == "幼儿园") and one.kind in ("kindergarten", *STAGE)
        ]
        for row, site in enumerate(chosen):
            sheet.append([row + 1, *_roster_row(site, names[site])])
        for letter, wide in zip("ABCDEFGHIJ", (6, 34, 12, 34, 18, 18, 10, 10, 10, 10), strict=True):
            sheet.column_dimensions[letter].width = wide
        sheet.freeze_panes = "A4"
    buffer = io.BytesIO()
    book.properties.creator = book.properties.title = NOTE
    book.save(buffer)
    _settle_zip(buffer, path)


def _roster_row(site: Site, name: str) -> list[Any]:
    note = "分园" if "分园" in name else ""
    if site.kind == "kindergarten":
        who = standing(site.number)
        classes = 7 + site.number * 5 % 7
        places = classes * 30
        return [name, who, _address(site), _zone_name(site.zone), classes, places * (84 + site.number * 11 % 29) // 100,
                places, note]  # fmt: skip
    classes = {"primary": 26, "junior": 24, "nine_year": 36, "complete": 42, "senior": 36, "special": 9}[site.kind]
    classes += site.number * 5 % 13 if site.kind != "special" else 0
    size = {"primary": 45, "special": 12}.get(site.kind, 48)
    enrolled = classes * size * (82 + site.number * 7 % 25) // 100
    return [
        name,
        STAGE[site.kind],
        "公办",
        _address(site),
        _zone_name(site.zone),
        classes,
        enrolled,
        classes * size,
        note,
    ]


def _settle_zip(buffer: io.BytesIO, path: Path) -> None:
    """The workbook with every time stamp replaced by one and the same."""
    with zipfile.ZipFile(buffer) as source, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        for one in source.infolist():
            data = source.read(one)
            if one.filename == "docProps/core.xml":
                data = re.sub(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", b"2026-01-01T00:00:00Z", data)
            info = zipfile.ZipInfo(one.filename, (2026, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(info, data)


def write_pois(path: Path, names: dict[Site, str], lonlat: dict[Site, tuple[float, float]]) -> None:
    """poi.csv, GB18030, GCJ-02: what the map lacks, what it has too (5 to 40 m off, otherwise written), and decoys."""
    rows: list[list[Any]] = []
    places: list[tuple[float, float]] = []
    sites = [one for one in names if one.kind in _POI_CLASS]
    for row, site in enumerate(sites):
        kept = row % 7 < 4 if site.mapped else (site.kind == "kindergarten" or row % 6 > 0)
        if not kept or (site.kind == "kindergarten" and site.number in UNMATCHED):
            continue
        lon, lat = lonlat[site]
        if site.mapped:  # a point of 8 by 8 directions, metres over metres per degree
            off, turn = 5.0 + row * 11 % 36, (row * 5 % 8, row * 3 % 8)
            along = ((turn[0] - 3.5) / 5.0 * off, (turn[1] - 3.5) / 5.0 * off)
            lon, lat = lon + along[0] / 86_500.0, lat + along[1] / 111_000.0
        rows.append(
            [f"SL{len(rows):05d}", written(names[site], (row * 7 + 2) % 10), _POI_CLASS[site.kind], _address(site)]
        )
        places.append((lon, lat))
    anchors = [one for one in sites if one.kind in ("kindergarten", "childcare", "health_station")]
    for kind, (word_, klass, count) in enumerate(_DECOYS):
        for number in range(count):
            site = anchors[(number * 7 + kind * 31) % len(anchors)]
            lon, lat = lonlat[site]
            rows.append([f"SL{len(rows):05d}", f"示例{word(number * 3 + kind)}{word_}", klass, _address(site)])
            places.append((lon + (60 + 9 * (number % 8)) / 86_500.0, lat + (number % 5 - 2) * 30 / 111_000.0))
    east, north = (np.round(values, 6) for values in to_gcj(*np.asarray(places).T))
    head = ["编号", "名称", "类型", "地址", "经度", "纬度", "说明"]
    _write_csv(path, [head, *([*row, f"{x:.6f}", f"{y:.6f}", NOTE] for row, x, y in zip(rows, east, north, strict=True))],
               "gb18030")  # fmt: skip


def write_clinics(path: Path, names: dict[Site, str], lonlat: dict[Site, tuple[float, float]]) -> None:
    """clinics.csv, UTF-8 with a mark, WGS-84: centres and stations with their doctors."""
    rows: list[list[Any]] = [["机构名称", "类别", "经度", "纬度", "所属街镇", "地址", "全科医生", "儿保医生", "说明"]]
    for site, name in names.items():
        if site.kind in ("clinic", "health_station"):
            centre = site.kind == "clinic"
            doctors = (4 + site.number % 9, (2, 3, 1, 2, 4, 2)[site.number % 6]) if centre else (1 + site.number % 2, 0)
            kind = ("卫生院" if "卫生院" in name else "社区卫生服务中心") if centre else "社区卫生服务站"
            lon, lat = lonlat[site]
            rows.append([name, kind, f"{lon:.7f}", f"{lat:.7f}", _zone_name(site.zone), _address(site), *doctors, NOTE])
    _write_csv(path, rows, "utf-8-sig")


def write_people(path: Path, table: dict[str, list[int]]) -> None:
    """zones_population.csv, UTF-8 with a mark: residents of each zone, and children by year of age."""
    rows: list[list[Any]] = [["街镇编号", "街镇", "常住人口", *(f"{age}岁" for age in range(18)), "说明"]]
    rows += [[zone, _zone_name(zone), *numbers, NOTE] for zone, numbers in table.items()]
    _write_csv(path, rows, "utf-8-sig")


def write_membership(path: Path, members: list[tuple[str, str, bool]]) -> None:
    """membership.csv, UTF-8 with a mark: 街镇, 社区 or village, 小区; members are (zone, name, is a village)."""
    rows: list[list[Any]] = [["街镇", "社区（村）", "小区", "说明"]]
    count: dict[str, int] = {}
    for zone, name, village in sorted(members, key=lambda one: (one[0], one[2])):
        if village:
            rows.append([_zone_name(zone), f"{name}委会", name, NOTE])
            continue
        count[zone] = count.get(zone, 0) + 1
        community = f"{zone_base(zone)}{word(count[zone] // 5 * 3)}社区"
        rows.append([_zone_name(zone), community, name, NOTE])
    _write_csv(path, rows, "utf-8-sig")
