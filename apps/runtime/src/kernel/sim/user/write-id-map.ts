/** /proc/PID/uid_map, gid_map and setgroups: what may be written there, and by whom (user_namespaces(7)). */
import type { IdMapping } from "../../op.ts";
import type { Process } from "../process/process.ts";
import { refuse } from "../refusal.ts";
import { capableIn } from "./capable.ts";
import type { CapabilityName, Credentials } from "./credentials.ts";
import { toHostId, type UserNamespace } from "./user-namespace.ts";

/** UID_GID_MAP_MAX_EXTENTS. */
const linesMax = 340;
const pageSize = 4096;
const idNone = 0xffff_ffff;

/** simple_strtoul(): decimal digits, cut to 32 bits. */
function parseId(word: string): number {
  let value = 0n;
  for (let index = 0; index < word.length; index++) {
    const digit = word.charCodeAt(index) - 48;
    if (digit < 0 || digit > 9) return refuse("EINVAL");
    value = value * 10n + BigInt(digit);
  }
  return Number(value & 0xffff_ffffn);
}

function words(line: string): readonly string[] {
  return line.split(/[ \t\r\v\f]+/).filter((word) => word !== "");
}

function overlaps(a: IdMapping, b: IdMapping): boolean {
  const inside = a.containerId < b.containerId + b.size && b.containerId < a.containerId + a.size;
  const outside = a.hostId < b.hostId + b.size && b.hostId < a.hostId + a.size;
  return inside || outside;
}

function parseLine(line: string): IdMapping {
  const [first = "", second = "", third = "", ...more] = words(line);
  if (third === "" || more.length > 0) refuse("EINVAL");
  const mapping = { containerId: parseId(first), hostId: parseId(second), size: parseId(third) };
  const { containerId, hostId, size } = mapping;
  if (containerId === idNone || hostId === idNone || size === 0) refuse("EINVAL");
  if (containerId + size > idNone || hostId + size > idNone) refuse("EINVAL");
  return mapping;
}

function parseMap(text: string): readonly IdMapping[] {
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  const mappings: IdMapping[] = [];
  for (const line of lines) {
    const mapping = parseLine(line);
    if (mappings.some((other) => overlaps(mapping, other))) refuse("EINVAL");
    if (mappings.push(mapping) > linesMax) refuse("EINVAL");
  }
  return mappings.length === 0 ? refuse("EINVAL") : mappings;
}

/** verify_root_map(): id 0 of the parent is only given to a namespace whose maker could set file capabilities. */
function mayMapRoot(
  writer: Credentials,
  target: UserNamespace,
  map: readonly IdMapping[],
): boolean {
  if (!map.some((mapping) => mapping.hostId === 0)) return true;
  if (writer.userNamespace === target) return target.parentCouldSetFcap === true;
  return capableIn(writer, target.parent as UserNamespace, "CAP_SETFCAP");
}

/** new_idmap_permitted(): oneself alone, or with CAP_SETUID or CAP_SETGID in the parent whatever the parent has. */
function isPermitted(
  writer: Credentials,
  target: UserNamespace,
  kind: "uid" | "gid",
  map: readonly IdMapping[],
): boolean {
  if (kind === "uid" && !mayMapRoot(writer, target, map)) return false;
  const parent = target.parent as UserNamespace;
  const [only] = map;
  if (map.length === 1 && only?.size === 1 && target.ownerUid === writer.euid) {
    const id = toHostId(parent, kind, only.hostId);
    if (kind === "uid" && id === writer.euid) return true;
    if (kind === "gid" && id === writer.egid && target.setgroups === "deny") return true;
  }
  const capability: CapabilityName = kind === "uid" ? "CAP_SETUID" : "CAP_SETGID";
  return capableIn(writer, parent, capability);
}

/**
 * A write of `text` to uid_map or gid_map of a process in `target`, from offset 0. EPERM: written already, not
 * allowed, or ids the parent has none for; EINVAL: a text that is no map.
 */
export function writeIdMap(
  writer: Process,
  target: UserNamespace,
  kind: "uid" | "gid",
  text: string,
): void {
  const { credentials } = writer;
  const { parent } = target;
  if (parent === undefined) refuse("EPERM");
  if (credentials.userNamespace !== target && credentials.userNamespace !== parent) refuse("EPERM");
  if (text.length >= pageSize) refuse("EINVAL");
  if ((kind === "uid" ? target.uidMap : target.gidMap).length > 0) refuse("EPERM");
  if (!capableIn(credentials, target, "CAP_SYS_ADMIN")) refuse("EPERM");
  const map = parseMap(text);
  if (!isPermitted(credentials, target, kind, map)) refuse("EPERM");
  for (const { hostId, size } of map) {
    const last = toHostId(parent, kind, hostId + size - 1);
    if (toHostId(parent, kind, hostId) === undefined || last === undefined) refuse("EPERM");
  }
  if (kind === "uid") target.uidMap = map;
  else target.gidMap = map;
}

/** A write to /proc/PID/setgroups; opening it for writing needs CAP_SYS_ADMIN over `target` (EACCES), asked here. */
export function writeSetgroups(writer: Process, target: UserNamespace, text: string): void {
  if (!capableIn(writer.credentials, target, "CAP_SYS_ADMIN")) refuse("EACCES");
  if (text.length >= 8) refuse("EINVAL");
  const word = text.trim();
  if (word === "allow") {
    if (target.setgroups === "deny") refuse("EPERM");
  } else if (word === "deny") {
    if (target.gidMap.length > 0) refuse("EPERM");
    target.setgroups = "deny";
  } else {
    refuse("EINVAL");
  }
}
