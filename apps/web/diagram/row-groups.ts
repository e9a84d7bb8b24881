/**
 * Makes rows of a Mermaid picture addressable: the texts and the line of each message move into one
 * group with a hit area as wide as the picture, so that the n-th row can be clicked and marked.
 * Mermaid's own colours go; the page's style sheet draws in its tokens, so a change of theme redraws nothing.
 */
import type { Row } from "@vitrine/runtime/trace";
import { type Columns, columnX, pictureWidth, sideMargin } from "./picture.ts";

const svgNamespace = "http://www.w3.org/2000/svg";

function make(name: string, attributes: Readonly<Record<string, string | number>>): SVGElement {
  const element = document.createElementNS(svgNamespace, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  return element;
}

/** Cuts the line of titles off: the page draws them as a header that stays in view. */
function cropToMessages(svg: SVGSVGElement): void {
  const box = svg.viewBox.baseVal;
  const bottom = box.y + box.height;
  const first = svg.querySelector(".actor-line");
  const top = Math.max(box.y, Number(first?.getAttribute("y1") ?? 0));
  // Mermaid draws lifelines longer than the picture and relies on clipping.
  for (const line of svg.querySelectorAll(".actor-line")) line.setAttribute("y2", String(bottom));
  svg.setAttribute("viewBox", `${box.x} ${top} ${box.width} ${bottom - top}`);
  svg.setAttribute("width", String(box.width));
  svg.setAttribute("height", String(bottom - top));
  svg.style.removeProperty("max-width");
}

interface RowParts {
  readonly texts: Element[];
  readonly line: Element;
}

function partsOf(svg: SVGSVGElement): RowParts[] {
  const parts: RowParts[] = [];
  let texts: Element[] = [];
  for (const element of svg.querySelectorAll('.messageText, [data-et="message"]')) {
    if (element.classList.contains("messageText")) texts.push(element);
    else {
      parts.push({ texts, line: element });
      texts = [];
    }
  }
  return parts;
}

/**
 * A word that cannot be wrapped makes Mermaid push columns a few pixels apart; they are moved back, and
 * everything between them in proportion, because all pictures stand under one row of titles.
 */
function straightenColumns(svg: SVGSVGElement, columns: Columns): void {
  const lines = [...svg.querySelectorAll(".actor-line")];
  const now = lines.map((line) => Number(line.getAttribute("x1"))).sort((a, b) => a - b);
  const wanted = now.map((_, index) => columnX(columns, index) - sideMargin);
  if (now.every((x, index) => Math.abs(x - (wanted[index] ?? x)) < 0.5)) return;
  const move = (x: number): number => {
    const after = now.findIndex((column) => column >= x);
    const right = after < 0 ? now.length - 1 : Math.max(1, after);
    const from = now[right - 1] ?? 0;
    const to = now[right] ?? from + 1;
    const wantedFrom = wanted[right - 1] ?? from;
    const wantedTo = wanted[right] ?? to;
    return wantedFrom + ((x - from) / (to - from)) * (wantedTo - wantedFrom);
  };
  for (const element of svg.querySelectorAll("line, text, tspan, rect")) {
    for (const name of ["x", "x1", "x2"]) {
      const value = element.getAttribute(name);
      if (value !== null) element.setAttribute(name, String(move(Number(value))));
    }
  }
  for (const path of svg.querySelectorAll('path[data-et="message"]')) {
    const d = path.getAttribute("d") ?? "";
    path.setAttribute(
      "d",
      d.replace(/^M\s*(-?[\d.]+)/, (_, x: string) => `M ${move(Number(x))}`),
    );
  }
  svg.viewBox.baseVal.width = pictureWidth(columns, now.length);
}

const loopWidth = 20;
const loopHeight = 14;

/** Mermaid puts the label of a self-arrow on the lifeline; here it stands to the right of a small loop. */
function straighten(part: RowParts): void {
  const start = /^M\s*(-?[\d.]+)\s*,\s*(-?[\d.]+)/.exec(part.line.getAttribute("d") ?? "");
  if (!start) return;
  const x = Number(start[1]);
  const y = Number(start[2]);
  part.line.setAttribute("d", `M ${x},${y} h ${loopWidth} v ${loopHeight} h -${loopWidth}`);
  for (const text of part.texts) {
    text.setAttribute("x", String(x + loopWidth + 7));
    text.setAttribute("y", String(y + loopHeight / 2));
    (text as SVGElement).style.textAnchor = "start";
    text.removeAttribute("dy");
    text.setAttribute("dominant-baseline", "central");
    text.setAttribute("alignment-baseline", "central");
  }
}

/** Where a row ends: just below its line. */
function bottomOf(part: RowParts): number {
  const { line } = part;
  if (line.tagName === "line") return Number(line.getAttribute("y1")) + 6;
  const start = /,\s*(-?[\d.]+)/.exec(line.getAttribute("d") ?? "");
  return Number(start?.[1] ?? 0) + loopHeight + 6;
}

/** Turns Mermaid's SVG text into an element whose rows carry data-key and state classes. */
export function groupRows(
  svgText: string,
  rows: readonly Row[],
  columns: Columns,
): SVGSVGElement | undefined {
  const holder = document.createElement("div");
  holder.innerHTML = svgText;
  const svg = holder.querySelector("svg");
  if (!svg) return undefined;
  for (const style of svg.querySelectorAll("style")) style.remove();
  for (const actor of svg.querySelectorAll('[data-et="participant"], .actor-top, .actor-bottom')) {
    actor.remove();
  }
  const parts = partsOf(svg);
  if (parts.length !== rows.length) return undefined;
  straightenColumns(svg, columns);
  const box = svg.viewBox.baseVal;
  let top = Number(svg.querySelector(".actor-line")?.getAttribute("y1") ?? 0);
  for (const [index, part] of parts.entries()) {
    const row = rows[index] as Row;
    if (part.line.tagName === "path") straighten(part);
    const bottom = Math.max(top, bottomOf(part));
    const group = make("g", { "data-key": row.key });
    group.classList.add("row", `row-${row.kind}`, `row-${row.state}`, `level-${row.level}`);
    if (row.error !== undefined) group.classList.add("row-error");
    const hit = { class: "row-hit", x: box.x, y: top, width: box.width, height: bottom - top };
    group.append(make("rect", { ...hit, rx: 3 }));
    top = bottom;
    part.line.before(group);
    group.append(...part.texts, part.line);
  }
  cropToMessages(svg);
  svg.removeAttribute("aria-roledescription");
  svg.setAttribute("role", "img");
  return svg;
}
