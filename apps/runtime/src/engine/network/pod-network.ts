/** What CNI is told of a pod, and what it answers. */
import type { DNSConfig, PortMapping } from "../../api/index.ts";
import { RuntimeError } from "../../kernel/errors.ts";
import type { CniResult } from "./cni-result.ts";

export interface NetworkPod {
  readonly id: string;
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  /** Path of the bound network namespace. */
  readonly netnsPath: string;
  readonly portMappings: readonly PortMapping[];
  readonly dns: DNSConfig | undefined;
  readonly annotations: Readonly<Record<string, string>>;
  readonly cgroupParent: string;
}

export interface Attachment {
  /** Addresses of the pod without prefix length, the preferred one first. */
  readonly ips: readonly string[];
  readonly result: CniResult;
}

export interface NetworkStatus {
  readonly status: boolean;
  readonly reason: string;
  readonly message: string;
}

/**
 * CNI_ARGS of a Kubernetes pod, in containerd's order.
 * @throws RuntimeError INVALID_ARGUMENT for a name that would end its argument and begin another.
 */
export function cniArgsOf(pod: NetworkPod): string {
  const values = {
    IgnoreUnknown: "1",
    K8S_POD_NAMESPACE: pod.namespace,
    K8S_POD_NAME: pod.name,
    K8S_POD_INFRA_CONTAINER_ID: pod.id,
    K8S_POD_UID: pod.uid,
  };
  for (const [name, value] of Object.entries(values)) {
    if (value.includes(";") || value.includes("\0")) {
      const quoted = JSON.stringify(value);
      throw new RuntimeError("INVALID_ARGUMENT", `${quoted} cannot be passed to CNI as ${name}`);
    }
  }
  return Object.entries(values)
    .map(([name, value]) => `${name}=${value}`)
    .join(";");
}

const burstMax = 2 ** 32 - 1;

function bandwidthOf(annotations: Readonly<Record<string, string>>): object | undefined {
  const ingress = bitsPerSecond(annotations["kubernetes.io/ingress-bandwidth"]);
  const egress = bitsPerSecond(annotations["kubernetes.io/egress-bandwidth"]);
  if (ingress === undefined && egress === undefined) return undefined;
  return {
    ...(ingress === undefined ? {} : { ingressRate: ingress, ingressBurst: burstMax }),
    ...(egress === undefined ? {} : { egressRate: egress, egressBurst: burstMax }),
  };
}

const units: Readonly<Record<string, number>> = {
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
};

/** A Kubernetes quantity such as "10M" in bits per second; undefined when there is none. */
function bitsPerSecond(quantity: string | undefined): number | undefined {
  const [, number, unit] = /^(\d+(?:\.\d+)?)(|k|M|G|Ki|Mi|Gi)$/.exec(quantity ?? "") ?? [];
  if (number === undefined) return undefined;
  return Math.round(Number(number) * (units[unit ?? ""] ?? 1));
}

/** The capability arguments a runtime may pass, by capability; a plugin gets those it declares. */
export function capabilityArgsOf(pod: NetworkPod): Readonly<Record<string, unknown>> {
  const portMappings = pod.portMappings
    .filter((mapping) => mapping.hostPort > 0)
    .map(({ hostPort, containerPort, protocol, hostIp }) => ({
      hostPort,
      containerPort,
      protocol: protocol.toLowerCase(),
      hostIP: hostIp,
    }));
  const bandwidth = bandwidthOf(pod.annotations);
  const dns = pod.dns;
  return {
    "io.kubernetes.cri.pod-annotations": pod.annotations,
    ...(portMappings.length === 0 ? {} : { portMappings }),
    ...(bandwidth === undefined ? {} : { bandwidth }),
    ...(dns === undefined
      ? {}
      : { dns: { servers: dns.servers, searches: dns.searches, options: dns.options } }),
    ...(pod.cgroupParent === "" ? {} : { cgroupPath: pod.cgroupParent }),
  };
}
