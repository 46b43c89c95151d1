"use strict";
// What is shown is decided by `state` alone: a control or a key changes it and calls draw().
const $ = (id) => document.getElementById(id);
const head = JSON.parse($("head").textContent);
const NAMES = ["original", ...head.codecs.map((codec) => codec.title)];
const VIEWS = [["slider", "Slider"], ["flicker", "Flicker"], ["difference", "Difference \u00d74"]];
const ZOOMS = [1, 2, 4];
const state = { picture: 0, rate: 0, left: 1, right: Math.min(2, NAMES.length - 1), view: "slider", zoom: 1, front: "left" };
let cut = 0.5;
let drawing = 0;
const pictures = new Map();

function picture() {
  const n = state.picture;
  if (!pictures.has(n)) pictures.set(n, JSON.parse($(`picture-${n}`).textContent));
  return pictures.get(n);
}
function version(number) {
  if (number === 0) return { uri: picture().uri };
  return picture().rates[state.rate].versions[head.codecs[number - 1].name];
}
function button(text, press, label) {
  const made = Object.assign(document.createElement("button"), { type: "button", textContent: text });
  if (label) made.ariaLabel = label;
  made.onclick = (event) => {
    press();
    if (event.detail) made.blur();  // a mouse or finger: the space bar goes on swapping
    draw();
  };
  return made;
}
function show(values) { Object.assign(state, values); draw(); }
function step(name, by, count) { show({ [name]: (state[name] + by + count) % count }); }
function swap() {
  if (state.view !== "flicker") show({ view: "flicker", front: "left" });
  else show({ front: state.front === "left" ? "right" : "left" });
}

const ratesRow = head.rates.map((bpp, n) => button(`${bpp}`, () => { state.rate = n; }, `${bpp} bits per pixel`));
$("rates").append(...ratesRow, "bpp");
const viewsRow = VIEWS.map(([view, text]) => button(text, () => {
  if (view === "flicker") swap(); else state.view = view;
}));
$("views").append(...viewsRow);
const zoomsRow = ZOOMS.map((zoom) => button(zoom === 1 ? "1:1" : `${zoom}\u00d7`, () => { state.zoom = zoom; }));
$("zooms").append(...zoomsRow);
$("picture").append(...head.pictures.map((title, n) => new Option(title, n)));
$("picture").onchange = () => show({ picture: +$("picture").value });
$("before").onclick = () => step("picture", -1, head.pictures.length);
$("after").onclick = () => step("picture", 1, head.pictures.length);
const rows = NAMES.map((name, n) => {
  const row = document.createElement("tr"), pick = document.createElement("td");
  const title = Object.assign(document.createElement("th"), { scope: "row", textContent: `${n + 1}  ${name}` });
  const sides = ["left", "right"].map((side) => {
    const made = button(side === "left" ? "L" : "R", () => { state[side] = n; state.front = side; }, `${name} on the ${side}`);
    made.className = side;
    return made;
  });
  pick.append(...sides);
  const cells = [0, 1, 2].map(() => document.createElement("td"));
  row.append(pick, title, ...cells);
  $("versions").append(row);
  return { row, sides, cells };
});

