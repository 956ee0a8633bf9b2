// Counts down to an instant given by the server; data-now cancels the clock error of this device.
for (const box of document.querySelectorAll("[data-ends]")) {
  const skew = Date.parse(box.dataset.now) - Date.now(), ends = Date.parse(box.dataset.ends);
  const text = box.querySelector("[data-left]"), dots = [...box.querySelectorAll(".m")];
  const say = document.querySelector("[data-say]"), told = new Set();
  const tick = () => {
    const left = Math.max(0, Math.ceil((ends - Date.now() - skew) / 1000)), min = Math.ceil(left / 60);
    text.textContent = Math.floor(left / 60) + ":" + String(left % 60).padStart(2, "0");
    dots.forEach((d, i) => d.setAttribute("class", "m " + (i < dots.length - min ? "gone" : i === dots.length - min ? "now" : "")));
    for (const [at, words] of [[300, box.dataset.five], [60, box.dataset.last], [0, box.dataset.over]]) {
      if (left <= at && left > at - 5 && !told.has(at)) { told.add(at); if (say) say.textContent = words; }
    }
    box.querySelector("svg").setAttribute("aria-label", min === 1 ? box.dataset.one : box.dataset.many.replace("{n}", min));
    if (left) setTimeout(tick, 1000 - ((Date.now() + skew) % 1000));
  };
  tick();
}
