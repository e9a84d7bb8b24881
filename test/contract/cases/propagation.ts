/** Propagation of mounts: shared, private, slave and unbindable: what reaches whom (mount_namespaces(7), SHARED SUBTREES). */
import type { Op } from "../../../apps/runtime/src/kernel/index.ts";
import { type ContractCase, sandbox } from "../contract-case.ts";
import {
  attach,
  bind,
  clone,
  dirs,
  move,
  propagate,
  rbind,
  setattr,
  tmpfs,
  umount,
  unshare,
} from "../op-words.ts";

/** A mount at ~/a with a directory in it, and a place for its peer. */
const pair: readonly Op[] = [
  ...dirs("~/a", "~/b", "~/c"),
  tmpfs("~/a"),
  ...dirs("~/a/sub", "~/a/two"),
];
const shared: readonly Op[] = [...pair, propagate("~/a", "shared"), bind("~/a", "~/b")];

export const propagationCases: readonly ContractCase[] = [
  {
    name: "slave of a shared mount becomes shared again: slave and shared",
    run: sandbox([...shared, propagate("~/b", "slave"), propagate("~/b", "shared")], ["mounts"]),
    expect: [
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a tmpfs fs2 / rw,relatime shared:1",
      "mount 3 on 1 ~/b tmpfs fs2 / rw,relatime shared:2 master:1",
    ],
  },
  {
    name: "what a slave and shared mount receives, its own peers receive too",
    run: sandbox(
      [
        ...shared,
        propagate("~/b", "slave"),
        propagate("~/b", "shared"),
        bind("~/b", "~/c"),
        tmpfs("~/a/sub"),
      ],
      ["mounts"],
    ),
    expect: [
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a tmpfs fs2 / rw,relatime shared:1",
      "mount 3 on 2 ~/a/sub tmpfs fs3 / rw,relatime shared:2",
      "mount 4 on 1 ~/b tmpfs fs2 / rw,relatime shared:3 master:1",
      "mount 5 on 4 ~/b/sub tmpfs fs3 / rw,relatime shared:4 master:2",
      "mount 6 on 1 ~/c tmpfs fs2 / rw,relatime shared:3 master:1",
      "mount 7 on 6 ~/c/sub tmpfs fs3 / rw,relatime shared:4 master:2",
    ],
  },
  {
    name: "the slave of a slave receives from the first master",
    run: sandbox(
      [
        ...shared,
        propagate("~/b", "slave"),
        propagate("~/b", "shared"),
        bind("~/b", "~/c"),
        propagate("~/c", "slave"),
        tmpfs("~/a/sub"),
      ],
      ["mounts"],
    ),
    expect: [
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a tmpfs fs2 / rw,relatime shared:1",
      "mount 3 on 2 ~/a/sub tmpfs fs3 / rw,relatime shared:2",
      "mount 4 on 1 ~/b tmpfs fs2 / rw,relatime shared:3 master:1",
      "mount 5 on 4 ~/b/sub tmpfs fs3 / rw,relatime shared:4 master:2",
      "mount 6 on 1 ~/c tmpfs fs2 / rw,relatime master:3",
      "mount 7 on 6 ~/c/sub tmpfs fs3 / rw,relatime master:4",
    ],
  },
  {
    name: "a slave alone in its group made slave is private when its master goes",
    run: sandbox([...shared, propagate("~/b", "slave"), umount("~/a")], ["mounts"]),
    expect: ["mount 1 on - ~ tmpfs fs1 / rw,relatime", "mount 2 on 1 ~/b tmpfs fs2 / rw,relatime"],
  },
  {
    name: "the only member of a peer group made slave is private",
    run: sandbox([...pair, propagate("~/a", "shared"), propagate("~/a", "slave")], ["mounts"]),
    expect: ["mount 1 on - ~ tmpfs fs1 / rw,relatime", "mount 2 on 1 ~/a tmpfs fs2 / rw,relatime"],
  },
  {
    name: "unmounting below a shared mount unmounts at the peer",
    run: sandbox([...shared, tmpfs("~/a/sub"), umount("~/b/sub")], ["mounts"]),
    expect: [
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a tmpfs fs2 / rw,relatime shared:1",
      "mount 3 on 1 ~/b tmpfs fs2 / rw,relatime shared:1",
    ],
  },
  {
    name: "unmounting below a slave leaves the master's mount",
    run: sandbox(
      [...shared, propagate("~/b", "slave"), tmpfs("~/a/sub"), umount("~/b/sub")],
      ["mounts"],
    ),
    expect: [
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a tmpfs fs2 / rw,relatime shared:1",
      "mount 3 on 2 ~/a/sub tmpfs fs3 / rw,relatime shared:2",
      "mount 4 on 1 ~/b tmpfs fs2 / rw,relatime master:1",
    ],
  },
  {
    name: "unmounting below the master unmounts at the slave",
    run: sandbox(
      [...shared, propagate("~/b", "slave"), tmpfs("~/a/sub"), umount("~/a/sub")],
      ["mounts"],
    ),
    expect: [
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a tmpfs fs2 / rw,relatime shared:1",
      "mount 3 on 1 ~/b tmpfs fs2 / rw,relatime master:1",
    ],
  },
  {
    name: "unmounting at a peer spares a mount that something is mounted on",
    run: sandbox(
      [
        ...shared,
        tmpfs("~/a/sub"),
        propagate("~/b/sub", "private"),
        ...dirs("~/b/sub/deep"),
        tmpfs("~/b/sub/deep"),
        umount("~/a/sub"),
      ],
      ["mounts"],
    ),
    expect: [
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a tmpfs fs2 / rw,relatime shared:1",
      "mount 3 on 1 ~/b tmpfs fs2 / rw,relatime shared:1",
      "mount 4 on 3 ~/b/sub tmpfs fs3 / rw,relatime",
      "mount 5 on 4 ~/b/sub/deep tmpfs fs4 / rw,relatime",
    ],
  },
  {
    name: "a recursive change reaches mounts below",
    run: sandbox([...pair, tmpfs("~/a/sub"), propagate("~/a", "shared", true)], ["mounts"]),
    expect: [
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a tmpfs fs2 / rw,relatime shared:1",
      "mount 3 on 2 ~/a/sub tmpfs fs3 / rw,relatime shared:2",
    ],
  },
  {
    name: "a change that is not recursive leaves mounts below",
    run: sandbox([...pair, tmpfs("~/a/sub"), propagate("~/a", "shared")], ["mounts"]),
    expect: [
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a tmpfs fs2 / rw,relatime shared:1",
      "mount 3 on 2 ~/a/sub tmpfs fs3 / rw,relatime",
    ],
  },
  {
    name: "a recursive bind of a shared tree: each mount joins its peer group",
    run: sandbox(
      [...pair, tmpfs("~/a/sub"), propagate("~/a", "shared", true), rbind("~/a", "~/b")],
      ["mounts"],
    ),
    expect: [
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a tmpfs fs2 / rw,relatime shared:1",
      "mount 3 on 2 ~/a/sub tmpfs fs3 / rw,relatime shared:2",
      "mount 4 on 1 ~/b tmpfs fs2 / rw,relatime shared:1",
      "mount 5 on 4 ~/b/sub tmpfs fs3 / rw,relatime shared:2",
    ],
  },
  {
    name: "a bind below a shared mount is itself shared",
    run: sandbox([...pair, propagate("~/a", "shared"), bind("~/a/two", "~/a/sub")], ["mounts"]),
    expect: [
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a tmpfs fs2 / rw,relatime shared:1",
      "mount 3 on 2 ~/a/sub tmpfs fs2 /two rw,relatime shared:1",
    ],
  },
  {
    name: "a private mount bound below a shared one becomes shared",
    run: sandbox(
      [...pair, propagate("~/a", "shared"), ...dirs("~/x"), tmpfs("~/x"), bind("~/x", "~/a/sub")],
      ["mounts"],
    ),
    expect: [
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a tmpfs fs2 / rw,relatime shared:1",
      "mount 3 on 2 ~/a/sub tmpfs fs3 / rw,relatime shared:2",
      "mount 4 on 1 ~/x tmpfs fs3 / rw,relatime",
    ],
  },
  {
    name: "an unbindable mount refuses a bind",
    run: sandbox([...pair, propagate("~/a", "unbindable"), bind("~/a", "~/b")], ["mounts"]),
    expect: [
      "mount bind from ~/a on ~/b: EINVAL",
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a tmpfs fs2 / rw,relatime unbindable",
    ],
  },
  {
    name: "a recursive bind leaves unbindable mounts out",
    run: sandbox(
      [
        ...pair,
        tmpfs("~/a/sub"),
        tmpfs("~/a/two"),
        propagate("~/a/sub", "unbindable"),
        rbind("~/a", "~/b"),
      ],
      ["mounts"],
    ),
    expect: [
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a tmpfs fs2 / rw,relatime",
      "mount 3 on 2 ~/a/sub tmpfs fs3 / rw,relatime unbindable",
      "mount 4 on 2 ~/a/two tmpfs fs4 / rw,relatime",
      "mount 5 on 1 ~/b tmpfs fs2 / rw,relatime",
      "mount 6 on 5 ~/b/two tmpfs fs4 / rw,relatime",
    ],
  },
  {
    name: "an unbindable mount does not move below a shared one",
    run: sandbox(
      [
        ...pair,
        propagate("~/a", "shared"),
        tmpfs("~/b"),
        propagate("~/b", "unbindable"),
        ...move("~/b", "~/a/sub"),
      ],
      ["mounts"],
    ),
    expect: [
      "moveMount <moved> on ~/a/sub: EINVAL",
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a tmpfs fs2 / rw,relatime shared:1",
      "mount 3 on 1 ~/b tmpfs fs3 / rw,relatime unbindable",
    ],
  },
  {
    name: "a private mount moves below a shared one and becomes shared",
    run: sandbox([...shared, tmpfs("~/c"), ...move("~/c", "~/a/sub")], ["mounts"]),
    expect: [
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a tmpfs fs2 / rw,relatime shared:1",
      "mount 3 on 2 ~/a/sub tmpfs fs3 / rw,relatime shared:2",
      "mount 4 on 1 ~/b tmpfs fs2 / rw,relatime shared:1",
      "mount 5 on 4 ~/b/sub tmpfs fs3 / rw,relatime shared:2",
    ],
  },
  {
    name: "a shared mount moves below a private one and stays shared",
    run: sandbox(
      [...shared, tmpfs("~/c"), ...dirs("~/c/in"), ...move("~/b", "~/c/in")],
      ["mounts"],
    ),
    expect: [
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a tmpfs fs2 / rw,relatime shared:1",
      "mount 3 on 1 ~/c tmpfs fs3 / rw,relatime",
      "mount 4 on 3 ~/c/in tmpfs fs2 / rw,relatime shared:1",
    ],
  },
  {
    name: "a mount whose parent is shared does not move",
    run: sandbox([...shared, tmpfs("~/a/sub"), ...move("~/a/sub", "~/c")], ["mounts"]),
    expect: [
      "moveMount <moved> on ~/c: EINVAL",
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a tmpfs fs2 / rw,relatime shared:1",
      "mount 3 on 2 ~/a/sub tmpfs fs3 / rw,relatime shared:2",
      "mount 4 on 1 ~/b tmpfs fs2 / rw,relatime shared:1",
      "mount 5 on 4 ~/b/sub tmpfs fs3 / rw,relatime shared:2",
    ],
  },
  {
    name: "a clone of a shared mount is its peer when attached",
    run: sandbox(
      [
        ...pair,
        propagate("~/a", "shared"),
        clone("~/a", "copy"),
        attach("copy", "~/b"),
        tmpfs("~/b/sub"),
      ],
      ["mounts"],
    ),
    expect: [
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a tmpfs fs2 / rw,relatime shared:1",
      "mount 3 on 2 ~/a/sub tmpfs fs3 / rw,relatime shared:2",
      "mount 4 on 1 ~/b tmpfs fs2 / rw,relatime shared:1",
      "mount 5 on 4 ~/b/sub tmpfs fs3 / rw,relatime shared:2",
    ],
  },
  {
    name: "a detached clone made private is no peer when attached",
    run: sandbox(
      [
        ...pair,
        propagate("~/a", "shared"),
        clone("~/a", "copy"),
        setattr("copy", [], { propagation: "private" }),
        attach("copy", "~/b"),
        tmpfs("~/b/sub"),
      ],
      ["mounts"],
    ),
    expect: [
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a tmpfs fs2 / rw,relatime shared:1",
      "mount 3 on 1 ~/b tmpfs fs2 / rw,relatime",
      "mount 4 on 3 ~/b/sub tmpfs fs3 / rw,relatime",
    ],
  },
  {
    name: "a detached clone made a slave receives when attached",
    run: sandbox(
      [
        ...pair,
        propagate("~/a", "shared"),
        clone("~/a", "copy"),
        setattr("copy", [], { propagation: "slave" }),
        attach("copy", "~/b"),
        tmpfs("~/a/sub"),
      ],
      ["mounts"],
    ),
    expect: [
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a tmpfs fs2 / rw,relatime shared:1",
      "mount 3 on 2 ~/a/sub tmpfs fs3 / rw,relatime shared:2",
      "mount 4 on 1 ~/b tmpfs fs2 / rw,relatime master:1",
      "mount 5 on 4 ~/b/sub tmpfs fs3 / rw,relatime master:2",
    ],
  },
  {
    name: "a mount made below a peer lands on top of what is there",
    run: sandbox(
      [
        ...shared,
        propagate("~/b", "private"),
        tmpfs("~/b/sub"),
        propagate("~/b", "shared"),
        tmpfs("~/a/sub"),
      ],
      ["mounts"],
    ),
    expect: [
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a tmpfs fs2 / rw,relatime shared:1",
      "mount 3 on 2 ~/a/sub tmpfs fs3 / rw,relatime shared:2",
      "mount 4 on 1 ~/b tmpfs fs2 / rw,relatime shared:3",
      "mount 5 on 4 ~/b/sub tmpfs fs4 / rw,relatime",
    ],
  },
  {
    name: "peers with different roots receive only what lies inside their root",
    run: sandbox(
      [
        ...pair,
        ...dirs("~/a/sub/deep"),
        propagate("~/a", "shared"),
        bind("~/a/sub", "~/b"),
        tmpfs("~/a/sub/deep"),
        tmpfs("~/a/two"),
      ],
      ["mounts"],
    ),
    expect: [
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a tmpfs fs2 / rw,relatime shared:1",
      "mount 3 on 2 ~/a/sub/deep tmpfs fs3 / rw,relatime shared:2",
      "mount 4 on 2 ~/a/two tmpfs fs4 / rw,relatime shared:3",
      "mount 5 on 1 ~/b tmpfs fs2 /sub rw,relatime shared:1",
      "mount 6 on 5 ~/b/deep tmpfs fs3 / rw,relatime shared:2",
    ],
  },
  {
    name: "a mount at the root of a bind's source directory does not reach the bind",
    run: sandbox(
      [
        ...pair,
        ...dirs("~/a/sub/deep"),
        propagate("~/a", "shared"),
        bind("~/a/sub", "~/b"),
        tmpfs("~/a/sub"),
      ],
      ["mounts"],
    ),
    expect: [
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a tmpfs fs2 / rw,relatime shared:1",
      "mount 3 on 2 ~/a/sub tmpfs fs3 / rw,relatime shared:2",
      "mount 4 on 1 ~/b tmpfs fs2 /sub rw,relatime shared:1",
      "mount 5 on 4 ~/b tmpfs fs3 / rw,relatime shared:2",
    ],
  },
  {
    name: "a new mount namespace is a peer of the old one",
    run: sandbox(
      [...pair, propagate("~/a", "shared"), unshare("mnt"), tmpfs("~/a/sub")],
      ["mounts"],
    ),
    expect: [
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a tmpfs fs2 / rw,relatime shared:1",
      "mount 3 on 2 ~/a/sub tmpfs fs3 / rw,relatime shared:2",
    ],
  },
  {
    name: "a new mount namespace copies private mounts as private",
    run: sandbox([...pair, unshare("mnt"), tmpfs("~/a/sub")], ["mounts"]),
    expect: [
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a tmpfs fs2 / rw,relatime",
      "mount 3 on 2 ~/a/sub tmpfs fs3 / rw,relatime",
    ],
  },
  {
    name: "a new mount namespace with its own user namespace: shared mounts become slaves",
    run: sandbox(
      [...pair, propagate("~/a", "shared"), unshare("user", "mnt"), tmpfs("~/a/sub")],
      ["mounts"],
    ),
    expect: [
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a tmpfs fs2 / rw,relatime",
      "mount 3 on 2 ~/a/sub tmpfs fs3 / rw,relatime",
    ],
  },
  {
    name: "propagation of a path that is no mount point is refused",
    run: sandbox([...pair, propagate("~/a/sub", "shared")], ["mounts"]),
    expect: [
      "propagate ~/a/sub shared: EINVAL",
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a tmpfs fs2 / rw,relatime",
    ],
  },
  {
    name: "propagation of a path that is not there is refused",
    run: sandbox([...pair, propagate("~/nothing", "private")], ["mounts"]),
    expect: [
      "propagate ~/nothing private: ENOENT",
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a tmpfs fs2 / rw,relatime",
    ],
  },
  {
    name: "stacked mounts: propagation changes the topmost",
    run: sandbox(
      [...pair, propagate("~/a", "shared"), tmpfs("~/a"), propagate("~/a", "unbindable")],
      ["mounts"],
    ),
    expect: [
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a tmpfs fs2 / rw,relatime shared:1",
      "mount 3 on 2 ~/a tmpfs fs3 / rw,relatime unbindable",
    ],
  },
  {
    name: "a shared mount bound three times is one group",
    run: sandbox([...shared, bind("~/b", "~/c"), tmpfs("~/c/two")], ["mounts"]),
    expect: [
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a tmpfs fs2 / rw,relatime shared:1",
      "mount 3 on 2 ~/a/two tmpfs fs3 / rw,relatime shared:2",
      "mount 4 on 1 ~/b tmpfs fs2 / rw,relatime shared:1",
      "mount 5 on 4 ~/b/two tmpfs fs3 / rw,relatime shared:2",
      "mount 6 on 1 ~/c tmpfs fs2 / rw,relatime shared:1",
      "mount 7 on 6 ~/c/two tmpfs fs3 / rw,relatime shared:2",
    ],
  },
  {
    name: "leaving a group of three: the two others stay peers",
    run: sandbox(
      [...shared, bind("~/b", "~/c"), propagate("~/b", "private"), tmpfs("~/a/sub")],
      ["mounts"],
    ),
    expect: [
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a tmpfs fs2 / rw,relatime shared:1",
      "mount 3 on 2 ~/a/sub tmpfs fs3 / rw,relatime shared:2",
      "mount 4 on 1 ~/b tmpfs fs2 / rw,relatime",
      "mount 5 on 1 ~/c tmpfs fs2 / rw,relatime shared:1",
      "mount 6 on 5 ~/c/sub tmpfs fs3 / rw,relatime shared:2",
    ],
  },
  {
    name: "a slave of a group follows the group when one master leaves",
    run: sandbox(
      [
        ...shared,
        bind("~/b", "~/c"),
        propagate("~/c", "slave"),
        propagate("~/a", "private"),
        tmpfs("~/b/sub"),
      ],
      ["mounts"],
    ),
    expect: [
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a tmpfs fs2 / rw,relatime",
      "mount 3 on 1 ~/b tmpfs fs2 / rw,relatime shared:1",
      "mount 4 on 3 ~/b/sub tmpfs fs3 / rw,relatime shared:2",
      "mount 5 on 1 ~/c tmpfs fs2 / rw,relatime master:1",
      "mount 6 on 5 ~/c/sub tmpfs fs3 / rw,relatime master:2",
    ],
  },
  {
    name: "mount_setattr with a recursive slave on a detached tree",
    run: sandbox(
      [
        ...pair,
        tmpfs("~/a/sub"),
        propagate("~/a", "shared", true),
        clone("~/a", "copy", true),
        setattr("copy", [], { propagation: "slave", recursive: true }),
        attach("copy", "~/b"),
      ],
      ["mounts"],
    ),
    expect: [
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a tmpfs fs2 / rw,relatime shared:1",
      "mount 3 on 2 ~/a/sub tmpfs fs3 / rw,relatime shared:2",
      "mount 4 on 1 ~/b tmpfs fs2 / rw,relatime master:1",
      "mount 5 on 4 ~/b/sub tmpfs fs3 / rw,relatime master:2",
    ],
  },
];
