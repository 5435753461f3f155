"""GIS points as a table of text, so that one reader checks lists of every format."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import shapely

from xiqing_space.ingest.cells import clean_text
from xiqing_space.ingest.headers import known_fields
from xiqing_space.ingest.quality import Quality
from xiqing_space.ingest.sheets import Sheet
from xiqing_space.ingest.vectors import points_of_layer, read_vector, text_of

_PLACES = frozenset({"lon", "lat", "lonlat", "x", "y"})


def sheet_of_points(
    path: Path, *, layer: str | None, crs: int | str | None, encoding: str | None, quality: Quality
) -> Sheet:
    """A layer of points as a `Sheet`: attributes as text, and the geometry as columns `lon` and `lat` in degrees.

    Columns of the file that hold coordinates themselves are left out: the geometry counts. Rows are feature numbers.

    Raises
    ------
    InputDataError
        The file cannot be read, or a feature is no single point.
    """
    read = read_vector(path, layer=layer, crs=crs, encoding=encoding, quality=quality)
    frame = points_of_layer(read)
    columns: dict[str, list[str | None]] = {}
    for header in frame.columns:
        name = clean_text(str(header))
        if header != frame.geometry.name and name and name not in columns and not known_fields(name) & _PLACES:
            columns[name] = [clean_text(text_of(one)) or None for one in frame[header]]
    points = frame.geometry.to_numpy()
    columns["lon"] = [repr(float(one)) for one in shapely.get_x(points)]
    columns["lat"] = [repr(float(one)) for one in shapely.get_y(points)]
    return Sheet(read.source, pd.DataFrame(columns, dtype=object), tuple(int(one) for one in read.rows), 0)
