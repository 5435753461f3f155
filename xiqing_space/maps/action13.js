// columns that came as differences or as one digit a row
const summed = list => { let last = 0; return list.map(step => typeof step === "number" ? (last += step) : step); };
const digits = text => Uint8Array.from(text, one => one.charCodeAt(0) - 48);
const E = D.edges, C = D.crossings, RISKS = ["low", "medium", "high", "very_high"], CONTROLS = ["none", "marked", "signals", "grade_separated"];
const RISK = RISKS.map(risk => D.colours.risk[risk]), SURE = [0, 1, 2, 3, 4].map(quarters => D.colours.defaulted[quarters]);
for (const layer of [E, C]) for (const name of ["risk", "guess", "control", "control_from", "lanes_from", "speed_from"]) if (name in layer) layer[name] = digits(layer[name]);
E.way = summed(E.way);
for (const school of D.schools) school.edges = summed(school.edges);
const state = {mode: "risk", school: ""};
const shown = {stretches: true, crossings: true, schools: true, fixes: true};

// stretches: grouped by class and by pupils, so that each group is one shape
const edgeLines = E.line.map(line), crossingAt = line(C.at);
const used = E.pupils.filter(p => p > 0).sort((a, b) => a - b), cut = q => used.length ? used[Math.min(used.length - 1, Math.floor(used.length * q))] : Infinity;
const STEPS = [cut(0.5), cut(0.9)];
const wide = p => p <= 0 ? 0 : p <= STEPS[0] ? 1 : p <= STEPS[1] ? 2 : 3, WIDTH = [0.9, 2.2, 3.6, 5.5];
const colourOf = i => state.mode === "risk" ? E.risk[i] : E.guess[i];
const onResult = canvas("result"), stretches = L.layerGroup();
let groups = [];
const grown = () => map.getZoom() < 12 ? 0.45 : map.getZoom() < 13.5 ? 0.7 : map.getZoom() < 15.5 ? 1 : 1.5;
function drawStretches() {
  stretches.clearLayers(); groups = [];
  const parts = new Map();
  edgeLines.forEach((part, i) => { const name = wide(E.pupils[i]) * 8 + colourOf(i); if (!parts.has(name)) parts.set(name, []); parts.get(name).push(part); });
  const palette = state.mode === "risk" ? RISK : SURE;
  for (const name of [...parts.keys()].sort((a, b) => (a & 7) - (b & 7) || a - b)) {
    const weight = WIDTH[name >> 3];
    groups.push([L.polyline(parts.get(name), {renderer: onResult, pane: "result", interactive: false, color: palette[name & 7], weight: weight * grown(), opacity: name >> 3 ? 1 : 0.75, lineCap: "butt"}).addTo(stretches), weight]);
  }
}
map.on("zoomend", () => { for (const [shape, weight] of groups) shape.setStyle({weight: weight * grown()}); });

// crossings: one canvas; the shape says how traffic is stopped, the colour how risky it is, so that grey print reads too
function mark(pen, control, x, y, r) {
  pen.beginPath();
  if (control === 0) pen.arc(x, y, r, 0, 6.3);
  else if (control === 1) pen.rect(x - r * 0.9, y - r * 0.9, r * 1.8, r * 1.8);
  else if (control === 2) { pen.moveTo(x, y - r * 1.2); pen.lineTo(x + r * 1.1, y + r * 0.8); pen.lineTo(x - r * 1.1, y + r * 0.8); pen.closePath(); }
  else { pen.moveTo(x, y - r * 1.2); pen.lineTo(x + r * 1.2, y); pen.lineTo(x, y + r * 1.2); pen.lineTo(x - r * 1.2, y); pen.closePath(); }
  pen.fill(); pen.stroke();
}
// far out only what matters most; all of them at street scale
const least = () => { const zoom = map.getZoom(); return zoom >= 16.5 ? 0 : zoom >= 15 ? 1 : zoom >= 13.5 ? 2 : 3; };
const visible = i => C.risk[i] >= least() && (C.pupils[i] > 0 || map.getZoom() >= 16.5);
const Crossings = L.Layer.extend({
  onAdd(m) {
    this._box = el("canvas", {"aria-hidden": "true"});
    this._box.style.position = "absolute"; this._box.style.pointerEvents = "none";
    m.getPane("limits").appendChild(this._box);
    m.on("moveend zoomend resize viewreset", this.draw, this); this.draw();
  },
  onRemove(m) { this._box.remove(); m.off("moveend zoomend resize viewreset", this.draw, this); },
  draw() {
    const size = map.getSize(), ratio = window.devicePixelRatio || 1;
    L.DomUtil.setPosition(this._box, map.containerPointToLayerPoint([0, 0]));
    this._box.width = size.x * ratio; this._box.height = size.y * ratio; this._box.style.width = size.x + "px"; this._box.style.height = size.y + "px";
    const pen = this._box.getContext("2d"); pen.scale(ratio, ratio);
    const zoom = map.getZoom(), r = zoom < 13.5 ? 2.2 : zoom < 15.5 ? 3.5 : zoom < 17 ? 5 : 7;
    for (let i = crossingAt.length - 1; i >= 0; i--) {
      if (!visible(i)) continue;
      const p = map.latLngToContainerPoint(crossingAt[i]);
      if (p.x < -9 || p.y < -9 || p.x > size.x + 9 || p.y > size.y + 9) continue;
      pen.fillStyle = state.mode === "risk" ? RISK[C.risk[i]] : SURE[C.guess[i]]; pen.strokeStyle = INK.crossing_edge; pen.lineWidth = 0.8;
      mark(pen, C.control[i], p.x, p.y, r);
    }
  },
});
const crossings = new Crossings();

