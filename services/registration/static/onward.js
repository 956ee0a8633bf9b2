// Back from another house: whoever has scripts need not press a second time. Coming back to this page presses nothing.
const form = document.getElementById("onward");
if (performance.getEntriesByType("navigation")[0]?.type === "navigate") form.requestSubmit();
