// what lies over the map: land within reach, blind spots, gates to open; beside it the bridge and minutes
box.insertAdjacentHTML("beforeend", '<svg width="0" height="0" style="position:absolute" aria-hidden="true"><defs><pattern id="hatch" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect width="7" height="7" fill="#fff" fill-opacity=".25"/><path d="M0 0V7" stroke="' + INK.spot + '" stroke-width="2.2"/></pattern></defs></svg>');
const onSpots = L.svg({pane: "spots", padding: 0.3}), onReach = canvas("reach");
const over = {reach: L.layerGroup(), spots: L.layerGroup(), openings: L.layerGroup(), sights: L.layerGroup()};

// children and homes of a spot; a public release has no homes, and no number below its floor
function spotCount(s) {
  if (s.homes === null) return s.persons !== null ? fill("spot_children_only", {n: count(s.persons)}) : D.relative ? ["—", "—"] : fill("spot_withheld", {n: F.floor});
  return s.persons === null ? fill("spot_homes", {n: count(s.homes)}) : fill("spot_children", {n: count(s.persons), homes: count(s.homes)});
}
function spotWords(s) {
  const parts = [named("b", s.name ? fill("spot_near", {name: s.name})[first] : s.zone)];
  if (s.name && s.zone) parts.push(named("div", s.zone));
  parts.push(both("div", spotCount(s)));
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
    L.polygon(polygons(s.shape), {renderer: onSpots, pane: "spots", color: INK.spot, weight: 1.6, fillColor: "url(#hatch)", fillOpacity: 1}).bindPopup(() => spotWords(s)).addTo(over.spots);
  }
}
function drawReach(view) {
  over.reach.clearLayers();
  const shape = view.reach && D.reach[view.reach];
  if (shape) L.polygon(polygons(shape), {renderer: onReach, pane: "reach", interactive: false, color: INK.reach, weight: 1, fillColor: INK.reach_fill, fillOpacity: 0.45}).addTo(over.reach);
  return Boolean(shape);
}
function openingWords(o) {
  return el("div", {}, named("b", fill("opening_title", {n: o.rank, owner: o.owner || one(o.type === "site" ? "park_land" : "unknown_name")})[first]),
    ...o.kinds.map(([kind, helped, saved]) => both("div", fill(helped === null ? "opening_saves" : "opening_helps", {kind: kindWords(kind), n: helped === null ? "" : count(helped), m: count(saved)}))), el("small", {}, o.id));
}
for (const o of D.openings) {
  L.marker(o.at, {pane: "marks", keyboard: true, alt: "" + o.rank, icon: L.divIcon({className: "opening", html: String(Number(o.rank)), iconSize: [20, 20]})}).bindPopup(() => openingWords(o)).addTo(over.openings);
}

