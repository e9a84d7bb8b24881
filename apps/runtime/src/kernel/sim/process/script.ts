/** The first line of a script (execve(2), "Interpreter scripts"; fs/binfmt_script.c). */
import { refuse } from "../refusal.ts";

/** BINPRM_BUF_SIZE: what the kernel reads of a file to see what it is. */
const readMax = 256;
const hash = 35;
const bang = 33;
const newline = 10;

function isBlank(character: string | undefined): boolean {
  return character === " " || character === "\t";
}

/**
 * Interpreter and its one argument; undefined when there is no `#!`. ENOEXEC when the line names nothing, or is
 * cut inside the interpreter's path.
 */
export function interpreterOf(
  content: Uint8Array,
): { readonly path: string; readonly argument: string | undefined } | undefined {
  if (content[0] !== hash || content[1] !== bang) return undefined;
  let end = content.subarray(0, readMax).indexOf(newline);
  const cut = end < 0 && content.length > readMax;
  if (end < 0) end = Math.min(content.length, readMax);
  const zero = content.subarray(0, end).indexOf(0);
  const line = new TextDecoder().decode(content.subarray(2, zero < 0 ? end : zero));
  let from = 0;
  while (isBlank(line[from])) from++;
  let stop = from;
  while (stop < line.length && !isBlank(line[stop])) stop++;
  if (stop === from || (cut && stop === line.length)) return refuse("ENOEXEC");
  const argument = line.slice(stop).replace(/^[ \t]+|[ \t]+$/g, "");
  return { path: line.slice(from, stop), argument: argument === "" ? undefined : argument };
}
