
// what lies over the map: land within reach, blind spots, gates to open; beside it the bridge and minutes
box.insertAdjacentHTML("beforeend", '<svg width="0" height="0" style="position:absolute" aria-hidden="true"><defs><pattern id="hatch" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect width="7" height="7" fill="#fff" fill-opacity=".25"/><path d="M0 0V7" stroke="#7a0a3c" stroke-width="2.2"/></pattern></defs></svg>');
const onSpots = L.svg({pane: "spots", padding: 0.3}), onReach = canvas("reach");
const over = {reach: L.layerGroup(), spots: L.layerGroup(), openings: L.layerGroup()};
const seen = {homes: true, reach: true, spots: false, openings: false};
const count = v => Math.round(v).toLocaleString("en");
const kindWords = id => { const k = D.kinds.find(one => one[0] === id); return k ? [k[1], k[2]] : [id, id]; };
function fill(key, values) { return word(key).map((text, i) => Object.entries(values).reduce((t, [k, v]) => t.replace("{" + k + "}", Array.isArray(v) ? v[i] : v), text)); }

function spotWords(s) {
  const parts = [el("b", {}, s.name ? fill("spot_near", {name: s.name})[first] : s.zone)];
  if (s.name && s.zone) parts.push(el("div", {}, s.zone));
  parts.push(s.persons === null ? both("div", fill("spot_homes", {n: count(s.homes)})) : both("div", fill("spot_children", {n: count(s.persons), homes: count(s.homes)})));
  if (s.nearest !== null) parts.push(both("div", fill("spot_nearest", {m: count(s.nearest)})));
  if (s.missing.length) parts.push(both("div", fill("spot_missing", {kinds: [s.missing.map(k => kindWords(k)[0]).join("、"), s.missing.map(k => kindWords(k)[1]).join(", ")]})));
  if (s.cause) parts.push(both("div", fill("spot_cause", {cause: word("cause_" + s.cause)})));
  if (s.held) parts.push(say("spot_held", "div", {class: "note"}));
  parts.push(el("small", {}, s.id));
  return el("div", {}, ...parts);
}
function drawSpots(kind) {
  over.spots.clearLayers();
  for (const s of D.spots) if (s.kind === kind) {
    L.polygon(polygons(s.shape), {renderer: onSpots, pane: "spots", color: "#7a0a3c", weight: 1.6, fillColor: "url(#hatch)", fillOpacity: 1}).bindPopup(() => spotWords(s)).addTo(over.spots);
  }
}
function drawReach(view) {
  over.reach.clearLayers();
  const shape = view.reach && D.reach[view.reach];
  if (shape) L.polygon(polygons(shape), {renderer: onReach, pane: "reach", interactive: false, color: "#2d7f6d", weight: 1, fillColor: "#8fd0bf", fillOpacity: 0.45}).addTo(over.reach);
  return Boolean(shape);
}
function openingWords(o) {
  return el("div", {}, el("b", {}, fill("opening_title", {n: o.rank, owner: o.owner || word(o.type === "site" ? "park_land" : "unknown_name")[first]})[first]),
    ...o.kinds.map(([kind, helped, saved]) => both("div", fill(helped === null ? "opening_saves" : "opening_helps", {kind: kindWords(kind), n: helped === null ? "" : count(helped), m: count(saved)}))), el("small", {}, o.id));
}
for (const o of D.openings) {
  L.marker(o.at, {pane: "marks", keyboard: true, alt: word("openings")[first] + " " + o.rank, icon: L.divIcon({className: "opening", html: String(Number(o.rank)), iconSize: [20, 20]})}).bindPopup(() => openingWords(o)).addTo(over.openings);
}

const boxes = {};
const switches = el("div", {id: "layers", role: "group", "aria-label": word("layers")[first]}, say("layers", "h2"));
for (const [name, symbol] of [["homes", dot(COLOURS[2], EDGES[2])], ["reach", patch("#c3e3da", "#2d7f6d")], ["spots", patch("url(#hatch)", "#7a0a3c")], ["openings", dot("#fff4cc", "#8a6a00")]]) {
  const tick = el("input", {type: "checkbox", id: "see-" + name});
  tick.checked = seen[name];
  tick.onchange = () => { seen[name] = tick.checked; showLayers(); };
  const picture = el("span"); picture.innerHTML = symbol;
  boxes[name] = both("label", word("layer_" + name), {for: "see-" + name, class: "key"});
  boxes[name].prepend(tick, picture); switches.append(boxes[name]);
}
const bridge = el("div", {id: "bridge"}), minutes = el("div", {id: "minutes"}), spotList = el("div", {id: "spots"}), openingList = el("div", {id: "openings"});
table.after(bridge, minutes, spotList, openingList);
result.after(switches);

