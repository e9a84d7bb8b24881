/** What can be made to go wrong in a simulation, one line of text each. grammar.ts reads them, docs/simulator.md lists them. */
import type { ErrnoName } from "../../errno.ts";
import type { OpName } from "../../op.ts";

export type CniCommand = "ADD" | "DEL" | "CHECK" | "STATUS" | "VERSION";

export type Fault =
  /** crash@37: the daemon dies right after the 37th op of the machine. */
  | { readonly kind: "crash"; readonly op: number }
  /** op@37=EIO: that op fails. */
  | { readonly kind: "op"; readonly op: number; readonly errno: ErrnoName }
  /** mount#2=ENOSPC: the second op of that name fails. */
  | {
      readonly kind: "named";
      readonly name: OpName;
      readonly nth: number;
      readonly errno: ErrnoName;
    }
  /** cni:ADD=hang, cni:ADD#2=fail: what the plugins answer to that command, or to its nth call only. */
  | {
      readonly kind: "cni";
      readonly command: CniCommand;
      readonly nth: number | undefined;
      readonly how: "hang" | "fail" | "garbage";
    }
  /** registry=drop@4096: the connection breaks at that byte of a blob; registry=503; registry=hang. */
  | { readonly kind: "registry"; readonly how: "hang" }
  | { readonly kind: "registry"; readonly how: "drop"; readonly byte: number }
  | { readonly kind: "registry"; readonly how: "status"; readonly status: number }
  /** shim=kill@12: the shim that was started last dies after the 12th op. */
  | { readonly kind: "shim"; readonly op: number }
  /** oom@40: after the 40th op the OOM killer takes the container that was started last. */
  | { readonly kind: "oom"; readonly op: number }
  /** record@5=crash: the daemon dies right after its 5th write of a record; =full: the disk refuses it. */
  | { readonly kind: "record"; readonly write: number; readonly how: "crash" | "full" };
