/**
 * What two kernels may say differently without meaning different things: numbers of mounts, devices, inodes, peer
 * groups and processes of the host, and the directory that a case lies in. They are numbered anew in the order in which
 * they appear, so that the text says which are the same and which are not.
 */
import { capabilityNames } from "../../apps/runtime/src/kernel/index.ts";

export interface NormaliseOptions {
  /** The case's directory; it becomes "~". */
  readonly directory: string;
  /** Other directories and what they are called, longest first. */
  readonly names: readonly (readonly [path: string, name: string])[];
  /** Directory of the containers' programs, whose mounts are left out. */
  readonly programs: string;
  /** Pids are the host's: then they say nothing. */
  readonly hostPids: boolean;
  /** Capabilities that the daemon has: that mask is "all". */
  readonly fullCapabilities: bigint;
  /** Every mount is of interest: the root was pivoted. Else only those in the case's directory. */
  readonly wholeTable: boolean;
  /** Inode numbers of the host's namespaces by type. */
  readonly hostNamespaces?: ReadonlyMap<string, string>;
}

class Renumbering {
  readonly #prefix: string;
  readonly #numbers = new Map<string, string>();

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  of(value: string): string {
    let number = this.#numbers.get(value);
    if (number === undefined) {
      number = `${this.#prefix}${this.#numbers.size + 1}`;
      this.#numbers.set(value, number);
    }
    return number;
  }
}

/** A capability mask in words: "none", "all", the names, or what is missing from all. */
export function capabilityText(hex: string, full: bigint): string {
  const mask = BigInt(`0x${hex.trim()}`) & full;
  if (mask === 0n) return "none";
  if (mask === full) return "all";
  const names = (set: bigint) =>
    capabilityNames
      .filter((_name, number) => (set >> BigInt(number)) & 1n)
      .map((name) => name.slice("CAP_".length).toLowerCase());
  const has = names(mask);
  const lacks = names(full & ~mask);
  return lacks.length < has.length ? `all but ${lacks.join(" ")}` : has.join(" ");
}

interface Mount {
  readonly id: string;
  readonly parent: string;
  readonly device: string;
  readonly root: string;
  readonly point: string;
  readonly attributes: string;
  readonly tags: readonly string[];
  readonly type: string;
  readonly readOnly: boolean;
}

