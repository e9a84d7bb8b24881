/** For tests: a small machine with a host root, and processes of any kind on it. */
import { Machine } from "../machine.ts";
import { bootProcesses, rootCredentials } from "../process/boot-processes.ts";
import { Process } from "../process/process.ts";
import { isRefusal } from "../refusal.ts";
import { mount } from "../syscall/mount.ts";
import type { Coroutine } from "../task.ts";
import { type CapabilityName, capabilitySet, noCapabilities } from "../user/credentials.ts";
import { hostFileSystem } from "./host-root.ts";
import { Mount } from "./mount.ts";
import { registerStoredFileSystems } from "./register-file-systems.ts";

export interface FileBed {
  readonly machine: Machine;
  readonly root: Process;
  /** A process with these ids and capabilities, at the same root. */
  readonly as: (uid: number, more?: PersonOptions) => Process;
  /** Mounts a tmpfs at a directory. */
  readonly tmpfs: (target: string, data?: string, flags?: number) => void;
}

export interface PersonOptions {
  readonly gid?: number;
  readonly groups?: readonly number[];
  readonly capabilities?: readonly CapabilityName[];
}

export function fileBed(): FileBed {
  const machine = new Machine({
    seed: 1,
    hostname: "bed",
    release: "6.18.0",
    cpuCount: 1,
    memoryTotalBytes: 2 ** 30,
  });
  const disk = hostFileSystem(machine);
  bootProcesses(machine, new Mount(machine.nextMount(), disk.root, 0));
  registerStoredFileSystems(machine);
  const root = machine.init;
  let pid = 100;
  return {
    machine,
    root,
    as: (uid, { gid = uid, groups = [], capabilities = [] } = {}) => {
      const process = new Process(machine, {
        pids: [pid++],
        parent: root,
        credentials: {
          ...rootCredentials(machine.initUserNamespace),
          ...{ uid, euid: uid, suid: uid, fsuid: uid, gid, egid: gid, sgid: gid, fsgid: gid },
          groups,
          effective: capabilitySet(capabilities),
          permitted: noCapabilities,
        },
        namespaces: root.namespaces,
        root: root.root,
        cwd: root.cwd,
        rlimits: root.rlimits,
        comm: "test",
      });
      machine.processes.set(process.pid, process);
      return process;
    },
    tmpfs: (target, data = "", flags = 0) => mount(root, "none", target, "tmpfs", flags, data),
  };
}

/** The errno a call is refused with; "ok" when it is not. */
export function errnoOf(call: () => unknown): string {
  try {
    call();
    return "ok";
  } catch (thrown) {
    if (isRefusal(thrown)) return thrown.errno;
    throw thrown;
  }
}

/** Runs coroutines as tasks until all of them wait or are done; says for each what it returned, its errno, or "waits". */
export function settle(machine: Machine, ...coroutines: readonly Coroutine<unknown>[]): unknown[] {
  const results: unknown[] = coroutines.map(() => "waits");
  coroutines.forEach((coroutine, index) => {
    machine.scheduler.spawn(`test ${index}`, coroutine, ({ value, thrown }) => {
      if (thrown !== undefined && !isRefusal(thrown)) throw thrown;
      results[index] = isRefusal(thrown) ? thrown.errno : value;
    });
  });
  machine.scheduler.settle();
  return results;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();
export const bytes = (text: string): Uint8Array => encoder.encode(text);
export const text = (data: Uint8Array): string => decoder.decode(data);
