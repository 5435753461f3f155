const D = JSON.parse(document.getElementById("payload").textContent);
const F = D.facts, first = F.language === "en" ? 1 : 0, second = 1 - first;
const G = 1e5, COLOURS = ["#1f5fa8", "#7fb3dc", "#d95f02", "#ffffff"], EDGES = ["#123a68", "#3f7fb3", "#8a3c00", "#666666"];

// text from files only ever becomes a text node
function el(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes || {})) node.setAttribute(key, value);
  for (const child of children) if (child !== null && child !== undefined) node.append(child);
  return node;
}
function word(key) { return D.words[key] || [key, key]; }
function pairInto(node, pair) {
  node.replaceChildren(document.createTextNode(pair[first]));
  if (pair[second] && pair[second] !== pair[first]) node.append(el("small", {}, pair[second]));
  return node;
}
function both(tag, pair, attributes) { return pairInto(el(tag, attributes), pair); }
function say(key, tag, attributes) { return both(tag || "span", word(key), attributes); }

function line(flat) {
  const out = []; let x = 0, y = 0;
  for (let i = 0; i < flat.length; i += 2) { x += flat[i]; y += flat[i + 1]; out.push([y / G, x / G]); }
  return out;
}
const lines = list => list.map(line), polygons = list => list.map(rings => rings.map(line));

L.control.scale({imperial: false, maxWidth: 160}).addTo(map);
map.createPane("land").style.zIndex = 250;
map.createPane("reach").style.zIndex = 280;
map.createPane("ways").style.zIndex = 300;
map.createPane("limits").style.zIndex = 350;
map.createPane("spots").style.zIndex = 400;
map.createPane("marks").style.zIndex = 450;
const canvas = pane => L.canvas({pane: pane, padding: 0.3});
const onLand = canvas("land"), onWays = canvas("ways"), onLimits = canvas("limits"), onMarks = canvas("marks");
function add(make, data, renderer, style) {
  if (!data.length) return null;
  return make(data, Object.assign({renderer: renderer, pane: renderer.options.pane, interactive: false}, style)).addTo(map);
}
add(L.polygon, polygons(D.land.ground), onLand, {stroke: false, fillColor: "#ece4d3", fillOpacity: 1});
add(L.polygon, polygons(D.land.park), onLand, {color: "#8fb98a", weight: 1, fillColor: "#d3e8cc", fillOpacity: 1});
add(L.polygon, polygons(D.land.water), onLand, {color: "#7fb2cc", weight: 1, fillColor: "#bfdcea", fillOpacity: 1});
add(L.polyline, lines(D.land.stream), onLand, {color: "#8fc0d8", weight: 2.5});
const ways = [
  add(L.polyline, lines(D.streets.closed), onWays, {color: "#d8c9c0", weight: 1, dashArray: "2 3"}),
  add(L.polyline, lines(D.streets.path), onWays, {color: "#b9b2a4", weight: 0.8}),
  add(L.polyline, lines(D.streets.street), onWays, {color: "#b5b0a8", weight: 1.2}),
  add(L.polyline, lines(D.streets.main), onWays, {color: "#8f8a83", weight: 2.2}),
];
const motorway = add(L.polyline, lines(D.streets.motorway), onWays, {color: "#b98b5e", weight: 3});
add(L.polyline, lines(D.land.rail), onWays, {color: "#444", weight: 1.6, dashArray: "7 5"});
add(L.polyline, lines(D.area), onLimits, {color: "#222", weight: 2.2, dashArray: "10 4 2 4"});
for (const [name, shape] of D.zones) {
  if (D.zones.length < 2) break;
  const zone = add(L.polygon, polygons(shape), onLimits, {color: "#333", weight: 1.2, fill: false});
  if (zone) zone.bindTooltip(el("span", {}, name), {permanent: true, direction: "center", className: "zone", interactive: false}).openTooltip();
}

