/**
 * What the simulation needs of the place it runs in, given by the composition root (cli, web worker, tests):
 * a way to let all pending promises run, and, for a live show, real time.
 */
export interface SimulationHost {
  /** Resolves after every promise that can go on has gone on: setImmediate in Node, a message channel in a browser. */
  turn(): Promise<void>;
  /** Live mode: resolves when `ns` of virtual time may have passed in the audience's eyes. Unset: as fast as possible. */
  pace?(ns: bigint): Promise<void>;
}
