"""Tables as their files hold them, and CSV that no spreadsheet runs."""

from __future__ import annotations

import csv
import io
import threading
from itertools import pairwise
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from xiqing_space.errors import TableError
from xiqing_space.stages import write_csv
from xiqing_space.store import Store
from xiqing_space.tables import TABLES, _ranks, _rises, dictionary_markdown, empty, finish

ROOT = Path(__file__).parent.parent


def nodes(**changes: Any) -> dict[str, Any]:
    frame = {
        "node_id": ["osm:n2", "osm:n10", "osm:n1"],
        "degree": [1, 2, 3],
        "component": [0, None, 1],
        "geometry": [shapely.Point(117, 39), shapely.Point(117.1, 39), shapely.Point(117.2, 39)],
    }
    return {**frame, **changes}


def access(**changes: Any) -> dict[str, Any]:
    frame = {
        "demand_id": ["osm:w1", "osm:w1"], "kind": ["park", "park"], "profile": ["walk", "pram"],
        "facility_id": ["osm:n1", None], "gate_id": ["osm:n1", None], "distance_m": [12.345678, np.nan],
        "straight_m": [10.0, 10.0], "reason": [None, "beyond_search_limit"],
    }  # fmt: skip
    return {**frame, **changes}


def square(west: float = 117.0) -> shapely.MultiPolygon:
    return shapely.MultiPolygon([shapely.box(west, 39.0, west + 0.01, 39.01)])


# ---- finish


def test_rows_are_sorted_by_key_whatever_their_order() -> None:
    done = finish("nodes", nodes())
    assert done["node_id"].tolist() == ["osm:n1", "osm:n10", "osm:n2"]
    assert done["degree"].tolist() == [3, 2, 1]
    assert [point.x for point in done.geometry] == [117.2, 117.1, 117.0]
    assert done.index.tolist() == [0, 1, 2]
    shuffled = pd.DataFrame(nodes()).iloc[[2, 0, 1]]
    pd.testing.assert_frame_equal(pd.DataFrame(finish("nodes", shuffled)), pd.DataFrame(done))


def test_what_is_done_to_an_empty_table_stays_with_it() -> None:
    one = empty("nodes")
    one["more"] = 1
    one.loc[0, "node_id"] = "osm:n1"
    again = finish("nodes", pd.DataFrame(nodes()).iloc[:0])
    assert again.empty
    assert again.columns.tolist() == [column.name for column in TABLES["nodes"].columns]
    assert (str(again["node_id"].dtype), str(again["degree"].dtype), again.crs.to_epsg()) == ("str", "Int64", 4326)


def test_an_empty_table_with_other_columns_is_refused() -> None:
    with pytest.raises(TableError, match="degree"):
        finish("nodes", pd.DataFrame({"node_id": []}))


def test_sorting_uses_the_whole_key() -> None:
    assert finish("access", access())["profile"].tolist() == ["pram", "walk"]


def test_columns_come_in_the_schema_s_order_and_type() -> None:
    frame = pd.DataFrame(access())
    done = finish("access", frame[frame.columns[::-1]])
    assert done.columns.tolist() == [column.name for column in TABLES["access"].columns]
    assert str(done["distance_m"].dtype) == "float64"
    assert str(done["reason"].dtype) == "str"
    spatial = finish("nodes", nodes())
    assert str(spatial["component"].dtype) == "Int64"
    assert spatial["component"].isna().sum() == 1
    assert spatial.crs.to_epsg() == 4326


def test_numbers_are_rounded_as_the_schema_says() -> None:
    done = finish("access", access())
    assert done.loc[done["profile"] == "walk", "distance_m"].tolist() == [12.35]
    ground = finish("grounds", {"site_id": ["a"], "area_ha": [1.234567], "geometry": [square()]})
    assert ground["area_ha"].tolist() == [1.2346]


def test_minus_zero_is_written_as_zero() -> None:
    done = finish("access", access(distance_m=[-0.0, -0.0001]))
    assert not np.signbit(done["distance_m"].to_numpy()).any()


