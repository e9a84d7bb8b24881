/** The OCI spec of a pod's pause container: the process that holds the pod's namespaces. */

import { sandboxAnnotations } from "./annotations.ts";
import { cgroupPathOf } from "./cgroup-path.ts";
import { deviceRules } from "./device-rules.ts";
import { resolveArgs, resolveEnvironment, resolveWorkingDir } from "./environment.ts";
import { sandboxMounts } from "./mounts.ts";
import { hostNamespaces, sandboxNamespaces } from "./namespaces.ts";
import type { Groundwork, SandboxRequest } from "./request.ts";
import type { OciSpec } from "./spec.ts";
import { resolveSysctls } from "./sysctls.ts";

/** The pause process is the last that may be killed for memory; its pod is nothing without it. */
const oomScoreAdj = -998;
/** The least weight there is: it never runs. */
const cpuShares = 2;

export function sandboxSpec(
  request: SandboxRequest,
  groundwork: Groundwork,
  netnsPath: string | undefined,
): OciSpec {
  const { config, image, options } = request;
  const security = config.linux?.securityContext;
  const host = hostNamespaces(security?.namespaceOptions);
  const { user, capabilities } = groundwork;
  return {
    ociVersion: "1.2.0",
    process: {
      user: { uid: user.uid, gid: user.gid, additionalGids: user.groups },
      args: resolveArgs({ command: [], args: [] }, image),
      env: resolveEnvironment({
        image,
        envs: [],
        hostname: undefined,
        home: user.home,
        tty: false,
      }),
      cwd: resolveWorkingDir("", image),
      capabilities: {
        bounding: capabilities,
        effective: capabilities,
        permitted: capabilities,
        inheritable: [],
        ambient: [],
      },
      rlimits: options.rlimits,
      noNewPrivileges: true,
      oomScoreAdj,
      ...(groundwork.apparmorProfile === undefined
        ? {}
        : { apparmorProfile: groundwork.apparmorProfile }),
    },
    root: { path: request.rootfs, readonly: true },
    ...(host.network || config.hostname === "" ? {} : { hostname: config.hostname }),
    mounts: sandboxMounts(request.files, host.ipc),
    annotations: sandboxAnnotations(request),
    linux: {
      namespaces: sandboxNamespaces(host, netnsPath),
      devices: [],
      cgroupsPath: cgroupPathOf(config.linux?.cgroupParent ?? "", options.cgroupParent, request.id),
      resources: { cpu: { shares: cpuShares }, devices: deviceRules(false, []) },
      ...(groundwork.seccompProfile === undefined ? {} : { seccomp: groundwork.seccompProfile }),
      sysctl: resolveSysctls({
        sysctls: config.linux?.sysctls ?? {},
        hostNetwork: host.network,
        hostIpc: host.ipc,
        hostUsers: true,
        unprivilegedPorts: options.unprivilegedPorts,
        unprivilegedIcmp: options.unprivilegedIcmp,
      }),
      maskedPaths: [],
      readonlyPaths: [],
    },
  };
}
