"""Which figures to leave out so that none below the floor is shown, nor found by subtraction. Numbers in, yes or no out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_TINY = 1e-6  # children are sums of fractions


@dataclass(frozen=True)
class Sum:
    """A figure that is the sum of others; positions in the list of figures."""

    total: int
    parts: tuple[int, ...]


def is_small(values: NDArray[np.float64], floor: float) -> NDArray[np.bool_]:
    """Whether there are children, but fewer than the floor. None at all is no group that could be recognised."""
    return (values > _TINY) & (values < floor - _TINY)


def in_steps(values: NDArray[np.float64], floor: float) -> NDArray[np.float64]:
    """Numbers of children down to whole floors; missing below the floor.

    Neighbouring stretches of a way differ by the children of the homes between them: in steps that difference tells nothing.
    """
    stepped = np.floor((values + _TINY) / floor) * floor
    return np.where(is_small(values, floor), np.nan, stepped)


def hide_parts(
    values: NDArray[np.float64], small: NDArray[np.bool_], groups: NDArray[np.intp], floor: float
) -> NDArray[np.bool_]:
    """Parts to leave out where every group's total may be known: all small ones, and the next smallest.

    What is left out of a group is never one part alone (it would be total − shown) and together never below the floor.

    Parameters
    ----------
    values : float (parts,)
        Children, or homes where weights are relative.
    small : bool (parts,)
        Parts that may not be shown.
    groups : int (parts,)
        Group of every part; negative: of none, shown unless small.
    floor : float
        In the unit of `values`.

    Returns
    -------
    bool (parts,)
        Whether a part is left out.
    """
    hidden = small.copy()
    for group in np.unique(groups[small & (groups >= 0)]):
        mine = np.flatnonzero((groups == group) & (values > _TINY))
        chosen = mine[np.argsort(values[mine], kind="stable")]
        out = hidden[chosen]
        for place in np.flatnonzero(~out):
            if out.sum() >= 2 and values[chosen[out]].sum() >= floor - _TINY:
                break
            out[place] = True
        hidden[chosen[out]] = True
    return hidden


def hide_crossed(
    values: NDArray[np.float64], small: NDArray[np.bool_], sums: Sequence[Sum], floor: float
) -> NDArray[np.bool_]:
    """Figures of a crossed table to leave out: all small ones, and others until no sum or row of sums gives a small one away.

    A figure that the shown ones settle is found by linear algebra: it is fixed when no movement that keeps every sum changes it.

    Parameters
    ----------
    values : float (figures, measures)
        Several counts of the same figures (covered, all): what is left out is left out of all.
    small : bool (figures,)
        Figures that may not be shown.
    sums : sequence of Sum
        Which figure is the sum of which. A remainder that no figure names counts as one more part that is not shown.
    floor : float

    Returns
    -------
    bool (figures,)
        Whether a figure is left out.
    """
    count = len(values)
    matrix, rests = _matrix(values, sums)
    if rests.shape[1]:
        values = np.vstack([values, rests.T])
    hidden = np.concatenate([small, np.ones(len(values) - count, dtype=bool)])
    guarded = np.concatenate([small, is_small(values[count:], floor).any(axis=1)])
    stuck = np.zeros(len(values), dtype=bool)
    while hidden[:count].any() or guarded.any():
        exposed = guarded & _settled(matrix, hidden) & ~stuck
        chosen = next(
            (
                one
                for number in np.flatnonzero(exposed)
                if (one := _next(values, hidden, matrix, int(number), count)) >= 0
            ),
            -1,
        )
        if chosen < 0:
            stuck |= exposed
            chosen = _thin(values, hidden, matrix, floor, count)
        if chosen < 0:
            break
        hidden[chosen] = True
    return hidden[:count]


def _matrix(values: NDArray[np.float64], sums: Sequence[Sum]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The sums as rows of 1 (parts) and −1 (total); remainders get columns of their own."""
    rows = np.zeros((len(sums), len(values)))
    for number, one in enumerate(sums):
        rows[number, list(one.parts)] += 1.0
        rows[number, one.total] -= 1.0
    rest = -(rows @ values)
    left = np.flatnonzero((np.abs(rest) > 1e-3).any(axis=1))
    extra = np.zeros((len(sums), len(left)))
    extra[left, np.arange(len(left))] = 1.0
    return np.hstack([rows, extra]), np.abs(rest[left]).T


def _settled(matrix: NDArray[np.float64], hidden: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which hidden figures the shown ones and the sums fix."""
    result = np.zeros(len(hidden), dtype=bool)
    at = np.flatnonzero(hidden)
    mine = matrix[:, at]
    mine = mine[np.abs(mine).any(axis=1)]
    if not len(mine):
        return result
    _, sizes, turned = np.linalg.svd(mine, full_matrices=True)
    free = turned[int((sizes > 1e-9).sum()) :]
    result[at] = (np.abs(free) < 1e-9).all(axis=0)
    return result


def _next(
    values: NDArray[np.float64], hidden: NDArray[np.bool_], matrix: NDArray[np.float64], number: int, count: int
) -> int:
    """The smallest shown figure of a sum that hangs together with this one through hidden ones; −1 where none is left.

    Sums with one hidden figure alone come first, for they tell it at once; parts come before totals.
    """
    joined = np.zeros(len(hidden), dtype=bool)
    joined[number] = True
    while True:
        rows = (matrix[:, joined] != 0).any(axis=1)
        grown = joined | (hidden & (matrix[rows] != 0).any(axis=0))
        if (grown == joined).all():
            break
        joined = grown
    alone = rows & (((matrix != 0) & hidden).sum(axis=1) == 1)
    for chosen in (alone, rows):
        near = (matrix[chosen] != 0).any(axis=0) & ~hidden
        near[count:] = False
        at = np.flatnonzero(near)
        if len(at):
            empty = values[at, -1] <= _TINY
            total = (matrix[chosen][:, at] < 0).any(axis=0)
            return int(at[np.lexsort([at, values[at, -1], total, empty])[0]])
    return -1


def _thin(
    values: NDArray[np.float64], hidden: NDArray[np.bool_], matrix: NDArray[np.float64], floor: float, count: int
) -> int:
    """A part to leave out of a sum whose hidden parts together are below the floor; −1 where there is none."""
    for row in matrix:
        if hidden[row < 0].any():
            continue
        parts = np.flatnonzero((row > 0) & hidden)
        if len(parts) and is_small(values[parts].sum(axis=0), floor).any():
            shown = np.flatnonzero((row > 0) & ~hidden & (values[:, -1] > _TINY))
            shown = shown[shown < count]
            rest = shown if len(shown) else np.flatnonzero((row < 0) & ~hidden)
            if len(rest):
                return int(rest[np.lexsort([rest, values[rest, -1]])[0]])
    return -1
