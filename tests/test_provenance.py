"""A run is put in place whole or not at all, and every figure leads back to what it rests on."""

from __future__ import annotations

import hashlib
import json
import os
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers import Result, call, files_of, table, write_config

from xiqing_space import provenance
from xiqing_space.errors import OutputError
from xiqing_space.provenance import RUN_PARTS, RunFolder, code_hash, hash_of, read_json, sha256_of, write_json

RUN_FILES = ("data/processed/access.parquet", "data/processed/run.json", "maps/index.html", "reports/review.html")


class CutShort(BaseException):
    """The machine is switched off."""


def fill(base: Path, word: str) -> None:
    for name in RUN_FILES:
        (base / name).parent.mkdir(parents=True, exist_ok=True)
        (base / name).write_text(word, encoding="utf-8")
    manifest = {"stages": {}, "files": dict.fromkeys((*RUN_FILES, "data/processed/manifest.json"), "")}
    write_json(base / "data/processed/manifest.json", manifest)


def words_of(out: Path) -> set[str]:
    """Which run the files in place belong to; {'old'} or {'new'} is a whole run, {'absent'} none."""
    return {(out / name).read_text("utf-8") if (out / name).is_file() else "absent" for name in RUN_FILES}


def start(out: Path, *, earlier: bool) -> RunFolder:
    if earlier:
        fill(out, "old")
    folder = RunFolder(out)
    folder.open()
    fill(folder.new, "new")
    return folder


def break_replace(monkeypatch: pytest.MonkeyPatch, number: int, error: BaseException) -> Callable[[], int]:
    """The n-th move of a swap fails, once."""
    calls = 0
    real = os.replace

    def replace(source: os.PathLike[str], target: os.PathLike[str]) -> None:
        nonlocal calls
        calls += 1
        if calls == number:
            raise error
        real(source, target)

    monkeypatch.setattr(provenance.os, "replace", replace)
    return lambda: calls


def test_a_swap_puts_the_new_run_in_place(tmp_path: Path) -> None:
    folder = start(tmp_path, earlier=True)
    folder.swap()
    assert words_of(tmp_path) == {"new"}
    assert not folder.work.exists()


def test_a_first_run_is_put_in_place(tmp_path: Path) -> None:
    start(tmp_path / "a" / "b", earlier=False).swap()
    assert words_of(tmp_path / "a" / "b") == {"new"}


def test_files_of_an_earlier_run_that_the_new_one_lacks_go(tmp_path: Path) -> None:
    folder = start(tmp_path, earlier=True)
    (folder.new / "maps/index.html").unlink()
    folder.swap()
    assert not (tmp_path / "maps/index.html").exists()


def test_a_user_s_own_files_stay(tmp_path: Path) -> None:
    fill(tmp_path, "old")
    own = ("maps/notes.txt", "reports/2024/letter.docx", "data/processed/mine.csv", "data/raw/x.pbf", "elsewhere.txt")
    for name in own:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name, encoding="utf-8")
    folder = RunFolder(tmp_path)
    folder.open()
    fill(folder.new, "new")
    folder.swap()
    assert words_of(tmp_path) == {"new"}
    assert [(tmp_path / name).read_text("utf-8") for name in own] == list(own)


@pytest.mark.parametrize("number", range(1, 2 * len(RUN_PARTS) + 1))
def test_a_move_that_fails_leaves_the_earlier_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    folder = start(tmp_path, earlier=True)
    (tmp_path / "maps/notes.txt").write_text("mine", encoding="utf-8")
    before = {name: one for name, one in files_of(tmp_path).items() if not name.startswith(".")}
    calls = break_replace(monkeypatch, number, PermissionError(13, "in use"))
    with pytest.raises(OutputError, match="in use"):
        folder.swap()
    assert calls() >= number
    folder.close()
    assert files_of(tmp_path) == before


