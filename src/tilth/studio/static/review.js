// The review desk: one sample at a time, a key a decision. What is decided counts at once; the outbox sends it.

const read = (id) => JSON.parse(document.getElementById(id).textContent);
const desk = read("data");
const words = read("words");
const { drawn } = await import(desk.modules.diff);
const { Outbox, local, session } = await import(desk.modules.outbox);
const { el, fill, beside } = await import(desk.modules.beside);
const { offer, versions, judged, source } = beside(words, drawn);

const $ = (id) => document.getElementById(id);
const AHEAD = 80; // undecided samples in the page below which more are asked for
const KEPT = 100; // decisions of this tab that can be taken back
const RETRY = 3000;
const KEYS = {
  a: "accept", e: "edit", r: "reject", f: "flag", u: "undo", j: "next", k: "previous", d: "discard", n: "note", "?": "help",
};
const ONCE = new Set(["accept", "reject", "flag", "undo", "save"]); // a key held down decides once

const list = []; // samples in the order they are seen, decided ones included
let at = 0;
let shownAt = 0; // when the sample came on screen; 0 while nobody can see it
let spent = 0; // milliseconds on screen before that
let editing = false;
let picked = desk.scores[0]?.[0];
let asking = false;
let exhausted = false;
let progress = { samples: 0, decided: 0, mine: 0, left: 0 };
let person = local.get("tilth.person") ?? "";

const store = `${desk.run}.${desk.queue}`;
const outbox = new Outbox(desk.run, desk.api.decide, tellSaved);

const show = (element, yes) => element.toggleAttribute("hidden", !yes);
const id = () => [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, "0")).join("");
const whole = (text) => text.replace(/\p{Surrogate}/gu, "\ufffd"); // half a pair cannot be written to a file

// Drafts are what was typed and not yet decided.
const draftName = (record) => `tilth.draft.${desk.run}.${record.key}`;

function draft(record) {
  const found = JSON.parse(session.get(draftName(record)) ?? "null");
  return found && found.hash === record.hash ? found : { hash: record.hash, texts: {}, scores: {}, note: "" };
}

function keep(record, changes) {
  const next = { ...draft(record), ...changes };
  const empty = !Object.keys(next.texts).length && !Object.keys(next.scores).length && !next.note;
  if (empty) session.remove(draftName(record));
  else session.set(draftName(record), JSON.stringify(next));
}

// The messages as they stand on the screen: with what was typed.
function messagesOf(record) {
  const { texts } = draft(record);
  return record.messages.map((message, i) => (i in texts ? { ...message, content: texts[i] } : message));
}

const isChanged = (record) => Object.keys(draft(record).texts).length > 0;

const current = () => list[at];

function draw() {
  const record = current();
  show($("desk"), Boolean(record));
  show($("empty"), !record);
  drawBar();
  if (!record) return drawEmpty();
  drawWhere(record);
  drawTalk(record);
  put("offer", offer(record));
  put("versions", versions(record));
  drawSide(record);
  for (const group of document.querySelectorAll(".actions .group")) show(group, (group.dataset.when === "editing") === editing);
  for (const button of document.querySelectorAll(".only-draft")) show(button, isChanged(record));
}

function drawWhere(record) {
  const tag = (kind, text) => el("span", `tag ${kind}`, text);
  $("where").replaceChildren(el("span", "mono", record.place));
  if (record.verdict) $("where").append(tag(record.verdict, words[record.verdict]));
  if (editing) $("where").append(tag("held", words.editing));
  else if (isChanged(record)) $("where").append(tag("held", words.draft));
  if (record.step) $("where").append(el("span", "mono soft", record.step));
  if (record.reason) $("where").append(el("span", "soft", record.reason));
  if (record.copies > 1) $("where").append(el("span", "soft", fill(words.same, record.copies)));
}

const ROLES = { user: "question", assistant: "answer", system: "system", tool: "tool" };

function drawTalk(record) {
  const { texts } = draft(record);
  const turns = record.messages.map((message, i) => {
    const turn = el("div", `turn ${message.role}`, el("small", "soft", words[ROLES[message.role]]));
    if (message.thinking) turn.append(el("details", "", el("summary", "", words.thinking), el("div", "say", message.thinking)));
    if (editing && !message.tool_calls) turn.append(...editor(record, message, i));
    else if (i in texts) turn.append(drawn(message.content, texts[i], words.folded));
    else turn.append(el("div", "say", message.content || JSON.stringify(message.tool_calls ?? "")));
    return turn;
  });
  const rejected = (record.rejected ?? []).map((message) =>
    el("div", "turn other", el("small", "soft", words["rejected answer"]), el("div", "say", message.content)));
  $("talk").replaceChildren(...turns, ...rejected);
}

