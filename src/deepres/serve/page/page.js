// The page: one picture, one or two networks, their answers and their insides.
const ORANGE = [217, 95, 2], BLUE = [31, 97, 176];
const dark = matchMedia("(prefers-color-scheme: dark)");
const find = (selector, within = document) => within.querySelector(selector);
const problem = find("#problem"), said = find("#said");
let picture = null;

function element(name, text = "", attributes = {}) {
  const made = document.createElement(name);
  made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

async function asked(path, name, signal) {
  const kind = picture.type.startsWith("image/") ? picture.type : "application/octet-stream";
  const address = `${path}?network=${encodeURIComponent(name)}`;
  let answer;
  try {
    answer = await fetch(address, {
      method: "POST", body: picture, headers: { "Content-Type": kind }, signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("The server does not answer: is it still running?");
  }
  const content = await answer.json();
  if (!answer.ok) throw new Error(content.error);
  return content;
}

const percent = (chance) => `${(100 * chance).toFixed(1)} %`;

// Values from -1 to 1 as pixels; what is near zero shows the ground, or what lies beneath.
function painted(canvas, values, height, width, beneath) {
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d"), image = context.createImageData(width, height);
  const ground = dark.matches ? [24, 26, 30] : [255, 255, 255];
  values.forEach((value, n) => {
    const colour = value > 0 ? ORANGE : BLUE, much = Math.min(1, Math.abs(value));
    const shown = beneath ? colour : colour.map((c, k) => ground[k] + (c - ground[k]) * Math.sqrt(much));
    image.data.set([...shown, beneath ? 200 * much : 255], 4 * n);
  });
  context.putImageData(image, 0, 0);
}

const decoded = (text) =>
  Array.from(atob(text), (letter) => (letter.charCodeAt(0) << 24 >> 24) / 127);

class Panel {
  constructor(networks, chosen, optional) {
    this.networks = networks;
    this.root = find("#panel").content.cloneNode(true).firstElementChild;
    this.select = find(".networks", this.root);
    if (optional) this.select.append(element("option", "none", { value: "" }));
    for (const { name } of networks) this.select.append(element("option", name, { value: name }));
    this.select.value = chosen;
    this.select.setAttribute("aria-label", optional ? "Second network" : "Network");
    this.select.addEventListener("change", () => {
      problem.textContent = said.textContent = "";
      this.show();
    });
    find(".over", this.root).addEventListener("change", () => this.paintEvidence());
    find(".block", this.root).addEventListener("input", () => this.paintBlock());
    dark.addEventListener("change", () => this.look && this.paintBlock());
    find("#panels").append(this.root);
  }

  async show() {
    this.asking?.abort();
    this.asking = new AbortController();
    const { signal } = this.asking, network = this.networks.find((n) => n.name === this.select.value);
    if (!picture || !network) return this.hide();
    this.root.setAttribute("aria-busy", "true");
    try {
      const { predictions } = await asked("/predict", network.name, signal);
      this.bars(predictions[0].classes, network);
      if (network.inside) this.opened(await asked("/look", network.name, signal));
    } catch (error) {
      if (error.name === "AbortError") return;
      this.hide();
      problem.textContent = error.message;
    }
    this.root.removeAttribute("aria-busy");
  }

  hide() {
    find(".answer", this.root).hidden = true;
    find(".empty", this.root).hidden = false;
  }

  bars(classes, network) {
    find(".answer", this.root).hidden = false;
    find(".empty", this.root).hidden = true;
    find(".inside", this.root).hidden = true;
    find(".closed", this.root).hidden = network.inside;
    find(".engine", this.root).textContent =
      `${network.network}, ${network.size} x ${network.size} pixels; ${network.engine}`;
    find(".bars", this.root).replaceChildren(...classes.map(({ name, probability }, n) => {
      const button = element("button", "", { type: "button", "aria-pressed": n === 0 });
      const fill = element("i", "", { "aria-hidden": "true" });
      fill.style.width = percent(probability).replace(" ", "");
      button.append(fill, element("span", name), element("span", percent(probability)));
      button.addEventListener("click", () => this.choose(n));
      const item = element("li");
      item.append(button);
      return item;
    }));
    said.textContent += ` ${network.name}: ${classes[0].name}, ${percent(classes[0].probability)}.`;
  }

  choose(number) {
    this.chosen = number;
    this.root.querySelectorAll(".bars button").forEach((button, n) =>
      button.setAttribute("aria-pressed", n === number));
    if (this.look) this.paintEvidence();
  }

  opened(look) {
    this.look = look;
    find(".inside", this.root).hidden = false;
    const image = find(".seen img", this.root);
    image.src = look.picture;
    image.alt = "The picture as the network takes it";
    find(".stages", this.root).replaceChildren(...look.stages.map(({ name }, n) => {
      const button = element("button", name.replace("stage", "Stage "), { type: "button" });
      button.addEventListener("click", () => this.enter(n));
      return button;
    }));
    this.choose(0);
    this.enter(Math.min(this.stage ?? look.stages.length - 1, look.stages.length - 1));
  }

  paintEvidence() {
    const { name, map } = this.look.evidence[this.chosen], canvas = find(".seen canvas", this.root);
    const largest = Math.max(...this.look.evidence.flatMap((e) => e.map.flat().map(Math.abs)), 1e-9);
    painted(canvas, map.flat().map((v) => v / largest), map.length, map[0].length, true);
    canvas.hidden = !find(".over", this.root).checked;
    const rows = map.map((row) => Math.max(...row)), top = rows.indexOf(Math.max(...rows));
    const left = map[top].indexOf(rows[top]);
    const part = (n, all, words) => words[Math.floor((3 * n) / all)];
    const place = [part(top, map.length, ["top", "", "bottom"]),
      part(left, map[0].length, ["left", "", "right"])].filter(Boolean).join(" ") || "centre";
    canvas.setAttribute("aria-label", `Evidence for ${name}: most at the ${place}`);
    find(".class", this.root).textContent =
      `Orange speaks for ${name}, blue against it; most speaks for it at the ${place}.`;
  }

  enter(number) {
    this.stage = number;
    this.root.querySelectorAll(".stages button").forEach((button, n) =>
      button.setAttribute("aria-pressed", n === number));
    const range = find(".block", this.root);
    range.max = this.look.stages[number].blocks.length - 1;
    range.value = range.max;
    range.disabled = range.max === "0";
    this.paintBlock();
  }

  paintBlock() {
    const stage = this.look.stages[this.stage], range = find(".block", this.root);
    const block = stage.blocks[range.value], number = Number(block.name.split(".")[1]) + 1;
    const told = `Block ${number} of ${stage.of}, ${block.height} x ${block.width}`;
    find(".which", this.root).textContent = told;
    range.setAttribute("aria-valuetext", told);
    const parts = [["f", "F(x)"], ["x", "x"], ["sum", "sum"]];
    const table = element("table"), head = element("tr");
    head.append(element("th", "", { scope: "col" }), ...parts.map(([key, name]) => {
      const there = key in block.deviation, cell = element("th", name, { scope: "col" });
      cell.append(element("small", there ? `± ${block.deviation[key].toFixed(2)}` : "no shortcut"));
      return cell;
    }));
    table.append(head, ...block.rows.map((row) => this.row(row, block, parts)));
    find(".walk", this.root).replaceChildren(table);
  }

  row(row, block, parts) {
    const called = row.channel === null ? "Mean" : `Channel ${row.channel}`, line = element("tr");
    line.append(element("th", called, { scope: "row" }), ...parts.map(([key, name]) => {
      const cell = element("td");
      if (!row[key]) return cell;
      const canvas = element("canvas", "", { role: "img", "aria-label": `${name}, ${called}` });
      painted(canvas, decoded(row[key]), block.height, block.width, false);
      cell.append(canvas);
      return cell;
    }));
    return line;
  }
}

const { networks } = await (await fetch("/readyz")).json();
const panels = [new Panel(networks, networks[0].name, false)];
if (networks.length > 1) panels.push(new Panel(networks, networks[1].name, true));

function given(file) {
  if (!file) return;
  picture = file;
  problem.textContent = said.textContent = "";
  panels.forEach((panel) => panel.show());
}

const drop = document.body, zone = find("#drop");
find("#file").addEventListener("change", ({ target }) => given(target.files[0]));
drop.addEventListener("dragover", (event) => { event.preventDefault(); zone.classList.add("over"); });
drop.addEventListener("dragleave", () => zone.classList.remove("over"));
drop.addEventListener("drop", (event) => {
  event.preventDefault();
  zone.classList.remove("over");
  given(event.dataTransfer.files[0]);
});
addEventListener("paste", (event) => given(event.clipboardData.files[0]));
for (const button of document.querySelectorAll("#examples button")) {
  button.addEventListener("click", async () => given(await (await fetch(button.dataset.picture)).blob()));
}
document.documentElement.dataset.ready = "yes";
