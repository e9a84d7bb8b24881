/** overlayfs: layers, whiteouts, opaque directories, copy-up, readdir (Documentation/filesystems/overlayfs.rst). */
import type { Op } from "../../../apps/runtime/src/kernel/index.ts";
import { type ContractCase, sandbox } from "../contract-case.ts";
import { attach, chmod, chown, dirs, file, link, mkdir, open, tmpfs } from "../op-words.ts";

const layers: readonly Op[] = [...dirs("~/l1", "~/l2", "~/up", "~/work", "~/m")];

/** An overlay of ~/l1 over ~/l2, with ~/up to write to, on ~/m. */
const overlay: readonly Op[] = [
  {
    op: "fsmount",
    fstype: "overlay",
    source: "overlay",
    options: [
      ["lowerdir", "~/l1:~/l2"],
      ["upperdir", "~/up"],
      ["workdir", "~/work"],
    ],
    attrs: [],
    as: "o",
  },
  attach("o", "~/m"),
];

const readOnly: readonly Op[] = [
  {
    op: "fsmount",
    fstype: "overlay",
    source: "overlay",
    options: [["lowerdir", "~/l1:~/l2"]],
    attrs: [],
    as: "o",
  },
  attach("o", "~/m"),
];

/** A whiteout (overlayfs.rst): a character device 0:0. */
const whiteout = (path: string): Op => ({
  op: "mknod",
  path,
  type: "char",
  major: 0,
  minor: 0,
  mode: 0o600,
});

