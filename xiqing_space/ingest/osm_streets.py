"""Street ways of an extract, cut at junctions.

pyosmium hands out a Python object per node reference, which costs more than all else. So libosmium does the whole pass in C++
(node places, filter) and writes the streets as OPL text, one line a way, whose node lists pyarrow then reads as one table.
"""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import osmium
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from osmium.filter import KeyFilter
from osmium.osm import NODE, WAY
from pyarrow import csv

from xiqing_space.errors import InputDataError
from xiqing_space.ingest.osm import check_file, guarded

STREET_TAGS = (
    "highway", "name", "ref", "layer", "bridge", "tunnel", "foot", "access", "motorroad", "ramp", "ramp:stroller",
    "ramp:wheelchair",
)  # fmt: skip
_ESCAPED = re.compile("%([0-9a-f]+)%")
_NODE_LIST = bytes.maketrans(b",xy", b"\n,,")


@dataclass(frozen=True)
class StreetWays:
    """Highway ways cut at junctions, in degrees; one row per edge.

    Attributes
    ----------
    way_id, u, v : int64 (n,)
        OSM way and the nodes at both ends, in the way's direction.
    tag_row : int64 (n,)
        Row of the way's tags in `tags`.
    lonlat : float64 (m, 2)
        Vertices of all edges, one after the other.
    start : int64 (n + 1,)
        Where each edge's vertices begin in `lonlat`.
    tags : dict of str to object array
        Each different set of tags once; None where untagged.
    clipped, missing : int
        Ways that refer to absent nodes, and how many nodes are absent.
    """

    way_id: NDArray[np.int64]
    u: NDArray[np.int64]
    v: NDArray[np.int64]
    tag_row: NDArray[np.int64]
    lonlat: NDArray[np.float64]
    start: NDArray[np.int64]
    tags: dict[str, NDArray[np.object_]]
    clipped: int
    missing: int


@dataclass(frozen=True)
class _Lines:
    """What the text says: ways with the row of their tags, where to cut, and all node lists end to end."""

    way_id: NDArray[np.int64]
    tag_row: NDArray[np.int64]
    tags: dict[str, NDArray[np.object_]]
    size: NDArray[np.int64]
    ref: NDArray[np.int64]
    lonlat: NDArray[np.float64]
    cut_at: NDArray[np.int64]


def read_street_ways(path: Path, gate_values: tuple[str, ...], keys: tuple[str, ...] = STREET_TAGS) -> StreetWays:
    """All highway ways, cut where they share a node with another way, at mapped crossings and at gates.

    Parameters
    ----------
    path : Path
        Any file that pyosmium reads, nodes before ways.
    gate_values : tuple of str
        Values of `barrier` on a node at which a street is cut.
    keys : tuple of str
        Tags that are kept, `highway` first.

    Raises
    ------
    InputDataError
        The file cannot be read, or holds no street.
    """
    check_file(path)
    with guarded(path):
        lines = _parse(_as_text(path), set(gate_values), keys)
    if not len(lines.way_id):
        raise InputDataError(
            "文件里没有街道 / there is no street in the file",
            where=path.name,
            todo="换用含 highway 的 OSM 数据 / use OSM data that hold highways",
        )
    return _cut(lines)


