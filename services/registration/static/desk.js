// The welcome desk goes on when the network does not: what is noted waits on this device and is sent once.
const $ = (s, el = document) => [...el.querySelectorAll(s)];
const desk = document.querySelector("[data-desk]"), words = desk.dataset;
const KEY = "palabre:desk:" + words.desk, AGAIN_MS = 5000;

// As the server folds names: no case, no accents, no signs of inclusive writing.
const fold = (text) => text.normalize("NFKD").replace(/[·⸱•‧∙]|\((?=\p{L}{1,5}\))|(?<=\p{L})\)/gu, "").replace(/\p{M}/gu, "")
  .toLowerCase().replace(/œ/g, "oe").replace(/æ/g, "ae").replace(/ø/g, "o").replace(/ł/g, "l").replace(/đ/g, "d")
  .replace(/ß/g, "ss").replace(/[^\p{L}\p{N}_]+/gu, " ").trim();

// One entry each: {once, to, name, who, fields, refused}. It leaves the queue when the server has answered.
let queue = [];
try { queue = JSON.parse(localStorage.getItem(KEY) || "[]"); } catch { /* private mode: the queue lives with the page */ }
const save = () => { try { localStorage.setItem(KEY, JSON.stringify(queue)); } catch { /* as above */ } };

const state = document.getElementById("desk-state"), list = document.getElementById("desk-queue"), here = document.getElementById("here");
let unreachable = false, locked = false;

function show() {
  const waits = queue.filter((one) => !one.refused).length;
  state.hidden = !(unreachable || waits || locked);
  state.textContent = locked ? words.locked : unreachable
    ? (waits === 1 ? words.oneWaits : words.manyWait.replace("{n}", waits)) : words.sending;
  list.replaceChildren(...queue.map((one) => {
    const line = document.createElement("li");
    line.textContent = one.name + " – " + (one.refused || words.waits);
    if (one.refused) {
      const aside = document.createElement("button");
      aside.type = "button";
      aside.className = "btn mini quiet";
      aside.textContent = words.aside;
      aside.addEventListener("click", () => { queue = queue.filter((other) => other !== one); save(); show(); });
      line.append(" ", aside);
    }
    return line;
  }));
  list.hidden = !queue.length;
  queue.filter((one) => !one.refused).forEach(arrived);
}

// Somebody noted here stands among those who are here, whether the server knows it yet or not.
function arrived(one) {
  const row = one.who && $("[data-arrival]").find((form) => form.dataset.arrival === one.who)?.closest("li");
  if (row) { row.querySelector("form").remove(); row.querySelector(".state")?.remove(); here.prepend(row); }
  else if (!one.who && !one.shown) {
    const line = document.createElement("li");
    line.textContent = one.name;
    here.prepend(line);
    one.shown = true;
  }
  document.getElementById("here-title").hidden = !here.children.length;
}

async function refusal(answer) {
  const text = await answer.text();
  if (answer.headers.get("content-type")?.includes("json")) return JSON.parse(text).detail;
  const read = new DOMParser().parseFromString(text, "text/html");
  return $(".errors li, .err", read).map((line) => line.textContent.trim()).join(" ") || words.refused;
}

let sending = false;
async function send() {
  if (sending) return;
  sending = true;
  let taken = false;
  for (let one; (one = queue.find((entry) => !entry.refused));) {
    try {
      const answer = await fetch(one.to, {
        method: "POST", body: new URLSearchParams(one.fields), headers: { Accept: "application/json" },
        redirect: "manual", credentials: "same-origin",
      });
      unreachable = answer.status >= 500;
      locked = answer.status === 401;
      if (unreachable || locked) break;
      if (answer.ok || answer.type === "opaqueredirect") { queue = queue.filter((entry) => entry !== one); taken = true; }
      else one.refused = await refusal(answer);
    } catch { unreachable = true; break; }
    save();
    show();
  }
  sending = false;
  show();
  if (unreachable) setTimeout(send, AGAIN_MS);
  else if (taken) look();
}
addEventListener("online", send);

// As the server has it now: who was only a name on this device has a badge and a group there.
async function look() {
  try {
    const answer = await fetch(location.pathname, { headers: { Accept: "text/html" } });
    if (!answer.ok) return;
    const rows = $("#here > li", new DOMParser().parseFromString(await answer.text(), "text/html"));
    if (sending) return;
    const known = new Set($("[data-here]", here).map((row) => row.dataset.here));
    $("li:not([data-here])", here).forEach((row) => row.remove());
    here.prepend(...rows.filter((row) => !known.has(row.dataset.here)));
    queue.forEach((one) => { one.shown = false; });
    show();
    seat(AGAIN_S);
  } catch { /* it stays as it is */ }
}

