/**
 * Simulated executables. A file is one when its content begins with the magic below; the name behind it is
 * looked up in the machine's table, as binfmt would look at an ELF header. `#!` scripts work as on Linux.
 */
import type { Process } from "../process/process.ts";
import type { Coroutine } from "../task.ts";

/** Runs as `self`, whose argv and env execve has set. The return value is the exit code. */
export type Program = (self: Process) => Coroutine<number>;

export type ProgramTable = Map<string, Program>;

const magic = "\u007fELF vitrine-sim ";

const encoder = new TextEncoder();

/** Content of an executable file that runs `program`; `bytes` makes it as large as the real one would be. */
export function executableContent(program: string): Uint8Array {
  return encoder.encode(`${magic}${program}\n`);
}

/** The program an executable's first bytes name; undefined for any other content. */
export function programNameOf(content: Uint8Array): string | undefined {
  const text = new TextDecoder().decode(content.subarray(0, 256));
  if (!text.startsWith(magic)) return undefined;
  return text.slice(magic.length).split("\n")[0];
}