def _as_text(path: Path) -> bytes:
    """Streets, crossings and gates as OPL, with the place of every node behind its reference."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "streets.opl"
        places = osmium.NodeLocationsForWays(osmium.index.create_map("flex_mem"))
        places.ignore_errors()
        writer = osmium.SimpleWriter(osmium.io.File(str(target), "opl,add_metadata=false,locations_on_ways=true"))
        try:
            reader = osmium.io.Reader(str(path), NODE | WAY)
            osmium.apply(reader, places, KeyFilter("highway", "barrier"), writer)
        finally:
            writer.close()
        return target.read_bytes()


def _plain(text: str) -> str:
    text = text.replace("%20%", " ")  # nearly all there is
    return _ESCAPED.sub(lambda code: chr(int(code[1], 16)), text) if "%" in text else text


def _cuts_street(fields: bytes, gates: set[str]) -> bool:
    tags = dict(pair.split("=", 1) for pair in fields[1:].decode().split(","))
    return tags.get("highway") == "crossing" or tags.get("barrier") in gates


def _tag_row(fields: bytes, wanted: dict[str, int]) -> tuple[str | None, ...]:
    row: list[str | None] = [None] * len(wanted)
    for pair in fields[1:].decode().split(","):
        key, _, value = pair.partition("=")
        if (place := wanted.get(key)) is not None:
            row[place] = _plain(value)
    return tuple(row)


def _parse(text: bytes, gates: set[str], keys: tuple[str, ...]) -> _Lines:
    wanted = {key: place for place, key in enumerate(keys)}
    way_ids: list[bytes] = []
    nodes: list[bytes] = []
    cut_at: list[int] = []
    # many ways carry the same tags: each set is taken apart once
    row_of: dict[bytes, int] = {}
    rows: list[tuple[str | None, ...]] = []
    row: list[int] = []
    for line in text.split(b"\n"):
        if line[:1] == b"n":
            if b"crossing" in line or b"barrier" in line:
                fields = line.split(b" ")
                if _cuts_street(fields[1], gates):
                    cut_at.append(int(fields[0][1:]))
        elif line[:1] == b"w" and line[-1:] != b"N" and b"highway=" in line:
            identity, tag_list, node_list = line.split(b" ")
            at = row_of.get(tag_list)
            if at is None:
                at = row_of[tag_list] = len(rows)
                rows.append(_tag_row(tag_list, wanted))
            if rows[at][0] is not None:
                way_ids.append(identity[1:])
                row.append(at)
                nodes.append(node_list[2:])
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(wanted)
    ref, lonlat = _node_table(nodes)
    return _Lines(
        np.asarray(way_ids, dtype=bytes).astype(np.int64),
        np.asarray(row, dtype=np.int64),
        {key: np.asarray(column, dtype=object) for key, column in zip(wanted, columns, strict=True)},
        np.asarray([one.count(b",") + 1 for one in nodes], dtype=np.int64),
        ref,
        lonlat,
        np.asarray(cut_at, dtype=np.int64),
    )


def _node_table(nodes: list[bytes]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Ids and places of all node references; the place of an absent node is NaN."""
    if not nodes:
        return np.zeros(0, dtype=np.int64), np.zeros((0, 2))
    # "456x117.1y39.1,n457x…" becomes a line per node
    body = b",".join(nodes).translate(_NODE_LIST, b"n")
    types = {"ref": pa.int64(), "x": pa.float64(), "y": pa.float64()}
    table = csv.read_csv(
        pa.BufferReader(body),
        read_options=csv.ReadOptions(column_names=list(types)),
        convert_options=csv.ConvertOptions(column_types=types),
    )
    return table["ref"].to_numpy(), np.column_stack([table["x"].to_numpy(), table["y"].to_numpy()])


def _cut(lines: _Lines) -> StreetWays:
    way = np.repeat(np.arange(len(lines.size)), lines.size)
    here = ~np.isnan(lines.lonlat[:, 0])
    clipped, missing = len(np.unique(way[~here])), int((~here).sum())
    # a stretch is a run of nodes that are all there; a single node is none
    gap = np.cumsum(~here)[here]
    ref, lonlat, way = lines.ref[here], lines.lonlat[here], way[here]
    first = np.ones(len(ref), dtype=bool)
    first[1:] = (way[1:] != way[:-1]) | (gap[1:] != gap[:-1])
    stretch = np.cumsum(first) - 1
    alone: NDArray[np.bool_] = np.bincount(stretch)[stretch] == 1 if len(stretch) else first
    ref, lonlat, way = ref[~alone], lonlat[~alone], way[~alone]
    stretch, first = stretch[~alone], first[~alone]
    cuts: NDArray[np.bool_] = first.copy()
    cuts[:-1] |= first[1:]
    cuts[-1:] = True
    places = pd.Series(ref)
    cuts |= places.duplicated(keep=False).to_numpy() | places.isin(lines.cut_at).to_numpy()
    at = np.flatnonzero(cuts)
    pair = np.flatnonzero(stretch[at[1:]] == stretch[at[:-1]])
    begin, end = at[pair], at[pair + 1]
    size = end - begin + 1
    start = np.concatenate([[0], np.cumsum(size)])
    vertex = np.repeat(begin - start[:-1], size) + np.arange(start[-1])
    row = way[begin]
    return StreetWays(lines.way_id[row], ref[begin], ref[end], lines.tag_row[row], lonlat[vertex], start, lines.tags,
                      clipped, missing)  # fmt: skip