def test_missing_numbers_stay_missing() -> None:
    done = finish("access", access())
    assert np.isnan(done.loc[done["profile"] == "pram", "distance_m"]).all()


def test_the_input_is_left_alone() -> None:
    frame = pd.DataFrame(nodes())
    before = frame.copy(deep=True)
    finish("nodes", frame)
    pd.testing.assert_frame_equal(frame, before)


@pytest.mark.parametrize("name", sorted(TABLES))
def test_every_table_can_be_empty_and_be_written(name: str, tmp_path: Path) -> None:
    frame = empty(name)
    assert len(frame) == 0
    assert set(frame.columns) == {column.name for column in TABLES[name].columns}
    store = Store(tmp_path)
    store.put(name, frame)
    again = Store(tmp_path).get(name)
    assert list(again.columns) == list(frame.columns)
    assert isinstance(again, gpd.GeoDataFrame) == TABLES[name].spatial


def test_what_is_read_back_is_what_was_handed_on(tmp_path: Path) -> None:
    handed = Store(tmp_path).put("nodes", nodes())
    pd.testing.assert_frame_equal(pd.DataFrame(Store(tmp_path).get("nodes")), pd.DataFrame(handed))


def test_tables_written_meanwhile_are_all_in_their_files_at_the_end(tmp_path: Path) -> None:
    names = ["nodes", "access", "grounds"]
    frames = dict(zip(names, (nodes(), access(), {}), strict=True))
    plain, store = Store(tmp_path / "plain"), Store(tmp_path / "meanwhile")
    for one in (plain, store):
        one.folder.mkdir()
    with store.written_meanwhile():
        handed = {name: store.put(name, pd.DataFrame(frame)) for name, frame in frames.items()}
    for name, frame in frames.items():
        assert store.get(name) is handed[name]
        plain.put(name, pd.DataFrame(frame))
        assert store.path(name).read_bytes() == plain.path(name).read_bytes()
    store.put("nodes", {})  # afterwards as ever
    assert Store(store.folder).get("nodes").empty


def test_a_table_that_cannot_be_written_meanwhile_is_told(tmp_path: Path) -> None:
    store = Store(tmp_path / "absent")
    with pytest.raises(OSError, match="absent"), store.written_meanwhile():
        store.put("nodes", nodes())


def test_a_table_made_beside_is_there_for_who_asks_and_at_the_end(tmp_path: Path) -> None:
    store, plain, gate = Store(tmp_path / "beside"), Store(tmp_path / "plain"), threading.Event()
    for one in (store, plain):
        one.folder.mkdir()
    with store.written_meanwhile():
        store.put_later("nodes", lambda frame: pd.DataFrame(frame) if gate.wait(30) else pd.DataFrame(), nodes())
        store.put("grounds", {})  # does not wait
        gate.set()
        assert len(store.get("nodes")) == 3
        store.put_later("access", pd.DataFrame, access())
    assert {path.stem for path in store.folder.iterdir()} == {"nodes", "grounds", "access"}
    plain.put_later("nodes", pd.DataFrame, nodes())  # at once, where nothing is written meanwhile
    assert store.path("nodes").read_bytes() == plain.path("nodes").read_bytes()
    assert store.get("access") is store.get("access")


def test_a_fault_of_what_is_made_beside_is_told(tmp_path: Path) -> None:
    store = Store(tmp_path)

    def fault() -> pd.DataFrame:
        raise ValueError("made beside")

    with pytest.raises(ValueError, match="made beside"), store.written_meanwhile():
        store.put_later("nodes", fault)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["", "a", "ab", "甲", None]), st.sampled_from([1.0, 2.0, np.nan]), st.sampled_from("xy")
        )
    )
)
def test_a_key_rises_where_tuples_do(rows: list[tuple[str | None, float, str]]) -> None:
    frame = pd.DataFrame(rows, columns=["word", "number", "letter"]).astype({"word": "str", "letter": "str"})
    found = _rises(frame, ("word", "number", "letter"))
    if any(word is None for word, *_ in rows):
        assert not found, "a missing word may stand first or last: the table is sorted anew"
        return
    for missing in (0.0, 3.0):  # whatever stands for it
        filled = [(word, missing if np.isnan(number) else number, letter) for word, number, letter in rows]
        rises = all(one < other for one, other in pairwise(filled))
        assert rises if found else not rises or any(np.isnan(number) for _, number, _ in rows)


