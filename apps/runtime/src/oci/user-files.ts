/**
 * /etc/passwd and /etc/group of an image: untrusted text. Lines that are not of the right form are
 * skipped; the first match wins (passwd(5), group(5)).
 */

/** Largest id Linux can give a process: 2^32 - 1 means "unchanged" to setresuid(2). */
export const idMax = 4_294_967_294;

/** At most this much of either file is read: an image may ship a terabyte of it (CVE-2026-47262). */
export const userFileBytesMax = 10 * 1024 * 1024;

export interface PasswdEntry {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

export interface GroupEntry {
  readonly name: string;
  readonly gid: number;
  readonly members: readonly string[];
}

/** A decimal id without sign, space or leading zero, at most `idMax`; undefined for anything else. */
export function parseId(text: string): number | undefined {
  if (!/^(0|[1-9][0-9]{0,9})$/.test(text)) return undefined;
  const id = Number(text);
  return id <= idMax ? id : undefined;
}

export function parsePasswd(text: string): readonly PasswdEntry[] {
  const entries = [];
  for (const line of text.split("\n")) {
    const [name, , uidText, gidText, , home] = line.split(":");
    const uid = parseId(uidText ?? "");
    const gid = parseId(gidText ?? "");
    if (name === undefined || name === "" || name.startsWith("#")) continue;
    if (uid === undefined || gid === undefined) continue;
    entries.push({ name, uid, gid, home: home ?? "" });
  }
  return entries;
}

export function parseGroup(text: string): readonly GroupEntry[] {
  const entries = [];
  for (const line of text.split("\n")) {
    const [name, , gidText, memberText] = line.split(":");
    const gid = parseId(gidText ?? "");
    if (name === undefined || name === "" || name.startsWith("#") || gid === undefined) continue;
    const members = (memberText ?? "").trim().split(",");
    entries.push({ name, gid, members: members.filter((member) => member !== "") });
  }
  return entries;
}
