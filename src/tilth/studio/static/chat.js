// Two conversations at once. Texts only ever become textContent; the conversation survives a reload of the page.
const chat = document.querySelector("#chat");
const words = JSON.parse(chat.dataset.words);
const question = document.querySelector("#question");
const stop = document.querySelector("#stop");
const logs = Object.fromEntries([...document.querySelectorAll(".log")].map((log) => [log.dataset.side, log]));
const store = `tilth.chat.${location.host}`;
const said = JSON.parse(sessionStorage.getItem(store) ?? "null") ?? { base: [], tuned: [] };
let running = null;

const remember = () => sessionStorage.setItem(store, JSON.stringify(said));

function bubble(side, role, text) {
  const turn = document.createElement("div");
  turn.className = `turn ${role}`;
  const body = document.createElement("div");
  body.className = "say";
  body.textContent = text;
  turn.append(body);
  logs[side].querySelector(".hello")?.remove();
  logs[side].append(turn);
  logs[side].scrollTop = logs[side].scrollHeight;
  return turn;
}

function keeper(turn, side, count) {
  const button = document.createElement("button");
  const id = crypto.randomUUID?.() ?? `${Date.now()}-${Math.random().toString(36).slice(2)}`;
  button.type = "button";
  button.textContent = words.keep;
  button.addEventListener("click", async () => {
    button.disabled = true;
    const body = { event_id: id, side, messages: said[side].slice(0, count) };
    try {
      const answer = await post("/api/chat/save", body);
      document.querySelector("#kept").textContent = (await answer.json()).kept;
      button.textContent = words.kept;
    } catch {
      button.disabled = false;
      button.textContent = words.failed;
    }
  });
  turn.append(button);
}

async function post(path, body, signal) {
  const answer = await fetch(path, {
    method: "POST", signal, headers: { "content-type": "application/json" }, body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error((await answer.json()).error);
  return answer;
}

async function ask(side, signal) {
  const turn = bubble(side, "assistant", words.waiting);
  const body = turn.querySelector(".say");
  body.classList.add("soft");
  let text = "", note = "";
  try {
    const answer = await post("/api/chat", { side, messages: said[side] }, signal);
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      const lines = (rest + part.value).split("\n");
      rest = lines.pop();
      for (const line of lines.filter(Boolean)) {
        const piece = JSON.parse(line);
        if (piece.text !== undefined) text += piece.text;
        else if (piece.state === "truncated") note = words.truncated;
        else if (piece.state !== "done") note = piece.reason || piece.state;
      }
      body.classList.remove("soft");
      body.textContent = text;
      logs[side].scrollTop = logs[side].scrollHeight;
    }
  } catch (error) {
    if (error.name !== "AbortError") note = error.message || words.failed;
  }
  body.classList.toggle("soft", !text);
  body.textContent = text || words.empty;
  if (note) {
    const more = document.createElement("small");
    more.className = "soft";
    more.textContent = note;
    turn.append(more);
  }
  if (!text) return;
  said[side].push({ role: "assistant", content: text });
  keeper(turn, side, said[side].length);
}

async function say() {
  const text = question.value.trim();
  if (!text || running) return;
  question.value = "";
  running = new AbortController();
  stop.hidden = false;
  for (const side of ["base", "tuned"]) {
    // Where a side said nothing last time, its question is taken back: two in a row are no conversation.
    if (said[side].at(-1)?.role === "user") said[side].pop();
    said[side].push({ role: "user", content: text });
    bubble(side, "user", text);
  }
  await Promise.all(["base", "tuned"].map((side) => ask(side, running.signal)));
  running = null;
  stop.hidden = true;
  remember();
  question.focus();
}

document.querySelector("#say").addEventListener("submit", (event) => {
  event.preventDefault();
  say();
});
question.addEventListener("keydown", (event) => {
  // The Enter that ends the composition of a word sends nothing.
  if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
  event.preventDefault();
  say();
});
addEventListener("keydown", (event) => event.key === "Escape" && running?.abort());
stop.addEventListener("click", () => running?.abort());
document.querySelector("#clear").addEventListener("click", () => {
  running?.abort();
  sessionStorage.removeItem(store);
  location.reload();
});

for (const side of ["base", "tuned"]) {
  said[side].forEach((message, i) => {
    const turn = bubble(side, message.role, message.content);
    if (message.role === "assistant") keeper(turn, side, i + 1);
  });
}
