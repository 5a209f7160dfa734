// What stands beside a text under review: offers, other people's answers, the judge, the source. Texts become text nodes.

export function el(tag, kind = "", ...inside) {
  const made = document.createElement(tag);
  if (kind) made.className = kind;
  made.append(...inside.filter((piece) => piece !== null && piece !== undefined));
  return made;
}

export const fill = (text, ...values) => values.reduce((said, value, i) => said.replace(`{${i}}`, () => value), text);

const answer = (messages) => messages.filter((m) => m.role === "assistant").map((m) => m.content).join("\n");
const plain = (value) => (typeof value === "string" ? value : JSON.stringify(value));

// Each part is a list of elements, empty where there is nothing to show.
export function beside(words, drawn) {
  function offer(record) {
    if (!record.proposal) return [];
    const { step, field, before, after, evidence } = record.proposal;
    const said = Object.entries(evidence ?? {}).map(([name, value]) => `${name}: ${plain(value)}`);
    return [
      el("p", "small soft", fill(words.offer, step), ` · ${words[field] ?? field}`),
      drawn(before, after, words.folded),
      el("p", "small soft", said.join(" · ")),
    ];
  }

  // The answers of people who disagree, each with what it changes, and what lies between two.
  function versions(record) {
    const original = answer(record.messages);
    const text = (vote) => (vote.messages ? answer(vote.messages) : original);
    const votes = record.votes ?? [];
    const kept = votes.filter((vote) => vote.verdict !== "reject" && vote.verdict !== "flag").map(text);
    const apart = kept.length === 2 && kept[0] !== kept[1];
    const between = apart ? [el("h2", "", words.between), drawn(kept[0], kept[1], words.folded)] : [];
    return [...votes.map((vote, i) => version(vote, i, original, text(vote))), ...between];
  }

  function version(vote, i, original, text) {
    const scores = Object.entries(vote.scores ?? {}).map(([name, n]) => `${words[name] ?? name} ${n}`);
    const verdict = el("span", `tag ${vote.verdict}`, words[vote.verdict]);
    const stale = vote.stale ? el("span", "soft", words.stale) : null;
    const head = el("p", "meta", el("b", "", vote.person), verdict, el("span", "soft", scores.join(" · ")), stale);
    const change = vote.messages ? drawn(original, text, words.folded) : null;
    const note = vote.note ? el("p", "small", vote.note) : null;
    return el("div", "sample", head, change, note, vote.verdict === "flag" ? null : taking(i));
  }

  function taking(i) {
    const button = el("button", "act", el("kbd", "", String(i + 1)), ` ${words.take}`);
    button.type = "button";
    button.dataset.act = "take";
    button.dataset.value = i;
    button.setAttribute("aria-keyshortcuts", String(i + 1));
    return button;
  }

  function judged(record) {
    const said = (record.judge ?? []).map(({ name, verdict, reason }) => {
      const tag = el("span", `tag ${verdict === "fail" ? "dropped" : "kept"}`, words[verdict] ?? String(verdict));
      return el("div", "", el("b", "", words[name] ?? name), " ", tag, el("p", "small soft", reason));
    });
    return said.length ? [el("h2", "", words.judge), ...said] : [];
  }

  function source(record) {
    const pairs = record.facts.map(([name, value]) => el("div", "", el("dt", "", name), el("dd", "", value)));
    const life = el("a", "small", words.life);
    life.href = record.link;
    // A conversation from the chat went through no step.
    return [el("h2", "", words.source), el("dl", "facts", ...pairs), ...(record.link ? [life] : [])];
  }

  return { offer, versions, judged, source };
}
