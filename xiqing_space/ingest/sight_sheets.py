"""The sheet 视线测量 of returned field sheets, read as `obstacle_survey`: heights measured, things gone, distances paced."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

import pandas as pd

from xiqing_space.ingest.cells import Grid, column_letters
from xiqing_space.ingest.field_columns import DATE_KEY, OBSTACLE_KEY, PHOTO_KEY, SIGHT_KEY, is_blank, load_sheet_words
from xiqing_space.ingest.field_sheets import Known, Value, agree, bare, columns_of, meaning_of, read_date, wanted_of
from xiqing_space.ingest.quality import Quality

COLUMNS = ("sightline_id", "obstacle_id", "height_m", "gone", "seen_child_m", "photo", "surveyed_on", "source")
_HEIGHT, _THERE, _SEEN = "obstacle_height_m", "obstacle_there", "seen_child_m"


@dataclass(frozen=True)
class _Row:
    """A row in which somebody wrote."""

    sightline: str
    obstacle: str
    photo: str | None
    date: str
    cell: str


@dataclass
class SightSheets:
    """Reads sheets whose rows bear a sightline and an obstacle; what they say of an obstacle holds in every sightline.

    Attributes
    ----------
    known : Known
        Ids of streets, crossings and gates that are in the data now.
    obstacles : collection of str
        Ids of mapped obstacles; those of parked cars follow from their street.
    """

    known: Known
    obstacles: Collection[str]
    _rows: list[_Row] = field(default_factory=list)
    _values: list[Value] = field(default_factory=list)
    _gone: dict[tuple[str, str, str], int] = field(default_factory=dict)  # id, file, cell -> filled cells
    _said: dict[tuple[str, str], Value] = field(default_factory=dict)

    def read(self, grid: Grid, source: str, problems: list[str]) -> int | None:
        """Read one sheet: the number of values; None where it is no such sheet."""
        asked = {one.key for one in load_sheet_words().sights}
        found = columns_of(grid, SIGHT_KEY, {*asked, SIGHT_KEY, OBSTACLE_KEY, PHOTO_KEY, DATE_KEY}, source, problems)
        if found is None:
            return None
        (top, at), before = found, len(self._values)
        for row in sorted(grid.rows):
            if row > top:
                texts = {key: bare(grid.rows[row].get(column)) for key, column in at.items()}
                self._row(texts, at, row, source, problems)
        return len(self._values) - before

    def _row(
        self, texts: dict[str, str | None], at: dict[str, int], row: int, source: str, problems: list[str]
    ) -> None:
        def cell(key: str) -> str:
            return f"{source}!{column_letters(at.get(key, at[SIGHT_KEY]))}{row}"

        filled = [one for one in load_sheet_words().sights if not is_blank(texts.get(one.key))]
        if not filled:
            return
        sightline, obstacle = texts.get(SIGHT_KEY) or "", texts.get(OBSTACLE_KEY) or ""
        if not sightline or not obstacle:
            key = SIGHT_KEY if not sightline else OBSTACLE_KEY
            problems.append(
                f"{cell(key)}：编号为空，无法对应 / no id: the row cannot be told; copy it from the sheet as written"
            )
            return
        date, file = read_date(texts.get(DATE_KEY), cell, problems), source.partition("[")[0]
        photo = texts.get(PHOTO_KEY)
        self._rows.append(
            _Row(sightline, obstacle, None if is_blank(photo) else (photo or "")[:60], date, cell(SIGHT_KEY))
        )
        for one in filled:
            text = texts[one.key] or ""
            value = meaning_of(one, text)
            if value is None:
                zh, en = wanted_of(one)
                problems.append(f"{cell(one.key)}：“{text[:30]}”不可用，应为{zh} / “{text[:30]}” cannot be used: {en}")
                continue
            item, id_key = (sightline, SIGHT_KEY) if one.key == _SEEN else (obstacle, OBSTACLE_KEY)
            if not (self._sight_known(item) if one.key == _SEEN else self._obstacle_known(item)):
                self._gone[item, file, cell(id_key)] = self._gone.get((item, file, cell(id_key)), 0) + 1
                continue
            self._values.append(Value(item, "sight", one.key, value, date, cell(one.key), text))

    def _sight_known(self, sightline: str) -> bool:
        parts = sightline.rsplit("/", 2)
        return (
            len(parts) == 3
            and parts[2] in ("left", "right")
            and parts[1] in self.known.edges
            and self.known.type_of(parts[0], "") is not None
        )

    def _obstacle_known(self, obstacle: str) -> bool:
        kind, _, rest = obstacle.partition("/")
        return obstacle in self.obstacles or (kind == "parking" and rest.rsplit("/", 2)[0] in self.known.edges)

    def settle(self, problems: list[str], quality: Quality) -> None:
        """One value for each id; a thing that is gone and has a height is a contradiction unless one was seen later."""
        self._said = {(one.item, one.name): one for one in agree(self._values, problems, quality)}
        for obstacle in sorted({item for item, name in self._said if name == _THERE}):
            there, height = self._said[obstacle, _THERE], self._said.get((obstacle, _HEIGHT))
            if there.value != "no" or height is None:
                continue
            if not there.date or not height.date or there.date == height.date:
                problems.append(
                    f"{there.cell}“{there.text[:20]}”、{height.cell}“{height.text[:20]}”：已不在的遮挡物不填高度；先后两次的请填日期 / "
                    "what is gone has no height: clear one, or date both visits"
                )
                continue
            del self._said[obstacle, _HEIGHT if there.date > height.date else _THERE]
        if not problems:
            for (item, file, cell), count in sorted(self._gone.items()):
                quality.add("field_item_unknown", source=file, row=cell, id=item, item=item[:80], n=count)

    def table(self) -> pd.DataFrame:
        """`obstacle_survey`, unsorted: a row per sightline and obstacle, as last visited."""
        rows = {}
        for one in sorted(self._rows, key=lambda row: (row.date, row.cell)):
            height, there = self._said.get((one.obstacle, _HEIGHT)), self._said.get((one.obstacle, _THERE))
            seen = self._said.get((one.sightline, _SEEN))
            if height is None and there is None and seen is None:
                continue  # nothing of it holds any more
            rows[one.sightline, one.obstacle] = (
                one.sightline, one.obstacle, float(height.value) if height else None, there is not None and there.value == "no",
                float(seen.value) if seen else None, one.photo, one.date or None, one.cell,
            )  # fmt: skip
        return pd.DataFrame(list(rows.values()), columns=list(COLUMNS), dtype=object)
