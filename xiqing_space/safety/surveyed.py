"""What returned field sheets say of crossings, put in place of tags and defaults."""

from __future__ import annotations

import numpy as np
import pandas as pd

_NUMBERS = ("speed_kmh", "lanes_crossed", "width_m")
_FLAGS = ("lit", "island", "raised", "step_free", "guard")
_TRUE = ("true", "yes", "1", "是")


def with_survey(crossings: pd.DataFrame, survey: pd.DataFrame) -> pd.DataFrame:
    """Crossings with the values that were surveyed; columns that the frame does not have yet are left for later.

    Parameters
    ----------
    crossings : DataFrame
        Column crossing_id, and those of the `crossings` table.
    survey : DataFrame
        Table `street_survey`: rows whose item_type is crossing.
    """
    mine = survey[(survey["item_type"] == "crossing").to_numpy(dtype=bool)]
    if mine.empty:
        return crossings
    mine = mine[mine["item_id"].isin(crossings["crossing_id"])]
    result = crossings
    for name in ("control", *_NUMBERS, *_FLAGS):
        said = mine[(mine["field"] == name).to_numpy(dtype=bool)]
        if name not in crossings.columns or not len(said):
            continue
        text = said["value"].astype(str).str.strip()
        value = pd.to_numeric(text) if name in _NUMBERS else text
        value = text.str.lower().isin(_TRUE) if name in _FLAGS else value
        row = pd.Index(said["item_id"]).get_indexer(pd.Index(result["crossing_id"]))
        seen = np.flatnonzero(row >= 0)
        new, source = result[name].to_numpy().copy(), result[f"{name}_from"].to_numpy(dtype=object).copy()
        new[seen], source[seen] = value.to_numpy()[row[seen]], "survey"
        result = result.assign(**{name: new, f"{name}_from": source})
    return result
