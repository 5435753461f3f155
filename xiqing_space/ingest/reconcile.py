"""Counts held against totals that an office states: by campus, and by legal person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from xiqing_space.errors import InputDataError
from xiqing_space.ingest.quality import Quality

PRIVATE = ("private", "inclusive_private")
_LEVELS = ("primary_school", "junior_school", "senior_school")
RECONCILE_COLUMNS = (
    "label", "kinds", "operators", "stated", "by_site", "by_site_high", "by_legal_person", "n_without_legal_person",
    "difference_by_site", "difference_by_legal_person", "fits", "zh", "en",
)  # fmt: skip


@dataclass(frozen=True)
class Stated:
    """A total that an office states.

    Attributes
    ----------
    label : str
        What it is called in the table (115 所幼儿园其中公办 …); words of the user.
    kinds : tuple of str
        Kinds that count; a site with several of them counts once (初中 and 高中 of one school).
    total : int
        The stated number.
    operators : tuple of str
        Operators that count; empty for all. `PRIVATE` is what a bureau calls 民办.
    """

    label: str
    kinds: tuple[str, ...]
    total: int
    operators: tuple[str, ...] = ()


def reconcile(facilities: pd.DataFrame, stated: Sequence[Stated], quality: Quality | None = None) -> pd.DataFrame:
    """Counted against stated, by campus and by legal person.

    A planner may not read agreement as proof that each facility is right: errors of both kinds may cancel out.

    Parameters
    ----------
    facilities : DataFrame
        site_id, kind, operator, status; optional legal_person, inside (missing counts as inside: a row of the district's own list
        whose place is to be verified is one of its facilities). Only operating ones count.
    stated : sequence of Stated
        The totals; nothing is assumed.

    Returns
    -------
    DataFrame
        `RECONCILE_COLUMNS`. `by_site_high` adds sites whose operator is unknown to a count by operator. A site without a legal
        person is counted as one of its own, and `n_without_legal_person` says how many there were. `fits`: `by_site`,
        `by_legal_person`, `both`, `neither`, `within_unknown` (the stated total lies between by_site and by_site_high), `no_data`.

    Raises
    ------
    InputDataError
        A stated total is negative, or is given twice.
    """
    wrong = [one.label for one in stated if one.total < 0]
    wrong += sorted({one.label for one in stated if [other.label for other in stated].count(one.label) > 1})
    if wrong:
        raise InputDataError(
            "上报总数为负或重复 / stated totals are negative or given twice",
            first=wrong,
            todo="检查配置中的总数 / check the totals in the config",
        )
    counted = facilities[facilities["status"] == "operating"]
    if "inside" in counted:
        counted = counted[counted["inside"].map(lambda value: pd.isna(value) or bool(value))]
    lines = [_line(counted, one) for one in stated]
    for line in lines:
        if quality is not None and line["fits"] in ("neither", "within_unknown", "no_data"):
            quality.add("stated_total_differs", id=line["label"], sentence=(line["zh"], line["en"]))
    return pd.DataFrame(lines, columns=list(RECONCILE_COLUMNS))


def _owners(facilities: pd.DataFrame) -> tuple[int, int]:
    """Legal persons, a site without one counting by itself; and how many such sites there are."""
    if "legal_person" in facilities:
        named = facilities["legal_person"].map(lambda value: value.strip() if isinstance(value, str) else "")
    else:
        named = pd.Series("", index=facilities.index)
    # a site counts under the first name that any of its rows gives
    by_site = named.groupby(facilities["site_id"]).max()
    known = by_site[by_site != ""]
    without = int((by_site == "").sum())
    return known.nunique() + without, without


def _line(facilities: pd.DataFrame, stated: Stated) -> dict[str, Any]:
    mine = facilities[facilities["kind"].isin(stated.kinds)]
    n_mine = mine["site_id"].nunique()
    chosen = mine[mine["operator"].isin(stated.operators)] if stated.operators else mine
    sites = set(chosen["site_id"])
    unknown = set(mine.loc[mine["operator"].isna() | (mine["operator"] == "unknown"), "site_id"]) - sites
    high = len(sites) + (len(unknown) if stated.operators else 0)
    owners, without = _owners(chosen)
    others = facilities[facilities["kind"].isin(_LEVELS) & ~facilities["kind"].isin(stated.kinds)]
    several = len(sites & set(others["site_id"])) if set(stated.kinds) & set(_LEVELS) else 0
    fits = _fits(stated.total, len(sites), high, owners, n_mine)
    line: dict[str, Any] = {
        "label": stated.label, "kinds": ",".join(stated.kinds), "operators": ",".join(stated.operators), "stated": stated.total,
        "by_site": len(sites), "by_site_high": high, "by_legal_person": owners, "n_without_legal_person": without,
        "difference_by_site": len(sites) - stated.total, "difference_by_legal_person": owners - stated.total, "fits": fits,
    }  # fmt: skip
    return line | _sentences(line, several)


def _fits(total: int, sites: int, high: int, owners: int, n_mine: int) -> str:
    """Which of the two counts is the stated one."""
    if n_mine == 0 and total > 0:
        return "no_data"
    if sites == owners == total:
        return "both"
    if sites == total:
        return "by_site"
    if owners == total:
        return "by_legal_person"
    return "within_unknown" if sites < total <= high else "neither"


def _sentences(line: dict[str, Any], several: int) -> dict[str, str]:
    """The line as a sentence in both languages; `several`: schools that count at another level too."""
    stated, sites, owners, high = (line[key] for key in ("stated", "by_site", "by_legal_person", "by_site_high"))
    zh = f"{line['label']}：上报 {stated}，按校区（园区）{sites}，按法人 {owners}"
    en = f"{line['label']}: stated {stated}, {sites} by campus, {owners} by legal person"
    endings = {
        "both": ("；两种口径均与上报一致", "; both counts fit the stated total"),
        "by_site": ("；上报数与按校区口径一致", "; the stated total is the count by campus"),
        "by_legal_person": ("；上报数与按法人口径一致", "; the stated total is the count by legal person"),
        "within_unknown": (f"；另有 {high - sites} 处办园性质不详，上报数在此范围内",
                           f"; the operator of {high - sites} more is unknown, and the stated total lies within that"),
        "no_data": ("；没有此类设施的数据，无法核对", "; there are no data of this kind to compare"),
        "neither": (f"；两种口径均不一致（按校区差 {sites - stated:+d}，按法人差 {owners - stated:+d}）",
                    f"; neither count fits (by campus {sites - stated:+d}, by legal person {owners - stated:+d})"),
    }  # fmt: skip
    end_zh, end_en = endings[line["fits"]]
    if several:
        end_zh += (
            f"；其中 {several} 处兼有其他学段（九年一贯制、完全中学等），在每个学段各计一次，上报数可能只计入一个学段"
        )
        end_en += f"; {several} of them have other levels too (nine-year schools and the like) and count at each, while a stated total may count them at one"
    if line["n_without_legal_person"]:
        end_zh += f"；{line['n_without_legal_person']} 处未注明法人，各按一个法人计"
        end_en += f"; {line['n_without_legal_person']} state no legal person and count as one each"
    return {"zh": f"{zh}{end_zh}。", "en": f"{en}{end_en}."}
