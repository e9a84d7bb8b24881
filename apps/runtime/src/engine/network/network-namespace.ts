/** Plans that make and remove a pod's network namespace, and whether one is there. */
import type { HostFiles } from "../../kernel/kernel.ts";
import { type Plan, PlanBuilder } from "../../kernel/plan.ts";

/** Makes a network namespace bound at `path`, in a process that ends: the binding alone keeps it. */
export function makeNamespacePlan(path: string, loopbackUp: boolean): Plan {
  const directory = path.slice(0, path.lastIndexOf("/"));
  const plan = new PlanBuilder("make network namespace")
    .add("oci", { op: "mkdir", path: directory, mode: 0o755, parents: true })
    .add("oci", { op: "mknod", path, type: "file", mode: 0o444 }, ["EEXIST"])
    .add("oci", { op: "unshare", namespaces: ["net"] });
  if (loopbackUp) plan.add("oci", { op: "linkUp", name: "lo" });
  return plan
    .add("oci", {
      op: "openTree",
      path: "/proc/thread-self/ns/net",
      clone: true,
      recursive: false,
      as: "namespace",
    })
    .add("oci", { op: "moveMount", fd: "namespace", path })
    .build();
}

/** Removes the binding; nothing there is fine. */
export function removeNamespacePlan(path: string): Plan {
  return new PlanBuilder("remove network namespace")
    .add("host", { op: "umount", path, detach: true }, ["ENOENT", "EINVAL"])
    .add("host", { op: "unlink", path }, ["ENOENT"])
    .build();
}

/**
 * Whether a namespace is bound at `path`: it is on a file system of its own then, and an ordinary file otherwise.
 * The mount table would say so too, but it has a line for each mount of every pod.
 */
export async function isBound(files: HostFiles, path: string): Promise<boolean> {
  if (path === "") return false;
  const file = await files.stat(path);
  const directory = await files.stat(path.slice(0, path.lastIndexOf("/")), true);
  return file !== undefined && directory !== undefined && file.device !== directory.device;
}
