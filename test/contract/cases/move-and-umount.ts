/** move_mount(2), open_tree(2), umount(2), and what a mount keeps from being removed. */
import { type ContractCase, sandbox } from "../contract-case.ts";
import {
  attach,
  bind,
  clone,
  dirs,
  file,
  link,
  mkdir,
  move,
  open,
  tmpfs,
  umount,
} from "../op-words.ts";

export const moveCases: readonly ContractCase[] = [
  {
    name: "a mount moves with everything below it",
    run: sandbox(
      [
        ...dirs("~/a", "~/b"),
        tmpfs("~/a"),
        ...dirs("~/a/sub"),
        tmpfs("~/a/sub"),
        ...move("~/a", "~/b"),
      ],
      ["mounts"],
    ),
    expect: [
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/b tmpfs fs2 / rw,relatime",
      "mount 3 on 2 ~/b/sub tmpfs fs3 / rw,relatime",
    ],
  },
  {
    name: "a mount does not move below itself",
    run: sandbox(
      [...dirs("~/a"), tmpfs("~/a"), ...dirs("~/a/in"), ...move("~/a", "~/a/in")],
      ["mounts"],
    ),
    expect: [
      "moveMount <moved> on ~/a/in: ELOOP",
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a tmpfs fs2 / rw,relatime",
    ],
  },
  {
    name: "a directory that is no mount does not move",
    run: sandbox([...dirs("~/a", "~/b"), ...move("~/a", "~/b")], ["mounts"]),
    expect: ["moveMount <moved> on ~/b: EINVAL", "mount 1 on - ~ tmpfs fs1 / rw,relatime"],
  },
  {
    name: "a mount does not move onto a file",
    run: sandbox([...dirs("~/a"), tmpfs("~/a"), file("~/f"), ...move("~/a", "~/f")], ["mounts"]),
    expect: [
      "moveMount <moved> on ~/f: EINVAL",
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a tmpfs fs2 / rw,relatime",
    ],
  },
  {
    name: "a file mount does not move onto a directory",
    run: sandbox(
      [file("~/f"), file("~/g"), ...dirs("~/a"), bind("~/f", "~/g"), ...move("~/g", "~/a")],
      ["mounts"],
    ),
    expect: [
      "moveMount <moved> on ~/a: EINVAL",
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/g tmpfs fs1 /f rw,relatime",
    ],
  },
  {
    name: "a detached mount is attached once, then moved by the same fd",
    run: sandbox(
      [...dirs("~/a", "~/b"), clone("~/a", "c"), attach("c", "~/b"), attach("c", "~/a")],
      ["mounts"],
    ),
    expect: ["mount 1 on - ~ tmpfs fs1 / rw,relatime", "mount 2 on 1 ~/a tmpfs fs1 /a rw,relatime"],
  },
  {
    name: "moveMount makes a missing directory",
    run: sandbox(
      [
        ...dirs("~/a"),
        clone("~/a", "c"),
        { op: "moveMount", fd: "c", path: "~/x/y/z", create: "directory" },
      ],
      ["mounts"],
    ),
    expect: [
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/x/y/z tmpfs fs1 /a rw,relatime",
    ],
  },
  {
    name: "moveMount makes a missing file",
    run: sandbox(
      [
        file("~/f", "x"),
        clone("~/f", "c"),
        { op: "moveMount", fd: "c", path: "~/x/y/z", create: "file" },
      ],
      ["mounts", "+", "cat", "~/x/y/z"],
    ),
    expect: [
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/x/y/z tmpfs fs1 /f rw,relatime",
      "content ~/x/y/z x",
    ],
  },
  {
    name: "moveMount to a missing path without create is refused",
    run: sandbox([...dirs("~/a"), clone("~/a", "c"), attach("c", "~/x")], ["mounts"]),
    expect: ["moveMount <c> on ~/x: ENOENT", "mount 1 on - ~ tmpfs fs1 / rw,relatime"],
  },
  {
    name: "moveMount, ordinary: a symlink in the path is refused",
    run: sandbox(
      [
        ...dirs("~/a", "~/real"),
        link("~/l", "real"),
        clone("~/a", "c"),
        { op: "moveMount", fd: "c", path: "~/l", ordinary: true },
      ],
      ["mounts"],
    ),
    expect: ["moveMount <c> on ~/l ordinary: ENOTDIR", "mount 1 on - ~ tmpfs fs1 / rw,relatime"],
  },
  {
    name: "moveMount, ordinary: a file is refused",
    run: sandbox(
      [
        ...dirs("~/a"),
        file("~/f"),
        clone("~/a", "c"),
        { op: "moveMount", fd: "c", path: "~/f", ordinary: true },
      ],
      ["mounts"],
    ),
    expect: ["moveMount <c> on ~/f ordinary: ENOTDIR", "mount 1 on - ~ tmpfs fs1 / rw,relatime"],
  },
  {
    name: "moveMount follows a symlink when it may",
    run: sandbox(
      [...dirs("~/a", "~/real"), link("~/l", "real"), clone("~/a", "c"), attach("c", "~/l")],
      ["mounts"],
    ),
    expect: [
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/real tmpfs fs1 /a rw,relatime",
    ],
  },
  {
    name: "a mount attached onto a mount lies on top",
    run: sandbox(
      [...dirs("~/a", "~/b"), tmpfs("~/b"), clone("~/a", "c"), attach("c", "~/b")],
      ["mounts"],
    ),
    expect: [
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/b tmpfs fs2 / rw,relatime",
      "mount 3 on 2 ~/b tmpfs fs1 /a rw,relatime",
    ],
  },
  {
    name: "an empty slot is EBADF",
    run: sandbox([...dirs("~/a"), attach("none", "~/a")], ["mounts"]),
    expect: ["moveMount <none> on ~/a: EBADF", "mount 1 on - ~ tmpfs fs1 / rw,relatime"],
  },
  {
    name: "an O_PATH fd of a plain directory is no mount to attach",
    run: sandbox(
      [...dirs("~/a", "~/b"), open("~/a", ["path"], "p"), attach("p", "~/b")],
      ["mounts"],
    ),
    expect: ["moveMount <p> on ~/b: EINVAL", "mount 1 on - ~ tmpfs fs1 / rw,relatime"],
  },
  {
    name: "openTree of a subdirectory clones from there",
    run: sandbox(
      [
        ...dirs("~/a", "~/a/sub", "~/b"),
        file("~/a/sub/f"),
        clone("~/a/sub", "c"),
        attach("c", "~/b"),
      ],
      ["mounts", "+", "ls", "~/b"],
    ),
    expect: [
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/b tmpfs fs1 /a/sub rw,relatime",
      "entry ~/b f",
    ],
  },
  {
    name: "openTree, not recursive, leaves mounts below out",
    run: sandbox(
      [...dirs("~/a", "~/a/sub", "~/b"), tmpfs("~/a/sub"), clone("~/a", "c"), attach("c", "~/b")],
      ["mounts"],
    ),
    expect: [
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a/sub tmpfs fs2 / rw,relatime",
      "mount 3 on 1 ~/b tmpfs fs1 /a rw,relatime",
    ],
  },
  {
    name: "openTree, recursive, takes mounts below along",
    run: sandbox(
      [
        ...dirs("~/a", "~/a/sub", "~/b"),
        tmpfs("~/a/sub"),
        clone("~/a", "c", true),
        attach("c", "~/b"),
      ],
      ["mounts"],
    ),
    expect: [
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a/sub tmpfs fs2 / rw,relatime",
      "mount 3 on 1 ~/b tmpfs fs1 /a rw,relatime",
      "mount 4 on 3 ~/b/sub tmpfs fs2 / rw,relatime",
    ],
  },
  {
    name: "openTree of what is not there",
    run: sandbox([clone("~/none", "c")], ["mounts"]),
    expect: ["openTree ~/none as <c> clone: ENOENT", "mount 1 on - ~ tmpfs fs1 / rw,relatime"],
  },
  {
    name: "files can be made in a detached tree before it is attached",
    run: sandbox(
      [
        ...dirs("~/b"),
        { op: "fsmount", fstype: "tmpfs", source: "", options: [], attrs: [], as: "t" },
        mkdir("in", 0o750, { at: "t" }),
        file("f", "early", 0o640, { at: "t" }),
        attach("t", "~/b"),
      ],
      ["stat", "~/b/in", "+", "cat", "~/b/f"],
    ),
    expect: ["stat ~/b/in 40750 0:0 0:0 -", "content ~/b/f early"],
  },
  {
    name: "umount of a mount that is in use by a mount below is EBUSY",
    run: sandbox(
      [...dirs("~/a"), tmpfs("~/a"), ...dirs("~/a/sub"), tmpfs("~/a/sub"), umount("~/a")],
      ["mounts"],
    ),
    expect: [
      "umount ~/a: EBUSY",
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a tmpfs fs2 / rw,relatime",
      "mount 3 on 2 ~/a/sub tmpfs fs3 / rw,relatime",
    ],
  },
  {
    name: "umount with an open file is EBUSY",
    run: sandbox(
      [
        ...dirs("~/a"),
        tmpfs("~/a"),
        file("~/a/f"),
        open("~/a/f", ["rdonly"], "r"),
        umount("~/a"),
        { op: "close", fd: "r" },
        umount("~/a"),
      ],
      ["mounts"],
    ),
    expect: ["umount ~/a: EBUSY", "mount 1 on - ~ tmpfs fs1 / rw,relatime"],
  },
  {
    name: "umount with the working directory in it is EBUSY",
    run: sandbox(
      [
        ...dirs("~/a"),
        tmpfs("~/a"),
        { op: "chdir", path: "~/a" },
        umount("~/a"),
        { op: "chdir", path: "/" },
        umount("~/a"),
      ],
      ["mounts"],
    ),
    expect: ["umount ~/a: EBUSY", "mount 1 on - ~ tmpfs fs1 / rw,relatime"],
  },
  {
    name: "an O_PATH fd keeps a mount busy",
    run: sandbox(
      [...dirs("~/a"), tmpfs("~/a"), open("~/a", ["path"], "p"), umount("~/a")],
      ["mounts"],
    ),
    expect: [
      "umount ~/a: EBUSY",
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a tmpfs fs2 / rw,relatime",
    ],
  },
  {
    name: "detaching takes the whole tree away at once",
    run: sandbox(
      [...dirs("~/a"), tmpfs("~/a"), ...dirs("~/a/sub"), tmpfs("~/a/sub"), umount("~/a", true)],
      ["mounts"],
    ),
    expect: ["mount 1 on - ~ tmpfs fs1 / rw,relatime"],
  },
  {
    name: "a detached mount lives on while a file is open in it",
    run: sandbox(
      [
        ...dirs("~/a"),
        tmpfs("~/a"),
        open("~/a", ["path", "directory"], "d"),
        umount("~/a", true),
        file("f", "alive", 0o644, { at: "d" }),
        open("f", ["rdonly"], "r", { at: "d" }),
      ],
      ["mounts"],
    ),
    expect: ["mount 1 on - ~ tmpfs fs1 / rw,relatime"],
  },
  {
    name: "umount of no mount point is EINVAL",
    run: sandbox([...dirs("~/a"), umount("~/a")], ["mounts"]),
    expect: ["umount ~/a: EINVAL", "mount 1 on - ~ tmpfs fs1 / rw,relatime"],
  },
  {
    name: "umount of nothing is ENOENT",
    run: sandbox([umount("~/none")], ["mounts"]),
    expect: ["umount ~/none: ENOENT", "mount 1 on - ~ tmpfs fs1 / rw,relatime"],
  },
  {
    name: "umount does not follow a symlink",
    run: sandbox([...dirs("~/a"), tmpfs("~/a"), link("~/l", "a"), umount("~/l")], ["mounts"]),
    expect: [
      "umount ~/l: EINVAL",
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a tmpfs fs2 / rw,relatime",
    ],
  },
  {
    name: "umount through a symlink in the middle",
    run: sandbox(
      [...dirs("~/d", "~/d/a"), tmpfs("~/d/a"), link("~/l", "d"), umount("~/l/a")],
      ["mounts"],
    ),
    expect: ["mount 1 on - ~ tmpfs fs1 / rw,relatime"],
  },
  {
    name: "rmdir of a mount point is EBUSY",
    run: sandbox([...dirs("~/a"), tmpfs("~/a"), { op: "rmdir", path: "~/a" }], ["mounts"]),
    expect: [
      "rmdir ~/a: EBUSY",
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a tmpfs fs2 / rw,relatime",
    ],
  },
  {
    name: "rename of a mount point is EBUSY",
    run: sandbox(
      [...dirs("~/a"), tmpfs("~/a"), { op: "rename", from: "~/a", to: "~/b" }],
      ["mounts"],
    ),
    expect: [
      "rename ~/a to ~/b: EBUSY",
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a tmpfs fs2 / rw,relatime",
    ],
  },
  {
    name: "unlink of a file with a mount on it is EBUSY",
    run: sandbox(
      [file("~/f"), file("~/g"), bind("~/g", "~/f"), { op: "unlink", path: "~/f" }],
      ["mounts"],
    ),
    expect: [
      "unlink ~/f: EBUSY",
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/f tmpfs fs1 /g rw,relatime",
    ],
  },
  {
    name: "rename of the directory above a mount takes the mount along",
    run: sandbox(
      [...dirs("~/d", "~/d/a"), tmpfs("~/d/a"), { op: "rename", from: "~/d", to: "~/e" }],
      ["mounts"],
    ),
    expect: [
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/e/a tmpfs fs2 / rw,relatime",
    ],
  },
  {
    name: "a mount point with two mounts on it is EBUSY",
    run: sandbox(
      [...dirs("~/a", "~/b"), bind("~/a", "~/b"), tmpfs("~/b"), { op: "rmdir", path: "~/b" }],
      ["mounts"],
    ),
    expect: [
      "rmdir ~/b: EBUSY",
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/b tmpfs fs1 /a rw,relatime",
      "mount 3 on 2 ~/b tmpfs fs2 / rw,relatime",
    ],
  },
  {
    name: "the source directory of a bind may be removed",
    run: sandbox(
      [...dirs("~/a", "~/b"), file("~/a/f"), bind("~/a", "~/b"), { op: "removeTree", path: "~/a" }],
      ["mounts", "+", "ls", "~/b"],
    ),
    expect: [
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/b tmpfs fs1 /a//deleted rw,relatime",
    ],
  },
  {
    name: "removeTree stops at a mount",
    run: sandbox(
      [
        ...dirs("~/a", "~/a/m"),
        file("~/a/f"),
        tmpfs("~/a/m"),
        file("~/a/m/kept"),
        { op: "removeTree", path: "~/a" },
      ],
      ["mounts", "+", "cat", "~/a/m/kept"],
    ),
    expect: [
      "removeTree ~/a: EBUSY",
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a/m tmpfs fs2 / rw,relatime",
      "content ~/a/m/kept",
    ],
  },
];
