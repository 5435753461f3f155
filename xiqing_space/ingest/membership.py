"""街镇–社区–小区: which zone a row of a table belongs to, by names that offices write in several ways."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import pandas as pd

from xiqing_space.ingest.counts import plain
from xiqing_space.ingest.people_steps import DISTRICT
from xiqing_space.ingest.quality import Quality

PREFIXES = ("天津市西青区", "西青区", "天津市")
_SUFFIXES = (
    "街道办事处", "镇人民政府", "乡人民政府", "地区办事处", "街道办", "镇政府", "乡政府", "街道", "镇", "乡", "街",
    "社区居民委员会", "社区居委会", "村民委员会", "居民委员会", "村委会", "居委会", "社区", "村",
)  # fmt: skip
_BY_LENGTH = tuple(sorted(_SUFFIXES, key=len, reverse=True))
KINDS = {
    "renamed": "renamed", "更名": "renamed", "merged": "merged", "并入": "merged", "合并": "merged", "撤并": "merged",
    "village_to_community": "village_to_community", "撤村建居": "village_to_community", "村改居": "village_to_community",
    "outside": "outside", "区外": "outside",
}  # fmt: skip
RENAMED = ("renamed", "village_to_community")  # one place before and after: both beside each other count it twice
_LONGEST_CHAIN = 10


def plain_name(name: object, prefixes: Sequence[str] = PREFIXES) -> str:
    """A name without blanks, full-width forms and the city's and district's own names in front of it."""
    text = re.sub(r"\s+", "", plain(name))
    for prefix in sorted(prefixes, key=len, reverse=True):
        if text.startswith(prefix) and len(text) > len(prefix) + 1:
            return text[len(prefix) :]
    return text


def core_name(name: str) -> str:
    """A name without 街道, 镇, 社区, 村 … at its end; at least two characters stay."""
    for suffix in _BY_LENGTH:
        if name.endswith(suffix) and len(name) - len(suffix) >= 2:
            return name[: -len(suffix)]
    return name


def settlement_of(name: str) -> str | None:
    """Whether the end of a name says that it is a community (urban) or a village (rural); None where it says neither."""
    if name.endswith(("村", "村委会", "村民委员会")):
        return "rural"
    return "urban" if name.endswith(("社区", "居委会", "居民委员会")) else None


@dataclass(frozen=True)
class Reconciled:
    """`mapping`: row, town, community, compound, zone_id, how, unplaced, reason. `problems`: 中文 / English, each with its row.

    `alias_problems` are those of the alias table itself.

    `how`: id, exact, alias, suffix, parent (only the level above is known), outside or unmatched.
    """

    mapping: pd.DataFrame
    problems: tuple[str, ...]
    alias_problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Found:
    zone: str | None
    how: str
    why: tuple[str, str] = ("", "")


@dataclass
class _Names:
    """Names of some zones: as they stand, and without their suffix."""

    label: dict[str, str]
    exact: dict[str, list[str]] = field(default_factory=dict)
    core: dict[str, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for zone, name in sorted(self.label.items()):
            self.exact.setdefault(name, []).append(zone)
            self.core.setdefault(core_name(name), []).append(zone)


@dataclass
class _Aliases:
    new_of: dict[str, set[str]] = field(default_factory=dict)
    old_of: dict[str, set[str]] = field(default_factory=dict)
    outside: set[str] = field(default_factory=set)

    def ends(self, name: str) -> set[str] | None:
        """The names that a name has become; None for a circle."""
        ends, todo = set(), [(name, 0)]
        while todo:
            one, steps = todo.pop()
            if steps > _LONGEST_CHAIN:
                return None
            nexts = self.new_of.get(one, set())
            if not nexts and one != name:
                ends.add(one)
            todo += [(new, steps + 1) for new in sorted(nexts)]
        return ends


def _read_aliases(aliases: pd.DataFrame | None, prefixes: Sequence[str], problems: list[str]) -> _Aliases:
    found = _Aliases()
    if aliases is None or not len(aliases):
        return found
    for place, one in enumerate(aliases.to_dict("records")):
        row = one.get("row", place + 2)
        at = f"别名表第 {row} 行 / alias table, row {row}"
        old, new = plain_name(one.get("old"), prefixes), plain_name(one.get("new"), prefixes)
        kind = KINDS.get(plain(one.get("kind")).lower())
        date = plain(one.get("date"))
        if not old:
            problems.append(f"{at}: 旧名为空 / no old name")
        elif kind is None:
            problems.append(f"{at}: 类型“{plain(one.get('kind'), 20)}”应为更名、并入、撤村建居或区外 / unknown kind")
        elif date and not re.fullmatch(r"\d{4}([-/.年]\d{1,2}([-/.月]\d{1,2}日?)?月?)?年?", date):
            problems.append(f"{at}: 日期“{date[:20]}”无法读取 / the date cannot be read")
        elif kind == "outside":
            found.outside.add(old)
        elif not new or new == old:
            problems.append(f"{at}: 新名为空或与旧名相同 / no new name, or the old one again")
        else:
            found.new_of.setdefault(old, set()).add(new)
            found.old_of.setdefault(new, set()).add(old)
    for old in sorted(found.new_of):
        if found.ends(old) is None:
            problems.append(f"别名表循环：{old} / the alias table goes in a circle: {old}")
    return found


def _pick(zones: Iterable[str], names: _Names, how: str) -> _Found | None:
    hits = sorted(set(zones))
    if len(hits) == 1:
        return _Found(hits[0], how)
    if hits:
        shown = "、".join(f"{names.label[one]}（{one}）" for one in hits[:5])
        return _Found(None, "unmatched", (f"可能为：{shown}", f"may be any of: {shown}"))
    return None


def _match(name: str, names: _Names, aliases: _Aliases) -> _Found:
    """The zone of a name: as it stands, by the alias table (either way), by its suffix."""
    if name in names.label:
        return _Found(name, "id")
    if found := _pick(names.exact.get(name, []), names, "exact"):
        return found
    if name in aliases.outside:
        return _Found(None, "outside")
    ends = aliases.ends(name)
    if ends is None:
        return _Found(None, "unmatched", ("别名表循环", "the alias table goes in a circle"))
    if ends:
        if ends <= aliases.outside:
            return _Found(None, "outside")
        if len(ends) > 1:
            shown = "、".join(sorted(ends))
            return _Found(
                None, "unmatched", (f"别名表给出多个新名：{shown}", f"the alias table has several new names: {shown}")
            )
        new = next(iter(ends))
        if found := _pick(names.exact.get(new, []) or names.core.get(core_name(new), []), names, "alias"):
            return found
    # the zones may still carry the old name
    if found := _pick(
        (zone for old in aliases.old_of.get(name, ()) for zone in names.exact.get(old, [])), names, "alias"
    ):
        return found
    if found := _pick(names.core.get(core_name(name), []), names, "suffix"):
        return found
    return _Found(None, "unmatched", ("图层与别名表中均无此名", "neither zones nor alias table have it"))


def reconcile_names(
    rows: pd.DataFrame, zones: pd.DataFrame, aliases: pd.DataFrame | None, quality: Quality, *, source: str = "",
    prefixes: Sequence[str] = PREFIXES,
) -> Reconciled:  # fmt: skip
    """The zone of each row of a table that names 街镇, 社区, 小区.

    Parameters
    ----------
    rows : DataFrame
        `row` (as the file numbers it), `town`, `community`; `compound` is carried along. Any may be empty or absent.
    zones : DataFrame
        zone_id, name, parent_id: 街镇, or 社区 with their 街镇 as parent.
    aliases : DataFrame or None
        old, new, kind (更名, 并入, 撤村建居, 区外), date, row.
    quality : Quality
        Gets each name that was matched by its suffix only, by nothing, or that lies outside.
    source : str
        File, for messages.
    prefixes : sequence of str
        Names of city and district that may stand in front.

    Returns
    -------
    Reconciled
        One mapping row per row, in the order given. A name that fits no zone, or more than one, keeps its people: `unplaced`
        at the nearest level known, `*` (the district) where not even the 街镇 is.
    """
    problems: list[str] = []
    table = _read_aliases(aliases, prefixes, problems)
    of_aliases = tuple(problems)
    label = {str(zone): plain_name(name, prefixes) for zone, name in zip(zones["zone_id"], zones["name"], strict=True)}
    parents = zones["parent_id"].tolist() if "parent_id" in zones.columns else [None] * len(zones)
    parent = {
        str(zone): one for zone, one in zip(zones["zone_id"], parents, strict=True) if isinstance(one, str) and one
    }
    for one in sorted(set(parent.values()) - set(label)):
        label[one] = plain_name(one, prefixes)
    everything = _Names(label)
    towns = _Names({zone: name for zone, name in label.items() if zone not in parent})
    under: dict[str, dict[str, str]] = {}
    for zone, above in parent.items():
        under.setdefault(above, {})[zone] = label[zone]
    children = {above: _Names(mine) for above, mine in under.items()}
    out = []
    for place, one in enumerate(rows.to_dict("records")):
        row = str(one.get("row", place + 2))
        town, community = plain_name(one.get("town"), prefixes), plain_name(one.get("community"), prefixes)
        found, name = _match_row(town, community, everything, towns, children, table)
        unplaced = found.how in ("unmatched", "parent")
        if unplaced:
            problems.append(f"第 {row} 行 / row {row}: “{name}” {found.why[0]} / {found.why[1]}")
            quality.add("name_unmatched", source=source, row=row, name=name, why=found.why)
        elif found.how == "suffix":
            quality.add("name_by_suffix", source=source, row=row, name=name, zone=label[str(found.zone)])
        elif found.how == "outside":
            quality.add("name_outside", source=source, row=row, name=name)
        owner = found.zone or (None if found.how == "outside" else DISTRICT)
        out.append((row, town, community, plain(one.get("compound")), owner, found.how, unplaced,
                    "name_unmatched" if unplaced else None))  # fmt: skip
    columns = ["row", "town", "community", "compound", "zone_id", "how", "unplaced", "reason"]
    mapping = pd.DataFrame(out, columns=columns).astype({"unplaced": bool})
    return Reconciled(mapping, tuple(problems), of_aliases)


def _match_row(
    town: str, community: str, everything: _Names, towns: _Names, children: dict[str, _Names], aliases: _Aliases
) -> tuple[_Found, str]:
    """The zone of one row, and the name that decided."""
    if not town and not community:
        return _Found(None, "unmatched", ("街镇与社区均为空", "neither town nor community is named")), ""
    if not town:
        return _match(community, everything, aliases), community
    above = _match(town, towns, aliases)
    if above.zone is None:
        if above.how != "unmatched" or not community or not children:
            return above, town
        inner = _match(
            community, everything, aliases
        )  # an unknown 街镇 may still have a 社区 of a name found once only
        return (inner, community) if inner.how in ("id", "exact") else (above, town)
    if not community or above.zone not in children:
        return above, town
    inner = _match(community, children[above.zone], aliases)
    if inner.how != "unmatched":
        return inner, community
    return _Found(above.zone, "parent", inner.why), community