@pytest.mark.parametrize("number", range(1, len(RUN_PARTS) + 1))
def test_a_move_that_fails_in_a_first_run_leaves_nothing_half(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    folder = start(tmp_path, earlier=False)
    break_replace(monkeypatch, number, OSError(28, "no space left"))
    with pytest.raises(OutputError):
        folder.swap()
    folder.close()
    assert words_of(tmp_path) == {"absent"}


@pytest.mark.parametrize("number", range(1, 2 * len(RUN_PARTS) + 1))
def test_a_swap_that_was_cut_short_is_mended_by_the_next_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    folder = start(tmp_path, earlier=True)
    break_replace(monkeypatch, number, CutShort())
    with pytest.raises(CutShort):
        folder.swap()
    monkeypatch.undo()
    RunFolder(tmp_path).open()
    assert words_of(tmp_path) == {"old"}


@pytest.mark.parametrize("number", range(1, len(RUN_PARTS) + 1))
def test_a_first_swap_that_was_cut_short_leaves_no_half_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    folder = start(tmp_path, earlier=False)
    break_replace(monkeypatch, number, CutShort())
    with pytest.raises(CutShort):
        folder.swap()
    monkeypatch.undo()
    RunFolder(tmp_path).open()
    assert words_of(tmp_path) == {"absent"}


@pytest.mark.parametrize("number", range(1, 2 * len(RUN_PARTS) + 1))
def test_an_interrupt_in_the_middle_of_a_swap_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """As the pipeline does it: whatever happens, the working folder is closed."""
    folder = start(tmp_path, earlier=True)
    break_replace(monkeypatch, number, KeyboardInterrupt())
    try:
        with pytest.raises(KeyboardInterrupt):
            folder.swap()
    finally:
        folder.close()
    monkeypatch.undo()
    RunFolder(tmp_path).open()
    assert words_of(tmp_path) in ({"old"}, {"new"})


def test_a_file_in_the_place_of_a_folder_is_not_lost(tmp_path: Path) -> None:
    (tmp_path / "maps").write_text("my own", encoding="utf-8")
    folder = RunFolder(tmp_path)
    folder.open()
    fill(folder.new, "new")
    with pytest.raises(OutputError):
        folder.swap()
    assert (tmp_path / "maps").read_text("utf-8") == "my own"


def test_leftovers_of_a_run_that_died_do_not_enter_the_next(tmp_path: Path) -> None:
    folder = start(tmp_path, earlier=True)
    (folder.new / "maps/half.html").write_text("half", encoding="utf-8")
    again = RunFolder(tmp_path)
    again.open()
    fill(again.new, "newer")
    again.swap()
    assert words_of(tmp_path) == {"newer"}
    assert not (tmp_path / "maps/half.html").exists()


# ---- hashes and records


def test_sha256_is_that_of_the_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"x" * 3_000_000)
    assert sha256_of(path) == hashlib.sha256(b"x" * 3_000_000).hexdigest()


def test_hash_of_sees_values_and_not_the_order_of_keys() -> None:
    assert hash_of({"a": 1, "b": [2, "中"]}) == hash_of({"b": [2, "中"], "a": 1})
    assert len({hash_of(value) for value in ({"a": 1}, {"a": 2}, {"a": "1"}, {"a": None}, {}, [], [1, 2], [2, 1])}) == 8


def test_json_has_the_same_bytes_for_the_same_value(tmp_path: Path) -> None:
    write_json(tmp_path / "a", {"b": "中", "a": 1.5})
    write_json(tmp_path / "b", {"a": 1.5, "b": "中"})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert "中" in (tmp_path / "a").read_text("utf-8")
    with pytest.raises(ValueError, match=r"[Oo]ut of range"):
        write_json(tmp_path / "a", {"a": float("nan")})


@pytest.mark.parametrize("content", [None, "", "{", "[1]", "\x00"])
def test_a_broken_record_counts_as_none(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "a").write_text(content, encoding="utf-8")
    assert read_json(tmp_path / "a") == {}


def test_run_json_names_every_input_by_its_hash(helsinki_run: Path, helsinki: Path) -> None:
    record = json.loads((helsinki_run / "data/processed/run.json").read_text("utf-8"))
    assert [(one["role"], one["file"], one["sha256"]) for one in record["inputs"]] == [
        ("osm", helsinki.name, hashlib.sha256(helsinki.read_bytes()).hexdigest())
    ]
    assert record["code"] == code_hash()
    assert record["synthetic"] is False
    assert record["config"]["area"]["name"] == "Helsinki"
    assert set(record["libraries"]) == set(provenance.LIBRARIES)
    assert str(helsinki.parent) not in json.dumps(record, ensure_ascii=False), "folders of this machine are no evidence"


def test_run_json_names_every_table_by_its_hash(helsinki_run: Path) -> None:
    record = json.loads((helsinki_run / "data/processed/run.json").read_text("utf-8"))
    found = {name: one for name, one in files_of(helsinki_run).items() if name.endswith(".parquet")}
    assert record["tables"] == found


def test_the_manifest_names_every_file(helsinki_run: Path) -> None:
    manifest = json.loads((helsinki_run / "data/processed/manifest.json").read_text("utf-8"))
    found = files_of(helsinki_run)
    assert set(manifest["files"]) == set(found)
    assert {name: one for name, one in found.items() if manifest["files"][name]} == {
        name: one for name, one in manifest["files"].items() if one
    }


def test_evidence_covers_every_row_of_the_indicators(helsinki_run: Path) -> None:
    record = json.loads((helsinki_run / "data/processed/run.json").read_text("utf-8"))
    rows = table(helsinki_run, "indicators")
    assert rows["evidence_id"].is_unique
    assert rows["evidence_id"].str.fullmatch("ev-[0-9a-f]{12}").all()
    assert set(record["evidence"]) == set(rows["evidence_id"])
    keys = ["indicator_id", "kind", "zone_id", "measure", "standard_id", "age_band", "variant"]
    for row in rows.itertuples(index=False):
        assert record["evidence"][row.evidence_id] == {key: getattr(row, key) for key in keys}


def test_evidence_ids_change_with_the_configuration(hamlet_run: tuple[Path, Path, Result], tmp_path: Path) -> None:
    config, out, _ = hamlet_run
    other = write_config(tmp_path / "c.toml", {**tomllib.loads(config.read_text("utf-8")), "area": {"name": "b"}})
    assert call("run", "--config", other, "--out", tmp_path / "out", "--only", "indicators").code == 0
    ids = [set(table(folder, "indicators")["evidence_id"]) for folder in (out, tmp_path / "out")]
    assert len(ids[0]) == len(ids[1]) > 0
    assert not ids[0] & ids[1]
