/** sysfs: devices, and those of one network namespace (sysfs(5)). One superblock a network namespace, as in Linux. */
import type { Machine } from "../machine.ts";
import type { NetNamespace } from "../namespace.ts";
import type { NetDevice, Network } from "../net/network.ts";
import { loadedProfilesText } from "../process/apparmor.ts";
import type { Process } from "../process/process.ts";
import { refuse } from "../refusal.ts";
import { capableIn } from "../user/capable.ts";
import type { FileSystem } from "../vfs/file-system.ts";
import {
  type FileRow,
  type PseudoEntry,
  pseudoDirectory,
  pseudoFile,
  pseudoSymlink,
  RowEntry,
} from "./pseudo-entry.ts";
import { PseudoFileSystem } from "./pseudo-file-system.ts";

const magic = 0x62656572;
const directoryMode = 0o755;

function directory(entries: Readonly<Record<string, PseudoEntry>>): PseudoEntry {
  return pseudoDirectory(entries, undefined, directoryMode);
}

function fixed(text: string, mode = 0o444): PseudoEntry {
  return pseudoFile(mode, () => text);
}

function link(target: string): PseudoEntry {
  return pseudoSymlink(() => target);
}

function cpuList({ machine }: Process): string {
  const { cpuCount } = machine.options;
  return cpuCount === 1 ? "0\n" : `0-${cpuCount - 1}\n`;
}

/** if_ether.h and if_arp.h: Ethernet 1, loopback 772; IFF_* flags. */
const deviceRows = new Map<string, FileRow<NetDevice>>([
  ["address", { mode: 0o444, text: ({ mac }) => `${mac}\n` }],
  ["carrier", { mode: 0o644, text: ({ up }) => (up ? "1\n" : refuse("EINVAL")) }],
  ["flags", { mode: 0o644, text: (device) => `0x${flagsOf(device).toString(16)}\n` }],
  ["ifindex", { mode: 0o444, text: ({ index }) => `${index}\n` }],
  ["iflink", { mode: 0o444, text: ({ index, peer }) => `${peer?.index ?? index}\n` }],
  ["mtu", { mode: 0o644, text: ({ mtu }) => `${mtu}\n` }],
  ["operstate", { mode: 0o444, text: operstate }],
  [
    "speed",
    { mode: 0o444, text: ({ kind }) => (kind === "loopback" ? refuse("EINVAL") : "10000\n") },
  ],
  ["tx_queue_len", { mode: 0o644, text: () => "1000\n" }],
  ["type", { mode: 0o444, text: ({ kind }) => (kind === "loopback" ? "772\n" : "1\n") }],
  ["uevent", { mode: 0o644, text: ({ name, index }) => `INTERFACE=${name}\nIFINDEX=${index}\n` }],
]);
const deviceNames = [...deviceRows.keys()];

function operstate({ kind, up, peer }: NetDevice): string {
  if (kind === "loopback") return "unknown\n";
  if (!up) return "down\n";
  return peer === undefined || peer.up ? "up\n" : "lowerlayerdown\n";
}

function flagsOf({ kind, up }: NetDevice): number {
  const running = up ? 1 : 0;
  return running | (kind === "loopback" ? 8 : 0x1002);
}

function deviceDirectory(device: NetDevice): PseudoEntry {
  return {
    type: "directory",
    mode: directoryMode,
    subject: device,
    child: (name) => {
      const row = deviceRows.get(name);
      return row === undefined ? undefined : new RowEntry(row, device);
    },
    names: () => deviceNames,
  };
}

/** A directory with a name for each device: the devices themselves, or links to them. */
function devicesOf({ devices }: Network, entry: (device: NetDevice) => PseudoEntry): PseudoEntry {
  return pseudoDirectory(
    {},
    {
      child: (name) => {
        const device = devices.get(name);
        return device === undefined ? undefined : entry(device);
      },
      names: () => [...devices.keys()],
    },
    directoryMode,
  );
}

const disk = directory({ dev: fixed("254:0\n"), ro: fixed("0\n"), size: fixed("536870912\n") });

const hugepages = directory({
  "hugepages-2048kB": directory({
    free_hugepages: fixed("0\n"),
    nr_hugepages: fixed("0\n", 0o644),
  }),
});

