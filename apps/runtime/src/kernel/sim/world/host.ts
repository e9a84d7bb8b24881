/**
 * What the simulation needs of the place it runs in, given by the composition root (cli, web worker, tests):
 * a way to let all pending promises run, and, for a live show, real time.
 */
export interface SimulationHost {
  /** Resolves after every promise that can go on has gone on: setImmediate in Node, a message channel in a browser. */
  turn(): Promise<void>;
  /** Live mode: resolves when `ns` of virtual time may have passed in the audience's eyes. Unset: as fast as possible. */
  pace?(ns: bigint): Promise<void>;
  /** A daemon that people talk to: virtual time is real time, and nothing to do means waiting for a call. */
  elapsedNs?(): bigint;
  /** With `elapsedNs`: resolves after `ns` (never, when unset), or as soon as somebody calls from outside. */
  wait?(ns: bigint | undefined): Promise<void>;
}
