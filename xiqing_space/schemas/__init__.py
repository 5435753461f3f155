"""The tables' columns, units, ranges and meanings, as data; `tables.py` checks frames against them.

One file for each part of the house that leaves tables; `TABLES` holds them all by name.
"""

from xiqing_space.schemas import child_view, coverage, figures, layers, network, release, safety
from xiqing_space.schemas.columns import BARRIERS, PROFILES, VERDICTS, Column, Dtype, Table

TABLES: dict[str, Table] = {
    table.name: table
    for part in (layers, network, coverage, safety, child_view, figures, release)
    for table in part.TABLES
}

__all__ = ["BARRIERS", "PROFILES", "TABLES", "VERDICTS", "Column", "Dtype", "Table"]
