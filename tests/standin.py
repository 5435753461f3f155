"""A stand-in for Overpass and Nominatim on 127.0.0.1, answering in their formats from an extract, with faults on demand.

It reads the queries that osmnx writes (and refuses others), filters by tag and polygon, and adds what `>` adds: members of
relations and nodes of ways. Boundaries of places are given by the test.
"""

from __future__ import annotations

import contextlib
import json
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import osmium
import shapely

_STATEMENT = re.compile(r"(node|way|relation)((?:\[[^\]]*\])+)\(poly:'([-\d. ]+)'\)")
_CONDITION = re.compile(r"\[(['\"])(.+?)\1(?:=(['\"])(.+?)\3)?\]")
_SETTINGS = re.compile(r"^\[out:json\]\[timeout:\d+\];")
DATE = "2026-10-01T20:21:22Z"
FREE = """Connected as: 2130706433
Current time: 2026-11-01T08:00:00Z
Announced endpoint: none
Rate limit: 2
2 slots available now.
Currently running queries (pid, space limit, time limit, start time):
"""


class Extract:
    """Everything of an OSM file, in memory."""

    def __init__(self, path: Path) -> None:
        self.items: dict[str, dict[int, dict[str, Any]]] = {"node": {}, "way": {}, "relation": {}}
        self.tagged: dict[tuple[str, str], list[int]] = {}  # (kind, key) -> ids
        self._shapes: dict[tuple[str, int], Any] = {}
        self._answers: dict[str, list[dict[str, Any]]] = {}
        kinds = {"n": "node", "w": "way", "r": "relation"}
        for item in osmium.FileProcessor(str(path)):
            tags = {tag.k: tag.v for tag in item.tags}
            if item.is_node():
                value: dict[str, Any] = {"lat": round(item.location.lat, 7), "lon": round(item.location.lon, 7)}
            elif item.is_way():
                value = {"nodes": [node.ref for node in item.nodes]}
            else:
                value = {
                    "members": [{"type": kinds[one.type], "ref": one.ref, "role": one.role} for one in item.members]
                }
            kind = kinds[item.type_str()]
            for key in tags:
                self.tagged.setdefault((kind, key), []).append(item.id)
            self.items[kind][item.id] = {"type": kind, "id": item.id, **value, **({"tags": tags} if tags else {})}

    def shape(self, kind: str, identity: int) -> Any:
        """Point, line or, of a relation, what its members are; None where the extract lacks it."""
        if (kind, identity) not in self._shapes:
            self._shapes[kind, identity] = self._draw(kind, identity)
        return self._shapes[kind, identity]

    def _draw(self, kind: str, identity: int) -> Any:
        item = self.items[kind].get(identity)
        if item is None:
            return None
        if kind == "node":
            return shapely.Point(item["lon"], item["lat"])
        if kind == "way":
            places = [self.items["node"][ref] for ref in item["nodes"] if ref in self.items["node"]]
            return shapely.LineString([(one["lon"], one["lat"]) for one in places]) if len(places) > 1 else None
        parts = [self.shape(one["type"], one["ref"]) for one in item["members"] if one["type"] != "relation"]
        return shapely.GeometryCollection([one for one in parts if one is not None])

    def answer(self, query: str) -> list[dict[str, Any]]:
        """The elements that a query of osmnx asks for."""
        if not _SETTINGS.match(query) or not query.endswith("out;"):
            raise ValueError("no query of osmnx")
        if query not in self._answers:
            self._answers[query] = self._answer(query)
        return self._answers[query]

    def _answer(self, query: str) -> list[dict[str, Any]]:
        found: set[tuple[str, int]] = set()
        for kind, conditions, corners in _STATEMENT.findall(query):
            wanted = [(key, value) for _, key, _, value in _CONDITION.findall(conditions)]
            numbers = [float(one) for one in corners.split()]
            polygon = shapely.Polygon(list(zip(numbers[1::2], numbers[::2], strict=True)))
            shapely.prepare(polygon)
            for identity in self.tagged.get((kind, wanted[0][0]), []):
                tags = self.items[kind][identity]["tags"]
                if all(key in tags and (not value or tags[key] == value) for key, value in wanted):
                    shape = self.shape(kind, identity)
                    if shape is not None and shapely.intersects(polygon, shape):
                        found.add((kind, identity))
        members = {
            (one["type"], one["ref"]) for kind, identity in found if kind == "relation"
            for one in self.items[kind][identity]["members"]
            if one["type"] != "relation" and one["ref"] in self.items[one["type"]]
        }  # fmt: skip
        found |= members
        found |= {
            ("node", ref) for kind, identity in found if kind == "way"
            for ref in self.items[kind][identity]["nodes"] if ref in self.items["node"]
        }  # fmt: skip
        order = ("node", "way", "relation")
        return [
            self.items[kind][identity]
            for kind, identity in sorted(found, key=lambda one: (order.index(one[0]), one[1]))
        ]


