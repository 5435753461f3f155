"""小区, 社区 and 街镇 that a table of assignment names: which compound or zone each is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import shapely

from xiqing_space.ingest.compound_files import plain
from xiqing_space.ingest.membership import PREFIXES, core_name, plain_name
from xiqing_space.ingest.quality import Quality

_WORDS = {"compound": ("小区", "compound"), "community": ("社区", "community"), "zone": ("街镇", "town")}
_SHOWN = 3


@dataclass
class Units:
    """Compounds and zones by name.

    Parameters
    ----------
    compounds : DataFrame
        compound_id, name, geometry: walled ones and open ones.
    zones : DataFrame
        zone_id, name, parent_id, geometry.
    membership : DataFrame
        community and compound of each row, as the membership table names them; empty where there is none.
    areas : tuple of str
        Names of city and district that may stand in front.
    """

    compounds: pd.DataFrame
    zones: pd.DataFrame
    membership: pd.DataFrame
    areas: tuple[str, ...] = ()
    _compound: dict[str, list[str]] = field(default_factory=dict)
    _zone_of: dict[str, str] = field(default_factory=dict)
    _inside: dict[str, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Look-up tables."""
        ordered = self.compounds.sort_values("compound_id", kind="stable")
        for identity, name in zip(ordered["compound_id"], ordered["name"], strict=True):
            for word in {plain(identity), plain(name)} - {""}:
                self._compound.setdefault(word, []).append(str(identity))
        self._zone_of = _zones_of(ordered, self.zones)
        for community, compound in self.membership[["community", "compound"]].itertuples(index=False):
            if isinstance(community, str) and isinstance(compound, str):
                self._inside.setdefault(self._plain(community), []).append(compound)
        labels = zip(self.zones["zone_id"], self.zones["name"], self.zones["parent_id"], strict=True)
        self._label = [(str(one), self._plain(name), isinstance(above, str)) for one, name, above in labels]

    def _plain(self, name: str) -> str:
        return plain_name(name, (*PREFIXES, "".join(self.areas), *self.areas))

    def find(
        self, unit: str, text: str, above: Mapping[str, str | None], source: str, row: str, quality: Quality
    ) -> list[tuple[str, str | None]]:
        """What a name stands for: pairs of unit and id, one or (a 社区 taken apart) several; the id is None where it fits nothing.

        Parameters
        ----------
        unit : {"compound", "community", "zone"}
        text : str
            The name.
        above : mapping
            What the row says of the coarser levels; it tells compounds of one name apart.
        """
        if unit == "compound":
            hits, why = self._compounds(text, above)
        else:
            hits, why = self._zones(text, unit == "community")
            if len(hits) == 1:
                return [("zone", hits[0])]
            if unit == "community" and not hits and (inner := self._inside.get(self._plain(text))):
                return self._of_community(inner, text, above, source, row, quality)
        if len(hits) == 1:
            return [(unit, hits[0])]
        if hits:
            shown = "、".join(hits[:_SHOWN])
            why = (f"有 {len(hits)} 个：{shown}", f"there are {len(hits)}: {shown}")
        quality.add("assignment_unmatched", source=source, row=row, unit=_WORDS[unit], name=text[:60], why=why)
        return [(unit, None)]

    def _compounds(self, text: str, above: Mapping[str, str | None]) -> tuple[list[str], tuple[str, str]]:
        hits = sorted(set(self._compound.get(plain(text), [])))
        if len(hits) > 1 and above.get("zone"):
            towns, _ = self._zones(str(above["zone"]), False)
            near = [one for one in hits if self._zone_of.get(one) in towns]
            hits = near if len(near) == 1 else hits
        return hits, ("图上和小区文件中没有", "no such compound on the map or in your file")

    def _zones(self, text: str, community: bool) -> tuple[list[str], tuple[str, str]]:
        """Zones of a name; a 社区 is never taken for the 街镇 of the same core (杨柳青社区 is not 杨柳青镇)."""
        name = self._plain(text)
        hits = [one for one, label, _ in self._label if name in (label, one)]
        hits = hits or [
            one for one, label, inner in self._label if inner == community and core_name(label) == core_name(name)
        ]
        where = "分区文件和隶属表" if community else "分区文件"
        also = " or the membership table" if community else ""
        return sorted(hits), (
            f"{where}中没有",
            f"neither the zones file{also} has it" if also else "the zones file has none",
        )

    def _of_community(
        self, inner: list[str], text: str, above: Mapping[str, str | None], source: str, row: str, quality: Quality
    ) -> list[tuple[str, str | None]]:
        """The 小区 of a 社区; those that cannot be found are listed together."""
        found, lost = [], []
        for one in dict.fromkeys(inner):
            hits, _ = self._compounds(one, above)
            found += hits if len(hits) == 1 else []
            lost += [one] if len(hits) != 1 else []
        if lost:
            why = (f"其 {len(lost)} 个小区不在图上：{'、'.join(lost[:_SHOWN])}",
                   f"{len(lost)} of its compounds are not on the map: {', '.join(lost[:_SHOWN])}")  # fmt: skip
            quality.add(
                "assignment_unmatched", source=source, row=row, unit=_WORDS["community"], name=text[:60], why=why
            )
        return [("compound", one) for one in dict.fromkeys(found)] or [("community", None)]


def _zones_of(compounds: pd.DataFrame, zones: pd.DataFrame) -> dict[str, str]:
    """The zone in which a compound's inner point lies."""
    if not len(compounds) or not len(zones):
        return {}
    points = shapely.point_on_surface(compounds["geometry"].to_numpy(dtype=object))
    ordered = zones.sort_values("zone_id", kind="stable")
    at, zone = shapely.STRtree(ordered["geometry"].to_numpy(dtype=object)).query(points, predicate="intersects")
    ids, names = compounds["compound_id"].to_numpy(dtype=object), ordered["zone_id"].to_numpy(dtype=object)
    order = np.argsort(-zone, kind="stable")  # of two zones the first stays
    return {str(ids[place]): str(names[one]) for place, one in zip(at[order], zone[order], strict=True)}