// what a click meets: a crossing within 9 px, else a stretch within 8 px
function nearestCrossing(point) {
  let best = -1, least = 81;
  for (let i = 0; i < crossingAt.length; i++) {
    if (!visible(i)) continue;
    const p = map.latLngToContainerPoint(crossingAt[i]), d = (p.x - point.x) ** 2 + (p.y - point.y) ** 2;
    if (d < least) { least = d; best = i; }
  }
  return best;
}
function nearestEdge(latlng, point) {
  const edge = map.containerPointToLatLng(point.add([8, 8])), dLat = Math.abs(edge.lat - latlng.lat), dLng = Math.abs(edge.lng - latlng.lng);
  let best = -1, least = 64;
  edgeLines.forEach((part, i) => {
    for (let k = 1; k < part.length; k++) {
      const a = part[k - 1], b = part[k];
      if (Math.max(a[0], b[0]) < latlng.lat - dLat || Math.min(a[0], b[0]) > latlng.lat + dLat || Math.max(a[1], b[1]) < latlng.lng - dLng || Math.min(a[1], b[1]) > latlng.lng + dLng) continue;
      const d = L.LineUtil.pointToSegmentDistance(point, map.latLngToContainerPoint(a), map.latLngToContainerPoint(b)) ** 2;
      if (d < least) { least = d; best = i; }
    }
  });
  return best;
}
const score = v => (v / 100).toFixed(2);
const pupilWords = n => D.relative ? null : fill("pupils_pass", {n: n < 1 ? "< 1" : count(n)});
const roadWords = (layer, i) => layer.name[i] ? named("span", layer.names[layer.name[i]]) : el("span", {}, one("highway_" + layer.highways[layer.highway[i]]));
// what a score is, and between what it may lie: `low` and `high` are the ways down and up
function scoreRows(value, low, high, guess, weak) {
  return [el("div", {}, one("score") + " " + score(value) + (low || high ? bracket(score(value - low) + " – " + score(value + high)) : "")),
    both("div", fill("guess_share", {share: guess * 25 + " %"})), weak ? say("weak_zone", "div", {class: "note"}) : null];
}
function edgeWords(i) {
  const pupils = E.pupils[i] > 0 ? pupilWords(E.pupils[i]) : null;
  return el("div", {}, el("b", {}, roadWords(E, i)), el("div", {}, el("span", {class: "tag"}, one("risk_" + RISKS[E.risk[i]])), " ", one("stretch")),
    ...scoreRows(E.along[i], E.low[i], E.high[i], E.guess[i], weakEdges.has(i)), pupils ? both("div", pupils) : null,
    el("small", {}, "osm:w" + E.way[i] + " · " + one("evidence") + " " + D.evidence));
}
const bracket = text => first ? " (" + text + ")" : "（" + text + "）";
const fromWord = code => code === 1 ? bracket(one("by_default")) : "";
function crossingWords(i) {
  const pupils = C.pupils[i] > 0 ? pupilWords(C.pupils[i]) : null;
  return el("div", {}, el("b", {}, one("crossing_of") + " ", roadWords(C, i)), el("div", {}, el("span", {class: "tag"}, one("risk_" + RISKS[C.risk[i]]))),
    el("div", {}, fill("lanes_n", {n: C.lanes[i]})[first] + fromWord(C.lanes_from[i]) + " · " + one("control_" + CONTROLS[C.control[i]]) + fromWord(C.control_from[i]) + " · " + C.speed[i] + " km/h" + fromWord(C.speed_from[i]) + (islands.has(i) ? " · " + one("island") : "")),
    ...scoreRows(C.cross[i], C.low[i], C.high[i], C.guess[i], weakCrossings.has(i)), pupils ? both("div", pupils) : null,
    el("small", {}, C.id[i] + " · " + one("evidence") + " " + D.evidence));
}
const weakEdges = new Set(E.weak), weakCrossings = new Set(C.weak), islands = new Set(C.island);
map.on("click", event => {
  const at = shown.crossings ? nearestCrossing(event.containerPoint) : -1;
  if (at >= 0) { L.popup({maxWidth: 340}).setLatLng(crossingAt[at]).setContent(crossingWords(at)).openOn(map); return; }
  const edge = shown.stretches ? nearestEdge(event.latlng, event.containerPoint) : -1;
  if (edge >= 0) L.popup({maxWidth: 340}).setLatLng(event.latlng).setContent(edgeWords(edge)).openOn(map);
});

