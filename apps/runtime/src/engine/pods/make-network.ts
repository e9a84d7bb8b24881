/** The network of a pod: a namespace bound to a path, and what CNI puts into it. */
import type { Context } from "../../trace/tracer.ts";
import type { EngineParts } from "../engine-parts.ts";
import type { NetworkPod } from "../network/pod-network.ts";
import { podPathsOf } from "../paths.ts";
import { type PodRecord, podMetadataOf, usesHostNetwork } from "./pod-record.ts";

export interface PodNetworkWork {
  /** The bound namespace, as soon as it is there; undefined on the host's network. */
  readonly namespace: Promise<string | undefined>;
  /** The pod's addresses, when CNI is done; none on the host's network. */
  readonly attached: Promise<readonly string[]>;
}

/** Begins to make the pod's network. Undo is `releaseNetwork`. */
export function makeNetwork(
  parts: EngineParts,
  context: Context,
  record: PodRecord,
): PodNetworkWork {
  if (usesHostNetwork(record.config)) {
    return { namespace: Promise.resolve(undefined), attached: Promise.resolve([]) };
  }
  const pod = networkPodOf(parts, record);
  const namespace = parts.network.makeNamespace(context, pod.netnsPath).then(() => {
    parts.crashPoint("P5");
    return pod.netnsPath;
  });
  const attached = namespace.then(async () => {
    parts.crashPoint("P6");
    const { ips } = await parts.network.attach(context, pod);
    parts.crashPoint("P7");
    return ips;
  });
  return { namespace, attached };
}

/** CNI DEL with the cached result, then the namespace goes. Nothing there is no error. */
export async function releaseNetwork(
  parts: EngineParts,
  context: Context,
  record: PodRecord,
): Promise<void> {
  if (record.netns === "") return;
  const pod = networkPodOf(parts, record);
  await parts.network.detach(context, pod);
  parts.crashPoint("D2");
  await parts.network.removeNamespace(context, pod.netnsPath);
  parts.crashPoint("D3");
}

function networkPodOf(parts: EngineParts, record: PodRecord): NetworkPod {
  const { config } = record;
  const { name, namespace, uid } = podMetadataOf(record);
  return {
    id: record.id,
    name,
    namespace,
    uid,
    netnsPath: podPathsOf(parts.options, record.id).netns,
    portMappings: config.portMappings,
    dns: config.dnsConfig,
    annotations: config.annotations,
    cgroupParent: record.cgroupParent,
  };
}
