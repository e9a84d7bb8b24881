/** tmpfs(5) and ramfs: what mount(2) makes of their options. */
import type { ErrnoName } from "../../errno.ts";
import type { Machine } from "../machine.ts";
import type { Process } from "../process/process.ts";
import { refuse } from "../refusal.ts";
import { fromHostId, toHostId, type UserNamespace } from "../user/user-namespace.ts";
import type { FileSystemFactory } from "./file-system.ts";
import { StoredFileSystem, type StoredKind } from "./stored-file-system.ts";
import { blockBytes } from "./stored-inode.ts";

const tmpfsMagic = 0x01021994;
const ramfsMagic = 0x858458f6;
/** Options that change nothing here. */
const accepted = new Set(["huge", "mpol", "noswap", "inode32", "inode64"]);
const scales: Readonly<Record<string, number>> = { k: 10, m: 20, g: 30, t: 40 };

/** memparse(): digits with k, m, g or t behind them. */
function sizeOf(text: string): number | undefined {
  const scale = scales[text.slice(-1).toLowerCase()];
  const digits = scale === undefined ? text : text.slice(0, -1);
  if (digits === "" || !/^\d+$/.test(digits)) return undefined;
  return Number(digits) * 2 ** (scale ?? 0);
}

function invalid(key: string, value: string, errno: ErrnoName = "EINVAL"): never {
  return refuse(errno, value === "" ? `Unknown parameter '${key}'` : `Bad value for '${key}'`);
}

interface TmpfsLimits {
  blocksMax: number | undefined;
  inodesMax: number | undefined;
  mode: number;
  uid: number;
  gid: number;
}

function readOption(
  limits: TmpfsLimits,
  machine: Machine,
  namespace: UserNamespace,
  key: string,
  value: string,
): void {
  switch (key) {
    case "size": {
      const percent = value.endsWith("%") ? Number(value.slice(0, -1)) : Number.NaN;
      const bytes = Number.isNaN(percent)
        ? sizeOf(value)
        : (machine.options.memoryTotalBytes * percent) / 100;
      if (bytes === undefined) invalid(key, value);
      // size=0 means no limit.
      limits.blocksMax = bytes === 0 ? undefined : Math.ceil(bytes / blockBytes);
      return;
    }
    case "nr_blocks":
      limits.blocksMax = (sizeOf(value) ?? invalid(key, value)) || undefined;
      return;
    case "nr_inodes":
      limits.inodesMax = (sizeOf(value) ?? invalid(key, value)) || undefined;
      return;
    case "mode":
      if (!/^[0-7]+$/.test(value)) invalid(key, value);
      limits.mode = Number.parseInt(value, 8) & 0o7777;
      return;
    case "uid":
    case "gid": {
      if (!/^\d+$/.test(value)) invalid(key, value);
      limits[key] = toHostId(namespace, key, Number(value)) ?? invalid(key, value);
      return;
    }
    default:
      if (!accepted.has(key)) invalid(key, "");
  }
}

/** As shmem_show_options() writes them: what differs from the default. */
function shownOptions(
  limits: TmpfsLimits,
  given: ReadonlyMap<string, string>,
  namespace: UserNamespace,
): string {
  const shown: string[] = [];
  if (given.has("size") || given.has("nr_blocks")) {
    shown.push(`size=${(limits.blocksMax ?? 0) * (blockBytes / 1024)}k`);
  }
  if (given.has("nr_inodes")) shown.push(`nr_inodes=${limits.inodesMax ?? 0}`);
  if (limits.mode !== 0o1777) shown.push(`mode=${limits.mode.toString(8).padStart(3, "0")}`);
  if (limits.uid !== 0) shown.push(`uid=${fromHostId(namespace, "uid", limits.uid) ?? 65534}`);
  if (limits.gid !== 0) shown.push(`gid=${fromHostId(namespace, "gid", limits.gid) ?? 65534}`);
  return shown.join(",");
}

