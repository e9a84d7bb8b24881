/** poll(2) for one fd: whether a read would find something before a time. */
import type { Process } from "../../process/process.ts";
import { isRefusal } from "../../refusal.ts";
import { fileOf } from "../../syscall/file.ts";
import type { Coroutine } from "../../task.ts";

/** False when the time was over first. What has no queue to wait on counts as readable. */
export function* waitReadable(self: Process, fd: number, untilNs: bigint): Coroutine<boolean> {
  let queue: ReturnType<typeof fileOf>["stream"];
  try {
    queue = fileOf(self, fd).stream;
  } catch (thrown) {
    if (isRefusal(thrown)) return true;
    throw thrown;
  }
  const stream = queue as (typeof queue & { readonly available?: boolean }) | undefined;
  if (stream?.readable === undefined) return true;
  while (stream.available === false) {
    const now = self.machine.scheduler.nowNs;
    if (now >= untilNs) return false;
    yield { untilNs, on: [stream.readable] };
  }
  return true;
}
