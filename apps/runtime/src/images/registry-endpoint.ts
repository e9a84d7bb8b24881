/** Where a registry, or a mirror of it, is reached, and how: one entry of hosts.toml, or the default. */
import { isIP } from "node:net";

export type Capability = "pull" | "resolve" | "push";

export interface ClientCertificate {
  readonly cert: string;
  readonly key: string;
}

export interface RegistryEndpoint {
  readonly scheme: "http" | "https";
  /** With port where it is not the scheme's own. */
  readonly host: string;
  /** "/v2", or what override_path says; no slash at its end. */
  readonly path: string;
  readonly capabilities: ReadonlySet<Capability>;
  readonly skipVerify: boolean;
  /** PEM texts. */
  readonly ca: readonly string[];
  readonly client: readonly ClientCertificate[];
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly dialTimeoutMs: number;
  /** A mirror is told by `?ns=` whose content is wanted, and never sees the registry's credentials. */
  readonly isMirror: boolean;
}

export const allCapabilities: ReadonlySet<Capability> = new Set(["pull", "resolve", "push"]);
export const defaultDialTimeoutMs = 30_000;

/** Host without port and brackets. */
export function hostnameOf(host: string): string {
  const bracketed = /^\[([^\]]*)\]/.exec(host)?.[1];
  return bracketed ?? host.replace(/:[0-9]*$/, "");
}

/** Whether a host name or address is this machine itself. */
export function isLoopback(hostname: string): boolean {
  const name = hostname.toLowerCase().replace(/^::ffff:/, "");
  return (
    name === "localhost" ||
    name.endsWith(".localhost") ||
    name === "::1" ||
    (isIP(name) === 4 && name.startsWith("127."))
  );
}

/** Link-local addresses: where clouds serve a machine's own secrets. */
export function isLinkLocal(hostname: string): boolean {
  const name = hostname.toLowerCase().replace(/^::ffff:/, "");
  return (
    (isIP(name) === 4 && name.startsWith("169.254.")) ||
    (isIP(name) === 6 && /^fe[89ab]|^fd00:ec2:/.test(name))
  );
}

/** Plain HTTP is for this machine only, unless configured: a port that is not TLS's, as containerd has it. */
export function defaultScheme(host: string): "http" | "https" {
  const port = /:([0-9]+)$/.exec(host)?.[1];
  return isLoopback(hostnameOf(host)) && port !== undefined && port !== "443" ? "http" : "https";
}

/** The registry of a reference's own domain, as it is without configuration. */
export function defaultEndpoint(domain: string): RegistryEndpoint {
  const host = domain === "docker.io" ? "registry-1.docker.io" : domain;
  return {
    scheme: defaultScheme(host),
    host,
    path: "/v2",
    capabilities: allCapabilities,
    skipVerify: isLoopback(hostnameOf(host)),
    ca: [],
    client: [],
    headers: {},
    dialTimeoutMs: defaultDialTimeoutMs,
    isMirror: false,
  };
}