function readOptions(
  limits: TmpfsLimits,
  machine: Machine,
  namespace: UserNamespace,
  options: ReadonlyMap<string, string>,
): void {
  for (const [key, values] of options) {
    // Of a key given several times the last value counts.
    const value = values.slice(values.lastIndexOf("\0") + 1);
    readOption(limits, machine, namespace, key, value);
  }
}

/** A tmpfs: a stored file system whose limits a remount can change. */
class TmpFileSystem extends StoredFileSystem {
  readonly #limits: TmpfsLimits;
  readonly #given: Map<string, string>;

  constructor(
    machine: Machine,
    limits: TmpfsLimits,
    given: ReadonlyMap<string, string>,
    kind: StoredKind,
  ) {
    super(machine, kind);
    this.#limits = limits;
    this.#given = new Map(given);
  }

  /** shmem_reconfigure(): size and inodes alone; not below what is used, no limit where there was none. */
  override reconfigure(caller: Process, options: ReadonlyMap<string, string>): void {
    const asked = { ...this.#limits };
    readOptions(asked, this.machine, caller.credentials.userNamespace, options);
    const { blocksMax, inodesMax } = asked;
    if (options.has("size") || options.has("nr_blocks")) {
      checkLimit(this.blocksMax, blocksMax, this.blocks);
    }
    if (options.has("nr_inodes")) checkLimit(this.inodesMax, inodesMax, this.inodes);
    this.blocksMax = blocksMax;
    this.inodesMax = inodesMax;
    this.#limits.blocksMax = blocksMax;
    this.#limits.inodesMax = inodesMax;
    for (const [key, value] of options) this.#given.set(key, value);
    this.options = shownOptions(this.#limits, this.#given, this.userNamespace);
  }
}

function checkLimit(now: number | undefined, asked: number | undefined, used: number): void {
  if (asked === undefined) return;
  if (now === undefined) refuse("EINVAL", "tmpfs: Cannot retroactively limit size");
  if (used > asked) refuse("EINVAL", "tmpfs: Too small a size for current use");
}

/** tmpfs: half of the memory unless `size` says otherwise; its root belongs to the mounter. */
export const tmpfsFactory: FileSystemFactory = (machine, mounter, source, options) => {
  const { credentials } = mounter;
  const namespace = credentials.userNamespace;
  const half = Math.floor(machine.options.memoryTotalBytes / 2 / blockBytes);
  const limits: TmpfsLimits = {
    blocksMax: half,
    inodesMax: half,
    mode: 0o1777,
    uid: credentials.fsuid,
    gid: credentials.fsgid,
  };
  readOptions(limits, machine, namespace, options);
  return new TmpFileSystem(machine, limits, options, {
    type: "tmpfs",
    source,
    options: shownOptions(limits, options, namespace),
    magic: tmpfsMagic,
    userNamespace: namespace,
    rootMode: limits.mode,
    rootUid: limits.uid,
    rootGid: limits.gid,
    blocksMax: limits.blocksMax,
    inodesMax: limits.inodesMax,
    // Two names of 20 bytes, "." and "..", and each entry.
    directorySize: (entries) => 40 + 20 * entries,
  });
};

/** ramfs: like tmpfs without a limit; it ignores options it does not know. */
export const ramfsFactory: FileSystemFactory = (machine, mounter, source, options) => {
  const { credentials } = mounter;
  const mode = options.get("mode");
  return new StoredFileSystem(machine, {
    type: "ramfs",
    source,
    options: mode === undefined ? "" : `mode=${mode}`,
    magic: ramfsMagic,
    userNamespace: credentials.userNamespace,
    rootMode: mode === undefined ? 0o755 : Number.parseInt(mode, 8) & 0o7777,
    rootUid: credentials.fsuid,
    rootGid: credentials.fsgid,
    directorySize: () => 0,
  });
};
