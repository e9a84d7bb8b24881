/**
 * Who a container runs as: uid, gid and supplementary groups, from the CRI's security context, the
 * image's USER and the image's /etc/passwd and /etc/group.
 *
 * Three rules keep an image from choosing root behind the caller's back: a number is never looked up
 * as a name (CVE-2016-3697), a number that does not fit is an error and never wraps or becomes a name
 * (CVE-2024-40635), and the primary group is always among the groups set (CVE-2023-25173).
 */
import type { Int64Value, SupplementalGroupsPolicy } from "../api/index.ts";
import { KernelError, RuntimeError } from "../kernel/index.ts";
import {
  type GroupEntry,
  idMax,
  type PasswdEntry,
  parseGroup,
  parseId,
  parsePasswd,
  userFileBytesMax,
} from "./user-files.ts";

export interface ResolvedUser {
  readonly uid: number;
  readonly gid: number;
  /** Name of `uid` in the image's /etc/passwd, "" when it has none. */
  readonly username: string;
  /** What setgroups(2) gets: the primary group first, each once. */
  readonly groups: readonly number[];
  /** Home directory of the passwd entry, "/" without one. */
  readonly home: string;
}

/** The user part of a sandbox's or container's security context. */
export interface UserRequest {
  readonly runAsUser?: Int64Value | undefined;
  readonly runAsUsername?: string;
  readonly runAsGroup?: Int64Value | undefined;
  readonly supplementalGroups: readonly number[];
  readonly supplementalGroupsPolicy: SupplementalGroupsPolicy;
}

/** Reads a regular file of the image, undefined when there is none, KernelError EFBIG beyond `bytesMax`. */
export type ReadInRoot = (path: string, bytesMax: number) => Promise<Uint8Array | undefined>;

/**
 * Resolves the user of a container. `imageUser` is USER of the image and counts only when the request
 * names no user. INVALID_ARGUMENT for a group without a user, an unknown name, an id out of range.
 */
export async function resolveUser(
  readInRoot: ReadInRoot,
  request: UserRequest | undefined,
  imageUser: string | undefined,
): Promise<ResolvedUser> {
  const wanted = wantedUser(request, imageUser);
  const supplemental = (request?.supplementalGroups ?? []).map((gid) => checkId(gid, "group"));
  const merge = (request?.supplementalGroupsPolicy ?? "Merge") === "Merge";
  const passwd = parsePasswd(await readText(readInRoot, "/etc/passwd"));
  const needsGroups = merge || (wanted.group !== undefined && parseId(wanted.group) === undefined);
  const group = needsGroups ? parseGroup(await readText(readInRoot, "/etc/group")) : [];
  const { uid, entry } = findUser(passwd, wanted.user);
  const gid = wanted.group === undefined ? (entry?.gid ?? 0) : findGroup(group, wanted.group);
  const username = entry?.name ?? "";
  const ofImage =
    merge && username !== ""
      ? group.filter((one) => one.members.includes(username)).map((one) => one.gid)
      : [];
  return {
    uid,
    gid,
    username,
    groups: [...new Set([gid, ...ofImage, ...supplemental])],
    home: entry === undefined || entry.home === "" ? "/" : entry.home,
  };
}

interface WantedUser {
  readonly user: string;
  readonly group: string | undefined;
}

function wantedUser(request: UserRequest | undefined, imageUser: string | undefined): WantedUser {
  const username = request?.runAsUsername ?? "";
  const uid = request?.runAsUser?.value;
  const gid = request?.runAsGroup?.value;
  const group = gid === undefined ? undefined : String(checkId(gid, "group"));
  if (uid !== undefined && username !== "") {
    throw invalid("run_as_user and run_as_username are both given");
  }
  if (uid !== undefined) return { user: String(checkId(uid, "user")), group };
  if (username !== "") return { user: username, group };
  if (group !== undefined) throw invalid(`group ${group} is specified without a user`);
  return splitUser(imageUser ?? "");
}

/** USER of an image: "user", "user:group", each a name or a number. */
function splitUser(text: string): WantedUser {
  if (text === "") return { user: "0", group: undefined };
  const [user, group, ...rest] = text.split(":");
  if (user === undefined || user === "" || group === "" || rest.length > 0) {
    throw invalid(`user ${JSON.stringify(text)} is not of the form user or user:group`);
  }
  return { user, group };
}

function findUser(
  passwd: readonly PasswdEntry[],
  user: string,
): { readonly uid: number; readonly entry: PasswdEntry | undefined } {
  if (/^[0-9]+$/.test(user)) {
    const uid = parseId(user);
    if (uid === undefined) throw invalid(`user id ${user} is not a number from 0 to ${idMax}`);
    return { uid, entry: passwd.find((entry) => entry.uid === uid) };
  }
  const entry = passwd.find((one) => one.name === user);
  if (entry === undefined) {
    throw invalid(`user ${JSON.stringify(user)} is not in the image's /etc/passwd`);
  }
  return { uid: entry.uid, entry };
}

function findGroup(groups: readonly GroupEntry[], group: string): number {
  if (/^[0-9]+$/.test(group)) {
    const gid = parseId(group);
    if (gid === undefined) throw invalid(`group id ${group} is not a number from 0 to ${idMax}`);
    return gid;
  }
  const entry = groups.find((one) => one.name === group);
  if (entry === undefined) {
    throw invalid(`group ${JSON.stringify(group)} is not in the image's /etc/group`);
  }
  return entry.gid;
}

function checkId(id: number, what: string): number {
  if (!Number.isInteger(id) || id < 0 || id > idMax) {
    throw invalid(`${what} id ${id} is not a number from 0 to ${idMax}`);
  }
  return id;
}

async function readText(readInRoot: ReadInRoot, path: string): Promise<string> {
  try {
    const bytes = await readInRoot(path, userFileBytesMax);
    return bytes === undefined ? "" : new TextDecoder().decode(bytes);
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    throw new RuntimeError(
      "INVALID_ARGUMENT",
      `the image's ${path} cannot be read: ${error.errno}, it has to be a regular file of at most ${userFileBytesMax} bytes`,
      { cause: error },
    );
  }
}

function invalid(message: string): RuntimeError {
  return new RuntimeError("INVALID_ARGUMENT", message);
}
