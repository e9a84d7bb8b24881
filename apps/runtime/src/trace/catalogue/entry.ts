/** The shape of a catalogue entry: one step of the story, named once. */
import type { Lifeline } from "../lifeline.ts";

/** 0 the story, 1 CRI calls, 2 runtime steps, 3 ops (system calls), 4 what the kernel itself saw. */
export type Level = 0 | 1 | 2 | 3 | 4;

export interface CatalogueEntry {
  /** Span name; low cardinality. Unset means the entry's id. */
  readonly span?: string;
  readonly level: Level;
  readonly from: Lifeline;
  readonly to: Lifeline;
  /** Arrow label with {attribute.name} placeholders ({name|octal} for modes); a missing attribute leaves nothing. */
  readonly label: string;
  /** Label of the arrow back, when there is something worth saying; also with placeholders. */
  readonly reply?: string;
  /** A notice: nobody waits for an answer, so no arrow goes back unless it failed. */
  readonly oneWay?: true;
  /** The attributes this step carries and what each one is, unit included. */
  readonly attributes: Readonly<Record<string, string>>;
  /** One sentence for learners: why this step happens at all. */
  readonly why: string;
  /** Specification or man page. */
  readonly link: string;
}
