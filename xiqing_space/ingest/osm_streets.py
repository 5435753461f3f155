"""Street ways of an extract, cut at junctions.

pyosmium hands out a Python object per node reference, which costs more than all else. So libosmium does the whole pass in C++
(node places, filter) and writes the streets as OPL text, one line a way, whose node lists pyarrow then reads as tables.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import osmium
import pyarrow as pa
import pyarrow.compute as pc
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
_NODE_LIST = bytes.maketrans(b",Nxy", b"\n\n,,")
_BLOCK = 1 << 22  # bytes of text read at a time
_AHEAD = 8  # blocks that may wait


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
    with guarded(path), tempfile.TemporaryDirectory() as folder:
        text = Path(folder) / "streets.opl"
        _write_text(path, text)
        try:
            lines = _parse(text, set(gate_values), keys, _BLOCK)
        except pa.ArrowInvalid:  # a way whose line is longer than a block
            lines = _parse(text, set(gate_values), keys, text.stat().st_size)
    if not len(lines.way_id):
        raise InputDataError(
            "文件里没有街道 / there is no street in the file",
            where=path.name,
            todo="换用含 highway 的 OSM 数据 / use OSM data that hold highways",
        )
    return _cut(lines)


def _write_text(path: Path, target: Path) -> None:
    """Streets, crossings and gates as OPL, with the place of every node behind its reference."""
    places = osmium.NodeLocationsForWays(osmium.index.create_map("flex_mem"))
    places.ignore_errors()
    writer = osmium.SimpleWriter(osmium.io.File(str(target), "opl,add_metadata=false,locations_on_ways=true"))
    try:
        reader = osmium.io.Reader(str(path), NODE | WAY)
        osmium.apply(reader, places, KeyFilter("highway", "barrier"), writer)
    finally:
        writer.close()


def _plain(text: str) -> str:
    text = text.replace("%20%", " ")  # nearly all there is
    return _ESCAPED.sub(lambda code: chr(int(code[1], 16)), text) if "%" in text else text


class _TagSets:
    """The different sets of tags of streets. Many ways carry the same one: each is taken apart once."""

    def __init__(self, keys: tuple[str, ...]) -> None:
        self._place = {key: place for place, key in enumerate(keys)}
        self._pattern = re.compile(f"(?:^T|,)({'|'.join(map(re.escape, keys))})=([^,]*)")
        self._number: dict[bytes, int] = {}
        self._rows: list[list[str | None]] = []

    def numbers(self, texts: pa.DictionaryArray) -> NDArray[np.int64]:
        """The row of each text among the sets; -1 for what is no street."""
        numbers = [self._number[one] if one in self._number else self._add(one) for one in texts.dictionary.to_pylist()]
        rows: NDArray[np.int64] = np.asarray(numbers, dtype=np.int64)[texts.indices.to_numpy()]
        return rows

    def _add(self, text: bytes) -> int:
        row: list[str | None] = [None] * len(self._place)
        for key, value in self._pattern.findall(text.decode()):
            row[self._place[key]] = _plain(value)
        number = len(self._rows) if row[0] is not None else -1
        if number >= 0:
            self._rows.append(row)
        self._number[text] = number
        return number

    def columns(self) -> dict[str, NDArray[np.object_]]:
        """The values of each key, a row per set."""
        table = np.asarray(self._rows, dtype=object).reshape(-1, len(self._place))
        return {key: table[:, place] for key, place in self._place.items()}


class _CutNodes:
    """Nodes at which a street is cut: crossings and gates."""

    def __init__(self, gates: set[str]) -> None:
        self.ids: list[int] = []
        self._gates = gates

    def read(self, line: bytes) -> None:
        """A line of a node."""
        if b"crossing" not in line and b"barrier" not in line:
            return
        node, fields, *_ = line.split(b" ")
        tags = dict(pair.split("=", 1) for pair in fields[1:].decode().split(","))
        if tags.get("highway") == "crossing" or tags.get("barrier") in self._gates:
            self.ids.append(int(node[1:]))


def _parse(text: Path, gates: set[str], keys: tuple[str, ...], block: int) -> _Lines:
    """What the text says, `block` bytes at a time: what stays at hand is read soonest."""
    cut, tags, ways = _CutNodes(gates), _TagSets(keys), []
    with ThreadPoolExecutor() as pool:  # Python holds one of them at a time, pyarrow reads for the others
        for batch in _way_batches(text, cut, block):
            row = tags.numbers(batch["tags"])
            kept = (row >= 0) & pc.not_equal(batch["nodes"], b"N").to_numpy(zero_copy_only=False)
            if kept.any():
                way, nodes = (batch[key].filter(pa.array(kept)) for key in ("way", "nodes"))
                ways.append((way, row[kept], pool.submit(_read_nodes, nodes)))
                if len(ways) > _AHEAD:
                    ways[-_AHEAD][-1].result()
    read = [one.result() for *_, one in ways]
    size = np.concatenate([np.zeros(0, dtype=np.int64), *(sizes for sizes, _ in read)])
    ref, lonlat = np.empty(int(size.sum()), dtype=np.int64), np.empty((int(size.sum()), 2))
    end = 0
    for _, table in read:
        begin, end = end, end + len(table)
        ref[begin:end], lonlat[begin:end, 0], lonlat[begin:end, 1] = (table[key].to_numpy() for key in _NODES)
    name = pa.chunked_array([way for way, *_ in ways], pa.string())
    return _Lines(
        pc.utf8_slice_codeunits(name, 1).cast(pa.int64()).to_numpy(),
        np.concatenate([np.zeros(0, dtype=np.int64), *(row for _, row, _ in ways)]),
        tags.columns(),
        size,
        ref,
        lonlat,
        np.asarray(cut.ids, dtype=np.int64),
    )


def _way_batches(text: Path, cut: _CutNodes, block: int) -> Iterator[pa.RecordBatch]:
    """Ways with their tags and node lists as they stand. Nodes come first; one among the ways has a column more."""

    def other(row: csv.InvalidRow) -> str:
        cut.read(row.text.encode())
        return "skip"

    types = {"way": pa.string(), "tags": pa.dictionary(pa.int32(), pa.binary()), "nodes": pa.binary()}
    with text.open("rb") as file:
        begin = 0
        for line in file:
            if line[:1] == b"w":
                break
            cut.read(line)
            begin += len(line)
        else:
            return
        file.seek(begin)
        yield from csv.open_csv(
            file,
            read_options=csv.ReadOptions(column_names=list(types), block_size=block),
            parse_options=csv.ParseOptions(delimiter=" ", quote_char=False, invalid_row_handler=other),
            convert_options=csv.ConvertOptions(column_types=types),
        )


_NODES = {"ref": pa.int64(), "x": pa.float64(), "y": pa.float64()}


def _read_nodes(lists: pa.BinaryArray) -> tuple[NDArray[np.int64], pa.Table]:
    """From lists like Nn456x117.1y39.1,n457x… to a line per node."""
    bounds = np.frombuffer(lists.buffers()[1], dtype=np.int32)[lists.offset : lists.offset + len(lists) + 1]
    body = bytes(memoryview(lists.buffers()[2])[bounds[0] : bounds[-1]])
    commas = np.flatnonzero(np.frombuffer(body, dtype=np.uint8) == ord(","))
    table = csv.read_csv(
        pa.py_buffer(body.translate(_NODE_LIST, b"n")),
        csv.ReadOptions(column_names=list(_NODES), use_threads=False),
        convert_options=csv.ConvertOptions(column_types=_NODES),
    )
    return np.diff(np.searchsorted(commas, bounds - bounds[0])) + 1, table


def _again(ids: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which ids are there more than once. A stable sort gains by the runs in which nodes are numbered along a way."""
    order = np.argsort(ids, kind="stable")
    same = np.diff(ids[order]) == 0
    found = np.zeros(len(ids), dtype=bool)
    found[order[1:][same]] = found[order[:-1][same]] = True
    return found


