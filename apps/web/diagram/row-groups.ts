/**
 * Makes rows of a Mermaid picture addressable: the texts and the line of each message move into one
 * group with a hit area as wide as the picture, so that the n-th row can be clicked and marked.
 * Mermaid's own colours go; the page's style sheet draws in its tokens, so a change of theme redraws nothing.
 */
import type { Row } from "@vitrine/runtime/trace";

const svgNamespace = "http://www.w3.org/2000/svg";

function make(name: string, attributes: Readonly<Record<string, string | number>>): SVGElement {
  const element = document.createElementNS(svgNamespace, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  return element;
}

function cropToMessages(svg: SVGSVGElement): void {
  const box = svg.viewBox.baseVal;
  // The line of titles (1 px boxes) is drawn by the page as a sticky header.
  const bottom = Math.max(20, box.y + box.height);
  svg.setAttribute("viewBox", `0 0 ${box.width + Math.min(0, box.x) * 0} ${bottom}`);
  svg.setAttribute("width", String(box.width));
  svg.setAttribute("height", String(bottom));
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

/** Top of each row: half way between the line above and this row's first text. */
function spanOf(part: RowParts, before: number): { readonly top: number; readonly bottom: number } {
  const line = part.line as SVGGraphicsElement;
  const y =
    line.tagName === "line"
      ? Number(line.getAttribute("y1"))
      : Number(/V\s*([\d.]+)/.exec(line.getAttribute("d") ?? "")?.[1] ?? 0);
  return { top: before, bottom: y + 5 };
}

/** Turns Mermaid's SVG text into an element whose rows carry data-key and state classes. */
export function groupRows(svgText: string, rows: readonly Row[]): SVGSVGElement | undefined {
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
  const width = svg.viewBox.baseVal.width;
  let before = 0;
  for (const [index, part] of parts.entries()) {
    const row = rows[index] as Row;
    const { top, bottom } = spanOf(part, before);
    before = bottom;
    const group = make("g", { "data-key": row.key });
    group.classList.add("row", `row-${row.kind}`, `row-${row.state}`, `level-${row.level}`);
    if (row.error !== undefined) group.classList.add("row-error");
    group.append(
      make("rect", { class: "row-hit", x: 0, y: top, width, height: bottom - top, rx: 3 }),
    );
    part.line.before(group);
    group.append(...part.texts, part.line);
  }
  cropToMessages(svg);
  svg.removeAttribute("aria-roledescription");
  svg.setAttribute("role", "img");
  return svg;
}
