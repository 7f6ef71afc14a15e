// What the pages cannot do without a script: move. Everything else is plain links and forms.
"use strict";

// One stream for all that a page listens to.
let listened = null;
const stream = () => listened ??= new EventSource("/console/live");
const heard = (event) => { try { return JSON.parse(event.data); } catch { return {}; } };

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
  stream().addEventListener("message", (message) => {
    soon();
    const text = line(heard(message));
    if (!text) return;
    if (happening.querySelector(".soft")) happening.textContent = "";
    const item = document.createElement("li");
    item.className = "new";
    item.textContent = `${new Date().toLocaleTimeString("en-GB", { timeZone: happening.dataset.zone })}  ${text}`;
    happening.prepend(item);
    while (happening.children.length > 20) happening.lastChild.remove();
  });
  stream().addEventListener("missed", soon);
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
  stream().addEventListener("message", (message) => {
    const event = heard(message);
    if (event.kind === "resources" && event.written.some((path) => path.startsWith("Task/"))) soon();
  });
  stream().addEventListener("missed", soon);
  stream().addEventListener("over", () => {
    stream().close();
    const link = document.createElement("a");
    link.href = "/console/work";
    link.target = "_blank";
    link.textContent = "Log in again";
    news.replaceChildren("You were logged out. What you began is still here: ", link, " in another window, then save it.");
    news.hidden = false;
  });
}

// For you: how much is unread, told at once where the page listens anyway, else each minute (a browser keeps few streams open).
const forYou = document.getElementById("for-you");
if (forYou) {
  const [count, words] = [forYou.querySelector("[data-unread]"), forYou.querySelector("[data-words]")];
  const said = document.getElementById("new-for-you");
  let waiting = false;
  const look = async () => {
    waiting = false;
    try {
      const answer = await fetch("/console/unread");
      if (!answer.ok) return;
      const { unread } = await answer.json();
      if (unread === count.textContent) return;
      const grew = parseInt(unread || "0", 10) > parseInt(count.textContent || "0", 10);
      count.textContent = unread;
      count.hidden = !unread;
      words.textContent = unread ? "unread" : "nothing unread";
      if (!said || !grew) return;
      const link = document.createElement("a");
      link.href = "/console/for-you";
      link.textContent = "Show it";
      said.replaceChildren("Somebody told you something. ", link);
      said.hidden = false;
    } catch { /* the gateway is away; it is asked again */ }
  };
  const soon = () => { if (!waiting) { waiting = true; setTimeout(look, 500); } };
  if (numbers || news || said) {
    stream().addEventListener("message", (message) => {
      const event = heard(message);
      if (event.kind === "resources" && event.written.some((path) => path.startsWith("Communication/"))) soon();
    });
    stream().addEventListener("missed", soon);
  }
  setInterval(look, 60000);
}

// Work that goes on by itself: how far it is, until it ended.
const watched = document.querySelector("[data-watch]");
if (watched) {
  const look = async () => {
    try {
      const answer = await fetch(watched.dataset.watch);
      if (answer.ok) watched.innerHTML = await answer.text();
    } catch { /* the gateway is away; it is asked again */ }
    if (!watched.querySelector("[data-ended]")) setTimeout(look, 2000);
  };
  setTimeout(look, 2000);
}

// A map beside a message: tried whenever its writer stops typing, and never sooner than the try before has come back.
const trying = document.getElementById("trying");
if (trying) {
  let pause = null, isAway = false, isChanged = false;
  const look = async () => {
    if (isAway) { isChanged = true; return; }
    [isAway, isChanged] = [true, false];
    try {
      const answer = await fetch(trying.getAttribute("action"), { method: "POST", body: new URLSearchParams(new FormData(trying)) });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const result = page.getElementById("result");
      if (answer.ok && result) document.getElementById("result").replaceChildren(...result.childNodes);
    } catch { /* the gateway is away; the button says so */ }
    isAway = false;
    if (isChanged) look();
  };
  trying.elements.text.addEventListener("input", () => { clearTimeout(pause); pause = setTimeout(look, 1000); });
}