// homes: one layer, one canvas, drawn in one sweep
const homes = line(D.homes);
const Homes = L.Layer.extend({
  onAdd(m) {
    this._box = el("canvas", {"aria-hidden": "true"});
    this._box.style.position = "absolute"; this._box.style.pointerEvents = "none";
    m.getPane("limits").appendChild(this._box);
    m.on("moveend zoomend resize viewreset", this.draw, this);
    this.draw();
  },
  show(classes) { this._classes = classes; this.draw(); },
  opacity(shown) { this._box.style.visibility = shown ? "visible" : "hidden"; },
  draw() {
    if (!this._map) return;
    const size = this._map.getSize(), ratio = window.devicePixelRatio || 1, origin = this._map.containerPointToLayerPoint([0, 0]);
    L.DomUtil.setPosition(this._box, origin);
    this._box.width = size.x * ratio; this._box.height = size.y * ratio;
    this._box.style.width = size.x + "px"; this._box.style.height = size.y + "px";
    const pen = this._box.getContext("2d"); pen.scale(ratio, ratio);
    const zoom = this._map.getZoom(), r = zoom < 12 ? 1.2 : zoom < 14 ? 1.8 : zoom < 16 ? 3 : zoom < 17.5 ? 4.5 : 6.5;
    const places = homes.map(p => this._map.latLngToContainerPoint(p));
    // in the order of the data, so that no class hides another where homes stand close
    places.forEach((p, i) => {
      if (p.x < -9 || p.y < -9 || p.x > size.x + 9 || p.y > size.y + 9) return;
      const c = this._classes ? this._classes[i] : 3;
      pen.fillStyle = COLOURS[c]; pen.strokeStyle = EDGES[c];
      if (r < 2) { if (c === 3) pen.fillStyle = "#999"; pen.fillRect(p.x - r * 0.8, p.y - r * 0.8, r * 1.6, r * 1.6); return; }
      // shapes differ too, for grey print: round covered, square not covered
      pen.lineWidth = c === 3 ? 1.2 : 0.6; pen.beginPath();
      if (c === 2) pen.rect(p.x - r * 0.9, p.y - r * 0.9, r * 1.8, r * 1.8); else pen.arc(p.x, p.y, r, 0, 6.3);
      pen.fill(); pen.stroke();
    });
  },
});
const homeLayer = new Homes().addTo(map);
function unpack(text) {
  if (!text) return null;
  const raw = atob(text), out = new Uint8Array(homes.length);
  for (let i = 0; i < out.length; i++) out[i] = (raw.charCodeAt(i >> 2) >> (2 * (i & 3))) & 3;
  return out;
}

// facilities of the chosen kind
const marks = L.layerGroup().addTo(map);
const statusWord = {operating: "operating", building: "building", planned: "planned", closed: "closed"};
function popup(mark) {
  const kind = D.kinds.find(k => k[0] === mark[2]);
  return el("div", {},
    el("b", {}, mark[3] || word("unknown_name")[first]), both("div", [kind[1], kind[2]]),
    say(statusWord[mark[4]], "div"), mark[5] === "everyone" ? null : say(mark[5], "div"), mark[7] ? null : say("outside", "div"),
    el("small", {}, word("source")[first] + " " + mark[6]));
}
const drawn = [];
const markSize = () => map.getZoom() < 12.5 ? 3 : map.getZoom() < 14 ? 4 : 6;
function drawFacilities(kind) {
  marks.clearLayers(); drawn.length = 0;
  for (const mark of D.facilities) {
    if (kind === "circle" ? !D.circle.includes(mark[2]) : mark[2] !== kind) continue;
    const counts = mark[4] === "operating" && mark[5] === "everyone";
    const one = L.circleMarker([mark[1], mark[0]], {renderer: onMarks, pane: "marks", radius: markSize(), weight: map.getZoom() < 13.5 ? 1.2 : 2, color: counts ? (mark[7] ? "#ffffff" : "#e8b400") : "#111",
      fillColor: counts ? "#111111" : "#ffffff", fillOpacity: counts ? 1 : 0.6, dashArray: counts ? null : "2 2"})
      .bindPopup(() => popup(mark)).addTo(marks);
    drawn.push(one);
  }
}

// head
const box = map.getContainer();
function panel(id, ...children) { const p = el("div", {id: id, class: "panel"}, ...children); box.append(p); L.DomEvent.disableClickPropagation(p); L.DomEvent.disableScrollPropagation(p); return p; }
const title = el("h1"); pairInto(title, F.title);
panel("head", title, F.synthetic ? say("synthetic_note", "div", {class: "sample", role: "note"}) : null);
panel("north", "▲", el("div", {}, word("north")[first]));

