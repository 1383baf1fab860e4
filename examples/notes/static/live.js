// Show changes from other windows: the server sends an event for each change of a note of this account.

const live = document.getElementById("live");
const news = document.getElementById("news");
const source = new EventSource("/events");

source.addEventListener("change", async (event) => {
  if (live) await refresh();
  news.textContent = event.data;
  setTimeout(() => { news.textContent = ""; }, 5000);
});

// Replace the live part of this page by its new state, and keep the focus.
async function refresh() {
  // With this field, the page does not take the messages that are for the next page of this browser.
  const response = await fetch(location.href, { headers: { Accept: "text/html", "X-Live": "yes" } });
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const fresh = page.getElementById("live");
  const focused = live.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
  live.replaceChildren(...(fresh ?? page.getElementById("main")).childNodes);
  if (focused) live.querySelector(`[href="${CSS.escape(focused)}"]`)?.focus();
}
