"""Class of every home for a kind, or for the complete circle: what maps draw, and what cells of a public release add up."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from xiqing_space.catalog import Band, Catalogue, Standard
from xiqing_space.coverage.by_home import AccessByHome
from xiqing_space.indicators.rules import covered

COVERED, PARTLY, NOT_COVERED, UNKNOWN = 0, 1, 2, 3


def home_classes(
    distances: AccessByHome, kind: str, standard: Standard, measure: str, bands: tuple[Band, ...]
) -> NDArray[np.uint8]:
    """Class of every home: covered for all target bands, for some, for none, or unknown."""
    hits: list[NDArray[np.bool_]] = []
    unknowns: list[NDArray[np.bool_]] = []
    for band in bands:
        mine = distances.of(kind, band.profile)
        distance = mine.walk_m if measure == "walk" else mine.straight_m
        hits.append(covered(distance, standard.limit_m(band)))
        unknowns.append(mine.unlinked if measure == "walk" else np.isnan(distance))
    every, some = np.logical_and.reduce(hits), np.logical_or.reduce(hits)
    classes = np.where(every, COVERED, np.where(some, PARTLY, NOT_COVERED))
    return np.where(np.logical_or.reduce(unknowns), UNKNOWN, classes).astype(np.uint8)


def circle_classes(
    distances: AccessByHome, catalogue: Catalogue, mapped: set[str], classes: tuple[int, int, int, int]
) -> NDArray[np.uint8]:
    """Class of every home in the complete circle: all kinds on foot for the bands that need them, some, none, unknown.

    Parameters
    ----------
    mapped : set of str
        Kinds that anybody mapped; others are left out, never counted as reached.
    classes : tuple of int
        Values for all, some, none, unknown.
    """
    hits, fails = [], []
    for kind in catalogue.circle:
        if kind not in mapped:
            continue
        standard = catalogue.standards_of(kind)[0]
        for band in catalogue.target_bands(kind):
            mine = distances.of(kind, band.profile)
            hits.append(covered(mine.walk_m, standard.limit_m(band)))
            fails.append(~hits[-1] & ~mine.unlinked)
    every, some, fail = np.logical_and.reduce(hits), np.logical_or.reduce(hits), np.logical_or.reduce(fails)
    whole, part, nothing, unknown = classes
    known = np.where(every, whole, np.where(some, part, nothing))
    return np.where(every | fail, known, unknown).astype(np.uint8)
