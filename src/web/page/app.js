// The page shows the board of the program. It keeps nothing but its bearer, for as long as its tab lives.

const $ = (id) => document.getElementById(id);
const KEY = "bearer";
let state = null, lastSaid = "", dropped = null;

// Text is only ever text: nothing from a card or a file becomes markup.
function el(name, attributes, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

const put = (id, ...children) => $(id).replaceChildren(...children.filter(Boolean));
const headers = () => ({ "Content-Type": "application/json", Authorization: `Bearer ${sessionStorage.getItem(KEY)}` });
// A program that hangs or was suspended says nothing: it is not waited for longer than the longest work takes.
const post = (path, body) => fetch(path, { method: "POST", headers: headers(), body: JSON.stringify(body), signal: AbortSignal.timeout(180000) });

async function ask(what, fields) {
  const answer = await post("/api/ask", { ask: what, ...fields }).catch(() => {
    throw { message: "tokentap is not responding", next: "look at the window where it runs" };
  });
  if (answer.ok) return answer.json();
  if (answer.status === 422 && answer.headers.get("content-type")?.includes("json")) throw await answer.json();
  if (answer.status === 401) lock();
  throw { message: `tokentap refused this (${answer.status})`, next: "reload the page" };
}

function problem(refused) {
  const lines = (refused.details || []).map((line) => el("p", {}, line));
  const more = [refused.state && el("p", {}, refused.state), refused.next && el("p", { class: "next" }, `Next: ${refused.next}`)];
  return el("div", { class: "card bad", role: "alert" }, el("p", { class: "verdict" }, `✕ ${refused.message}`), ...lines, ...more.filter(Boolean));
}

const when = (text) => new Date(text).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
const day = (text) => new Date(text).toLocaleDateString([], { dateStyle: "medium" });

function drift(seconds) {
  const size = Math.abs(seconds);
  if (size < 0.0005) return "right";
  const direction = seconds < 0 ? "slow" : "fast";
  const units = [[120, 1, "s"], [7200, 60, "min"], [172800, 3600, "hours"], [63115200, 86400, "days"], [Infinity, 31557600, "years"]];
  const [, unit, name] = units.find(([most]) => size < most);
  return `${(size / unit).toFixed(unit === 1 ? (size < 1 ? 3 : 1) : 1)} ${name} ${direction}`;
}

// Screens
const SCREENS = ["desk", "find", "token", "batch", "fleet", "locked"];
const shownScreen = () => SCREENS.find((name) => !$(name).hidden);

function show(name, moves) {
  for (const screen of SCREENS) $(screen).hidden = screen !== name;
  for (const button of $("screens").children) {
    if (button.dataset.screen === name) button.setAttribute("aria-current", "page");
    else button.removeAttribute("aria-current");
  }
  document.title = `${$(name).querySelector("h1").textContent} · tokentap`;
  if (moves) $("main").focus();
  if (name === "find") $("find-text").focus();
}

const go = (name) => { if (location.hash !== `#${name}`) history.pushState(null, "", `#${name}`); show(name, true); };
function lock() {
  sessionStorage.removeItem(KEY);
  $("screens").hidden = true;
  show("locked", true);
}

// Desk
const MARKS = {
  ready: ["…", "Ready", ""], waiting: ["◌", "Lay a token on the reader", ""],
  measuring: ["◔", "Measuring: leave it there", "warn"], writing: ["✎", "Do not lift the token", "warn"],
  well: ["✓", "Done: take the token", "good", "Done: unplug it"], badly: ["✕", "Needs attention", "bad"],
  "lay-back": ["↺", "Lay the token back", "bad"], "no-token": ["?", "Could not read a token", "bad"], gone: ["✕", "The reader is not available", "bad"],
};

function card(place) {
  const [mark, words, look, ofSlots] = MARKS[place.state] || MARKS.ready;
  const verdict = place.slots.length && ofSlots ? ofSlots : words;
  const parts = [el("p", { class: "small" }, `${place.number ? `${place.number} · ` : ""}${place.reader}`),
    el("p", { class: "verdict" }, `${mark} ${verdict}`)];
  if (place.state !== "ready" && place.state !== "waiting") {
    if (place.token) parts.push(el("p", { class: "who" }, place.user ? `${place.user} · ${place.token}` : place.token));
    if (place.drift) {
      const [before, after] = place.drift;
      parts.push(el("p", { class: "move" }, after === null ? drift(before) : `${drift(before)} → ${drift(after)}`));
    }
    if (place.what) parts.push(el("p", {}, place.what));
    if (place.slots.length) parts.push(el("ul", { class: "slots" }, ...place.slots.map((line) => el("li", {}, line))));
    if (place.next) parts.push(el("p", { class: "next" }, `Next: ${place.next}`));
    if (place.remedy === "state-profile") parts.push(profileForm(place.serial));
    if (place.serial && (place.state === "badly" || place.slots.length)) parts.push(opener(place.serial));
  }
  return el("article", { class: `card ${look}` }, ...parts);
}

// What its server has, and nobody else knows: wrong ones stop its codes.
function profileForm(serial, place = "") {
  const select = (id, options) => el("select", { id, required: true }, el("option", { value: "" }, "choose …"), ...options.map(([value, words]) => el("option", { value }, words)));
  const result = el("p", { role: "alert" });
  const [hash, step] = [`${place}hash-${serial}`, `${place}step-${serial}`];
  const form = el("form", { class: "row noprint", onsubmit: async (event) => {
    event.preventDefault();
    const [hashField, stepField] = form.querySelectorAll("select");
    const profile = { hash: hashField.value, step_s: Number(stepField.value), display_s: null };
    try { result.textContent = (await ask("profile", { serial, profile })).words; } catch (refused) { result.textContent = `${refused.message}: ${refused.next}`; }
  } },
  el("label", { for: hash }, "Hash on its server"), select(hash, [["SHA1", "SHA-1"], ["SHA256", "SHA-256"]]),
  el("label", { for: step }, "Time step there"), select(step, [["30", "30 s"], ["60", "60 s"]]),
  el("button", { type: "submit" }, "Use this profile"));
  return el("div", {}, form, result);
}

// A device with several slots has a record for each: they are told apart as SERIAL/SLOT.
const nameOf = (token) => token.slot || token.model === "Molto2" ? `${token.serial}/${token.slot || 0}` : token.serial;
const opener = (serial) => state && state.facts.kiosk ? null : el("button", { type: "button", class: "noprint", onclick: () => openToken(serial) }, `Open ${serial}`);

// What is done about a token: at once, or, where it cannot be taken back, when it was asked for twice. What came of it is said.
function deed(words, what, fields, asks, say, refused) {
  return el("button", { type: "button", class: "noprint", onclick: async ({ target }) => {
    if (asks && target.dataset.asked !== "yes") {
      target.dataset.asked = "yes";
      target.textContent = asks;
      return;
    }
    target.disabled = true;
    say(WORKING);
    try { say((await ask(what, fields)).words); } catch (why) { refused(why); }
    target.disabled = false;
  } }, words);
}

const WORKING = "Working …";
const BURNS_AGAIN = "Yes, burn the seed on record, and set its clock";
// The remedy of a token that needs attention, as a button, with room for what came of it.
function remedy(serial, name) {
  const result = el("p", { role: "status" });
  // What is listed may go away with what was done: what came of that stays.
  const say = (words) => { result.textContent = [words].flat().join(" · "); if (words !== WORKING) $("undone-said").textContent = `${serial}: ${result.textContent}`; };
  const refused = (why) => say(`✕ ${why.message}: ${why.next}`);
  const button = { mend: () => deed("Mend it on its server", "mend", { serial }, null, say, refused),
    "burn-again": () => deed("Burn its seed again", "burn-again", { serial }, BURNS_AGAIN, say, refused),
    "state-profile": () => el("button", { type: "button", class: "noprint", onclick: () => openToken(serial) }, "Enter its hash and time step") }[name];
  return button && !state.facts.kiosk ? [button(), result] : [];
}

const waitsForProfile = (serial) => state && Object.values(state.undone).some((seen) => seen.serial === serial && seen.remedy === "state-profile");
function visit(seen, isUndone) {
  const mark = el("span", { class: "mark" }, seen.well ? "✓" : "✕");
  const who = [seen.user, seen.token || "a token"].filter(Boolean).join(" · ");
  const lines = [el("p", {}, mark, who), el("p", { class: "small" }, `${when(seen.at)}: ${seen.what}`)];
  // What is laid down for this while a batch burns would get a seed from its list.
  if (!seen.well && seen.later) lines.push(el("p", {}, "Not now: a batch is running."));
  else if (!seen.well && seen.next) lines.push(el("p", {}, `Next: ${seen.next}`));
  if (isUndone && seen.remedy && !seen.later) lines.push(...remedy(seen.serial, seen.remedy));
  if (seen.serial) lines.push(opener(seen.serial));
  return el("li", { class: seen.well ? "good-row" : "bad-row" }, ...lines);
}

// The seconds for which the code of now is shown. The token's clock is the host's, but for what is known of its drift.
const left = (step, driftSeconds) => step ? el("span", { class: "left small", "data-step": step, "data-drift": driftSeconds || 0 }) : null;
setInterval(() => {
  for (const shown of document.querySelectorAll(".left")) {
    const { step, drift: off } = shown.dataset, at = Date.now() / 1000 + Number(off);
    shown.textContent = `${Math.ceil(step - at % step)} s left`;
  }
}, 250);

// A question stays as it is while its answer is typed: the board may change meanwhile.
function questions(open) {
  const place = $("questions");
  const wanted = new Set(Object.keys(open));
  for (const shown of [...place.children]) if (!wanted.has(shown.dataset.id)) shown.remove();
  const there = new Set([...place.children].map((shown) => shown.dataset.id));
  for (const question of Object.values(open)) {
    if (there.has(String(question.id))) continue;
    const result = el("p", { role: "alert" });
    const answer = async (fields) => {
      try { await ask("answer", { id: question.id, ...fields }); } catch (refused) { result.textContent = `${refused.message}: ${refused.next}`; }
    };
    const field = `answer-${question.id}`;
    const form = question.serial
      ? el("form", { class: "row code", onsubmit: (event) => { event.preventDefault(); answer({ code: event.target.elements[0].value.trim() }); } },
        el("label", { for: field }, `Switch ${question.serial} off and on. The code on its display`),
        el("input", { id: field, inputmode: "numeric", autocomplete: "off", pattern: "[0-9 ]*", maxlength: "9", required: true }),
        left(question.step_s), el("button", { type: "submit" }, "Check"),
        el("button", { type: "button", onclick: () => answer({}) }, "Skip"))
      : el("div", { class: "row" }, el("button", { type: "button", class: "main", onclick: () => answer({ yes: true }) }, "Yes, go on"),
        el("button", { type: "button", onclick: () => answer({}) }, "No"));
    place.append(el("div", { class: "card warn", "data-id": question.id }, el("p", {}, question.text), form, result));
  }
  // The next field is ready for whoever has no hand for the mouse; nobody is torn from what they are typing.
  const field = place.querySelector("input"), at = document.activeElement;
  const isBusy = at && (at.matches("input, select, textarea") || place.contains(at));
  if (field && !isBusy && shownScreen() === "desk") field.focus();
}

const bar = (id, text) => { $(id).hidden = !text; $(id).textContent = text || ""; };
// What does not change stays where it is: somebody may be choosing something there, or have the focus on it.
function keep(id, items, make) {
  const parent = $(id), old = new Map([...parent.children].map((node) => [node.dataset.key, node]));
  items.forEach((item, index) => {
    const key = JSON.stringify(item), node = old.get(key) || make(item), there = parent.children[index];
    node.dataset.key = key;
    old.delete(key);
    if (node !== there) parent.insertBefore(node, there || null);
  });
  for (const node of old.values()) node.remove();
  while (parent.children.length > items.length) parent.lastChild.remove();
}

function render() {
  const { facts } = state;
  $("where").textContent = `at ${facts.desk}`;
  $("screens").hidden = facts.kiosk;
  $("foot").textContent = `tokentap ${facts.version}, ${facts.operator}, inventory: ${facts.inventory || "none"}${facts.servers.length ? `, servers: ${facts.servers.join(", ")}` : ""}`;
  const burns = state.batch && state.batch.runs;
  bar("burning", burns && (state.batch.burns ? `A batch is running (${state.batch.name}): every token laid down now gets a seed from its list.`
    : `The seeds of a batch (${state.batch.name}) are on their way to the server: the readers do nothing until that is done.`));
  const sets = burns ? "" : facts.sets_clocks ? `Clocks more than ${facts.bound_s} s off are set.` : "Clocks are only measured.";
  $("clock").textContent = `${sets} ${facts.host_is_trusted ? "" : "⚠ "}${facts.host_clock}`;
  const again = state.burns.length ? `Burned again ${burns ? "when they are laid down after the batch" : "as soon as they are laid down"}: ${state.burns.join(", ")}` : "";
  const notices = [state.notice, facts.warning, state.unrecorded, state.waits, again].filter(Boolean);
  bar("notice", notices.join(" · "));
  const places = Object.values(state.readers).sort((a, b) => (a.number || 99) - (b.number || 99));
  keep("readers", places.length ? places : [null], (place) => (place ? card(place) : el("p", { class: "card" }, "No reader yet: plug one in.")));
  questions(state.questions);
  const later = Boolean(burns && state.batch.burns), undone = Object.values(state.undone).map((seen) => ({ ...seen, later }));
  const listed = undone.length < state.undone_count ? `Only ${undone.length} of ${state.undone_count} are listed here.` : "";
  $("undone-more").textContent = listed;
  keep("undone", undone.length ? undone : [null], (seen) => (seen ? visit(seen, true) : el("li", {}, "Nothing.")));
  keep("visits", state.visits, (seen) => visit(seen, false));
  const all = Math.max(state.undone_count, undone.length);
  const need = all === 1 ? "1 needs attention" : `${all} need attention`;
  $("counts").textContent = `${state.tokens} laid down, ${state.set} ${state.set === 1 ? "clock" : "clocks"} set, ${need}`;
  const [last] = state.visits;
  const said = last ? `${last.well ? "Done" : "Needs attention"}: ${last.token}. ${last.what}. Next: ${last.next}` : "";
  if (said !== lastSaid) { $("said").textContent = said; lastSaid = said; }
  renderBatch(state.batch);
}

// Fleet
async function fleet() {
  const due = $("fleet-due").value;
  const fields = { due_days: due ? Number(due) : null, server: $("fleet-server").value || null };
  put("fleet-result", el("p", {}, "Reading the inventory …"));
  try {
    const report = await ask("fleet", fields);
    const rows = report.forecast.map((one) => [
      el("button", { type: "button", onclick: () => openToken(one.serial) }, one.serial), one.user || "", one.model || "",
      { now: "now", before: `before ${one.come_before ? day(one.come_before) : ""}`, "not-for-long": "not within ten years", unknown: "not known" }[one.come],
      one.clock ? `${drift(one.clock.drift_s)} (±${one.clock.within_s.toFixed(1)} s)` : "", one.remark]);
    const csv = async () => {
      try {
        const { csv: text } = await ask("fleet", { ...fields, csv: true });
        saver(URL.createObjectURL(new Blob([text], { type: "text/csv" })), "forecast.csv", "").click();
      } catch (refused) { put("fleet-result", problem(refused)); }
    };
    put("fleet-result", el("p", {}, `${report.count} ${report.count === 1 ? "token" : "tokens"} (95 %), ${report.words}`),
      report.plot ? plot(report.plot, "fleet", "How many tokens must have come back by when, and how many run at which rate") : null,
      rows.length ? el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Tokens" }, table(["Serial", "User", "Model", "Come in", "Drift now", "Remark"], rows)) : null,
      report.unknown ? el("p", {}, `Not in this list, because their clock is not on record: ${report.unknown}. Lay them on a reader once.`) : null,
      report.count > rows.length ? el("p", {}, `Only the first ${rows.length} are shown; the list has all.`) : null,
      el("p", { class: "noprint" }, el("button", { type: "button", onclick: csv }, "Save the list as CSV")),
      report.models.length ? el("h2", {}, "Time gained per month, by model") : null,
      report.models.length ? table(["Model", "Tokens", "Median (lowest to highest)"], report.models.map((one) => [one.model || "unknown", one.tokens, one.words])) : null,
      el("h2", {}, "Needs attention, whatever the drift"),
      report.open.length ? el("ul", { class: "list" }, ...report.open.map((one) => el("li", {}, el("p", {}, [one.user, one.serial].filter(Boolean).join(" · ")),
        el("p", {}, one.why), ...remedy(one.serial, one.remedy), opener(one.serial)))) : el("p", {}, "Nothing on record."),
      report.open_count > report.open.length ? el("p", {}, `Only the first ${report.open.length} of ${report.open_count} are shown.`) : null,
      report.servers.length ? el("h2", {}, "Servers") : null,
      report.servers.length ? table(["Server", "Kind and address", "Tokens on record"], report.servers.map((one) => [one.name, one.what, one.words])) : null);
  } catch (refused) { put("fleet-result", problem(refused)); }
}

// The way to the program
async function listen() {
  let number = 0, pause = 250;
  for (;;) {
    try {
      const answer = await fetch(`/api/state?after=${number}`, { headers: headers(), cache: "no-store", signal: AbortSignal.timeout(30000) });
      if (answer.status === 401) return lock();
      if (!answer.ok) throw new Error();
      state = await answer.json();
      [number, pause] = [state.number, 250];
      bar("gone", "");
      render();
    } catch {
      bar("gone", "tokentap is not responding. Look at the window where it runs. If that is closed, run tokentap web again, and use the page that it opens.");
      await new Promise((resolve) => setTimeout(resolve, pause));
      [number, pause] = [0, Math.min(pause * 2, 4000)];
    }
  }
}

async function open() {
  const code = location.hash.length > 20 ? location.hash.slice(1) : null;
  // The code is gone from the address before anything else happens.
  if (code) {
    history.replaceState(null, "", "#desk");
    const answer = await fetch("/api/session", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ code }) }).catch(() => null);
    if (answer && answer.ok) sessionStorage.setItem(KEY, (await answer.json()).bearer);
  }
  if (!sessionStorage.getItem(KEY)) return lock();
  route();
  listen();
  const { formats, servers: known } = await ask("formats", {}).catch(() => ({ formats: [], servers: [] }));
  for (const name of known) $("batch-server").append(el("option", { value: name }, name));
  for (const format of formats) $("batch-format").append(el("option", { value: format.name }, format.words));
}

