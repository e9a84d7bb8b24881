/** Attributes that several RPCs say about their pod, container or image. Never values of env or credentials. */
import type { ContainerConfig, ImageSpec, PodSandboxConfig } from "../../api/index.ts";
import { attribute } from "../../trace/attribute.ts";
import type { Attributes } from "../../trace/tracer.ts";

export function podAttributes(config: PodSandboxConfig | undefined): Attributes {
  return {
    [attribute.podName]: config?.metadata?.name,
    [attribute.podNamespace]: config?.metadata?.namespace,
    [attribute.podUid]: config?.metadata?.uid,
  };
}

export function containerAttributes(config: ContainerConfig | undefined): Attributes {
  return {
    [attribute.containerName]: config?.metadata?.name,
    ...imageAttributes(config?.image),
  };
}

/** The name a user knows, where the request has one. */
export function imageAttributes(image: ImageSpec | undefined): Attributes {
  return { [attribute.imageName]: image?.userSpecifiedImage || image?.image };
}

export function sandboxId(request: { readonly podSandboxId: string }): Attributes {
  return { [attribute.sandboxId]: request.podSandboxId };
}

export function containerId(request: { readonly containerId: string }): Attributes {
  return { [attribute.containerId]: request.containerId };
}
