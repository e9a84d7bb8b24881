/** The OCI spec of a workload container. */
import { containerAnnotations } from "./annotations.ts";
import { cgroupPathOf } from "./cgroup-path.ts";
import { deviceRules } from "./device-rules.ts";
import type { ResolvedDevice } from "./devices.ts";
import { resolveArgs, resolveEnvironment, resolveWorkingDir } from "./environment.ts";
import { containerMounts, rootfsPropagation } from "./mounts.ts";
import { containerNamespaces, hostNamespaces } from "./namespaces.ts";
import type { ContainerRequest, Groundwork, ProcessIdentity } from "./request.ts";
import { resolveResources } from "./resources.ts";
import { selinuxLabel } from "./selinux.ts";
import type { OciDevice, OciLinux, OciProcess, OciSpec } from "./spec.ts";

/** The processes whose namespaces a container joins. */
export interface Neighbours {
  readonly pause: ProcessIdentity;
  /** The container that pid mode TARGET names. */
  readonly target?: ProcessIdentity;
}

export function containerSpec(
  request: ContainerRequest,
  groundwork: Groundwork,
  neighbours: Neighbours,
): OciSpec {
  const { config, pod } = request;
  const security = config.linux?.securityContext;
  const privileged = security?.privileged ?? false;
  const readonlyRootfs = security?.readonlyRootfs ?? false;
  const host = hostNamespaces(pod.linux?.securityContext?.namespaceOptions);
  return {
    ociVersion: "1.2.0",
    process: processOf(request, groundwork),
    root: { path: request.rootfs, readonly: readonlyRootfs },
    mounts: containerMounts({
      facts: request.facts,
      privileged,
      readonlyRootfs,
      files: request.files,
      hostIpc: host.ipc,
      mounts: groundwork.mounts,
    }),
    annotations: containerAnnotations(request),
    linux: linuxOf(request, groundwork, neighbours),
  };
}

function processOf(request: ContainerRequest, groundwork: Groundwork): OciProcess {
  const { config, image, options, pod, facts } = request;
  const { user, capabilities } = groundwork;
  const security = config.linux?.securityContext;
  const label = selinuxLabel(facts, security?.selinuxOptions);
  return {
    terminal: config.tty,
    user: { uid: user.uid, gid: user.gid, additionalGids: user.groups },
    args: resolveArgs(config, image),
    env: resolveEnvironment({
      image,
      envs: config.envs,
      hostname: pod.hostname || facts.hostname,
      home: user.home,
      tty: config.tty,
    }),
    cwd: resolveWorkingDir(config.workingDir, image),
    capabilities: {
      bounding: capabilities,
      effective: capabilities,
      permitted: capabilities,
      inheritable: [],
      ambient: [],
    },
    rlimits: options.rlimits,
    noNewPrivileges: security?.noNewPrivs ?? false,
    // Without any word of the CRI it is 0: a container must not inherit the protection of the runtime.
    oomScoreAdj: config.linux?.resources?.oomScoreAdj ?? 0,
    ...(groundwork.apparmorProfile === undefined
      ? {}
      : { apparmorProfile: groundwork.apparmorProfile }),
    ...(label === undefined ? {} : { selinuxLabel: label }),
  };
}

function linuxOf(
  request: ContainerRequest,
  groundwork: Groundwork,
  neighbours: Neighbours,
): OciLinux {
  const { config, pod, options, facts } = request;
  const security = config.linux?.securityContext;
  const privileged = security?.privileged ?? false;
  const propagation = rootfsPropagation(groundwork.mounts);
  const allDevices = privileged && !options.privilegedWithoutHostDevices;
  return {
    namespaces: containerNamespaces({
      facts,
      sandbox: hostNamespaces(pod.linux?.securityContext?.namespaceOptions),
      options: security?.namespaceOptions,
      privileged,
      pause: neighbours.pause,
      target: neighbours.target,
    }),
    devices: groundwork.devices.map(ociDevice),
    cgroupsPath: cgroupPathOf(pod.linux?.cgroupParent ?? "", options.cgroupParent, request.id),
    resources: resolveResources(facts, {
      resources: config.linux?.resources,
      pidsLimit: options.pidsLimit,
      devices: deviceRules(allDevices, groundwork.devices),
    }),
    ...(propagation === undefined ? {} : { rootfsPropagation: propagation }),
    ...(groundwork.seccompProfile === undefined ? {} : { seccomp: groundwork.seccompProfile }),
    sysctl: {},
    maskedPaths: privileged ? [] : (security?.maskedPaths ?? []),
    readonlyPaths: privileged ? [] : (security?.readonlyPaths ?? []),
  };
}

function ociDevice(device: ResolvedDevice): OciDevice {
  return {
    path: device.path,
    type: device.type === "block" ? "b" : "c",
    major: device.major,
    minor: device.minor,
    fileMode: device.mode,
    uid: device.uid,
    gid: device.gid,
  };
}
