const CLASSES = ["covered", "partly", "not_covered", "unknown"], COLOURS = CLASSES.map(c => D.colours.homes[c]), EDGES = CLASSES.map(c => D.colours.home_edges[c]);

const WITHHELD = "#d9d9d9";

// homes: one layer, one canvas, drawn in one sweep
const homes = line(D.homes), cells = D.cells && D.cells.rings.map(lines);
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
    if (cells) { this.cells(pen); return; }
    const places = homes.map(p => this._map.latLngToContainerPoint(p));
    // in the order of the data, so that no class hides another where homes stand close
    places.forEach((p, i) => {
      if (p.x < -9 || p.y < -9 || p.x > size.x + 9 || p.y > size.y + 9) return;
      const c = this._classes ? this._classes[i] : 3;
      pen.fillStyle = COLOURS[c]; pen.strokeStyle = EDGES[c];
      if (r < 2) { if (c === 3) pen.fillStyle = "#999"; pen.fillRect(Math.round(p.x - r * 0.8), Math.round(p.y - r * 0.8), Math.ceil(r * 1.6), Math.ceil(r * 1.6)); return; }
      // shapes differ too, for grey print: round covered, square not covered
      pen.lineWidth = c === 3 ? 1.2 : 0.6; pen.beginPath();
      if (c === 2) pen.rect(p.x - r * 0.9, p.y - r * 0.9, r * 1.8, r * 1.8); else pen.arc(p.x, p.y, r, 0, 6.3);
      pen.fill(); pen.stroke();
    });
  },
  // public releases: cells of 200 m; one of few children is drawn grey
  cells(pen) {
    cells.forEach((rings, i) => {
      const c = this._classes ? this._classes[i] : 4;
      pen.beginPath();
      for (const ring of rings) {
        ring.forEach((at, k) => { const p = this._map.latLngToContainerPoint(at); if (k) pen.lineTo(p.x, p.y); else pen.moveTo(p.x, p.y); });
        pen.closePath();
      }
      pen.strokeStyle = c > 2 ? EDGES[3] : COLOURS[c]; pen.lineWidth = 0.8; pen.stroke();
      pen.globalAlpha = 0.6; pen.fillStyle = c > 3 ? WITHHELD : COLOURS[c]; pen.fill(); pen.globalAlpha = 1;
    });
  },
});
const homeLayer = new Homes().addTo(map);
function unpack(text) {
  if (!text) return null;
  if (cells) return Uint8Array.from(text, one => one.charCodeAt(0) - 48);
  const raw = atob(text), out = new Uint8Array(homes.length);
  for (let i = 0; i < out.length; i++) out[i] = (raw.charCodeAt(i >> 2) >> (2 * (i & 3))) & 3;
  return out;
}

// facilities of the chosen kind
const marks = L.layerGroup().addTo(map);
function popup(mark) {
  return el("div", {}, el("b", {}, mark[3] ? named("span", mark[3]) : one("unknown_name")), both("div", kindWords(mark[2])),
    say(mark[4], "div"), mark[5] === "everyone" ? null : say(mark[5], "div"), mark[7] ? null : say("outside", "div"),
    el("small", {}, one("source") + " " + mark[6]));
}
const drawn = [];
const markSize = () => map.getZoom() < 12.5 ? 3 : map.getZoom() < 14 ? 4 : 6;
function drawFacilities(kind) {
  marks.clearLayers(); drawn.length = 0;
  for (const mark of D.facilities) {
    if (kind === "circle" ? !D.circle.includes(mark[2]) : mark[2] !== kind) continue;
    const counts = mark[4] === "operating" && mark[5] === "everyone";
    drawn.push(L.circleMarker([mark[1], mark[0]], {renderer: onMarks, pane: "marks", radius: markSize(), weight: map.getZoom() < 13.5 ? 1.2 : 2, color: counts ? (mark[7] ? "#ffffff" : "#e8b400") : "#111",
      fillColor: counts ? "#111111" : "#ffffff", fillOpacity: counts ? 1 : 0.6, dashArray: counts ? null : "2 2"})
      .bindPopup(() => popup(mark)).addTo(marks));
  }
}
map.on("zoomend", () => { for (const mark of drawn) mark.setRadius(markSize()); });

const state = {kind: D.kinds.length ? D.kinds[0][0] : "", measure: "walk", standard: ""};
// open on something that can be seen: the first kind that is mapped
for (const view of D.views) if (view.homes) { state.kind = view.kind; break; }
const shown = {homes: true, reach: true, spots: false, openings: false, sights: false};
const MEASURES = ["walk", "radius", "safe_walk"].filter(m => D.views.some(v => v.measure === m));
let ui = {};

