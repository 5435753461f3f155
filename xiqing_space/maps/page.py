"""What every page has in common: head and foot, doubts, ground layers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from xiqing_space.catalog import Catalogue
from xiqing_space.maps.layers import land_groups, street_groups
from xiqing_space.maps.offline import encode_lines, encode_polygons, new_map, own_file, write_map
from xiqing_space.release import Reader, notice_of
from xiqing_space.sections import OutputConfig


def page_facts(store: Reader, catalogue: Catalogue, output: OutputConfig, title_word: str) -> dict[str, Any]:
    """What stands in the head and foot of every page; `title_word`: glossary key of its title."""
    area = store.get("area").iloc[0]
    text = {key: area[key] if isinstance(area[key], str) else "" for key in ("name", "source", "licence", "data_date")}
    text["source"] = "; ".join(dict.fromkeys(text["source"].split("; ")))  # two sheets of a file are one source
    title, notice = catalogue.word(title_word), notice_of(output, catalogue)
    return {
        "area": text["name"], "title": [output.title or f"{text['name']} · {title[0]}", output.title or f"{text['name']} · {title[1]}"],
        "source": text["source"], "licence": text["licence"], "date": text["data_date"],
        "synthetic": bool(area["synthetic"]), "organisation": output.organisation, "language": output.language,
        "stamp": list(notice.stamp), "note": list(notice.note), "floor": output.privacy_floor if output.release == "public" else 0,
    }  # fmt: skip


def grave(doubts: pd.DataFrame, catalogue: Catalogue) -> list[list[str]]:
    """Errors and warnings about the data, in both languages: the first of each check, and how many more there are.

    Errors first. Kinds that nobody mapped say so themselves.
    """
    kept = doubts[(doubts["severity"] != "info") & (doubts["check"] != "kind_unmapped")]
    count = kept["check"].value_counts()
    first = kept.drop_duplicates("check")
    first = first.assign(rank=first["severity"] != "error").sort_values("rank", kind="stable")
    more_zh, more_en = catalogue.word("more_of_kind")
    result = []
    for row in first.itertuples(index=False):
        n = int(count[row.check]) - 1
        tails = (more_zh.format(n=f"{n:,}"), " " + more_en.format(n=f"{n:,}")) if n else ("", "")
        result.append([row.what_zh + tails[0], row.what_en + tails[1]])
    return result


def page_data(
    store: Reader,
    catalogue: Catalogue,
    output: OutputConfig,
    title_word: str,
    doubts: pd.DataFrame,
    streets: gpd.GeoDataFrame,
) -> dict[str, Any]:
    """What every map shows: facts, words, ground layers, zones, doubts.

    Parameters
    ----------
    title_word : str
        Glossary key of the page's title.
    doubts : DataFrame
        quality.csv so far; what is graver than a remark stands on the page.
    streets : GeoDataFrame
        Streets of the ground layer; those that the page draws itself need not be among them.
    """
    area, zones = store.get("area"), store.get("zones")
    return {
        "facts": page_facts(store, catalogue, output, title_word),
        "words": {key: list(pair) for key, pair in catalogue.words.items()},
        "streets": street_groups(streets),
        "land": land_groups(store),
        "area": encode_lines(area.geometry.boundary.to_numpy()),
        "zones": [[name, encode_polygons([shape])] for name, shape in zip(zones["name"], zones.geometry, strict=True)],
        "relative": bool((store.get("demand")["weight_kind"] == "relative").any()),
        "doubts": grave(doubts, catalogue),
        "metric": int(area["metric_epsg"].iloc[0]),
        "colours": catalogue.colours,
        "kind_words": {kind.id: [kind.zh, kind.en] for kind in catalogue.kinds.values()}
        | {"circle": list(catalogue.word("circle"))},
    }


def write_page(store: Reader, output: OutputConfig, path: Path, data: dict[str, Any], scripts: tuple[str, ...]) -> Path:
    """Put data and scripts into a map of the whole area and write it."""
    west, south, east, north = (float(value) for value in store.get("area").total_bounds)
    chinese = output.language == "zh"
    write_map(new_map((west, south, east, north)), path, lang="zh-CN" if chinese else "en",
              title=data["facts"]["title"][0 if chinese else 1], style=own_file("page.css"), data=data,
              script="".join(own_file(name) for name in ("base.js", *scripts)))  # fmt: skip
    return path