function editor(record, message, i) {
  const area = el("textarea", "edit");
  area.rows = 1;
  area.value = draft(record).texts[i] ?? message.content;
  area.dataset.message = i;
  area.setAttribute("aria-label", words[ROLES[message.role]]);
  let change = el("div", "diff");
  const fit = () => {
    area.style.height = "auto";
    area.style.height = `${area.scrollHeight + 2}px`;
  };
  const typed = () => {
    const { texts } = draft(record);
    if (area.value === message.content) delete texts[i];
    else texts[i] = area.value;
    keep(record, { texts });
    fit();
    const fresh = i in texts ? drawn(message.content, area.value, words.folded) : el("div", "diff");
    change.replaceWith(fresh);
    change = fresh;
  };
  area.addEventListener("input", typed);
  queueMicrotask(typed);
  return [area, change];
}

function drawSide(record) {
  const { scores, note } = draft(record);
  for (const row of document.querySelectorAll(".score")) {
    row.classList.toggle("picked", row.dataset.score === picked);
    for (const button of row.querySelectorAll(".n")) button.setAttribute("aria-pressed", String(scores[row.dataset.score] === Number(button.dataset.value)));
  }
  if (document.activeElement !== $("note")) $("note").value = note;
  put("judge", judged(record));
  put("facts", source(record));
}

// Fill a part of the page, and hide it where there is nothing to show.
function put(place, pieces) {
  show($(place), pieces.length > 0);
  $(place).replaceChildren(...pieces);
}

function drawBar() {
  const mine = list.filter((record) => record.fresh).length;
  $("bar").max = Math.max(progress.samples, 1);
  $("bar").value = Math.min(progress.samples, progress.decided + mine);
  $("done").textContent = fill(words.done, Math.min(progress.samples, progress.decided + mine), progress.samples, progress.mine + mine);
}

function drawEmpty() {
  const busy = asking || !exhausted;
  const worked = list.length > 0 || progress.mine > 0;
  const lost = busy && !navigator.onLine;
  const [title, why, more] = $("empty").querySelectorAll("h2, p:not(.big)");
  title.textContent = busy ? words.loading : worked ? words.finished : words.nothing;
  why.textContent = lost ? words.offline : busy ? "" : worked ? words.rerun : words.another;
  more.textContent = !busy && progress.decided < progress.samples ? words.others : "";
  show($("back"), list.length > 0);
}

function tellSaved({ waiting, refused, why }) {
  const said = refused ? `${fill(words.refused, refused)} ${why}` : waiting ? fill(words.waiting, waiting) : words.saved;
  $("saved").textContent = said;
  $("saved").className = `small ${refused ? "bad" : waiting ? "wait" : "soft"}`;
}

function clock() {
  spent = 0;
  shownAt = document.visibilityState === "visible" ? performance.now() : 0;
}

const elapsed = () => Math.round(spent + (shownAt ? performance.now() - shownAt : 0));

function go(to) {
  at = Math.max(0, Math.min(to, list.length));
  editing = false;
  picked = desk.scores[0]?.[0];
  clock();
  if (document.activeElement?.matches("textarea, input")) document.activeElement.blur();
  draw();
  scrollTo({ top: 0 });
  more();
}

function onward() {
  const next = list.findIndex((record, i) => i > at && !record.verdict);
  const earlier = list.findIndex((record) => !record.verdict);
  go(next >= 0 ? next : earlier >= 0 ? earlier : list.length);
}

async function ask(body) {
  const settings = { method: "POST", headers: { "content-type": "application/json" } };
  const answer = await fetch(desk.api.next, { ...settings, body: JSON.stringify({ ...desk.asked, person, ...body }) });
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.json();
}

async function more() {
  if (asking || exhausted || !person || list.filter((record) => !record.verdict).length > AHEAD) return;
  asking = true;
  const waiting = outbox.events().map((event) => event.key ?? event.sample_id);
  const have = [...list.filter((record) => !record.verdict).map((record) => record.key), ...waiting];
  try {
    const found = await ask({ have });
    const known = new Set(list.map((record) => record.key));
    const fresh = found.records.filter((record) => !known.has(record.key));
    list.push(...fresh);
    exhausted = !fresh.length;
    progress = found.progress;
    for (const record of list) record.fresh = Boolean(record.verdict) && waiting.includes(record.key);
    asking = false;
    const here = current();
    if (fresh.length && here === fresh[0]) clock();
    if (!editing && (!here || fresh.includes(here))) draw();
    else drawBar();
    more();
  } catch {
    asking = false;
    if (!current()) draw();
    setTimeout(more, RETRY);
  }
}

const undoName = `tilth.undo.${store}`;
const undoable = () => JSON.parse(session.get(undoName) ?? "[]");

function decide(verdict, more = {}) {
  const record = current();
  if (!record) return;
  const { scores, note } = draft(record);
  const event = {
    event_id: id(), sample_id: record.id, content_hash: record.hash, person, verdict, messages: null,
    scores: Object.keys(scores).length ? scores : null, note: whole(note), ms: elapsed(), time: new Date().toISOString(),
    ...("step" in record ? { step: record.step } : {}), ...(desk.asked.blind ? { blind: true } : {}), ...(desk.settling ? { adjudicates: true } : {}),
    ...(record.proposal ? { proposal: record.proposal, key: record.key } : {}), ...more,
  };
  record.verdict = event.verdict;
  record.fresh = true;
  const past = [...undoable(), { event: event.event_id, key: record.key, draft: draft(record) }].slice(-KEPT);
  session.set(undoName, JSON.stringify(past));
  session.remove(draftName(record));
  outbox.put(event);
  onward();
}

