/** Pods that scenarios run, described once. */
import type { ContainerDescription, PodDescription } from "../actors/pod-description.ts";

/** An image with a shell and the usual tools. */
export const shellImage = "docker.io/library/busybox:latest";
export const nginxImage = "docker.io/library/nginx:latest";

/** A pod of these containers, with everything else as a kubelet fills it in. */
export function podOf(
  name: string,
  containers: readonly ContainerDescription[],
  more: Partial<PodDescription> = {},
): PodDescription {
  const uid = `${name}-1`;
  return {
    name,
    namespace: "default",
    uid,
    logDirectory: `/var/log/pods/default_${name}_${uid}`,
    containers,
    ...more,
  };
}

/** A container that runs a shell script. */
export function shell(
  name: string,
  script: string,
  more: Partial<ContainerDescription> = {},
): ContainerDescription {
  return { name, image: shellImage, command: ["sh", "-c", script], ...more };
}

/** One that waits, with a shell to look around in. */
export function idle(name: string, more: Partial<ContainerDescription> = {}): ContainerDescription {
  return shell(name, "sleep 3600", more);
}
