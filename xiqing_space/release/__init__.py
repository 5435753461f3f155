"""What a release may show: every writer of maps and reports reads its tables through here, and none has privacy code of its own."""

from __future__ import annotations

import pandas as pd

from xiqing_space.approval import PUBLIC
from xiqing_space.catalog import Catalogue
from xiqing_space.release.notice import Notice, notice_of
from xiqing_space.release.public import PublicTables, Reader
from xiqing_space.sections import OutputConfig

__all__ = ["InternalTables", "Notice", "PublicTables", "Reader", "Tables", "notice_of", "tables"]


class InternalTables:
    """Tables of a run as they are, for the office."""

    public = False

    def __init__(self, store: Reader, catalogue: Catalogue) -> None:
        self._store, self.catalogue = store, catalogue

    def get(self, name: str) -> pd.DataFrame:
        """A table of the run."""
        return self._store.get(name)

    def reports(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """All tables that are asked for."""
        return names

    def doubts(self, doubts: pd.DataFrame) -> pd.DataFrame:
        """All doubts."""
        return doubts


Tables = InternalTables | PublicTables


def tables(store: Reader, catalogue: Catalogue, output: OutputConfig) -> Tables:
    """The tables of a run as its release may show them.

    Parameters
    ----------
    store : Reader
        Tables of the run.
    catalogue : Catalogue
        With the configuration's standards.
    output : OutputConfig
        `release`, `privacy_floor`.
    """
    return (
        PublicTables(store, catalogue, output.privacy_floor)
        if output.release == PUBLIC
        else InternalTables(store, catalogue)
    )
