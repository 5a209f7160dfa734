// A character diff that a person can read, and its drawing. Texts of samples only ever become text nodes.

const SHORT = 2; // equal runs up to this long between two changes are coincidence
const CONTEXT = 24; // equal characters shown on either side of a change
const FAR = 1200; // changes after which two texts are compared by their ends only

// E. W. Myers (1986), "An O(ND) Difference Algorithm and Its Variations", the greedy form.
function script(a, b) {
  const max = a.length + b.length;
  let v = new Map([[1, 0]]);
  const trace = [];
  for (let d = 0; d <= max; d++) {
    if (d > FAR) return null;
    trace.push(v);
    const next = new Map(v);
    for (let k = -d; k <= d; k += 2) {
      const down = k === -d || (k !== d && (v.get(k - 1) ?? -1) < (v.get(k + 1) ?? -1));
      let x = down ? v.get(k + 1) ?? 0 : (v.get(k - 1) ?? 0) + 1;
      while (x < a.length && x - k < b.length && a[x] === b[x - k]) x++;
      next.set(k, x);
      if (x >= a.length && x - k >= b.length) return walk(trace, a, b, d);
    }
    v = new Map([...next].filter(([k]) => Math.abs(k) <= d + 1));
  }
  return [];
}

function walk(trace, a, b, last) {
  const steps = [];
  let x = a.length;
  let y = b.length;
  for (let d = last; d > 0; d--) {
    const v = trace[d];
    const k = x - y;
    const down = k === -d || (k !== d && (v.get(k - 1) ?? -1) < (v.get(k + 1) ?? -1));
    const before = down ? k + 1 : k - 1;
    const px = v.get(before);
    const py = px - before;
    for (; x > px && y > py; y--) steps.push(["same", a[--x]]);
    steps.push(down ? ["new", b[--y]] : ["gone", a[--x]]);
  }
  while (x > 0) steps.push(["same", a[--x]]);
  return steps.reverse();
}

function grouped(steps) {
  const runs = [];
  for (const [kind, text] of steps) {
    if (runs.length && runs[runs.length - 1].kind === kind) runs[runs.length - 1].text += text;
    else runs.push({ kind, text });
  }
  return runs;
}

// One deletion and one insertion a change; short coincidences inside a change are part of it.
function calm(runs) {
  const found = [];
  let gone = "";
  let fresh = "";
  const flush = () => {
    if (gone) found.push({ kind: "gone", text: gone });
    if (fresh) found.push({ kind: "new", text: fresh });
    gone = fresh = "";
  };
  runs.forEach((run, i) => {
    const inner = i > 0 && i < runs.length - 1;
    if (run.kind === "same" && !(inner && [...run.text].length <= SHORT && run.text.trim())) {
      flush();
      found.push(run);
    } else {
      if (run.kind !== "new") gone += run.text;
      if (run.kind !== "gone") fresh += run.text;
    }
  });
  flush();
  return found;
}

export function diff(before, after) {
  if (before === after) return [{ kind: "same", text: before }];
  const a = [...before];
  const b = [...after];
  const least = Math.min(a.length, b.length);
  let head = 0;
  while (head < least && a[head] === b[head]) head++;
  let tail = 0;
  while (tail < least - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail++;
  const x = a.slice(head, a.length - tail);
  const y = b.slice(head, b.length - tail);
  const middle = script(x, y) ?? [...x.map((c) => ["gone", c]), ...y.map((c) => ["new", c])];
  const ends = (text) => (text.length ? [["same", text.join("")]] : []);
  return calm(grouped([...ends(a.slice(0, head)), ...middle, ...ends(a.slice(a.length - tail))]));
}

// What changed, as elements; long unchanged stretches are folded.
export function drawn(before, after, folded) {
  const box = document.createElement("div");
  box.className = "diff";
  const pieces = diff(before, after);
  pieces.forEach(({ kind, text }, i) => {
    const all = [...text];
    const head = i > 0 ? CONTEXT : 0;
    const tail = i < pieces.length - 1 ? CONTEXT : 0;
    const hidden = all.length - head - tail;
    if (kind !== "same") {
      const mark = document.createElement(kind === "gone" ? "del" : "ins");
      mark.textContent = text;
      box.append(mark);
    } else if (hidden <= CONTEXT || pieces.length === 1) {
      box.append(text);
    } else {
      const fold = document.createElement("span");
      fold.className = "fold";
      fold.textContent = ` ⋯ ${folded.replace("{0}", hidden)} ⋯ `;
      box.append(all.slice(0, head).join(""), fold, tail ? all.slice(-tail).join("") : "");
    }
  });
  return box;
}
