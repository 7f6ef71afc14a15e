// What the pages cannot do without a script: move. Everything else is plain links and forms.
"use strict";

// The overview: fetch the numbers again when something happened, at most once a second.
const numbers = document.querySelector("[data-live]");
const happening = document.getElementById("happening");

function line(event) {
  switch (event.kind) {
    case "message": return `${event.event || "unreadable message"} from ${event.feed}: ${event.code}`;
    case "delivery": return `${event.partner}: ${event.result}`;
    case "site": return event.reloaded ? "the site was reloaded" : `a changed site was refused: ${event.problems} problems`;
    default: return null;
  }
}

if (numbers) {
  let waiting = false;
  const refresh = async () => {
    waiting = false;
    try {
      const answer = await fetch(numbers.dataset.live);
      if (answer.ok) numbers.innerHTML = await answer.text();
    } catch { /* the gateway is away; the stream reconnects by itself */ }
  };
  const soon = () => { if (!waiting) { waiting = true; setTimeout(refresh, 1000); } };
  const stream = new EventSource("/console/live");
  stream.onmessage = (message) => {
    soon();
    const text = line(JSON.parse(message.data));
    if (!text) return;
    if (happening.querySelector(".soft")) happening.textContent = "";
    const item = document.createElement("li");
    item.className = "new";
    item.textContent = `${new Date().toLocaleTimeString("en-GB", { timeZone: happening.dataset.zone })}  ${text}`;
    happening.prepend(item);
    while (happening.children.length > 20) happening.lastChild.remove();
  };
  stream.addEventListener("missed", soon);
  setInterval(refresh, 30000);
}

// A message's trace: say below the message what the part under the pointer or focus became.
const became = document.getElementById("became");
if (became) {
  const tell = (event) => { if (event.target.tagName === "MARK") became.textContent = event.target.title; };
  document.addEventListener("mouseover", tell);
  document.addEventListener("focusin", tell);
  document.addEventListener("click", tell);
}

// A button that prints the page: the browser's own way, one key less.
for (const button of document.querySelectorAll("[data-print]")) button.addEventListener("click", () => window.print());
// My work: say in one line that something new cannot wait; rows do not move under a pointer.
const news = document.getElementById("news");
if (news) {
  const known = new Set([...document.querySelectorAll("[data-now]")].map((row) => row.dataset.now));
  let waiting = false;
  const look = async () => {
    waiting = false;
    try {
      const answer = await fetch(news.dataset.news);
      if (!answer.ok) return;
      const fresh = (await answer.json()).now.filter((id) => !known.has(id)).length;
      if (!fresh) return;
      const link = document.createElement("a");
      link.href = location.href.replace(/[&?]done=[a-z]*/, "");
      link.textContent = "Show it";
      news.replaceChildren(`${fresh} new to answer now since ${news.dataset.since}. `, link);
      news.hidden = false;
    } catch { /* the gateway is away; the stream reconnects by itself */ }
  };
  const soon = () => { if (!waiting) { waiting = true; setTimeout(look, 500); } };
  const stream = new EventSource("/console/live");
  stream.onmessage = (message) => {
    const event = JSON.parse(message.data);
    if (event.kind === "resources" && event.written.some((path) => path.startsWith("Task/"))) soon();
  };
  stream.addEventListener("missed", soon);
  stream.addEventListener("over", () => {
    stream.close();
    const link = document.createElement("a");
    link.href = "/console/work";
    link.target = "_blank";
    link.textContent = "Log in again";
    news.replaceChildren("You were logged out. What you began is still here: ", link, " in another window, then save it.");
    news.hidden = false;
  });
}
