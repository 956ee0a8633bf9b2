// Small comforts. Every page works without this file.
const $ = (s, el = document) => [...el.querySelectorAll(s)];
document.documentElement.classList.add("has-js");

$("[data-close]").forEach((b) => b.addEventListener("click", () => b.closest(".flash").remove()));
$("[data-print]").forEach((b) => b.addEventListener("click", () => print()));
$("[data-dialog]").forEach((a) => a.addEventListener("click", (e) => {
  const d = document.getElementById(a.dataset.dialog);
  if (d?.showModal) { e.preventDefault(); d.showModal(); }
}));
$("[data-close-dialog]").forEach((b) => b.addEventListener("click", () => b.closest("dialog").close()));
document.querySelector(".errors")?.focus();

// Live filter over the rows already on the page; the form still asks the server for the others.
const plain = (s) => s.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
$("form[data-filter]").forEach((f) => {
  const rows = $("#" + f.dataset.filter + " tbody tr");
  const count = document.getElementById(f.dataset.filter + "-count"), none = document.getElementById(f.dataset.filter + "-none");
  f.addEventListener("input", () => {
    let n = 0;
    for (const r of rows) {
      const same = (box, value) => !box?.value || box.value === value;
      const ok = plain(r.textContent).includes(plain(f.q.value.trim())) && same(f.t, r.dataset.t) && same(f.s, r.dataset.s);
      r.hidden = !ok;
      n += ok;
    }
    if (count) count.textContent = (n === 1 ? f.dataset.one : f.dataset.many).replace("{n}", n);
    if (none) none.hidden = n > 0;
  });
});

// Notes survive a lost network: kept on this phone until the server has said it stored them.
$("form[data-keep]").forEach((f) => {
  // data-keep names what is kept; data-said is what the line [data-kept] then says.
  const key = "palabre:" + f.dataset.keep, said = f.querySelector("[data-kept]");
  try {
    // The server sent data-stored when it holds these notes: the copy here has done its work.
    if (f.hasAttribute("data-stored")) localStorage.removeItem(key);
    const old = JSON.parse(localStorage.getItem(key) || "{}");
    $("textarea", f).forEach((t) => { if (old[t.name]) t.value = old[t.name]; });
    let wait;
    f.addEventListener("input", () => {
      clearTimeout(wait);
      wait = setTimeout(() => {
        localStorage.setItem(key, JSON.stringify(Object.fromEntries($("textarea", f).map((t) => [t.name, t.value]))));
        if (said) said.textContent = f.dataset.said;
      }, 800);
    });
  } catch { /* private mode: the server copy is enough */ }
});