def test_a_key_given_twice_is_refused_in_any_order() -> None:
    for order in ([0, 1, 2], [2, 0, 1]):
        frame = pd.DataFrame(nodes(node_id=["osm:n1", "osm:n1", "osm:n2"])).iloc[order]
        with pytest.raises(TableError, match="key given twice"):
            finish("nodes", frame)


def test_the_order_of_a_long_key_with_many_words() -> None:
    # 40,000 words in each of five columns: too many combinations for one whole number
    codes = [np.random.default_rng(seed).permutation(40_000) % (39_999 - seed) for seed in range(5)]
    codes[0][:20_000] = codes[0][20_000:]
    codes[1][:20_000] = codes[1][20_000:]
    assert np.argsort(_ranks(codes), kind="stable").tolist() == np.lexsort(codes[::-1]).tolist()


def without(frame: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in frame.items() if key != name}


FAULTS: list[tuple[str, str, dict[str, Any], str]] = [
    ("missing column", "nodes", without(nodes(), "degree"), "degree"),
    ("unknown column", "nodes", nodes(colour=["a", "b", "c"]), "colour"),
    ("missing geometry column", "nodes", without(nodes(), "geometry"), "geometry"),
    ("duplicate key", "nodes", nodes(node_id=["osm:n1", "osm:n2", "osm:n1"]), "osm:n1"),
    ("duplicate compound key", "access", access(profile=["walk", "walk"]), "walk"),
    ("word out of vocabulary", "access", access(profile=["walk", "bus"]), "bus"),
    ("reason out of vocabulary", "access", access(reason=[None, "because"]), "because"),
    ("negative number", "access", access(distance_m=[-1.0, 2.0]), "distance_m"),
    ("negative whole", "nodes", nodes(degree=[1, -2, 3]), "degree"),
    ("missing text", "access", access(kind=["park", None]), "kind"),
    ("missing key", "nodes", nodes(node_id=["osm:n1", None, "osm:n2"]), "node_id"),
    ("wrong geometry", "nodes", nodes(geometry=[shapely.Point(0, 0), square(), shapely.Point(1, 1)]), "Polygon"),
    ("missing geometry", "nodes", nodes(geometry=[shapely.Point(0, 0), None, shapely.Point(1, 1)]), "geometry"),
    ("one part where many are meant", "grounds",
     {"site_id": ["a"], "area_ha": [1.0], "geometry": [shapely.box(117, 39, 118, 40)]}, "Polygon"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "data", "names"), [fault[1:] for fault in FAULTS], ids=[fault[0] for fault in FAULTS])
def test_a_frame_that_breaks_the_schema_is_refused(name: str, data: dict[str, Any], names: str) -> None:
    with pytest.raises(TableError) as caught:
        finish(name, data)
    assert name in str(caught.value)
    assert names in str(caught.value)


def test_a_geometry_that_may_be_missing_may_be_missing() -> None:
    row = {
        "owner_type": ["demand"], "owner_id": ["a"], "gate_id": ["a"], "profile": ["walk"], "edge_id": [None],
        "offset_m": [np.nan], "leg_m": [np.nan], "side": [None], "resolved_by": ["point"], "linked": [False],
        "reason": ["no_street_within_250m"], "geometry": [None],
    }  # fmt: skip
    assert finish("access_links", row).geometry.isna().all()


def test_schemas_are_sound() -> None:
    for table in TABLES.values():
        names = [column.name for column in table.columns]
        assert len(names) == len(set(names))
        assert set(table.key) <= set(names)
        assert not any(column.null for column in table.columns if column.name in table.key)
        assert all(column.meaning for column in table.columns)
        assert all(column.unit for column in table.columns if column.dtype == "number")
        assert sum(column.dtype == "geometry" for column in table.columns) <= 1


# ---- CSV

