// what both review pages share: words in two languages, ground layers, panels, switches, search, links to a view
const D = JSON.parse(document.getElementById("payload").textContent);
const F = D.facts, INK = D.colours.marks, G = 1e5;
for (const [name, colour] of Object.entries(Object.assign({}, D.colours.homes, INK))) document.documentElement.style.setProperty("--" + name, colour);
let first = F.language === "en" ? 1 : 0;

// text from files only ever becomes a text node
function el(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes || {})) node.setAttribute(key, value);
  for (const child of children) if (child !== null && child !== undefined) node.append(child);
  return node;
}
function word(key) { return D.words[key] || [key, key]; }
function one(key) { return word(key)[first]; }
// Chinese with English below; English stands alone
function pairInto(node, pair) {
  node.replaceChildren(document.createTextNode(pair[first]));
  if (!first && pair[1] && pair[1] !== pair[0]) node.append(el("small", {lang: "en"}, pair[1]));
  return node;
}
function both(tag, pair, attributes) { return pairInto(el(tag, attributes), pair); }
function say(key, tag, attributes) { return both(tag || "span", word(key), attributes); }
// a name from a file: shown as it is in both languages
function named(tag, text, attributes) { return el(tag, Object.assign({class: "name", translate: "no"}, attributes), text); }
function fill(key, values) { return word(key).map((text, i) => Object.entries(values).reduce((t, [k, v]) => t.replace("{" + k + "}", () => Array.isArray(v) ? v[i] : v), text)); }
const count = v => Math.round(v).toLocaleString("en");
const percent = v => v === null ? "—" : (v * 100).toFixed(1) + " %";
const kindWords = id => D.kind_words[id] || [id, id];

function line(flat) {
  const out = []; let x = 0, y = 0;
  for (let i = 0; i < flat.length; i += 2) { x += flat[i]; y += flat[i + 1]; out.push([y / G, x / G]); }
  return out;
}
const lines = list => list.map(line), polygons = list => list.map(rings => rings.map(line));

// Leaflet moves its canvases by parts of a pixel, which blurs thin lines: whole pixels, save while zooming
const moved = L.Renderer.prototype._updateTransform;
L.Renderer.include({_updateTransform(center, zoom) {
  moved.call(this, center, zoom);
  if (center === this._center && zoom === this._zoom && this._bounds) L.DomUtil.setPosition(this._container, this._bounds.min);
}});
L.control.scale({imperial: false, maxWidth: 160}).addTo(map);
// the scale in figures, for a screen of 96 dots an inch
const scale = el("div", {id: "scale", class: "leaflet-control-scale-line"});
map.getContainer().querySelector(".leaflet-control-scale").append(scale);
function showScale() {
  const at = map.getCenter(), exact = map.distance(at, map.containerPointToLatLng(map.latLngToContainerPoint(at).add([100, 0]))) / 100 / 0.0254 * 96;
  const step = 10 ** (Math.floor(Math.log10(exact)) - 1);
  scale.textContent = fill("scale_about", {n: count(Math.round(exact / step) * step)})[first];
}
map.on("zoomend moveend", showScale);
for (const [name, level] of [["land", 250], ["reach", 280], ["ways", 300], ["result", 320], ["limits", 350], ["spots", 400], ["marks", 450]]) map.createPane(name).style.zIndex = level;
const canvas = pane => L.canvas({pane: pane, padding: 0.3});
const onLand = canvas("land"), onWays = canvas("ways"), onLimits = canvas("limits"), onMarks = canvas("marks");
function add(make, data, renderer, style) {
  if (!data.length) return null;
  return make(data, Object.assign({renderer: renderer, pane: renderer.options.pane, interactive: false}, style)).addTo(map);
}
add(L.polygon, polygons(D.land.ground), onLand, {stroke: false, fillColor: "#ece4d3", fillOpacity: 1});
add(L.polygon, polygons(D.land.park), onLand, {color: "#8fb98a", weight: 1, fillColor: "#d3e8cc", fillOpacity: 1});
add(L.polygon, polygons(D.land.water), onLand, {color: "#7fb2cc", weight: 1, fillColor: "#bfdcea", fillOpacity: 1});
add(L.polyline, lines(D.land.stream), onLand, {color: "#bfdcea", weight: 2.5});
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
  if (zone) zone.bindTooltip(named("span", name), {permanent: true, direction: "center", className: "zone", interactive: false}).openTooltip();
}
// names of zones that would lie over each other: the first stays
function clearNames() {
  const kept = [];
  for (const name of document.querySelectorAll(".leaflet-tooltip.zone")) {
    const a = name.getBoundingClientRect();
    const over = kept.some(b => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom);
    name.style.visibility = over ? "hidden" : "";
    if (!over) kept.push(a);
  }
}
map.on("zoomend resize", () => setTimeout(clearNames));

