"""The tables of one run: finished, checked and written once, and handed on as their files hold them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from xiqing_space.crs import geographic
from xiqing_space.tables import TABLES, finish


class Store:
    """Tables in a folder as GeoParquet and Parquet.

    A stage gets the same frame whether it was made a moment ago or by an earlier run: `put` hands out what it wrote.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._held: dict[str, pd.DataFrame] = {}
        self._writer: ThreadPoolExecutor | None = None
        self._writes: list[Future[None]] = []
        self._later: dict[str, Future[pd.DataFrame]] = {}

    def path(self, name: str) -> Path:
        """File of a table."""
        return self.folder / f"{name}.parquet"

    def put(self, name: str, frame: pd.DataFrame) -> pd.DataFrame:
        """Finish, check and write a table; returns it as written."""
        done = finish(name, frame)
        write = partial(done.to_parquet, self.path(name), index=False)
        if self._writer is None:
            write()
        else:
            self._writes.append(self._writer.submit(write))
        self._held[name] = done
        return done

    def put_later(self, name: str, make: Callable[..., pd.DataFrame], *given: Any) -> None:
        """Make, finish, check and write a table beside what the stage does next; `get` waits for it, and so does the end.

        Worth it where `make` is mostly work of GEOS, during which Python goes on. Nothing may change what it is given.
        """
        if self._writer is None:
            self.put(name, make(*given))
        else:
            self._later[name] = self._writer.submit(self._made, name, make, *given)

    def _made(self, name: str, make: Callable[..., pd.DataFrame], *given: Any) -> pd.DataFrame:
        done = finish(name, make(*given))
        done.to_parquet(self.path(name), index=False)
        return done

    @contextmanager
    def written_meanwhile(self) -> Iterator[None]:
        """Inside, threads write tables while the next ones are made; at the end all of them are in their files."""
        with ThreadPoolExecutor(2) as pool:
            self._writer = pool
            try:
                yield
            finally:
                self._writer, writes, self._writes = None, self._writes, []
        for name in tuple(self._later):
            self.get(name)
        for one in writes:
            one.result()

    def get(self, name: str) -> pd.DataFrame:
        """A table, from memory or from its file."""
        if name in self._later:
            self._held[name] = self._later.pop(name).result()
        if name not in self._held:
            frame = pd.read_parquet(self.path(name))
            if TABLES[name].spatial:
                # as geopandas reads it, save that the coordinate system is not made anew for each table
                frame["geometry"] = gpd.array.from_wkb(frame["geometry"].to_numpy(), crs=geographic())
                frame = gpd.GeoDataFrame(frame, geometry="geometry")
            self._held[name] = frame
        return self._held[name]
