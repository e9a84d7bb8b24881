/** Programs that start programs: fork, exec, wait (system(3) without a shell). */
import type { ExitStatus, Process } from "../process/process.ts";
import { isRefusal } from "../refusal.ts";
import { clone3, execvp, wait4 } from "../syscall/process.ts";
import type { Coroutine } from "../task.ts";
import { AppletError, type Call, UsageError } from "./call.ts";
import { errnoMessage } from "./errno-message.ts";

/** Becomes a program; comes back only by an AppletError: 127 when there is none, 126 when it may not. */
export function become(
  call: Call,
  argv: readonly string[],
  env: readonly string[] = call.self.env,
  name = argv[0],
): never {
  if (argv.length === 0) throw new UsageError();
  try {
    execvp(call.self, argv[0] as string, [name as string, ...argv.slice(1)], env);
  } catch (thrown) {
    if (!isRefusal(thrown)) throw thrown;
    const code = isRefusal(thrown, "ENOENT") ? 127 : 126;
    const words = call.name === "xargs" ? `${argv[0]}` : `can't execute '${argv[0]}'`;
    throw new AppletError(`${words}: ${errnoMessage(thrown)}`, code);
  }
}

/** Starts a program as a child. */
export function startChild(
  call: Call,
  argv: readonly string[],
  env: readonly string[] = call.self.env,
): Process {
  return clone3(call.self, {
    namespaces: [],
    body: function* (child) {
      const inner = call.inChild(child);
      try {
        yield* inner.flush();
        return become(inner, argv, env);
      } catch (thrown) {
        if (!(thrown instanceof AppletError)) throw thrown;
        inner.fail(thrown.message);
        yield* inner.flush();
        return thrown.code;
      }
    },
  });
}

/** Waits for one child, whatever signals come meanwhile. */
export function* waitFor(self: Process, child: Process): Coroutine<ExitStatus> {
  for (;;) {
    try {
      const done = yield* wait4(self, child.pidIn(self.namespaces.pid) ?? -1);
      if (done !== undefined) return done.status;
    } catch (thrown) {
      if (!isRefusal(thrown, "EINTR")) throw thrown;
    }
  }
}

/** Exit code of a child as its parent passes it on. */
export function exitCode(status: ExitStatus): number {
  return status.kind === "exited" ? status.code : 128 + status.signal;
}

/** Runs a program to its end. */
export function* runChild(
  call: Call,
  argv: readonly string[],
  env: readonly string[] = call.self.env,
): Coroutine<number> {
  yield* call.flush();
  const child = startChild(call, argv, env);
  return exitCode(yield* waitFor(call.self, child));
}
