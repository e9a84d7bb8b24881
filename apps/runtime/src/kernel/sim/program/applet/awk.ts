/** awk: the small part of it that one-liners use. */
import type { Coroutine } from "../../task.ts";
import type { AppletTable } from "../applet.ts";
import { parseAwk } from "../awk/parse.ts";
import { Awk, AwkExit } from "../awk/run.ts";
import { AppletError, type Call, LineReader, UsageError } from "../call.ts";
import { unescapeText } from "../echo.ts";
import { messageOf } from "../errno-message.ts";
import { readFileText } from "../file-text.ts";
import { parseOptions } from "../options.ts";

function* awk(call: Call): Coroutine<number> {
  const options = parseOptions(call.args, "+F:v:f:");
  const operands = [...options.operands];
  const files = options.values("f");
  const program =
    files.length > 0
      ? files.map((file) => readFileText(call.self, file)).join("\n")
      : operands.shift();
  if (program === undefined) throw new UsageError();
  const run = new Awk(parseAwk(program), (text) => call.print(text));
  const separator = options.value("F");
  if (separator !== undefined) run.set("FS", unescapeText(separator, false).text);
  for (const assignment of options.values("v")) {
    const equals = assignment.indexOf("=");
    run.set(assignment.slice(0, equals), unescapeText(assignment.slice(equals + 1), false).text);
  }
  let code = 0;
  try {
    run.begin();
    if (run.needsInput) yield* lines(call, run, operands);
  } catch (thrown) {
    if (!(thrown instanceof AwkExit)) throw thrown;
    code = thrown.code;
  }
  try {
    run.end();
  } catch (thrown) {
    if (!(thrown instanceof AwkExit)) throw thrown;
    code = thrown.code;
  }
  return code === 0 ? call.code : code;
}

function* lines(call: Call, run: Awk, operands: readonly string[]): Coroutine<void> {
  for (const operand of operands) {
    const match = /^([A-Za-z_][A-Za-z0-9_]*)=(.*)$/.exec(operand);
    if (match !== null) run.set(match[1] as string, match[2] as string);
  }
  const paths = operands.filter((operand) => !/^[A-Za-z_][A-Za-z0-9_]*=/.test(operand));
  for (const path of paths.length === 0 ? ["-"] : paths) {
    let fd: number;
    try {
      fd = yield* call.open(path);
    } catch (thrown) {
      throw new AppletError(`${path}: ${messageOf(thrown)}`);
    }
    run.set("FILENAME", path === "-" ? "" : path);
    const reader = new LineReader(call, fd);
    for (let line = yield* reader.next(); line !== undefined; line = yield* reader.next()) {
      run.line(line.endsWith("\n") ? line.slice(0, -1) : line);
      yield* call.flush();
    }
    call.close(fd);
  }
}

export const awkApplets: AppletTable = { awk };
