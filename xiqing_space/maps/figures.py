"""maps/figures/: the chief sheets as PNG (300 dpi) and SVG, to be pasted into documents: district, zones, schools to improve first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import shapely

from xiqing_space.catalog import Catalogue
from xiqing_space.indicators.home_classes import COVERED, NOT_COVERED, PARTLY, UNKNOWN
from xiqing_space.maps.atlas import Atlas, merged
from xiqing_space.maps.figure_list import CIRCLE, Figure, list_figures
from xiqing_space.maps.sheet import Key, Sheet
from xiqing_space.release import Reader
from xiqing_space.release.cells import CELL_WITHHELD
from xiqing_space.schemas.safety import RISKS
from xiqing_space.sections import OutputConfig

_CLASSES = {COVERED: "covered", PARTLY: "partly", NOT_COVERED: "not_covered", UNKNOWN: "unknown"}  # of colours.toml
_WIDTHS = (0.5, 1.1, 1.9, 3.0)  # by pupils: none, few, more, most
_STREETS = {
    "closed": ("#dccfc7", 0.3),
    "path": ("#c2bcb0", 0.25),
    "street": ("#b9b4ab", 0.45),
    "main": ("#928d86", 0.9),
    "motorway": ("#b98b5e", 1.2),
}
_FIXES_NUMBERED = 20
_WITHHELD = "#d9d9d9"


def _ground(atlas: Atlas, sheet: Sheet, dim: float = 1.0) -> list[Key]:
    """Water and land, zones, streets; what the legend says of them."""
    sheet.areas(atlas.parks, "#d3e8cc", "#8fb98a", 0.4)
    sheet.areas(atlas.water, "#bfdcea", "#7fb2cc", 0.4)
    sheet.lines(atlas.streams, "#8fc0d8", 0.9)
    for name, (colour, width) in _STREETS.items():
        sheet.lines(atlas.streets[name], colour, width * dim)
    sheet.lines(atlas.rail, "#444444", 0.8, (0, (5, 3)))
    sheet.lines(shapely.boundary(atlas.zones["shape"].to_numpy()), "#333333", 0.7)
    sheet.lines(shapely.boundary(atlas.area), "#222222", 1.2, (0, (7, 2, 1, 2)))
    word = atlas.catalogue.word
    keys = [Key("line", "#928d86", word("streets_walk")[0])]
    if len(atlas.water) or len(atlas.streams):
        keys.append(Key("patch", "#bfdcea", word("barriers_water")[0], "#7fb2cc"))
    if len(atlas.parks):
        keys.append(Key("patch", "#d3e8cc", word("park_land")[0], "#8fb98a"))
    if len(atlas.rail):
        keys.append(Key("dash", "#444444", word("barriers_rail")[0], width=1.2))
    return [
        *keys,
        Key("line", "#333333", word("zones")[0], width=0.9),
        Key("dash", "#222222", word("area")[0], width=1.4),
    ]


def _notes(atlas: Atlas, theme: str) -> list[str]:
    facts, word = atlas.facts[theme], atlas.catalogue.word
    date = facts["date"] or word("date_unknown")[0]
    made = f"　{word('made_by')[0]}：{facts['organisation']}" if facts["organisation"] else ""
    lines = [
        f"{word('crs_note')[0]}{atlas.epsg}　{word('data_date')[0]}：{date}　{word('source')[0]}：{facts['source']}"[
            :150
        ]
    ]
    lines.append(f"{word('licence')[0]}：{facts['licence']}{made}　{facts['note'][0]}"[:170])
    if theme == "action13":
        lines.append(f"{atlas.catalogue.safety['name_zh']}。{word('score_note')[0]}"[:170])
    return lines


def _finish(atlas: Atlas, sheet: Sheet, theme: str, subject: str, groups: list[tuple[str, list[Key]]]) -> None:
    facts = atlas.facts[theme]
    title = facts["title"][0] + (f"（{subject}）" if subject else "")
    stamp = atlas.catalogue.word("synthetic_note")[0] if facts["synthetic"] else ""
    if facts["stamp"][0]:
        sheet.watermark([*facts["stamp"], "  ".join(one for one in (facts["organisation"], facts["date"]) if one)])
    sheet.furniture(title, facts["title"][1], groups, _notes(atlas, theme), stamp)


def _draw_places(atlas: Atlas, sheet: Sheet, classes: Any, colours: dict[int, str], *, small: bool) -> None:
    """Homes by class, or cells in a public release."""
    edge = atlas.catalogue.colours["home_edges"]["unknown"]
    if atlas.in_cells:
        for one in (UNKNOWN, COVERED, PARTLY, NOT_COVERED):
            sheet.areas(atlas.cells[classes == one], colours[one] + "99", colours[one], 0.25)
        sheet.areas(atlas.cells[classes == CELL_WITHHELD], _WITHHELD + "99", edge, 0.25)
        return
    west, south, east, north = sheet.box.bounds
    for one in (UNKNOWN, COVERED, PARTLY, NOT_COVERED):
        mine = atlas.homes[classes == one]
        mine = mine[(mine[:, 0] >= west) & (mine[:, 0] <= east) & (mine[:, 1] >= south) & (mine[:, 1] <= north)]
        shape = "s" if one == NOT_COVERED else "o"
        sheet.points(mine, shape, 1.1 if small else 2.2, colours[one], edge if one == UNKNOWN else "none", 0.2)


def _place_keys(atlas: Atlas, colours: dict[int, str]) -> list[Key]:
    word, edge = atlas.catalogue.word, atlas.catalogue.colours["home_edges"]["unknown"]
    if atlas.in_cells:
        shown = [Key("patch", colours[one], word(name)[0], edge) for one, name in _CLASSES.items()]
        return [*shown, Key("patch", _WITHHELD, word("cell_withheld")[0], edge)]
    edges = {UNKNOWN: edge}
    return [
        Key("square" if one == NOT_COVERED else "round", colours[one], word(name)[0], edges.get(one, "none"))
        for one, name in _CLASSES.items()
    ]


def _draw_reach(
    atlas: Atlas, bounds: tuple[float, float, float, float], kind: str, subject: str, zone: str | None
) -> Sheet:
    """Homes by class for a kind, or the complete circle, with blind spots and facilities."""
    sheet, word = Sheet(bounds), atlas.catalogue.word
    keys = _ground(atlas, sheet)
    classes, ink = atlas.home_class[kind], atlas.catalogue.colours["marks"]
    home = {one: atlas.catalogue.colours["homes"][name] for one, name in _CLASSES.items()}
    _draw_places(atlas, sheet, classes, home, small=zone is None)
    spots = atlas.spots[(atlas.spots["kind"] == kind) & ((atlas.spots["zone_id"] == zone) if zone else True)]
    sheet.areas(spots["shape"].to_numpy(), "none", ink["spot"], 0.7, hatch="////")
    wanted = set(atlas.catalogue.circle) if kind == "circle" else {kind}
    mine = atlas.facilities[atlas.facilities["kind"].isin(wanted)].drop_duplicates("site_id")
    exists = (mine["status"] == "operating").to_numpy(dtype=bool)
    xy = shapely.get_coordinates(mine["shape"].to_numpy())
    sheet.points(xy[exists], "o", 2.4 if zone is None else 4.0, "#111111", "white", 0.5)
    sheet.points(xy[~exists], "o", 2.4 if zone is None else 4.0, "white", "#111111", 0.6)
    if zone is None and len(atlas.zones) > 1:
        _zone_names(atlas, sheet)
    most = spots.sort_values(["children", "spot_id"], ascending=[False, True], kind="stable").head(10)
    if len(most):
        middles = shapely.get_coordinates(shapely.point_on_surface(most["shape"].to_numpy()))
        sheet.labels(middles, [str(number + 1) for number in range(len(most))], 6.5, ink["spot"], box="white")
    groups = [
        (word("legend_now")[0], [Key("round", "#111111", word("facility_operating")[0], "white"), Key("hollow", "white", word("facility_other")[0], "#111111"), *keys]),
        (word("legend_result")[0], _place_keys(atlas, home)),
        (word("legend_advice")[0], [Key("hatch", "white", word("layer_spots")[0] + word("numbered")[0], ink["spot"])] if len(spots) else []),
    ]  # fmt: skip
    _finish(atlas, sheet, "action02", subject, groups)
    return sheet


def _zone_names(atlas: Atlas, sheet: Sheet) -> None:
    middles = shapely.get_coordinates(shapely.point_on_surface(atlas.zones["shape"].to_numpy()))
    sheet.labels(middles, [str(name)[:12] for name in atlas.zones["name"]], 7)


def _stretches(atlas: Atlas, sheet: Sheet, far: bool) -> list[Key]:
    """Scored stretches: colour by risk, width by pupils."""
    edges, risks = atlas.edges, atlas.catalogue.colours["risk"]
    shape = edges["shape"].to_numpy()
    seen = sheet.seen(shape)
    wide, risk = edges["wide"].to_numpy(), edges["risk"].to_numpy(dtype=object)
    for step in range(4):
        for name in RISKS:
            mine = shape[seen & (wide == step) & (risk == name)]
            if len(mine):
                sheet.lines(merged(mine), risks[name], _WIDTHS[step] * (0.5 if far else 1.0), cut=False)
    word = atlas.catalogue.word
    return [
        *(Key("line", risks[name], word(f"risk_{name}")[0], width=2.4) for name in RISKS),
        Key("line", "#777777", word("pupils_wide")[0], width=3.4),
    ]


def _draw_routes(atlas: Atlas, bounds: tuple[float, float, float, float], subject: str, zone: str | None) -> Sheet:
    """Risk of the stretches, pupils on them, schools, and the list of what to improve first."""
    sheet, word = Sheet(bounds), atlas.catalogue.word
    ink, risks = atlas.catalogue.colours["marks"], atlas.catalogue.colours["risk"]
    keys = _ground(atlas, sheet, 0.6)
    classes = _stretches(atlas, sheet, far=zone is None)
    crossings = atlas.crossings[(atlas.crossings["pupils"] > 0) & atlas.crossings["risk"].isin(["high", "very_high"])]
    if zone is not None:
        for name in ("high", "very_high"):
            mine = crossings[crossings["risk"] == name]
            sheet.points(shapely.get_coordinates(mine["shape"].to_numpy()), "D", 3.0, risks[name], "#333333", 0.3)
    schools = atlas.schools.drop_duplicates("school_id")
    sheet.points(
        shapely.get_coordinates(schools["shape"].to_numpy()), "o", 3.2 if zone is None else 5.0, "#111111", "white", 0.6
    )
    if zone is None and len(atlas.zones) > 1:
        _zone_names(atlas, sheet)
    fixes = atlas.fixes.head(_FIXES_NUMBERED)
    if len(fixes):
        sheet.labels(
            shapely.get_coordinates(fixes["shape"].to_numpy()),
            [str(int(rank)) for rank in fixes["rank"]],
            6.5,
            ink["advice"],
            box=ink["advice_fill"],
        )
    groups = [
        (word("legend_now")[0], [Key("round", "#111111", word("school")[0], "white"), *keys]),
        (word("legend_result")[0], [*classes, *([Key("diamond", risks["high"], word("crossings_bad")[0])] if zone is not None else [])]),
        (word("legend_advice")[0], [Key("number", ink["advice_fill"], word("layer_fixes")[0] + word("numbered")[0], ink["advice"])] if len(fixes) else []),
    ]  # fmt: skip
    _finish(atlas, sheet, "action13", subject, groups)
    return sheet


def _draw_school(atlas: Atlas, school: Any) -> Sheet:
    """One school: its pupils' streets, gates with 150 m and 50 m, numbered crossings to mend."""
    x, y = shapely.get_coordinates(school.shape)[0]
    mine = atlas.forest[atlas.forest["school_id"] == school.school_id].groupby("next_edge_id")["children"].sum()
    edges = atlas.edges[atlas.edges["edge_id"].isin(mine.index)]
    bounds = shapely.total_bounds(edges["shape"].to_numpy()) if len(edges) else np.array([x, y, x, y])
    half = float(np.clip(max(np.abs(bounds - np.array([x, y, x, y]))), 350, 1200))
    sheet, word = Sheet((x - half, y - half * 0.75, x + half, y + half * 0.75)), atlas.catalogue.word
    ink, risks = atlas.catalogue.colours["marks"], atlas.catalogue.colours["risk"]
    keys = _ground(atlas, sheet, 0.9)
    share = (
        edges["edge_id"].map(mine).to_numpy(dtype=float) / max(float(mine.max()), 1e-12) if len(edges) else np.zeros(0)
    )
    for step, low, high in ((0.9, -1.0, 0.1), (1.8, 0.1, 0.4), (3.2, 0.4, 1.1)):
        for name in RISKS:
            chosen = edges["shape"].to_numpy()[(share > low) & (share <= high) & (edges["risk"] == name).to_numpy()]
            sheet.lines(chosen, risks[name], step)
    gates = atlas.gates[atlas.gates["site_id"] == school.school_id]
    points = gates["shape"].to_numpy()
    if len(points):
        sheet.lines(shapely.boundary(shapely.buffer(points, 150)), ink["flow"], 0.9, (0, (4, 3)))
        sheet.areas(shapely.buffer(points, 50), ink["flow"] + "22", ink["flow"], 0.9)
        sheet.points(shapely.get_coordinates(points), "D", 4.0, ink["flow"], "white", 0.5)
    numbered = atlas.problems[atlas.problems["school_id"] == school.school_id]
    problems = numbered.merge(atlas.crossings.drop(columns="children", errors="ignore"), on="crossing_id", how="left")
    if len(problems):
        sheet.labels(
            shapely.get_coordinates(problems["shape"].to_numpy()),
            [str(number + 1) for number in range(len(problems))],
            7,
            ink["problem"],
            box="white",
            every=True,
        )
    sheet.points(np.array([[x, y]]), "o", 7.0, "#111111", "white", 0.8)
    listed = [
        Key("number", "white", f"{number + 1} {_crossing_words(atlas, row)}", ink["problem"])
        for number, row in enumerate(problems.itertuples(index=False))
    ]
    groups = [
        (word("legend_now")[0], [Key("round", "#111111", word("school")[0], "white"), Key("diamond", ink["flow"], word("gate")[0], "white"),
                                 Key("dash", ink["flow"], word("zone_150")[0], width=1.0), Key("patch", "#e6e0ee", word("zone_50")[0], ink["flow"]), *keys[:3]]),
        (word("legend_result")[0], [Key("line", risks[name], word(f"risk_{name}")[0], width=2.4) for name in RISKS]),
        (word("school_problems")[0], listed),
    ]  # fmt: skip
    name = school.name if isinstance(school.name, str) else word("unknown_name")[0]
    _finish(atlas, sheet, "action13", name, groups)
    return sheet


