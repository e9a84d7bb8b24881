/**
 * What the state of the kernel means for a process in a container: facts a learner can read, taken from the
 * model itself and not from what the Plan meant to do.
 */
import { capabilityNames } from "../../kernel/capability.ts";
import { fromHostId, type Machine, type Mount, type Process } from "../../kernel/sim/index.ts";

export type FactId =
  | "root"
  | "processes"
  | "uid"
  | "capabilities"
  | "seccomp"
  | "propagation"
  | "devices"
  | "masked"
  | "readonly"
  | "cgroup"
  | "network"
  | "hostname"
  | "noNewPrivs";

/** One fact: a value to compare, and the sentence that says it. */
export interface Fact {
  readonly id: FactId;
  readonly value: string | number | boolean;
  readonly sentence: string;
  /** Whether it is what an attacker hopes for. */
  readonly exposed: boolean;
}

/** Absolute path of a mount as the process sees it; undefined when its root does not contain it. */
function placeOf(process: Process, mount: Mount): string | undefined {
  const names: string[] = [];
  let at: Mount | undefined = mount;
  while (at !== undefined) {
    if (at === process.root.mount) return `/${names.reverse().join("/")}`;
    for (let entry = at.mountpoint; entry?.parent !== undefined; entry = entry.parent) {
      names.push(entry.name);
    }
    at = at.parent;
  }
  return undefined;
}

function mountsSeen(
  process: Process,
): readonly { readonly mount: Mount; readonly place: string }[] {
  const seen: { mount: Mount; place: string }[] = [];
  for (const mount of process.namespaces.mnt.mounts) {
    const place = placeOf(process, mount);
    if (place !== undefined) seen.push({ mount, place });
  }
  return seen;
}

function fact(id: FactId, value: Fact["value"], exposed: boolean, sentence: string): Fact {
  return { id, value, sentence, exposed };
}

function rootFact(machine: Machine, process: Process): Fact {
  const host = machine.init.root;
  if (process.root.dentry === host.dentry) {
    return fact("root", "/", true, "the host's / is visible at /");
  }
  const found = mountsSeen(process).find(
    ({ mount }) => mount.fileSystem === host.dentry.fileSystem && mount.root === host.dentry,
  );
  if (found !== undefined) {
    return fact("root", found.place, true, `the host's / is visible at ${found.place}`);
  }
  const kept = [...process.namespaces.mnt.mounts].some(
    (mount) => mount.root === host.dentry && mount.fileSystem === host.dentry.fileSystem,
  );
  return kept
    ? fact(
        "root",
        "hidden",
        true,
        "the host's / is still mounted in its namespace: a chroot can be left",
      )
    : fact("root", "none", false, "nothing of the host's / is mounted in its namespace");
}

/** Processes that its own numbering, or a /proc it can read, shows. Those of its own container share its mounts. */
function processFact(machine: Machine, process: Process): Fact {
  const own = process.namespaces.pid;
  const host = machine.initPidNamespace;
  const strange = (one: Process) =>
    one.state === "alive" && one.namespaces.mnt !== process.namespaces.mnt;
  const strangers = [...host.processes.values()].filter(strange).length;
  if (own === host) {
    return fact("processes", strangers, true, `sees ${strangers} host processes`);
  }
  const leak = mountsSeen(process).find(
    ({ mount }) => mount.fileSystem.type === "proc" && showsHost(machine, mount),
  );
  if (leak !== undefined) {
    const sentence = `sees ${strangers} host processes in ${leak.place}`;
    return fact("processes", strangers, true, sentence);
  }
  return fact("processes", 0, false, "sees no host processes, only those of its own container");
}

/** Whether a proc file system numbers processes as the host does: then pid 1 is the host's. */
function showsHost(machine: Machine, mount: Mount): boolean {
  const { root } = mount.fileSystem;
  const one = mount.fileSystem.lookup(root, String(machine.init.pid), machine.init);
  const daemon = [...machine.processes.values()].find(({ comm }) => comm === "vitrined");
  if (one === undefined || daemon === undefined) return false;
  return mount.fileSystem.lookup(root, String(daemon.pid), machine.init) !== undefined;
}

function uidFact(process: Process): Fact {
  const { euid, userNamespace } = process.credentials;
  const inside = fromHostId(userNamespace, "uid", euid) ?? 65534;
  const root = euid === 0;
  const sentence = root
    ? "process is uid 0 on the host"
    : inside === 0
      ? `process is uid 0 inside and uid ${euid} on the host`
      : `process is uid ${euid} on the host`;
  return fact("uid", euid, root, sentence);
}

