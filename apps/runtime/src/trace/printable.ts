/**
 * Names and labels come from image authors, pod authors and other people's recordings. Before they
 * reach a terminal or a picture they lose what could move the cursor, reverse the reading direction or
 * hide: control characters (ESC among them), bidirectional controls, zero-width characters, lone surrogates.
 */

// The line and paragraph separators are white space to a reader.
const blank = /[\t\n\v\f\r\u0085\u2028\u2029]+/gu;
// C0, DEL, C1; soft hyphen; bidi marks, embeddings and isolates; zero width; tags and variation fillers.
const hidden =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: removing them is the purpose
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u115f\u1160\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\u{e0000}-\u{e00ff}\u{e01f0}-\u{e0fff}]|\p{Variation_Selector}/gu;

/** `text` on one line, with hidden characters shown as U+FFFD, cut to `max` code points with an ellipsis. */
export function printable(text: string, max = 200): string {
  // Bound the work before splitting into code points: a label may be megabytes.
  const bounded = text.length > max * 4 ? text.slice(0, max * 4) : text;
  const clean = bounded.toWellFormed().replace(blank, " ").replace(hidden, "\ufffd").trim();
  const points = [...clean];
  if (points.length <= max && bounded.length === text.length) return clean;
  return `${points
    .slice(0, max - 1)
    .join("")
    .trimEnd()}…`;
}

// East Asian wide and emoji blocks, coarse: enough to keep columns of a terminal straight.
const wide =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;
const combining = /\p{Mn}|\p{Me}/u;

/** Terminal cells that `text` takes. */
export function cellsOf(text: string): number {
  let cells = 0;
  for (const point of text) cells += combining.test(point) ? 0 : wide.test(point) ? 2 : 1;
  return cells;
}

/** `text` cut or padded to exactly `cells` terminal cells. */
export function fitCells(text: string, cells: number): string {
  const width = cellsOf(text);
  if (width <= cells) return text + " ".repeat(cells - width);
  let kept = "";
  let used = 0;
  for (const point of text) {
    const next = used + cellsOf(point);
    if (next > cells - 1) break;
    kept += point;
    used = next;
  }
  return cells <= 0 ? "" : `${kept}…${" ".repeat(cells - used - 1)}`;
}
