/**
 * Plan to bytes, in the form that native/include/plan.h describes and native/exec/decode.c reads.
 * Slot and barrier names become numbers here; everything else is said as it stands.
 */
import { capabilityNames } from "../capability.ts";
import { errnoByName } from "../errno.ts";
import { messageOf } from "../errors.ts";
import type {
  AttributeOp,
  FileOp,
  IdMapping,
  MountOp,
  Op,
  ProcessName,
  ProcessOp,
  Slot,
} from "../op.ts";
import type { Plan, PlanStep } from "../plan.ts";
import {
  barriersMax,
  createKinds,
  fixedSlots,
  mountAttrBits,
  namespaceBits,
  nodeTypes,
  opcodes,
  openFlagBits,
  planMagic,
  planOpsMax,
  planVersion,
  processNames,
  propagationNumbers,
  rlimitNumbers,
  seccompFlagBits,
  slotFirst,
  slotNone,
  slotsMax,
  writeHows,
} from "./wire-numbers.ts";
import { encodeError, WireWriter } from "./wire-writer.ts";

/** "Leave the owner as it is" of chown(2). */
const idUnchanged = 0xffffffff;

function bits<Name extends string>(
  table: Readonly<Record<Name, number>>,
  names: readonly Name[],
  what: string,
): number {
  let set = 0;
  for (const name of names) {
    if (!Object.hasOwn(table, name)) throw encodeError(`${what} "${name}" is unknown`);
    set |= table[name];
  }
  return set;
}

function numberOf<Name extends string>(
  table: Readonly<Record<Name, number>>,
  name: Name,
  what: string,
): number {
  if (!Object.hasOwn(table, name)) throw encodeError(`${what} "${name}" is unknown`);
  return table[name];
}

function capabilitySet(names: readonly string[]): bigint {
  let set = 0n;
  for (const name of names) {
    const number = (capabilityNames as readonly string[]).indexOf(name);
    if (number < 0) throw encodeError(`capability "${name}" is unknown`);
    set |= 1n << BigInt(number);
  }
  return set;
}

/** RLIM_INFINITY is all ones. */
function limit(value: number): bigint {
  if (value === -1) return 0xffffffffffffffffn;
  if (!Number.isSafeInteger(value) || value < 0) throw encodeError(`rlimit ${value} is no limit`);
  return BigInt(value);
}

/** A writer that also numbers the slots and barriers of one Plan. */
class PlanWriter extends WireWriter {
  readonly #slots = new Map<Slot, number>(Object.entries(fixedSlots));
  readonly #barriers = new Map<string, number>();

  slot(name: Slot | undefined): this {
    if (name === undefined) return this.u16(slotNone);
    let number = this.#slots.get(name);
    if (number === undefined) {
      number = slotFirst + this.#slots.size - Object.keys(fixedSlots).length;
      if (number >= slotsMax) throw encodeError("plan uses too many slots");
      this.#slots.set(name, number);
    }
    return this.u16(number);
  }

  /** A slot that may be absent, and the path that starts there. */
  at(op: { readonly at?: Slot }, path: string): this {
    return this.slot(op.at).string(path);
  }

  process(name: ProcessName): this {
    const number = processNames.indexOf(name);
    if (number < 0) throw encodeError(`process "${name}" is unknown`);
    return this.u8(number);
  }

  barrier(name: string): this {
    let number = this.#barriers.get(name);
    if (number === undefined) {
      number = this.#barriers.size;
      if (number >= barriersMax) throw encodeError("plan uses too many barriers");
      this.#barriers.set(name, number);
    }
    return this.u8(number);
  }

  mappings(mappings: readonly IdMapping[]): this {
    this.u16(mappings.length);
    for (const { containerId, hostId, size } of mappings) {
      this.u32(containerId).u32(hostId).u32(size);
    }
    return this;
  }
}

