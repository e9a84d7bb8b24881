/** What a command of `vitrine` is, and what it gets. */
import type { ParseArgsOptionsConfig } from "node:util";
import type { GrpcClient } from "../cri/client.ts";
import type { Context } from "../trace/tracer.ts";

export interface CommandInput {
  readonly client: GrpcClient;
  readonly context: Context;
  /** Path of the trace socket. */
  readonly traceSocket: string;
  /** Words behind the command's name. */
  readonly words: readonly string[];
  readonly options: Readonly<Record<string, string | boolean | undefined>>;
  readonly json: boolean;
  /** Prints a line to standard output. */
  readonly print: (line: string) => void;
}

export interface Command {
  /** Behind "vitrine": "pull REF". The words in front of the first upper-case one are its name. */
  readonly usage: string;
  readonly summary: string;
  /** Lines of help about its own options. */
  readonly help?: readonly string[];
  readonly options?: ParseArgsOptionsConfig;
  /** Words it needs and takes; the most is unbounded when unset. */
  readonly wordsMin: number;
  readonly wordsMax?: number;
  run(input: CommandInput): Promise<void>;
}

/** The words by which a command is called: "image load". */
export function nameOf(command: Command): string {
  const words = command.usage.split(" ");
  const end = words.findIndex((word) => /^[A-Z[]/.test(word));
  return words.slice(0, end < 0 ? words.length : end).join(" ");
}
