/**
 * A Plan as text: one aligned line an op, for people and for inline snapshots.
 *
 * Environment values are left out (names only), file contents and BPF programs are said by size, and
 * whatever is not plain is quoted, so a line is always one line.
 */
import type { AttributeOp, FileOp, MountOp, Op, ProcessOp, Slot } from "./op.ts";
import type { Plan } from "./plan.ts";

const plain = /^[\w@%+=:,./~[\]{}#*-]+$/;

/** The text as it stands when it is plain, quoted as in JSON otherwise. */
function word(text: string): string {
  return plain.test(text) ? text : JSON.stringify(text);
}

function place(at: Slot | undefined, path: string): string {
  if (at === undefined) return word(path);
  return path === "" ? `<${at}>` : `<${at}>${path.startsWith("/") ? "" : "/"}${word(path)}`;
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, "0");
}

function list(values: readonly (string | number)[]): string {
  return values.length === 0 ? "none" : values.join(",");
}

function owner(op: { readonly uid?: number; readonly gid?: number }): string {
  if (op.uid === undefined && op.gid === undefined) return "";
  return `owner ${op.uid ?? "-"}:${op.gid ?? "-"}`;
}

/** "NAME" for "NAME=value": values may be secrets. */
export function envNames(env: readonly string[]): string[] {
  return env.map((entry) => {
    const equals = entry.indexOf("=");
    return equals < 0 ? entry : entry.slice(0, equals);
  });
}

/** "root may only look": 16 capabilities say more as a count than as a line of names. */
function capabilities(names: readonly string[]): string {
  if (names.length > 4) return `${names.length} capabilities`;
  return list(names.map((name) => name.replace(/^CAP_/, "").toLowerCase()));
}

function limitText(value: number): string {
  return value === -1 ? "unlimited" : String(value);
}

type Words = readonly (string | false | undefined)[];

function processWords(op: ProcessOp): Words {
  switch (op.op) {
    case "clone3":
      return [op.child, `new ${list(op.namespaces)}`, op.cgroup && `cgroup <${op.cgroup}>`];
    case "unshare":
      return [list(op.namespaces)];
    case "setns":
      return [`<${op.fd}>`, list(op.namespaces)];
    case "pidfdOpen":
      return [`pid ${op.pid}`, `as <${op.as}>`];
    case "idMap":
      return [
        op.child,
        ...op.uid.map((map) => `uid ${map.containerId}=${map.hostId}+${map.size}`),
        ...op.gid.map((map) => `gid ${map.containerId}=${map.hostId}+${map.size}`),
      ];
    case "await":
    case "release":
      return [op.barrier];
    case "awaitStart":
    case "setsid":
      return [];
    case "console":
      return [`in <${op.at}>`, `${op.width}x${op.height}`];
    case "closeRange":
      return [
        `from ${op.from}`,
        op.keep.length > 0 && `but ${op.keep.map((s) => `<${s}>`).join(" ")}`,
      ];
    case "execve":
      return [
        word(op.path),
        `argv [${op.argv.map(word).join(" ")}]`,
        `env ${list(envNames(op.env).map(word))}`,
      ];
  }
  return op satisfies never;
}

function fileWords(op: FileOp): Words {
  switch (op.op) {
    case "open":
      return [place(op.at, op.path), list(op.flags), `as <${op.as}>`];
    case "close":
      return [`<${op.fd}>`];
    case "mkdir":
      return [place(op.at, op.path), octal(op.mode), owner(op), op.parents && "with parents"];
    case "mknod":
      return [
        place(op.at, op.path),
        op.type,
        (op.type === "char" || op.type === "block") && `${op.major ?? 0}:${op.minor ?? 0}`,
        octal(op.mode),
        owner(op),
      ];
    case "symlink":
      return [place(op.at, op.path), "->", word(op.target)];
    case "writeFile":
      return [
        place(op.at, op.path),
        `${op.data.length} bytes`,
        op.how,
        op.how === "create" && octal(op.mode),
      ];
    case "chmod":
      return [place(op.at, op.path), octal(op.mode)];
    case "chown":
      return [place(op.at, op.path), owner(op)];
    case "unlink":
    case "rmdir":
    case "removeTree":
      return [place(op.at, op.path)];
    case "rename":
    case "copyTree":
      return [place(op.at, op.from), "to", word(op.to)];
  }
  return op satisfies never;
}