function processBody(out: PlanWriter, op: ProcessOp): PlanWriter {
  switch (op.op) {
    case "clone3":
      out.process(op.child);
      out.u32(bits(namespaceBits, op.namespaces, "namespace"));
      return out.slot(op.cgroup);
    case "unshare":
      return out.u32(bits(namespaceBits, op.namespaces, "namespace"));
    case "setns":
      out.slot(op.fd);
      return out.u32(bits(namespaceBits, op.namespaces, "namespace"));
    case "pidfdOpen":
      out.i32(op.pid);
      out.u64(BigInt(op.startTime));
      return out.slot(op.as);
    case "idMap":
      out.process(op.child);
      out.mappings(op.uid);
      return out.mappings(op.gid);
    case "await":
    case "release":
      return out.barrier(op.barrier);
    case "awaitStart":
    case "setsid":
      return out;
    case "console":
      out.slot(op.at);
      out.u16(op.width);
      return out.u16(op.height);
    case "closeRange":
      out.u32(op.from);
      out.u16(op.keep.length);
      for (const slot of op.keep) out.slot(slot);
      return out;
    case "execve":
      out.string(op.path);
      out.strings(op.argv);
      return out.strings(op.env);
  }
  return op satisfies never;
}

function fileBody(out: PlanWriter, op: FileOp): PlanWriter {
  switch (op.op) {
    case "open":
      out.at(op, op.path);
      out.u32(bits(openFlagBits, op.flags, "open flag"));
      out.u32(op.mode ?? 0);
      return out.slot(op.as);
    case "close":
      return out.slot(op.fd);
    case "mkdir":
      out.at(op, op.path);
      out.u32(op.mode);
      out.bool(op.parents ?? false);
      out.u32(op.uid ?? idUnchanged);
      return out.u32(op.gid ?? idUnchanged);
    case "mknod":
      out.at(op, op.path);
      out.u8(numberOf(nodeTypes, op.type, "node type"));
      out.u32(op.major ?? 0);
      out.u32(op.minor ?? 0);
      out.u32(op.mode);
      out.u32(op.uid ?? idUnchanged);
      return out.u32(op.gid ?? idUnchanged);
    case "symlink":
      out.slot(op.at);
      out.string(op.target);
      return out.string(op.path);
    case "writeFile":
      out.at(op, op.path);
      out.bytes(op.data);
      out.u32(op.mode);
      return out.u8(numberOf(writeHows, op.how, "way to write"));
    case "chmod":
      out.at(op, op.path);
      return out.u32(op.mode);
    case "chown":
      out.at(op, op.path);
      out.u32(op.uid === -1 ? idUnchanged : op.uid);
      return out.u32(op.gid === -1 ? idUnchanged : op.gid);
    case "unlink":
    case "rmdir":
    case "removeTree":
      return out.at(op, op.path);
    case "rename":
    case "copyTree":
      out.slot(op.at);
      out.string(op.from);
      return out.string(op.to);
  }
  return op satisfies never;
}

function mountBody(out: PlanWriter, op: MountOp): PlanWriter {
  switch (op.op) {
    case "mount":
      out.string(op.source);
      out.string(op.target);
      out.string(op.fstype);
      out.u32(bits(mountAttrBits, op.attrs, "mount attribute"));
      return out.string(op.data);
    case "fsmount":
      out.string(op.fstype);
      out.string(op.source);
      out.u16(op.options.length);
      for (const [key, value] of op.options) {
        out.string(key);
        out.string(value);
      }
      out.u32(bits(mountAttrBits, op.attrs, "mount attribute"));
      return out.slot(op.as);
    case "openTree":
      out.at(op, op.path);
      out.bool(op.clone);
      out.bool(op.recursive);
      return out.slot(op.as);
    case "mountSetattr":
      out.slot(op.fd);
      out.u32(bits(mountAttrBits, op.set, "mount attribute"));
      out.u32(bits(mountAttrBits, op.clear, "mount attribute"));
      out.bool(op.recursive);
      out.u8(op.propagation ? numberOf(propagationNumbers, op.propagation, "propagation") : 0);
      return out.slot(op.idmap);
    case "moveMount":
      out.slot(op.fd);
      out.at(op, op.path);
      out.u8(op.create ? numberOf(createKinds, op.create, "kind of mount point") : 0);
      return out.bool(op.ordinary ?? false);
    case "propagate":
      out.at(op, op.path);
      out.u8(numberOf(propagationNumbers, op.propagation, "propagation"));
      return out.bool(op.recursive);
    case "pivotRoot":
    case "chroot":
      return out.slot(op.root);
    case "umount":
      out.string(op.path);
      return out.bool(op.detach);
    case "maskPath":
    case "readonlyPath":
      return out.string(op.path);
  }
  return op satisfies never;
}

