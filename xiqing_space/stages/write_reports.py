"""Stage report: the workbook, the GeoPackage and the Shapefile set."""

from __future__ import annotations

from typing import Any

from xiqing_space import __version__
from xiqing_space.ingest.quality import Quality
from xiqing_space.report.geopackage import FILE as GEOPACKAGE
from xiqing_space.report.geopackage import write_geopackage
from xiqing_space.report.planner_tables import RunTables
from xiqing_space.report.shapefiles import FOLDER, write_shapefiles
from xiqing_space.report.workbook import FILE as WORKBOOK
from xiqing_space.report.workbook import BookFacts, write_workbook
from xiqing_space.stage_list import NOT_REPORTED, tables_of
from xiqing_space.stages.context import Context


def report(context: Context) -> dict[str, Any]:
    """reports/tables.xlsx, reports/xiqing_space.gpkg and reports/shapefile/, from the tables that the stages before left."""
    store = context.store
    frames = {name: store.get(name) for name in tables_of("report")}
    run = RunTables(frames, Quality(list(context.doubts)).frame(), context.catalogue, NOT_REPORTED)
    output = context.config.output
    facts = book_facts(context, output.title, output.organisation)
    folder = context.reports
    folder.mkdir(parents=True, exist_ok=True)
    for table, rows in write_workbook(run, facts, folder / WORKBOOK).items():
        context.quality.add("sheet_cut", source=WORKBOOK, id=table, n=rows)
    write_geopackage(run, folder / GEOPACKAGE, area=facts.area, synthetic=facts.synthetic)
    notes = write_shapefiles(run, folder / FOLDER, synthetic=facts.synthetic)
    for (layer, field), rows in notes.cut.items():
        context.quality.add("shapefile_text_cut", source=f"{layer}.shp", id=field, n=rows)
    return {"rows": {}}


def book_facts(context: Context, title: str, organisation: str) -> BookFacts:
    """What the cover says of a run."""
    area = context.store.get("area").iloc[0]
    text = {key: area[key] if isinstance(area[key], str) else "" for key in ("name", "source", "licence", "data_date")}
    return BookFacts(
        area=text["name"], title=title, synthetic=bool(area["synthetic"]), source=text["source"], licence=text["licence"],
        data_date=text["data_date"], metric_epsg=int(area["metric_epsg"]), organisation=organisation, version=__version__,
        run_key=context.run_key, inputs=context.inputs,
    )  # fmt: skip
