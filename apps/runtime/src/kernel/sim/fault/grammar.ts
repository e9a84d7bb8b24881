/**
 * The grammar of faults, as the command line and scenarios write them:
 *
 *   crash@N               the daemon dies after the Nth op
 *   op@N=ERRNO            the Nth op fails
 *   NAME#N=ERRNO          the Nth op of that name fails: mount#2=ENOSPC
 *   cni:COMMAND=HOW       ADD, DEL, CHECK, STATUS, VERSION; hang, fail, or garbage: it does its work and prints
 *                         nonsense instead of the result; cni:ADD#2=hang for one call only
 *   registry=HOW          hang, an HTTP status (registry=503), or drop@BYTE: one connection breaks at that byte of a blob
 *   shim=kill@N           the shim that was started last dies after the Nth op
 *   oom@N                 the OOM killer takes the container that was started last, after the Nth op
 *   record@N=HOW          crash: the daemon dies after its Nth record write; full: the disk refuses it
 *
 * Ops and record writes are counted from 1, from the first start of a daemon on.
 */
import { type ErrnoName, errnoByName } from "../../errno.ts";
import { RuntimeError } from "../../errors.ts";
import type { OpName } from "../../op.ts";
import { opNames } from "../world/op-durations.ts";
import type { CniCommand, Fault } from "./fault.ts";
import { nearest } from "./nearest.ts";

const cniCommands: readonly CniCommand[] = ["ADD", "DEL", "CHECK", "STATUS", "VERSION"];
const cniWays = ["hang", "fail", "garbage"] as const;
const recordWays = ["crash", "full"] as const;
const forms =
  "crash@N, op@N=ERRNO, OP#N=ERRNO, cni:COMMAND=HOW, registry=HOW, shim=kill@N, oom@N, record@N=HOW";

function bad(text: string, why: string): never {
  throw new RuntimeError("INVALID_ARGUMENT", `the fault "${text}" ${why}`);
}

/** "; did you mean X?" when something is near. */
function suggestion(name: string, known: readonly string[]): string {
  const near = nearest(name, known);
  return near === undefined ? "" : `; did you mean "${near}"?`;
}

/** One of `known`, or an error that says which there are. */
function oneOf<T extends string>(text: string, what: string, name: string, known: readonly T[]): T {
  const found = known.find((one) => one === name);
  if (found !== undefined) return found;
  const list = known.length > 12 ? "" : ` (there are: ${known.join(", ")})`;
  return bad(text, `names no ${what}: "${name}"${list}${suggestion(name, known)}`);
}

function count(text: string, number: string, what: string): number {
  if (/^[1-9][0-9]{0,8}$/.test(number)) return Number(number);
  return bad(text, `has "${number}" for ${what}; that must be a whole number from 1 on`);
}

function errnoOf(text: string, name: string): ErrnoName {
  return oneOf(text, "errno", name, Object.keys(errnoByName) as ErrnoName[]);
}

/** "left=right"; an error when there is no "=". */
function halves(text: string): readonly [left: string, right: string] {
  const at = text.indexOf("=");
  if (at < 0) return bad(text, `has no "="; the forms are: ${forms}`);
  return [text.slice(0, at), text.slice(at + 1)];
}

function cniFault(text: string, left: string, how: string): Fault {
  const [command = "", nth] = left.slice("cni:".length).split("#");
  return {
    kind: "cni",
    command: oneOf(text, "CNI command", command, cniCommands),
    nth: nth === undefined ? undefined : count(text, nth, "the number of the call"),
    how: oneOf(text, "way for a plugin to fail", how, cniWays),
  };
}

function registryFault(text: string, how: string): Fault {
  if (how === "hang") return { kind: "registry", how };
  if (how.startsWith("drop@")) {
    const byte = count(text, how.slice("drop@".length), "the byte");
    return { kind: "registry", how: "drop", byte };
  }
  if (/^[45][0-9][0-9]$/.test(how)) return { kind: "registry", how: "status", status: Number(how) };
  return bad(
    text,
    `names no way for a registry to fail: hang, drop@BYTE, or a status from 400 to 599`,
  );
}

function namedFault(text: string, left: string, errno: string): Fault {
  const [name = "", nth = ""] = left.split("#");
  return {
    kind: "named",
    name: oneOf(text, "op", name, opNames) as OpName,
    nth: count(text, nth, "which of them"),
    errno: errnoOf(text, errno),
  };
}

/** Reads one fault. RuntimeError INVALID_ARGUMENT that says what there is, and what was probably meant. */
export function parseFault(text: string): Fault {
  if (text.startsWith("crash@")) return { kind: "crash", op: count(text, text.slice(6), "the op") };
  if (text.startsWith("oom@")) return { kind: "oom", op: count(text, text.slice(4), "the op") };
  const [left, right] = halves(text);
  if (left.startsWith("cni:")) return cniFault(text, left, right);
  if (left === "registry") return registryFault(text, right);
  if (left === "shim") {
    if (!right.startsWith("kill@")) return bad(text, "must be shim=kill@N");
    return { kind: "shim", op: count(text, right.slice("kill@".length), "the op") };
  }
  if (left.startsWith("op@")) {
    const op = count(text, left.slice("op@".length), "the op");
    return { kind: "op", op, errno: errnoOf(text, right) };
  }
  if (left.startsWith("record@")) {
    const write = count(text, left.slice("record@".length), "the write");
    return { kind: "record", write, how: oneOf(text, "fate of a record", right, recordWays) };
  }
  if (left.includes("#")) return namedFault(text, left, right);
  const heads = ["crash", "op", "cni", "registry", "shim", "oom", "record", ...opNames];
  const head = left.split(/[@:#]/)[0] ?? "";
  return bad(text, `is of no known form${suggestion(head, heads)} (the forms are: ${forms})`);
}

/** The fault as text that parseFault reads. */
export function faultText(fault: Fault): string {
  switch (fault.kind) {
    case "crash":
      return `crash@${fault.op}`;
    case "op":
      return `op@${fault.op}=${fault.errno}`;
    case "named":
      return `${fault.name}#${fault.nth}=${fault.errno}`;
    case "cni":
      return `cni:${fault.command}${fault.nth === undefined ? "" : `#${fault.nth}`}=${fault.how}`;
    case "registry":
      if (fault.how === "drop") return `registry=drop@${fault.byte}`;
      return `registry=${fault.how === "status" ? fault.status : fault.how}`;
    case "shim":
      return `shim=kill@${fault.op}`;
    case "oom":
      return `oom@${fault.op}`;
    case "record":
      return `record@${fault.write}=${fault.how}`;
  }
}
