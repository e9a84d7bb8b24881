/**
 * Annotations of the OCI spec: whose container this is, under the keys that tools which read a
 * config.json already know. Annotations of the pod itself stay out: they are the user's words, and
 * runtimes below act on some (CVE-2023-6476).
 */
import type { ContainerRequest, SandboxRequest } from "./request.ts";

const prefix = "io.kubernetes.cri.";

export function sandboxAnnotations(request: SandboxRequest): Readonly<Record<string, string>> {
  const { config, id } = request;
  return {
    [`${prefix}container-type`]: "sandbox",
    [`${prefix}sandbox-id`]: id,
    [`${prefix}sandbox-name`]: config.metadata?.name ?? "",
    [`${prefix}sandbox-namespace`]: config.metadata?.namespace ?? "",
    [`${prefix}sandbox-uid`]: config.metadata?.uid ?? "",
    [`${prefix}sandbox-log-directory`]: config.logDirectory,
  };
}

export function containerAnnotations(request: ContainerRequest): Readonly<Record<string, string>> {
  const { config, pod, podId } = request;
  return {
    [`${prefix}container-type`]: "container",
    [`${prefix}sandbox-id`]: podId,
    [`${prefix}sandbox-name`]: pod.metadata?.name ?? "",
    [`${prefix}sandbox-namespace`]: pod.metadata?.namespace ?? "",
    [`${prefix}sandbox-uid`]: pod.metadata?.uid ?? "",
    [`${prefix}container-name`]: config.metadata?.name ?? "",
    [`${prefix}image-name`]: config.image?.userSpecifiedImage || config.image?.image || "",
  };
}
