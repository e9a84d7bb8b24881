/** pivot_root(2): its preconditions, and what a container sees afterwards; masked and read-only paths. */
import type { Op } from "../../../apps/runtime/src/kernel/index.ts";
import { container } from "../container-case.ts";
import { type ContractCase, sandbox } from "../contract-case.ts";
import {
  attach,
  bind,
  clone,
  dirs,
  file,
  link,
  mkdir,
  open,
  propagate,
  setattr,
  setuid,
  tmpfs,
  umount,
} from "../op-words.ts";

export const pivotCases: readonly ContractCase[] = [
  {
    name: "a container's mount table: root, proc, sys, dev",
    run: container({ probe: ["mounts"] }),
    expect: [
      "mount 1 on - / tmpfs fs1 /root rw,relatime",
      "mount 2 on 1 /dev tmpfs fs2 / rw,nosuid,relatime",
      "mount 3 on 1 /proc proc fs3 / rw,nosuid,nodev,noexec,relatime",
      "mount 4 on 1 /sys sysfs fs4 / ro,nosuid,nodev,noexec,relatime",
    ],
  },
  {
    name: "a container's mount table without the usual mounts",
    run: container({ bare: true, probe: ["mounts"] }),
    expect: [
      "mount 1 on - / tmpfs fs1 /root rw,relatime",
      "mount 2 on 1 /proc proc fs2 / rw,nosuid,nodev,noexec,relatime",
    ],
  },
  {
    name: "after pivot_root nothing of the host can be seen",
    run: container({ probe: ["ls", "/", "+", "cwd", "+", "stat", "/.."] }),
    expect: [
      "entry / bin",
      "entry / dev",
      "entry / etc",
      "entry / lib",
      "entry / lib64",
      "entry / mnt",
      "entry / plain",
      "entry / proc",
      "entry / sys",
      "entry / tmp",
      "entry / work",
      "cwd /",
      "stat /.. 40755 0:0 0:0 -",
    ],
  },
  {
    name: "pivot_root with a new tmpfs as root",
    run: container({
      bare: true,
      mounts: [
        {
          op: "fsmount",
          fstype: "tmpfs",
          source: "tmpfs",
          options: [["mode", "755"]],
          attrs: [],
          as: "new",
        },
        attach("new", "~/root/mnt"),
        mkdir("bin", 0o755, { at: "new" }),
        { op: "openTree", path: "~/root/bin", clone: true, recursive: true, as: "b" },
        attach("b", "bin", { at: "new" }),
        { op: "openTree", path: "~/root/mnt", clone: false, recursive: false, as: "rootfs" },
      ],
      probe: ["mounts", "+", "ls", "/"],
    }),
    expect: ["error mounts - 2", "entry / bin"],
  },
  {
    name: "pivot_root to a directory that is no mount is EINVAL",
    run: sandbox(
      [
        ...dirs("~/r"),
        open("~/r", ["path", "directory"], "r"),
        { op: "pivotRoot", root: "r" },
        { op: "chdir", path: "/" },
      ],
      ["cwd"],
    ),
    expect: ["pivotRoot <r>: EINVAL", "cwd /"],
  },
  {
    name: "pivot_root to a file is ENOTDIR",
    run: sandbox(
      [
        file("~/f"),
        open("~/f", ["path"], "f"),
        { op: "pivotRoot", root: "f" },
        { op: "chdir", path: "/" },
      ],
      ["cwd"],
    ),
    expect: ["pivotRoot <f>: ENOTDIR", "cwd /"],
  },
  {
    name: "pivot_root to the root itself is EBUSY",
    run: sandbox(
      [
        open("/", ["path", "directory"], "r"),
        { op: "pivotRoot", root: "r" },
        { op: "chdir", path: "/" },
      ],
      ["cwd"],
    ),
    expect: ["pivotRoot <r>: EBUSY", "cwd /"],
  },
  {
    name: "pivot_root to a shared mount is EINVAL",
    run: sandbox(
      [
        ...dirs("~/r"),
        bind("~/r", "~/r"),
        propagate("~/r", "shared"),
        open("~/r", ["path", "directory"], "r"),
        { op: "pivotRoot", root: "r" },
        { op: "chdir", path: "/" },
      ],
      ["mounts"],
    ),
    expect: [
      "pivotRoot <r>: EINVAL",
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/r tmpfs fs1 /r rw,relatime shared:1",
    ],
  },
  {
    name: "pivot_root below a shared mount is EINVAL",
    run: sandbox(
      [
        ...dirs("~/p"),
        tmpfs("~/p"),
        ...dirs("~/p/r"),
        bind("~/p/r", "~/p/r"),
        propagate("~/p", "shared"),
        open("~/p/r", ["path", "directory"], "r"),
        { op: "pivotRoot", root: "r" },
        { op: "chdir", path: "/" },
      ],
      ["mounts"],
    ),
    expect: [
      "pivotRoot <r>: EINVAL",
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/p tmpfs fs2 / rw,relatime shared:1",
      "mount 3 on 2 ~/p/r tmpfs fs2 /r rw,relatime",
    ],
  },
  {
    name: "pivot_root while the root itself is shared is allowed",
    run: container({ bare: true, mounts: [propagate("/", "shared")], probe: ["mounts"] }),
    expect: [
      "mount 1 on - / tmpfs fs1 /root rw,relatime",
      "mount 2 on 1 /proc proc fs2 / rw,nosuid,nodev,noexec,relatime",
    ],
  },
  {
    name: "pivot_root to a detached mount is EINVAL",
    run: sandbox(
      [
        ...dirs("~/r"),
        clone("~/r", "c"),
        { op: "pivotRoot", root: "c" },
        { op: "chdir", path: "/" },
      ],
      ["mounts"],
    ),
    expect: ["pivotRoot <c>: EINVAL", "mount 1 on - ~ tmpfs fs1 / rw,relatime"],
  },
  {
    name: "pivot_root to a mount that was unmounted is refused",
    run: sandbox(
      [
        ...dirs("~/r"),
        bind("~/r", "~/r"),
        open("~/r", ["path", "directory"], "r"),
        umount("~/r", true),
        { op: "pivotRoot", root: "r" },
        { op: "chdir", path: "/" },
      ],
      ["mounts"],
    ),
    expect: ["pivotRoot <r>: ENOENT", "mount 1 on - ~ tmpfs fs1 / rw,relatime"],
  },
  {
    name: "pivot_root without CAP_SYS_ADMIN is EPERM",
    run: sandbox(
      [
        ...dirs("~/r"),
        bind("~/r", "~/r"),
        open("~/r", ["path", "directory"], "r"),
        setuid(1000),
        { op: "pivotRoot", root: "r" },
        { op: "chdir", path: "/" },
      ],
      ["mounts"],
    ),
    expect: [
      "pivotRoot <r>: EPERM",
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/r tmpfs fs1 /r rw,relatime",
    ],
  },
  {
    name: "pivot_root to a slave mount is allowed",
    run: container({ bare: true, mounts: [propagate("~/root", "slave")], probe: ["mounts"] }),
    expect: [
      "mount 1 on - / tmpfs fs1 /root rw,relatime",
      "mount 2 on 1 /proc proc fs2 / rw,nosuid,nodev,noexec,relatime",
    ],
  },
  {
    name: "pivot_root twice",
    run: container({
      bare: true,
      inside: [
        mkdir("/work/bin"),
        { op: "openTree", path: "/bin", clone: true, recursive: true, as: "b" },
        attach("b", "/work/bin"),
        { op: "openTree", path: "/work", clone: true, recursive: true, as: "w" },
        attach("w", "/work"),
        { op: "pivotRoot", root: "w" },
      ],
      probe: ["ls", "/", "+", "mounts"],
    }),
    expect: ["entry / bin", "error mounts - 2"],
  },
  {
    name: "mounts made before pivot_root move along with the root",
    run: container({
      bare: true,
      mounts: [
        tmpfs("~/root/mnt"),
        file("~/root/mnt/f", "x"),
        { op: "openTree", path: "~/root", clone: false, recursive: false, as: "rootfs" },
      ],
      probe: ["mounts", "+", "cat", "/mnt/f"],
    }),
    expect: [
      "mount 1 on - / tmpfs fs1 /root rw,relatime",
      "mount 2 on 1 /mnt tmpfs fs2 / rw,relatime",
      "mount 3 on 1 /proc proc fs3 / rw,nosuid,nodev,noexec,relatime",
      "content /mnt/f x",
    ],
  },
  {
    name: "mounts made after pivot_root",
    run: container({
      bare: true,
      inside: [tmpfs("/mnt", ["nosuid"]), file("/mnt/f", "x")],
      probe: ["mounts", "+", "cat", "/mnt/f"],
    }),
    expect: [
      "mount 1 on - / tmpfs fs1 /root rw,relatime",
      "mount 2 on 1 /mnt tmpfs fs2 / rw,nosuid,relatime",
      "mount 3 on 1 /proc proc fs3 / rw,nosuid,nodev,noexec,relatime",
      "content /mnt/f x",
    ],
  },
  {
    name: "a read-only root",
    run: container({
      bare: true,
      mounts: [setattr("rootfs", ["rdonly"])],
      probe: ["mounts", "+", "write", "/f", "x", "+", "write", "/tmp/f", "x"],
    }),
    expect: [
      "mount 1 on - / tmpfs fs1 /root ro,relatime",
      "mount 2 on 1 /proc proc fs2 / rw,nosuid,nodev,noexec,relatime",
      "error write /f 30",
      "error write /tmp/f 30",
    ],
  },
  {
    name: "only a procfs may be mounted on /proc of a root",
    run: container({
      bare: true,
      mounts: [
        { op: "fsmount", fstype: "tmpfs", source: "t", options: [], attrs: [], as: "t" },
        attach("t", "/proc", { at: "rootfs" }),
      ],
      probe: ["mounts"],
    }),
    expect: [
      "moveMount <t> on <rootfs>/proc: EPERM",
      "mount 1 on - / tmpfs fs1 /root rw,relatime",
      "mount 2 on 1 /proc proc fs2 / rw,nosuid,nodev,noexec,relatime",
    ],
  },
  {
    name: "nothing may be mounted inside /proc of a root",
    run: container({
      mounts: [
        { op: "fsmount", fstype: "tmpfs", source: "t", options: [], attrs: [], as: "t" },
        attach("t", "/proc/sys", { at: "rootfs" }),
      ],
      probe: ["mounts"],
    }),
    expect: [
      "moveMount <t> on <rootfs>/proc/sys: EPERM",
      "mount 1 on - / tmpfs fs1 /root rw,relatime",
      "mount 2 on 1 /dev tmpfs fs2 / rw,nosuid,relatime",
      "mount 3 on 1 /proc proc fs3 / rw,nosuid,nodev,noexec,relatime",
      "mount 4 on 1 /sys sysfs fs4 / ro,nosuid,nodev,noexec,relatime",
    ],
  },
  {
    name: "a file may be mounted on /proc/meminfo",
    run: container({
      mounts: [
        file("~/root/etc/meminfo", "MemTotal: 1 kB"),
        clone("~/root/etc/meminfo", "m"),
        attach("m", "/proc/meminfo", { at: "rootfs" }),
      ],
      probe: ["cat", "/proc/meminfo"],
    }),
    expect: ["content /proc/meminfo MemTotal: 1 kB"],
  },
  {
    name: "a symlink at the root leads nowhere else",
    run: container({
      bare: true,
      mounts: [
        link("~/root/evil", "/tmp"),
        { op: "fsmount", fstype: "tmpfs", source: "t", options: [], attrs: [], as: "t" },
        attach("t", "/evil/x", { at: "rootfs" }),
        { op: "moveMount", fd: "t", at: "rootfs", path: "/evil/x", create: "directory" },
      ],
      probe: ["mounts"],
    }),
    expect: [
      "moveMount <t> on <rootfs>/evil/x: ENOENT",
      "mount 1 on - / tmpfs fs1 /root rw,relatime",
      "mount 2 on 1 /proc proc fs2 / rw,nosuid,nodev,noexec,relatime",
      "mount 3 on 1 /tmp/x tmpfs fs3 / rw,relatime",
    ],
  },
  {
    name: "masked and read-only paths of a container",
    run: container({
      inside: ["/proc/meminfo", "/proc/keys", "/sys/firmware", "/proc/none"]
        .map((path): Op => ({ op: "maskPath", path }))
        .concat(
          ["/proc/sys", "/proc/bus", "/proc/none"].map(
            (path): Op => ({ op: "readonlyPath", path }),
          ),
        ),
      probe: [
        "cat",
        "/proc/meminfo",
        "+",
        "cat",
        "/proc/keys",
        "+",
        "ls",
        "/sys/firmware",
        "+",
        "write",
        "/proc/sys/kernel/hostname",
        "x",
      ],
    }),
    expect: [
      "content /proc/meminfo",
      "content /proc/keys",
      "error write /proc/sys/kernel/hostname 30",
    ],
  },
  {
    name: "a mask needs a /dev/null that is one",
    run: container({
      mounts: [{ op: "unlink", path: "null", at: "dev" }, link("null", "/dev/zero", { at: "dev" })],
      inside: [
        { op: "maskPath", path: "/proc/keys" },
        { op: "maskPath", path: "/sys/firmware" },
      ],
      probe: ["ls", "/sys/firmware"],
    }),
    expect: ["stopped maskPath /proc/keys: ENODEV"],
  },
  {
    name: "a mask takes no ordinary file for /dev/null",
    run: container({
      bare: true,
      mounts: [file("~/root/dev/null", "bad"), file("~/root/secret", "s")],
      inside: [{ op: "maskPath", path: "/secret" }],
      probe: ["cat", "/secret"],
    }),
    expect: ["stopped maskPath /secret: ENODEV"],
  },
];
