"""Stage safety: what streets and crossings are like for walkers, and what they score."""

from __future__ import annotations

from typing import Any

import pandas as pd

from xiqing_space.ingest.quality import Quality
from xiqing_space.safety.attributes import resolve_attributes
from xiqing_space.safety.crossings import find_crossings
from xiqing_space.safety.guards import with_guards_of_gates
from xiqing_space.safety.score import score_crossings, score_segments
from xiqing_space.stages.context import Context


def safety(context: Context) -> dict[str, Any]:
    """Attributes of streets and crossings, each with where it comes from, and their scores."""
    store, catalogue = context.store, context.catalogue
    epsg = int(store.get("area")["metric_epsg"].iloc[0])
    streets, points, survey = store.get("streets"), store.get("road_points"), store.get("street_survey")
    resolved, wrong = resolve_attributes(streets, store.get("street_tags"), points, survey, catalogue, epsg)
    attributes = store.put("street_attributes", resolved)
    found = find_crossings(
        streets, store.get("mapped_crossings"), points, store.get("access_links"), attributes, survey, catalogue, epsg
    )
    crossings = store.put("crossings", with_guards_of_gates(found, store.get("gates"), survey, epsg))
    store.put("segment_scores", score_segments(attributes, catalogue))
    store.put("crossing_scores", score_crossings(crossings, catalogue))
    _note_tags(context.quality, wrong)
    return {"rows": {"street_attributes": len(attributes), "crossings": len(crossings)}}


def _note_tags(quality: Quality, wrong: pd.DataFrame) -> None:
    """Each value that could not be read, or that contradicts another, once."""
    for (why, key, value), group in wrong.groupby(["why", "key", "value"]):
        quality.add(f"street_tag_{why}", id=str(group["osm_id"].min()), key=key, value=value, n=len(group))
