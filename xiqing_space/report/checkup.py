"""The data check-up put together: frames in, frames out; page and workbook only write what stands here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from xiqing_space.catalog import Catalogue
from xiqing_space.catalog.checkup import CheckupRules, fits
from xiqing_space.errors import TableError

LIGHTS = ("contradictions", "gaps", "usable")
SOURCE_COLUMNS = ("source", "role", "rows", "date", "licence", "datum")
LIGHT_COLUMNS = (*SOURCE_COLUMNS, "light", "n_doubts", "top_zh", "top_en")
COUNT_COLUMNS = ("kind", "stated", "by_site", "by_legal_person", "difference", "zh", "en")
GROUP_COLUMNS = ("check", "severity", "n", "what_zh", "what_en", "what_to_do")
_COUNT_NAMES = {
    "label": "kind", "counted_by_site": "by_site", "counted_by_legal_person": "by_legal_person",
    "difference_by_site": "difference", "sentence_zh": "zh", "sentence_en": "en",
}  # fmt: skip
NO_DATE = ("未注明数据日期", "No date is stated")
_SEVERITIES = {"error": 0, "warning": 1, "info": 2}


@dataclass(frozen=True)
class Checkup:
    """All that page and workbook show.

    Attributes
    ----------
    area, organisation, language : str
        As configured.
    synthetic : bool
        Whether the data are the invented sample.
    lights : DataFrame
        `LIGHT_COLUMNS`: one row per source; `top_zh`, `top_en` are tuples of sentences.
    completeness : DataFrame or None
        Of `street_completeness`.
    counts : DataFrame or None
        `COUNT_COLUMNS`: counts against stated totals, where totals were given.
    returns : DataFrame
        Of `build_returns`.
    doubts : DataFrame
        Open doubts with `doubt_id`.
    changes : DataFrame or None
        Of `compare_doubts`; None at the first check.
    """

    area: str
    organisation: str
    language: str
    synthetic: bool
    lights: pd.DataFrame
    completeness: pd.DataFrame | None
    counts: pd.DataFrame | None
    returns: pd.DataFrame
    doubts: pd.DataFrame
    changes: pd.DataFrame | None
    rules: CheckupRules
    catalogue: Catalogue

    def tally(self, state: str) -> int:
        """How many doubts are settled, open or new since the last check."""
        return 0 if self.changes is None else int((self.changes["state"] == state).sum())

    @property
    def waiting(self) -> tuple[str, str] | None:
        """What must be said beside counts while rows of lists wait for a choice: one of them may be counted twice."""
        n = int((self.doubts["check"] == "match_to_confirm").sum())
        if not n:
            return None
        zh, en = self.catalogue.word("checkup_counts_waiting")
        return zh.format(n=f"{n:,}"), en.format(n=f"{n:,}")


def build_checkup(
    *,
    area: str,
    sources: pd.DataFrame,
    doubts: pd.DataFrame,
    returns: pd.DataFrame,
    catalogue: Catalogue,
    rules: CheckupRules,
    completeness: pd.DataFrame | None = None,
    counts: pd.DataFrame | None = None,
    changes: pd.DataFrame | None = None,
    synthetic: bool = False,
    organisation: str = "",
    language: str = "zh",
) -> Checkup:
    """Assemble the check-up.

    Parameters
    ----------
    sources : DataFrame
        `SOURCE_COLUMNS`: file name, role, number of rows (text or number; missing where not counted), date (empty where nobody states
        it), licence, datum.
    counts : DataFrame, optional
        `COUNT_COLUMNS`, or with their longer names (label, counted_by_site, difference_by_site, sentence_zh …).
    doubts, returns, completeness, changes : DataFrame
        As `Checkup` holds them. A doubt names its file in `source`, with the sheet in brackets where it has several.
    """
    if counts is not None:
        counts = _counts(counts, catalogue)
    return Checkup(
        area, organisation, language, synthetic, light_sources(sources, doubts, rules), completeness, counts, returns, doubts,
        changes, rules, catalogue,
    )  # fmt: skip


def _counts(counts: pd.DataFrame, catalogue: Catalogue) -> pd.DataFrame:
    """`COUNT_COLUMNS` of a comparison with stated totals, whose columns may carry longer names."""
    frame = counts.rename(columns={old: new for old, new in _COUNT_NAMES.items() if new not in counts.columns})
    if missing := sorted(set(COUNT_COLUMNS) - set(frame.columns)):
        raise TableError(f"counts: columns {missing} are missing")
    kinds = {kind.id: f"{kind.zh} / {kind.en}" for kind in catalogue.kinds.values()}
    return frame.assign(kind=[kinds.get(one, one) for one in frame["kind"]])[list(COUNT_COLUMNS)]


def light_sources(sources: pd.DataFrame, doubts: pd.DataFrame, rules: CheckupRules) -> pd.DataFrame:
    """A traffic light per source.

    `usable` means that nothing was found, never that the data are right.

    Returns
    -------
    DataFrame
        `LIGHT_COLUMNS`, the gravest first and then by name. Doubts that name no source, or one that is not in the list, get lines of their
        own: the whole has the empty name.
    """
    named = list(dict.fromkeys(sources["source"]))
    owner = doubts["source"].map(lambda source: _owner(source, named))
    rows = []
    for one in sources.drop_duplicates("source").to_dict("records"):
        rows.append(_light(one, doubts[owner == one["source"]], rules, no_date=not one["date"]))
    for source in sorted(set(owner) - set(named)):
        empty = {"source": source, "role": "", "rows": None, "date": "", "licence": "", "datum": ""}
        rows.append(_light(empty, doubts[owner == source], rules, no_date=False))
    frame = pd.DataFrame(rows, columns=list(LIGHT_COLUMNS))
    rank = frame["light"].map({light: number for number, light in enumerate(LIGHTS)})
    whole = frame["source"] == ""
    order = frame.assign(_whole=whole, _rank=rank).sort_values(["_whole", "_rank", "source"], kind="stable")
    return order[list(LIGHT_COLUMNS)].reset_index(drop=True)


def _owner(source: str, named: list[str]) -> str:
    """The file that a doubt's source names, its sheet or cell left out."""
    for one in sorted(named, key=len, reverse=True):
        if source == one or source.startswith(f"{one}["):
            return one
    return source