// the sheet's parts, made anew for each language
function build() {
  headPanels();
  ui = {
    printed: el("div", {class: "printed"}),
    kind: el("select", {id: "kind"}), limit: el("select", {id: "limit"}), share: el("div", {id: "share"}), verdict: el("div", {class: "note"}),
    basis: el("div", {class: "note"}), table: el("div"), warning: el("div", {class: "note"}), bridge: el("div", {id: "bridge"}),
    minutes: el("div", {id: "minutes"}), sights: el("div", {id: "sights"}), spots: el("div", {id: "spots"}), openings: el("div", {id: "openings"}),
  };
  for (const [id, zh, en] of D.kinds) ui.kind.append(el("option", {value: id}, first ? en : zh + "  " + en));
  ui.buttons = MEASURES.map(m => { const b = say("measure_" + m, "button", {type: "button", "data-measure": m}); b.onclick = () => { state.measure = m; show(); }; return b; });
  ui.kind.onchange = () => { state.kind = ui.kind.value; state.standard = ""; show(); };
  ui.limit.onchange = () => { state.standard = ui.limit.value; show(); };
  // what the homes mean stands above the table, which is long where there are many zones
  const result = el("div", {class: "result"}, say("legend_result", "h2"), say(D.cells ? "cells" : "homes", "div", {class: "note"}),
    ...CLASSES.map((c, i) => key(cells ? patch(COLOURS[i] + "99", i > 2 ? EDGES[3] : COLOURS[i]) : (i === 2 ? square : dot)(COLOURS[i], EDGES[i]), word(c))),
    cells ? key(patch(WITHHELD, EDGES[3]), word("cell_withheld")) : "", cells ? say("cell_note", "div", {class: "note"}) : "");
  const legend = el("div", {id: "legend"}, say("legend_now", "h2"), key(dot("#111", "#fff"), word("facility_operating")),
    D.facilities.some(mark => !mark[7]) ? key(dot("#111", "#e8b400"), word("outside")) : null,
    key(dot("#fff", "#111", true), word("facility_other")), ...baseKeys());
  const [layers, labels] = layerBox(shown, [["homes", dot(COLOURS[2], EDGES[2])], ["reach", patch(INK.reach_fill + "88", INK.reach)], ["spots", patch("url(#hatch)", INK.spot)], ["openings", dot(INK.advice_fill, INK.advice)], ["sights", stroke(INK.sight, 2.5, "4 2")]], () => { showLayers(); remember(); });
  ui.labels = labels;
  panel("side", search(), ui.printed, both("label", word("kind"), {for: "kind"}), ui.kind, both("label", word("limit"), {for: "limit"}), ui.limit,
    el("div", {class: "switch"}, ...ui.buttons), ui.share, ui.verdict, ui.basis, result, layers, ui.table,
    ui.bridge, ui.minutes, ui.spots, ui.openings, ui.sights, ui.warning, legend, doubtNotes(), el("h2"), footNotes());
  listOpenings();
  listSights();
  show();
}
function search() {
  return searchBox(D.facilities.filter(mark => mark[3]).map(mark => ({name: mark[3], what: kindWords(mark[2]), mark: mark})), entry => {
    if (state.kind !== "circle" && D.kinds.some(k => k[0] === entry.mark[2])) { state.kind = entry.mark[2]; state.standard = ""; show(); }
    showAt([entry.mark[1], entry.mark[0]], popup(entry.mark));
  });
}
function seenNote(view) {
  const parts = [named("span", view.document)];
  if (view.clause) parts.push(named("span", view.clause));
  if (view.wording) parts.push(named("span", view.wording));
  parts.push(one(view.status));
  if (view.seen === "U") parts.push(one("not_seen"));
  if (view.reason) parts.push(named("span", view.reason));
  return parts.flatMap((part, i) => i ? [" · ", part] : [part]);
}
const limitWords = v => v.limit === null ? word("circle_limits") : word(v.role).map(role => v.limit + (v.unit === "m" ? " m" : " min") + " · " + role);
function fillLimits() {
  const seen = new Map();
  for (const view of D.views) if (view.kind === state.kind && !seen.has(view.standard)) seen.set(view.standard, view);
  ui.limit.replaceChildren(...[...seen.values()].map(v => el("option", {value: v.standard}, limitWords(v)[first])));
  if (!seen.has(state.standard)) state.standard = seen.keys().next().value;
  ui.limit.value = state.standard; ui.kind.value = state.kind;
}
function showShare(view, whole) {
  const small = text => ui.share.append(el("small", {}, text));
  pairInto(ui.share, whole.value === null ? word("no_data") : [percent(whole.value) + " " + word("share_covered")[0], first ? percent(whole.value) + " " + word("share_covered")[1] : word("share_covered")[1]]);
  if (whole.value !== null && whole.high === null) small(one("at_least") + " " + percent(whole.low));
  else if (whole.value !== null && (percent(whole.low) !== percent(whole.value) || percent(whole.high) !== percent(whole.value))) small(one("range") + " " + percent(whole.low) + " – " + percent(whole.high));
  if (whole.persons !== null) small(one("children_covered") + " " + count(whole.persons) + " / " + count(whole.of));
  if (whole.unknown) small(one("unknown") + " " + (whole.unknown < 0.0005 ? "< 0.1 %" : percent(whole.unknown)));
  if (view.gates) ui.share.append(both("small", fill("gates_range", {low: percent(view.gates.low), high: percent(view.gates.value), homes: percent(view.gates.unknown)})));
  if (view.land) ui.share.append(both("small", fill("land_share", {share: percent(view.land.value), met: view.land.met.toLocaleString("en"), of: view.land.of.toLocaleString("en")})));
}
function showTable(view) {
  const rows = view.rows.filter(r => (r.zone !== "*" && r.band === "*" && D.zones.length > 1) || (r.zone === "*" && r.band !== "*"));
  ui.table.replaceChildren();
  if (!rows.length) return;
  const body = el("tbody");
  for (const r of rows) {
    const bar = el("div", {class: "bar"}, el("i", {style: "width:" + (r.value === null ? 0 : r.value * 100) + "%"}));
    const name = r.zone === "*" ? both("td", D.bands[r.band]) : r.zone.startsWith("*") ? say("zones_" + r.zone.slice(1), "td") : named("td", r.name);
    if (r.zone !== "*" && r.verdict) name.append(say(r.verdict === "unknown" ? "verdict_unknown" : r.verdict, "div", {class: "tag"}));
    body.append(el("tr", {title: one("evidence") + " " + r.evidence}, name, el("td", {class: "n"}, r.value === null ? one("no_data") : percent(r.value), bar)));
  }
  ui.table.append(el("table", {}, body));
}
function show() {
  fillLimits();
  const of = m => D.views.find(v => v.kind === state.kind && v.standard === state.standard && v.measure === m);
  if (!of(state.measure)) state.measure = "walk";
  const view = of(state.measure);
  for (const b of ui.buttons) { b.setAttribute("aria-pressed", String(b.dataset.measure === state.measure)); b.disabled = !of(b.dataset.measure); }
  homeLayer.show(unpack(view.homes)); drawFacilities(state.kind);
  const whole = view.rows.find(r => r.zone === "*" && r.band === "*");
  showShare(view, whole);
  pairInto(ui.verdict, whole.verdict ? word(whole.verdict === "unknown" ? "verdict_unknown" : whole.verdict) : word("reference_only"));
  ui.verdict.prepend(el("span", {class: "tag"}, one("verdict")), " ");
  if (whole.why && D.words["why_" + whole.why]) ui.verdict.append(say("why_" + whole.why, "div"));
  if (view.limit === null) ui.basis.replaceChildren(both("span", [D.circle.map(k => kindWords(k)[0]).join("、"), D.circle.map(k => kindWords(k)[1]).join(", ")]));
  else ui.basis.replaceChildren(...seenNote(view));
  showTable(view);
  ui.warning.replaceChildren(D.relative ? say("share_note_relative", "div") : "", say("reach_note", "div"), el("div", {}, one("evidence") + " " + whole.evidence));
  ui.printed.replaceChildren(both("div", [0, 1].map(i => [kindWords(state.kind)[i], limitWords(view)[i], word("measure_" + state.measure)[i]].join(" · "))));
  showOverlays(view);
  remember();
  document.documentElement.dataset.ready = "yes";
}
function remember() {
  Link.write({kind: state.kind, limit: state.standard, measure: state.measure, layer: Object.keys(shown).filter(name => shown[name]).join(","), lang: first ? "en" : "zh"});
}
// what a link asks for; a part that it does not name, or names wrongly, stays as it is
function recall() {
  const link = Link.read();
  if (D.kinds.some(k => k[0] === link.kind)) state.kind = link.kind;
  if (D.views.some(v => v.kind === state.kind && v.standard === link.limit)) state.standard = link.limit;
  if (MEASURES.includes(link.measure)) state.measure = link.measure;
  if (link.layer !== undefined) for (const name of Object.keys(shown)) shown[name] = link.layer.split(",").includes(name);
  if (link.lang === "zh" || link.lang === "en") setLanguage(link.lang);
  const school = link.school && D.facilities.find(mark => mark[6] === link.school || mark[3] === link.school);
  return () => { if (school) showAt([school[1], school[0]], popup(school)); };
}
