// Keys for the buttons of a ballot. Without this script the buttons do the same.
const form = document.querySelector("#vote");
const shown = performance.now();
let sent = false;

addEventListener("keydown", (event) => {
  // A key that ends the composition of a word, or is typed into a text, is no vote.
  if (event.isComposing || event.keyCode === 229 || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (event.target.matches("textarea, input")) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  const button = document.querySelector(`button[data-key="${CSS.escape(event.key.toLowerCase())}"]`);
  if (!button) return;
  event.preventDefault();
  button.click();
});

form?.addEventListener("submit", (event) => {
  // One ballot, one vote: a second press before the next page is there belongs to none.
  if (sent) return event.preventDefault();
  sent = true;
  const ms = form.querySelector("[name=ms]");
  if (ms) ms.value = String(Math.round(performance.now() - shown));
});

addEventListener("pageshow", () => { sent = false; });
