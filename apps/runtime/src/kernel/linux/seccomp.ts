/**
 * Seccomp profiles compiled to BPF by libseccomp (seccomp_init(3) and its neighbours), through koffi.
 * Semantics are runc's: a rule whose action is the default is left out, a syscall this libseccomp does not
 * know is skipped, anything else that makes no sense is EINVAL naming the entry.
 */
import { closeSync, fstatSync, readSync } from "node:fs";
import koffi from "koffi";
import { KernelError } from "../errors.ts";
import type { SeccompProfile } from "../kernel.ts";
import { seccompArchitectures } from "../seccomp-architecture.ts";

const actions: Readonly<Record<string, number>> = {
  SCMP_ACT_KILL: 0,
  SCMP_ACT_KILL_THREAD: 0,
  SCMP_ACT_KILL_PROCESS: 0x8000_0000,
  SCMP_ACT_TRAP: 0x0003_0000,
  SCMP_ACT_ERRNO: 0x0005_0000,
  SCMP_ACT_TRACE: 0x7ff0_0000,
  SCMP_ACT_LOG: 0x7ffc_0000,
  SCMP_ACT_ALLOW: 0x7fff_0000,
};

const comparisons: Readonly<Record<string, number>> = {
  SCMP_CMP_NE: 1,
  SCMP_CMP_LT: 2,
  SCMP_CMP_LE: 3,
  SCMP_CMP_EQ: 4,
  SCMP_CMP_GE: 5,
  SCMP_CMP_GT: 6,
  SCMP_CMP_MASKED_EQ: 7,
};

const attributes = { noNewPrivs: 3, optimize: 8 } as const;
const optimizeBinaryTree = 2;
const eexist = -17;
const eperm = 1;
const errnoMax = 4095;
const argumentsMax = 6;

type Pointer = unknown;

interface Library {
  init(action: number): Pointer;
  release(filter: Pointer): void;
  attrSet(filter: Pointer, attribute: number, value: number): number;
  archAdd(filter: Pointer, token: number): number;
  resolve(name: string): number;
  ruleAdd(filter: Pointer, action: number, syscall: number, count: number, args: object[]): number;
  exportBpf(filter: Pointer, fd: number): number;
  memfd(name: string, flags: number): number;
}

let library: Library | undefined;

/** Loads libseccomp at the first use: a daemon whose pods are all unconfined never needs it. */
function load(): Library {
  if (library !== undefined) return library;
  let seccomp: ReturnType<typeof koffi.load>;
  try {
    seccomp = koffi.load("libseccomp.so.2");
  } catch (cause) {
    throw invalid(
      `libseccomp.so.2 cannot be loaded; install libseccomp2 (${String(cause)})`,
      "ENOSYS",
    );
  }
  koffi.struct("scmp_arg_cmp", {
    arg: "uint32_t",
    op: "int",
    datumA: "uint64_t",
    datumB: "uint64_t",
  });
  const libc = koffi.load("libc.so.6");
  library = {
    init: seccomp.func("void *seccomp_init(uint32_t action)"),
    release: seccomp.func("void seccomp_release(void *filter)"),
    attrSet: seccomp.func("int seccomp_attr_set(void *filter, int attribute, uint32_t value)"),
    archAdd: seccomp.func("int seccomp_arch_add(void *filter, uint32_t token)"),
    resolve: seccomp.func("int seccomp_syscall_resolve_name(const char *name)"),
    ruleAdd: seccomp.func(
      "int seccomp_rule_add_array(void *filter, uint32_t action, int syscall, uint32_t count, scmp_arg_cmp *args)",
    ),
    exportBpf: seccomp.func("int seccomp_export_bpf(void *filter, int fd)"),
    memfd: libc.func("int memfd_create(const char *name, unsigned int flags)"),
  };
  return library;
}

function invalid(message: string, errno = "EINVAL"): KernelError {
  return new KernelError({ errno, op: "library", detail: message, message: `seccomp: ${message}` });
}

function numberOf(
  table: Readonly<Record<string, number>>,
  name: string,
  what: string,
  where: string,
): number {
  const number = Object.hasOwn(table, name) ? table[name] : undefined;
  if (number === undefined) {
    const known = Object.keys(table).join(", ");
    throw invalid(`${where} has the unknown ${what} ${JSON.stringify(name)} (known: ${known})`);
  }
  return number;
}