/** A line of /proc/PID/mountinfo (proc_pid_mountinfo(5)). */
function readMount(line: string): Mount {
  const [before = "", after = ""] = line.split(" - ");
  const [id = "", parent = "", device = "", root = "", point = "", attributes = "", ...tags] =
    before.split(" ");
  const [type = "", , options = ""] = after.split(" ");
  const readOnly = options.split(",")[0] === "ro";
  return { id, parent, device, root, point, attributes, tags, type, readOnly };
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Keys of the probe's commands id, caps and ns, whose lines are said as one. */
const together = [
  ["uid", "gid", "groups", "pid", "ppid", "sid"],
  ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp"],
  ["ns"],
];

/** Lines that belong together, as one: a case is read more easily so. */
function joined(lines: readonly string[]): readonly string[] {
  const all: string[] = [];
  let group: readonly string[] | undefined;
  let last = "";
  for (const line of lines) {
    const key = line.split(" ", 1)[0] ?? "";
    const goesOn =
      group?.includes(key) && (key === "ns" || group.indexOf(key) > group.indexOf(last));
    const text = key === "ns" && goesOn ? line.slice("ns ".length) : line;
    if (goesOn) all.push(`${all.pop()}, ${text}`);
    else all.push(text);
    if (!goesOn) group = together.find((keys) => keys.includes(key));
    last = key;
  }
  return all;
}

export class Normaliser {
  readonly #options: NormaliseOptions;
  readonly #devices = new Renumbering("fs");
  readonly #peers = new Renumbering("");

  constructor(options: NormaliseOptions) {
    this.#options = options;
  }

  /** Replaces the directories of this run by their names. */
  names(text: string): string {
    let named = text.replaceAll(this.#options.directory, "~");
    for (const [path, name] of this.#options.names) named = named.replaceAll(path, name);
    return named;
  }

  /** Lines of the probe or of a program. Mounts that follow each other are one table; entries of a directory have no order. */
  lines(lines: readonly string[]): readonly string[] {
    const said: string[] = [];
    let table: string[] = [];
    let entries: string[] = [];
    for (const line of [...lines, ""]) {
      if (line.startsWith("mount ")) {
        table.push(line.slice("mount ".length));
        continue;
      }
      if (line.startsWith("entry ")) {
        entries.push(this.names(line));
        continue;
      }
      said.push(...this.#table(table), ...entries.sort(order));
      table = [];
      entries = [];
      if (line !== "") said.push(this.#line(line));
    }
    return joined(said);
  }

  #line(line: string): string {
    const space = line.indexOf(" ");
    const key = space < 0 ? line : line.slice(0, space);
    if (key === "ns") return this.#namespace(line);
    if (key === "pid" || key === "ppid" || key === "sid") return this.#process(line);
    if (key === "stat") return this.names(line).replace(/^(stat \S+ 4\d{4} \S+ \S+) \d+$/, "$1 -");
    if (/^Cap(Inh|Prm|Eff|Bnd|Amb):/.test(line)) {
      const [name = "", value = ""] = line.split(":");
      return `${name} ${capabilityText(value, this.#options.fullCapabilities)}`;
    }
    return this.names(line.replace(/\s+$/, "").replace(/:\t/, " "));
  }

  /** A mount table, parents before children, siblings by name: numbers of mounts say nothing but which is which. */
  #table(lines: readonly string[]): readonly string[] {
    const mounts = lines.map(readMount).filter((mount) => this.#concerns(mount));
    const byId = new Map(mounts.map((mount) => [mount.id, mount]));
    const depth = (mount: Mount): number => {
      const parent = byId.get(mount.parent);
      return parent === undefined || parent === mount ? 0 : 1 + depth(parent);
    };
    const sorted = mounts
      .map((mount) => ({ mount, depth: depth(mount) }))
      .sort((a, b) => order(a.mount.point, b.mount.point) || a.depth - b.depth);
    const numbers = new Map(sorted.map(({ mount }, index) => [mount.id, index + 1]));
    // The root of a namespace that was never pivoted is its own parent.
    const parentOf = ({ id, parent }: Mount) =>
      parent === id ? "-" : (numbers.get(parent) ?? "-");
    return sorted.map(({ mount }) =>
      [
        `mount ${numbers.get(mount.id)} on ${parentOf(mount)}`,
        `${this.names(mount.point)} ${mount.type}`,
        this.#devices.of(mount.device),
        this.names(mount.root).replace(/\[\d+\]/, "[]"),
        mount.attributes,
        ...(mount.readOnly ? ["fs-ro"] : []),
        ...mount.tags.map((tag) => tag.replace(/\d+/, (number) => this.#peers.of(number))),
      ].join(" "),
    );
  }

  /** Whether a mount is of the case: inside its directory or root, and none the bed itself puts into containers. */
  #concerns({ point, root }: Mount): boolean {
    const place = this.names(point);
    if (!this.#options.wholeTable && place !== "~" && !place.startsWith("~/")) return false;
    // The root of a mount is a path in its file system, which may be mounted anywhere.
    const [bed, bin] = this.#options.programs.split("/").slice(-2);
    return !root.endsWith(`/${bed}/${bin}`);
  }

  #namespace(line: string): string {
    const [, type = "", inode = ""] = line.split(" ");
    return `ns ${type} ${this.#options.hostNamespaces?.get(type) === inode ? "the host's" : "new"}`;
  }

  #process(line: string): string {
    const [key] = line.split(" ");
    return this.#options.hostPids ? `${key} (host)` : line;
  }
}
