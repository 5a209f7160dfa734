// Takes in files of decisions, whole lines at a time; a decision that is there already is not added again.

const PIECE = 300000; // characters sent with one request, at least one line
const words = JSON.parse(document.getElementById("words").textContent);
const told = document.getElementById("taken");

function* pieces(text) {
  let piece = "";
  for (const line of text.split("\n")) {
    if (piece && piece.length + line.length > PIECE) {
      yield piece;
      piece = "";
    }
    piece += `${line}\n`;
  }
  yield piece;
}

async function take(input) {
  const file = input.files[0];
  if (!file) return;
  told.textContent = words.reading;
  let lines = 0;
  let fresh = 0;
  try {
    for (const text of pieces(await file.text())) {
      const settings = { method: "POST", headers: { "content-type": "application/json" } };
      const answer = await fetch("/api/review/import", { ...settings, body: JSON.stringify({ kind: input.dataset.kind, text }) });
      const said = await answer.json();
      if (!answer.ok) throw new Error(said.error);
      lines += said.lines;
      fresh += said.new;
    }
    told.textContent = words.taken.replace("{0}", lines).replace("{1}", fresh);
  } catch (error) {
    told.textContent = `${words.refused} ${error.message}`;
  }
  input.value = "";
}

for (const input of document.querySelectorAll("input[type=file]")) input.addEventListener("change", () => take(input));
