/** What execve(2) opens: the file behind a path, if it may be executed. */
import { AT_FDCWD } from "../abi.ts";
import type { Process } from "../process/process.ts";
import { refuse } from "../refusal.ts";
import { mountNoExec, type PathPoint } from "./mount.ts";
import { type Start, walk } from "./path-walk.ts";
import { checkPermission, mayExecute } from "./permission.ts";

export interface Executable {
  readonly point: PathPoint;
  /** All of it; not to be changed. */
  readonly content: Uint8Array;
}

/** do_open_execat(): EACCES for what is no regular file, on a noexec mount, or without x permission. */
export function openExecutable(caller: Process, path: string, start: Start = AT_FDCWD): Executable {
  const { mount, dentry, file } = walk(caller, start, path);
  const { inode } = dentry;
  if (file !== undefined || inode.type !== "file") refuse("EACCES");
  if ((mount.attributes & mountNoExec) !== 0) refuse("EACCES");
  checkPermission(caller, mount, inode, mayExecute);
  const { fileSystem } = inode;
  const content = fileSystem.read(dentry, 0, fileSystem.size(dentry), caller);
  return { point: { mount, dentry }, content };
}
