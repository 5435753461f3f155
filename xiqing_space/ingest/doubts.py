"""Doubts that keep their id from run to run, and what became of those of the last check."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from pathlib import Path

import pandas as pd

from xiqing_space.errors import InputDataError
from xiqing_space.ingest.quality import COLUMNS

CHANGE_COLUMNS = ("doubt_id", "state", "by", *COLUMNS)
DOUBT_ID = re.compile(r"D-[0-9a-f]{10}")
MAX_BYTES = 100_000_000
_NUMBER = re.compile(r"\d[\d,.]*")
_HAN, _LATIN = re.compile(r"[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]"), re.compile(r"[A-Za-z]")
_DEFUSED = re.compile(r"'(?=[=+\-@\t＝＋－＠])")


def doubt_ids(doubts: pd.DataFrame) -> list[str]:
    """An id for each doubt: the same for the same check, source, thing and content, whatever else is in the table.

    A doubt about one row or thing is known by that and its wording; its row number only counts where it has no id, so that a list may be
    sorted anew. A doubt about a whole file is known by its check and wording without numbers: "81 areas" and "60 areas" are one doubt.

    Parameters
    ----------
    doubts : DataFrame
        Columns of quality.csv, as text; also as read back from the file.
    """
    keys = []
    for number, row in enumerate(
        doubts[["check", "source", "row", "id", "what_zh"]].itertuples(index=False, name=None)
    ):
        check, source, place, identity, what = (_as_written(one) for one in row)
        content = what if identity or place else _NUMBER.sub("#", what)
        key = "\x1f".join((check, source, identity, "" if identity else place, content))
        keys.append((key, place, what, number))
    seen: Counter[str] = Counter()
    found = [""] * len(keys)
    for key, _, _, number in sorted(keys):
        again = f"\x1f{seen[key]}" if seen[key] else ""
        seen[key] += 1
        found[number] = "D-" + hashlib.sha256((key + again).encode("utf-8", "surrogatepass")).hexdigest()[:10]
    return found


def _as_written(value: object) -> str:
    """Text as it was before a CSV defused it."""
    text = value if isinstance(value, str) else ""
    return _DEFUSED.sub("", text, count=1).replace("\r\n", "\n").replace("\r", "\n")


def with_doubt_ids(doubts: pd.DataFrame) -> pd.DataFrame:
    """The doubts with a last column `doubt_id`."""
    return doubts.assign(doubt_id=doubt_ids(doubts))


def read_doubts(path: Path) -> pd.DataFrame | None:
    """An earlier quality.csv, with ids; None where there is none.

    Raises
    ------
    InputDataError
        The file is no quality.csv: it was edited beyond reading.
    """
    if not path.is_file():
        return None
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ValueError("too large")
        frame = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
        if missing := sorted(set(COLUMNS) - set(frame.columns)):
            raise ValueError(f"no column {', '.join(missing)}")
    except (ValueError, UnicodeDecodeError) as error:
        raise InputDataError(
            f"上次的疑点清单无法读取 / the earlier list of doubts cannot be read ({str(error)[:120]})",
            where=path.name,
            todo="移走该文件后重新检查（将不与上次比较）/ move it away and check again; then nothing is compared",
        ) from error
    frame = frame[list(COLUMNS)].map(_as_written)
    return with_doubt_ids(frame)


def compare_doubts(
    former: pd.DataFrame | None, now: pd.DataFrame, answered: set[str] | frozenset[str] = frozenset()
) -> pd.DataFrame | None:
    """What became of the doubts of the last check.

    Settled means that the doubt is no longer raised, not that the data are right.

    Parameters
    ----------
    former, now : DataFrame
        Doubts with ids: of the last check, and those that are open now. `former` None: the first check, nothing is compared.
    answered : set of str
        Ids that a returned sheet closed. They are not in `now`; one that the last check did not raise (it was raised and
        answered at once) is settled too.

    Returns
    -------
    DataFrame or None
        `CHANGE_COLUMNS`; `state` settled, open or new; `by` of the settled: survey or data. Settled first, then new, then open.
    """
    if former is None:
        return None
    before, after = set(former["doubt_id"]), set(now["doubt_id"])
    gone = former[~former["doubt_id"].isin(after)]
    gone = gone.assign(state="settled", by=["survey" if one in answered else "data" for one in gone["doubt_id"]])
    rest = now.assign(state=["open" if one in before else "new" for one in now["doubt_id"]], by="")
    both = pd.concat([gone, rest], ignore_index=True)
    rank = both["state"].map({"settled": 0, "new": 1, "open": 2})
    both = both.assign(_rank=rank).sort_values(["_rank", "check", "source", "row", "id", "doubt_id"], kind="stable")
    return both[list(CHANGE_COLUMNS)].reset_index(drop=True)


def split_languages(text: str) -> tuple[str, str]:
    """The Chinese and the English part of a text "中文 / English"; the slash that parts them best, for either may hold one."""
    best, parts = float("-inf"), (text, "")
    for slash in re.finditer(r"\s*/\s+", text):
        before, after = text[: slash.start()], text[slash.end() :]
        han, latin = (len(one.findall(before)) - len(one.findall(after)) for one in (_HAN, _LATIN))
        score = 10 * han - latin  # Latin names stand in Chinese sentences more often than the reverse
        if score > best:
            best, parts = score, (before, after)
    return parts
