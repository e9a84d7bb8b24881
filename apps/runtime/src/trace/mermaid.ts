/**
 * Mermaid text of a sequence view. Names in a trace are hostile: participants get generated ids, and
 * labels are rewritten so that no character of theirs means anything to Mermaid (its text has no other
 * escape than "#<code point>;"). The result has one statement a line and no configuration; rendering
 * still goes through securityLevel "strict".
 */
import { countOf, formatDuration } from "./duration.ts";
import { printable } from "./printable.ts";
import type { Row, SequenceView } from "./sequence-view.ts";
import { lifelineTitle } from "./step.ts";

/** Longest label, in code points before escaping. */
export const mermaidLabelMax = 80;

// What Mermaid leaves alone inside a message; letters and digits of any script too.
const plain = /^[\p{L}\p{N}\p{M} \u00a0._:/,()=+@…→·µ✕×-]$/u;

/**
 * A label no part of which is Mermaid syntax. Words that Mermaid looks for in text ("end", "wrap:",
 * and "style"/"classDef", after which it eats the ";" of an escape) are broken by escaping a letter.
 */
export function mermaidLabel(text: string): string {
  const cut = printable(text, mermaidLabelMax);
  const words = cut
    .replace(/(style|classdef)/giu, (word) => `\u0001${word}`)
    .replace(/\bend\b/giu, (word) => `\u0001${word}`)
    .replace(/^(?=:?\s*(?:no)?wrap:)/iu, "\u0001");
  let out = "";
  let forced = false;
  for (const point of words) {
    if (point === "\u0001") {
      forced = true;
      continue;
    }
    out += forced || !plain.test(point) ? `#${point.codePointAt(0)};` : point;
    forced = false;
  }
  return out === "" ? "#32;" : out;
}

/** Number and unit stay on one line where a label wraps. */
function unbroken(text: string): string {
  return text.replace(" ", "\u00a0");
}

/** The words of an arrow: label, errno, what is folded, how long it took. */
export function rowCaption(row: Row): string {
  const parts = [row.label];
  if (row.kind === "message") {
    if (row.error !== undefined) parts[0] = `✕ ${row.label} (${row.error})`;
    if (row.foldedCount > 0 && row.shownCount === 0)
      parts.push(unbroken(countOf(row.foldedCount, "step")));
    if (row.durationNs !== undefined && !row.hasReply) {
      parts.push(unbroken(formatDuration(row.durationNs)));
    }
    if (row.state === "running" && !row.hasReply) parts.push("…");
  } else {
    if (row.error !== undefined) parts[0] = `✕ ${row.label}`;
    if (row.durationNs !== undefined) parts.push(unbroken(formatDuration(row.durationNs)));
  }
  return parts.join(" · ");
}

/** A word that is too long for its line loses its head when it is a path, else its middle. */
function shortenWord(word: string, max: number): string {
  if (word.length <= max) return word;
  const parts = word.split("/");
  while (parts.length > 1 && parts.join("/").length + 2 > max) parts.shift();
  const tail = `…/${parts.join("/")}`;
  if (word.includes("/") && tail.length <= max) return tail;
  const half = Math.max(1, Math.floor((max - 1) / 2));
  return `${word.slice(0, half)}…${word.slice(-half)}`;
}

/** Label cut first, so that errno and duration stay readable behind a long name. */
function captionOf(row: Row, max: number, wordMax = max): string {
  const label = row.label
    .split(" ")
    .map((word) => shortenWord(word, wordMax))
    .join(" ");
  const caption = rowCaption({ ...row, label });
  const excess = [...caption].length - max;
  if (excess <= 0) return caption;
  const keep = Math.max(16, [...label].length - excess);
  return rowCaption({ ...row, label: printable(label, keep) });
}

/** The text of a row's arrow, fitted to the room there is when that is known. */
function messageText(row: Row, ids: readonly string[], columnChars: number | undefined): string {
  if (columnChars === undefined) return ` ${mermaidLabel(captionOf(row, mermaidLabelMax))}`;
  if (row.from === row.to) return `nowrap: ${mermaidLabel(captionOf(row, 2 * columnChars))}`;
  const distance = Math.abs(ids.indexOf(row.from) - ids.indexOf(row.to));
  const lineMax = columnChars * distance;
  return ` ${mermaidLabel(captionOf(row, Math.min(mermaidLabelMax, lineMax * 3), lineMax))}`;
}

function arrowOf(row: Row): string {
  if (row.kind === "reply") return row.error === undefined ? "-->>" : "--x";
  return row.error === undefined || row.hasReply ? "->>" : "-x";
}

export interface MermaidOptions {
  /** Title for assistive technology (accTitle). */
  readonly title?: string;
  /** Lifelines to draw, left to right, when they are to be the same in several pictures. */
  readonly lifelines?: readonly string[];
  /** Lifelines that are active already where a window of a longer view begins; see `sliceView`. */
  readonly active?: readonly string[];
  /**
   * Characters that fit between two neighbouring lifelines, when the picture has fixed columns: labels
   * are shortened to three lines, and those of arrows to themselves kept on one.
   */
  readonly columnChars?: number;
  /** A word every copy of the picture must carry, such as SIMULATED. */
  readonly mark?: string;
}

/** A window of a view's rows, and the lifelines whose activation bars reach into it from above. */
export function sliceView(
  view: SequenceView,
  from: number,
  to: number,
): { readonly view: SequenceView; readonly active: readonly string[] } {
  const active: string[] = [];
  for (const row of view.rows.slice(0, from)) {
    if (!row.hasReply || row.from === row.to) continue;
    if (row.kind === "message") active.push(row.to);
    else active.splice(active.lastIndexOf(row.from), 1);
  }
  return { view: { lifelines: view.lifelines, rows: view.rows.slice(from, to) }, active };
}

/** Mermaid text; the n-th message line is the n-th row. Deterministic: same view, same text. */
export function renderMermaid(view: SequenceView, options: MermaidOptions = {}): string {
  const shown = options.lifelines ?? view.lifelines;
  const ids = new Map<string, string>();
  for (const lifeline of [...shown, ...view.lifelines]) {
    if (!ids.has(lifeline)) ids.set(lifeline, `p${ids.size}`);
  }
  const lines = ["sequenceDiagram"];
  if (options.title !== undefined) lines.push(`  accTitle: ${mermaidLabel(options.title)}`);
  for (const [lifeline, id] of ids) {
    lines.push(`  participant ${id} as ${mermaidLabel(lifelineTitle(lifeline))}`);
  }
  if (options.mark !== undefined) lines.push(`  Note over p0: ${mermaidLabel(options.mark)}`);
  const open: string[] = [];
  for (const lifeline of options.active ?? []) {
    const id = ids.get(lifeline);
    if (id === undefined) continue;
    lines.push(`  activate ${id}`);
    open.push(id);
  }
  for (const row of view.rows) {
    const from = ids.get(row.from) as string;
    const to = ids.get(row.to) as string;
    const text = messageText(row, [...ids.keys()], options.columnChars);
    lines.push(`  ${from}${arrowOf(row)}${to}:${text}`);
    if (!row.hasReply || row.from === row.to) continue;
    if (row.kind === "message") {
      lines.push(`  activate ${to}`);
      open.push(to);
    } else {
      const at = open.lastIndexOf(from);
      // Mermaid refuses a diagram that deactivates what is not active.
      if (at < 0) continue;
      lines.push(`  deactivate ${from}`);
      open.splice(at, 1);
    }
  }
  for (const id of open.reverse()) lines.push(`  deactivate ${id}`);
  return `${lines.join("\n")}\n`;
}
