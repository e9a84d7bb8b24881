/** What must be true of a RunPodSandbox request before anything is made for it. */
import type {
  DNSConfig,
  PodSandboxConfig,
  PodSandboxMetadata,
  PortMapping,
  RunPodSandboxRequest,
} from "../../api/index.ts";
import { RuntimeError } from "../../kernel/errors.ts";
import { isIpAddress } from "../ip-address.ts";

/** HOST_NAME_MAX, gethostname(2). */
const hostnameLengthMax = 64;
const portMax = 65535;

/**
 * The config of the request, and its metadata.
 * @throws RuntimeError INVALID_ARGUMENT that names the field.
 */
export function checkPodConfig(request: RunPodSandboxRequest): {
  readonly config: PodSandboxConfig;
  readonly metadata: PodSandboxMetadata;
} {
  const config = request.config;
  if (config === undefined) throw invalid("the pod sandbox config is missing");
  const metadata = config.metadata;
  if (metadata === undefined) throw invalid("the pod sandbox config has no metadata");
  if (metadata.name === "") throw invalid("the pod sandbox metadata has no name");
  if (metadata.namespace === "") throw invalid("the pod sandbox metadata has no namespace");
  if (metadata.uid === "") throw invalid("the pod sandbox metadata has no uid");
  for (const part of [metadata.name, metadata.namespace, metadata.uid]) {
    if (hasControlCharacter(part))
      throw invalid("the pod sandbox metadata has a control character");
  }
  if (config.hostname.length > hostnameLengthMax) {
    throw invalid(`hostname ${config.hostname} is longer than ${hostnameLengthMax} characters`);
  }
  if (/[\s/]/.test(config.hostname) || hasControlCharacter(config.hostname)) {
    throw invalid(`hostname ${JSON.stringify(config.hostname)} is no host name`);
  }
  checkDns(config.dnsConfig);
  checkLogDirectory(config.logDirectory);
  config.portMappings.forEach(checkPortMapping);
  checkNamespaces(config);
  return { config, metadata };
}

/** A line break in one of these values would become a line of resolv.conf (CVE-2022-4318 is of this kind). */
function checkDns(dns: DNSConfig | undefined): void {
  if (dns === undefined) return;
  for (const value of [...dns.servers, ...dns.searches, ...dns.options]) {
    if (value === "" || /\s/.test(value) || hasControlCharacter(value)) {
      throw invalid(`dns_config has the unusable value ${JSON.stringify(value)}`);
    }
  }
}

function checkLogDirectory(directory: string): void {
  if (directory === "") return;
  if (!directory.startsWith("/") || directory.split("/").includes("..")) {
    throw invalid(`log_directory ${JSON.stringify(directory)} is no absolute path without ..`);
  }
  if (directory.includes("\0")) throw invalid("log_directory contains a NUL");
}

/** Plugins disagree on what a bad port means, and one that ignores it leaves a pod that nobody reaches. */
function checkPortMapping({ hostPort, containerPort, hostIp }: PortMapping): void {
  for (const [field, port] of Object.entries({
    host_port: hostPort,
    container_port: containerPort,
  })) {
    if (port < 0 || port > portMax) {
      throw invalid(`port mapping has the ${field} ${port}: not a number from 0 to ${portMax}`);
    }
  }
  if (hostPort > 0 && containerPort === 0) {
    throw invalid(`port mapping of host_port ${hostPort} has no container_port`);
  }
  if (hostIp !== "" && !isIpAddress(hostIp)) {
    throw invalid(`port mapping has the host_ip ${JSON.stringify(hostIp)}: not an IP address`);
  }
}

function checkNamespaces(config: PodSandboxConfig): void {
  const options = config.linux?.securityContext?.namespaceOptions;
  if (options === undefined) return;
  for (const [kind, mode] of [
    ["network", options.network],
    ["ipc", options.ipc],
  ] as const) {
    if (mode !== "POD" && mode !== "NODE") {
      throw invalid(`namespace mode ${mode} makes no sense for the ${kind} of a pod`);
    }
  }
  if (options.pid === "TARGET")
    throw invalid("a pod sandbox has no target to share a pid namespace");
  if (options.usernsOptions !== undefined && options.usernsOptions.mode !== "NODE") {
    throw invalid(
      `user namespace mode ${options.usernsOptions.mode} is not supported (Status says so in its features)`,
    );
  }
}

function hasControlCharacter(text: string): boolean {
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    if (code < 0x20 || code === 0x7f) return true;
  }
  return false;
}

function invalid(message: string): RuntimeError {
  return new RuntimeError("INVALID_ARGUMENT", message);
}
