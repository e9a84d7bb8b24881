/** Where everything of a pod and of a container lies: each side effect is found again by its id. */
import type { EngineOptions } from "./engine-options.ts";

type Roots = Pick<EngineOptions, "rootDirectory" | "stateDirectory" | "netnsDirectory">;

export interface PodPaths {
  /** Files that containers see, kept across a reboot: hostname, hosts, resolv.conf. */
  readonly directory: string;
  readonly hostname: string;
  readonly hosts: string;
  readonly resolvConf: string;
  readonly stateDirectory: string;
  /** A tmpfs, the pod's /dev/shm. */
  readonly shm: string;
  /** Where the shim works and listens. */
  readonly shimDirectory: string;
  /** The bound network namespace. */
  readonly netns: string;
}

const netnsPrefix = "vitrine-";
const netnsIdLength = 12;

export function podPathsOf(roots: Roots, podId: string): PodPaths {
  const directory = `${roots.rootDirectory}/pods/${podId}`;
  const stateDirectory = `${roots.stateDirectory}/pods/${podId}`;
  return {
    directory,
    hostname: `${directory}/hostname`,
    hosts: `${directory}/hosts`,
    resolvConf: `${directory}/resolv.conf`,
    stateDirectory,
    shm: `${stateDirectory}/shm`,
    shimDirectory: `${roots.stateDirectory}/shims/${podId}`,
    netns: `${roots.netnsDirectory}/${netnsPrefix}${podId.slice(0, netnsIdLength)}`,
  };
}

export interface ContainerPaths {
  readonly stateDirectory: string;
  readonly rootfs: string;
  /** Where the images that it mounts are mounted themselves. */
  readonly imagesDirectory: string;
}

/** Of a container, and of the pause container, whose id is its pod's. */
export function containerPathsOf(roots: Roots, containerId: string): ContainerPaths {
  const stateDirectory = `${roots.stateDirectory}/containers/${containerId}`;
  return {
    stateDirectory,
    rootfs: `${stateDirectory}/rootfs`,
    imagesDirectory: `${stateDirectory}/images`,
  };
}

/** Whether a file of the netns directory has a name that only we give. */
export function isNetnsName(name: string): boolean {
  return new RegExp(`^${netnsPrefix}[0-9a-f]{${netnsIdLength}}$`).test(name);
}