def _cut(lines: _Lines) -> StreetWays:
    begin_of = np.cumsum(lines.size) - lines.size
    here = ~np.isnan(lines.lonlat[:, 0])
    # street goes on from one reference to the next within a way, where both nodes are there
    on = here.copy()
    on[:-1] &= here[1:]
    on[begin_of[1:] - 1] = on[-1:] = False
    came = np.zeros_like(on)
    came[1:] = on[:-1]
    used = on | came
    cuts = on != came
    cuts[used] |= _again(np.concatenate([lines.ref[used], lines.cut_at]))[: int(used.sum())]
    at = np.flatnonzero(cuts)
    pair = np.flatnonzero(on[at])
    begin, end = at[pair], at[pair + 1] if len(pair) else at
    start = np.concatenate([[0], np.cumsum(end - begin + 1)])
    # where one edge ends and the next begins a vertex stands twice
    lonlat = np.repeat(lines.lonlat, np.add(used, cuts & on & came, dtype=np.int64), axis=0)
    row = np.searchsorted(begin_of, begin, "right") - 1
    gone = np.flatnonzero(~here)
    clipped = len(np.unique(np.searchsorted(begin_of, gone, "right")))
    return StreetWays(lines.way_id[row], lines.ref[begin], lines.ref[end], lines.tag_row[row], lonlat, start, lines.tags,
                      clipped, len(gone))  # fmt: skip