function route() {
  const name = location.hash.slice(1);
  const wanted = ["find", "batch", "fleet", "token"].includes(name) ? name : "desk";
  show(wanted);
  const serial = sessionStorage.getItem("serial");
  if (wanted === "token") serial ? renderToken(serial) : show("find");
}

$("back").addEventListener("click", () => history.back());
$("screens").addEventListener("click", (event) => { if (event.target.dataset.screen) go(event.target.dataset.screen); });
window.addEventListener("popstate", () => { if (sessionStorage.getItem(KEY)) route(); });
$("find-form").addEventListener("submit", (event) => { event.preventDefault(); find($("find-text").value); });
$("fleet-form").addEventListener("submit", (event) => { event.preventDefault(); fleet(); });
$("batch-form").addEventListener("submit", (event) => { event.preventDefault(); startBatch(); });
$("batch-rows").addEventListener("toggle", () => { rowsOf = ""; if (state) renderBatch(state.batch); });
$("batch-check").addEventListener("click", checkList);
$("batch-file").addEventListener("change", (event) => drop(event.target.files[0] || null));
for (const kind of ["dragover", "dragleave", "drop"]) {
  $("drop").addEventListener(kind, (event) => {
    event.preventDefault();
    $("drop").classList.toggle("over", kind === "dragover");
    if (kind === "drop") drop(event.dataTransfer.files[0] || null);
  });
}
open();
