/** Randomness of the machine's seed: the same seed makes the same ids. */
import type { Random } from "../../world.ts";
import type { DaemonLife } from "./daemon-life.ts";

export class SimRandom implements Random {
  readonly #life: DaemonLife;

  constructor(life: DaemonLife) {
    this.#life = life;
  }

  bytes(count: number): Uint8Array {
    this.#life.check();
    const bytes = new Uint8Array(count);
    let word = 0;
    for (let at = 0; at < count; at++) {
      if (at % 4 === 0) word = this.#life.machine.random();
      bytes[at] = word & 0xff;
      word >>>= 8;
    }
    return bytes;
  }
}
