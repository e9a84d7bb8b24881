/** security.capability: what a file gives who executes it (capabilities(7), "File capability extended attribute versioning"). */
import { allCapabilities, type CapabilitySet, type Credentials } from "../user/credentials.ts";
import { toHostId, type UserNamespace } from "../user/user-namespace.ts";
import type { PathPoint } from "../vfs/mount.ts";

export interface FileCapabilities {
  readonly permitted: CapabilitySet;
  readonly inheritable: CapabilitySet;
  readonly effective: boolean;
}

const revision2 = 2;
const revision3 = 3;

/** Version 3 names the uid 0 it is meant for: it counts where that is root of this namespace or of one above. */
function isForUs(namespace: UserNamespace, rootId: number): boolean {
  for (let at: UserNamespace | undefined = namespace; at !== undefined; at = at.parent) {
    if (toHostId(at, "uid", 0) === rootId) return true;
  }
  return false;
}

/** Of the file at `point`, for somebody with `credentials`; undefined when it has none that count. */
export function fileCapabilities(
  credentials: Credentials,
  { dentry }: PathPoint,
): FileCapabilities | undefined {
  const value = dentry.inode.xattrs?.get("security.capability");
  if (value === undefined || value.length < 20) return undefined;
  const view = new DataView(value.buffer, value.byteOffset, value.length);
  const word = (index: number) => BigInt(view.getUint32(4 * index, true));
  const magic = view.getUint32(0, true);
  const revision = magic >>> 24;
  if (revision !== revision2 && revision !== revision3) return undefined;
  if (revision === revision3) {
    if (value.length < 24 || !isForUs(credentials.userNamespace, view.getUint32(20, true))) {
      return undefined;
    }
  }
  return {
    permitted: (word(1) | (word(3) << 32n)) & allCapabilities,
    inheritable: (word(2) | (word(4) << 32n)) & allCapabilities,
    effective: (magic & 1) !== 0,
  };
}
