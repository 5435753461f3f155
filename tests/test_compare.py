"""`compare`: exactly what changed, with what stands behind it; weights and persons never held against each other."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import pytest
from helpers import call
from hypothesis import given, settings
from hypothesis import strategies as st
from report_tables import made, share

from xiqing_space.compare import KEY, compare_indicators, compare_runs, read_run, summary
from xiqing_space.errors import InputFileError

ROWS = (
    share("*", "kindergarten", "kindergarten_300m", "radius", 0.75, verdict="meets"),
    share("*", "kindergarten", "kindergarten_300m", "walk", 0.5),
    share("e", "kindergarten", "kindergarten_300m", "walk", 0.6),
    share("w", "park", "park_300m", "walk", float("nan"), reason="no_facility_mapped", verdict="no_data"),
)  # fmt: skip


def figures(*changed: tuple[int, dict[str, Any]], rows: tuple[dict[str, Any], ...] = ROWS) -> pd.DataFrame:
    """The figures, with some values of some rows changed."""
    mine = [dict(row) for row in rows]
    for number, values in changed:
        mine[number] |= values
    return made("indicators", mine)


def a_run(folder: Path, frame: pd.DataFrame, **record: Any) -> Path:
    home = folder / "data/processed"
    home.mkdir(parents=True)
    frame.to_parquet(home / "indicators.parquet", index=False)
    base = {"version": "0.1.0", "code": "c", "libraries": {"numpy": "2"}, "synthetic": False,
            "config": {"area": {"name": "西青"}, "walking": {"max_leg_m": 100.0}},
            "inputs": [{"role": "osm", "file": "a.osm", "sha256": "a" * 64, "date": ""}]}  # fmt: skip
    (home / "run.json").write_text(json.dumps(base | record), encoding="utf-8")
    return folder


def test_the_same_figures_have_no_difference() -> None:
    found = compare_indicators(figures(), figures())
    assert set(found["state"]) == {"same"}
    assert len(found) == 4


def test_one_planted_change_is_found_and_nothing_else() -> None:
    found = compare_indicators(figures(), figures((2, {"value": 0.7, "numerator": 7.0})))
    changed = found[found["state"] != "same"]
    assert changed[list(KEY)].to_numpy().tolist() == [
        ["A02-coverage", "kindergarten", "e", "walk", "kindergarten_300m", "*", ""]
    ]
    row = changed.iloc[0]
    assert (row["value_difference"], row["numerator_difference"], row["denominator_difference"]) == (0.1, 1.0, 0.0)
    assert row["state"] == "changed"


@pytest.mark.parametrize(
    "change",
    [{"value_low": 0.4}, {"value_high": 0.9}, {"denominator": 11.0}, {"n_unknown": 1.0}, {"reason": "homes_unknown"},
     {"threshold": 500.0}, {"verdict": "unknown"}],
    ids=lambda one: next(iter(one)),
)  # fmt: skip
def test_each_part_of_a_figure_counts(change: dict[str, Any]) -> None:
    assert (compare_indicators(figures(), figures((1, change)))["state"] != "same").sum() == 1


def test_rows_that_came_and_went() -> None:
    found = compare_indicators(
        figures(), made("indicators", [ROWS[0], ROWS[1], share("n", "park", "park_300m", "walk", 0.1)])
    )
    states = found.set_index(["zone_id", "kind", "measure"])["state"].to_dict()
    assert states == {
        ("*", "kindergarten", "radius"): "same", ("*", "kindergarten", "walk"): "same", ("n", "park", "walk"): "added",
        ("e", "kindergarten", "walk"): "gone", ("w", "park", "walk"): "gone",
    }  # fmt: skip
    assert found.loc[found["state"] == "gone", "zone_name"].tolist() == ["e镇", "w镇"]
    assert found.loc[found["state"].isin(["gone", "added"]), "value_difference"].isna().all()


def test_weights_and_persons_are_never_subtracted() -> None:
    relative = figures(*((number, {"weight_kind": "relative", "numerator": 1e-5}) for number in range(4)))
    found = compare_indicators(figures(), relative)
    assert set(found["state"]) == {"not_comparable"}
    assert found.filter(like="_difference").isna().all(axis=None)
    assert found["note_zh"].str.contains("人数").all()


def test_missing_to_a_number_is_a_change_without_a_difference() -> None:
    found = compare_indicators(figures(), figures((3, {"value": 0.2, "reason": None, "verdict": None})))
    row = found[found["state"] == "changed"].iloc[0]
    assert np.isnan(row["value_difference"])
    assert "由数据不足变为有数值" in row["note_zh"]


def test_another_limit_is_said() -> None:
    row = compare_indicators(figures(), figures((1, {"threshold": 500.0, "value": 0.9}))).iloc[0]
    assert row["note_zh"].startswith("限值 300 → 500")


def test_new_verdicts_come_first_then_the_largest_moves() -> None:
    after = figures((0, {"value": 0.74, "verdict": "below_recommended"}), (1, {"value": 0.1}), (2, {"value": 0.9}))
    found = compare_indicators(figures(), after)
    assert found["zone_id"].tolist()[:3] == ["*", "*", "e"]
    assert found["measure"].tolist()[:3] == ["radius", "walk", "walk"]
    assert found["state"].tolist() == ["changed"] * 3 + ["same"]


_SHARES = st.lists(st.none() | st.floats(0, 1).map(lambda one: round(one, 6)), min_size=1, max_size=8)


@settings(max_examples=15, deadline=None)
@given(_SHARES, st.data())
def test_against_a_plain_loop(before: list[float | None], data: st.DataObject) -> None:
    after = data.draw(st.lists(st.none() | st.sampled_from([0.25, 0.5]), max_size=8))
    frames = []
    for values in (before, after):
        rows = [
            share(f"z{number}", "park", "park_300m", "walk", np.nan if one is None else one)
            for number, one in enumerate(values)
        ]
        frames.append(pd.DataFrame(rows, columns=None if rows else list(ROWS[0])))
    found = compare_indicators(*frames).set_index("zone_id")["state"].to_dict()
    expected = {}
    for number in range(max(len(before), len(after))):
        if number >= len(before):
            state = "added"
        elif number >= len(after):
            state = "gone"
        else:
            state = "same" if before[number] == after[number] else "changed"
        expected[f"z{number}"] = state
    assert found == expected


def test_what_stands_behind_is_named(tmp_path: Path) -> None:
    before = read_run(a_run(tmp_path / "a", figures()))
    after = read_run(
        a_run(
            tmp_path / "b", figures(), code="d", synthetic=True,
            config={"area": {"name": "津南"}, "walking": {"max_leg_m": 50.0}},
            inputs=[{"role": "osm", "file": "b.osm", "sha256": "b" * 64, "date": ""}, {"role": "zones", "file": "z", "sha256": "c" * 64}],
        )
    )  # fmt: skip
    found = compare_runs(before, after)
    rows = {row["name"]: (row["before"], row["after"]) for row in found.behind.to_dict("records")}
    assert rows == {
        "code": ("c", "d"), "area.name": ("西青", "津南"), "walking.max_leg_m": ("100.0", "50.0"),
        "osm": (f"a.osm ({'a' * 12})", f"b.osm ({'b' * 12})"), "zones": ("—", f"z ({'c' * 12})"),
    }  # fmt: skip
    text = "\n".join(summary(found))
    assert "一次是示例数据、一次是真实数据" in text
    assert "西青 → 津南" in text


def test_the_command_prints_and_writes(tmp_path: Path) -> None:
    evil = {"label_zh": "=1+1", "value": 0.7}
    before, after = a_run(tmp_path / "a", figures()), a_run(tmp_path / "b", figures((2, evil)))
    for name in ("c.csv", "c.xlsx", "d.xlsx"):
        result = call("compare", before, after, "--out", tmp_path / name)
        assert result.code == 0, result.err
    assert "改变 1" in result.out
    assert "+10.00 百分点" in result.out
    assert "输入、设置与版本相同" in result.out
    rows = pd.read_csv(tmp_path / "c.csv", encoding="utf-8-sig")
    assert rows["label_zh"].tolist() == ["'=1+1"]
    sheet = openpyxl.load_workbook(tmp_path / "c.xlsx")["指标变化"]
    heads = [one.value for one in sheet[5]]
    assert sheet.cell(6, heads.index("value_b") + 1).value == 0.7
    assert sheet.cell(6, heads.index("value_b") + 1).number_format == "0.0%"
    assert sheet.max_row == 6
    assert (tmp_path / "c.xlsx").read_bytes() == (tmp_path / "d.xlsx").read_bytes()


def test_exit_codes(tmp_path: Path) -> None:
    run = a_run(tmp_path / "a", figures())
    assert call("compare", run, tmp_path / "nothing").code == 1
    assert "没有算完指标" in call("compare", run, tmp_path).err
    assert call("compare", run, run, "--out", tmp_path / "c.txt").code == 2
    assert call("compare", run).code == 2
    assert call("compare", run, run / "data/processed").code == 0
    (run / "data/processed/indicators.parquet").write_bytes(b"no parquet")
    broken = call("compare", run, run)
    assert broken.code == 1
    assert "无法读取" in broken.err
    with pytest.raises(InputFileError):
        read_run(tmp_path)