// both languages of how many are lost
function lost(row) { return row.persons === null ? [percent(row.value), percent(row.value)] : [count(row.persons) + " 人 · " + percent(row.value), count(row.persons) + " · " + percent(row.value)]; }
function showBridge(view) {
  ui.bridge.replaceChildren();
  const total = view.bridge.find(row => row.cause === "");
  if (!total || !total.value) return;
  ui.bridge.append(say("bridge", "h2"), both("div", fill("bridge_lost", {n: lost(total)})));
  const body = el("tbody");
  for (const row of view.bridge) if (row.cause) body.append(el("tr", {title: one("evidence") + " " + row.evidence}, say("cause_" + row.cause, "td"), el("td", {class: "n"}, lost(row)[first], el("div", {class: "bar"}, el("i", {style: "width:" + 100 * row.value / total.value + "%"})))));
  ui.bridge.append(el("table", {}, body), say("bridge_note", "div", {class: "note"}));
}
function showMinutes(view) {
  ui.minutes.replaceChildren();
  const rows = D.minutes[view.kind];
  if (!rows || view.measure !== "walk") return;
  const body = el("tbody", {}, el("tr", {}, say("minutes_band", "th"), say("minutes_half", "th", {class: "n"}), say("minutes_most", "th", {class: "n"}), say("minutes_adult", "th", {class: "n"})));
  const cell = v => el("td", {class: "n"}, v === null ? "—" : v.toFixed(1));
  for (const r of rows) body.append(el("tr", {}, both("td", D.bands[r.band]), cell(r.median), cell(r.most), cell(r.adult)));
  ui.minutes.append(say("minutes", "h2"), el("table", {}, body), say("minutes_note", "div", {class: "note"}));
}
function showSpots(view) {
  ui.spots.replaceChildren();
  const mine = D.spots.filter(s => s.kind === view.kind).slice(0, 10);
  if (!mine.length) return;
  const list = el("ol");
  for (const s of mine) {
    const go = el("button", {type: "button", class: "go"}, named("span", s.name ? fill("spot_near", {name: s.name})[first] : s.zone));
    go.onclick = () => fly(s.at, "spots", spotWords(s));
    list.append(el("li", {}, go, el("small", {}, spotCount(s)[first] + (s.cause ? " · " + word("cause_" + s.cause)[first] : ""))));
  }
  ui.spots.append(say("spots", "h2"), list, say("spots_note", "div", {class: "note"}));
}
function listOpenings() {
  if (!D.openings.length) return;
  const list = el("ol");
  for (const o of D.openings.slice(0, 10)) {
    const go = el("button", {type: "button", class: "go"}, o.owner ? named("span", o.owner) : one("unknown_name"));
    go.onclick = () => fly(o.at, "openings", openingWords(o));
    const best = o.kinds.reduce((a, b) => ((b[1] || 0) * b[2] > (a[1] || 0) * a[2] ? b : a));
    list.append(el("li", {}, go, el("small", {}, fill(best[1] === null ? "opening_saves" : "opening_helps", {kind: kindWords(best[0]), n: best[1] === null ? "" : count(best[1]), m: count(best[2])})[first])));
  }
  ui.openings.append(say("openings", "h2"), list, say("openings_note", "div", {class: "note"}));
}
function seenWords(s) { return s.gap === null ? fill("sight_walked", {child: s.child}) : fill("sight_seen", {child: s.child, adult: s.adult, gap: s.gap}); }
function sightWords(s) {
  return el("div", {}, el("b", {}, s.road ? named("span", s.road) : one("unknown_name")), both("div", fill("sight_needed", {speed: s.speed, needed: s.needed})),
    both("div", seenWords(s)), s.what ? both("div", fill("sight_blocked", {what: word("obstacle_" + s.what)})) : null,
    el("span", {class: "tag"}, one("evidence_" + s.evidence)), el("small", {}, s.id + (s.by ? " · " + s.by : "")));
}
const eyes = [], eyeSize = () => map.getZoom() < 14 ? 2 : map.getZoom() < 16 ? 3 : 4;
map.on("zoomend", () => { for (const eye of eyes) eye.setRadius(eyeSize()).setStyle({weight: eyeSize() / 2}); });
for (const s of D.sights) {
  L.polyline([s.at, s.to], {renderer: onMarks, pane: "marks", color: INK.sight, weight: 2.5, dashArray: s.evidence === "screening" ? "4 3" : null}).bindPopup(() => sightWords(s)).addTo(over.sights);
  const eye = L.circleMarker(s.at, {renderer: onMarks, pane: "marks", radius: eyeSize(), color: INK.sight, weight: eyeSize() / 2, fillColor: "#fff", fillOpacity: 1}).bindPopup(() => sightWords(s)).addTo(over.sights);
  eyes.push(eye);
}
function sightList(title, list) {
  const items = el("ol");
  for (const s of list) {
    const go = el("button", {type: "button", class: "go"}, s.road ? named("span", s.road) : one("unknown_name"));
    go.onclick = () => fly(s.at, "sights", sightWords(s), 18);
    items.append(el("li", {}, go, el("small", {}, seenWords(s)[first] + (s.what ? " · " + one("obstacle_" + s.what) : "") + " · " + one("evidence_" + s.evidence))));
  }
  return [title, items];
}
function listSights() {
  if (!D.sight_counts.all) return;
  ui.sights.append(say("sights", "h2"), both("div", fill("sights_counts", D.sight_counts)));
  if (D.sights.length) ui.sights.append(...sightList("", D.sights.slice(0, 8)));
  const cheap = D.sights.filter(s => s.gap > 0 && ["hedge", "planter", "parked_cars", "kiosk", "other"].includes(s.what)).slice(0, 8);
  if (cheap.length) ui.sights.append(...sightList(say("sight_cheap", "h3"), cheap));
  ui.sights.append(say("sights_note", "div", {class: "note"}));
}
function showOverlays(view) {
  ui.labels.reach.hidden = !drawReach(view);
  drawSpots(view.kind);
  ui.labels.spots.hidden = !D.spots.some(s => s.kind === view.kind);
  ui.labels.openings.hidden = !D.openings.length;
  ui.labels.sights.hidden = !D.sights.length;
  showBridge(view); showMinutes(view); showSpots(view); showLayers();
}
function showLayers() {
  homeLayer.opacity(shown.homes);
  for (const name of Object.keys(over)) if (shown[name]) over[name].addTo(map); else over[name].remove();
}
function fly(at, layer, words, zoom) {
  if (layer && !shown[layer]) { shown[layer] = true; ui.labels[layer].querySelector("input").checked = true; showLayers(); remember(); }
  showAt(at, words, zoom);
}
const land = recall();
build();
fitArea();
land();