@dataclass
class Fault:
    """What to answer instead, `times` times, on paths that end with `path`."""

    path: str
    status: int = 200
    body: bytes = b""
    times: int = 1
    kind: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: int | None = None  # only so many bytes of the true answer, though Content-Length is that of what is sent
    silent: bool = False  # no answer until the stand-in closes
    drop: bool = False  # the connection is closed in the midst of the body


class StandIn:
    """Both services in one thread.

    Attributes
    ----------
    asked : list of (path, query)
        Every request, in order; for Overpass the query, for Nominatim the place.
    faults : list of Fault
        Used up from the first on.
    places : dict of str to list of dict
        Nominatim's results by query.
    """

    def __init__(self, extract: Extract) -> None:
        self.extract, self.asked, self.faults = extract, [], []
        self.places: dict[str, list[dict[str, Any]]] = {}
        self.agents: set[str] = set()
        self._closing = threading.Event()
        standin = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *args: object) -> None:
                pass

            def do_GET(self) -> None:
                standin.serve(self, "")

            def do_POST(self) -> None:
                standin.serve(self, self.rfile.read(int(self.headers["Content-Length"])).decode())

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.thread.start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    @property
    def posts(self) -> list[str]:
        """The Overpass queries that came."""
        return [query for path, query in self.asked if path.endswith("/interpreter")]

    def close(self) -> None:
        """Stop listening; a second call does nothing."""
        if self._closing.is_set():
            return
        self._closing.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def serve(self, request: BaseHTTPRequestHandler, body: str) -> None:
        """Answer one request."""
        parts = urlsplit(request.path)
        fields = parse_qs(body or parts.query)
        self.asked.append((parts.path, (fields.get("data") or fields.get("q") or fields.get("osm_ids") or [""])[0]))
        self.agents.add(request.headers.get("User-Agent", ""))
        fault = next((one for one in self.faults if parts.path.endswith(one.path) and one.times > 0), None)
        if fault is not None:
            fault.times -= 1
            if fault.silent:
                self._closing.wait(20)
                return
        status, kind, answer = self._answer(parts.path, self.asked[-1][1])
        headers: dict[str, str] = {}
        if fault is not None and fault.cut is not None:
            answer = answer[: fault.cut]
        elif fault is not None and not fault.drop:
            status, kind, answer, headers = fault.status, fault.kind, fault.body, dict(fault.headers)
        request.send_response(status)
        for key, value in {"Content-Type": kind, "Content-Length": str(len(answer)), **headers}.items():
            request.send_header(key, value)
        request.end_headers()
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # who asked has gone
            request.wfile.write(answer[: len(answer) // 2] if fault is not None and fault.drop else answer)

    def _answer(self, path: str, query: str) -> tuple[int, str, bytes]:
        if path.endswith("/status"):
            return 200, "text/plain", FREE.encode()
        if path.endswith("/interpreter"):
            try:
                elements = self.extract.answer(query)
            except ValueError as error:
                return 400, "text/html", f"<html><body><p>Error: {error}</p></body></html>".encode()
            head = {
                "timestamp_osm_base": DATE,
                "copyright": "The data included in this document is from www.openstreetmap.org.",
            }
            value: Any = {"version": 0.6, "generator": "Overpass API 0.7.62.8", "osm3s": head, "elements": elements}
        elif path.endswith(("/search", "/lookup")):
            value = self.places.get(query, [])
        else:
            return 404, "text/html", b"<html><title>404</title></html>"
        return 200, "application/json", json.dumps(value).encode()


def nominatim_result(
    geometry: Any, *, osm_id: int = 34914, sort: tuple[str, str] = ("boundary", "administrative"), name: str = "Helsinki",
    importance: float = 0.8, osm_type: str = "relation",
) -> dict[str, Any]:  # fmt: skip
    """One result as Nominatim's `format=json&polygon_geojson=1` has it."""
    west, south, east, north = geometry.bounds
    return {
        "place_id": 1, "licence": "Data © OpenStreetMap contributors, ODbL 1.0. http://osm.org/copyright",
        "osm_type": osm_type, "osm_id": osm_id, "lat": str(geometry.centroid.y), "lon": str(geometry.centroid.x),
        "class": sort[0], "type": sort[1], "place_rank": 16, "importance": importance, "addresstype": "city",
        "name": name, "display_name": f"{name}, Uusimaa, Suomi",
        "boundingbox": [str(south), str(north), str(west), str(east)],
        "geojson": json.loads(shapely.to_geojson(geometry)),
    }  # fmt: skip
