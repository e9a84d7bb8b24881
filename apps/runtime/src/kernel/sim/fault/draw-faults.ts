/** Faults drawn from a seed, for runs that look for what nobody thought of. */
import type { ErrnoName } from "../../errno.ts";
import type { OpName } from "../../op.ts";
import type { CniCommand, Fault } from "./fault.ts";
import { faultText } from "./grammar.ts";

/** Errnos that the real calls can end with on a machine in trouble. */
const errnos: readonly ErrnoName[] = ["EIO", "ENOSPC", "ENOMEM", "EBUSY", "EPERM", "EACCES"];
const names: readonly OpName[] = [
  "mkdir",
  "writeFile",
  "fsmount",
  "moveMount",
  "openTree",
  "umount",
  "rmdir",
  "removeTree",
  "clone3",
  "cgroupJoin",
  "pivotRoot",
  "execve",
];

export interface DrawOptions {
  /** How many ops a run of the scenario makes without faults: places are drawn from these. */
  readonly ops: number;
  /** How many record writes. */
  readonly writes: number;
  readonly most?: number;
}

/** One to `most` (three) faults. `random` gives 32 uniform bits; the same bits make the same faults. */
export function drawFaults(random: () => number, options: DrawOptions): readonly string[] {
  const below = (bound: number) => Math.floor((random() / 0x1_0000_0000) * Math.max(1, bound));
  const pick = <T>(list: readonly T[]) => list[below(list.length)] as T;
  const op = () => 1 + below(options.ops);
  const makers: readonly (() => Fault)[] = [
    () => ({ kind: "crash", op: op() }),
    () => ({ kind: "crash", op: op() }),
    () => ({ kind: "op", op: op(), errno: pick(errnos) }),
    () => ({ kind: "named", name: pick(names), nth: 1 + below(8), errno: pick(errnos) }),
    () => ({ kind: "shim", op: op() }),
    () => ({ kind: "oom", op: op() }),
    () => ({ kind: "record", write: 1 + below(options.writes), how: "crash" }),
    () => ({
      kind: "cni",
      command: pick<CniCommand>(["ADD", "ADD", "DEL"]),
      nth: 1 + below(2),
      how: pick(["hang", "fail", "garbage"] as const),
    }),
  ];
  const count = 1 + below(options.most ?? 3);
  return Array.from({ length: count }, () => faultText(pick(makers)()));
}
