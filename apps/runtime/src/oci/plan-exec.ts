/** One more process in a running container (ExecSync, Exec): processes `oci` and `exec`. */
import { type HostFacts, type NamespaceType, type Plan, PlanBuilder } from "../kernel/index.ts";
import { addCredentials, addExecve, type CredentialRequest } from "./plan-credentials.ts";
import { addCgroupJoin } from "./plan-namespaces.ts";
import type { ProcessIdentity } from "./request.ts";
import type { OciNamespaceType, OciProcess, OciSpec } from "./spec.ts";

export interface ExecRequest {
  readonly facts: HostFacts;
  /** The container's spec, as compiled when it was created. */
  readonly spec: OciSpec;
  readonly args: readonly string[];
  readonly terminal: boolean;
  readonly width?: number;
  readonly height?: number;
  /** The container's init. */
  readonly target: ProcessIdentity;
  /** `spec.linux.seccomp`, compiled. */
  readonly seccompFilter?: Uint8Array | undefined;
}

const joinable: Readonly<Record<OciNamespaceType, NamespaceType>> = {
  user: "user",
  mount: "mnt",
  network: "net",
  ipc: "ipc",
  uts: "uts",
  pid: "pid",
  cgroup: "cgroup",
  time: "time",
};

/** The process that an exec runs: the container's own but for command and terminal. */
export function execProcess(request: ExecRequest): OciProcess {
  const { oomScoreAdj: _inherited, env, ...rest } = request.spec.process;
  const hasTerm = env.some((entry) => entry.startsWith("TERM="));
  return {
    ...rest,
    args: request.args,
    env: request.terminal && !hasTerm ? [...env, "TERM=xterm"] : env,
    terminal: request.terminal,
  };
}

export function execPlan(request: ExecRequest): Plan {
  const { facts, spec, target } = request;
  const builder = new PlanBuilder("exec");
  const cgroup = addCgroupJoin(builder, facts, spec.linux.cgroupsPath);
  builder.add("oci", {
    op: "pidfdOpen",
    pid: target.pid,
    startTime: target.startTime,
    as: "container",
  });
  // All at once: there is no moment at which the process is in some of them only.
  const namespaces = spec.linux.namespaces.map((one) => joinable[one.type]);
  builder.add("oci", { op: "setns", fd: "container", namespaces });
  builder.add("oci", {
    op: "clone3",
    child: "exec",
    namespaces: [],
    ...(cgroup === undefined ? {} : { cgroup }),
  });
  builder.add("exec", { op: "setsid" });
  if (request.terminal) {
    const { width = 0, height = 0 } = request;
    builder.add("exec", { op: "open", path: "/", flags: ["path", "directory"], as: "rootfs" });
    builder.add("exec", { op: "console", at: "rootfs", width, height });
  }
  const credentials: CredentialRequest = {
    process: execProcess(request),
    seccompFilter: request.seccompFilter,
    seccompFlags: spec.linux.seccomp?.flags,
    clampOomScore: false,
  };
  addCredentials(builder, "exec", credentials);
  addExecve(builder, "exec", credentials);
  return builder.build();
}
