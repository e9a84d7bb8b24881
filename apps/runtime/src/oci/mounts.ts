/**
 * The mounts of a container in the order they are made: what every container has, the pod's files,
 * and the CRI's own, parents before children, /proc after everything that is not below it.
 */
import type { HostFacts } from "../kernel/index.ts";
import { isUnified } from "./cgroup-path.ts";
import { depthOf, isBelow } from "./container-path.ts";
import type { ResolvedMount } from "./mount-sources.ts";
import type { PodFiles } from "./request.ts";
import type { OciMount } from "./spec.ts";

export interface MountRequest {
  readonly facts: HostFacts;
  readonly privileged: boolean;
  readonly readonlyRootfs: boolean;
  readonly files: PodFiles;
  readonly hostIpc: boolean;
  readonly mounts: readonly ResolvedMount[];
}

const proc: OciMount = {
  destination: "/proc",
  type: "proc",
  source: "proc",
  options: ["nosuid", "noexec", "nodev"],
};

/** Not nodev: it holds the container's device nodes. */
const dev: OciMount = {
  destination: "/dev",
  type: "tmpfs",
  source: "tmpfs",
  options: ["nosuid", "strictatime", "mode=755", "size=65536k"],
};

/** gid 5 is tty in every distribution; an instance of its own, so that ptys are not shared (devpts.rst). */
const devpts: OciMount = {
  destination: "/dev/pts",
  type: "devpts",
  source: "devpts",
  options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"],
};

const mqueue: OciMount = {
  destination: "/dev/mqueue",
  type: "mqueue",
  source: "mqueue",
  options: ["nosuid", "noexec", "nodev"],
};

function sysfs(writable: boolean): OciMount {
  return {
    destination: "/sys",
    type: "sysfs",
    source: "sysfs",
    options: ["nosuid", "noexec", "nodev", writable ? "rw" : "ro"],
  };
}

function cgroup(facts: HostFacts, writable: boolean): OciMount {
  const type = isUnified(facts) ? "cgroup2" : "cgroup";
  return {
    destination: "/sys/fs/cgroup",
    // runc knows both versions by the one name.
    type: "cgroup",
    source: type,
    options: ["nosuid", "noexec", "nodev", "relatime", writable ? "rw" : "ro"],
  };
}

/** Mounts of a workload container. A CRI mount replaces the default one at the same place. */
export function containerMounts(request: MountRequest): readonly OciMount[] {
  const { facts, files, privileged, readonlyRootfs } = request;
  const defaults = [
    dev,
    devpts,
    mqueue,
    sysfs(privileged),
    ...(facts.cgroups.length === 0 ? [] : [cgroup(facts, privileged)]),
    ...podFileMounts(files, request.hostIpc, readonlyRootfs),
    proc,
  ];
  return inOrder(defaults, request.mounts);
}

/** Mounts of a pause container: it does nothing but wait, so it needs little. */
export function sandboxMounts(files: PodFiles, hostIpc: boolean): readonly OciMount[] {
  const { resolvConf } = files;
  const few = { ...(resolvConf === undefined ? {} : { resolvConf }), ...shmOf(files) };
  return inOrder([dev, ...podFileMounts(few, hostIpc, true), proc], []);
}

function shmOf(files: PodFiles): PodFiles {
  return files.shm === undefined ? {} : { shm: files.shm };
}

function podFileMounts(
  files: PodFiles,
  hostIpc: boolean,
  readonlyFiles: boolean,
): readonly OciMount[] {
  const mounts: OciMount[] = [];
  const access = readonlyFiles ? "ro" : "rw";
  for (const [destination, source] of [
    ["/etc/hostname", files.hostname],
    ["/etc/hosts", files.hosts],
    ["/etc/resolv.conf", files.resolvConf],
  ] as const) {
    if (source !== undefined) mounts.push(bind(destination, source, [access]));
  }
  // Its tmpfs is nosuid, nodev and noexec already, and a bind keeps that.
  const shm = hostIpc ? "/dev/shm" : files.shm;
  if (shm !== undefined) mounts.push(bind("/dev/shm", shm, []));
  return mounts;
}

function bind(destination: string, source: string, options: readonly string[]): OciMount {
  return { destination, type: "bind", source, options: ["rbind", "rprivate", ...options] };
}

function inOrder(
  defaults: readonly OciMount[],
  own: readonly ResolvedMount[],
): readonly OciMount[] {
  const replaced = new Set(own.map((mount) => mount.destination));
  const all = [
    ...defaults.filter((mount) => !replaced.has(mount.destination)),
    ...own.map(mountOfCri),
  ];
  // A symlink of the image may lead another mount to /proc: mounted last, the real one covers it.
  const rank = (mount: OciMount) =>
    (isBelow(mount.destination, "/proc") ? 10_000 : 0) + depthOf(mount.destination);
  return all.toSorted((a, b) => rank(a) - rank(b));
}

function mountOfCri(mount: ResolvedMount): OciMount {
  const readonly = mount.recursiveReadOnly ? "rro" : mount.readonly ? "ro" : "rw";
  const source = mount.subPath === "" ? mount.source : `${mount.source}${mount.subPath}`;
  return {
    destination: mount.destination,
    type: "bind",
    source,
    options: ["rbind", `r${mount.propagation}`, readonly, ...mount.attrs],
  };
}

/** What the container's root has to be for its mounts' propagation (OCI rootfsPropagation); undefined is private. */
export function rootfsPropagation(mounts: readonly ResolvedMount[]): string | undefined {
  if (mounts.some((mount) => mount.propagation === "shared")) return "rshared";
  return mounts.some((mount) => mount.propagation === "slave") ? "rslave" : undefined;
}
