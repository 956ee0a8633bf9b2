// Passkeys: the browser makes one or finds one, and a form of the page sends it. Without this file the letter opens the door.
const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (sign) => sign.charCodeAt(0));
const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
const forms = [...document.querySelectorAll("form[data-passkey]")];
// A challenge holds for five minutes; a page that stays open asks for another before that.
const AGAIN_MS = 4 * 60 * 1000;

function read(options) {
  const read = { ...options, challenge: bytes(options.challenge) };
  if (options.user) read.user = { ...options.user, id: bytes(options.user.id) };
  for (const list of ["excludeCredentials", "allowCredentials"]) {
    if (options[list]) read[list] = options[list].map((one) => ({ ...one, id: bytes(one.id) }));
  }
  return read;
}

function written(found) {
  const response = {};
  for (const part of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (found.response[part]) response[part] = text(found.response[part]);
  }
  if (found.response.getTransports) response.transports = found.response.getTransports();
  return JSON.stringify({ id: found.id, rawId: text(found.rawId), type: found.type, response,
    clientExtensionResults: found.getClientExtensionResults(), authenticatorAttachment: found.authenticatorAttachment });
}

async function asked(form) {
  const answer = await fetch(form.dataset.options, {
    method: "POST", credentials: "same-origin", headers: { Accept: "application/json" },
    body: new URLSearchParams({ csrf_token: form.csrf_token.value }),
  });
  if (answer.ok) return read(await answer.json());
  const told = await answer.json().catch(() => ({}));
  throw Object.assign(new Error("refused"), { said: told.detail });
}

function say(form, sentence) {
  const line = form.querySelector("[data-said]");
  line.textContent = sentence || "";
  line.hidden = !sentence;
}

function why(form, error) {
  const words = form.dataset;
  if (error.said) return error.said;
  if (error.name === "InvalidStateError") return words.known;
  if (error.name === "SecurityError") return words.elsewhere;
  if (error instanceof TypeError) return words.away;
  return words.none;
}

let waiting = null;

function send(form, found) {
  form.credential.value = written(found);
  form.submit();
}

async function press(form) {
  waiting?.abort();
  const button = form.querySelector("button");
  say(form, "");
  button.disabled = true;
  try {
    const publicKey = await asked(form);
    const make = form.dataset.passkey === "add";
    send(form, await (make ? navigator.credentials.create({ publicKey }) : navigator.credentials.get({ publicKey })));
  } catch (error) {
    say(form, why(form, error));
    button.disabled = false;
    button.focus();
  }
}

// The browser offers its passkeys in the list below the address, where it can.
async function offer(form) {
  if (!(await PublicKeyCredential.isConditionalMediationAvailable?.())) return;
  waiting = new AbortController();
  const again = setTimeout(() => { waiting.abort(); offer(form); }, AGAIN_MS);
  try {
    const publicKey = await asked(form);
    send(form, await navigator.credentials.get({ publicKey, mediation: "conditional", signal: waiting.signal }));
  } catch {
    // Nobody asked for it, so nothing is said; the button says what is wrong.
  } finally {
    clearTimeout(again);
  }
}

for (const form of forms) {
  if (!window.PublicKeyCredential) {
    form.replaceWith(Object.assign(document.createElement("p"), { className: "note", textContent: form.dataset.unable }));
    continue;
  }
  form.addEventListener("submit", (event) => { event.preventDefault(); press(form); });
  if (form.dataset.passkey === "use") offer(form);
}