// schools, their gates, zones, pupils and numbered problems
const marks = L.layerGroup(), focus = L.layerGroup().addTo(map), repairs = L.layerGroup();
const onFocus = canvas("spots");
const icon = (name, text, size) => L.divIcon({className: name, html: text, iconSize: [size, size]});
function drawSchools() {
  marks.clearLayers();
  D.schools.forEach(school => {
    const m = L.circleMarker(school.at, {renderer: onMarks, pane: "marks", radius: map.getZoom() < 13 ? 4 : 6.5, weight: 2, color: school.inside ? "#fff" : "#e8b400", fillColor: school.reason ? "#777" : "#111", fillOpacity: 1});
    m.on("click", event => { L.DomEvent.stopPropagation(event); choose(school.id); }).addTo(marks);
  });
}
function drawFocus(school) {
  focus.clearLayers();
  map.getPane("result").style.opacity = school ? "0.45" : "1";
  if (!school) return;
  const most = Math.max(1e-9, ...school.flow);
  // its pupils' streets: width by how many of them, colour of the class, edged so that they stand out
  const bins = new Map(), palette = state.mode === "risk" ? RISK : SURE;
  school.edges.forEach((edge, i) => {
    const name = (school.flow[i] > most * 0.4 ? 2 : school.flow[i] > most * 0.1 ? 1 : 0) * 8 + colourOf(edge);
    if (!bins.has(name)) bins.set(name, []);
    bins.get(name).push(edgeLines[edge]);
  });
  const parts = [...bins].sort((a, b) => a[0] - b[0]), draw = (part, colour, weight) => L.polyline(part, {renderer: onFocus, pane: "spots", interactive: false, color: colour, weight: weight}).addTo(focus);
  for (const [name, part] of parts) draw(part, INK.flow, [2, 4, 7][name >> 3] + 2.5);
  for (const [name, part] of parts) draw(part, palette[name & 7], [2, 4, 7][name >> 3]);
  for (const gate of D.gates.filter(g => g.site === school.id)) {
    L.circle(gate.at, {renderer: onFocus, pane: "spots", interactive: false, radius: 150, color: INK.flow, weight: 1.5, dashArray: "6 5", fill: false}).addTo(focus);
    L.circle(gate.at, {renderer: onFocus, pane: "spots", interactive: false, radius: 50, color: INK.flow, weight: 1.5, fillColor: INK.flow, fillOpacity: 0.08}).addTo(focus);
    L.marker(gate.at, {pane: "marks", keyboard: true, alt: gate.id, icon: icon("gate " + gate.use, "", 13)}).bindPopup(() => gateWords(gate)).addTo(focus);
  }
  school.problems.forEach(([crossing], i) => L.marker(crossingAt[crossing], {pane: "marks", keyboard: true, alt: String(i + 1), icon: icon("problem", String(i + 1), 20)}).bindPopup(() => crossingWords(crossing)).addTo(focus));
}
function gateWords(gate) {
  const list = el("table", {}, el("tbody", {}, ...gate.rules.map(([rule, measured, verdict]) => el("tr", {}, both("td", D.rules[rule] || [rule, rule]), el("td", {class: "n"}, measured === null ? "—" : String(measured)), el("td", {}, one(verdict === "unknown" ? "verdict_unknown" : verdict))))));
  return el("div", {class: "wide"}, say("gate_" + gate.use, "b"), list, el("small", {}, gate.id));
}
for (const fix of D.fixes) L.marker(fix.at, {pane: "marks", keyboard: true, zIndexOffset: 1000 - fix.rank, alt: String(fix.rank), icon: icon("repair", String(fix.rank), 20)}).bindPopup(() => fixWords(fix)).addTo(repairs);
function fixWords(fix) {
  const lines = [el("b", {}, fix.rank + " · ", D.treatments[fix.treatment] ? D.treatments[fix.treatment][first] : fix.treatment), named("div", fix.place[first])];
  if (fix.helped !== null) lines.push(both("div", fill("fix_helped", {n: count(fix.helped), m: count(fix.acceptable || 0)})));
  if (fix.before !== null) lines.push(both("div", fill("fix_score", {a: fix.before.toFixed(2), b: fix.after.toFixed(2)})));
  lines.push(el("div", {}, one("cost") + " " + one("cost_" + fix.cost) + " · " + one("term_" + fix.term)), el("small", {}, fix.target + " · " + one("evidence") + " " + D.evidence));
  return el("div", {}, ...lines);
}
// the streets under the scores; drawn only where the scores are not
let plain = null;
function showLayers() {
  if (!shown.stretches && !plain) plain = L.polyline(edgeLines, {renderer: onWays, pane: "ways", interactive: false, color: "#b5b0a8", weight: 1.2});
  if (plain) { if (shown.stretches) plain.remove(); else plain.addTo(map); }
  for (const [name, layer] of [["stretches", stretches], ["crossings", crossings], ["schools", marks], ["fixes", repairs]]) if (shown[name]) layer.addTo(map); else layer.remove();
}