function actionOf(name: string, errnoRet: number | undefined, where: string): number {
  const action = numberOf(actions, name, "action", where);
  if (name !== "SCMP_ACT_ERRNO" && name !== "SCMP_ACT_TRACE") return action;
  const errno = errnoRet ?? eperm;
  if (!Number.isInteger(errno) || errno < 0 || errno > errnoMax) {
    throw invalid(`${where} has the errnoRet ${errno}, which is none`);
  }
  return (action | errno) >>> 0;
}

type Rule = NonNullable<SeccompProfile["syscalls"]>[number];

/** JSON has no 64 bits: what a double does not hold exactly would be another condition than the one meant. */
function operand(value: number, where: string): bigint {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw invalid(`${where} compares with ${value}, which is no whole number from 0 to 2^53`);
  }
  return BigInt(value);
}

function argumentsOf(rule: Rule, where: string): object[] {
  return (rule.args ?? []).map((argument) => {
    if (!(argument.index >= 0 && argument.index < argumentsMax)) {
      throw invalid(`${where} compares argument ${argument.index}; a system call has six, from 0`);
    }
    return {
      arg: argument.index,
      op: numberOf(comparisons, argument.op, "comparison", where),
      datumA: operand(argument.value, where),
      datumB: operand(argument.valueTwo ?? 0, where),
    };
  });
}

/** Adds the rule for every name; conditions on one argument twice are alternatives, as in runc. */
function addRule(lib: Library, filter: Pointer, rule: Rule, index: number, fallback: number): void {
  const where = `syscalls[${index}]`;
  const action = actionOf(rule.action, rule.errnoRet, where);
  if (action === fallback) return;
  const args = argumentsOf(rule, where);
  const used = (rule.args ?? []).map((argument) => argument.index);
  const alternatives =
    new Set(used).size < used.length ? args.map((argument) => [argument]) : [args];
  for (const name of rule.names) {
    const syscall = lib.resolve(name);
    if (syscall === -1) continue;
    for (const conditions of alternatives) {
      const result = lib.ruleAdd(filter, action, syscall, conditions.length, conditions);
      if (result < 0) throw invalid(`${where}: libseccomp refused ${name} (error ${-result})`);
    }
  }
}

/** The filter as struct sock_filter[], read back from a memfd. */
function exported(lib: Library, filter: Pointer): Uint8Array {
  const closeOnExec = 1;
  const fd = lib.memfd("seccomp", closeOnExec);
  if (fd < 0) throw invalid("no memfd for the filter", "EMFILE");
  try {
    const result = lib.exportBpf(filter, fd);
    if (result < 0) throw invalid(`libseccomp could not export the filter (error ${-result})`);
    const bytes = new Uint8Array(fstatSync(fd).size);
    readSync(fd, bytes, 0, bytes.length, 0);
    return bytes;
  } finally {
    closeSync(fd);
  }
}

/** Compiled filters by profile: nearly every container of a node has the same one. */
const compiled = new Map<string, Uint8Array>();
const compiledMax = 64;

/**
 * Compiles a profile in the shape of the OCI runtime specification's linux.seccomp.
 * @throws KernelError EINVAL naming the broken entry, ENOSYS without libseccomp.
 */
export function compileSeccomp(profile: SeccompProfile): Uint8Array {
  const key = JSON.stringify(profile);
  const known = compiled.get(key);
  if (known !== undefined) return known;
  const lib = load();
  const fallback = actionOf(profile.defaultAction, profile.defaultErrnoRet, "defaultAction");
  const filter = lib.init(fallback);
  if (filter === null) throw invalid("libseccomp refused the default action");
  try {
    // no_new_privs is an op of the Plan. A call of an architecture that the profile does not name kills, which is
    // libseccomp's default: what the profile denies must not be had by int 0x80.
    lib.attrSet(filter, attributes.noNewPrivs, 0);
    lib.attrSet(filter, attributes.optimize, optimizeBinaryTree);
    for (const name of profile.architectures ?? []) {
      const token = numberOf(seccompArchitectures, name, "architecture", "architectures");
      const result = lib.archAdd(filter, token);
      if (result < 0 && result !== eexist) throw invalid(`libseccomp refused architecture ${name}`);
    }
    profile.syscalls?.forEach((rule, index) => {
      addRule(lib, filter, rule, index, fallback);
    });
    const bytes = exported(lib, filter);
    if (compiled.size >= compiledMax) compiled.clear();
    compiled.set(key, bytes);
    return bytes;
  } finally {
    lib.release(filter);
  }
}
