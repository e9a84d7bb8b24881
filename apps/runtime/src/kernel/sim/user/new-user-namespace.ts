/** Making and entering user namespaces (user_namespaces(7), create_user_ns()). */
import type { Process } from "../process/process.ts";
import { refuse } from "../refusal.ts";
import { topMount } from "../vfs/mount-tree.ts";
import { allCapabilities, type Credentials, capabilityBit, noCapabilities } from "./credentials.ts";
import { fromHostId, type UserNamespace } from "./user-namespace.ts";

/** Nesting below the host's, at most. */
const levelMax = 33;

/** Every right in a user namespace, none anywhere else: what its creator and whoever joins it gets. */
export function credentialsInside(before: Credentials, namespace: UserNamespace): Credentials {
  return {
    ...before,
    userNamespace: namespace,
    effective: allCapabilities,
    permitted: allCapabilities,
    inheritable: noCapabilities,
    bounding: allCapabilities,
    ambient: noCapabilities,
    keepCaps: false,
  };
}

/** True when chroot(2) has put the process below the root of its mount namespace. */
function isChrooted({ root, namespaces }: Process): boolean {
  const first = namespaces.mnt.root;
  const top = topMount({ mount: first, dentry: first.root });
  return root.mount !== top.mount || root.dentry !== top.dentry;
}

/**
 * Credentials in a new user namespace that `caller` owns. ENOSPC beyond 33 levels or with
 * user.max_user_namespaces 0; EPERM after chroot, and for ids that have no mapping.
 */
export function newUserNamespace(caller: Process): Credentials {
  const { machine, credentials } = caller;
  const parent = credentials.userNamespace;
  if (parent.level >= levelMax) refuse("ENOSPC", "user namespaces are nested too deep");
  if (machine.sysctls.get("user.max_user_namespaces") === "0") {
    refuse("ENOSPC", "user.max_user_namespaces");
  }
  if (isChrooted(caller)) refuse("EPERM", "chrooted");
  if (
    fromHostId(parent, "uid", credentials.euid) === undefined ||
    fromHostId(parent, "gid", credentials.egid) === undefined
  ) {
    refuse("EPERM", "the creator has no id in its own user namespace");
  }
  const made: UserNamespace = {
    type: "user",
    inode: machine.nextNamespace(),
    parent,
    level: parent.level + 1,
    ownerUid: credentials.euid,
    ownerGid: credentials.egid,
    uidMap: [],
    gidMap: [],
    setgroups: parent.setgroups,
    parentCouldSetFcap: (credentials.effective & capabilityBit("CAP_SETFCAP")) !== 0n,
  };
  return credentialsInside(credentials, made);
}
