/** What an applet is, and how it becomes a program: --help, usage, messages and exit codes as in busybox. */
import type { Process } from "../process/process.ts";
import { isRefusal } from "../refusal.ts";
import type { Coroutine } from "../task.ts";
import { AppletError, Call, UsageError } from "./call.ts";
import { catalogueEntry } from "./catalogue.ts";
import { errnoMessage } from "./errno-message.ts";
import type { Program } from "./program.ts";

/** Returns the exit code; undefined is what `call.fail` said, else 0. A plain function when it never waits. */
export type Applet = (
  call: Call,
  // biome-ignore lint/suspicious/noConfusingVoidType: an applet that has nothing to say returns nothing
) => Coroutine<number | undefined | void> | number | undefined | void;

export type AppletTable = Readonly<Record<string, Applet>>;

function usage(name: string): string {
  const entry = catalogueEntry(name);
  if (entry === undefined) return "";
  return `BusyBox v1.36.1 (simulated) multi-call binary.\n\nUsage: ${name}${entry.usage === "" ? "" : ` ${entry.usage}`}\n\n${entry.about}\n`;
}

function* perform(call: Call, applet: Applet): Coroutine<number> {
  if (call.args.length === 1 && call.args[0] === "--help" && !plainWords.has(call.name)) {
    call.say(usage(call.name));
    return 0;
  }
  try {
    const result = applet(call);
    const code = typeof result === "object" ? yield* result : result;
    yield* call.flush();
    return typeof code === "number" ? code : call.code;
  } catch (thrown) {
    if (thrown instanceof AppletError) {
      call.fail(thrown.message, thrown.code);
      return thrown.code;
    }
    if (thrown instanceof UsageError) {
      if (thrown.message !== "") call.fail(thrown.message);
      if (!thrown.message.startsWith("invalid number")) call.say(usage(call.name));
      return 1;
    }
    if (!isRefusal(thrown)) throw thrown;
    yield* call.survive();
    call.fail(errnoMessage(thrown));
    return 1;
  }
}

/** These print --help like any other word. */
const plainWords = new Set(["echo", "printf", "test", "[", "true", "false"]);

/** Runs an applet to its end with everything it had to say. */
export function* runApplet(
  self: Process,
  name: string,
  args: readonly string[],
  applet: Applet,
): Coroutine<number> {
  const call = new Call(self, name, args);
  const code = yield* perform(call, applet);
  try {
    yield* call.flush();
  } catch (thrown) {
    if (thrown instanceof AppletError) return thrown.code;
    throw thrown;
  }
  return code;
}

export function appletProgram(name: string, applet: Applet): Program {
  return (self) => runApplet(self, name, self.argv.slice(1), applet);
}
