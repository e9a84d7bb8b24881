/** The end of mounts: out of the tree, out of the namespace, out of their peer groups. */
import { namespaceOf } from "../fs/nsfs.ts";
import type { Machine } from "../machine.ts";
import { forgetPending } from "./clone-lazily.ts";
import type { Mount } from "./mount.ts";
import { detach, enterNamespace } from "./mount-tree.ts";
import { changePropagation } from "./propagation.ts";

/**
 * Ends `top` and what is made of the tree below it. Each mount ends up alone, but for locked ones: whoever is still
 * inside must not see what they hide.
 */
export function dissolve(machine: Machine, top: Mount): void {
  forgetPending(top);
  for (const child of [...top.madeChildren.values()]) dissolve(machine, child);
  const { parent, mountpoint, locked } = top;
  detach(top);
  changePropagation(machine, top, "private");
  enterNamespace(top, undefined);
  const bound = namespaceOf(top.root);
  if (bound?.type === "net" && bound.holders === 0) machine.leftNetwork?.(bound);
  if (locked && parent !== undefined && mountpoint !== undefined && parent.users.size > 0) {
    top.parent = parent;
    top.mountpoint = mountpoint;
    parent.setChild(mountpoint, top);
  }
}