def _crossing_words(atlas: Atlas, row: Any) -> str:
    """A crossing in words; what rests on a default says so."""
    word = atlas.catalogue.word
    named = (one for one in (row.road_name, row.road_ref) if isinstance(one, str))
    road = next(named, word(f"highway_{row.road_highway}")[0])
    lanes = word("lanes_n")[0].format(n=int(row.lanes_crossed)) + _by_default(atlas, row.lanes_crossed_from)
    control = word(f"control_{row.control}")[0] + _by_default(atlas, row.control_from)
    return f"{word('crossing_of')[0]} {road}，{lanes}，{control}"


def _by_default(atlas: Atlas, source: Any) -> str:
    return f"（{atlas.catalogue.word('by_default')[0]}）" if source == "default" else ""


def draw_figures(store: Reader, catalogue: Catalogue, output: OutputConfig, folder: Path) -> list[Figure]:
    """Every sheet of `list_figures`, as PNG and SVG."""
    folder.mkdir(parents=True, exist_ok=True)
    atlas = Atlas(store, catalogue, output)
    figures = list_figures(store, catalogue, folder)
    main = next((one.about for one in figures if one.theme == "reach"), "")
    for figure in figures:
        _draw(atlas, figure, main).save(figure.stem)
    return figures


def _draw(atlas: Atlas, figure: Figure, main: str) -> Sheet:
    """The sheet of a figure; `main`: what the sheets of zones show of reach."""
    whole = tuple(shapely.total_bounds(atlas.area))
    if figure.what == "school":
        return _draw_school(
            atlas, next(atlas.schools[atlas.schools["school_id"] == figure.about].itertuples(index=False))
        )
    zone = figure.about if figure.what == "zone" else None
    bounds = (
        whole
        if zone is None
        else tuple(shapely.bounds(atlas.zones.loc[atlas.zones["zone_id"] == zone, "shape"].iloc[0]))
    )
    if figure.theme == "routes":
        return _draw_routes(atlas, bounds, figure.title, zone)
    if zone is None:
        return _draw_reach(atlas, bounds, figure.about, figure.title, None)
    what = atlas.catalogue.word("circle")[0] if main == CIRCLE else atlas.catalogue.kinds[main].zh
    return _draw_reach(atlas, bounds, main, f"{figure.title}，{what}", zone)
