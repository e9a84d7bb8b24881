/**
 * Finds the configuration of a registry below the certs.d directories: `host_port_`, `host:port`, `_default`,
 * each with hosts.toml, or with Docker's files (*.crt, and *.cert with *.key) when there is no hosts.toml.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { messageOf, RuntimeError } from "../kernel/errors.ts";
import { parseHostsToml } from "./hosts-toml.ts";
import { defaultEndpoint, type RegistryEndpoint } from "./registry-endpoint.ts";

function entriesOf(directory: string): readonly string[] | undefined {
  try {
    return readdirSync(directory);
  } catch {
    return undefined;
  }
}

function read(directory: string, name: string): string {
  try {
    return readFileSync(resolve(directory, name), "utf8");
  } catch (error) {
    throw new RuntimeError("FAILED_PRECONDITION", `registry configuration: ${messageOf(error)}`);
  }
}

function dockerEndpoint(
  directory: string,
  names: readonly string[],
  domain: string,
): RegistryEndpoint {
  const certificates = names.filter((name) => name.endsWith(".cert"));
  return {
    ...defaultEndpoint(domain),
    ca: names.filter((name) => name.endsWith(".crt")).map((name) => read(directory, name)),
    client: certificates.map((name) => ({
      cert: read(directory, name),
      key: read(directory, name.replace(/\.cert$/, ".key")),
    })),
  };
}

/** Names of the directory for a domain; a colon is no good in some file systems. */
function directoryNames(domain: string): readonly string[] {
  const port = /^(.*):([0-9]+)$/.exec(domain);
  return port === null ? [domain, "_default"] : [`${port[1]}_${port[2]}_`, domain, "_default"];
}

/**
 * The endpoints for images of `domain`, in the order they are asked; `directories` are the certs.d
 * directories of the configuration.
 */
export function endpointsFor(
  domain: string,
  directories: readonly string[],
): readonly RegistryEndpoint[] {
  for (const base of directories) {
    for (const name of directoryNames(domain)) {
      const directory = join(base, name);
      const names = entriesOf(directory);
      if (names === undefined) continue;
      if (!names.includes("hosts.toml")) return [dockerEndpoint(directory, names, domain)];
      const text = read(directory, "hosts.toml");
      return parseHostsToml(text, domain, (file) => read(directory, file));
    }
  }
  return [defaultEndpoint(domain)];
}
