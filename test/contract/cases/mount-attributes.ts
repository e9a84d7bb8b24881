/** Attributes of mounts: read-only, nosuid, nodev, noexec, access times (mount_setattr(2)); masked and read-only paths. */
import { type ContractCase, sandbox } from "../contract-case.ts";
import {
  attach,
  bind,
  chmod,
  chown,
  clone,
  dirs,
  file,
  link,
  mkdir,
  open,
  rbind,
  setattr,
  tmpfs,
  tree,
} from "../op-words.ts";

export const attributeCases: readonly ContractCase[] = [
  {
    name: "mount_setattr makes a bind read-only and leaves the source writable",
    run: sandbox(
      [
        ...dirs("~/a", "~/b"),
        bind("~/a", "~/b"),
        tree("~/b", "b"),
        setattr("b", ["rdonly"]),
        file("~/a/f"),
        file("~/b/g"),
      ],
      ["mounts", "+", "write", "~/b/h", "x"],
    ),
    expect: [
      "writeFile ~/b/g 0 bytes create 0644: EROFS",
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/b tmpfs fs1 /a ro,relatime",
      "error write ~/b/h 30",
    ],
  },
  {
    name: "a detached clone is read-only before it is attached",
    run: sandbox(
      [
        ...dirs("~/a", "~/b"),
        clone("~/a", "c"),
        setattr("c", ["rdonly"]),
        attach("c", "~/b"),
        file("~/b/f"),
      ],
      ["mounts"],
    ),
    expect: [
      "writeFile ~/b/f 0 bytes create 0644: EROFS",
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/b tmpfs fs1 /a ro,relatime",
    ],
  },
  {
    name: "read-only and back again",
    run: sandbox(
      [
        ...dirs("~/a"),
        tmpfs("~/a"),
        tree("~/a", "a"),
        setattr("a", ["rdonly"]),
        file("~/a/f"),
        setattr("a", [], { clear: ["rdonly"] }),
        file("~/a/g"),
      ],
      ["mounts", "+", "ls", "~/a"],
    ),
    expect: [
      "writeFile ~/a/f 0 bytes create 0644: EROFS",
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a tmpfs fs2 / rw,relatime",
      "entry ~/a g",
    ],
  },
  {
    name: "read-only is not recursive by itself",
    run: sandbox(
      [
        ...dirs("~/a", "~/a/sub", "~/b"),
        tmpfs("~/a/sub"),
        rbind("~/a", "~/b"),
        tree("~/b", "b"),
        setattr("b", ["rdonly"]),
        file("~/b/f"),
        file("~/b/sub/f"),
      ],
      ["mounts"],
    ),
    expect: [
      "writeFile ~/b/f 0 bytes create 0644: EROFS",
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a/sub tmpfs fs2 / rw,relatime",
      "mount 3 on 1 ~/b tmpfs fs1 /a ro,relatime",
      "mount 4 on 3 ~/b/sub tmpfs fs2 / rw,relatime",
    ],
  },
  {
    name: "recursive read-only reaches every mount below",
    run: sandbox(
      [
        ...dirs("~/a", "~/a/sub", "~/b"),
        tmpfs("~/a/sub"),
        rbind("~/a", "~/b"),
        tree("~/b", "b"),
        setattr("b", ["rdonly"], { recursive: true }),
        file("~/b/f"),
        file("~/b/sub/f"),
        file("~/a/sub/g"),
      ],
      ["mounts"],
    ),
    expect: [
      "writeFile ~/b/f 0 bytes create 0644: EROFS",
      "writeFile ~/b/sub/f 0 bytes create 0644: EROFS",
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a/sub tmpfs fs2 / rw,relatime",
      "mount 3 on 1 ~/b tmpfs fs1 /a ro,relatime",
      "mount 4 on 3 ~/b/sub tmpfs fs2 / ro,relatime",
    ],
  },
  {
    name: "recursive flags on a detached tree",
    run: sandbox(
      [
        ...dirs("~/a", "~/a/sub", "~/b"),
        tmpfs("~/a/sub"),
        clone("~/a", "c", true),
        setattr("c", ["nosuid", "noexec", "nodev"], { recursive: true }),
        attach("c", "~/b"),
      ],
      ["mounts"],
    ),
    expect: [
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a/sub tmpfs fs2 / rw,relatime",
      "mount 3 on 1 ~/b tmpfs fs1 /a rw,nosuid,nodev,noexec,relatime",
      "mount 4 on 3 ~/b/sub tmpfs fs2 / rw,nosuid,nodev,noexec,relatime",
    ],
  },
  {
    name: "set and clear of the same flag in one call: the flag is set",
    run: sandbox(
      [
        ...dirs("~/a"),
        tmpfs("~/a"),
        tree("~/a", "a"),
        setattr("a", ["nosuid"], { clear: ["nosuid"] }),
      ],
      ["mounts"],
    ),
    expect: [
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a tmpfs fs2 / rw,nosuid,relatime",
    ],
  },
  {
    name: "noatime replaces relatime",
    run: sandbox(
      [...dirs("~/a"), tmpfs("~/a"), tree("~/a", "a"), setattr("a", ["noatime"])],
      ["mounts"],
    ),
    expect: ["mount 1 on - ~ tmpfs fs1 / rw,relatime", "mount 2 on 1 ~/a tmpfs fs2 / rw,noatime"],
  },
  {
    name: "strictatime replaces noatime",
    run: sandbox(
      [...dirs("~/a"), tmpfs("~/a", ["noatime"]), tree("~/a", "a"), setattr("a", ["strictatime"])],
      ["mounts"],
    ),
    expect: ["mount 1 on - ~ tmpfs fs1 / rw,relatime", "mount 2 on 1 ~/a tmpfs fs2 / rw"],
  },
  {
    name: "relatime comes back",
    run: sandbox(
      [...dirs("~/a"), tmpfs("~/a", ["noatime"]), tree("~/a", "a"), setattr("a", ["relatime"])],
      ["mounts"],
    ),
    expect: ["mount 1 on - ~ tmpfs fs1 / rw,relatime", "mount 2 on 1 ~/a tmpfs fs2 / rw,relatime"],
  },
  {
    name: "noatime and strictatime at once are refused",
    run: sandbox(
      [...dirs("~/a"), tmpfs("~/a"), tree("~/a", "a"), setattr("a", ["noatime", "strictatime"])],
      ["mounts"],
    ),
    expect: [
      "mountSetattr <a> set noatime,strictatime: EINVAL",
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a tmpfs fs2 / rw,relatime",
    ],
  },
  {
    name: "mount_setattr of a directory that is no mount point is refused",
    run: sandbox([...dirs("~/a"), tree("~/a", "a"), setattr("a", ["rdonly"])], ["mounts"]),
    expect: ["mountSetattr <a> set rdonly: EINVAL", "mount 1 on - ~ tmpfs fs1 / rw,relatime"],
  },
  {
    name: "mount_setattr of a file that is no mount is refused",
    run: sandbox([file("~/f"), tree("~/f", "f"), setattr("f", ["rdonly"])], ["mounts"]),
    expect: ["mountSetattr <f> set rdonly: EINVAL", "mount 1 on - ~ tmpfs fs1 / rw,relatime"],
  },
  {
    name: "an open writable file keeps a mount from becoming read-only",
    run: sandbox(
      [
        ...dirs("~/a"),
        tmpfs("~/a"),
        file("~/a/f"),
        open("~/a/f", ["wronly"], "w"),
        tree("~/a", "a"),
        setattr("a", ["rdonly"]),
        { op: "close", fd: "w" },
        setattr("a", ["rdonly"]),
      ],
      ["mounts"],
    ),
    expect: [
      "mountSetattr <a> set rdonly: EBUSY",
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a tmpfs fs2 / ro,relatime",
    ],
  },
  {
    name: "an open file keeps a recursive change from all of the tree",
    run: sandbox(
      [
        ...dirs("~/a"),
        tmpfs("~/a"),
        ...dirs("~/a/sub"),
        tmpfs("~/a/sub"),
        file("~/a/sub/f"),
        open("~/a/sub/f", ["wronly"], "w"),
        tree("~/a", "a"),
        setattr("a", ["rdonly", "nosuid"], { recursive: true }),
      ],
      ["mounts"],
    ),
    expect: [
      "mountSetattr <a> set rdonly,nosuid recursive: EBUSY",
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a tmpfs fs2 / rw,relatime",
      "mount 3 on 2 ~/a/sub tmpfs fs3 / rw,relatime",
    ],
  },
  {
    name: "noexec keeps a program from being run",
    run: sandbox(
      [
        ...dirs("~/bin"),
        { op: "open", path: "/", flags: ["path", "directory"], as: "host" },
        clone("~/bin", "b"),
        tmpfs("~/bin", ["noexec"]),
        file("~/bin/script", "#!/bin/sh\n", 0o755),
        { op: "execve", path: "~/bin/script", argv: ["script"], env: [] },
      ],
      [],
    ),
    expect: ["stopped execve ~/bin/script argv [script] env none: EACCES"],
  },
  {
    name: "nodev keeps a device from being opened",
    run: sandbox(
      [
        ...dirs("~/a"),
        tmpfs("~/a"),
        { op: "mknod", path: "~/a/null", type: "char", major: 1, minor: 3, mode: 0o666 },
        open("~/a/null", ["rdwr"]),
        tree("~/a", "a"),
        setattr("a", ["nodev"]),
        open("~/a/null", ["rdwr"]),
      ],
      ["mounts"],
    ),
    expect: [
      "open ~/a/null rdwr as <file>: EACCES",
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a tmpfs fs2 / rw,nodev,relatime",
    ],
  },
  {
    name: "nosymfollow keeps symlinks from being followed",
    run: sandbox(
      [
        ...dirs("~/a"),
        tmpfs("~/a", ["nosymfollow"]),
        file("~/a/f"),
        link("~/a/l", "f"),
        open("~/a/l", ["rdonly"]),
        open("~/a/f", ["rdonly"]),
      ],
      ["readlink", "~/a/l"],
    ),
    expect: ["open ~/a/l rdonly as <file>: ELOOP", "link ~/a/l f"],
  },
  {
    name: "a read-only file system refuses mkdir, symlink, mknod, rename, unlink, chmod and chown",
    run: sandbox(
      [
        ...dirs("~/a"),
        tmpfs("~/a"),
        file("~/a/f"),
        ...dirs("~/a/d"),
        tree("~/a", "a"),
        setattr("a", ["rdonly"]),
        mkdir("~/a/new"),
        link("~/a/l", "f"),
        { op: "mknod", path: "~/a/p", type: "fifo", mode: 0o600 },
        { op: "rename", from: "~/a/f", to: "~/a/g" },
        { op: "unlink", path: "~/a/f" },
        { op: "rmdir", path: "~/a/d" },
        chmod("~/a/f", 0o600),
        chown("~/a/f", 1, 1),
        open("~/a/f", ["wronly"]),
        open("~/a/f", ["rdonly"]),
      ],
      ["mounts"],
    ),
    expect: [
      "mkdir ~/a/new 0755: EROFS",
      "symlink ~/a/l -> f: EROFS",
      "mknod ~/a/p fifo 0600: EROFS",
      "rename ~/a/f to ~/a/g: EROFS",
      "unlink ~/a/f: EROFS",
      "rmdir ~/a/d: EROFS",
      "chmod ~/a/f 0600: EROFS",
      "chown ~/a/f owner 1:1: EROFS",
      "open ~/a/f wronly as <file>: EROFS",
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a tmpfs fs2 / ro,relatime",
    ],
  },
  {
    name: "mkdir on a read-only mount of what is there says so",
    run: sandbox(
      [
        ...dirs("~/a"),
        tmpfs("~/a"),
        ...dirs("~/a/d"),
        tree("~/a", "a"),
        setattr("a", ["rdonly"]),
        mkdir("~/a/d"),
        mkdir("~/a/none/d"),
      ],
      ["mounts"],
    ),
    expect: [
      "mkdir ~/a/d 0755: EEXIST",
      "mkdir ~/a/none/d 0755: ENOENT",
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a tmpfs fs2 / ro,relatime",
    ],
  },
  {
    name: "removing what is not there on a read-only mount",
    run: sandbox(
      [
        ...dirs("~/a"),
        tmpfs("~/a"),
        tree("~/a", "a"),
        setattr("a", ["rdonly"]),
        { op: "unlink", path: "~/a/none" },
        { op: "rmdir", path: "~/a/none" },
      ],
      ["mounts"],
    ),
    expect: [
      "unlink ~/a/none: EROFS",
      "rmdir ~/a/none: EROFS",
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a tmpfs fs2 / ro,relatime",
    ],
  },
  {
    name: "attributes of a bind are its own",
    run: sandbox(
      [
        ...dirs("~/a", "~/b"),
        tmpfs("~/a", ["nosuid"]),
        bind("~/a", "~/b"),
        tree("~/b", "b"),
        setattr("b", ["nodev"], { clear: ["nosuid"] }),
      ],
      ["mounts"],
    ),
    expect: [
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a tmpfs fs2 / rw,nosuid,relatime",
      "mount 3 on 1 ~/b tmpfs fs2 / rw,nodev,relatime",
    ],
  },
  {
    name: "readonlyPath: a directory and what is below",
    run: sandbox(
      [
        { op: "readonlyPath", path: "~/none" },
        ...dirs("~/a", "~/a/sub"),
        tmpfs("~/a/sub"),
        { op: "readonlyPath", path: "~/a" },
        file("~/a/f"),
        file("~/a/sub/f"),
      ],
      ["mounts"],
    ),
    expect: [
      "writeFile ~/a/f 0 bytes create 0644: EROFS",
      "writeFile ~/a/sub/f 0 bytes create 0644: EROFS",
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a tmpfs fs1 /a ro,relatime",
      "mount 3 on 1 ~/a/sub tmpfs fs2 / rw,relatime",
      "mount 4 on 2 ~/a/sub tmpfs fs2 / ro,relatime",
    ],
  },
  {
    name: "readonlyPath: a file",
    run: sandbox(
      [
        file("~/f", "x"),
        { op: "readonlyPath", path: "~/f" },
        open("~/f", ["wronly"]),
        open("~/f", ["rdonly"]),
      ],
      ["mounts"],
    ),
    expect: [
      "open ~/f wronly as <file>: EROFS",
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/f tmpfs fs1 /f ro,relatime",
    ],
  },
  {
    name: "maskPath: a directory is empty and read-only",
    run: sandbox(
      [...dirs("~/a"), file("~/a/secret"), { op: "maskPath", path: "~/a" }, file("~/a/f")],
      ["mounts", "+", "ls", "~/a", "+", "stat", "~/a"],
    ),
    expect: [
      "writeFile ~/a/f 0 bytes create 0644: EROFS",
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a tmpfs fs2 / ro,nosuid,nodev,noexec,relatime",
      "stat ~/a 40555 0:0 0:0 -",
    ],
  },
  {
    name: "maskPath: two directories share one file system",
    run: sandbox(
      [...dirs("~/a", "~/b"), { op: "maskPath", path: "~/a" }, { op: "maskPath", path: "~/b" }],
      ["mounts"],
    ),
    expect: [
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a tmpfs fs2 / ro,nosuid,nodev,noexec,relatime",
      "mount 3 on 1 ~/b tmpfs fs2 / ro,nosuid,nodev,noexec,relatime",
    ],
  },
  {
    name: "maskPath: a file reads as empty",
    run: sandbox(
      [file("~/secret", "x"), { op: "maskPath", path: "~/secret" }],
      ["cat", "~/secret", "+", "stat", "~/secret"],
    ),
    expect: ["content ~/secret", "stat ~/secret 20666 0:0 1:3 0"],
  },
  {
    name: "maskPath: nothing there is no error",
    run: sandbox(
      [{ op: "maskPath", path: "~/none" }, file("~/f"), { op: "maskPath", path: "~/f/below" }],
      ["mounts"],
    ),
    expect: ["mount 1 on - ~ tmpfs fs1 / rw,relatime"],
  },
  {
    name: "maskPath follows a symlink",
    run: sandbox(
      [file("~/secret", "x"), link("~/l", "secret"), { op: "maskPath", path: "~/l" }],
      ["cat", "~/secret"],
    ),
    expect: ["content ~/secret"],
  },
];
