"""What stands for children on a map: homes inside the office, cells of 200 m in a public release."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from xiqing_space.catalog import Catalogue, Standard
from xiqing_space.coverage.by_home import AccessByHome
from xiqing_space.indicators.home_classes import COVERED, NOT_COVERED, PARTLY, UNKNOWN, circle_classes, home_classes
from xiqing_space.maps.offline import encode_points, encode_steps, pack_classes
from xiqing_space.release import PublicTables, Reader

CIRCLE = "circle"


def walked_kinds(store: Reader) -> set[str]:
    """Kinds that somebody walks to."""
    if isinstance(store, PublicTables):
        return {view[0] for view in store.cells.classes}
    access = store.get("access")
    return set(access["kind"][access["distance_m"].notna()].unique())


class Places:
    """Homes, or cells, with their class for every view.

    Parameters
    ----------
    store : Reader
        Tables of the release.
    """

    def __init__(self, store: Reader, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self.cells = store.cells if isinstance(store, PublicTables) else None
        self._walked = walked_kinds(store)
        demand = store.get("demand")
        self.homes = demand[demand["inside"].to_numpy(bool) & demand["placed"].to_numpy(bool)]
        self._distances = AccessByHome(store.get("access"), self.homes["demand_id"])

    @property
    def shapes(self) -> Any:
        """Points of homes, or cells, degrees."""
        return (self.homes if self.cells is None else self.cells.cells).geometry

    def has_any(self, kind: str) -> bool:
        """Whether anybody walks to the kind."""
        return kind in self._walked

    def classes(self, kind: str, standard: Standard, measure: str) -> NDArray[np.uint8] | None:
        """Class of every place: 0 covered, 1 partly, 2 not covered, 3 unknown; of cells also 4, not shown."""
        if self.cells is not None:
            return self.cells.classes.get((kind, standard.id, measure))
        bands = self.catalogue.target_bands(kind) or tuple(self.catalogue.bands.values())
        return home_classes(self._distances, kind, standard, measure, bands)

    def circle(self) -> NDArray[np.uint8] | None:
        """Class of every place in the complete circle; None where no kind of it is mapped."""
        if self.cells is not None:
            return self.cells.classes.get((CIRCLE, CIRCLE, "walk"))
        mapped = self._walked.intersection(self.catalogue.circle)
        values = (COVERED, PARTLY, NOT_COVERED, UNKNOWN)
        return circle_classes(self._distances, self.catalogue, mapped, values) if mapped else None

    def encoded(self, classes: NDArray[np.uint8] | None) -> str | None:
        """Classes as a page reads them: packed for homes, a character each for cells."""
        if classes is None:
            return None
        return pack_classes(classes) if self.cells is None else "".join(map(str, classes.tolist()))

    def payload(self) -> dict[str, Any]:
        """Where the places are: `homes` as points, or `cells` as rings with their children."""
        if self.cells is None:
            return {"homes": encode_points(self.homes.geometry.to_numpy()), "cells": None}
        table = self.cells.cells
        rings: list[list[list[int]]] = [[] for _ in range(len(table))]
        parts, owner = shapely.get_parts(table.geometry.to_numpy(), return_index=True)
        for cell, line in zip(owner.tolist(), encode_steps(shapely.get_exterior_ring(parts)), strict=True):
            rings[cell].append(line)
        children = [None if np.isnan(one) else round(one) for one in table["children"].to_numpy(dtype=float)]
        return {"homes": [], "cells": {"rings": rings, "children": children}}
