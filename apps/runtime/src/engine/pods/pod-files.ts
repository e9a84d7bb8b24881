/**
 * The files that all containers of a pod see: /etc/hostname, /etc/hosts, /etc/resolv.conf and the
 * tmpfs of /dev/shm. The kubelet mounts its own hosts over ours; whoever has no kubelet uses these.
 */
import type { DNSConfig, PodSandboxConfig } from "../../api/index.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import type { Op } from "../../kernel/op.ts";
import { type Plan, PlanBuilder } from "../../kernel/plan.ts";
import type { PodFiles } from "../../oci/request.ts";
import type { Context } from "../../trace/tracer.ts";
import type { EngineParts } from "../engine-parts.ts";
import type { PodPaths } from "../paths.ts";
import { usesHostNetwork } from "./pod-record.ts";

const hostFileBytesMax = 1 << 20;
const encoder = new TextEncoder();

/** What goes into the files, as far as it is the pod's own or the host's. */
export interface PodFileContents {
  readonly hostname: string;
  readonly resolvConf: Uint8Array;
}

/** resolv.conf(5) of a DNS config: search, then nameservers, then options. An empty config is an empty file. */
export function resolvConfOf(dns: DNSConfig): string {
  const lines = [
    ...(dns.searches.length > 0 ? [`search ${dns.searches.join(" ")}`] : []),
    ...dns.servers.map((server) => `nameserver ${server}`),
    ...(dns.options.length > 0 ? [`options ${dns.options.join(" ")}`] : []),
  ];
  return lines.map((line) => `${line}\n`).join("");
}

/** hosts(5) of a pod with addresses of its own; the host's names mean nothing in there. */
export function hostsOf(hostname: string, ips: readonly string[]): string {
  const lines = [
    "127.0.0.1\tlocalhost",
    "::1\tlocalhost ip6-localhost ip6-loopback",
    "fe00::0\tip6-localnet",
    "fe00::0\tip6-mcastprefix",
    "fe00::1\tip6-allnodes",
    "fe00::2\tip6-allrouters",
    ...ips.map((ip) => `${ip}\t${hostname}`),
  ];
  return lines.map((line) => `${line}\n`).join("");
}

/** What the containers' hostname is: the pod's own, or the host's where it names none. */
export function hostnameOf(config: PodSandboxConfig, ofHost: string): string {
  return config.hostname === "" ? ofHost : config.hostname;
}

/** The contents of the files, reading what the host supplies. */
export async function podFileContents(
  kernel: Kernel,
  config: PodSandboxConfig,
): Promise<PodFileContents> {
  const resolvConf =
    config.dnsConfig === undefined
      ? ((await kernel.files.read("/etc/resolv.conf", hostFileBytesMax)) ?? new Uint8Array())
      : encoder.encode(resolvConfOf(config.dnsConfig));
  return { hostname: hostnameOf(config, kernel.facts.hostname), resolvConf };
}

/** Makes the pod's directories and writes its files; with `shmBytes` also mounts its /dev/shm. */
export function podFilesPlan(
  paths: PodPaths,
  contents: PodFileContents,
  shmBytes: number | undefined,
): Plan {
  const plan = new PlanBuilder("write pod files");
  const host = (op: Op): unknown => plan.add("host", op);
  host({ op: "mkdir", path: paths.directory, mode: 0o755, parents: true });
  host({ op: "mkdir", path: paths.stateDirectory, mode: 0o711, parents: true });
  host({ op: "mkdir", path: paths.shimDirectory, mode: 0o700, parents: true });
  host({
    op: "writeFile",
    path: paths.hostname,
    data: encoder.encode(`${contents.hostname}\n`),
    mode: 0o644,
    how: "create",
  });
  host({
    op: "writeFile",
    path: paths.resolvConf,
    data: contents.resolvConf,
    mode: 0o644,
    how: "create",
  });
  if (shmBytes !== undefined) {
    host({ op: "mkdir", path: paths.shm, mode: 0o1777 });
    host({
      op: "mount",
      source: "shm",
      target: paths.shm,
      fstype: "tmpfs",
      attrs: ["nosuid", "nodev", "noexec"],
      data: `mode=1777,size=${shmBytes}`,
    });
  }
  return plan.build();
}

/** Writes /etc/hosts, once the addresses are known: with the host's network the host's own. */
export async function writeHosts(
  parts: EngineParts,
  context: Context,
  config: PodSandboxConfig,
  paths: PodPaths,
  ips: readonly string[],
): Promise<void> {
  const { kernel } = parts.world;
  const ofHost = usesHostNetwork(config)
    ? await kernel.files.read("/etc/hosts", hostFileBytesMax)
    : undefined;
  const data = ofHost ?? encoder.encode(hostsOf(hostnameOf(config, kernel.facts.hostname), ips));
  const plan = new PlanBuilder("write hosts");
  plan.add("host", { op: "writeFile", path: paths.hosts, data, mode: 0o644, how: "create" });
  await kernel.run(context, plan.build());
}

/** The paths as the compiler wants them. */
export function podFilesOf(paths: PodPaths, hostIpc: boolean): PodFiles {
  return {
    hostname: paths.hostname,
    hosts: paths.hosts,
    resolvConf: paths.resolvConf,
    ...(hostIpc ? {} : { shm: paths.shm }),
  };
}
