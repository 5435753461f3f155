"""Invented names of the sample district, as a bureau's list has them, and as maps and POI exports write them instead."""

from __future__ import annotations

import re

from xiqing_space.sample.district import NEEDS, ZONES, District, Site
from xiqing_space.sample.district_streets import Tags

_FIRST = "柳槐桃杏梅兰竹菊枫榆松桐荷芦枣云月星晨霞溪湖泉澜鹭雁鹤燕"
_SECOND = "香雅锦瑞和嘉悦景春安宁丰泽清文"
_ESTATE = ("花园", "家园", "里", "新苑", "雅居", "公寓", "小区", "名邸")
_DIGITS = "零一二三四五六七八九"
SECONDARY = {"junior": "初中", "nine_year": "九年一贯制", "complete": "完全中学", "senior": "高中"}
STAGE = {"primary": "小学", **SECONDARY, "special": "特殊教育"}
ISCED = {"primary": "1", "junior": "2", "nine_year": "1;2", "complete": "2;3", "senior": "3"}
_SUFFIX = {
    "childcare": "托育园", "clinic": "社区卫生服务中心", "health_station": "社区卫生服务站", "hospital": "医院",
    "pocket_park": "口袋公园", "park": "公园", "library": "图书馆", "culture": "文化中心", "sports": "健身广场足球场",
    "childrens_place": "儿童之家", "community_service": "社区服务中心", "family_school": "家长学校",
}  # fmt: skip
HOSTILE = {  # one each that looks like markup or like a formula, which no page and no table may obey
    ("kindergarten", 58): '示例区<b>星星</b>"幼儿园', ("library", 3): "=1+2示例图书馆", ("clinic", 5): "示例<script>社区卫生服务中心",
    ("park", 7): "=HYPERLINK(示例)公园", ("childcare", 9): "@示例&<i>托育园",
}  # fmt: skip
PUBLIC, INCLUSIVE = 31, 46  # kindergartens; the rest of the 115 is private


def numeral(number: int) -> str:
    """A number below 100 in Chinese."""
    tens, ones = divmod(number, 10)
    return ("" if tens < 2 else _DIGITS[tens]) + ("十" if tens else "") + (_DIGITS[ones] if ones or not tens else "")


def word(number: int) -> str:
    """An invented two-character name; different for the first 420 numbers."""
    return _FIRST[number % len(_FIRST)] + _SECOND[(number * 7 + number // len(_FIRST)) % len(_SECOND)]


def zone_base(zone: str) -> str:
    """The two characters of a zone's name."""
    return next(name for _, one, name, _ in ZONES if one == zone)[3:5]


def standing(number: int) -> str:
    """办别 of a kindergarten by its number: the public ones lie spread among the others."""
    spread = (number * 47) % 115
    return "公办" if spread < PUBLIC else "普惠民办" if spread < PUBLIC + INCLUSIVE else "民办"


def site_name(site: Site, public_before: int = 0) -> str:
    """The full name, as the responsible bureau writes it."""
    if (site.kind, site.number) in HOSTILE:
        return HOSTILE[site.kind, site.number]
    base, own = (
        zone_base(site.zone),
        word(site.number * 5 + list(NEEDS).index(site.kind) * 3 if site.kind in NEEDS else site.number),
    )
    if site.kind == "kindergarten":
        if standing(site.number) == "公办":
            if public_before in (9, 19, 29):  # a branch is a campus of its own
                return f"示例区第{numeral(public_before)}幼儿园（{base}分园）"
            return f"示例区第{numeral(public_before + 1)}幼儿园"
        return f"示例区{base}{own}{('', '', '双语', '艺术', '阳光')[site.number % 5]}幼儿园"
    count = numeral(site.number + 1)
    return {
        "primary": f"示例区{base}{own}小学" if site.number % 3 else f"示例区第{count}小学",
        "junior": f"示例区第{count}初级中学",
        "nine_year": f"示例区{base}九年一贯制学校",
        "complete": f"示例区第{count}中学",
        "senior": "示例区高级中学" if site.number == 0 else f"示例区{base}高级中学",
        "special": "示例区启明特殊教育学校",
        "clinic": f"示例区{base}{'街道' if site.zone < 'S06' else '镇'}{'社区卫生服务中心' if site.zone < 'S06' or site.number % 2 else own + '卫生院'}",
    }.get(site.kind) or f"示例{base}{own}{_SUFFIX[site.kind]}"


def name_sites(drawing: District) -> dict[Site, str]:
    """The full name of every site; no two alike."""
    found: dict[Site, str] = {}
    taken: set[str] = set()
    public = 0
    for site in sorted(drawing.sites, key=lambda one: (one.kind, one.number)):
        name = site_name(site, public)
        public += site.kind == "kindergarten" and standing(site.number) == "公办"
        if name in taken:
            name = re.sub(r"(?=(幼儿园|小学|学校|社区卫生|卫生院|$))", numeral(site.number + 2), name, count=1)
        taken.add(name)
        found[site] = name
    return found


def written(name: str, way: int) -> str:
    """A name as somebody else writes it; ways 0 to 4 keep it, 5 and 6 drop the district, later ones need a second look."""
    short = name.removeprefix("示例区")
    if way < 5 or short == name:
        return name
    if way < 7:
        return short
    if way == 7:
        return re.sub(r"^第(.{1,3})(幼)儿园", r"\1幼", re.sub(r"^第(.{1,3})(小|中)学$", r"\1\2", short))
    if way == 8:
        return (
            short.replace("（", "-").replace("）", "").replace("幼儿园", "幼稚园" if "分园" not in name else "幼儿园")
        )
    return re.sub(r"(双语|艺术|阳光)", "", short) + "（示例）"


def area_names(drawing: District) -> list[str]:
    """A name for each compound and village, in the drawing's order; no two alike within the district."""
    found = []
    for number, compound in enumerate(drawing.compounds):
        if compound.village:
            found.append(f"示例{word(number)}{'庄洼村堡'[number % 4]}{'村' if number % 4 != 2 else ''}")
        else:
            found.append(word(number) + _ESTATE[(number // 420 + number) % len(_ESTATE)])
    seen: dict[str, int] = {}
    for row, name in enumerate(found):
        seen[name] = seen.get(name, 0) + 1
        if seen[name] > 1:
            found[row] = f"{name}{numeral(seen[name])}期" if "村" not in name else f"{name[:-1]}{numeral(seen[name])}村"
    return found


def osm_tags(site: Site, name: str) -> Tags:
    """Tags of a mapped site: schools sometimes without a level, or with a wrong one."""
    tags = dict(NEEDS[site.kind].tags) if site.kind in NEEDS else {"leisure": "park"}
    tags["name"] = written(name, (site.number * 7 + 3) % 10)
    if site.kind == "kindergarten" and site.number % 2:
        tags["operator:type"] = "public" if standing(site.number) == "公办" else "private"
    if site.kind in ISCED and site.number % 3:
        tags["isced:level"] = "1" if (site.kind, site.number) == ("junior", 4) else ISCED[site.kind]
    if site.kind == "health_station":
        tags["healthcare"] = "centre"
    if site.kind == "sports":
        tags["sport"] = "soccer"
    return tags