function tell() {
  const { width, height, region, rates } = picture();
  const made = rates[state.rate].versions;
  const spent = Object.values(made).map((one) => one.bytes || 0);
  const ours = head.codecs.filter((codec) => codec.ours && made[codec.name].bytes).map((codec) => made[codec.name].bytes);
  const equal = ours.length ? Math.max(...ours) : rates[state.rate].bpp * width * height / 8;
  rows.forEach(({ sides, cells }, n) => {
    const one = version(n);
    sides.forEach((made) => {
      made.ariaPressed = String(state[made.className] === n);
      made.disabled = !one.uri;
    });
    cells.forEach((cell) => { cell.textContent = ""; cell.title = one.problem || ""; });
    if (one.problem) cells[0].textContent = "failed";
    if (!one.bytes) return;
    cells[0].textContent = one.bytes.toLocaleString("en");
    const more = Math.round(100 * (one.bytes / equal - 1));
    if (more) cells[0].append(" ", Object.assign(document.createElement("span"), { className: "more", textContent: `${more > 0 ? "+" : "\u2212"}${Math.abs(more)} %` }));
    cells[1].textContent = one.psnr === null ? "exact" : one.psnr.toFixed(2);
    cells[2].textContent = one.ssimulacra2 === null ? "" : one.ssimulacra2.toFixed(1);
  });
  const [x, y, w, h] = region;
  const part = w === width && h === height ? "all of it" : `${w} \u00d7 ${h} from ${x}, ${y}`;
  const bpp = spent.length ? (8 * Math.max(...spent) / (width * height)).toFixed(3) : "";
  $("where").textContent = `${picture().title}: ${width} \u00d7 ${height}, shown: ${part}. Largest file here: ${bpp} bpp.`;
}
function press(row, values, value) {
  row.forEach((made, n) => { made.ariaPressed = String(values[n] === value); });
}
function caption() {
  for (const side of ["left", "right"]) {
    const n = state[side], one = version(n), out = $(side);
    out.textContent = NAMES[n] + (one.uri ? "" : " (failed)");
    const flicker = state.view === "flicker";
    out.className = !flicker ? "" : state.front === side ? "front" : "back";
  }
}
function size() {
  const [, , w, h] = picture().region, scale = state.zoom / (window.devicePixelRatio || 1);
  $("pixels").style.width = `${w * scale}px`;
  $("pixels").style.height = `${h * scale}px`;
}
function place() {
  const stage = $("stage"), slider = state.view === "slider";
  $("bar").hidden = $("cut").hidden = !slider;
  $("bar").style.left = `${100 * cut}%`;
  $("cut").value = Math.round(1000 * cut);
  let at = slider ? `${stage.scrollLeft + cut * stage.clientWidth}px` : state.front === "left" ? "100%" : "0px";
  if (state.view === "difference") at = "100%";
  $("over").style.clipPath = `inset(0 0 0 ${at})`;
}
async function difference(turn) {
  const canvas = $("difference"), [, , w, h] = picture().region;
  await Promise.all([$("under").decode(), $("over").decode()]).catch(() => {});
  if (turn !== drawing) return;
  canvas.width = w; canvas.height = h;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const [from, to] = ["under", "over"].map((id) => {
    context.drawImage($(id), 0, 0);
    return context.getImageData(0, 0, w, h);
  });
  for (let k = 0; k < to.data.length; k++) if (k % 4 !== 3) to.data[k] = 128 + 4 * (to.data[k] - from.data[k]);
  context.putImageData(to, 0, 0);
  canvas.ariaLabel = `${NAMES[state.right]} less ${NAMES[state.left]}, four times`;
  canvas.hidden = false;
}
function draw() {
  const turn = ++drawing;
  const title = head.pictures[state.picture];
  for (const [id, side] of [["under", "left"], ["over", "right"]]) {
    const uri = version(state[side]).uri || "", image = $(id);
    if (image.getAttribute("src") !== uri) image.src = uri;
    image.hidden = !uri;
    image.alt = `${title}, ${NAMES[state[side]]}, ${head.rates[state.rate]} bits per pixel`;
  }
  $("picture").value = state.picture;
  press(ratesRow, head.rates.map((_, n) => n), state.rate);
  press(viewsRow, VIEWS.map(([view]) => view), state.view);
  press(zoomsRow, ZOOMS, state.zoom);
  caption(); size(); place(); tell();
  $("difference").hidden = true;
  if (state.view === "difference" && version(state.left).uri && version(state.right).uri) difference(turn);
  keep();
}
// The address names what is shown, so that it can be written down and opened again.
function keep() {
  const said = new URLSearchParams({
    picture: head.pictures[state.picture], bpp: head.rates[state.rate], left: state.left + 1, right: state.right + 1,
    view: state.view, zoom: state.zoom,
  });
  try { history.replaceState(null, "", `#${said}`); } catch { /* some browsers do not let files do this */ }
}
function restore() {
  const said = new URLSearchParams(location.hash.slice(1));
  const found = {
    picture: head.pictures.indexOf(said.get("picture")), rate: head.rates.indexOf(+said.get("bpp")),
    left: said.get("left") - 1, right: said.get("right") - 1,
  };
  const counts = { picture: head.pictures.length, rate: head.rates.length, left: NAMES.length, right: NAMES.length };
  for (const [name, n] of Object.entries(found)) if (Number.isInteger(n) && n >= 0 && n < counts[name]) state[name] = n;
  if (VIEWS.some(([view]) => view === said.get("view"))) state.view = said.get("view");
  if (ZOOMS.includes(+said.get("zoom"))) state.zoom = +said.get("zoom");
}

$("cut").oninput = () => { cut = $("cut").value / 1000; place(); };
$("stage").onscroll = place;
function point(event) {
  if (state.view !== "slider") return;
  const box = $("stage").getBoundingClientRect();
  cut = Math.min(1, Math.max(0, (event.clientX - box.left) / $("stage").clientWidth));
  place();
}
$("stage").onpointermove = (event) => { if (event.pointerType !== "touch") point(event); };
$("stage").onclick = (event) => { if (state.view === "flicker") swap(); else point(event); };
addEventListener("resize", () => { size(); place(); });
addEventListener("hashchange", () => { restore(); draw(); });
// A list that was opened with the mouse gives the keys back.
let pointed = false;
addEventListener("pointerdown", () => { pointed = true; }, true);
$("picture").addEventListener("change", () => { if (pointed) $("picture").blur(); });
addEventListener("keydown", (event) => {
  pointed = false;
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  const tag = event.target.tagName, own = event.key === " " || event.key.startsWith("Arrow");
  if (tag === "SELECT" || (own && /^(INPUT|BUTTON|SUMMARY)$/.test(tag))) return;
  const digit = /^(?:Digit|Numpad)([1-9])$/.exec(event.code);
  if (digit) {
    const n = digit[1] - 1, side = event.shiftKey ? "right" : "left";
    if (n < NAMES.length && version(n).uri) show({ [side]: n, front: side });
    return;
  }
  const keys = {
    " ": swap,
    s: () => show({ view: "slider" }),
    d: () => show({ view: state.view === "difference" ? "slider" : "difference" }),
    z: () => show({ zoom: ZOOMS[(ZOOMS.indexOf(state.zoom) + 1) % ZOOMS.length] }),
    ArrowLeft: () => step("picture", -1, head.pictures.length),
    ArrowRight: () => step("picture", 1, head.pictures.length),
    ArrowUp: () => step("rate", 1, head.rates.length),
    ArrowDown: () => step("rate", -1, head.rates.length),
  };
  const act = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!act) return;
  event.preventDefault();
  act();
});
restore();
draw();
