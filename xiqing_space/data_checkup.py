"""The data check-up of what was read: quality.csv, the workbook that goes to departments, and the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from xiqing_space.catalog.checkup import load_checkup
from xiqing_space.config import Config
from xiqing_space.ingest.doubts import compare_doubts, read_doubts, with_doubt_ids
from xiqing_space.ingest.quality import Quality
from xiqing_space.ingest.questions import build_returns, with_unlocated
from xiqing_space.ingest.survey_step import SurveyOutcome, take_survey
from xiqing_space.network.completeness import note_unfinished, street_completeness
from xiqing_space.report import build_checkup, write_checkup_page, write_checkup_workbook
from xiqing_space.report.checkup import SOURCE_COLUMNS
from xiqing_space.report.checkup_page import FILE as PAGE
from xiqing_space.report.checkup_workbook import FILE as WORKBOOK

# questions keep the number under which they were asked first, though half of the answer is there
_ASKED = ("ask_status", "ask_level", "ask_gaps", "survey_no_longer_asked", "survey_not_applied")


@dataclass(frozen=True)
class CheckOutcome:
    """What a check left: quality.csv, workbook, page; doubts graver than a remark, and all; the comparison with the last check."""

    quality: Path
    files: tuple[Path, ...]
    grave: int
    doubts: int
    changes: tuple[int, int, int] | None  # settled, open, new
    closed: int


def write_checkup(context: Any, info: dict[str, Any], former: Path, folder: Path) -> CheckOutcome:
    """Write quality.csv, reports/data_checkup.xlsx and reports/data_checkup.html into a folder, from the layers of `ingest`.

    Parameters
    ----------
    context : Context
        Of the stages, after `ingest`, which has put in what the returned sheets of its configuration correct; its quality gets a
        doubt for each zone whose streets are unfinished.
    info : dict
        What `ingest` returned.
    former : Path
        quality.csv of the last check, if there is one.
    """
    from xiqing_space.stages import write_csv
    from xiqing_space.stages.read_returned import as_wgs84, bounds_of

    store, catalogue, rules = context.store, context.catalogue, load_checkup()
    area, zones = store.get("area").iloc[0], store.get("zones")
    completeness = street_completeness(
        store.get("streets"), zones, store.get("demand"), None, int(area["metric_epsg"]), rules.completeness
    )
    earlier = read_doubts(former)
    facilities, compounds = with_unlocated(store.get("facilities"), store.get("unlocated")), store.get("compounds")
    raised = Quality(list(context.before_survey.get("rows", context.quality.rows)))
    for quality in (raised, context.quality):
        note_unfinished(completeness, quality)
    survey = take_survey(
        raised, context.before_survey.get("facilities", facilities), zones, catalogue, rules, tuple(dict.fromkeys(context.config.survey.sheets)),
        bounds=bounds_of(area["geometry"]), to_wgs84=as_wgs84, compounds=compounds, metric_epsg=int(area["metric_epsg"]),
    )  # fmt: skip
    if context.config.survey.sheets:
        doubts = _still_open(survey, context.quality)
        returns = build_returns(doubts, facilities, zones, catalogue, rules, compounds)
        survey = replace(survey, doubts=doubts, returns=returns, facilities=facilities)
    changes = compare_doubts(earlier, survey.doubts, survey.closed)
    checkup = build_checkup(
        area=area["name"], sources=source_frame(context.inputs, info, context.config, catalogue), doubts=survey.doubts, returns=survey.returns,
        catalogue=catalogue, rules=rules, completeness=completeness, counts=_counts(context, survey.facilities), changes=changes, synthetic=context.synthetic,
        organisation=context.config.output.organisation, language=context.config.output.language,
    )  # fmt: skip
    write_csv(survey.doubts, folder / "quality.csv")
    reports = folder / "reports"
    reports.mkdir(parents=True, exist_ok=True)
    files = (write_checkup_workbook(checkup, reports / WORKBOOK), write_checkup_page(checkup, reports / PAGE))
    grave = int((survey.doubts["severity"] != "info").sum())
    tallies = None if changes is None else (checkup.tally("settled"), checkup.tally("open"), checkup.tally("new"))
    return CheckOutcome(folder / "quality.csv", files, grave, len(survey.doubts), tallies, _closed(survey))


def _still_open(survey: SurveyOutcome, quality: Quality) -> pd.DataFrame:
    """Doubts about the data as corrected, and questions that answers left open."""
    now = with_doubt_ids(quality.frame())
    now = now[~now["doubt_id"].isin(survey.closed)]
    rest = survey.doubts[survey.doubts["check"].isin(_ASKED) & ~survey.doubts["doubt_id"].isin(now["doubt_id"])]
    return pd.concat([rest, now], ignore_index=True)


def _closed(survey: SurveyOutcome) -> int:
    return len(survey.closed)


def _counts(context: Any, facilities: pd.DataFrame) -> pd.DataFrame | None:
    """Facilities as corrected, held against the totals that the configuration states."""
    from xiqing_space.ingest.reconcile import Stated, reconcile

    stated = [Stated(one.label, one.kinds, one.total, one.operators) for one in context.config.stated]
    return reconcile(facilities, stated) if stated else None


def source_frame(
    inputs: Sequence[dict[str, Any]], info: dict[str, Any], config: Config, catalogue: Any
) -> pd.DataFrame:
    """Input files as the check-up lists them, with what the configuration states of each.

    Parameters
    ----------
    inputs : sequence of dict
        Records of input files: role, file, licence. Returned sheets are none of the sources.
    info : dict
        What `ingest` returned: `data_date` of the main source, `rows` per layer.
    """
    rows = []
    roles = {one["role"] for one in inputs}
    for one in inputs:
        role = one["role"]
        if role.startswith("survey"):
            continue
        date, licence, datum = _stated(role, config, info)
        rows.append(
            (one["file"], _label(role, catalogue), _counted(role, roles, info), date, one.get("licence") or licence,
             datum or " / ".join(catalogue.word("checkup_in_file")))
        )  # fmt: skip
    return pd.DataFrame(rows, columns=list(SOURCE_COLUMNS))


def _label(role: str, catalogue: Any) -> str:
    """What a file is for; facilities-2 is the second list."""
    word = f"checkup_role_{role.split('-')[0].split('.')[0]}"
    return " / ".join(catalogue.word(word)) if word in catalogue.words else role


def _stated(role: str, config: Config, info: dict[str, Any]) -> tuple[str, str, str]:
    """Date, licence and datum of a source as the configuration has them."""
    if role in ("osm", "streets"):
        return info.get("data_date") or "", config.sources.licence, "WGS-84"
    name, _, number = role.split(".")[0].partition("-")
    section = getattr(config, name, None)
    if isinstance(section, tuple) and number.isdecimal():
        section = section[int(number) - 1]
    date = getattr(section, "date", "") or ""
    if name == "population":
        date = str(getattr(section, "base_year", None) or "")
    return date, getattr(section, "licence", ""), getattr(section, "datum", "") or ""


def _counted(role: str, roles: set[str], info: dict[str, Any]) -> int | None:
    """Rows that came out of a file, as far as the layers tell."""
    counts = info.get("rows", {})
    layers = {"osm": ("facilities", "homes"), "streets": ("streets",), "zones": ("zones",)}.get(role, ())
    if role == "osm" and "streets" not in roles:
        layers = ("streets", *layers)
    return sum(int(counts.get(layer, 0)) for layer in layers) if layers else None
