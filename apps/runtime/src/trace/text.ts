/**
 * A sequence view as text for terminals: lifelines are columns, arrows are drawn with box characters,
 * labels and durations stand to the right. Fits the given width; below `narrowWidth` it becomes a list.
 */
import { countOf, formatDuration } from "./duration.ts";
import { cellsOf, fitCells, printable } from "./printable.ts";
import type { Row, SequenceView } from "./sequence-view.ts";
import { lifelineTitle } from "./step.ts";

export interface TextOptions {
  /** Terminal cells a line may take; 100 when unset. */
  readonly width?: number;
  /** ANSI colours. */
  readonly colour?: boolean;
  /** Lifelines to draw, when they are to be the same in several pictures. */
  readonly lifelines?: readonly string[];
  /** Leave the line of titles out. */
  readonly header?: boolean;
}

const columnMin = 6;
const columnMax = 12;
const durationCells = 9;
/** Cells a label should have; columns give way for it down to `columnMin`. */
const labelWanted = 44;
const labelMin = 24;

type Paint = (text: string, code: string) => string;

interface Layout {
  readonly lifelines: readonly string[];
  readonly pitch: number;
  readonly labelCells: number;
  readonly paint: Paint;
}

function layoutOf(view: SequenceView, options: TextOptions): Layout | undefined {
  const lifelines = [...new Set([...(options.lifelines ?? []), ...view.lifelines])];
  const width = options.width ?? 100;
  const titles = lifelines.map((id) => cellsOf(printable(lifelineTitle(id), columnMax)));
  const room = (label: number) =>
    Math.floor((width - label - durationCells - 3) / Math.max(1, lifelines.length));
  const wanted = Math.min(Math.max(columnMin, ...titles) + 1, columnMax + 1);
  const pitch = Math.min(
    wanted,
    Math.max(room(labelWanted), Math.min(columnMin + 4, room(labelMin))),
  );
  if (pitch < columnMin) return undefined;
  const labelCells = width - pitch * lifelines.length - durationCells - 3;
  const paint: Paint = (text, code) => (options.colour ? `\u001b[${code}m${text}\u001b[0m` : text);
  return { lifelines, pitch, labelCells, paint };
}

/** The cells of the lifeline area with an arrow from one column to another. */
function arrow(layout: Layout, row: Row): string {
  const { lifelines, pitch } = layout;
  const half = Math.floor(pitch / 2);
  const cells: string[] = Array.from({ length: pitch * lifelines.length }, () => " ");
  const centre = (id: string) => lifelines.indexOf(id) * pitch + half;
  for (const id of lifelines) cells[centre(id)] = "│";
  const from = centre(row.from);
  const to = centre(row.to);
  const line = row.kind === "reply" ? "╌" : "─";
  if (from === to) {
    cells[from] = "├";
    cells[from + 1] = row.error === undefined ? "⟲" : "✕";
    return cells.join("");
  }
  const step = from < to ? 1 : -1;
  for (let at = from + step; at !== to; at += step) cells[at] = line;
  cells[from] = step > 0 ? "├" : "┤";
  const failed = row.error !== undefined && (row.kind === "reply" || !row.hasReply);
  cells[to - step] = failed ? "✕" : step > 0 ? "▶" : "◀";
  return cells.join("");
}

function words(row: Row): string {
  const label =
    row.error !== undefined && row.kind === "message" ? `${row.label} (${row.error})` : row.label;
  const folded = row.kind === "message" && row.foldedCount > 0 && row.shownCount === 0;
  const indent = "  ".repeat(Math.min(row.depth, 6));
  return `${indent}${label}${folded ? ` [${countOf(row.foldedCount, "step")}]` : ""}`;
}

function timing(row: Row): string {
  if (row.state === "running") return "…";
  if (row.durationNs === undefined || (row.kind === "message" && row.hasReply)) return "";
  return formatDuration(row.durationNs);
}

function colourOf(row: Row): string {
  if (row.error !== undefined) return "31";
  if (row.kind === "reply") return "2";
  return row.level <= 1 ? "1" : row.level >= 3 ? "36" : "0";
}

function rowLine(layout: Layout, row: Row): string {
  const code = colourOf(row);
  const label = fitCells(words(row), layout.labelCells);
  const time = timing(row).padStart(durationCells);
  return `${layout.paint(arrow(layout, row), row.error === undefined ? "2" : "31")}  ${layout.paint(label, code)} ${layout.paint(time, "2")}`.trimEnd();
}

function headerLine(layout: Layout): string {
  const titles = layout.lifelines.map((id) => {
    const title = fitCells(
      lifelineTitle(id),
      Math.min(layout.pitch - 1, cellsOf(lifelineTitle(id))),
    );
    const left = Math.max(0, Math.floor(layout.pitch / 2) - Math.floor(cellsOf(title) / 2));
    return fitCells(" ".repeat(left) + title, layout.pitch);
  });
  return layout.paint(titles.join("").trimEnd(), "1");
}

function narrowLine(row: Row, options: TextOptions): string {
  const width = options.width ?? 100;
  const time = timing(row);
  const sign = row.error !== undefined ? "✕" : row.kind === "reply" ? "◀" : "▶";
  const ends = `${lifelineTitle(row.from)} ${sign} ${lifelineTitle(row.to)}`;
  const text = `${ends}  ${words(row)}`;
  return `${fitCells(text, Math.max(8, width - time.length - 1))} ${time}`.trimEnd();
}

/** The titles of the lifelines as one line, for a header that is printed once. Empty when too narrow for columns. */
export function renderTextHeader(view: SequenceView, options: TextOptions = {}): string {
  const layout = layoutOf(view, options);
  return layout ? headerLine(layout) : "";
}

/** The view as lines of text, each at most `width` cells (colours not counted). */
export function renderText(view: SequenceView, options: TextOptions = {}): string[] {
  const layout = layoutOf(view, options);
  if (!layout) return view.rows.map((row) => narrowLine(row, options));
  const header = options.header === false ? [] : [headerLine(layout)];
  return [...header, ...view.rows.map((row) => rowLine(layout, row))];
}
