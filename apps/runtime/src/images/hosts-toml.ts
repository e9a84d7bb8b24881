/**
 * hosts.toml, which says where images of a registry really come from, in containerd's shape:
 *
 *   server = "https://registry.example"            asked last; unset means the registry itself
 *   [host."https://mirror.example:5000/prefix"]    asked before it, in this order
 *     capabilities = ["pull", "resolve"]  skip_verify  ca  client  override_path  dial_timeout
 *     [host."...".header]
 *
 * Read anew for every pull, so a change needs no restart.
 */
import { parse } from "smol-toml";
import { messageOf, RuntimeError } from "../kernel/errors.ts";
import {
  allCapabilities,
  type Capability,
  type ClientCertificate,
  defaultDialTimeoutMs,
  defaultEndpoint,
  defaultScheme,
  hostnameOf,
  isLoopback,
  type RegistryEndpoint,
} from "./registry-endpoint.ts";

/** Reads a file named in hosts.toml; relative names are relative to its directory. */
export type ReadText = (path: string) => string;

type Table = Readonly<Record<string, unknown>>;

const knownKeys = new Set([
  "capabilities",
  "skip_verify",
  "ca",
  "client",
  "override_path",
  "dial_timeout",
  "header",
]);

function invalid(where: string, why: string): RuntimeError {
  return new RuntimeError("FAILED_PRECONDITION", `hosts.toml: ${where}: ${why}`);
}

function isTable(value: unknown): value is Table {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

function booleanAt(table: Table, key: string, where: string): boolean {
  const value = table[key] ?? false;
  if (typeof value !== "boolean") throw invalid(where, `${key} is true or false`);
  return value;
}

function capabilitiesOf(table: Table, where: string): ReadonlySet<Capability> {
  const value = table["capabilities"];
  if (value === undefined) return allCapabilities;
  const known = (item: string): item is Capability => allCapabilities.has(item as Capability);
  if (!isTexts(value) || !value.every(known)) {
    throw invalid(where, "capabilities are a list of pull, resolve and push");
  }
  return new Set(value);
}

function filesOf(value: unknown, where: string, key: string): readonly string[] {
  if (value === undefined) return [];
  if (typeof value === "string") return [value];
  if (!isTexts(value)) throw invalid(where, `${key} is a file or a list of files`);
  return value;
}

/** A file with both, a [cert, key] pair, or a list of such. */
function clientsOf(value: unknown, where: string, read: ReadText): readonly ClientCertificate[] {
  if (value === undefined) return [];
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  return list.map((item) => {
    if (typeof item === "string") return { cert: read(item), key: read(item) };
    const [cert, key] = isTexts(item) ? item : [];
    if (cert === undefined)
      throw invalid(where, "client is a file, or pairs of certificate and key");
    return { cert: read(cert), key: read(key ?? cert) };
  });
}

/** Go's durations, those that make sense here: "500ms", "1.5s", "2m". A number is seconds. */
function durationOf(value: unknown, where: string): number {
  if (value === undefined) return defaultDialTimeoutMs;
  const match = /^([0-9]+(?:\.[0-9]+)?)(ms|s|m)$/.exec(
    typeof value === "number" ? `${value}s` : String(value),
  );
  const unit = { ms: 1, s: 1000, m: 60_000 }[match?.[2] ?? ""] ?? 0;
  const ms = Number(match?.[1]) * unit;
  if (!(ms > 0)) throw invalid(where, 'dial_timeout is a duration such as "5s"');
  return ms;
}

function headersOf(value: unknown, where: string): RegistryEndpoint["headers"] {
  if (value === undefined) return {};
  if (!isTable(value)) throw invalid(where, "header is a table");
  const headers: Record<string, string | readonly string[]> = {};
  for (const [name, item] of Object.entries(value)) {
    if (!/^[A-Za-z0-9-]+$/.test(name) || (typeof item !== "string" && !isTexts(item))) {
      throw invalid(where, `header ${JSON.stringify(name)} is a string or a list of strings`);
    }
    headers[name] = item;
  }
  return headers;
}

function urlOf(text: string, where: string): URL {
  const full = text.includes("://") ? text : `${defaultScheme(text.split("/")[0] ?? "")}://${text}`;
  const url = URL.canParse(full) ? new URL(full) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.host === "") {
    throw invalid(where, "it is no http or https URL");
  }
  if (url.username !== "" || url.password !== "")
    throw invalid(where, "credentials do not belong in a URL");
  return url;
}

function endpointOf(
  text: string,
  table: Table,
  isMirror: boolean,
  read: ReadText,
): RegistryEndpoint {
  const where = `host ${JSON.stringify(text)}`;
  const unknown = Object.keys(table).find((key) => !knownKeys.has(key));
  if (unknown !== undefined) throw invalid(where, `unknown key ${JSON.stringify(unknown)}`);
  const url = urlOf(text, where);
  const path = url.pathname.replace(/\/+$/, "");
  const overridden = booleanAt(table, "override_path", where);
  return {
    scheme: url.protocol === "http:" ? "http" : "https",
    host: url.host,
    path: overridden || path.endsWith("/v2") ? path : `${path}/v2`,
    capabilities: capabilitiesOf(table, where),
    skipVerify: booleanAt(table, "skip_verify", where) || isLoopback(hostnameOf(url.host)),
    ca: filesOf(table["ca"], where, "ca").map(read),
    client: clientsOf(table["client"], where, read),
    headers: headersOf(table["header"], where),
    dialTimeoutMs: durationOf(table["dial_timeout"], where),
    isMirror,
  };
}

/**
 * The endpoints for `domain`, in the order they are asked.
 * @throws RuntimeError FAILED_PRECONDITION that names the entry and what is wrong with it
 */
export function parseHostsToml(
  text: string,
  domain: string,
  read: ReadText,
): readonly RegistryEndpoint[] {
  let document: Table;
  try {
    document = parse(text) as Table;
  } catch (error) {
    throw invalid("it is no TOML", messageOf(error).split("\n")[0] ?? "");
  }
  const { server, host = {}, ...own } = document;
  if (server !== undefined && typeof server !== "string") throw invalid("server", "it is a string");
  if (!isTable(host)) throw invalid("host", "it is a table");
  const mirrors = Object.entries(host).map(([url, table]) => {
    if (!isTable(table)) throw invalid(`host ${JSON.stringify(url)}`, "it is a table");
    return endpointOf(url, table, true, read);
  });
  const fallback = defaultEndpoint(domain);
  const last = endpointOf(server ?? `${fallback.scheme}://${fallback.host}`, own, false, read);
  // A server that is another host than the registry is a mirror like any other.
  return [...mirrors, { ...last, isMirror: last.host !== fallback.host && last.host !== domain }];
}
