/**
 * The address pool of vitrine-bridge (native/cni/lease.c): a directory with one symbolic link a lease, named for
 * the address, whose target is "container/ifname"; "last" points at the address given out last.
 */
import { AT_FDCWD, O_CLOEXEC, O_CREAT, O_DIRECTORY, O_NOFOLLOW, O_RDONLY, O_RDWR } from "../abi.ts";
import { formatIp, parseIpv4 } from "../net/ip.ts";
import type { Process } from "../process/process.ts";
import { isRefusal } from "../refusal.ts";
import {
  close,
  fileOf,
  getdents,
  mkdirat,
  openat2,
  readlinkat,
  renameat,
  symlinkat,
  unlinkat,
} from "../syscall/file.ts";
import type { Inode } from "../vfs/inode.ts";
import { CniError, cniCode } from "./cni-call.ts";
import type { VitrineCall } from "./cni-vitrine-call.ts";
import { errnoMessage } from "./errno-message.ts";

const poolMax = 65_536;
const poolEmpty = 101;

interface Leases {
  /** Modification time of the directory when this was true. */
  mtimeNs: bigint;
  readonly owners: Map<number, string>;
  readonly addresses: Map<string, number>;
}

/**
 * What was read of a directory, kept while nobody else has changed it (its modification time says so): the
 * native plugin reads thousands of links in a millisecond, this model would need as long for every pod.
 */
const read = new WeakMap<Inode, Leases>();

function failed(what: string, thrown: unknown): CniError {
  if (!isRefusal(thrown)) throw thrown;
  return new CniError(cniCode.ioFailure, `${what}: ${errnoMessage(thrown)}`);
}

function makeDirectories(self: Process, path: string): void {
  for (let slash = path.indexOf("/", 1); ; slash = path.indexOf("/", slash + 1)) {
    const directory = slash < 0 ? path : path.slice(0, slash);
    try {
      mkdirat(self, AT_FDCWD, directory, 0o700);
    } catch (thrown) {
      if (!isRefusal(thrown, "EEXIST")) throw failed(`cannot make ${directory}`, thrown);
    }
    if (slash < 0) return;
  }
}

export class LeasePool {
  readonly #self: Process;
  readonly #call: VitrineCall;
  readonly #path: string;
  readonly #fd: number;
  readonly #directory: Inode;

  private constructor(call: VitrineCall, path: string, fd: number, directory: Inode) {
    this.#self = call.self;
    this.#call = call;
    this.#path = path;
    this.#fd = fd;
    this.#directory = directory;
  }

  /** Opens the pool; with `create` the directory is made. undefined: there is none. */
  static open(call: VitrineCall, create: boolean): LeasePool | undefined {
    const { self, dataDir, network } = call;
    const path = `${dataDir}/${network}`;
    if (create) makeDirectories(self, path);
    try {
      const flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW;
      const fd = openat2(self, AT_FDCWD, path, { flags });
      const lock = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW;
      // Programs of this machine do not interleave between two waits, and this one does not wait: no lock is needed.
      close(self, openat2(self, fd, "lock", { flags: lock, mode: 0o600 }));
      const { inode } = fileOf(self, fd);
      return inode === undefined ? undefined : new LeasePool(call, path, fd, inode);
    } catch (thrown) {
      if (isRefusal(thrown, "ENOENT") && !create) return undefined;
      throw failed(`cannot open the address pool ${path}`, thrown);
    }
  }

