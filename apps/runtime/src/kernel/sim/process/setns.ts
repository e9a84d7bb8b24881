/** setns(2) behind its door: joining what an nsfs fd or the process of a pidfd has. */
import type { NamespaceType } from "../../op.ts";
import type { Namespace, PidNamespace } from "../namespace.ts";
import { refuse } from "../refusal.ts";
import { fileOf } from "../syscall/file.ts";
import { capableIn } from "../user/capable.ts";
import { commitCredentials } from "../user/commit-credentials.ts";
import type { CapabilityName, Credentials } from "../user/credentials.ts";
import { credentialsInside } from "../user/new-user-namespace.ts";
import type { UserNamespace } from "../user/user-namespace.ts";
import type { PathPoint } from "../vfs/mount.ts";
import { topMount } from "../vfs/mount-tree.ts";
import { mayInspect } from "./inspect.ts";
import type { Namespaces, Process } from "./process.ts";

/** What is gathered before anything of the caller changes (struct nsset). */
class NamespaceSet {
  readonly caller: Process;
  credentials: Credentials;
  namespaces: Namespaces;
  point: PathPoint | undefined;

  constructor(caller: Process) {
    this.caller = caller;
    this.credentials = caller.credentials;
    this.namespaces = caller.namespaces;
  }

  /** ns_capable() of the caller as it is now, not as it will be. */
  #needs(owner: UserNamespace, capability: CapabilityName): void {
    if (!capableIn(this.caller.credentials, owner, capability)) refuse("EPERM");
  }

  install(namespace: Namespace): void {
    if (namespace.type === "user") {
      this.#installUser(namespace);
      return;
    }
    this.#needs(namespace.owner, "CAP_SYS_ADMIN");
    this.#needs(this.credentials.userNamespace, "CAP_SYS_ADMIN");
    switch (namespace.type) {
      case "mnt":
        this.#needs(this.credentials.userNamespace, "CAP_SYS_CHROOT");
        this.point = topMount({ mount: namespace.root, dentry: namespace.root.root });
        break;
      case "pid":
        this.#installPid(namespace);
        return;
      case "time":
        this.namespaces = { ...this.namespaces, timeForChildren: namespace, time: namespace };
        return;
    }
    this.namespaces = { ...this.namespaces, [namespace.type]: namespace };
  }

  #installUser(namespace: UserNamespace): void {
    if (namespace === this.caller.credentials.userNamespace) refuse("EINVAL");
    this.#needs(namespace, "CAP_SYS_ADMIN");
    this.credentials = credentialsInside(this.credentials, namespace);
  }

  /** Only downwards: children are born there, the caller stays where it is. */
  #installPid(namespace: PidNamespace): void {
    const { pid } = this.caller.namespaces;
    let at: PidNamespace | undefined = namespace;
    while (at !== undefined && at.level > pid.level) at = at.parent;
    if (at !== pid) refuse("EINVAL");
    this.namespaces = { ...this.namespaces, pidForChildren: namespace };
  }

  commit(): void {
    const { caller } = this;
    if (this.point !== undefined) {
      caller.root = this.point;
      caller.cwd = this.point;
    }
    caller.namespaces = this.namespaces;
    if (this.credentials !== caller.credentials) commitCredentials(caller, this.credentials);
  }
}

/** Order in which the kernel installs what a pidfd has (validate_nsset()). */
const order: readonly NamespaceType[] = [
  "user",
  "mnt",
  "uts",
  "ipc",
  "pid",
  "cgroup",
  "net",
  "time",
];

function namespaceOf(process: Process, type: NamespaceType): Namespace {
  return type === "user" ? process.credentials.userNamespace : process.namespaces[type];
}

/**
 * EBADF; EINVAL for an fd that is neither, a type that does not fit, or none with a pidfd; EPERM; ESRCH when the
 * process of the pidfd has ended.
 */
export function joinNamespaces(caller: Process, fd: number, types: readonly NamespaceType[]): void {
  const file = fileOf(caller, fd);
  const set = new NamespaceSet(caller);
  if (file.namespace !== undefined) {
    const only = file.namespace.type;
    if (types.length > 1 || (types.length === 1 && types[0] !== only)) refuse("EINVAL");
    set.install(file.namespace);
  } else if (file.process !== undefined) {
    const target = file.process;
    if (types.length === 0) refuse("EINVAL");
    if (target.state !== "alive") refuse("ESRCH");
    if (!mayInspect(caller, target)) refuse("EPERM");
    for (const type of order) {
      if (types.includes(type)) set.install(namespaceOf(target, type));
    }
  } else {
    refuse("EINVAL");
  }
  set.commit();
}
