/** What of Linux's mounts the model has. */
import type { SupportRow } from "../support.ts";

export const support: readonly SupportRow[] = [
  {
    area: "mounts",
    feature: "mount(2): new mounts, bind, rbind, move, remount, remount of a bind",
    level: "full",
    note: "",
  },
  {
    area: "mounts",
    feature:
      "propagation: shared, slave, private, unbindable, recursive; mounts and umounts that travel",
    level: "full",
    note: "",
  },
  {
    area: "mounts",
    feature: "umount2(2): busy mounts, MNT_DETACH, UMOUNT_NOFOLLOW",
    level: "partial",
    note: "MNT_EXPIRE answers EINVAL. Children of a tree that was detached are taken apart at once.",
  },
  {
    area: "mounts",
    feature: "fsopen(2), fsconfig(2), fsmount(2), open_tree(2), move_mount(2), mount_setattr(2)",
    level: "partial",
    note: "fsopen to fsmount is one step; fspick, MOVE_MOUNT_BENEATH, MOVE_MOUNT_SET_GROUP, statmount and listmount are missing.",
  },
  {
    area: "mounts",
    feature: "pivot_root(2), with all its preconditions",
    level: "full",
    note: "",
  },
  {
    area: "mounts",
    feature: "mount namespaces: copies, locked mounts and attributes in a lesser user namespace",
    level: "full",
    note: "Mount ids of a copy are given when a mount is first touched, so that their order differs.",
  },
  {
    area: "mounts",
    feature: "idmapped mounts",
    level: "full",
    note: "ext4, xfs, btrfs and tmpfs allow them; other types answer EINVAL.",
  },
  {
    area: "mounts",
    feature: "file systems in user namespaces: allowed types, mounts that would reveal too much",
    level: "full",
    note: "",
  },
  {
    area: "mounts",
    feature: "limit of mounts in a namespace (fs.mount-max)",
    level: "none",
    note: "There is no limit: ENOSPC is never answered.",
  },
];