const apparmor = directory({
  profiles: pseudoFile(0o444, ({ machine }) => loadedProfilesText(machine)),
});

/** Everything but what is of a network namespace: the same for all. */
const block = directory({ vda: link("../devices/virtual/block/vda") });
const bus = directory({ cpu: directory({}), pci: directory({}), virtio: directory({}) });
const dev = directory({
  block: directory({ "254:0": link("../../devices/virtual/block/vda") }),
  char: directory({}),
});
const firmware = directory({ acpi: directory({ tables: directory({}) }), memmap: directory({}) });
const fs = directory({
  bpf: pseudoDirectory({}),
  cgroup: pseudoDirectory({}),
  ext4: directory({ features: directory({}) }),
  fuse: directory({ connections: pseudoDirectory({}) }),
  pstore: pseudoDirectory({}),
});
const kernel = directory({
  address_bits: fixed("64\n"),
  debug: pseudoDirectory({}, undefined, 0o700),
  mm: directory({
    hugepages,
    transparent_hugepage: directory({ enabled: fixed("always [madvise] never\n", 0o644) }),
  }),
  notes: fixed(""),
  profiling: fixed("0\n", 0o644),
  security: pseudoDirectory(
    {},
    {
      // securityfs, as if it were mounted here: what is in it depends on the machine.
      child: (name, { machine }) =>
        name === "apparmor" && machine.confine !== undefined ? apparmor : undefined,
      names: ({ machine }) => (machine.confine === undefined ? [] : ["apparmor"]),
    },
  ),
  tracing: pseudoDirectory({}, undefined, 0o700),
  uevent_seqnum: fixed("1\n"),
});
const power = directory({ state: fixed("freeze mem\n", 0o644) });
const system = directory({
  cpu: directory({
    online: pseudoFile(0o444, cpuList),
    possible: pseudoFile(0o444, cpuList),
    present: pseudoFile(0o444, cpuList),
  }),
  memory: directory({}),
  node: directory({ node0: directory({}), online: fixed("0\n"), possible: fixed("0\n") }),
});
const blockDevices = directory({ vda: disk });
const empty = directory({});
const modules = pseudoDirectory(
  {},
  {
    child: (name, { machine }) =>
      name === "apparmor" && machine.confine !== undefined ? apparmorModule : undefined,
    names: ({ machine }) => (machine.confine === undefined ? [] : ["apparmor"]),
  },
  directoryMode,
);
const apparmorModule = directory({ parameters: directory({ enabled: fixed("Y\n") }) });

function root(network: Network): PseudoEntry {
  const virtual = directory({
    block: blockDevices,
    mem: empty,
    net: devicesOf(network, deviceDirectory),
    powercap: empty,
    tty: empty,
  });
  const netLinks = devicesOf(network, ({ name }) => link(`../../devices/virtual/net/${name}`));
  return pseudoDirectory({
    block,
    bus,
    class: directory({
      block: directory({ vda: link("../../devices/virtual/block/vda") }),
      mem: empty,
      misc: empty,
      net: netLinks,
      tty: empty,
    }),
    dev,
    devices: directory({ system, virtual }),
    firmware,
    fs,
    kernel,
    module: modules,
    power,
  });
}

export class SysFileSystem extends PseudoFileSystem {
  constructor(machine: Machine, mounter: Process, namespace: NetNamespace) {
    const userNamespace = namespace.owner;
    const kind = { type: "sysfs", source: "sysfs", options: "", magic, userNamespace };
    super(machine, kind, root(namespace.network), mounter);
  }

  /** Attributes of sysfs say one page whatever they hold. */
  override size(): number {
    return 4096;
  }
}

const made = new WeakMap<Network, SysFileSystem>();

/** sysfs of the mounter's network namespace; EPERM without CAP_SYS_ADMIN over that, EINVAL for options. */
export function mountSysfs(
  machine: Machine,
  mounter: Process,
  _source: string,
  options: ReadonlyMap<string, string>,
): FileSystem {
  const { net } = mounter.namespaces;
  if (options.size > 0) refuse("EINVAL");
  if (!capableIn(mounter.credentials, net.owner, "CAP_SYS_ADMIN")) refuse("EPERM");
  let found = made.get(net.network);
  if (found === undefined) {
    found = new SysFileSystem(machine, mounter, net);
    made.set(net.network, found);
  }
  return found;
}
