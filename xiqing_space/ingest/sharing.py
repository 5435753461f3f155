"""The arithmetic of sharing people out: sums are kept, and no order of rows changes a digit."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def group_sums(codes: NDArray[np.intp], values: NDArray[np.float64], groups: int) -> NDArray[np.float64]:
    """Sum of the values of each group, correctly rounded, so in any order the same; codes below zero belong to none."""
    out = np.zeros(groups)
    kept = np.flatnonzero(codes >= 0)
    if not len(kept):
        return out
    order = kept[np.argsort(codes[kept], kind="stable")]
    mine = codes[order]
    starts = np.flatnonzero(np.r_[True, mine[1:] != mine[:-1]])
    numbers = values[order].tolist()
    for start, end in zip(starts.tolist(), [*starts[1:].tolist(), len(order)], strict=True):
        out[mine[start]] = math.fsum(numbers[start:end])
    return out


def share_out(
    amounts: NDArray[np.float64], codes: NDArray[np.intp], weights: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Each group's amount over its rows by weight.

    Parameters
    ----------
    amounts : array (groups,)
        What each group shares out.
    codes : array (rows,)
        Group of each row, below zero for none.
    weights : array (rows,)
        Not negative.

    Returns
    -------
    (array (rows,), array (groups,) of bool)
        Shares (NaN for rows of no group; equal ones where no row of a group has weight), and which groups have rows.
    """
    sums = group_sums(codes, weights, len(amounts))
    many = np.bincount(codes[codes >= 0], minlength=len(amounts))
    shares = np.full(len(codes), np.nan)
    mine = codes >= 0
    of = codes[mine]
    with np.errstate(invalid="ignore", divide="ignore"):
        shares[mine] = amounts[of] * np.where(sums[of] > 0, weights[mine] / sums[of], 1.0 / many[of])
    return shares, many > 0