const dot = (fill, edge, dash) => `<svg width="16" height="16"><circle cx="8" cy="8" r="5.5" fill="${fill}" stroke="${edge}" stroke-width="1.5" ${dash ? 'stroke-dasharray="2 2"' : ""}/></svg>`;
const square = (fill, edge) => `<svg width="16" height="16"><rect x="3" y="3" width="10" height="10" fill="${fill}" stroke="${edge}"/></svg>`;
const stroke = (colour, width, dash) => `<svg width="22" height="16"><path d="M1 8H21" stroke="${colour}" stroke-width="${width}" ${dash ? `stroke-dasharray="${dash}"` : ""}/></svg>`;
const patch = (fill, edge) => `<svg width="22" height="16"><rect x="1" y="2" width="20" height="12" fill="${fill}" stroke="${edge}"/></svg>`;
function key(svg, pair) { const k = el("div", {class: "key"}); k.innerHTML = svg; k.append(both("span", pair)); return k; }

const box = map.getContainer();
function panel(id, ...children) {
  const p = el("div", {id: id, class: "panel"}, ...children); box.append(p);
  L.DomEvent.disableClickPropagation(p); L.DomEvent.disableScrollPropagation(p);
  // a button that its own click takes away is no longer in its panel when Leaflet asks where the click was
  p.addEventListener("click", event => event.stopPropagation());
  return p;
}
function baseKeys() {
  return [
    key(stroke("#8f8a83", 2.5), word("streets_walk")), key(stroke("#cbb7ab", 1.5, "2 3"), word("streets_closed")),
    motorway ? key(stroke("#b98b5e", 3), word("barriers_motorway")) : null,
    key(patch("#bfdcea", "#7fb2cc"), word("barriers_water")), key(patch("#d3e8cc", "#8fb98a"), word("park_land")),
    D.land.ground.length ? key(patch("#ece4d3", "#d8ccb2"), word("ground")) : null,
    D.zones.length > 1 ? key(stroke("#333", 1.2), word("zones")) : null,
    D.land.rail.length ? key(stroke("#444", 2, "7 4"), word("barriers_rail")) : null,
    key(stroke("#222", 2.2, "8 3 2 3"), word("area")),
  ];
}
function footNotes() {
  const foot = el("div", {class: "note"});
  for (const [k, v] of [["data_date", F.date], ["source", F.source], ["licence", F.licence], ["made_by", F.organisation]])
    if (v || k === "data_date") foot.append(el("div", {}, one(k) + (first ? ": " : "："), v ? named("span", v) : one("date_unknown")));
  foot.append(both("div", word("crs_note").map(text => text + D.metric)), both("div", F.note, {id: "release"}), F.floor ? both("div", fill("steps_note", {n: F.floor})) : "");
  return foot;
}
function doubtNotes() {
  const doubts = el("div", {id: "doubts"});
  if (D.doubts.length) { doubts.append(say("doubts", "h2")); for (const pair of D.doubts) doubts.append(both("div", pair, {class: "note doubt"})); }
  return doubts;
}
// layers that can be switched: name -> [picture, words]; `changed` is called after every change
function layerBox(shown, entries, changed) {
  const group = el("div", {id: "layers", role: "group", "aria-label": one("layers")}, say("layers", "h2")), labels = {};
  for (const [name, symbol] of entries) {
    const tick = el("input", {type: "checkbox", id: "see-" + name});
    tick.checked = shown[name];
    tick.onchange = () => { shown[name] = tick.checked; changed(); };
    const picture = el("span"); picture.innerHTML = symbol;
    labels[name] = el("label", {for: "see-" + name, class: "key"}, tick, picture, say("layer_" + name)); group.append(labels[name]);
  }
  return [group, labels];
}
function showAt(at, content, zoom) { map.setView(at, zoom || 16, {animate: false}); L.popup({maxWidth: 340}).setLatLng(at).setContent(content).openOn(map); }