RISKY = ["=1+1", "+1", "-1", "@sum", "\tx", '=HYPERLINK("a")', "=", "＝安全", "ok", "a=b", "", None]


def read_back(path: Path) -> list[list[str]]:
    return list(csv.reader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline="")))


def test_text_that_would_run_as_a_formula_is_defused(tmp_path: Path) -> None:
    write_csv(pd.DataFrame({"name": RISKY, "value": range(len(RISKY))}), tmp_path / "a.csv")
    cells = [row[0] for row in read_back(tmp_path / "a.csv")[1:]]
    assert cells == ["'=1+1", "'+1", "'-1", "'@sum", "'\tx", '\'=HYPERLINK("a")', "'=", "'＝安全", "ok", "a=b", "", ""]


@pytest.mark.parametrize("text", ["a\nb", "a\r=1", "\r=1", "a\r\nb"])
def test_a_line_break_in_a_name_stays_in_its_cell(tmp_path: Path, text: str) -> None:
    write_csv(pd.DataFrame({"name": [text, "next"], "value": [1, 2]}), tmp_path / "a.csv")
    rows = read_back(tmp_path / "a.csv")
    assert [row[1] for row in rows] == ["value", "1", "2"]
    assert not rows[1][0].startswith("\r")


def test_columns_of_plain_objects_are_defused_too(tmp_path: Path) -> None:
    write_csv(pd.DataFrame({"name": pd.Series(["=1+1", 3, None], dtype=object)}), tmp_path / "a.csv")
    assert [row[0] for row in read_back(tmp_path / "a.csv")[1:]] == ["'=1+1", "3", ""]


def test_numbers_below_zero_stay_numbers(tmp_path: Path) -> None:
    write_csv(pd.DataFrame({"value": [-1.5, 2.0]}), tmp_path / "a.csv")
    assert [row[0] for row in read_back(tmp_path / "a.csv")] == ["value", "-1.5", "2.0"]


def test_csv_opens_with_chinese_in_a_spreadsheet(tmp_path: Path) -> None:
    frame = pd.DataFrame({"名称": ["幼儿园", 'a,b"c']})
    write_csv(frame, tmp_path / "a.csv")
    raw = (tmp_path / "a.csv").read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    assert raw.count(b"\xef\xbb\xbf") == 1
    assert b"\r" not in raw
    assert [row[0] for row in read_back(tmp_path / "a.csv")] == ["名称", "幼儿园", 'a,b"c']


def test_write_csv_leaves_its_frame_alone(tmp_path: Path) -> None:
    frame = pd.DataFrame({"name": ["=1"]})
    write_csv(frame, tmp_path / "a.csv")
    assert frame["name"].tolist() == ["=1"]


# ---- data dictionary


def test_the_data_dictionary_is_the_one_that_the_schemas_make() -> None:
    assert (ROOT / "docs" / "data_dictionary.md").read_text(encoding="utf-8") == dictionary_markdown()


def test_the_data_dictionary_names_every_column() -> None:
    text = dictionary_markdown()
    for table in TABLES.values():
        part = text.split(f"\n## {table.name}\n")[1].split("\n## ")[0]
        for column in table.columns:
            assert f"\n| {column.name} | " in part
        rows = [line for line in part.splitlines() if line.startswith("|")]
        assert {line.count("|") - line.count("\\|") for line in rows} == {7}, f"{table.name}: a cell holds a |"


def test_a_table_read_again_is_the_same_frame(hamlet_run: tuple[Path, Path, Any]) -> None:
    from geopandas.testing import assert_geodataframe_equal

    folder = hamlet_run[1] / "data/processed"
    store, spatial = Store(folder), 0
    for path in sorted(folder.glob("*.parquet")):
        mine = store.get(path.stem)
        if TABLES[path.stem].spatial:
            theirs = gpd.read_parquet(path)
            assert_geodataframe_equal(mine, theirs)
            assert (mine.crs, mine.geometry.name) == (theirs.crs, theirs.geometry.name)
            spatial += 1
        else:
            pd.testing.assert_frame_equal(mine, pd.read_parquet(path))
    assert spatial > 10
