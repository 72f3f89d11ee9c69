"use strict";
// Find and token
async function find(text) {
  try {
    const { tokens } = await ask("find", { text });
    if (!tokens.length) return put("find-result", el("p", {}, "No token matches. Try the serial, its last four digits, or a part of the user's name."));
    put("find-result", listed(tokens));
    if (tokens.length === 1) openToken(nameOf(tokens[0]));
  } catch (refused) { put("find-result", problem(refused)); }
}

const listed = (tokens) => el("ul", { class: "list" }, ...tokens.map((token) => el("li", {},
  el("p", {}, [token.user || "no user", token.model || "unknown model", nameOf(token)].join(" · ")), opener(nameOf(token)))));
function plot(svg, name, words) {
  const url = URL.createObjectURL(new Blob([svg], { type: "image/svg+xml" }));
  return el("figure", {}, el("img", { class: "plot", src: url, alt: words }), el("p", { class: "noprint" }, saver(url, `${name}.svg`, "Save the picture")));
}

const saver = (url, name, words) => el("a", { href: url, download: name }, words);
async function openToken(serial) {
  sessionStorage.setItem("serial", serial);
  // Nobody takes the token that was shown before for this one.
  $("token-title").textContent = serial;
  put("token-body", el("p", {}, "Reading the inventory …"));
  go("token");
  await renderToken(serial);
}
async function renderToken(serial, refused, said) {
  let report;
  try { report = await ask("token", { serial }); } catch (why) {
    if (why.kind !== "several-tokens") return put("token-body", problem(why));
    const { tokens } = await ask("find", { text: serial });
    $("token-title").textContent = `${tokens.length} slots of ${serial}`;
    return put("token-body", listed(tokens));
  }
  const { token, forecast, words, events, plot: svg } = report;
  $("token-title").textContent = `${token.model || "Unknown model"} ${nameOf(token)}`;
  const facts = [["User", token.user || "nobody"], ["Profile", token.profile ? `${token.profile.hash}, ${token.profile.step_s} s` : "not on record"],
    ["Seed", { known: "its fingerprint is on record", sealed: "sealed in the inventory", erased: "erased: it shows no codes", unknown: "unclear: a job did not finish" }[token.seed] || "not on record"],
    ["Last seen", when(token.last_seen)], ["Clock set", token.synced ? when(token.synced) : "never on record"]];
  if (token.drift) facts.push(["Drift when last seen", drift(token.drift.drift_s)]);
  for (const kept of report.customer_keys || []) facts.push(["Customer key", `sealed in the inventory ${when(kept.since)}; ${kept.accepted ? `the device accepted it ${when(kept.accepted)}` : "the device is not known to have it"}`]);
  for (const at of report.servers) facts.push(["Server", at.words]);
  const comes = { now: "Now: its codes may be refused", before: `Before ${forecast.come_before ? day(forecast.come_before) : ""} (95 %)`, "not-for-long": "Not within ten years", unknown: "Not known" }[forecast.come];
  facts.push(["Come in", `${comes}, ${words}`]);
  if (forecast.remark) facts.push(["Remark", forecast.remark]);
  const field = el("input", { id: "assign-user", autocomplete: "off", spellcheck: "false", required: true, value: token.user || "" });
  const act = async (what, fields) => {
    try { await ask(what, { serial, ...fields }); await renderToken(serial); } catch (why) { await renderToken(serial, { ...why, wanted: fields.user }); }
  };
  const form = el("form", { class: "row noprint", onsubmit: (event) => { event.preventDefault(); act("assign", { user: field.value.trim() }); } },
    el("label", { for: "assign-user" }, "Give it to"), field, el("button", { type: "submit" }, "Assign"),
    token.user ? el("button", { type: "button", onclick: () => act("unassign", {}) }, "Take it back") : null);
  const judged = el("p", { role: "status" });
  const check = token.seed === "sealed" ? el("form", { class: "row noprint code", onsubmit: async (event) => {
    event.preventDefault();
    try { const { right, words } = await ask("verify", { serial, code: event.target.elements[0].value.trim() }); judged.textContent = `${right ? "✓" : "✕"} ${words}`; } catch (why) { judged.textContent = `${why.message}: ${why.next}`; }
  } }, el("label", { for: "verify-code" }, "The code on its display"), el("input", { id: "verify-code", inputmode: "numeric", autocomplete: "off", maxlength: "13", required: true }),
  token.profile ? left(token.profile.step_s, forecast.clock ? forecast.clock.drift_s : 0) : null, el("button", { type: "submit" }, "Check")) : null;
  const done = el("p", { role: "status" });
  const again = (words) => (words === WORKING ? (done.textContent = words) : renderToken(serial, null, [words].flat()));
  const doing = (words, what, fields, asks) => deed(words, what, { serial, ...fields }, asks, again, (why) => renderToken(serial, why));
  const deeds = [report.unmended ? doing("Mend it on its server", "mend", {}) : null,
    ...report.servers.filter((at) => at.unmended).map((at) => doing(`Already mended at ${at.server}`, "mended", { server: at.server }, `Yes, it was mended at ${at.server}'s own page`)),
    report.burns_again ? doing("Do not burn it again", "burn-again", { cancel: true }) : token.seed === "sealed" ? doing("Burn its seed again", "burn-again", {}, BURNS_AGAIN) : null,
    ...(token.seed === "sealed" ? report.hands_over_to.filter((name) => !report.servers.some((at) => at.server === name && !at.other_seed && ["created", "assigned", "active"].includes(at.step))).map((name) => doing(`Hand it over to ${name}`, "hand-over", { server: name }, `Yes, send its seed to ${name}, for ${token.user || "nobody"}`)) : [])].filter(Boolean);
  put("token-body",
    refused ? problem(refused) : null,
    refused && refused.confirm ? el("button", { type: "button", onclick: () => act("assign", { user: refused.wanted, reassign: true }) }, `Give it to ${refused.wanted} anyway`) : null,
    el("dl", {}, ...facts.flatMap(([name, text]) => [el("dt", {}, name), el("dd", {}, text)])),
    waitsForProfile(serial) ? profileForm(serial, "token-") : null,
    form, check, judged, deeds.length ? el("p", { class: "row noprint" }, ...deeds) : null, done,
    said ? el("div", { class: "card", role: "status" }, ...said.map((line) => el("p", {}, line))) : null,
    report.burns_again ? el("p", { class: "card warn" }, "Its seed is burned again when it is laid on a reader.") : null,
    svg ? plot(svg, `drift-${token.serial}`, `The drift of ${token.serial}: readings, and the forecast with its band`) : null,
    el("h2", {}, "History"),
    el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "History" }, table(["When", "What", "Outcome", "Drift", "Remark"], events.slice(0, 50).map((event) => [when(event.at), event.what, event.outcome,
      [event.before, event.after].filter(Boolean).map((one) => drift(one.drift_s)).join(" → "), [event.remark, event.state].filter(Boolean).join("; ")]))),
    el("p", { class: "noprint" }, el("button", { type: "button", onclick: () => print() }, "Print")));
}

const table = (names, rows) => el("table", {}, el("thead", {}, el("tr", {}, ...names.map((name) => el("th", { scope: "col" }, name)))),
  el("tbody", {}, ...rows.map((row) => el("tr", {}, ...row.map((cell) => el("td", {}, cell))))));
