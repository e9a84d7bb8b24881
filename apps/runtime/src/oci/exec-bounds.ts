/** How long a command line and an environment may be, execve(2): said before anything is made, and in words. */
import { RuntimeError } from "../kernel/index.ts";

/** MAX_ARG_STRLEN: 32 pages, with the NUL at the end. */
const stringBytesMax = 32 * 4096 - 1;
/** Of both lists together. The kernel may stop earlier, at a quarter of the stack's limit. */
const totalBytesMax = 3 * 1024 * 1024;
const stringsMax = 16384;
/** PATH_MAX without the NUL at the end: of the command, which is the path of a file. */
const pathBytesMax = 4095;

const utf8 = new TextEncoder();

/** @throws RuntimeError INVALID_ARGUMENT that names what is too long. */
export function checkExecBounds(args: readonly string[], env: readonly string[]): void {
  if (args.length > stringsMax || env.length > stringsMax) {
    throw tooLong(`more than ${stringsMax} arguments or environment variables`);
  }
  const commandBytes = utf8.encode(args[0] ?? "").length;
  if (commandBytes > pathBytesMax) {
    const message = `the path of the command is ${commandBytes} bytes long, at most ${pathBytesMax}`;
    throw new RuntimeError("INVALID_ARGUMENT", message);
  }
  let total = 0;
  const add = (text: string, what: () => string) => {
    const length = utf8.encode(text).length;
    if (length > stringBytesMax) throw tooLong(`${what()} is ${length} bytes long`);
    total += length + 1;
  };
  for (const [index, text] of args.entries()) add(text, () => `argument ${index}`);
  for (const text of env) add(text, () => `environment variable ${text.split("=", 1)[0]}`);
  if (total > totalBytesMax) throw tooLong(`arguments and environment are ${total} bytes long`);
}

function tooLong(what: string): RuntimeError {
  const most = `${stringBytesMax} bytes each and ${totalBytesMax} together`;
  return new RuntimeError("INVALID_ARGUMENT", `the command is too long: ${what}, at most ${most}`);
}