export const overlayCases: readonly ContractCase[] = [
  {
    name: "overlay: files of both layers are seen",
    run: sandbox(
      [...layers, file("~/l1/a", "one"), file("~/l2/b", "two"), ...overlay],
      ["ls", "~/m", "+", "cat", "~/m/a", "+", "cat", "~/m/b", "+", "mounts"],
    ),
    expect: [
      "entry ~/m a",
      "entry ~/m b",
      "content ~/m/a one",
      "content ~/m/b two",
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/m overlay fs2 / rw,relatime",
    ],
  },
  {
    name: "overlay: the upper of two lowers wins",
    run: sandbox(
      [...layers, file("~/l1/a", "one"), file("~/l2/a", "two"), ...overlay],
      ["ls", "~/m", "+", "cat", "~/m/a"],
    ),
    expect: ["entry ~/m a", "content ~/m/a one"],
  },
  {
    name: "overlay: a directory in both layers is merged",
    run: sandbox(
      [...layers, ...dirs("~/l1/d", "~/l2/d"), file("~/l1/d/a"), file("~/l2/d/b"), ...overlay],
      ["ls", "~/m/d"],
    ),
    expect: ["entry ~/m/d a", "entry ~/m/d b"],
  },
  {
    name: "overlay: a file hides a directory below",
    run: sandbox(
      [...layers, file("~/l1/d", "file"), ...dirs("~/l2/d"), file("~/l2/d/b"), ...overlay],
      ["cat", "~/m/d", "+", "ls", "~/m/d"],
    ),
    expect: ["content ~/m/d file", "error ls ~/m/d 20"],
  },
  {
    name: "overlay: a directory hides a file below",
    run: sandbox(
      [...layers, ...dirs("~/l1/d"), file("~/l2/d", "file"), ...overlay],
      ["ls", "~/m/d", "+", "stat", "~/m/d"],
    ),
    expect: ["stat ~/m/d 40755 0:0 0:0 -"],
  },
  {
    name: "overlay: a new file lies in the upper directory",
    run: sandbox(
      [...layers, ...overlay, file("~/m/new", "x")],
      ["ls", "~/up", "+", "ls", "~/l1", "+", "ls", "~/m"],
    ),
    expect: ["entry ~/m new", "entry ~/up new"],
  },
  {
    name: "overlay: writing to a lower file copies it up",
    run: sandbox(
      [...layers, file("~/l2/a", "old", 0o640), chown("~/l2/a", 5, 6), ...overlay],
      [
        "write",
        "~/m/a",
        "new",
        "+",
        "cat",
        "~/m/a",
        "+",
        "cat",
        "~/l2/a",
        "+",
        "stat",
        "~/up/a",
        "+",
        "cat",
        "~/up/a",
      ],
    ),
    expect: [
      "written ~/m/a",
      "content ~/m/a new",
      "content ~/l2/a old",
      "stat ~/up/a 100640 5:6 0:0 3",
      "content ~/up/a new",
    ],
  },
  {
    name: "overlay: opening for reading copies nothing",
    run: sandbox(
      [...layers, file("~/l2/a", "old"), ...overlay, open("~/m/a", ["rdonly"])],
      ["ls", "~/up"],
    ),
    expect: [],
  },
  {
    name: "overlay: opening for writing copies up even when nothing is written",
    run: sandbox(
      [...layers, file("~/l2/a", "old"), ...overlay, open("~/m/a", ["wronly"])],
      ["ls", "~/up", "+", "cat", "~/up/a"],
    ),
    expect: ["entry ~/up a", "content ~/up/a old"],
  },
  {
    name: "overlay: opening with trunc copies no content",
    run: sandbox(
      [...layers, file("~/l2/a", "old"), ...overlay, open("~/m/a", ["wronly", "trunc"])],
      ["stat", "~/up/a", "+", "stat", "~/m/a", "+", "cat", "~/l2/a"],
    ),
    expect: ["stat ~/up/a 100644 0:0 0:0 0", "stat ~/m/a 100644 0:0 0:0 0", "content ~/l2/a old"],
  },
  {
    name: "overlay: chmod copies up",
    run: sandbox(
      [...layers, file("~/l2/a", "old"), ...overlay, chmod("~/m/a", 0o600)],
      ["stat", "~/up/a", "+", "stat", "~/l2/a", "+", "cat", "~/up/a"],
    ),
    expect: ["stat ~/up/a 100600 0:0 0:0 3", "stat ~/l2/a 100644 0:0 0:0 3", "content ~/up/a old"],
  },
  {
    name: "overlay: chown of a directory copies up the directory only",
    run: sandbox(
      [...layers, ...dirs("~/l2/d"), file("~/l2/d/f"), ...overlay, chown("~/m/d", 3, 4)],
      ["stat", "~/up/d", "+", "ls", "~/up/d", "+", "ls", "~/m/d"],
    ),
    expect: ["stat ~/up/d 40755 3:4 0:0 -", "entry ~/m/d f"],
  },
  {
    name: "overlay: copy-up makes the parents with their owner and mode",
    run: sandbox(
      [
        ...layers,
        mkdir("~/l2/p", 0o711, { uid: 9, gid: 9 }),
        mkdir("~/l2/p/q", 0o700),
        file("~/l2/p/q/f", "x"),
        ...overlay,
      ],
      ["write", "~/m/p/q/f", "y", "+", "stat", "~/up/p", "+", "stat", "~/up/p/q"],
    ),
    expect: ["written ~/m/p/q/f", "stat ~/up/p 40711 9:9 0:0 -", "stat ~/up/p/q 40700 0:0 0:0 -"],
  },
  {
    name: "overlay: unlink of a lower file leaves a whiteout",
    run: sandbox(
      [...layers, file("~/l2/a", "old"), ...overlay, { op: "unlink", path: "~/m/a" }],
      ["ls", "~/m", "+", "stat", "~/up/a", "+", "cat", "~/m/a", "+", "cat", "~/l2/a"],
    ),
    expect: ["stat ~/up/a 20000 0:0 0:0 0", "error cat ~/m/a 2", "content ~/l2/a old"],
  },
  {
    name: "overlay: unlink of a file of the upper only leaves nothing",
    run: sandbox(
      [...layers, ...overlay, file("~/m/a"), { op: "unlink", path: "~/m/a" }],
      ["ls", "~/up"],
    ),
    expect: [],
  },
  {
    name: "overlay: unlink of a copied-up file leaves a whiteout",
    run: sandbox(
      [
        ...layers,
        file("~/l2/a", "old"),
        ...overlay,
        chmod("~/m/a", 0o600),
        { op: "unlink", path: "~/m/a" },
      ],
      ["stat", "~/up/a", "+", "ls", "~/m"],
    ),
    expect: ["stat ~/up/a 20000 0:0 0:0 0"],
  },
  {
    name: "overlay: a whiteout of an upper lower hides the file below",
    run: sandbox(
      [...layers, whiteout("~/l1/a"), file("~/l2/a", "old"), ...overlay],
      ["ls", "~/m", "+", "cat", "~/m/a"],
    ),
    expect: ["error cat ~/m/a 2"],
  },
  {
    name: "overlay: a file made where a whiteout was",
    run: sandbox(
      [
        ...layers,
        file("~/l2/a", "old"),
        ...overlay,
        { op: "unlink", path: "~/m/a" },
        file("~/m/a", "new"),
      ],
      ["cat", "~/m/a", "+", "stat", "~/up/a"],
    ),
    expect: ["content ~/m/a new", "stat ~/up/a 100644 0:0 0:0 3"],
  },
  {
    name: "overlay: rmdir of a merged directory that is not empty",
    run: sandbox(
      [...layers, ...dirs("~/l2/d"), file("~/l2/d/f"), ...overlay, { op: "rmdir", path: "~/m/d" }],
      ["ls", "~/m"],
    ),
    expect: ["rmdir ~/m/d: ENOTEMPTY", "entry ~/m d"],
  },
  {
    name: "overlay: rmdir of an emptied lower directory leaves a whiteout",
    run: sandbox(
      [
        ...layers,
        ...dirs("~/l2/d"),
        file("~/l2/d/f"),
        ...overlay,
        { op: "unlink", path: "~/m/d/f" },
        { op: "rmdir", path: "~/m/d" },
      ],
      ["ls", "~/m", "+", "stat", "~/up/d"],
    ),
    expect: ["stat ~/up/d 20000 0:0 0:0 0"],
  },
  {
    name: "overlay: a directory made where one was removed is opaque",
    run: sandbox(
      [
        ...layers,
        ...dirs("~/l2/d"),
        file("~/l2/d/f"),
        ...overlay,
        { op: "removeTree", path: "~/m/d" },
        mkdir("~/m/d"),
        file("~/m/d/new"),
      ],
      ["ls", "~/m/d", "+", "ls", "~/l2/d"],
    ),
    expect: ["entry ~/l2/d f", "entry ~/m/d new"],
  },
  {
    name: "overlay: rename of a lower file copies up and leaves a whiteout",
    run: sandbox(
      [...layers, file("~/l2/a", "old"), ...overlay, { op: "rename", from: "~/m/a", to: "~/m/b" }],
      ["ls", "~/m", "+", "cat", "~/m/b", "+", "stat", "~/up/a"],
    ),
    expect: ["entry ~/m b", "content ~/m/b old", "stat ~/up/a 20000 0:0 0:0 0"],
  },
  {
    name: "overlay: rename of a lower directory is EXDEV without redirect_dir",
    run: sandbox(
      [
        ...layers,
        ...dirs("~/l2/d"),
        file("~/l2/d/f"),
        ...overlay,
        { op: "rename", from: "~/m/d", to: "~/m/e" },
      ],
      ["ls", "~/m"],
    ),
    expect: ["rename ~/m/d to ~/m/e: EXDEV", "entry ~/m d"],
  },
  {
    name: "overlay: rename of an upper directory",
    run: sandbox(
      [
        ...layers,
        ...overlay,
        ...dirs("~/m/d"),
        file("~/m/d/f"),
        { op: "rename", from: "~/m/d", to: "~/m/e" },
      ],
      ["ls", "~/m", "+", "ls", "~/m/e"],
    ),
    expect: ["entry ~/m e", "entry ~/m/e f"],
  },
  {
    name: "overlay: symlinks of a lower layer are followed in the merged tree",
    run: sandbox(
      [...layers, file("~/l1/t", "target"), link("~/l2/l", "t"), ...overlay],
      ["readlink", "~/m/l", "+", "cat", "~/m/l"],
    ),
    expect: ["link ~/m/l t", "content ~/m/l target"],
  },
  {
    name: "overlay: removeTree in the merged tree leaves whiteouts",
    run: sandbox(
      [
        ...layers,
        ...dirs("~/l2/d", "~/l2/d/e"),
        file("~/l2/d/e/f"),
        file("~/l2/d/g"),
        ...overlay,
        { op: "removeTree", path: "~/m/d" },
      ],
      ["ls", "~/m", "+", "stat", "~/up/d"],
    ),
    expect: ["stat ~/up/d 20000 0:0 0:0 0"],
  },
  {
    name: "overlay: without upper it is read-only",
    run: sandbox(
      [
        ...layers,
        file("~/l1/a"),
        ...readOnly,
        file("~/m/b"),
        open("~/m/a", ["wronly"]),
        open("~/m/a", ["rdonly"]),
      ],
      ["mounts"],
    ),
    expect: [
      "writeFile ~/m/b 0 bytes create 0644: EROFS",
      "open ~/m/a wronly as <file>: EROFS",
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/m overlay fs2 / rw,relatime fs-ro",
    ],
  },
  {
    name: "overlay: a missing lower directory is refused",
    run: sandbox([...dirs("~/m", "~/l2"), ...readOnly], ["mounts"]),
    expect: [
      "fsmount overlay as <o> lowerdir=~/l1:~/l2: ENOENT",
      "moveMount <o> on ~/m: EBADF",
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
    ],
  },
  {
    name: "overlay: one lower directory alone needs an upper",
    run: sandbox(
      [
        ...layers,
        {
          op: "fsmount",
          fstype: "overlay",
          source: "overlay",
          options: [["lowerdir", "~/l1"]],
          attrs: [],
          as: "o",
        },
        attach("o", "~/m"),
      ],
      ["mounts"],
    ),
    expect: [
      "fsmount overlay as <o> lowerdir=~/l1: EINVAL",
      "moveMount <o> on ~/m: EBADF",
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
    ],
  },
  {
    name: "overlay: an upper without a work directory is refused",
    run: sandbox(
      [
        ...layers,
        {
          op: "fsmount",
          fstype: "overlay",
          source: "overlay",
          options: [
            ["lowerdir", "~/l1"],
            ["upperdir", "~/up"],
          ],
          attrs: [],
          as: "o",
        },
      ],
      ["mounts"],
    ),
    expect: [
      "fsmount overlay as <o> lowerdir=~/l1 upperdir=~/up: EINVAL",
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
    ],
  },
  {
    name: "overlay: work and upper on different file systems are refused",
    run: sandbox([...layers, tmpfs("~/work"), ...overlay], ["mounts"]),
    expect: [
      "fsmount overlay as <o> lowerdir=~/l1:~/l2 upperdir=~/up workdir=~/work: EINVAL",
      "moveMount <o> on ~/m: EBADF",
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/work tmpfs fs2 / rw,relatime",
    ],
  },
  {
    name: "overlay: a work directory inside the upper is refused",
    run: sandbox(
      [
        ...layers,
        ...dirs("~/up/w"),
        {
          op: "fsmount",
          fstype: "overlay",
          source: "overlay",
          options: [
            ["lowerdir", "~/l1"],
            ["upperdir", "~/up"],
            ["workdir", "~/up/w"],
          ],
          attrs: [],
          as: "o",
        },
      ],
      ["mounts"],
    ),
    expect: [
      "fsmount overlay as <o> lowerdir=~/l1 upperdir=~/up workdir=~/up/w: EINVAL",
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
    ],
  },
  {
    name: "overlay: mount(2) with an option string",
    run: sandbox(
      [
        ...layers,
        file("~/l2/f", "x"),
        {
          op: "mount",
          source: "overlay",
          target: "~/m",
          fstype: "overlay",
          attrs: ["nodev"],
          data: "lowerdir=~/l1:~/l2,upperdir=~/up,workdir=~/work",
        },
      ],
      ["mounts", "+", "cat", "~/m/f"],
    ),
    expect: [
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/m overlay fs2 / rw,nodev,relatime",
      "content ~/m/f x",
    ],
  },
  {
    name: "overlay: an option that it does not know is refused",
    run: sandbox(
      [
        ...layers,
        {
          op: "fsmount",
          fstype: "overlay",
          source: "overlay",
          options: [
            ["lowerdir", "~/l1:~/l2"],
            ["colour", "red"],
          ],
          attrs: [],
          as: "o",
        },
      ],
      ["mounts"],
    ),
    expect: [
      "fsmount overlay as <o> lowerdir=~/l1:~/l2 colour=red: EINVAL",
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
    ],
  },
  {
    name: "overlay: an overlay over an overlay",
    run: sandbox(
      [
        ...layers,
        file("~/l2/a", "deep"),
        ...overlay,
        ...dirs("~/up2", "~/work2", "~/m2"),
        {
          op: "fsmount",
          fstype: "overlay",
          source: "overlay",
          options: [
            ["lowerdir", "~/m"],
            ["upperdir", "~/up2"],
            ["workdir", "~/work2"],
          ],
          attrs: [],
          as: "o2",
        },
        attach("o2", "~/m2"),
      ],
      [
        "write",
        "~/m2/a",
        "new!",
        "+",
        "cat",
        "~/m2/a",
        "+",
        "cat",
        "~/m/a",
        "+",
        "ls",
        "~/up",
        "+",
        "ls",
        "~/up2",
      ],
    ),
    expect: ["written ~/m2/a", "content ~/m2/a new!", "content ~/m/a deep", "entry ~/up2 a"],
  },
  {
    name: "overlay: a file that is held open for reading keeps the lower content after copy-up",
    run: sandbox(
      [
        ...layers,
        file("~/l2/a", "old"),
        ...overlay,
        open("~/m/a", ["rdonly"], "r"),
        chmod("~/m/a", 0o600),
      ],
      ["stat", "~/up/a"],
    ),
    expect: ["stat ~/up/a 100600 0:0 0:0 3"],
  },
];
