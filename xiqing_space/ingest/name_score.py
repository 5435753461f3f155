"""How far two names agree, and what forbids that they be one place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from xiqing_space.ingest.names import NameParts, load_words

DENIED, DOUBTED = 0.3, 0.8  # highest score of names that differ in a telling part; of names where one of them lacks it


@dataclass(frozen=True)
class NameAgreement:
    """Agreement of two names.

    Attributes
    ----------
    score : float
        0 to 1; at most `DENIED` where a telling part differs, at most `DOUBTED` where only one name has it.
    denied, doubted : tuple of str
        Which parts: number, branch, village, town, kind, word.
    """

    score: float
    denied: tuple[str, ...] = ()
    doubted: tuple[str, ...] = ()

    @property
    def clear(self) -> bool:
        """Whether no telling part speaks against it."""
        return not (self.denied or self.doubted)


@lru_cache(maxsize=200_000)
def edits(one: str, other: str) -> int:
    """Insertions, deletions, changes and swaps of neighbours that turn one text into the other (optimal string alignment)."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        last, row = row, [i]
        for j, b in enumerate(other, 1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        before = last
    return row[-1]


def kinds_agree(one: str, other: str) -> bool:
    """Whether what one name or column says can be what the other says; unknown agrees with everything."""
    if not one or not other or one == other:
        return True
    compatible = load_words().compatible
    return other in compatible.get(one, ()) or one in compatible.get(other, ())


def word_likeness(one: str, other: str) -> float:
    """Likeness of two Latin words, 0 to 1: one slip in five letters, two in nine."""
    if one == other:
        return 1.0
    short, long = sorted((one, other), key=lambda word: (len(word), word))
    if len(short) >= 4 and long.startswith(short):
        return 0.8 if len(long) - len(short) > 1 else 0.9
    if len(short) < 5 or len(long) - len(short) > 2:
        return 0.0
    slips = edits(short, long)
    if slips <= (2 if len(short) >= 9 else 1):
        return 1.0 - slips / len(short)
    return 0.0


def _latin_score(one: NameParts, other: NameParts, weights: Mapping[str, float] | None) -> float:
    """Weighted soft Dice of the words: rare words count more."""
    rare = max(weights.values(), default=1.0) if weights else 1.0

    def weight(word: str) -> float:
        return weights.get(word, rare) if weights else 1.0

    total = sum(map(weight, one.tokens)) + sum(map(weight, other.tokens))
    if not total:
        return 0.0
    pairs = sorted(
        ((-like, min(a, b), max(a, b), a, b, i, j) for i, a in enumerate(one.tokens) for j, b in enumerate(other.tokens)
         if (like := word_likeness(a, b)) > 0),
    )  # fmt: skip
    left, right, shared = set[int](), set[int](), 0.0
    for negative, _, _, a, b, i, j in pairs:
        if i not in left and j not in right:
            left.add(i)
            right.add(j)
            shared -= negative * (weight(a) + weight(b))
    return shared / total


def _chinese_score(one: str, other: str) -> float:
    """Likeness of two Chinese cores; one slip in six characters costs a quarter."""
    if one == other:
        return 1.0
    short, long = sorted((one, other), key=lambda text: (len(text), text))
    if not short:
        return 0.3
    if short in long:
        return 0.5 + 0.4 * len(short) / len(long)
    return max(0.0, 1.0 - 1.5 * edits(short, long) / len(long))


def compare_names(one: NameParts, other: NameParts, weights: Mapping[str, float] | None = None) -> NameAgreement:
    """How far two names agree.

    A planner may not conclude that two names of score 1 are one place: 小天使幼儿园 stands in many towns.

    Parameters
    ----------
    weights : mapping of Latin word to weight, optional
        How much a word tells (`word_weights`); all alike where absent.

    Notes
    -----
    Symmetric. Number, branch, village, town, kind and the words and characters of direction, size and number are telling:
    where they differ the names are two places; where one name lacks them the question is open.
    """
    if one.empty or other.empty or one.chinese != other.chinese:
        return NameAgreement(0.0)
    denied: list[str] = []
    doubted: list[str] = []
    telling = {
        "number": (one.numbers, other.numbers),
        "branch": (one.branch, other.branch),
        "word": (one.marks, other.marks),
    }
    for part, (a, b) in telling.items():
        if a != b:
            (denied if a and b else doubted).append(part)
    if one.village and other.village and one.village != other.village:
        denied.append("village")
    if one.zone and other.zone and one.zone != other.zone:
        denied.append("town")
    if one.kinds and other.kinds and not any(kinds_agree(a, b) for a in one.kinds for b in other.kinds):
        denied.append("kind")
    if one.core or other.core:
        score = _chinese_score(one.core, other.core) if one.chinese else _latin_score(one, other, weights)
    elif one.numbers and other.numbers:
        score = 1.0
    else:  # 杨柳青镇幼儿园: the town is the name
        score = 1.0 if one.zone and one.zone == other.zone else 0.5
    if doubted:
        score = min(score, DOUBTED)
    if denied:
        score = min(score, DENIED)
    return NameAgreement(score, tuple(denied), tuple(doubted))
