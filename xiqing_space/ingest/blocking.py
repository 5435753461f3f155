"""Which few of many candidates are worth an exact look: shared letter groups, weighed by how rare they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xiqing_space.ingest.names import NameParts

_CHUNK = 256


def name_grams(parts: NameParts) -> list[str]:
    """Letter groups of a name: characters and their pairs in Chinese, threes of letters in Latin; numbers and towns whole."""
    text = parts.core
    grams = [f"#{number}" for number in parts.numbers]
    if parts.zone:
        grams.append(f"@{parts.zone}")
    if parts.chinese:
        return [*grams, *text, *(a + b for a, b in pairwise(text))]
    for word in parts.tokens:
        padded = f" {word} "
        grams += [padded[at : at + 3] for at in range(len(padded) - 2)]
    return grams


def address_grams(text: str) -> list[str]:
    """Threes of letters of an address."""
    return [text[at : at + 3] for at in range(len(text) - 2)]


def nearest_by_grams(
    wanted: Sequence[Any], among: Sequence[Any], grams: Callable[[Any], list[str]], n: int
) -> list[NDArray[np.intp]]:
    """For each wanted thing the `n` most alike of `among`, by the cosine of their weighted groups.

    Parameters
    ----------
    wanted, among : sequence
        Things that `grams` can take; `among` in an order that is its own (ties go to the first).
    n : int
        At most this many each; all that tie with the last are left to the order.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    nothing = [np.zeros(0, dtype=np.intp) for _ in wanted]
    if not any(grams(one) for one in among) or not wanted:
        return nothing
    vectorizer = TfidfVectorizer(analyzer=grams, dtype=np.float64, sublinear_tf=True)
    stock = vectorizer.fit_transform(among).T.tocsr()
    rows = vectorizer.transform(wanted)
    found: list[NDArray[np.intp]] = []
    for start in range(0, rows.shape[0], _CHUNK):
        part = (rows[start : start + _CHUNK] @ stock).tocsr()
        for at in range(part.shape[0]):
            low, high = part.indptr[at], part.indptr[at + 1]
            # rounded: sums differ in their last bits with the order in which they were made
            score, column = np.round(part.data[low:high], 9), part.indices[low:high]
            if len(score) > n:
                least = np.partition(score, len(score) - n)[len(score) - n]
                kept = score >= least
                score, column = score[kept], column[kept]
            found.append(column[np.lexsort((column, -score))][:n].astype(np.intp))
    return found
