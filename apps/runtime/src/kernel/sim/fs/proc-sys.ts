/** /proc/sys: sysctls as files (proc_sys(5)). What belongs to a namespace is shown of the reader's. */
import { O_ACCMODE, O_RDONLY } from "../abi.ts";
import type { Process } from "../process/process.ts";
import { refuse } from "../refusal.ts";
import type { PseudoEntry } from "./pseudo-entry.ts";
import {
  checkSysctlWriter,
  deviceSysctls,
  readSysctl,
  type Sysctl,
  sysctlIdentity,
  sysctlOwner,
  sysctls,
  writeSysctl,
} from "./sysctl.ts";

type Tree = Map<string, Tree | Sysctl>;

function grow(): Tree {
  const root: Tree = new Map();
  for (const sysctl of sysctls.values()) {
    const parts = sysctl.key.split(".");
    const name = parts.pop() ?? "";
    let at = root;
    for (const part of parts) {
      let next = at.get(part);
      if (!(next instanceof Map)) {
        next = new Map();
        at.set(part, next);
      }
      at = next;
    }
    at.set(name, sysctl);
  }
  return root;
}

const tree = grow();

function fileOf(sysctl: Sysctl, viewer: Process, key = sysctl.key): PseudoEntry {
  const { scope, mode } = sysctl;
  return {
    type: "file",
    mode,
    subject: sysctlIdentity(scope, viewer),
    owner: (reader) => sysctlOwner(scope, reader),
    text: (reader) => `${readSysctl(sysctl, reader, key)}\n`,
    write: (text, writer) => {
      if ((mode & 0o222) === 0) refuse("EPERM");
      writeSysctl(sysctl, text, writer, key);
      if (key.endsWith("forward") || key.endsWith("forwarding")) spreadForwarding(key, writer);
    },
    open: (flags, opener) => {
      // ns_last_pid is open to all, and asks for CAP_CHECKPOINT_RESTORE at the write.
      if ((flags & O_ACCMODE) !== O_RDONLY && (mode & 0o002) === 0)
        checkSysctlWriter(scope, opener);
      return undefined;
    },
  };
}

/** net.ipv4.ip_forward and conf.all.forwarding are one, and set it for every device (ip-sysctl.rst). */
function spreadForwarding(key: string, { namespaces }: Process): void {
  const { sysctls: store, devices } = namespaces.net.network;
  if (key !== "net.ipv4.ip_forward" && key !== "net.ipv4.conf.all.forwarding") return;
  const value = store.get(key) ?? "0";
  store.set("net.ipv4.ip_forward", value);
  for (const name of ["all", "default", ...devices.keys()])
    store.set(`net.ipv4.conf.${name}.forwarding`, value);
}

/** Sysctls of the machine that lie below net are not shown in other network namespaces than the first. */
function isHidden(sysctl: Sysctl, viewer: Process): boolean {
  if (sysctl.scope !== "machine" || !sysctl.key.startsWith("net.")) return false;
  return viewer.namespaces.net !== viewer.machine.init.namespaces.net;
}

function directoryOf(at: Tree, path: string, viewer: Process): PseudoEntry {
  const family = path === "net.ipv4" ? "ipv4" : path === "net.ipv6" ? "ipv6" : undefined;
  const names = [...at.keys(), ...(family === undefined ? [] : ["conf"])].sort();
  return {
    type: "directory",
    mode: 0o555,
    subject: path.startsWith("net") ? viewer.namespaces.net.network : at,
    child: (name, reader) => {
      const found = at.get(name);
      if (found instanceof Map)
        return directoryOf(found, path === "" ? name : `${path}.${name}`, reader);
      if (found !== undefined) return isHidden(found, reader) ? undefined : fileOf(found, reader);
      return family !== undefined && name === "conf" ? confDirectory(family, reader) : undefined;
    },
    names: (reader) =>
      names.filter((name) => {
        const found = at.get(name);
        return found === undefined || found instanceof Map || !isHidden(found, reader);
      }),
  };
}

/** net.ipv4.conf and net.ipv6.conf: a directory for each device, "all" and "default". */
function confDirectory(family: "ipv4" | "ipv6", viewer: Process): PseudoEntry {
  const { network } = viewer.namespaces.net;
  const names = () => ["all", "default", ...network.devices.keys()].sort();
  return {
    type: "directory",
    mode: 0o555,
    subject: network,
    names,
    child: (device) => {
      if (device !== "all" && device !== "default" && !network.devices.has(device))
        return undefined;
      const rows = deviceSysctls[family];
      return {
        type: "directory",
        mode: 0o555,
        subject: network.devices.get(device) ?? network,
        names: () => rows.map(({ key }) => key).sort(),
        child: (name, reader) => {
          const row = rows.find(({ key }) => key === name);
          return row && fileOf(row, reader, `net.${family}.conf.${device}.${name}`);
        },
      };
    },
  };
}

/** /proc/sys. */
export const sysDirectory: PseudoEntry = {
  type: "directory",
  mode: 0o555,
  subject: tree,
  child: (name, viewer) => directoryOf(tree, "", viewer).child?.(name, viewer),
  names: () => [...tree.keys()].sort(),
};
