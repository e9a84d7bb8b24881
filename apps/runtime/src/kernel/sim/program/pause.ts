/** The pause container's program (native/pause/pause.c): does nothing, reaps orphans, ends at SIGTERM or SIGINT. */
import { SIGCHLD, SIGINT, SIGTERM, WNOHANG } from "../abi.ts";
import type { Process } from "../process/process.ts";
import { isRefusal } from "../refusal.ts";
import { sigaction, wait4, pause as waitForSignal } from "../syscall/process.ts";
import type { Coroutine } from "../task.ts";

function* reap(self: Process): Coroutine<void> {
  try {
    while ((yield* wait4(self, -1, WNOHANG)) !== undefined);
  } catch (thrown) {
    if (!isRefusal(thrown, "ECHILD")) throw thrown;
  }
}

export function* pause(self: Process): Coroutine<number> {
  let ended = false;
  const end = () => {
    ended = true;
  };
  sigaction(self, SIGTERM, end);
  sigaction(self, SIGINT, end);
  sigaction(self, SIGCHLD, () => {});
  for (;;) {
    yield* reap(self);
    if (ended) return 0;
    try {
      yield* waitForSignal(self);
    } catch (thrown) {
      if (!isRefusal(thrown, "EINTR")) throw thrown;
    }
  }
}