  close(): void {
    close(this.#self, this.#fd);
  }

  #leases(): Leases {
    const { mtimeNs } = this.#directory;
    const kept = read.get(this.#directory);
    if (kept?.mtimeNs === mtimeNs) return kept;
    const leases: Leases = { mtimeNs, owners: new Map(), addresses: new Map() };
    for (const { name } of getdents(this.#self, this.#fd)) {
      const address = parseIpv4(name);
      if (address === undefined) continue;
      const owner = this.#readLink(name);
      leases.owners.set(address, owner);
      if (owner !== "") leases.addresses.set(owner, address);
    }
    read.set(this.#directory, leases);
    return leases;
  }

  /** Something else with the name of an address: it is taken, by nobody we know. */
  #readLink(name: string): string {
    try {
      return readlinkat(this.#self, this.#fd, name);
    } catch (thrown) {
      if (isRefusal(thrown)) return "";
      throw thrown;
    }
  }

  /** How many the network can have: without its own address, the gateway and the broadcast address. */
  get room(): number {
    return Math.min(2 ** (32 - this.#call.prefix), poolMax) - 3;
  }

  get count(): number {
    return this.#leases().owners.size;
  }

  /** The owner's address. */
  find(owner: string): number | undefined {
    return this.#leases().addresses.get(owner);
  }

  #lastOffset(): number {
    const address = parseIpv4(this.#readLink("last"));
    if (address === undefined) return 1;
    const offset = address - this.#call.subnet;
    return offset >= 2 && offset < this.room + 2 ? offset : 1;
  }

  /** An address rests before it is used again. Losing this only means that it is used sooner. */
  #rememberLast(name: string): void {
    try {
      symlinkat(this.#self, name, this.#fd, "last.new");
      renameat(this.#self, this.#fd, "last.new", this.#fd, "last");
    } catch (thrown) {
      if (!isRefusal(thrown)) throw thrown;
    }
  }

  /** The owner's lease, an old one if there is. */
  take(): number {
    const { subnet, owner, network } = this.#call;
    const leases = this.#leases();
    const { room } = this;
    const old = leases.addresses.get(owner);
    if (old !== undefined && old - subnet >= 2 && old - subnet < room + 2) return old;
    let offset = this.#lastOffset();
    for (let tried = 0; tried < room; tried++) {
      offset = offset + 1 >= room + 2 ? 2 : offset + 1;
      const address = subnet + offset;
      if (leases.owners.has(address)) continue;
      const name = formatIp(address);
      try {
        symlinkat(this.#self, owner, this.#fd, name);
      } catch (thrown) {
        if (isRefusal(thrown, "EEXIST")) continue;
        throw failed(`cannot write the lease of ${name}`, thrown);
      }
      leases.owners.set(address, owner);
      leases.addresses.set(owner, address);
      this.#rememberLast(name);
      leases.mtimeNs = this.#directory.mtimeNs;
      return address;
    }
    throw new CniError(poolEmpty, `all ${room} addresses of network ${network} are taken`);
  }

  #drop(leases: Leases, address: number, owner: string): void {
    const name = formatIp(address);
    try {
      unlinkat(this.#self, this.#fd, name);
    } catch (thrown) {
      if (!isRefusal(thrown, "ENOENT"))
        throw failed(`cannot give back the lease of ${name}`, thrown);
    }
    leases.owners.delete(address);
    if (leases.addresses.get(owner) === address) leases.addresses.delete(owner);
    leases.mtimeNs = this.#directory.mtimeNs;
  }

  /** Gives back every lease of the owner. */
  release(owner: string): void {
    const leases = this.#leases();
    const first = leases.addresses.get(owner);
    if (first === undefined) return;
    for (const [address, held] of leases.owners) {
      if (held === owner) this.#drop(leases, address, owner);
    }
  }

  /** Releases every lease whose owner `visit` says true of. */
  sweep(visit: (owner: string) => boolean): void {
    const leases = this.#leases();
    for (const [address, owner] of [...leases.owners]) {
      if (owner !== "" && visit(owner)) this.#drop(leases, address, owner);
    }
  }

  /** Removes the pool's directory, which must have no leases. */
  remove(): void {
    const names = ["last", "lock"];
    for (const name of names) this.#quietly(() => unlinkat(this.#self, this.#fd, name));
    this.#quietly(() => unlinkat(this.#self, AT_FDCWD, this.#path, 0x200));
  }

  #quietly(work: () => void): void {
    try {
      work();
    } catch (thrown) {
      if (!isRefusal(thrown)) throw thrown;
    }
  }
}