def _light(source: dict[str, Any], doubts: pd.DataFrame, rules: CheckupRules, *, no_date: bool) -> dict[str, Any]:
    contradicts = doubts["check"].map(lambda check: fits(check, rules.lights.contradictions)).to_numpy(dtype=bool)
    counted = doubts["check"].map(lambda check: fits(check, rules.lights.gaps)).to_numpy(dtype=bool)
    grave = (doubts["severity"] != "info").to_numpy(dtype=bool) | counted
    light = "contradictions" if contradicts.any() else "gaps" if grave.any() or no_date else "usable"
    groups = group_doubts(doubts, rules)
    top = [(_worded(one, 0), _worded(one, 1)) for one in groups.head(rules.lights.shown).itertuples(index=False)]
    if no_date and "date_unknown" not in set(groups["check"]):
        top = [*top[: rules.lights.shown - 1], NO_DATE]
    return {
        **{key: source.get(key) for key in SOURCE_COLUMNS}, "light": light, "n_doubts": len(doubts),
        "top_zh": tuple(zh for zh, _ in top), "top_en": tuple(en for _, en in top),
    }  # fmt: skip


def _worded(group: Any, language: int) -> str:
    text = str((group.what_zh, group.what_en)[language])
    more = group.n - 1
    if not more:
        return text
    return f"{text}（另有 {more} 项同类）" if language == 0 else f"{text} ({more} more of the kind)"


def group_doubts(doubts: pd.DataFrame, rules: CheckupRules) -> pd.DataFrame:
    """Doubts of one check put together: contradictions first, then by severity, then remarks that count as a gap.

    Returns
    -------
    DataFrame
        `GROUP_COLUMNS`; the wording is that of the first doubt of the check.
    """
    first = doubts.drop_duplicates("check")
    count = doubts["check"].value_counts()
    frame = first.assign(n=[int(count[check]) for check in first["check"]])
    contradicts = [not fits(check, rules.lights.contradictions) for check in frame["check"]]
    remark = [not fits(check, rules.lights.gaps) for check in frame["check"]]
    rank = frame["severity"].map(_SEVERITIES)
    order = frame.assign(_contradicts=contradicts, _rank=rank, _remark=remark)
    order = order.sort_values(["_contradicts", "_rank", "_remark", "check"], kind="stable")
    return order[list(GROUP_COLUMNS)].reset_index(drop=True)