// The groups of those who are here. Whoever has just come is seated a moment later, so it is asked again, `waits` long.
const AT_ONCE = 50, AGAIN_S = [1, 2, 4, 8];
async function seat(waits) {
  const rows = new Map($("[data-here]:not([data-seated])").map((row) => [row.dataset.here, row]));
  const who = [...rows.keys()];
  try {
    for (let from = 0; from < who.length; from += AT_ONCE) {
      const asked = new URLSearchParams([["limit", "500"], ...who.slice(from, from + AT_ONCE).map((one) => ["participant_id", one])]);
      const answer = await fetch(words.seats + "?" + asked, { headers: { Accept: "application/json" } });
      if (!answer.ok) return;
      const told = new Map();
      for (const one of (await answer.json()).items) {
        const said = words.seat.replace("{round}", one.round_name).replace("{number}", one.group_number);
        told.set(one.participant_id, [...(told.get(one.participant_id) || []), said]);
      }
      // Set whole: two questions may be under way at once, and each is answered.
      for (const [one, said] of told) {
        const row = rows.get(one);
        row.dataset.seated = "yes";
        row.querySelector("[data-seat]").textContent = said.join(" · ");
      }
    }
  } catch { return; }
  const open = who.some((one) => !rows.get(one).dataset.seated);
  if (open && waits.length) setTimeout(seat, waits[0] * 1000, waits.slice(1));
}

const note = (form, name, who) => {
  const fields = Object.fromEntries(new FormData(form));
  if (queue.some((one) => one.once === fields.once)) return;
  queue.push({ once: fields.once, to: form.action, name, who, fields });
  save();
  show();
  send();
};

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.arrival) {
    event.preventDefault();
    note(form, form.dataset.name, form.dataset.arrival);
  } else if (form.dataset.walkIn !== undefined && form.given.value.trim()) {
    event.preventDefault();
    // The kept page carries the key it was kept with: each arrival has one of its own.
    form.once.value = crypto.randomUUID();
    note(form, (form.given.value + " " + form.family.value).trim(), "");
    form.reset();
    form.given.focus();
  }
});

const box = document.getElementById("q");
box?.addEventListener("input", () => {
  const parts = fold(box.value).split(" ").filter(Boolean);
  $("[data-search]").forEach((row) => { row.hidden = !parts.every((part) => row.dataset.search.includes(part)); });
});

// Codes: BarcodeDetector where the browser has one, else a decoder that is fetched when the camera is first used.
const video = document.getElementById("scan-video"), said = document.getElementById("scan-said"), start = document.getElementById("scan");
async function reader() {
  if ("BarcodeDetector" in globalThis && (await BarcodeDetector.getSupportedFormats()).includes("qr_code")) {
    const detector = new BarcodeDetector({ formats: ["qr_code"] });
    return async () => (await detector.detect(video))[0]?.rawValue;
  }
  if (!globalThis.jsQR) {
    await new Promise((done, failed) => {
      const script = Object.assign(document.createElement("script"), { src: words.decoder, onload: done, onerror: failed });
      document.head.append(script);
    });
  }
  const canvas = document.createElement("canvas"), paper = canvas.getContext("2d", { willReadFrequently: true });
  return async () => {
    [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
    if (!canvas.width) return undefined;
    paper.drawImage(video, 0, 0);
    const picture = paper.getImageData(0, 0, canvas.width, canvas.height);
    return globalThis.jsQR(picture.data, picture.width, picture.height)?.data;
  };
}

let last = "", lastAt = 0;
function read(code) {
  // A code stays before the camera for a while: it is taken once in three seconds.
  if (code === last && Date.now() - lastAt < 3000) return;
  [last, lastAt] = [code, Date.now()];
  const hex = /^PALABRE:([0-9A-F]{32})$/.exec(code)?.[1].toLowerCase();
  const who = hex?.replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, "$1-$2-$3-$4-$5");
  const form = who && $("[data-arrival]").find((one) => one.dataset.arrival === who);
  if (form) { said.textContent = words.arrived.replace("{name}", form.dataset.name); form.requestSubmit(); return; }
  const there = who && $("[data-here]").find((row) => row.dataset.here === who);
  said.textContent = there ? words.already.replace("{name}", there.dataset.name) : who ? words.unknown : words.foreign;
}

start?.addEventListener("click", async () => {
  try {
    const camera = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
    video.srcObject = camera;
    video.hidden = false;
    start.hidden = true;
    await video.play();
    const look = await reader();
    said.textContent = words.ready;
    const tick = async () => { const code = await look(); if (code) read(code); setTimeout(tick, 200); };
    tick();
  } catch { said.textContent = words.noCamera; }
});

if ("serviceWorker" in navigator) {
  navigator.serviceWorker.addEventListener("message", (event) => { if (event.data?.kept) desk.dataset.kept = "yes"; });
  navigator.serviceWorker.register(words.worker, { scope: "/o/" }).then(() => navigator.serviceWorker.ready).then((registration) => {
    const dress = $("link[rel=stylesheet], script[src]").map((one) => one.href || one.src).filter(Boolean);
    const all = [location.pathname, ...dress.map((one) => { const url = new URL(one); return url.pathname + url.search; })];
    registration.active.postMessage({ keep: [...all, words.decoder] });
  }).catch(() => { /* without it the queue still works, as long as the page stays open */ });
}
show();
send();
seat([]);
