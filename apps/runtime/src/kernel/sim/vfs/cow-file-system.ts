/**
 * File systems and devices whose snapshots share blocks: btrfs, zfs, and ext4 on a thin device of devmapper.
 * What they hold is stored like everything else; what is modelled besides is what a write costs, because that
 * is how they differ: which pieces are read and written before the first changed byte is on the disk.
 */
import type { Machine } from "../machine.ts";
import { refuse } from "../refusal.ts";
import type { FileSystemFactory } from "./file-system.ts";
import type { Dentry } from "./inode.ts";
import { StoredFileSystem } from "./stored-file-system.ts";
import type { StoredInode } from "./stored-inode.ts";

export type CowDriver = "btrfs" | "zfs" | "devmapper";

interface Geometry {
  /** File system type as mount shows it. */
  readonly type: string;
  readonly magic: number;
  /** Smallest piece that is copied: sector, record, or block of the thin pool. */
  readonly pieceBytes: number;
  /** Written besides, once for each write: the path of tree nodes up to a new root, or an entry of the mapping. */
  readonly metadataBytes: number;
  readonly pieceName: string;
}

/** Defaults of mkfs.btrfs (4 KiB sectors, 16 KiB nodes), of zfs (128 KiB records) and of containerd's thin pools (64 KiB). */
export const cowGeometry: Readonly<Record<CowDriver, Geometry>> = {
  btrfs: {
    type: "btrfs",
    magic: 0x9123683e,
    pieceBytes: 4096,
    metadataBytes: 3 * 16_384,
    pieceName: "extent",
  },
  zfs: {
    type: "zfs",
    magic: 0x2fc12fc1,
    pieceBytes: 131_072,
    metadataBytes: 3 * 16_384,
    pieceName: "record",
  },
  devmapper: {
    type: "ext4",
    magic: 0xef53,
    pieceBytes: 65_536,
    metadataBytes: 4096,
    pieceName: "block",
  },
};

/** What was moved on the disk, bytes. */
export interface DiskTraffic {
  read: number;
  written: number;
  metadata: number;
  /** Pieces copied because a snapshot still needs the old one. */
  copies: number;
}

class CowVolume extends StoredFileSystem {
  readonly #pool: CowPool;
  /** Pieces of a file that a snapshot still shares, by their number. */
  readonly #shared = new Map<StoredInode, Set<number>>();

  constructor(machine: Machine, pool: CowPool, name: string) {
    const { type, magic } = cowGeometry[pool.driver];
    super(machine, {
      type,
      source: pool.source,
      options: pool.driver === "btrfs" ? `subvol=/${name}` : "relatime",
      magic,
      userNamespace: machine.initUserNamespace,
      rootMode: 0o755,
      rootUid: 0,
      rootGid: 0,
      directorySize: () => 4096,
    });
    this.#pool = pool;
  }

  /** Every piece of every file is shared with `other` from now on. */
  shareWith(other: CowVolume): void {
    this.#copyTree(this.root, other.root, other);
  }

  #copyTree(from: Dentry, to: Dentry, other: CowVolume): void {
    for (const name of this.list(from)) {
      const entry = this.lookup(from, name) as Dentry;
      const { type, mode, uid, gid, major, minor } = entry.inode;
      const target = type === "symlink" ? this.readlink(entry) : "";
      const copy = other.create(to, name, { type, mode, uid, gid, major, minor, target });
      if (type === "directory") this.#copyTree(entry, copy, other);
      if (type !== "file") continue;
      const inode = entry.inode as StoredInode;
      const twin = copy.inode as StoredInode;
      if (inode.length > 0) other.adopt(twin, inode);
      const pieces = Math.ceil(inode.length / cowGeometry[this.#pool.driver].pieceBytes);
      const numbers = Array.from({ length: pieces }, (_, index) => index);
      this.#shared.set(inode, new Set(numbers));
      other.#shared.set(twin, new Set(numbers));
    }
  }

  /** Gives a file the content of another one, without copying a byte. */
  adopt(twin: StoredInode, inode: StoredInode): void {
    twin.share(inode.lend());
    twin.length = inode.length;
  }

  override write(entry: Dentry, offset: number, data: Uint8Array): number {
    const { pieceBytes, metadataBytes } = cowGeometry[this.#pool.driver];
    const inode = entry.inode as StoredInode;
    const shared = this.#shared.get(inode);
    const before = inode.length;
    const taken = super.write(entry, offset, data);
    const { traffic } = this.#pool;
    const last = Math.floor((offset + taken - 1) / pieceBytes);
    for (let piece = Math.floor(offset / pieceBytes); piece <= last; piece++) {
      const begin = piece * pieceBytes;
      const whole = offset <= begin && offset + taken >= begin + pieceBytes;
      if (!whole && begin < before) traffic.read += pieceBytes;
      if (shared?.delete(piece) === true) traffic.copies++;
      traffic.written += pieceBytes;
    }
    traffic.metadata += metadataBytes;
    return taken;
  }
}

/** A pool of volumes that share pieces: a btrfs, a zpool, a thin pool. */
export class CowPool {
  readonly driver: CowDriver;
  readonly source: string;
  readonly traffic: DiskTraffic = { read: 0, written: 0, metadata: 0, copies: 0 };
  readonly #machine: Machine;
  readonly #volumes = new Map<string, CowVolume>();

  constructor(machine: Machine, driver: CowDriver, source: string) {
    this.#machine = machine;
    this.driver = driver;
    this.source = source;
  }

  create(name: string): StoredFileSystem {
    const volume = new CowVolume(this.#machine, this, name);
    this.#volumes.set(name, volume);
    return volume;
  }

  /** A snapshot costs its metadata and nothing else. */
  snapshot(of: string, name: string): StoredFileSystem {
    const origin = this.#volumes.get(of);
    if (origin === undefined) return refuse("ENOENT", `no volume ${of}`);
    const volume = new CowVolume(this.#machine, this, name);
    origin.shareWith(volume);
    this.#volumes.set(name, volume);
    this.traffic.metadata += cowGeometry[this.driver].metadataBytes;
    return volume;
  }

  /** The factory under which the pool's volumes are mounted: option subvol, or the source's last part, names one. */
  get factory(): FileSystemFactory {
    return (_machine, _mounter, source, options) => {
      const name = options.get("subvol") ?? source.slice(source.lastIndexOf("/") + 1);
      return this.#volumes.get(name) ?? refuse("ENOENT", `no volume ${name}`);
    };
  }
}
