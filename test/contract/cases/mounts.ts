/** New mounts and binds (mount(2), fsopen(2), open_tree(2)). */
import { type ContractCase, sandbox } from "../contract-case.ts";
import { attach, bind, dirs, file, link, rbind, tmpfs, umount } from "../op-words.ts";

export const mountCases: readonly ContractCase[] = [
  {
    name: "a tmpfs on a directory",
    run: sandbox([...dirs("~/a"), tmpfs("~/a"), file("~/a/f", "in")], ["mounts", "+", "ls", "~/a"]),
    expect: [
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a tmpfs fs2 / rw,relatime",
      "entry ~/a f",
    ],
  },
  {
    name: "a tmpfs over a file is refused",
    run: sandbox([file("~/f"), tmpfs("~/f")], ["mounts"]),
    expect: ["mount tmpfs from none on ~/f: ENOTDIR", "mount 1 on - ~ tmpfs fs1 / rw,relatime"],
  },
  {
    name: "a tmpfs on nothing is refused",
    run: sandbox([tmpfs("~/a")], ["mounts"]),
    expect: ["mount tmpfs from none on ~/a: ENOENT", "mount 1 on - ~ tmpfs fs1 / rw,relatime"],
  },
  {
    name: "a tmpfs on a symlink follows it",
    run: sandbox([...dirs("~/a"), link("~/l", "a"), tmpfs("~/l")], ["mounts"]),
    expect: ["mount 1 on - ~ tmpfs fs1 / rw,relatime", "mount 2 on 1 ~/a tmpfs fs2 / rw,relatime"],
  },
  {
    name: "a tmpfs on a dangling symlink is refused",
    run: sandbox([link("~/l", "nowhere"), tmpfs("~/l")], ["mounts"]),
    expect: ["mount tmpfs from none on ~/l: ENOENT", "mount 1 on - ~ tmpfs fs1 / rw,relatime"],
  },
  {
    name: "two mounts on one directory: the second hides the first",
    run: sandbox(
      [...dirs("~/a"), tmpfs("~/a"), file("~/a/one"), tmpfs("~/a"), file("~/a/two")],
      ["mounts", "+", "ls", "~/a"],
    ),
    expect: [
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a tmpfs fs2 / rw,relatime",
      "mount 3 on 2 ~/a tmpfs fs3 / rw,relatime",
      "entry ~/a two",
    ],
  },
  {
    name: "umount takes the topmost away first",
    run: sandbox(
      [...dirs("~/a"), tmpfs("~/a"), file("~/a/one"), tmpfs("~/a"), umount("~/a")],
      ["mounts", "+", "ls", "~/a"],
    ),
    expect: [
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a tmpfs fs2 / rw,relatime",
      "entry ~/a one",
    ],
  },
  {
    name: "an unknown file system is ENODEV",
    run: sandbox(
      [
        ...dirs("~/a"),
        { op: "mount", source: "none", target: "~/a", fstype: "nosuchfs", attrs: [], data: "" },
      ],
      ["mounts"],
    ),
    expect: ["mount nosuchfs from none on ~/a: ENODEV", "mount 1 on - ~ tmpfs fs1 / rw,relatime"],
  },
  {
    name: "a file system that is unknown to fsopen is ENODEV",
    run: sandbox(
      [
        ...dirs("~/a"),
        { op: "fsmount", fstype: "nosuchfs", source: "", options: [], attrs: [], as: "x" },
        attach("x", "~/a"),
      ],
      ["mounts"],
    ),
    expect: [
      "fsmount nosuchfs as <x>: ENODEV",
      "moveMount <x> on ~/a: EBADF",
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
    ],
  },
  {
    name: "tmpfs with an option that it does not know",
    run: sandbox([...dirs("~/a"), tmpfs("~/a", [], "nosuchoption=1")], ["mounts"]),
    expect: [
      "mount tmpfs from none on ~/a data nosuchoption=1: EINVAL",
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
    ],
  },
  {
    name: "tmpfs with a mode that is no number",
    run: sandbox([...dirs("~/a"), tmpfs("~/a", [], "mode=rwx")], ["mounts"]),
    expect: [
      "mount tmpfs from none on ~/a data mode=rwx: EINVAL",
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
    ],
  },
  {
    name: "tmpfs with mode, uid and gid",
    run: sandbox([...dirs("~/a"), tmpfs("~/a", [], "mode=1751,uid=7,gid=8")], ["stat", "~/a"]),
    expect: ["stat ~/a 41751 7:8 0:0 -"],
  },
  {
    name: "fsmount of a tmpfs with options",
    run: sandbox(
      [
        ...dirs("~/a"),
        {
          op: "fsmount",
          fstype: "tmpfs",
          source: "here",
          options: [
            ["mode", "711"],
            ["size", "1m"],
          ],
          attrs: ["nosuid", "nodev"],
          as: "x",
        },
        attach("x", "~/a"),
      ],
      ["mounts", "+", "stat", "~/a"],
    ),
    expect: [
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a tmpfs fs2 / rw,nosuid,nodev,relatime",
      "stat ~/a 40711 0:0 0:0 -",
    ],
  },
  {
    name: "fsmount with an option that tmpfs does not know",
    run: sandbox(
      [
        {
          op: "fsmount",
          fstype: "tmpfs",
          source: "",
          options: [["colour", "red"]],
          attrs: [],
          as: "x",
        },
      ],
      ["mounts"],
    ),
    expect: ["fsmount tmpfs as <x> colour=red: EINVAL", "mount 1 on - ~ tmpfs fs1 / rw,relatime"],
  },
  {
    name: "a bind of a directory shows its files",
    run: sandbox(
      [...dirs("~/a", "~/b"), file("~/a/f", "text"), bind("~/a", "~/b")],
      ["mounts", "+", "cat", "~/b/f"],
    ),
    expect: [
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/b tmpfs fs1 /a rw,relatime",
      "content ~/b/f text",
    ],
  },
  {
    name: "a bind of a file on a file",
    run: sandbox(
      [file("~/f", "one"), file("~/g", "two"), bind("~/f", "~/g")],
      ["mounts", "+", "cat", "~/g"],
    ),
    expect: [
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/g tmpfs fs1 /f rw,relatime",
      "content ~/g one",
    ],
  },
  {
    name: "a bind of a file on a directory is refused",
    run: sandbox([file("~/f"), ...dirs("~/a"), bind("~/f", "~/a")], ["mounts"]),
    expect: ["mount bind from ~/f on ~/a: ENOTDIR", "mount 1 on - ~ tmpfs fs1 / rw,relatime"],
  },
  {
    name: "a bind of a directory on a file is refused",
    run: sandbox([file("~/f"), ...dirs("~/a"), bind("~/a", "~/f")], ["mounts"]),
    expect: ["mount bind from ~/a on ~/f: ENOTDIR", "mount 1 on - ~ tmpfs fs1 / rw,relatime"],
  },
  {
    name: "a bind of nothing is refused",
    run: sandbox([...dirs("~/a"), bind("~/none", "~/a")], ["mounts"]),
    expect: ["mount bind from ~/none on ~/a: ENOENT", "mount 1 on - ~ tmpfs fs1 / rw,relatime"],
  },
  {
    name: "a bind onto itself makes a mount point",
    run: sandbox([...dirs("~/a"), bind("~/a", "~/a")], ["mounts"]),
    expect: ["mount 1 on - ~ tmpfs fs1 / rw,relatime", "mount 2 on 1 ~/a tmpfs fs1 /a rw,relatime"],
  },
  {
    name: "a bind of a subdirectory has it as root",
    run: sandbox(
      [...dirs("~/a", "~/a/deep", "~/a/deep/er", "~/b"), bind("~/a/deep/er", "~/b")],
      ["mounts"],
    ),
    expect: [
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/b tmpfs fs1 /a/deep/er rw,relatime",
    ],
  },
  {
    name: "writes through a bind are seen at the source",
    run: sandbox(
      [...dirs("~/a", "~/b"), bind("~/a", "~/b"), file("~/b/f", "through")],
      ["cat", "~/a/f"],
    ),
    expect: ["content ~/a/f through"],
  },
  {
    name: "a bind leaves mounts below out",
    run: sandbox(
      [...dirs("~/a", "~/a/sub", "~/b"), tmpfs("~/a/sub"), file("~/a/sub/f"), bind("~/a", "~/b")],
      ["mounts", "+", "ls", "~/b/sub"],
    ),
    expect: [
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a/sub tmpfs fs2 / rw,relatime",
      "mount 3 on 1 ~/b tmpfs fs1 /a rw,relatime",
    ],
  },
  {
    name: "a recursive bind takes mounts below along",
    run: sandbox(
      [...dirs("~/a", "~/a/sub", "~/b"), tmpfs("~/a/sub"), file("~/a/sub/f"), rbind("~/a", "~/b")],
      ["mounts", "+", "ls", "~/b/sub"],
    ),
    expect: [
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a/sub tmpfs fs2 / rw,relatime",
      "mount 3 on 1 ~/b tmpfs fs1 /a rw,relatime",
      "mount 4 on 3 ~/b/sub tmpfs fs2 / rw,relatime",
      "entry ~/b/sub f",
    ],
  },
  {
    name: "a recursive bind into its own source does not repeat itself",
    run: sandbox(
      [...dirs("~/a", "~/a/in"), rbind("~/a", "~/a/in")],
      ["mounts", "+", "ls", "~/a/in/in"],
    ),
    expect: [
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a/in tmpfs fs1 /a rw,relatime",
    ],
  },
  {
    name: "flags given to mount are those of the mount",
    run: sandbox([...dirs("~/a"), tmpfs("~/a", ["nosuid", "nodev", "noexec"])], ["mounts"]),
    expect: [
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a tmpfs fs2 / rw,nosuid,nodev,noexec,relatime",
    ],
  },
  {
    name: "mount with noatime",
    run: sandbox([...dirs("~/a"), tmpfs("~/a", ["noatime"])], ["mounts"]),
    expect: ["mount 1 on - ~ tmpfs fs1 / rw,relatime", "mount 2 on 1 ~/a tmpfs fs2 / rw,noatime"],
  },
  {
    name: "mount with strictatime",
    run: sandbox([...dirs("~/a"), tmpfs("~/a", ["strictatime"])], ["mounts"]),
    expect: ["mount 1 on - ~ tmpfs fs1 / rw,relatime", "mount 2 on 1 ~/a tmpfs fs2 / rw"],
  },
  {
    name: "mount with nodiratime and nosymfollow",
    run: sandbox([...dirs("~/a"), tmpfs("~/a", ["nodiratime", "nosymfollow"])], ["mounts"]),
    expect: [
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a tmpfs fs2 / rw,nodiratime,relatime,nosymfollow",
    ],
  },
  {
    name: "a read-only tmpfs refuses a file",
    run: sandbox(
      [...dirs("~/a"), tmpfs("~/a", ["rdonly"]), file("~/a/f")],
      ["mounts", "+", "write", "~/a/g", "x"],
    ),
    expect: [
      "writeFile ~/a/f 0 bytes create 0644: EROFS",
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a tmpfs fs2 / ro,relatime fs-ro",
      "error write ~/a/g 30",
    ],
  },
  {
    name: "bind flags of mount(2) do not apply to the bind itself",
    run: sandbox(
      [
        ...dirs("~/a", "~/b"),
        {
          op: "mount",
          source: "~/a",
          target: "~/b",
          fstype: "bind",
          attrs: ["rdonly", "nosuid"],
          data: "",
        },
        file("~/b/f"),
      ],
      ["mounts"],
    ),
    expect: ["mount 1 on - ~ tmpfs fs1 / rw,relatime", "mount 2 on 1 ~/b tmpfs fs1 /a rw,relatime"],
  },
  {
    name: "proc needs no source",
    run: sandbox(
      [
        ...dirs("~/p"),
        {
          op: "mount",
          source: "proc",
          target: "~/p",
          fstype: "proc",
          attrs: ["nosuid", "nodev", "noexec"],
          data: "",
        },
      ],
      ["mounts"],
    ),
    expect: [
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/p proc fs2 / rw,nosuid,nodev,noexec,relatime",
    ],
  },
  {
    name: "a tmpfs with a size refuses what does not fit",
    run: sandbox(
      [
        ...dirs("~/a"),
        tmpfs("~/a", [], "size=4k"),
        file("~/a/f", "x".repeat(4096)),
        file("~/a/g", "y"),
      ],
      ["ls", "~/a"],
    ),
    expect: ["writeFile ~/a/g 1 bytes create 0644: ENOSPC", "entry ~/a f"],
  },
  {
    name: "a tmpfs with two inodes takes one file",
    run: sandbox(
      [...dirs("~/a"), tmpfs("~/a", [], "nr_inodes=2"), file("~/a/f"), file("~/a/g")],
      ["ls", "~/a"],
    ),
    expect: ["writeFile ~/a/g 0 bytes create 0644: ENOSPC", "entry ~/a f"],
  },
];
