/**
 * Files without a process: how the boot and installers fill a stored file system. Paths are walked name by
 * name, without symbolic links or mounts; everything belongs to root; what is missing on the way is made.
 */
import type { FileSystem, NewFile } from "./file-system.ts";
import type { Dentry } from "./inode.ts";
import { StoredFileSystem } from "./stored-file-system.ts";

const encoder = new TextEncoder();

function stored(fileSystem: FileSystem): StoredFileSystem {
  if (fileSystem instanceof StoredFileSystem) return fileSystem;
  throw new Error(`${fileSystem.type} is not a file system that files can be put into`);
}

function make(
  fileSystem: StoredFileSystem,
  directory: Dentry,
  name: string,
  file: Omit<NewFile, "uid" | "gid">,
): Dentry {
  return fileSystem.create(directory, name, { ...file, uid: 0, gid: 0 });
}

/** The directory at `path`, made with its parents (0755) when it is missing; `mode` is for the last one. */
export function putDirectory(fileSystem: FileSystem, path: string, mode = 0o755): Dentry {
  const target = stored(fileSystem);
  let at = target.root;
  for (const name of path.split("/")) {
    if (name === "") continue;
    at = target.lookup(at, name) ?? make(target, at, name, { type: "directory", mode: 0o755 });
  }
  at.inode.mode = mode;
  return at;
}

/** Directory and name of `path`; what has the name goes. */
function place(fileSystem: StoredFileSystem, path: string): readonly [Dentry, string] {
  const cut = path.lastIndexOf("/");
  const above = cut < 0 ? "" : path.slice(0, cut);
  const name = path.slice(cut + 1);
  let directory: Dentry | undefined = fileSystem.root;
  for (const part of above.split("/")) {
    if (part !== "")
      directory = directory === undefined ? undefined : fileSystem.lookup(directory, part);
  }
  directory ??= putDirectory(fileSystem, above);
  const before = fileSystem.lookup(directory, name);
  if (before !== undefined) fileSystem.unlink(directory, before);
  return [directory, name];
}

/** A regular file. The bytes are not copied: they must never change, and many files may share them. */
export function putFile(
  fileSystem: FileSystem,
  path: string,
  content: Uint8Array | string,
  mode = 0o644,
): Dentry {
  const target = stored(fileSystem);
  const [directory, name] = place(target, path);
  const entry = make(target, directory, name, { type: "file", mode });
  const bytes = typeof content === "string" ? encoder.encode(content) : content;
  if (bytes.length > 0) target.share(entry, bytes);
  return entry;
}

export function putSymlink(fileSystem: FileSystem, path: string, text: string): Dentry {
  const target = stored(fileSystem);
  const [directory, name] = place(target, path);
  return make(target, directory, name, { type: "symlink", mode: 0o777, target: text });
}

/** A device node. */
export function putDevice(
  fileSystem: FileSystem,
  path: string,
  type: "char" | "block",
  major: number,
  minor: number,
  mode: number,
): Dentry {
  const target = stored(fileSystem);
  const [directory, name] = place(target, path);
  return make(target, directory, name, { type, mode, major, minor });
}
