/** Reads from the host what compiling a request needs to know, and refuses what cannot work. */
import { type HostFiles, RuntimeError } from "../kernel/index.ts";
import { apparmorProfileFor } from "./apparmor.ts";
import { resolveCapabilities } from "./capabilities.ts";
import { readCpuset } from "./cgroup-cpuset.ts";
import { cgroupPathOf } from "./cgroup-path.ts";
import { resolveDevices } from "./devices.ts";
import { resolveMounts } from "./mount-sources.ts";
import { checkSandboxNamespaces } from "./namespaces.ts";
import type { ContainerRequest, Groundwork, SandboxRequest } from "./request.ts";
import { seccompProfileFor } from "./seccomp-choice.ts";
import { resolveUser } from "./user.ts";

/** For the pause container. Throws INVALID_ARGUMENT with what is wrong in the config. */
export async function prepareSandbox(
  files: HostFiles,
  request: SandboxRequest,
): Promise<Groundwork> {
  const { facts, options, config, image, rootfs } = request;
  const security = config.linux?.securityContext;
  checkSandboxNamespaces(security?.namespaceOptions);
  checkHostname(config.hostname);
  const path = cgroupPathOf(config.linux?.cgroupParent ?? "", options.cgroupParent, request.id);
  const privileged = security?.privileged ?? false;
  return {
    user: await resolveUser(
      (file, bytesMax) => files.readInRoot(rootfs, file, bytesMax),
      security,
      image.User,
    ),
    mounts: [],
    devices: [],
    cpuset: await readCpuset(files, facts, path),
    seccompProfile: await seccompProfileFor(files, facts, {
      privileged,
      seccomp: security?.seccomp,
      seccompProfilePath: security?.seccompProfilePath ?? "",
      unset: options.unsetSeccompProfile,
      capabilities: [],
    }),
    // It waits and reaps; for that nobody needs a capability.
    capabilities: [],
    apparmorProfile: await apparmorProfileFor(files, facts, {
      privileged,
      apparmor: security?.apparmor,
      apparmorProfile: "",
    }),
    warnings: [],
  };
}

/** For a workload container. Throws INVALID_ARGUMENT with what is wrong in the config. */
export async function prepareContainer(
  files: HostFiles,
  request: ContainerRequest,
): Promise<Groundwork> {
  const { facts, options, config, image, rootfs } = request;
  const security = config.linux?.securityContext;
  const privileged = security?.privileged ?? false;
  refuse(request);
  const { capabilities, warnings } = resolveCapabilities({
    privileged,
    capabilities: security?.capabilities,
    available: facts.capabilities,
  });
  const path = cgroupPathOf(
    request.pod.linux?.cgroupParent ?? "",
    options.cgroupParent,
    request.id,
  );
  return {
    user: await resolveUser(
      (file, bytesMax) => files.readInRoot(rootfs, file, bytesMax),
      security,
      image.User,
    ),
    mounts: await resolveMounts(files, config.mounts, request.imageMounts ?? new Map()),
    devices: await resolveDevices(files, facts, {
      devices: config.devices,
      allOfHost: privileged && !options.privilegedWithoutHostDevices,
    }),
    cpuset: await readCpuset(files, facts, path),
    seccompProfile: await seccompProfileFor(files, facts, {
      privileged,
      seccomp: security?.seccomp,
      seccompProfilePath: security?.seccompProfilePath ?? "",
      unset: options.unsetSeccompProfile,
      capabilities,
    }),
    capabilities,
    apparmorProfile: await apparmorProfileFor(files, facts, {
      privileged,
      apparmor: security?.apparmor,
      apparmorProfile: security?.apparmorProfile ?? "",
    }),
    warnings,
  };
}

/** What sethostname(2) takes, and what may stand in /etc/hosts and /etc/hostname. */
function checkHostname(hostname: string): void {
  if (/^[A-Za-z0-9_.-]{0,64}$/.test(hostname)) return;
  throw new RuntimeError("INVALID_ARGUMENT", `${JSON.stringify(hostname)} is no host name`);
}

/** What needs no look at the host to be refused. */
function refuse(request: ContainerRequest): void {
  const { config, pod } = request;
  const security = config.linux?.securityContext;
  if (security?.privileged && !(pod.linux?.securityContext?.privileged ?? false)) {
    throw new RuntimeError(
      "INVALID_ARGUMENT",
      "a privileged container is not allowed in a sandbox that is not privileged",
    );
  }
  if (config.cdiDevices.length > 0) {
    throw new RuntimeError(
      "INVALID_ARGUMENT",
      `CDI devices are not supported: ${config.cdiDevices.map((device) => device.name).join(", ")}`,
    );
  }
  const users = security?.namespaceOptions?.usernsOptions;
  if (users !== undefined && users.mode !== "NODE") {
    throw new RuntimeError(
      "INVALID_ARGUMENT",
      `user namespace mode ${users.mode} is not supported by this runtime handler`,
    );
  }
}
