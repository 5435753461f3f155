"""The Action 2 review map: who can walk to what, as one file that opens without a network."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from xiqing_space.catalog import Catalogue
from xiqing_space.maps.layers import facility_marks, views
from xiqing_space.maps.overlays import CIRCLE, minutes_of, opening_marks, reach_shapes, spot_marks
from xiqing_space.maps.page import page_data, write_page
from xiqing_space.maps.places import Places
from xiqing_space.maps.sight_marks import sight_counts, sight_marks
from xiqing_space.release import Reader
from xiqing_space.sections import OutputConfig

FILE = "action02_child_space_review.html"
TITLE = "title_action02"


def draw_action02(
    store: Reader, catalogue: Catalogue, output: OutputConfig, folder: Path, doubts: pd.DataFrame
) -> Path:
    """Write the page; every figure on it comes from the `indicators` table.

    Parameters
    ----------
    store : Reader
        Tables of the run.
    folder : Path
        `maps/` of the run.
    doubts : DataFrame
        quality.csv so far; what is graver than a remark stands on the page.
    """
    zones, measured, facilities = store.get("zones"), catalogue.measured_kinds, store.get("facilities")
    places = Places(store, catalogue)
    shown = views(store, catalogue, places)
    data = page_data(store, catalogue, output, TITLE, doubts, store.get("streets")) | {
        "kinds": [[kind, catalogue.kinds[kind].zh, catalogue.kinds[kind].en] for kind in measured if
                  catalogue.standards_of(kind)] + [[CIRCLE, *catalogue.word("circle")]] * any(
                  view["kind"] == CIRCLE for view in shown),
        "circle": list(catalogue.circle),
        "bands": {band.id: [band.zh, band.en] for band in catalogue.bands.values()},
        **places.payload(),
        "facilities": facility_marks(facilities[facilities["kind"].isin(measured)]),
        "views": shown,
        "reach": reach_shapes(store.get("catchments"), {view["reach"] for view in shown} - {None}),
        "spots": spot_marks(store.get("blind_spots"), zones),
        "openings": opening_marks(store.get("gate_openings")),
        "minutes": minutes_of(store.get("walk_minutes")),
        "sights": sight_marks(store.get("sightlines"), store.get("streets")),
        "sight_counts": sight_counts(store.get("sightlines")),
    }  # fmt: skip
    return write_page(store, output, folder / FILE, data, ("action02.js", "action02_overlays.js"))
