// Takes the live part of the page anew when the server says that there is news. Without this script the page is still.
const feed = new EventSource("/api/training/events");
let busy = false;

async function renew() {
  if (busy) return;
  busy = true;
  try {
    const answer = await fetch(location.href, { headers: { accept: "text/html" } });
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("#live");
    const live = document.querySelector("#live");
    if (answer.ok && fresh && live) live.replaceWith(document.adoptNode(fresh));
  } catch {
    // The studio is not there just now; EventSource tries again by itself, and so do we with the next news.
  } finally {
    busy = false;
  }
}

feed.addEventListener("news", renew);
addEventListener("pagehide", () => feed.close());
