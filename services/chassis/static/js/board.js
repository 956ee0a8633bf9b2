// Drag a person by the handle, or use the “move to…” dialog: both send the form of the page to the server, which
// draws the board anew. Nothing here is needed: each “⋯” is a link to a page that does the same.
// <div id="board" data-moved="…"> <article class="group" data-group="3"> <li class="person" data-person="id" data-name="…">
// <dialog id="move"> <form method="post"> <h2 data-title="Move {name}"> <input name="person"> <select name="to">
const board = document.getElementById("board"), box = document.getElementById("move"), form = box?.querySelector("form");
let held = null, over = null, opener = null;

function choose(person) {
  form.elements.person.value = person.dataset.person;
  const title = box.querySelector("[data-title]");
  title.textContent = title.dataset.title.replace("{name}", person.dataset.name);
}
function send(person, group) {
  if (!group || person.closest(".group") === group) return;
  choose(person);
  form.elements.to.value = group.dataset.group;
  if (form.elements.to.value === group.dataset.group) form.requestSubmit(form.querySelector("button:not([name])"));
}
if (board && form) {
  board.addEventListener("pointerdown", (e) => {
    const grip = e.target.closest(".grip");
    if (!grip) return;
    held = grip.closest(".person");
    grip.setPointerCapture(e.pointerId);
  });
  board.addEventListener("pointermove", (e) => {
    if (!held) return;
    const g = document.elementFromPoint(e.clientX, e.clientY)?.closest(".group");
    if (g !== over) { over?.classList.remove("over-drop"); g?.classList.add("over-drop"); over = g; }
  });
  for (const type of ["pointerup", "pointercancel"]) board.addEventListener(type, (e) => {
    if (held && type === "pointerup") send(held, over);
    over?.classList.remove("over-drop");
    held = over = null;
  });
  board.addEventListener("click", (e) => {
    opener = e.target.closest(".more");
    if (opener) choose(opener.closest(".person"));
  });
  box.addEventListener("close", () => opener?.focus());
}
