/**
 * Who a process is after execve: set-id bits, file capabilities, and the transformation of capabilities(7)
 * ("Transformation of capabilities during execve()"; cap_bprm_creds_from_file()).
 */

import { S_ISGID, S_ISUID } from "../abi.ts";
import { refuse } from "../refusal.ts";
import { type CapabilitySet, type Credentials, noCapabilities } from "../user/credentials.ts";
import { fromHostId, isWithin, toHostId } from "../user/user-namespace.ts";
import { ownerThrough } from "../vfs/mapped-ids.ts";
import { mountNoSuid, type PathPoint } from "../vfs/mount.ts";
import { type FileCapabilities, fileCapabilities } from "./file-capabilities.ts";
import type { Process } from "./process.ts";

const S_IXGRP = 0o010;

/** mnt_may_suid(): a nosuid mount, one of another namespace, or a file system of a user namespace elsewhere gives nothing. */
function maySetId(process: Process, { mount }: PathPoint): boolean {
  if ((mount.attributes & mountNoSuid) !== 0) return false;
  if (mount.namespace !== process.namespaces.mnt) return false;
  return isWithin(process.credentials.userNamespace, mount.fileSystem.userNamespace);
}

/** bprm_fill_uid(). */
function setIds(process: Process, before: Credentials, point: PathPoint): Credentials {
  const { inode } = point.dentry;
  if ((inode.mode & (S_ISUID | S_ISGID)) === 0 || before.noNewPrivs) return before;
  if (!maySetId(process, point)) return before;
  const uid = ownerThrough(point.mount, inode, "uid");
  const gid = ownerThrough(point.mount, inode, "gid");
  const namespace = before.userNamespace;
  if (uid === undefined || fromHostId(namespace, "uid", uid) === undefined) return before;
  if (gid === undefined || fromHostId(namespace, "gid", gid) === undefined) return before;
  const setgid = (inode.mode & S_ISGID) !== 0 && (inode.mode & S_IXGRP) !== 0;
  return {
    ...before,
    euid: (inode.mode & S_ISUID) !== 0 ? uid : before.euid,
    egid: setgid ? gid : before.egid,
  };
}

interface Gained {
  readonly permitted: CapabilitySet;
  readonly effective: boolean;
  readonly fromFile: boolean;
}

/** P'(permitted) = (P(inheritable) & F(inheritable)) | (F(permitted) & bounding); for root, F is everything. */
function gainedCapabilities(
  before: Credentials,
  after: Credentials,
  file: FileCapabilities | undefined,
): Gained {
  const root = toHostId(before.userNamespace, "uid", 0);
  let permitted = noCapabilities;
  let effective = false;
  if (file !== undefined) {
    permitted = (before.bounding & file.permitted) | (before.inheritable & file.inheritable);
    effective = file.effective;
    // A program that was promised capabilities does not run without them.
    if (effective && (file.permitted & ~permitted) !== 0n) refuse("EPERM");
  }
  const isRoot = root !== undefined && (after.euid === root || after.uid === root);
  const setuidRoot = after.euid === root && after.uid !== root;
  if (isRoot && !(file !== undefined && setuidRoot)) {
    permitted = before.bounding | before.inheritable;
    effective ||= after.euid === root;
  }
  return { permitted, effective, fromFile: file !== undefined };
}

/** The new credentials, and whether the program has to mistrust its environment (AT_SECURE). */
export function executedCredentials(
  process: Process,
  point: PathPoint,
): { readonly credentials: Credentials; readonly secure: boolean } {
  const before = process.credentials;
  const after = setIds(process, before, point);
  const file = maySetId(process, point) ? fileCapabilities(before, point) : undefined;
  const gained = gainedCapabilities(before, after, file);
  let { euid, egid } = after;
  let { permitted } = gained;
  const isSetId = euid !== before.uid || egid !== before.gid;
  const grew = (permitted & ~before.permitted) !== 0n;
  if ((isSetId || grew) && before.noNewPrivs) {
    euid = before.uid;
    egid = before.gid;
    permitted &= before.permitted;
  }
  const ambient = gained.fromFile || isSetId ? noCapabilities : before.ambient;
  permitted |= ambient;
  const effective = gained.effective ? permitted : ambient;
  const root = toHostId(before.userNamespace, "uid", 0);
  const elevated = gained.effective || (permitted & ~ambient) !== 0n;
  return {
    credentials: {
      ...before,
      euid,
      suid: euid,
      fsuid: euid,
      egid,
      sgid: egid,
      fsgid: egid,
      permitted,
      effective,
      ambient,
      keepCaps: false,
    },
    secure: isSetId || (before.uid !== root && elevated),
  };
}
