"""Part of stage ingest: which communities and villages there are, from the membership table."""

from __future__ import annotations

import pandas as pd

from xiqing_space.ingest.columns import find_columns
from xiqing_space.ingest.counts import plain
from xiqing_space.ingest.membership import settlement_of
from xiqing_space.ingest.sheets import read_sheet
from xiqing_space.stages.context import Context


def read_communities(context: Context) -> pd.DataFrame:
    """The `communities` table (unsorted): each community of the membership table once; empty where none is named."""
    given = context.config.population.membership
    if given is None:
        return pd.DataFrame()
    sheet = read_sheet(given.file, sheet=given.sheet, header_row=given.header_row, encoding=given.encoding)
    sheet.note_doubts(context.quality)
    found = find_columns(sheet, ("zone", "community"), given.columns, required=("zone", "community"))
    context.rows_read["population.membership"] = len(sheet.rows)
    towns = [plain(one) for one in sheet.frame[found["zone"]].tolist()]
    names = [plain(one) for one in sheet.frame[found["community"]].tolist()]
    pairs = sorted({(town, name) for town, name in zip(towns, names, strict=True) if name})
    return pd.DataFrame(
        {
            "community_id": [f"{town}/{name}" for town, name in pairs],
            "name": [name for _, name in pairs],
            "town": [town or None for town, _ in pairs],
            "settlement": [settlement_of(name) for _, name in pairs],
        }
    )
