// A tip beside the point of a chart that the pointer is nearest to.
const tip = document.getElementById("tip");
for (const svg of document.querySelectorAll("svg.chart")) {
  const dots = [...svg.querySelectorAll("circle")];
  const show = (event) => {
    const box = svg.getBoundingClientRect(), k = svg.viewBox.baseVal.width / box.width;
    const x = (event.clientX - box.left) * k, y = (event.clientY - box.top) * k;
    let best = null, least = 24 * Math.max(1, k);
    for (const dot of dots) {
      const d = Math.hypot(dot.cx.baseVal.value - x, dot.cy.baseVal.value - y);
      if (d < least) { least = d; best = dot; }
    }
    tip.style.display = best ? "block" : "none";
    if (!best) return;
    tip.textContent = best.querySelector("title").textContent;
    tip.style.left = Math.max(4, Math.min(event.clientX + 12, innerWidth - tip.offsetWidth - 4)) + "px";
    tip.style.top = Math.max(4, event.clientY - 36) + "px";
  };
  svg.addEventListener("pointermove", show);
  svg.addEventListener("pointerdown", show);
  svg.addEventListener("pointerleave", () => { tip.style.display = "none"; });
}
