// Keeps the welcome desk's page, and what it is dressed in, for when the network is gone. Nothing else is kept.
const KEPT = "palabre-desk-1", DAY_MS = 24 * 3600 * 1000, HOUR = "x-palabre-kept-at";
const isDesk = (url) => /^\/o\/[^/]+\/accueil$/.test(url.pathname);
const isDress = (url) => url.pathname.startsWith("/static/") || url.pathname.startsWith("/api/registration/static/");

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

async function keep(address, answer) {
  const headers = new Headers(answer.headers);
  headers.set(HOUR, String(Date.now()));
  const copy = new Response(await answer.blob(), { status: answer.status, headers });
  await (await caches.open(KEPT)).put(address, copy);
}

async function kept(address) {
  const cache = await caches.open(KEPT);
  const found = await cache.match(address, { ignoreVary: true });
  if (found && Date.now() - Number(found.headers.get(HOUR)) < DAY_MS) return found;
  await cache.delete(address, { ignoreVary: true });
  return undefined;
}

// The page as it is now; the kept one only when no answer comes.
async function page(request, url) {
  try {
    const answer = await fetch(request);
    if (answer.ok && !answer.redirected && !url.search) await keep(url.pathname, answer.clone());
    if (answer.status === 401 || answer.status === 403) await (await caches.open(KEPT)).delete(url.pathname, { ignoreVary: true });
    return answer;
  } catch (gone) {
    const found = await kept(url.pathname);
    if (found) return found;
    throw gone;
  }
}

// Its address carries the hash of what it holds, so the kept one is as good as new.
async function dress(request, url) {
  const address = url.pathname + url.search, found = await kept(address);
  if (found) return found;
  const answer = await fetch(request);
  if (answer.ok) await keep(address, answer.clone());
  return answer;
}

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== self.location.origin) return;
  if (isDesk(url) && event.request.mode === "navigate") event.respondWith(page(event.request, url));
  else if (isDress(url)) event.respondWith(dress(event.request, url));
});

// The page that installs this worker came before it: the worker fetches it, and its dress, once more.
self.addEventListener("message", (event) => {
  const all = event.data?.keep ?? [];
  event.waitUntil(Promise.allSettled(all.map(async (address) => {
    const answer = await fetch(address, { credentials: "same-origin" });
    if (answer.ok && !answer.redirected) await keep(address, answer);
  })).then(() => event.source?.postMessage({ kept: all.length })));
});
