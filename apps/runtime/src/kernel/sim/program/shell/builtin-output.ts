/** Builtins that print or answer: echo, printf, test, [, [[, help. */
import { catalogueText } from "../catalogue.ts";
import { echoText, printfText } from "../echo.ts";
import { evaluateTest, TestError } from "../test-expression.ts";
import type { BuiltinRun } from "./builtin.ts";

export const echo: BuiltinRun = function* (executor, words) {
  return yield* executor.shell.output(echoText(words.slice(1)));
};

export const printf: BuiltinRun = function* (executor, words) {
  const { shell } = executor;
  const format = words[words[1] === "--" ? 2 : 1];
  if (format === undefined) {
    yield* shell.printTo(2, "sh: usage: printf FORMAT [ARGUMENT...]\n");
    return 2;
  }
  const printed = printfText(format, words.slice(words[1] === "--" ? 3 : 2));
  for (const error of printed.errors) yield* shell.printTo(2, `sh: ${error}\n`);
  // Unlike echo it does not say so.
  const refusal = yield* shell.printTo(1, printed.text);
  return printed.errors.length > 0 || refusal !== undefined ? 1 : 0;
};

export const test: BuiltinRun = function* (executor, words) {
  const { shell } = executor;
  const name = words[0] as string;
  let rest = words.slice(1);
  if (name === "[" || name === "[[") {
    const end = name === "[" ? "]" : "]]";
    if (rest.at(-1) !== end) {
      yield* shell.printTo(2, `sh: missing ${end}\n`);
      return 2;
    }
    rest = rest.slice(0, -1);
  }
  try {
    return evaluateTest(shell.self, rest, name === "[[") ? 0 : 1;
  } catch (thrown) {
    if (!(thrown instanceof TestError)) throw thrown;
    yield* shell.printTo(2, `sh: ${thrown.message}\n`);
    return 2;
  }
};

export const help: BuiltinRun = function* (executor) {
  const { shell } = executor;
  yield* shell.print(catalogueText(shell.self.machine));
  return 0;
};
