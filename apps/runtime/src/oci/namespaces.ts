/** Which namespaces a pod and its containers have of their own, share, or leave to the host. */
import type { NamespaceOption } from "../api/index.ts";
import { type HostFacts, RuntimeError } from "../kernel/index.ts";
import { isUnified } from "./cgroup-path.ts";
import type { ProcessIdentity } from "./request.ts";
import type { OciNamespace, OciNamespaceType } from "./spec.ts";

/** The host's namespaces that a pod uses instead of its own. The UTS namespace follows the network. */
export interface HostNamespaces {
  readonly network: boolean;
  readonly pid: boolean;
  readonly ipc: boolean;
}

export function hostNamespaces(options: NamespaceOption | undefined): HostNamespaces {
  return {
    network: options?.network === "NODE",
    pid: options?.pid === "NODE",
    ipc: options?.ipc === "NODE",
  };
}

/** INVALID_ARGUMENT for modes that have no meaning for a whole pod, and for user namespaces. */
export function checkSandboxNamespaces(options: NamespaceOption | undefined): void {
  if (options === undefined) return;
  for (const [what, mode] of Object.entries({ network: options.network, ipc: options.ipc })) {
    if (mode === "CONTAINER" || mode === "TARGET") {
      throw invalid(`${what} namespace mode ${mode} is not possible: containers of a pod share it`);
    }
  }
  if (options.pid === "TARGET") throw invalid("pid namespace mode TARGET is for containers");
  const users = options.usernsOptions;
  if (users === undefined || users.mode === "NODE") {
    if ((users?.uids.length ?? 0) + (users?.gids.length ?? 0) > 0) {
      throw invalid("user namespace mode NODE has no id mappings");
    }
    return;
  }
  throw invalid(`user namespace mode ${users.mode} is not supported by this runtime handler`);
}

/** Namespaces of the pause container: those the pod has of its own, and the network made beforehand. */
export function sandboxNamespaces(
  host: HostNamespaces,
  netnsPath: string | undefined,
): readonly OciNamespace[] {
  const namespaces: OciNamespace[] = [{ type: "mount" }];
  if (!host.network) {
    namespaces.push(
      netnsPath === undefined ? { type: "network" } : { type: "network", path: netnsPath },
    );
    namespaces.push({ type: "uts" });
  }
  if (!host.ipc) namespaces.push({ type: "ipc" });
  if (!host.pid) namespaces.push({ type: "pid" });
  return namespaces;
}

export interface ContainerNamespaceRequest {
  readonly facts: HostFacts;
  /** Of the pod: what it has of its own is joined. */
  readonly sandbox: HostNamespaces;
  readonly options: NamespaceOption | undefined;
  readonly privileged: boolean;
  readonly pause: ProcessIdentity;
  readonly target: ProcessIdentity | undefined;
}

/** Namespaces of a workload container: mounts of its own, the pod's network, IPC and UTS, and pid as asked. */
export function containerNamespaces(request: ContainerNamespaceRequest): readonly OciNamespace[] {
  const { sandbox, pause } = request;
  const shared: OciNamespaceType[] = [];
  if (!sandbox.network) shared.push("network", "uts");
  if (!sandbox.ipc) shared.push("ipc");
  return [
    { type: "mount" },
    ...shared.map((type) => ({ type, path: namespacePath(pause, type) })),
    ...pidNamespace(request),
    // v1 has no use for it: there each hierarchy is mounted at the container's own cgroup.
    ...(isUnified(request.facts) && !request.privileged ? [{ type: "cgroup" } as const] : []),
  ];
}

function pidNamespace(request: ContainerNamespaceRequest): readonly OciNamespace[] {
  switch (request.options?.pid ?? "POD") {
    case "CONTAINER":
      return [{ type: "pid" }];
    case "NODE":
      // A container may not see more than its pod was given.
      if (!request.sandbox.pid) throw invalid("pid namespace mode NODE in a pod that has its own");
      return [];
    case "TARGET":
      if (request.target === undefined) {
        throw new RuntimeError(
          "FAILED_PRECONDITION",
          "the target container of the pid namespace is not running",
        );
      }
      return [{ type: "pid", path: namespacePath(request.target, "pid") }];
    case "POD":
      if (request.sandbox.pid) return [];
      return [{ type: "pid", path: namespacePath(request.pause, "pid") }];
  }
  throw invalid(`pid namespace mode ${request.options?.pid} is not known`);
}

const procName: Readonly<Record<OciNamespaceType, string>> = {
  pid: "pid",
  network: "net",
  mount: "mnt",
  ipc: "ipc",
  uts: "uts",
  user: "user",
  cgroup: "cgroup",
  time: "time",
};

function namespacePath(process: ProcessIdentity, type: OciNamespaceType): string {
  return `/proc/${process.pid}/ns/${procName[type]}`;
}

function invalid(message: string): RuntimeError {
  return new RuntimeError("INVALID_ARGUMENT", message);
}
