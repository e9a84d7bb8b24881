/** Applets on words alone: echo, printf, test, true, false, basename, dirname, expr. */
import type { AppletTable } from "../applet.ts";
import { type Call, UsageError } from "../call.ts";
import { echoText, printfText } from "../echo.ts";
import { ExpressionError, evaluateExpression } from "../expression.ts";
import { evaluateTest, TestError } from "../test-expression.ts";

function echo(call: Call): void {
  call.print(echoText(call.args));
}

function printf(call: Call): void {
  const [format, ...args] = call.args;
  if (format === undefined) throw new UsageError();
  const { text, errors } = printfText(format, args);
  for (const error of errors) call.fail(error);
  call.print(text);
}

function test(call: Call): number {
  let words = call.args;
  if (call.name === "[") {
    if (words.at(-1) !== "]") {
      call.fail("missing ]", 2);
      return 2;
    }
    words = words.slice(0, -1);
  }
  try {
    return evaluateTest(call.self, words) ? 0 : 1;
  } catch (thrown) {
    if (!(thrown instanceof TestError)) throw thrown;
    call.fail(thrown.message, 2);
    return 2;
  }
}

/** Last component of a path; "/" for the root. */
export function baseName(path: string): string {
  const trimmed = path.replace(/\/+$/, "");
  return trimmed === "" ? (path === "" ? "" : "/") : trimmed.slice(trimmed.lastIndexOf("/") + 1);
}

/** Everything before the last component: "." when there is nothing. */
export function directoryName(path: string): string {
  const trimmed = path.replace(/\/+$/, "");
  if (trimmed === "") return path === "" ? "." : "/";
  const slash = trimmed.lastIndexOf("/");
  return slash < 0 ? "." : trimmed.slice(0, slash).replace(/\/+$/, "") || "/";
}

function basename(call: Call): void {
  const [path, suffix] = call.args;
  if (path === undefined || call.args.length > 2) throw new UsageError();
  const name = baseName(path);
  const cut = suffix !== undefined && suffix !== "" && name !== suffix && name.endsWith(suffix);
  call.print(`${cut ? name.slice(0, -suffix.length) : name}\n`);
}

function dirname(call: Call): void {
  const path = call.args[0];
  if (path === undefined || call.args.length > 1) throw new UsageError();
  call.print(`${directoryName(path)}\n`);
}

function expr(call: Call): number {
  if (call.args.length === 0) throw new UsageError("too few arguments");
  try {
    const value = evaluateExpression(call.args);
    call.print(`${value}\n`);
    return value === "" || value === "0" ? 1 : 0;
  } catch (thrown) {
    if (!(thrown instanceof ExpressionError)) throw thrown;
    call.fail(thrown.message, 2);
    return 2;
  }
}

export const wordApplets: AppletTable = {
  echo,
  printf,
  test,
  "[": test,
  true: () => 0,
  false: () => 1,
  basename,
  dirname,
  expr,
};
