"""Which sheets there are under maps/figures/: of the district, each zone, and the schools to improve first."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from xiqing_space.catalog import Catalogue
from xiqing_space.maps.atlas import KINDS_DRAWN
from xiqing_space.maps.places import walked_kinds
from xiqing_space.release import Reader
from xiqing_space.safety.problems import first_schools

SCHOOLS_DRAWN = 20
CIRCLE = "circle"


@dataclass(frozen=True)
class Figure:
    """One pair of files. `theme`: reach or routes; `what`: district, zone or school; `about`: kind, zone or school."""

    theme: str
    what: str
    about: str
    title: str
    stem: Path

    @property
    def png(self) -> Path:
        """The picture, 300 dpi."""
        return self.stem.with_suffix(".png")

    @property
    def svg(self) -> Path:
        """Its twin for print."""
        return self.stem.with_suffix(".svg")


def list_figures(store: Reader, catalogue: Catalogue, folder: Path) -> list[Figure]:
    """The sheets of a run: the district's first, then zones by id, then schools in the order in which to improve them.

    Parameters
    ----------
    folder : Path
        `maps/figures/` of the run.
    """
    reached = drawn_kinds(store, catalogue)
    found = []
    for number, kind in enumerate(reached):
        title = catalogue.word("circle")[0] if kind == CIRCLE else catalogue.kinds[kind].zh
        stem = "action02_child_space_review" if number == 0 else f"action02_{kind}"
        found.append(Figure("reach", "district", kind, title, folder / stem))
    found.append(Figure("routes", "district", "*", "", folder / "action13_school_routes_review"))
    zones = store.get("zones").sort_values("zone_id")
    if len(zones) > 1:
        for zone, name in zip(zones["zone_id"], zones["name"], strict=True):
            if reached:
                found.append(Figure("reach", "zone", zone, name, folder / f"zone_{_safe(zone)}_reach"))
            found.append(Figure("routes", "zone", zone, name, folder / f"zone_{_safe(zone)}_routes"))
    for number, school in enumerate(first_schools(store.get("schools"), SCHOOLS_DRAWN).itertuples(index=False), 1):
        title = school.name if isinstance(school.name, str) else ""
        found.append(Figure("routes", "school", school.school_id, title, folder / f"school_{number:02d}"))
    return found


def drawn_kinds(store: Reader, catalogue: Catalogue) -> list[str]:
    """The complete circle, and the kinds that have a sheet of their own, where anybody mapped them."""
    walked = walked_kinds(store)
    kinds = [kind for kind in KINDS_DRAWN if kind in walked and catalogue.standards_of(kind)]
    return [CIRCLE, *kinds] if walked.intersection(catalogue.circle) else kinds


def _safe(name: str) -> str:
    """A zone id as a file name."""
    return re.sub(r"[^0-9A-Za-z_-]+", "_", name).strip("_")[:40] or "zone"