// side
const kindBox = el("select", {id: "kind"}), limitBox = el("select", {id: "limit"});
for (const [id, zh, en] of D.kinds) kindBox.append(el("option", {value: id}, first ? en : zh + "  " + en));
const buttons = ["walk", "radius"].map(m => { const b = say("measure_" + m, "button", {type: "button", "data-measure": m}); b.onclick = () => { state.measure = m; show(); }; return b; });
const share = el("div", {id: "share"}), verdict = el("div", {class: "note"}), basis = el("div", {class: "note"}), table = el("div"), warning = el("div", {class: "note"});
function key(svg, pair) { const k = el("div", {class: "key"}); k.innerHTML = svg; k.append(both("span", pair)); return k; }
const dot = (fill, edge, dash) => `<svg width="16" height="16"><circle cx="8" cy="8" r="5.5" fill="${fill}" stroke="${edge}" stroke-width="1.5" ${dash ? 'stroke-dasharray="2 2"' : ""}/></svg>`;
const square = (fill, edge) => `<svg width="16" height="16"><rect x="3" y="3" width="10" height="10" fill="${fill}" stroke="${edge}"/></svg>`;
const stroke = (colour, width, dash) => `<svg width="22" height="16"><path d="M1 8H21" stroke="${colour}" stroke-width="${width}" ${dash ? `stroke-dasharray="${dash}"` : ""}/></svg>`;
const patch = (fill, edge) => `<svg width="22" height="16"><rect x="1" y="2" width="20" height="12" fill="${fill}" stroke="${edge}"/></svg>`;
// what the homes mean stands above the table, which is long where there are many zones
const result = el("div", {class: "result"}, say("homes", "div", {class: "note"}),
  key(dot(COLOURS[0], EDGES[0]), word("covered")), key(dot(COLOURS[1], EDGES[1]), word("partly")),
  key(square(COLOURS[2], EDGES[2]), word("not_covered")), key(dot(COLOURS[3], EDGES[3]), word("unknown")));
const legend = el("div", {id: "legend"},
  say("legend_now", "h2"),
  key(dot("#111", "#fff"), word("facility_operating")),
  D.facilities.some(mark => !mark[7]) ? key(dot("#111", "#e8b400"), word("outside")) : null,
  key(dot("#fff", "#111", true), word("facility_other")),
  key(stroke("#8f8a83", 2.5), word("streets_walk")), key(stroke("#cbb7ab", 1.5, "2 3"), word("streets_closed")),
  motorway ? key(stroke("#b98b5e", 3), word("barriers_motorway")) : null,
  key(patch("#bfdcea", "#7fb2cc"), word("barriers_water")), key(patch("#d3e8cc", "#8fb98a"), word("park_land")),
  D.land.ground.length ? key(patch("#ece4d3", "#d8ccb2"), word("ground")) : null,
  D.zones.length > 1 ? key(stroke("#333", 1.2), word("zones")) : null,
  D.land.rail.length ? key(stroke("#444", 2, "7 4"), word("barriers_rail")) : null,
  key(stroke("#222", 2.2, "8 3 2 3"), word("area")));
const foot = el("div", {class: "note"});
const facts = [["data_date", F.date || word("date_unknown")[first]], ["source", F.source], ["licence", F.licence], ["made_by", F.organisation]];
for (const [k, v] of facts) if (v) foot.append(el("div", {}, word(k)[first] + (first ? ": " : "：") + v));
const crs = word("crs_note").map(text => text + D.metric);
foot.append(both("div", crs), say("internal_note", "div"));
const doubts = el("div", {id: "doubts"});
if (D.doubts.length) { doubts.append(say("doubts", "h2")); for (const pair of D.doubts) doubts.append(both("div", pair, {class: "note doubt"})); }
panel("side", both("label", word("kind"), {for: "kind"}), kindBox, both("label", word("limit"), {for: "limit"}), limitBox,
  el("div", {class: "switch"}, ...buttons), share, verdict, basis, say("legend_result", "h2"), result, table, warning, legend, doubts, el("h2"), foot);