function mountWords(op: MountOp): Words {
  switch (op.op) {
    case "mount":
      return [
        word(op.fstype),
        op.source !== "" && op.source !== op.fstype && `from ${word(op.source)}`,
        `on ${word(op.target)}`,
        op.attrs.length > 0 && list(op.attrs),
        op.data !== "" && `data ${word(op.data)}`,
      ];
    case "fsmount":
      return [
        word(op.fstype),
        `as <${op.as}>`,
        op.attrs.length > 0 && list(op.attrs),
        ...op.options.map(([key, value]) => word(value === "" ? key : `${key}=${value}`)),
      ];
    case "openTree":
      return [
        place(op.at, op.path),
        `as <${op.as}>`,
        op.clone && "clone",
        op.recursive && "recursive",
      ];
    case "mountSetattr":
      return [
        `<${op.fd}>`,
        op.set.length > 0 && `set ${list(op.set)}`,
        op.clear.length > 0 && `clear ${list(op.clear)}`,
        op.propagation,
        op.idmap && `idmap <${op.idmap}>`,
        op.recursive && "recursive",
      ];
    case "moveMount":
      return [
        `<${op.fd}>`,
        `on ${place(op.at, op.path)}`,
        op.create && `create ${op.create}`,
        op.ordinary && "ordinary",
      ];
    case "propagate":
      return [place(op.at, op.path), op.propagation, op.recursive && "recursive"];
    case "pivotRoot":
    case "chroot":
      return [`<${op.root}>`];
    case "umount":
      return [word(op.path), op.detach && "detach"];
    case "maskPath":
    case "readonlyPath":
      return [word(op.path)];
  }
  return op satisfies never;
}

function attributeWords(op: AttributeOp): Words {
  switch (op.op) {
    case "sethostname":
    case "setdomainname":
    case "linkUp":
      return [word(op.name)];
    case "sysctl":
      return [word(op.key), "=", word(op.value)];
    case "rlimit":
      return [op.type, `soft ${limitText(op.soft)}`, `hard ${limitText(op.hard)}`];
    case "oomScoreAdj":
      return [String(op.value), op.clamp && "clamp"];
    case "umask":
      return [octal(op.mask)];
    case "chdir":
      return [word(op.path), op.create && "create"];
    case "setgroups":
      return [list(op.groups)];
    case "setresgid":
      return [String(op.gid)];
    case "setresuid":
      return [String(op.uid)];
    case "keepCaps":
    case "dumpable":
      return [op.on ? "on" : "off"];
    case "capBounding":
      return ["keep", capabilities(op.keep)];
    case "capset":
      return [
        `effective ${capabilities(op.effective)}`,
        `permitted ${capabilities(op.permitted)}`,
        `inheritable ${capabilities(op.inheritable)}`,
        `ambient ${capabilities(op.ambient)}`,
      ];
    case "noNewPrivs":
      return [];
    case "parentDeathSignal":
      return [String(op.signal)];
    case "cgroupJoin":
      return [word(op.path)];
    case "apparmor":
      return [word(op.profile)];
    case "selinux":
      return [word(op.label)];
    case "seccomp":
      return [
        `${Math.floor(op.filter.length / 8)} instructions`,
        op.flags.length > 0 && list(op.flags),
      ];
    case "deviceFilter":
      return [word(op.path), `${Math.floor(op.program.length / 8)} instructions`];
  }
  return op satisfies never;
}

const processOps = new Set<string>([
  "clone3",
  "unshare",
  "setns",
  "pidfdOpen",
  "idMap",
  "await",
  "release",
  "awaitStart",
  "setsid",
  "console",
  "closeRange",
  "execve",
] satisfies ProcessOp["op"][]);

const fileOps = new Set<string>([
  "open",
  "close",
  "mkdir",
  "mknod",
  "symlink",
  "writeFile",
  "chmod",
  "chown",
  "unlink",
  "rmdir",
  "removeTree",
  "rename",
  "copyTree",
] satisfies FileOp["op"][]);

const mountOps = new Set<string>([
  "mount",
  "fsmount",
  "openTree",
  "mountSetattr",
  "moveMount",
  "propagate",
  "pivotRoot",
  "chroot",
  "umount",
  "maskPath",
  "readonlyPath",
] satisfies MountOp["op"][]);

function partsOf(op: Op): Words {
  if (processOps.has(op.op)) return processWords(op as ProcessOp);
  if (fileOps.has(op.op)) return fileWords(op as FileOp);
  if (mountOps.has(op.op)) return mountWords(op as MountOp);
  return attributeWords(op as AttributeOp);
}

/** An op is said in its Plan's text and in its span: the words are made once. Ops never change. */
const wordsOf = new WeakMap<Op, string>();

function words(op: Op): string {
  const known = wordsOf.get(op);
  if (known !== undefined) return known;
  let text = "";
  for (const part of partsOf(op)) {
    if (typeof part === "string" && part !== "") text = text === "" ? part : `${text} ${part}`;
  }
  wordsOf.set(op, text);
  return text;
}

/** One op as one line: "mkdir <rootfs>/dev/pts 0755". */
export function opToText(op: Op): string {
  const rest = words(op);
  return rest === "" ? op.op : `${op.op} ${rest}`;
}

/** The whole Plan: its name, then a line for each op with index, process, op and arguments in columns. */
export function planToText(plan: Plan): string {
  const indexWidth = String(Math.max(plan.steps.length - 1, 0)).length;
  const opWidth = Math.max(0, ...plan.steps.map(({ op }) => op.op.length));
  const lines = plan.steps.map(({ process, op, ignore }, index) => {
    const columns = [
      String(index).padStart(indexWidth),
      process.padEnd(4),
      op.op.padEnd(opWidth),
      words(op),
      ignore && ignore.length > 0 ? `(ignore ${ignore.join(" ")})` : "",
    ];
    return columns.join("  ").trimEnd();
  });
  return [plan.name, ...lines].join("\n");
}
