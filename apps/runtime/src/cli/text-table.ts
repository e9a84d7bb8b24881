/** Columns for terminals: as wide as their widest cell, two spaces between, nothing drawn. */
import { cellsOf, printable } from "../trace/printable.ts";

const cellCharactersMax = 80;

/** Lines of a table; cells may hold anything and are made printable. */
export function textTable(
  header: readonly string[],
  rows: readonly (readonly string[])[],
): readonly string[] {
  const all = [header, ...rows.map((row) => row.map((cell) => printable(cell, cellCharactersMax)))];
  const widths = header.map((_, column) =>
    Math.max(...all.map((row) => cellsOf(row[column] ?? ""))),
  );
  return all.map((row) =>
    row
      .map((cell, column) => cell + " ".repeat(Math.max(0, (widths[column] ?? 0) - cellsOf(cell))))
      .join("  ")
      .trimEnd(),
  );
}

/** "3 minutes" since Unix nanoseconds; "-" for never. */
export function age(atNs: number, nowMs: number): string {
  if (atNs === 0) return "-";
  const seconds = Math.max(0, Math.floor((nowMs - atNs / 1e6) / 1000));
  const units = [
    ["day", 86_400],
    ["hour", 3600],
    ["minute", 60],
  ] as const;
  for (const [unit, length] of units) {
    const count = Math.floor(seconds / length);
    if (count > 0) return `${count} ${unit}${count === 1 ? "" : "s"}`;
  }
  return `${seconds} second${seconds === 1 ? "" : "s"}`;
}

/** Bytes in the unit that leaves a small number: "4.2 MiB". */
export function bytesText(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}
