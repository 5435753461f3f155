"""The questions of a set of facilities, the answers that came back, and what is left to ask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from xiqing_space.catalog import Catalogue
from xiqing_space.catalog.checkup import CheckupRules
from xiqing_space.ingest.corrections import ToWgs84, apply_corrections, closed_doubts, place_gates
from xiqing_space.ingest.doubts import with_doubt_ids
from xiqing_space.ingest.quality import Quality
from xiqing_space.ingest.questions import build_returns, note_questions
from xiqing_space.ingest.survey import SurveyAnswers, no_answers, read_survey


@dataclass(frozen=True)
class SurveyOutcome:
    """Facilities as corrected; doubts that are open (with ids); rows to ask; ids that answers closed; what was applied.

    `gates`: as the `surveyed_gates` table.
    """

    facilities: pd.DataFrame
    doubts: pd.DataFrame
    returns: pd.DataFrame
    closed: frozenset[str]
    survey: SurveyAnswers
    applied: pd.DataFrame
    gates: pd.DataFrame = field(default_factory=pd.DataFrame)


def take_survey(
    quality: Quality,
    facilities: pd.DataFrame,
    zones: pd.DataFrame,
    catalogue: Catalogue,
    rules: CheckupRules,
    returned: Sequence[Path] = (),
    *,
    datum: str | None = None,
    bounds: tuple[float, float, float, float] | None = None,
    to_wgs84: ToWgs84 | None = None,
    compounds: pd.DataFrame | None = None,
    metric_epsg: int = 0,
) -> SurveyOutcome:
    """Ask, read what came back, correct, and see what is still open. `quality` itself is not changed.

    Ids are those of the data as they came, before any correction, so that a sheet can be returned in several parts and at any time.

    Parameters
    ----------
    quality : Quality
        Doubts of the readers.
    facilities, zones : DataFrame
        Tables as read.
    returned : sequence of Path
        Returned sheets; none: nothing is corrected.
    datum, bounds, to_wgs84
        As in `read_survey` and `apply_corrections`.
    compounds : DataFrame, optional
        Those whose gates are asked for, with `metric_epsg`: compound_id, name, geometry.

    Raises
    ------
    InputDataError
        A returned sheet has faults: all of them in one message.
    """
    raised = Quality(list(quality.rows))
    note_questions(facilities, catalogue, rules, raised)
    doubts = with_doubt_ids(raised.frame())
    asked = build_returns(doubts, facilities, zones, catalogue, rules, compounds)
    if not returned:
        none = apply_corrections(facilities, no_answers().corrections)[1]
        return SurveyOutcome(facilities, doubts, asked, frozenset(), no_answers(), none)
    survey = read_survey(returned, asked, facilities, catalogue, rules, datum=datum, bounds=bounds)
    corrected, applied = apply_corrections(facilities, survey.corrections, to_wgs84=to_wgs84)
    gates = pd.DataFrame()
    if compounds is not None and len(survey.gates):
        gates, placed = place_gates(survey.gates, compounds, metric_epsg, to_wgs84=to_wgs84)
        applied = pd.concat([one for one in (applied, placed) if len(one)], ignore_index=True)
    closed = frozenset(closed_doubts(survey, asked, applied, rules))
    late = Quality()
    names = "、".join(sorted({path.name for path in returned}))
    if len(survey.no_longer_asked):
        cells = "、".join(survey.no_longer_asked["source"].head(5))
        late.add("survey_no_longer_asked", source=names, n=len(survey.no_longer_asked), cells=cells)
    for one in applied[~applied["applied"].astype(bool)].itertuples(index=False):
        file, reason = one.source.partition("[")[0], (one.reason_zh, one.reason_en)
        late.add("survey_not_applied", source=file, row=one.source, id=one.owner_id, reason=reason)
    rest = doubts[~doubts["doubt_id"].isin(closed)]
    still = pd.concat([rest, with_doubt_ids(late.frame())], ignore_index=True) if late.rows else rest
    still = still.reset_index(drop=True)
    returns = build_returns(still, corrected, zones, catalogue, rules, compounds)
    return SurveyOutcome(corrected, still, returns, closed, survey, applied, gates)
