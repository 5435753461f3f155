"""Which school a name in an office's table means: by id, else by the name without prefixes and in its usual variants."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import pandas as pd

from xiqing_space.ingest.name_score import compare_names
from xiqing_space.ingest.names import NameParts, normalise, plain_text, strip_prefixes
from xiqing_space.ingest.sites import LEVELS, UNKNOWN_LEVEL

SCHOOL_KINDS = (*(one for one in LEVELS if one != "special_school"), UNKNOWN_LEVEL)
_SHOWN = 3


@dataclass(frozen=True)
class Found:
    """A school's site, or why there is none (Chinese, English)."""

    site_id: str | None
    why: tuple[str, str] = ("", "")


@dataclass(frozen=True)
class _School:
    site_id: str
    names: tuple[str, ...]
    parts: tuple[NameParts, ...]
    kinds: frozenset[str]
    status: str


class Schools:
    """The schools of the `facilities` table, to be found by name.

    Parameters
    ----------
    facilities : DataFrame
        facility_id, site_id, kind, name, status.
    kinds : collection of str
        Kinds of the catalogue that count as schools; special schools never do, for no route to them is made.
    zones, areas : sequence of str
        Names of towns, and of province, city and district, that may stand before a school's.
    """

    def __init__(
        self, facilities: pd.DataFrame, kinds: Collection[str], zones: Sequence[str] = (), areas: Sequence[str] = ()
    ) -> None:
        self._zones, self._areas = tuple(zones), tuple(areas)
        mine = facilities[facilities["kind"].isin(set(kinds) - {"special_school"})].sort_values("facility_id")
        self._sites: dict[str, _School] = {}
        self._by_text: dict[str, set[str]] = {}
        for site, rows in mine.groupby("site_id", sort=True):
            names = tuple(dict.fromkeys(one for one in rows["name"].tolist() if isinstance(one, str) and one))
            status = "operating" if (rows["status"] == "operating").any() else str(rows["status"].iloc[0])
            parts = tuple(normalise(one, self._zones, self._areas) for one in names)
            self._sites[str(site)] = _School(str(site), names, parts, frozenset(rows["kind"]), status)
            for text in (str(site), *rows["facility_id"].tolist(), *map(self._plain, names)):
                self._by_text.setdefault(text, set()).add(str(site))

    def __len__(self) -> int:
        """Number of schools."""
        return len(self._sites)

    def _plain(self, name: str) -> str:
        text = plain_text(name).replace(" ", "")
        return strip_prefixes(text, self._zones, self._areas)[0] if text else ""

    def name_of(self, site_id: str) -> str:
        """The school's name, empty where it has none."""
        return next(iter(self._sites[site_id].names), "")

    def find(self, name: str, kind: str | None = None) -> Found:
        """The school that a name means; none where it fits none or several.

        A planner may not take a hit for the bureau's word: two schools of one name in one town cannot be told apart here, and
        are left open.

        Parameters
        ----------
        name : str
            As listed, or a site_id or facility_id.
        kind : str, optional
            Kind of school that is meant; a school of unknown level may be it.
        """
        hits = self._by_text.get(name.strip()) or self._by_text.get(self._plain(name)) or self._alike(name)
        if not hits:
            near = self._nearest(name)
            hint = (f"；是否为“{near}”", f"; did you mean “{near}”") if near else ("", "")
            return Found(None, (f"没有这所学校{hint[0]}", f"there is no such school{hint[1]}"))
        open_ = {one for one in hits if self._sites[one].status == "operating"}
        if not open_:
            return Found(None, ("该校未在办", "that school is not operating"))
        fits = {one for one in open_ if kind is None or self._sites[one].kinds & {kind, UNKNOWN_LEVEL}}
        if not fits:
            return Found(None, ("该校不含所写学段", "that school has no such level"))
        if len(fits) > 1:
            shown = sorted(fits)[:_SHOWN]
            return Found(
                None, (f"有 {len(fits)} 所同名：{'、'.join(shown)}", f"{len(fits)} schools bear it: {', '.join(shown)}")
            )
        return Found(next(iter(fits)))

    def _alike(self, name: str) -> set[str]:
        """Schools whose name reads the same once numbers, kinds and campuses are taken apart (一小, 第一小学)."""
        wanted = normalise(name, self._zones, self._areas)
        if wanted.empty:
            return set()
        return {
            one.site_id
            for one in self._sites.values()
            for part in one.parts
            if part.key == wanted.key and (agreed := compare_names(wanted, part)).clear and agreed.score == 1.0
        }

    def _nearest(self, name: str) -> str:
        names = {self._plain(one): one for school in self._sites.values() for one in school.names}
        close = difflib.get_close_matches(self._plain(name), sorted(names), n=1, cutoff=0.6)
        return names[close[0]][:40] if close else ""
