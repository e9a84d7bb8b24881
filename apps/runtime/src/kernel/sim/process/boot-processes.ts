/** The first process: pid 1 of the host, in the first namespaces, with every right there is (bootup(7)). */
import { adoptProcess } from "../cgroup/boot-cgroups.ts";
import type { Machine } from "../machine.ts";
import { isRefusal } from "../refusal.ts";
import { gate } from "../seccomp/gate.ts";
import type { Coroutine } from "../task.ts";
import {
  allCapabilities,
  type CapabilityName,
  type Credentials,
  capabilitySet,
  noCapabilities,
} from "../user/credentials.ts";
import type { UserNamespace } from "../user/user-namespace.ts";
import type { Mount } from "../vfs/mount.ts";
import { confine } from "./apparmor.ts";
import { initialNamespaces } from "./initial-namespaces.ts";
import { initialRlimits } from "./initial-rlimits.ts";
import { startLife } from "./life.ts";
import { registerPids } from "./pids.ts";
import { Process } from "./process.ts";
import { countUser } from "./user-processes.ts";
import { waitForChild } from "./wait.ts";

export interface ProcessBootOptions {
  /** Capabilities this host does not have, as inside some virtual machines. Default: it has all. */
  readonly withoutCapabilities?: readonly CapabilityName[];
  /** Whether the kernel has AppArmor. Default true. */
  readonly apparmor?: boolean;
}

/** What init does: it waits for whoever is left to it. */
function* reapForever(self: Process): Coroutine<number> {
  for (;;) {
    try {
      yield* waitForChild(self, -1, 0);
    } catch (thrown) {
      if (!isRefusal(thrown, "ECHILD", "EINTR")) throw thrown;
      yield { on: [self.childEvents] };
    }
  }
}

/** root of the host, with everything but what `without` names. */
export function rootCredentials(
  userNamespace: UserNamespace,
  without: readonly CapabilityName[] = [],
): Credentials {
  const all = allCapabilities & ~capabilitySet(without);
  return {
    uid: 0,
    euid: 0,
    suid: 0,
    fsuid: 0,
    gid: 0,
    egid: 0,
    sgid: 0,
    fsgid: 0,
    groups: [],
    effective: all,
    permitted: all,
    inheritable: noCapabilities,
    bounding: all,
    ambient: noCapabilities,
    userNamespace,
    noNewPrivs: false,
    keepCaps: false,
  };
}

/**
 * Makes the first namespaces around `root`, and init, which is in the root of every cgroup hierarchy there is by
 * now. Sets `init`, `initPidNamespace`,
 * `gate` and `confine` of the machine.
 */
export function bootProcesses(
  machine: Machine,
  root: Mount,
  options: ProcessBootOptions = {},
): Process {
  const namespaces = initialNamespaces(machine, root);
  const point = { mount: root, dentry: root.root };
  const init = new Process(machine, {
    pids: [1],
    parent: undefined,
    credentials: rootCredentials(machine.initUserNamespace, options.withoutCapabilities),
    namespaces,
    root: point,
    cwd: point,
    rlimits: initialRlimits(machine),
    comm: "init",
  });
  init.argv = ["/sbin/init"];
  registerPids(init);
  machine.processes.set(1, init);
  machine.init = init;
  countUser(machine, 0, 1);
  adoptProcess(init);
  machine.gate = gate;
  if (options.apparmor !== false) machine.confine = confine;
  startLife(init, reapForever);
  return init;
}
