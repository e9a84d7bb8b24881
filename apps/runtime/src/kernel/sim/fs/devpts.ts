/** devpts: pseudo terminals by number, and ptmx that makes them. Each mount is an instance of its own (devpts.rst). */
import { O_NOCTTY } from "../abi.ts";
import type { Machine } from "../machine.ts";
import type { Process } from "../process/process.ts";
import { refuse } from "../refusal.ts";
import { toHostId } from "../user/user-namespace.ts";
import type { FileSystem } from "../vfs/file-system.ts";
import type { Dentry } from "../vfs/inode.ts";
import type { PathPoint } from "../vfs/mount.ts";
import { OpenFile } from "../vfs/open-file.ts";
import type { Owner, PseudoEntry } from "./pseudo-entry.ts";
import { PseudoFileSystem } from "./pseudo-file-system.ts";
import { Pty, PtyMaster, PtySlave } from "./pty.ts";

const magic = 0x1cd1;
/** Of the multiplexer, in every instance. */
const ptmxInode = 2;
const slaveMajor = 136;
const countMax = 4096;

interface DevptsOptions {
  readonly mode: number;
  readonly ptmxMode: number;
  /** Host ids; undefined: those of who opens ptmx. */
  readonly uid: number | undefined;
  readonly gid: number | undefined;
  readonly max: number;
}

/** /dev/pts/N. */
class SlaveEntry implements PseudoEntry {
  readonly type = "char" as const;
  readonly mode: number;
  readonly subject: Pty;
  readonly major = slaveMajor;
  readonly minor: number;
  readonly #owner: Owner;

  constructor(pty: Pty, mode: number, owner: Owner) {
    this.subject = pty;
    this.minor = pty.number;
    this.mode = mode;
    this.#owner = owner;
  }

  owner(): Owner {
    return this.#owner;
  }

  /** A session leader without a terminal gets this one, unless it says O_NOCTTY (credentials(7)). */
  open(flags: number, opener: Process, point: PathPoint | undefined): OpenFile {
    const pty = this.subject;
    if (!pty.masterOpen) refuse("EIO");
    const file = new OpenFile({
      point,
      inode: point?.dentry.inode,
      flags,
      stream: new PtySlave(pty),
      label: `/dev/pts/${pty.number}`,
    });
    const leads = opener.session === opener.pid && opener.tty === undefined;
    if (leads && (flags & O_NOCTTY) === 0) opener.tty = file;
    return file;
  }
}

class DevptsRoot implements PseudoEntry {
  readonly type = "directory" as const;
  readonly mode = 0o755;
  readonly subject: object;
  readonly slaves = new Map<number, SlaveEntry>();
  readonly #options: DevptsOptions;
  readonly #owner: Owner;
  readonly #ptmx: PseudoEntry;

  constructor(machine: Machine, options: DevptsOptions, owner: Owner) {
    this.subject = machine;
    this.#options = options;
    this.#owner = owner;
    this.#ptmx = {
      type: "char",
      mode: options.ptmxMode,
      subject: this.slaves,
      major: 5,
      minor: 2,
      owner: () => owner,
      open: (flags, opener, point) => this.openMaster(flags, opener, point),
    };
  }

  owner(): Owner {
    return this.#owner;
  }

  /** A new pty; ENOSPC when there are as many as allowed. */
  openMaster(flags: number, opener: Process, point: PathPoint | undefined): OpenFile {
    const { mode, uid, gid, max } = this.#options;
    let number = 0;
    while (this.slaves.has(number)) number++;
    if (number >= max) return refuse("ENOSPC");
    const pty = new Pty(opener.machine, number);
    const { fsuid, fsgid } = opener.credentials;
    this.slaves.set(number, new SlaveEntry(pty, mode, { uid: uid ?? fsuid, gid: gid ?? fsgid }));
    const stream = new PtyMaster(pty, () => this.slaves.delete(number));
    return new OpenFile({ point, inode: point?.dentry.inode, flags, stream, label: "/dev/ptmx" });
  }

  child(name: string): PseudoEntry | undefined {
    if (name === "ptmx") return this.#ptmx;
    const number = Number(name);
    return String(number) === name ? this.slaves.get(number) : undefined;
  }

  names(): readonly string[] {
    return [...[...this.slaves.keys()].map(String), "ptmx"].sort();
  }
}

export class DevptsFileSystem extends PseudoFileSystem {
  readonly #root: DevptsRoot;

  constructor(
    machine: Machine,
    mounter: Process,
    source: string,
    options: string,
    parsed: DevptsOptions,
  ) {
    const { userNamespace } = mounter.credentials;
    const owner = {
      uid: toHostId(userNamespace, "uid", 0) ?? mounter.credentials.fsuid,
      gid: toHostId(userNamespace, "gid", 0) ?? mounter.credentials.fsgid,
    };
    const root = new DevptsRoot(machine, parsed, owner);
    super(machine, { type: "devpts", source, options, magic, userNamespace }, root, mounter);
    this.#root = root;
  }

  override inodeNumber(_directory: Dentry, name: string, _entry: PseudoEntry): number {
    return name === "ptmx" ? ptmxInode : Number(name) + 3;
  }

  /** Opening /dev/ptmx, which is outside: the pty is made here. */
  openMaster(flags: number, opener: Process): OpenFile {
    return this.#root.openMaster(flags, opener, undefined);
  }
}

const hostInstances = new WeakMap<Machine, DevptsFileSystem>();

/** The instance that was mounted first: the host's. */
export function hostDevpts(machine: Machine): DevptsFileSystem | undefined {
  return hostInstances.get(machine);
}

function octal(text: string): number {
  if (!/^[0-7]{1,4}$/.test(text)) return refuse("EINVAL");
  return Number.parseInt(text, 8) & 0o777;
}

function natural(text: string): number {
  return /^\d{1,10}$/.test(text) ? Number(text) : refuse("EINVAL");
}

/** mount -t devpts: mode, ptmxmode, uid, gid, max, newinstance. EINVAL for others, and for ids without mapping. */
export function mountDevpts(
  machine: Machine,
  mounter: Process,
  source: string,
  options: ReadonlyMap<string, string>,
): FileSystem {
  const { userNamespace } = mounter.credentials;
  let [mode, ptmxMode, max] = [0o600, 0, countMax];
  let [uid, gid]: [number | undefined, number | undefined] = [undefined, undefined];
  for (const [name, value] of options) {
    if (name === "mode") mode = octal(value);
    else if (name === "ptmxmode") ptmxMode = octal(value);
    else if (name === "max") max = natural(value);
    else if (name === "uid")
      uid = toHostId(userNamespace, "uid", natural(value)) ?? refuse("EINVAL");
    else if (name === "gid")
      gid = toHostId(userNamespace, "gid", natural(value)) ?? refuse("EINVAL");
    else if (name !== "newinstance") refuse("EINVAL");
  }
  const shown = [
    ...(uid === undefined ? [] : [`uid=${options.get("uid")}`]),
    ...(gid === undefined ? [] : [`gid=${options.get("gid")}`]),
    `mode=${mode.toString(8).padStart(3, "0")}`,
    `ptmxmode=${ptmxMode.toString(8).padStart(3, "0")}`,
    ...(max === countMax ? [] : [`max=${max}`]),
  ].join(",");
  const parsed = { mode, ptmxMode, uid, gid, max };
  const fileSystem = new DevptsFileSystem(machine, mounter, source, shown, parsed);
  if (!hostInstances.has(machine)) hostInstances.set(machine, fileSystem);
  return fileSystem;
}