function attributeBody(out: PlanWriter, op: AttributeOp): PlanWriter {
  switch (op.op) {
    case "sethostname":
    case "setdomainname":
    case "linkUp":
      return out.string(op.name);
    case "sysctl":
      out.string(op.key);
      return out.string(op.value);
    case "rlimit":
      out.u8(numberOf(rlimitNumbers, op.type, "rlimit"));
      out.u64(limit(op.soft));
      return out.u64(limit(op.hard));
    case "oomScoreAdj":
      out.i32(op.value);
      return out.bool(op.clamp);
    case "umask":
      return out.u32(op.mask);
    case "chdir":
      out.string(op.path);
      return out.bool(op.create ?? false);
    case "setgroups":
      out.u16(op.groups.length);
      for (const group of op.groups) out.u32(group);
      return out;
    case "setresgid":
      return out.u32(op.gid);
    case "setresuid":
      return out.u32(op.uid);
    case "keepCaps":
    case "dumpable":
      return out.bool(op.on);
    case "capBounding":
      return out.u64(capabilitySet(op.keep));
    case "capset":
      out.u64(capabilitySet(op.effective));
      out.u64(capabilitySet(op.permitted));
      out.u64(capabilitySet(op.inheritable));
      return out.u64(capabilitySet(op.ambient));
    case "noNewPrivs":
      return out;
    case "parentDeathSignal":
      return out.i32(op.signal);
    case "cgroupJoin":
      return out.string(op.path);
    case "apparmor":
      return out.string(op.profile);
    case "selinux":
      return out.string(op.label);
    case "seccomp":
      out.bytes(op.filter);
      return out.u32(bits(seccompFlagBits, op.flags, "seccomp flag"));
    case "deviceFilter":
      return out.string(op.path).bytes(op.program);
  }
  return op satisfies never;
}

function opBody(out: PlanWriter, op: Op): PlanWriter {
  const opcode = opcodes[op.op];
  if (opcode < 20) return processBody(out, op as ProcessOp);
  if (opcode < 40) return fileBody(out, op as FileOp);
  if (opcode < 60) return mountBody(out, op as MountOp);
  return attributeBody(out, op as AttributeOp);
}

function writeStep(out: PlanWriter, step: PlanStep): void {
  const ignore = step.ignore ?? [];
  out
    .u16(numberOf(opcodes, step.op.op, "op"))
    .process(step.process)
    .u8(ignore.length);
  const lengthAt = out.length;
  out.u32(0);
  for (const name of ignore) out.u16(numberOf(errnoByName, name, "errno"));
  const start = out.length;
  opBody(out, step.op);
  out.patch32(lengthAt, out.length - start);
}

/**
 * The Plan's binary form. Throws KernelError EINVAL, naming the op, for what cannot be said: numbers
 * out of range, unknown names, strings with a NUL, more than the bounds of plan.h.
 */
export function encodePlan(plan: Plan): Uint8Array {
  if (plan.steps.length > planOpsMax) throw encodeError(`plan has more than ${planOpsMax} ops`);
  const out = new PlanWriter();
  out.u32(planMagic).u16(planVersion).u16(plan.steps.length);
  const lengthAt = out.length;
  out.u32(0);
  for (const [index, step] of plan.steps.entries()) {
    try {
      writeStep(out, step);
    } catch (error) {
      throw encodeError(`${step.op.op} (op ${index} of "${plan.name}"): ${messageOf(error)}`);
    }
  }
  out.patch32(lengthAt, out.length);
  return out.finish();
}
