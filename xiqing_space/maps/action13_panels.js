// the panel beside the map: figures, repairs, one school
let ui = {};
function build() {
  headPanels(both("div", D.score_name, {class: "note"}));
  drawStretches();
  ui = {school: el("div", {id: "school"}), pick: el("select", {id: "pick"}), labels: {}};
  ui.pick.append(el("option", {value: ""}, one("whole_area")));
  const printed = both("div", [0, 1].map(i => word("mode_" + state.mode)[i]), {class: "printed"});
  const kindOf = Object.fromEntries(D.kinds.map(([id, zh, en]) => [id, first ? en : zh]));
  for (const school of D.schools) ui.pick.append(el("option", {value: school.id + "|" + school.kind}, (school.name || one("unknown_name")) + " · " + kindOf[school.kind]));
  ui.pick.onchange = () => choose(ui.pick.value);
  ui.modes = ["risk", "guess"].map(mode => { const b = say("mode_" + mode, "button", {type: "button", id: "mode-" + mode, "data-mode": mode, "aria-pressed": String(state.mode === mode)}); b.onclick = () => { state.mode = mode; remake(); }; return b; });
  const classes = state.mode === "risk" ? RISKS.map((risk, i) => key(stroke(RISK[i], 4), word("risk_" + risk))) : SURE.map((colour, i) => key(stroke(colour, 4), word("guess_share").map(text => text.replace("{share}", i * 25 + " %"))));
  const shapes = CONTROLS.map((control, i) => key(symbol(i), word("control_" + control)));
  const [layers, labels] = layerBox(shown, [["stretches", stroke(RISK[2], 4)], ["crossings", symbol(0)], ["schools", dot("#111", "#fff")], ["fixes", square(INK.advice_fill, INK.advice)]], () => { showLayers(); remember(); });
  ui.labels = labels;
  const legend = el("div", {id: "legend"}, say("legend_now", "h2"), key(dot("#111", "#fff"), word("school_routed")), key(dot("#777", "#fff"), word("school_unrouted")), ...baseKeys());
  panel("side", searchBox(D.schools.filter(s => s.name).map(s => ({name: s.name, what: kindWords(s.kind), id: s.id + "|" + s.kind})), entry => choose(entry.id)),
    printed, both("label", word("school"), {for: "pick"}), ui.pick, ui.school, el("div", {class: "switch"}, ...ui.modes), el("div", {class: "result"}, say("legend_result", "h2"), ...classes, say("pupils_wide", "div", {class: "note"}), ...shapes), layers, repairList(), figureList(), say("score_note", "div", {class: "note"}), legend, doubtNotes(), el("h2"), footNotes());
  showSchool(false);
  showLayers();
  remember();
  document.documentElement.dataset.ready = "yes";
}
function symbol(control) {
  const shape = ['<circle cx="8" cy="8" r="5"/>', '<rect x="3" y="3" width="10" height="10"/>', '<path d="M8 2L14 13H2Z"/>', '<path d="M8 1L15 8L8 15L1 8Z"/>'][control];
  return `<svg width="16" height="16" fill="#fff" stroke="${INK.crossing_edge}">${shape}</svg>`;
}
const schoolOf = id => D.schools.find(s => s.id + "|" + s.kind === id) || D.schools.find(s => s.id === id || (s.name && s.name === id));
function choose(id) {
  const school = id ? schoolOf(id) : null;
  state.school = school ? school.id + "|" + school.kind : "";
  map.closePopup();
  showSchool(true);
  remember();
}
function showSchool(move) {
  const school = state.school ? schoolOf(state.school) : null;
  ui.pick.value = state.school;
  ui.school.replaceChildren();
  drawFocus(school);
  if (!school) return;
  if (move) map.setView(school.at, 15.5, {animate: false});
  const row = (label, value) => el("tr", {}, say(label, "td"), el("td", {class: "n"}, value));
  const digits = (v, n) => v === null ? "—" : v.toFixed(n);
  const body = el("tbody", {});
  if (school.persons && school.children !== null) body.append(row("pupils", count(school.children)), row("pupils_routed", school.routed === null ? "—" : count(school.routed)));
  body.append(row("route_score_mean", digits(school.score, 1)), row("route_score_p10", digits(school.p10, 1)), row("share_acceptable", percent(school.share)),
    row("route_length", school.length === null ? "—" : count(school.length) + " m"), row("data_defaulted", percent(school.guess)));
  ui.school.append(el("h2", {}, school.name ? named("span", school.name) : one("unknown_name")), both("div", kindWords(school.kind), {class: "note"}));
  if (school.reason) ui.school.append(say("school_why_" + school.reason, "div", {class: "note doubt"}));
  if (school.grade) ui.school.append(el("div", {}, el("span", {class: "tag"}, one("reliability") + " " + one("grade_" + school.grade))));
  ui.school.append(el("table", {}, body));
  if (school.worst[0]) ui.school.append(say("weakest_link", "h3"), named("div", school.worst[first]));
  if (school.problems.length) {
    const list = el("ol", {id: "problems"});
    for (const [crossing, pupils] of school.problems) {
      const go = el("button", {type: "button", class: "go"}, one("crossing_of") + " ", roadWords(C, crossing));
      go.onclick = () => showAt(crossingAt[crossing], crossingWords(crossing), 17);
      list.append(el("li", {}, go, el("small", {}, one("risk_" + RISKS[C.risk[crossing]]) + " · " + one("score") + " " + score(C.cross[crossing]) + (school.persons ? " · " + fill("pupils_pass", {n: pupils < 1 ? "< 1" : count(pupils)})[first] : ""))));
    }
    ui.school.append(say("school_problems", "h3"), list);
  }
  for (const gate of D.gates.filter(g => g.site === school.id)) ui.school.append(el("details", {}, el("summary", {}, one("gate_" + gate.use)), gateWords(gate)));
  ui.school.append(say("assigned_" + (school.assigned || "nearest"), "div", {class: "note"}), say("zone_circles", "div", {class: "note"}));
}
function repairList() {
  const part = el("div", {id: "fixes"}, say("fixes", "h2"));
  if (!D.fixes.length) { part.append(say("fixes_none", "div", {class: "note"})); return part; }
  const list = el("ol");
  for (const fix of D.fixes) {
    const go = el("button", {type: "button", class: "go"}, D.treatments[fix.treatment] ? D.treatments[fix.treatment][first] : fix.treatment);
    go.onclick = () => { if (!shown.fixes) { shown.fixes = true; ui.labels.fixes.querySelector("input").checked = true; showLayers(); } showAt(fix.at, fixWords(fix), 17); };
    list.append(el("li", {value: fix.rank}, go, named("small", fix.place[first]), el("small", {}, (fix.helped === null ? "" : fill("fix_children", {n: count(fix.helped)})[first] + " · ") + one("cost_" + fix.cost) + " · " + one("term_" + fix.term))));
  }
  part.append(list, say("fixes_note", "div", {class: "note"}));
  return part;
}
const unitWords = f => f.value === null ? one("no_data") : f.unit === "share" ? percent(f.value) : (Math.abs(f.value) >= 100 ? count(f.value) : String(Math.round(f.value * 10) / 10)) + " " + f.unit_words[first];
function figureList() {
  const part = el("div", {id: "figures"}, say("figures", "h2")), body = el("tbody");
  for (const f of D.figures.filter(f => f.zone === "*")) {
    const label = f.kind && D.kinds.length > 1 ? f.label.map((text, i) => text + (kindWords(f.kind)[i] && !text.includes(kindWords(f.kind)[i]) ? " · " + kindWords(f.kind)[i] : "")) : f.label;
    body.append(el("tr", {title: one("evidence") + " " + f.evidence}, both("td", label), el("td", {class: "n"}, unitWords(f))));
  }
  part.append(el("table", {}, body));
  return part;
}
function remember() {
  Link.write({layer: Object.keys(shown).filter(name => shown[name]).join(","), mode: state.mode, school: state.school, lang: first ? "en" : "zh"});
}
function recall() {
  const link = Link.read();
  state.mode = link.mode === "guess" ? "guess" : "risk";
  if (link.layer !== undefined) for (const name of Object.keys(shown)) shown[name] = link.layer.split(",").includes(name);
  if (link.lang === "zh" || link.lang === "en") setLanguage(link.lang);
  const school = link.school && schoolOf(link.school);
  state.school = school ? school.id + "|" + school.kind : "";
  return () => { if (state.school) showSchool(true); };
}
recall();
drawSchools();
build();
fitArea();
if (state.school) showSchool(true);