// What stands on the screen is what is accepted: a draft is saved as an edit.
function accept() {
  const record = current();
  if (!record) return;
  if (!isChanged(record) || record.proposal) return decide("accept");
  const messages = messagesOf(record).map((message) => ({ ...message, content: whole(message.content) }));
  if (messages.some((m, i) => !m.content.trim() && record.messages[i].content.trim())) return tell(words["edit is empty"]);
  decide("edit", { messages });
}

function take(number) {
  const vote = current()?.votes?.[number];
  if (!vote || vote.verdict === "flag") return;
  decide(vote.verdict, { messages: vote.messages ?? null, scores: vote.scores ?? null, note: vote.note || "" });
}

async function undo() {
  const past = undoable();
  const last = past.pop();
  if (!last) return tell(words["nothing to undo"]);
  let where = list.findIndex((record) => record.key === last.key);
  if (where < 0) {
    const found = await ask({ keys: [last.key] }).catch(() => null);
    if (!found?.records.length) return tell(words.offline);
    list.splice(at, 0, found.records[0]);
    where = at;
  }
  const record = list[where];
  session.set(undoName, JSON.stringify(past));
  outbox.put({ event_id: id(), sample_id: record.id, person, verdict: "undo", undoes: last.event, time: new Date().toISOString() });
  if (!record.fresh) progress = { ...progress, decided: progress.decided - 1, mine: progress.mine - 1 };
  Object.assign(record, { verdict: "", fresh: false });
  keep(record, last.draft);
  go(where);
}

function edit() {
  if (!current() || desk.one_by_one) return;
  editing = true;
  draw();
  const areas = document.querySelectorAll("textarea.edit");
  const last = [...areas].findLast((area) => current().messages[area.dataset.message].role === "assistant") ?? areas[0];
  last?.focus();
  last?.setSelectionRange(last.value.length, last.value.length);
}

function leave() {
  editing = false;
  draw();
  $("record").focus({ preventScroll: true });
}

function score(name, value) {
  const record = current();
  if (!record || !name) return;
  const { scores } = draft(record);
  if (value) scores[name] = value;
  else delete scores[name];
  keep(record, { scores });
  const names = desk.scores.map(([one]) => one);
  picked = value ? names[Math.min(names.indexOf(name) + 1, names.length - 1)] : name;
  draw();
}

function tell(text) {
  $("saved").textContent = text;
  $("saved").className = "small wait";
}

function who() {
  $("name").value = person;
  $("who").showModal();
}

const ACTS = {
  accept, edit, leave, undo, who,
  save: accept,
  reject: () => decide("reject"),
  flag: () => desk.one_by_one || desk.settling || decide("flag"),
  next: () => go(Math.min(at + 1, list.length)),
  previous: () => go(at - 1),
  discard: () => { keep(current(), { texts: {} }); draw(); },
  note: () => $("note").focus(),
  help: () => $("help").showModal(),
  pick: (button) => { picked = button.dataset.score; draw(); },
  score: (button) => score(button.dataset.score, Number(button.dataset.value)),
  take: (button) => take(Number(button.dataset.value)),
};

function pressed(event) {
  if (event.isComposing || event.keyCode === 229) return; // the key belongs to an input method
  if (event.key === "?" && $("help").open) return $("help").close();
  if (document.querySelector("dialog[open]")) return;
  const typing = event.target.closest("textarea, input");
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && editing) return run("save", event);
  if (event.key === "Escape" && (typing || editing)) return editing ? run("leave", event) : event.target.blur();
  if (event.repeat && event.key === "Enter" && event.target.closest("[data-act]")) return event.preventDefault();
  if (typing || event.ctrlKey || event.metaKey || event.altKey || editing) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const name = desk.scores.find(([, letter]) => letter === key)?.[0];
  if (name) picked = name;
  if (name) draw();
  else if (/^[0-9]$/.test(key) && desk.settling) take(Number(key) - 1);
  else if (/^[0-5]$/.test(key)) score(picked, Number(key));
  else if (KEYS[key]) return run(KEYS[key], event);
  else return;
  event.preventDefault();
}

function run(name, event, button) {
  event.preventDefault();
  if (event.repeat && ONCE.has(name)) return;
  ACTS[name]?.(button);
}

document.addEventListener("keydown", pressed);
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-act]");
  if (button) run(button.dataset.act, event, button);
});
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible") shownAt = performance.now();
  else if (shownAt) [spent, shownAt] = [elapsed(), 0];
});
addEventListener("online", more);
$("note").addEventListener("input", () => current() && keep(current(), { note: $("note").value }));
$("who").addEventListener("close", () => {
  const said = $("name").value.trim();
  if (!said && !person) return who();
  if (said && said !== person) {
    person = said;
    local.set("tilth.person", person);
    list.length = 0;
    exhausted = false;
    go(0);
  }
  $("person").textContent = person;
});

$("person").textContent = person || "…";
outbox.tell();
outbox.send();
if (person) more();
else who();
draw();
