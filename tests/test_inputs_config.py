"""Bad configurations: the message names key, value or file, and the remedy; and those that look odd but are read."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from helpers import call, hamlet_zones, table, write_config
from refusals import earlier, refused

__all__ = ["earlier"]

# ---- the configuration

KEYS: list[tuple[str, str, tuple[str, ...]]] = [
    ("top level", '[area]\nname = "x"\n[walkin]\nmax_leg_m = 50\n', ("walkin", "walking")),
    ("top level key", 'nam = "x"\n[area]\nname = "x"\n', ("nam",)),
    ("section", '[area]\nname = "x"\nbufer_m = 5\n', ("area.bufer_m", "buffer_m")),
    ("section, another", '[area]\nname = "x"\n[walking]\nmax_leg = 50\n', ("walking.max_leg", "max_leg_m")),
    ("list", '[area]\nname = "x"\n[[standards.override]]\nstandard = "park_300m"\nvalue = 5\nreson = "because"\n',
     ("reson", "reason")),
    ("nothing near", '[area]\nname = "x"\n[output]\nqqqqq = 1\n', ("output.qqqqq", "language", "title", "organisation")),
    ("several", '[area]\nnme = "x"\n[output]\ntitel = "a"\n', ("area.nme", "area.name", "output.titel", "title")),
    ("a kind", '[area]\nname = "x"\n[standards.default]\nkindergartn = "kindergarten_500m"\n',
     ("kindergartn", "kindergarten")),
    ("a kind's standard", '[area]\nname = "x"\n[standards.default]\npark = "kindergarten_500m"\n',
     ("standards.default.park", "park_500m")),
    ("an overridden standard", '[area]\nname = "x"\n[[standards.override]]\nstandard = "park_30m"\nvalue = 5\nreason = "because"\n',
     ("park_30m", "park_300m")),
]  # fmt: skip


@pytest.mark.parametrize(("text", "names"), [one[1:] for one in KEYS], ids=[one[0] for one in KEYS])
def test_unknown_keys_name_the_nearest(earlier: Path, tmp_path: Path, text: str, names: tuple[str, ...]) -> None:
    (tmp_path / "c.toml").write_text(text, encoding="utf-8")
    refused(earlier, tmp_path / "c.toml", "c.toml", *names, remedy=" / ")


VALUES: list[tuple[str, tuple[str, ...]]] = [
    ("[area]\n", ("area.name", "missing")),
    ("", ("area", "missing")),
    ("[area]\nname = 3\n", ("area.name",)),
    ('[area]\nname = ""\n', ("area.name",)),
    ('[area]\nname = "x"\nbuffer_m = "wide"\n', ("area.buffer_m", "wide")),
    ('[area]\nname = "x"\nbuffer_m = -1\n', ("area.buffer_m", "-1")),
    ('[area]\nname = "x"\nbuffer_m = nan\n', ("area.buffer_m",)),
    ('[area]\nname = "x"\nbbox = [1, 2, 3]\n', ("area.bbox",)),
    ('[area]\nname = "x"\nbbox = "1,2,3,4"\n', ("area.bbox",)),
    ('[area]\nname = "x"\nbbox = [117.2, 39.0, 117.0, 39.2]\n', ("area", "west, south, east, north")),
    ('[area]\nname = "x"\nbbox = [39.0, 117.0, 39.2, 117.2]\n', ("area", "west, south, east, north")),
    ('[area]\nname = "x"\nbbox = [500000, 4326000, 501000, 4327000]\n', ("area", "west, south, east, north")),
    ('[area]\nname = "x"\nbbox = [117.0, 39.0, 117.2, 39.2]\nboundary = "b.geojson"\n', ("area", "not both")),
    ('[area]\nname = "x"\nmetric_crs = "CGCS2000"\n', ("area.metric_crs",)),
    ('area = "x"\n', ("area",)),
    ('[area]\nname = "x"\n[walking]\nmax_leg_m = 0\n', ("walking.max_leg_m",)),
    ('[area]\nname = "x"\n[walking]\nmax_leg_m = 251\n', ("walking.max_leg_m",)),
    ('[area]\nname = "x"\n[walking]\nsearch_limit_m = 10\n', ("walking.search_limit_m",)),
    ('[area]\nname = "x"\n[walking]\nisland_min_m = -5\n', ("walking.island_min_m",)),
    ('[area]\nname = "x"\n[output]\nlanguage = "fr"\n', ("output.language", "fr")),
    ('[area]\nname = "x"\n[[standards.override]]\nstandard = "park_300m"\nvalue = 5\n', ("reason", "missing")),
    ('[area]\nname = "x"\n[[standards.override]]\nstandard = "park_300m"\nvalue = 5\nreason = ""\n', ("reason",)),
    ('[area]\nname = "x"\n[[standards.override]]\nstandard = "park_300m"\nvalue = 0\nreason = "because"\n', ("value",)),
    ('[area]\nname = "x"\n[standards]\ndefault = "park_300m"\n', ("standards.default",)),
    ('[area]\nname = "x"\nbuffer_m = -1\n[walking]\nmax_leg_m = 0\n', ("area.buffer_m", "walking.max_leg_m")),
]


@pytest.mark.parametrize(("text", "names"), VALUES, ids=lambda one: repr(one) if isinstance(one, str) else "")
def test_wrong_values(earlier: Path, tmp_path: Path, text: str, names: tuple[str, ...]) -> None:
    (tmp_path / "c.toml").write_text(text, encoding="utf-8")
    refused(earlier, tmp_path / "c.toml", "c.toml", *names, remedy=" / ")


BROKEN = [
    ("not closed", b'[area\nname = "x"\n'),
    ("backslashes", b'[area]\nname = "x"\nboundary = "C:\\data\\x.shp"\n'),
    ("twice", b'[area]\nname = "x"\nname = "y"\n'),
    ("another encoding", '[area]\nname = "西青区"\n'.encode("gb18030")),
    ("utf-16", '[area]\nname = "x"\n'.encode("utf-16")),
]


@pytest.mark.parametrize("content", [one[1] for one in BROKEN], ids=[one[0] for one in BROKEN])
def test_broken_toml(earlier: Path, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "c.toml").write_bytes(content)
    refused(earlier, tmp_path / "c.toml", "c.toml", "not valid TOML", "UTF-8")


def test_toml_as_windows_editors_save_it_is_read(tmp_path: Path, hamlet_osm: Path) -> None:
    shutil.copy(hamlet_osm, tmp_path / "a.osm.pbf")
    text = '\ufeff[area]\r\nname = "西青"\r\n[sources]\r\nosm = "a.osm.pbf"\r\n'
    (tmp_path / "c.toml").write_bytes(text.encode())
    result = call("check", "--config", tmp_path / "c.toml", "--out", tmp_path / "out")
    assert result.code == 0, result.err[-300:]


def test_an_area_without_data_is_never_run_on_the_sample(earlier: Path, tmp_path: Path) -> None:
    config = write_config(tmp_path / "c.toml", {"area": {"name": "x", "bbox": [117.0, 39.0, 117.2, 39.2]}})
    refused(earlier, config, "no street data", "[sources]")


def test_every_missing_file_is_named_at_once(earlier: Path, tmp_path: Path) -> None:
    config = write_config(tmp_path / "c.toml", {
        "area": {"name": "x", "boundary": "b.shp", "zones": "z.shp"}, "sources": {"osm": "o.pbf", "streets": "s.gpkg"},
    })  # fmt: skip
    refused(earlier, config, "c.toml", "b.shp", "z.shp", "o.pbf", "s.gpkg")


def test_chinese_and_blanks_in_paths(tmp_path: Path, hamlet_osm: Path) -> None:
    folder = tmp_path / "西青 数据（1）"
    folder.mkdir()
    shutil.copy(hamlet_osm, folder / "道路 a.osm.pbf")
    hamlet_zones(folder / "分区 b.geojson")
    config = write_config(folder / "设置 c.toml", {"area": {"name": "村", "zones": "分区 b.geojson"},
                                                 "sources": {"osm": "道路 a.osm.pbf"}})  # fmt: skip
    result = call("run", "--config", config, "--out", folder / "结果 d", "--only", "ingest")
    assert result.code == 0, result.err[-300:]
    assert table(folder / "结果 d", "zones")["zone_id"].tolist() == ["e", "w"]
