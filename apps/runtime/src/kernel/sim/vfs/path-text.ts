/** The path of a place as somebody sees it from their root: d_path() in fs/d_path.c. */
import type { Dentry } from "./inode.ts";
import type { Mount, PathPoint } from "./mount.ts";

/**
 * The absolute path of `point` seen from `root`. A place that cannot be reached from there gets the path from
 * the top of its own mounts and `reachable` false; a removed one `deleted`.
 */
export function tracePath(
  point: PathPoint,
  root: PathPoint,
): { readonly path: string; readonly reachable: boolean; readonly deleted: boolean } {
  let path = "";
  let mount: Mount = point.mount;
  let dentry: Dentry = point.dentry;
  const { deleted } = dentry;
  for (;;) {
    if (mount === root.mount && dentry === root.dentry) {
      return { path: path === "" ? "/" : path, reachable: true, deleted };
    }
    if (dentry === mount.root || dentry.parent === undefined) {
      if (mount.parent === undefined || mount.mountpoint === undefined) {
        return { path: path === "" ? "/" : path, reachable: false, deleted };
      }
      dentry = mount.mountpoint;
      mount = mount.parent;
      continue;
    }
    path = `/${dentry.name}${path}`;
    dentry = dentry.parent;
  }
}

/** What readlink of /proc/PID/cwd, root, exe and fd/N shows: " (deleted)" behind what was removed. */
export function pathText(point: PathPoint, root: PathPoint): string {
  const { path, deleted } = tracePath(point, root);
  return deleted ? `${path} (deleted)` : path;
}