function showLayers() {
  homeLayer.opacity(seen.homes);
  for (const name of Object.keys(over)) if (seen[name]) over[name].addTo(map); else over[name].remove();
}
function fly(at, layer, words) {
  if (layer && !seen[layer]) { seen[layer] = true; switches.querySelector("#see-" + layer).checked = true; showLayers(); }
  map.setView(at, 16, {animate: false}); L.popup().setLatLng(at).setContent(words).openOn(map);
}
// both languages of how many are lost
function lost(row) { return row.persons === null ? [percent(row.value), percent(row.value)] : [count(row.persons) + " 人 · " + percent(row.value), count(row.persons) + " · " + percent(row.value)]; }
function showBridge(view) {
  bridge.replaceChildren();
  const total = view.bridge.find(row => row.cause === "");
  if (!total || !total.value) return;
  bridge.append(say("bridge", "h2"), both("div", fill("bridge_lost", {n: lost(total)})));
  const body = el("tbody");
  for (const row of view.bridge) if (row.cause) body.append(el("tr", {title: word("evidence")[first] + " " + row.evidence}, say("cause_" + row.cause, "td"), el("td", {class: "n"}, lost(row)[first], el("div", {class: "bar"}, el("i", {style: "width:" + 100 * row.value / total.value + "%"})))));
  bridge.append(el("table", {}, body), say("bridge_note", "div", {class: "note"}));
}
function showMinutes(view) {
  minutes.replaceChildren();
  const rows = D.minutes[view.kind];
  if (!rows || view.measure !== "walk") return;
  const body = el("tbody", {}, el("tr", {}, say("minutes_band", "th"), say("minutes_half", "th", {class: "n"}), say("minutes_most", "th", {class: "n"}), say("minutes_adult", "th", {class: "n"})));
  const cell = v => el("td", {class: "n"}, v === null ? "—" : v.toFixed(1));
  for (const r of rows) body.append(el("tr", {}, both("td", D.bands[r.band]), cell(r.median), cell(r.most), cell(r.adult)));
  minutes.append(say("minutes", "h2"), el("table", {}, body), say("minutes_note", "div", {class: "note"}));
}
function showSpots(view) {
  spotList.replaceChildren();
  const mine = D.spots.filter(s => s.kind === view.kind).slice(0, 10);
  if (!mine.length) return;
  const list = el("ol");
  for (const s of mine) {
    const go = el("button", {type: "button", class: "go"}, s.name ? fill("spot_near", {name: s.name})[first] : s.zone);
    go.onclick = () => fly(s.at, "spots", spotWords(s));
    list.append(el("li", {}, go, el("small", {}, (s.persons === null ? fill("spot_homes", {n: count(s.homes)}) : fill("spot_children", {n: count(s.persons), homes: count(s.homes)}))[first] + (s.cause ? " · " + word("cause_" + s.cause)[first] : ""))));
  }
  spotList.append(say("spots", "h2"), list, say("spots_note", "div", {class: "note"}));
}
if (D.openings.length) {
  const list = el("ol");
  for (const o of D.openings.slice(0, 10)) {
    const go = el("button", {type: "button", class: "go"}, o.owner || word("unknown_name")[first]);
    go.onclick = () => fly(o.at, "openings", openingWords(o));
    const best = o.kinds.reduce((a, b) => ((b[1] || 0) * b[2] > (a[1] || 0) * a[2] ? b : a));
    list.append(el("li", {}, go, el("small", {}, fill(best[1] === null ? "opening_saves" : "opening_helps", {kind: kindWords(best[0]), n: best[1] === null ? "" : count(best[1]), m: count(best[2])})[first])));
  }
  openingList.append(say("openings", "h2"), list, say("openings_note", "div", {class: "note"}));
}
function showOverlays(view) {
  boxes.reach.hidden = !drawReach(view);
  drawSpots(view.kind);
  boxes.spots.hidden = !D.spots.some(s => s.kind === view.kind);
  boxes.openings.hidden = !D.openings.length;
  showBridge(view); showMinutes(view); showSpots(view); showLayers();
}
show();
