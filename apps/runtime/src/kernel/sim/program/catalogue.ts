/** What programs exist, with one line each: for `help`, for --help, for lessons. */
import type { Machine } from "../machine.ts";

export interface CatalogueEntry {
  readonly name: string;
  /** "ls [-1AaCdFhilnRrSt] [FILE]...". */
  readonly usage: string;
  /** "List directory contents". */
  readonly about: string;
}

const entries = new Map<string, CatalogueEntry>();

/** Adds a program's line; a program calls it once, when its module is read. */
export function describeProgram(entry: CatalogueEntry): void {
  entries.set(entry.name, entry);
}

/** Every program with a line, by name. */
export function catalogue(): readonly CatalogueEntry[] {
  return [...entries.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

export function catalogueEntry(name: string): CatalogueEntry | undefined {
  return entries.get(name);
}

/** The text of `help`: builtins of sh, then programs that this machine has. */
export function catalogueText(machine: Machine): string {
  let text = "Programs on this simulated machine (NAME --help tells more):\n";
  for (const { name, about } of catalogue())
    if (machine.programs.has(name)) text += `  ${name.padEnd(12)} ${about}\n`;
  return text;
}