function capabilityFact(machine: Machine, process: Process): Fact {
  const { effective, bounding, userNamespace } = process.credentials;
  const names = capabilityNames.filter((_, bit) => ((effective | bounding) >> BigInt(bit)) & 1n);
  const overHost = userNamespace === machine.initUserNamespace;
  if (!overHost) {
    const sentence = `has ${names.length} capabilities, none of them over the host`;
    return fact("capabilities", 0, false, sentence);
  }
  const dangerous = names.filter((name) =>
    ["CAP_SYS_ADMIN", "CAP_SYS_PTRACE", "CAP_SYS_MODULE", "CAP_DAC_READ_SEARCH"].includes(name),
  );
  const which = dangerous.length === 0 ? "" : `, ${dangerous[0]} among them`;
  const sentence = `can have ${names.length} of ${capabilityNames.length} capabilities over the host${which}`;
  return fact("capabilities", names.length, dangerous.length > 0, sentence);
}

function propagationFact(machine: Machine, process: Process): Fact {
  const hostMounts = machine.init.namespaces.mnt;
  if (process.namespaces.mnt === hostMounts) {
    return fact("propagation", "same", true, "lives in the host's mount namespace");
  }
  const linked = mountsSeen(process).find(({ mount }) =>
    [...(mount.peers?.members ?? [])].some((peer) => peer.namespace === hostMounts),
  );
  return linked === undefined
    ? fact("propagation", "none", false, "what it mounts stays in its own namespace")
    : fact(
        "propagation",
        linked.place,
        true,
        `what it mounts below ${linked.place} appears on the host`,
      );
}

function deviceFact(machine: Machine, process: Process): Fact {
  const hostDev = [...machine.init.namespaces.mnt.mounts].find(
    (mount) =>
      mount.namespace === machine.init.namespaces.mnt && placeOf(machine.init, mount) === "/dev",
  );
  const seen =
    hostDev === undefined
      ? undefined
      : mountsSeen(process).find(
          ({ mount }) => mount.fileSystem === hostDev.fileSystem && mount.root === hostDev.root,
        );
  return seen === undefined
    ? fact("devices", "own", false, "has a /dev of its own, with harmless devices")
    : fact(
        "devices",
        seen.place,
        true,
        `sees the host's devices, its disks included, in ${seen.place}`,
      );
}

/** What was masked or made read-only below /proc and /sys, by what is mounted there. */
function maskFacts(process: Process): readonly Fact[] {
  const places = mountsSeen(process).filter(({ place }) => /^\/(?:proc|sys)\/./.test(place));
  const masked = places.filter(
    ({ mount }) => mount.fileSystem.type === "tmpfs" || mount.root.inode.type === "char",
  );
  const isReadonly = ({ mount }: { readonly mount: Mount }) => (mount.attributes & 1) !== 0;
  const readonly = places.filter((one) => !masked.includes(one) && isReadonly(one));
  const proc = readonly.filter(({ place }) => place.startsWith("/proc/"));
  return [
    masked.length > 0
      ? fact(
          "masked",
          masked.length,
          false,
          `${masked.length} revealing files of /proc and /sys are masked`,
        )
      : fact("masked", 0, true, "can read the kernel's memory image, keys and timers in /proc"),
    proc.length > 0
      ? fact("readonly", proc.length, false, "cannot change settings of the kernel in /proc/sys")
      : fact("readonly", 0, true, "can write to /proc/sys and /proc/sysrq-trigger"),
  ];
}

function cgroupFact(process: Process): Fact {
  const writable = mountsSeen(process).find(
    ({ mount }) =>
      /^cgroup2?$/.test(mount.fileSystem.type) &&
      (mount.attributes & 1) === 0 &&
      !mount.fileSystem.readOnly,
  );
  return writable === undefined
    ? fact("cgroup", "read-only", false, "cannot change its own limits")
    : fact("cgroup", writable.place, true, `can raise its own limits in ${writable.place}`);
}

/** Everything there is to say about a process, in one order. */
export function exposureOf(machine: Machine, process: Process): readonly Fact[] {
  const { net, uts } = process.namespaces;
  const host = machine.init.namespaces;
  const filtered = process.seccomp.length > 0;
  return [
    rootFact(machine, process),
    processFact(machine, process),
    uidFact(process),
    capabilityFact(machine, process),
    fact(
      "seccomp",
      filtered,
      !filtered,
      filtered ? "its system calls are filtered" : "may use every system call there is",
    ),
    propagationFact(machine, process),
    deviceFact(machine, process),
    ...maskFacts(process),
    cgroupFact(process),
    fact(
      "network",
      net === host.net ? "host" : "own",
      net === host.net,
      net === host.net ? "uses the host's network" : "has a network of its own",
    ),
    fact(
      "hostname",
      uts.hostname,
      uts === host.uts,
      uts === host.uts ? "can rename the host" : `calls itself ${uts.hostname}`,
    ),
    fact(
      "noNewPrivs",
      process.credentials.noNewPrivs,
      !process.credentials.noNewPrivs,
      process.credentials.noNewPrivs
        ? "cannot gain rights by a set-user-id program"
        : "can gain rights by a set-user-id program",
    ),
  ];
}
