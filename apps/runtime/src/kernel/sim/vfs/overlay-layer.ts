/** Marks that layers of an overlay carry: whiteouts, which hide a name, and opaque directories, which hide all below. */
import type { Dentry, Inode } from "./inode.ts";

/** Names of overlayfs's own attributes: "user.overlay." for mounts with the option userxattr. */
export type XattrPrefix = "trusted.overlay." | "user.overlay.";

const yes = new Uint8Array([0x79]);

/** A name that is gone: char 0:0, or an empty file with the attribute "whiteout". */
export function isWhiteout({ inode }: Dentry, prefix: XattrPrefix): boolean {
  if (inode.type === "char") return inode.major === 0 && inode.minor === 0;
  return inode.type === "file" && inode.xattrs?.has(`${prefix}whiteout`) === true;
}

/** A directory that hides those of the same name below it. */
export function isOpaque({ inode }: Dentry, prefix: XattrPrefix): boolean {
  return inode.xattrs?.get(`${prefix}opaque`)?.[0] === yes[0];
}

export function makeOpaque(directory: Dentry, prefix: XattrPrefix): void {
  directory.inode.fileSystem.setXattr(directory, `${prefix}opaque`, yes);
}

/** An attribute by which overlayfs marks a file of a layer; escaped ones are a user's. */
export function isOwnXattr(name: string, prefix: XattrPrefix): boolean {
  return name.startsWith(prefix) && !name.startsWith(`${prefix}overlay.`);
}

/** Attributes of a file of a layer without overlayfs's own; those that were escaped have their names back. */
export function visibleXattrs(
  inode: Inode,
  prefix: XattrPrefix,
): Map<string, Uint8Array> | undefined {
  if (inode.xattrs === undefined) return undefined;
  const escaped = `${prefix}overlay.`;
  const visible = new Map<string, Uint8Array>();
  for (const [name, value] of inode.xattrs) {
    if (name.startsWith(escaped)) visible.set(prefix + name.slice(escaped.length), value);
    else if (!isOwnXattr(name, prefix)) visible.set(name, value);
  }
  return visible;
}

/** What a layer calls an attribute: one that would look like overlayfs's own is escaped. */
export function storedXattrName(name: string, prefix: XattrPrefix): string {
  return name.startsWith(prefix) ? `${prefix}overlay.${name.slice(prefix.length)}` : name;
}
