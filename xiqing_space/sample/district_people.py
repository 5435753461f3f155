"""The sample district's people: an invented table by zone and year of age, and an invented raster, that add up exactly.

Ages are spread as the census of 2020 counted them in a district of this size (0: 6,962; 1–4: 47,268; 5–9: 48,161; 10–14:
38,707; 7,000 a year from 15 on), scaled to the plan's 168,400. The table is dated 31 December 2025, the year of the map, so
that no cohort has to be moved before its sums can be compared with the plan.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

PEOPLE, CHILDREN = 1_188_800, 168_400  # of them aged 0 to 17
BASE_YEAR = 2025
COUNTED = "resident"
CELL_M = 200.0
_BANDS = ((0, 0, 6962.0), (1, 4, 47268.0), (5, 9, 48161.0), (10, 14, 38707.0), (15, 17, 21000.0))
# children against the mean: many where flats are new, few in old villages
_YOUNG = {"S01": 0.96, "S02": 1.1, "S03": 1.12, "S04": 1.05, "S05": 1.14, "S06": 0.86, "S07": 0.98, "S08": 0.84,
          "S09": 1.04, "S10": 1.0, "S11": 0.82, "S12": 0.85}  # fmt: skip


def share_out(total: int, weights: NDArray[np.float64]) -> NDArray[np.int64]:
    """Whole numbers in proportion to weights that add up to the total; the largest remainders are rounded up."""
    exact = weights / weights.sum() * total
    whole: NDArray[np.int64] = np.floor(exact).astype(np.int64)
    # remainders compared as they print, so that noise in the last bit decides nothing
    order = np.lexsort((np.arange(len(whole)), -np.round(exact - whole, 9)))
    whole[order[: total - int(whole.sum())]] += 1
    return whole


def _years() -> NDArray[np.float64]:
    """Children of each year of age from 0 to 17, as weights: each band of the census split evenly."""
    found: NDArray[np.float64] = np.concatenate(
        [np.full(last - first + 1, people / (last - first + 1)) for first, last, people in _BANDS]
    )
    return found


def people_table(homes: list[tuple[int, str, float]], zones: list[str]) -> dict[str, list[int]]:
    """All residents and children by year of age of each zone: {zone: [all, age 0, …, age 17]}."""
    weights = np.asarray([sum(weight for _, zone, weight in homes if zone == one) for one in zones])
    everyone = share_out(PEOPLE, weights)
    children = share_out(CHILDREN, everyone * np.asarray([_YOUNG[zone] for zone in zones]))
    return {
        zone: [int(everyone[row]), *share_out(int(children[row]), _years()).tolist()] for row, zone in enumerate(zones)
    }


def write_raster(path: Any, places: NDArray[np.float64], homes: list[tuple[int, str, float]],
                 table: dict[str, list[int]]) -> None:  # fmt: skip
    """Persons per 200 m cell, EPSG:4548, whole numbers that add up to the district; 0 where nobody lives.

    Parameters
    ----------
    places : float64 (n, 2)
        Middles of the homes, metres.
    """
    import rasterio
    from rasterio.transform import Affine

    weights = np.asarray([weight for *_, weight in homes])
    zone = np.asarray([one for _, one, _ in homes])
    persons = np.zeros(len(homes))
    for one, (everyone, *_) in table.items():
        here = zone == one
        persons[here] = weights[here] / weights[here].sum() * everyone
    west, south = np.floor(places.min(axis=0) / CELL_M) * CELL_M - CELL_M
    columns, rows = (np.ceil((places.max(axis=0) - (west, south)) / CELL_M).astype(int) + 1).tolist()
    column = ((places[:, 0] - west) // CELL_M).astype(int)
    row = rows - 1 - ((places[:, 1] - south) // CELL_M).astype(int)
    counted: Any = np.bincount(row * columns + column, weights=persons, minlength=rows * columns)
    cells = share_out(PEOPLE, counted).astype(np.float32).reshape(rows, columns)
    shape = {"driver": "GTiff", "height": rows, "width": columns, "count": 1, "dtype": "float32", "crs": "EPSG:4548"}
    grid = Affine(CELL_M, 0.0, float(west), 0.0, -CELL_M, float(south) + rows * CELL_M)
    with rasterio.open(path, "w", transform=grid, **shape) as out:
        out.write(cells, 1)
        out.update_tags(
            TIFFTAG_IMAGEDESCRIPTION="synthetic sample: persons per cell", TIFFTAG_DATETIME="2026:01:01 00:00:00"
        )