const state = {kind: D.kinds.length ? D.kinds[0][0] : "", measure: "walk", standard: ""};
// open on something that can be seen: the first kind that is mapped
for (const view of D.views) if (view.homes) { state.kind = view.kind; break; }
const percent = v => v === null ? "—" : (v * 100).toFixed(1) + " %";
function seenNote(view) {
  const parts = [view.document];
  if (view.clause) parts.push(view.clause);
  if (view.wording) parts.push(view.wording);
  parts.push(word(view.status)[first]);
  if (view.seen === "U") parts.push(word("not_seen")[first]);
  if (view.reason) parts.push(view.reason);
  return parts.join(" · ");
}
function fillLimits() {
  const seen = new Map();
  for (const view of D.views) if (view.kind === state.kind && !seen.has(view.standard)) seen.set(view.standard, view);
  limitBox.replaceChildren(...[...seen.values()].map(v => el("option", {value: v.standard},
    v.limit === null ? word("circle_limits")[first] : v.limit + (v.unit === "m" ? " m" : " min") + " · " + word(v.role)[first])));
  if (!seen.has(state.standard)) state.standard = seen.keys().next().value;
  limitBox.value = state.standard; kindBox.value = state.kind;
}
function show() {
  fillLimits();
  let view = D.views.find(v => v.kind === state.kind && v.standard === state.standard && v.measure === state.measure);
  const has = m => D.views.some(v => v.kind === state.kind && v.standard === state.standard && v.measure === m);
  if (!view) { state.measure = "walk"; view = D.views.find(v => v.kind === state.kind && v.standard === state.standard); }
  for (const b of buttons) { b.setAttribute("aria-pressed", String(b.dataset.measure === state.measure)); b.disabled = !has(b.dataset.measure); }
  homeLayer.show(unpack(view.homes)); drawFacilities(state.kind);
  const whole = view.rows.find(r => r.zone === "*" && r.band === "*");
  pairInto(share, whole.value === null ? word("no_data") : [percent(whole.value) + " " + word("share_covered")[first], ""]);
  if (whole.value !== null && whole.high === null) share.append(el("small", {}, word("at_least")[first] + " " + percent(whole.low)));
  else if (whole.value !== null && (percent(whole.low) !== percent(whole.value) || percent(whole.high) !== percent(whole.value))) share.append(el("small", {}, word("range")[first] + " " + percent(whole.low) + " – " + percent(whole.high)));
  if (whole.persons !== null) share.append(el("small", {}, word("children_covered")[first] + " " + Math.round(whole.persons).toLocaleString("en") + " / " + Math.round(whole.of).toLocaleString("en")));
  if (whole.unknown) share.append(el("small", {}, word("unknown")[first] + " " + (whole.unknown < 0.0005 ? "< 0.1 %" : percent(whole.unknown))));
  if (view.gates) share.append(both("small", word("gates_range").map(text => text.replace("{low}", percent(view.gates.low)).replace("{high}", percent(view.gates.value)).replace("{homes}", percent(view.gates.unknown)))));
  if (view.land) share.append(both("small", word("land_share").map(text => text.replace("{share}", percent(view.land.value)).replace("{met}", view.land.met.toLocaleString("en")).replace("{of}", view.land.of.toLocaleString("en")))));
  const key = whole.verdict === "unknown" ? "verdict_unknown" : whole.verdict;
  pairInto(verdict, key ? word(key) : word("reference_only")); verdict.prepend(el("span", {class: "tag"}, word("verdict")[first]), " ");
  if (whole.why && D.words["why_" + whole.why]) verdict.append(say("why_" + whole.why, "div"));
  basis.replaceChildren(view.limit === null ? both("span", [D.circle.map(k => (D.kinds.find(o => o[0] === k) || [k, k, k])[1]).join("、"), D.circle.map(k => (D.kinds.find(o => o[0] === k) || [k, k, k])[2]).join(", ")]) : seenNote(view));
  const rows = view.rows.filter(r => (r.zone !== "*" && r.band === "*" && D.zones.length > 1) || (r.zone === "*" && r.band !== "*"));
  table.replaceChildren();
  if (rows.length) {
    const body = el("tbody");
    for (const r of rows) {
      const bar = el("div", {class: "bar"}, el("i", {style: "width:" + (r.value === null ? 0 : r.value * 100) + "%"}));
      const name = r.zone === "*" ? both("td", D.bands[r.band]) : el("td", {class: "name"}, r.name);
      if (r.zone !== "*" && r.verdict) name.append(say(r.verdict === "unknown" ? "verdict_unknown" : r.verdict, "div", {class: "tag"}));
      body.append(el("tr", {title: word("evidence")[first] + " " + r.evidence}, name, el("td", {class: "n"}, r.value === null ? word("no_data")[first] : percent(r.value), bar)));
    }
    table.append(el("table", {}, body));
  }
  warning.replaceChildren(D.relative ? say("share_note_relative", "div") : "", say("reach_note", "div"), el("div", {}, word("evidence")[first] + " " + whole.evidence));
  showOverlays(view);
  document.documentElement.dataset.ready = "yes";
}
map.on("zoomend", () => { for (const one of drawn) one.setRadius(markSize()); });
kindBox.onchange = () => { state.kind = kindBox.value; state.standard = ""; show(); };
limitBox.onchange = () => { state.standard = limitBox.value; show(); };