// search: names that hold what is typed, by keyboard or mouse
function searchBox(entries, go) {
  const input = el("input", {type: "search", id: "search", autocomplete: "off", placeholder: one("search_hint"), "aria-label": one("search")});
  const hits = el("ul", {id: "hits"});
  const look = () => {
    const text = input.value.trim().toLowerCase();
    hits.replaceChildren();
    if (!text) return;
    const found = entries.filter(entry => entry.name.toLowerCase().includes(text)).slice(0, 8);
    for (const entry of found) {
      const b = el("button", {type: "button", class: "go"}, named("span", entry.name), " ", el("span", {class: "soft"}, entry.what[first]));
      b.onclick = () => { hits.replaceChildren(); input.value = ""; go(entry); };
      hits.append(el("li", {}, b));
    }
    if (!found.length) hits.append(say("search_none", "li", {class: "note"}));
  };
  input.oninput = look;
  input.onkeydown = event => { if (event.key === "Enter") { event.preventDefault(); const b = hits.querySelector("button"); if (b) b.click(); } if (event.key === "Escape") hits.replaceChildren(); };
  return el("div", {class: "search"}, el("label", {for: "search"}, one("search")), input, hits);
}

// the part of the address after #: what is shown, so that a link leads to a view
const Link = {
  read() { return Object.fromEntries(new URLSearchParams(location.hash.slice(1))); },
  write(values) {
    const text = "#" + new URLSearchParams(Object.entries(values).filter(([, v]) => v !== "" && v !== null && v !== undefined)).toString();
    if (text !== location.hash) { this.own = text; location.replace(text); }
  },
};
// somebody changed the address: land there
window.addEventListener("hashchange", () => { if (location.hash !== Link.own) { const land = recall(); build(); if (land) land(); } });
// panels are made anew; who was in one with the keyboard stays there
function remake() {
  const at = document.activeElement && document.activeElement.id;
  build();
  const again = at && document.getElementById(at);
  if (again) again.focus();
}
function setLanguage(language) { first = language === "en" ? 1 : 0; document.documentElement.lang = first ? "en" : "zh-CN"; document.title = F.title[first]; }
function languageButton() {
  const b = el("button", {type: "button", id: "language", lang: first ? "zh-CN" : "en"}, first ? "中文" : "English");
  b.onclick = () => { setLanguage(first ? "zh" : "en"); remake(); };
  return b;
}
// the title: words of the catalogue, the area's name as it is
function title() {
  const named_ = text => text.startsWith(F.area + " · ") ? [named("span", F.area), text.slice(F.area.length)] : [named("span", text)];
  const head = el("h1", {}, ...named_(F.title[first]));
  if (!first && F.title[1] !== F.title[0]) head.append(el("small", {lang: "en"}, ...named_(F.title[1])));
  return head;
}
let fitted = false;
// the area in what the panels leave of the window
function fitArea() {
  if (fitted) return;
  fitted = true;
  const head = document.getElementById("head").getBoundingClientRect(), side = document.getElementById("side").getBoundingClientRect();
  const low = side.top > innerHeight / 3; // a phone has the side panel below
  map.fitBounds(L.latLngBounds(lines(D.area).flat()), {animate: false, paddingTopLeft: [16, head.bottom + 8], paddingBottomRight: low ? [16, innerHeight - side.top + 8] : [innerWidth - side.left + 8, 24]});
  clearNames();
}
// pale words across an internal map, with unit and date: a picture of it still says what it is
if (F.stamp[0]) {
  const mark = el("div", {class: "watermark", "aria-hidden": "true", translate: "no"});
  for (const text of [F.stamp[0], F.stamp[1], [F.organisation, F.date].filter(Boolean).join("  ")]) if (text) mark.append(el("span", {}, text));
  box.append(mark);
}
function headPanels(...notes) {
  for (const old of box.querySelectorAll(".panel")) old.remove();
  map.closePopup();
  for (const [part, key] of [["in", "zoom_in"], ["out", "zoom_out"]]) {
    const b = box.querySelector(".leaflet-control-zoom-" + part);
    if (b) { b.title = one(key); b.setAttribute("aria-label", one(key)); }
  }
  panel("head", el("div", {class: "bar-head"}, title(), languageButton()), F.synthetic ? say("synthetic_note", "div", {class: "sample", role: "note"}) : null, ...notes);
  panel("north", "▲", el("div", {}, one("north")));
  showScale();
}
