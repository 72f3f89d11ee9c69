// Batch
async function list() {
  if (dropped) {
    const bytes = new Uint8Array(await dropped.arrayBuffer());
    let text = "";
    for (let at = 0; at < bytes.length; at += 32768) text += String.fromCharCode(...bytes.subarray(at, at + 32768));
    return { name: dropped.name, content: btoa(text) };
  }
  return { path: $("batch-path").value.trim() };
}

function drop(file) {
  const isTooLarge = file && file.size > 5 << 20;
  dropped = isTooLarge ? null : file;
  $("dropped").textContent = isTooLarge ? "This file is larger than 5 MiB: enter its path instead." : file ? `${file.name}, ${file.size} bytes; sent only to tokentap on this computer` : "";
}

async function checkList() {
  try {
    const report = await ask("check-list", { list: await list() }), problems = report.problems.map((one) => el("li", {}, one));
    put("batch-result", el("div", { class: `card ${problems.length ? "bad" : "good"}` },
      el("p", { class: "verdict" }, problems.length ? `✕ Problems: ${problems.length}` : "✓ Nothing wrong"),
      el("p", {}, report.words), problems.length ? el("ul", {}, ...problems) : null));
  } catch (refused) { put("batch-result", problem(refused)); }
}

async function startBatch() {
  const format = $("batch-format").value, out = $("batch-out").value.trim();
  if (Boolean(format) !== Boolean(out)) {
    return put("batch-result", problem({ message: "A file for the server needs its format and its full path", next: "choose both, or neither" }));
  }
  try {
    await ask("start-batch", { list: await list(), to: format ? [`${format}=${out}`] : [], hand_over: $("batch-server").value || null });
    $("batch-form").reset();
    drop(null), put("batch-result");
  } catch (refused) { put("batch-result", problem(refused)); }
}

function renderBatch(batch) {
  $("batch-form").hidden = Boolean(batch && batch.runs);
  if (!batch) return put("batch-now");
  const parts = [el("h2", {}, batch.name), el("progress", { max: Math.max(1, batch.rows), value: batch.done, "aria-label": "Rows done" }),
    el("p", {}, `${batch.done} of ${batch.rows} done, ${batch.failed} failed, ${batch.unknown} unclear${batch.end ? `; expected end ${batch.end}` : ""}`)];
  if (batch.burns && !batch.done) parts.push(el("p", { class: "next" }, "Lay the first token on a reader."));
  if (!batch.runs) parts.push(el("p", {}, "The readers set clocks again, as before."));
  if (batch.runs) parts.push(el("button", { type: "button", onclick: () => ask("stop-batch", {}).catch((refused) => put("batch-result", problem(refused))) }, "Stop after the tokens in hand"));
  for (const line of batch.words || []) parts.push(el("p", {}, line));
  put("batch-now", ...parts);
  $("batch-rows").hidden = !batch.id;
  // Only who looks at the rows reads them.
  const now = JSON.stringify([batch.id, batch.done, batch.failed, batch.unknown, batch.runs]);
  if ($("batch-rows").open && now !== rowsOf) { rowsOf = now; renderRows(batch.id); }
}

let rowsOf = "";
async function renderRows(id) {
  try {
    const { rows, count } = await ask("batch-rows", { batch: id });
    put("batch-table", table(["Row", "State", "Token", "User", "Remark"], rows.map((row) => [row.row, row.state, row.serial || "", row.user || "", row.error || ""])),
      count > rows.length ? el("p", {}, `Only ${rows.length} of ${count} are shown: those that failed or are unclear first.`) : null);
  } catch (refused) { put("batch-table", problem(refused)); }
}
