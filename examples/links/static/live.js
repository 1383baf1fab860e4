// Show that others have added links, until the page is loaded again.
const live = document.getElementById("live");
let count = 0;
new EventSource(live.dataset.url).onmessage = (event) => {
  const { title, user } = JSON.parse(event.data);
  count += 1;
  const link = document.createElement("a");
  link.href = "";
  link.textContent = count === 1 ? `New: ${title}, by ${user}` : `${count} new links, the last one is: ${title}`;
  live.replaceChildren(link);
};
