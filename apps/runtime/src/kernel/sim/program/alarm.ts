/** alarm(2) as programs use it: after a time, the call they wait in ends with EINTR. */
import type { Process } from "../process/process.ts";
import { Refusal } from "../refusal.ts";
import type { Timer } from "../task.ts";

export class Alarm {
  rang = false;
  readonly #timer: Timer;

  constructor(self: Process, afterNs: bigint) {
    const { scheduler } = self.machine;
    this.#timer = scheduler.at(scheduler.nowNs + afterNs, () => {
      this.rang = true;
      self.task?.interrupt(new Refusal("EINTR"));
    });
  }

  cancel(): void {
    this.#timer.cancel();
  }
}
