/** Path resolution: symlinks, dot-dot, magic links, roots (path_resolution(7), openat2(2)); renaming and removing. */
import type { Op } from "../../../apps/runtime/src/kernel/index.ts";
import { type ContractCase, sandbox } from "../contract-case.ts";
import {
  attach,
  bind,
  chmod,
  chown,
  dirs,
  file,
  link,
  mkdir,
  open,
  reach,
  tmpfs,
} from "../op-words.ts";

/** A tree with links that lead out of it, held by the slot "root". */
const jail: readonly Op[] = [
  ...dirs("~/jail", "~/jail/d", "~/jail/d/e", "~/outside"),
  file("~/jail/f", "inside"),
  file("~/outside/f", "outside"),
  file("~/f", "above"),
  link("~/jail/abs", "/f"),
  link("~/jail/up", "../f"),
  link("~/jail/d/up2", "../../outside/f"),
  link("~/jail/dir", "/d"),
  link("~/jail/loop", "loop"),
  link("~/jail/dangling", "/d/none"),
  open("~/jail", ["path", "directory"], "root"),
];

export const pathCases: readonly ContractCase[] = [
  {
    name: "in a root: an absolute path starts at the root",
    run: sandbox(
      [
        ...jail,
        open("/f", ["rdonly"], "x", { at: "root" }),
        file("/new", "n", 0o644, { at: "root" }),
      ],
      ["ls", "~/jail"],
    ),
    expect: [
      "entry ~/jail abs",
      "entry ~/jail d",
      "entry ~/jail dangling",
      "entry ~/jail dir",
      "entry ~/jail f",
      "entry ~/jail loop",
      "entry ~/jail new",
      "entry ~/jail up",
    ],
  },
  {
    name: "in a root: a relative path starts there too",
    run: sandbox([...jail, open("d/e", ["path"], "x", { at: "root" })], []),
    expect: [],
  },
  {
    name: "in a root: dot-dot stops at the root",
    run: sandbox(
      [
        ...jail,
        file("../../../../escaped", "n", 0o644, { at: "root" }),
        reach("../../outside", { at: "root" }),
      ],
      ["ls", "~/jail"],
    ),
    expect: [
      "open <root>/../../outside path as <reached>: ENOENT",
      "entry ~/jail abs",
      "entry ~/jail d",
      "entry ~/jail dangling",
      "entry ~/jail dir",
      "entry ~/jail escaped",
      "entry ~/jail f",
      "entry ~/jail loop",
      "entry ~/jail up",
    ],
  },
  {
    name: "in a root: an absolute symlink stays inside",
    run: sandbox(
      [
        ...jail,
        open("abs", ["rdonly"], "x", { at: "root" }),
        mkdir("dir/made", 0o755, { at: "root" }),
      ],
      ["ls", "~/jail/d"],
    ),
    expect: ["entry ~/jail/d e", "entry ~/jail/d made", "entry ~/jail/d up2"],
  },
  {
    name: "in a root: a symlink with dot-dot stays inside",
    run: sandbox(
      [
        ...jail,
        open("up", ["rdonly"], "x", { at: "root" }),
        open("d/up2", ["rdonly"], "x", { at: "root" }),
      ],
      [],
    ),
    expect: ["open <root>/d/up2 rdonly as <x>: ENOENT"],
  },
  {
    name: "in a root: a dangling symlink is ENOENT",
    run: sandbox([...jail, open("dangling", ["rdonly"], "x", { at: "root" })], []),
    expect: ["open <root>/dangling rdonly as <x>: ENOENT"],
  },
  {
    name: "in a root: creating through a dangling symlink makes its target",
    run: sandbox(
      [...jail, open("dangling", ["wronly", "creat"], "x", { at: "root" })],
      ["ls", "~/jail/d"],
    ),
    expect: ["entry ~/jail/d e", "entry ~/jail/d none", "entry ~/jail/d up2"],
  },
  {
    name: "in a root: excl does not create through a symlink",
    run: sandbox(
      [...jail, open("dangling", ["wronly", "creat", "excl"], "x", { at: "root" })],
      ["ls", "~/jail/d"],
    ),
    expect: [
      "open <root>/dangling wronly,creat,excl as <x>: EEXIST",
      "entry ~/jail/d e",
      "entry ~/jail/d up2",
    ],
  },
  {
    name: "in a root: a loop of symlinks is ELOOP",
    run: sandbox(
      [...jail, open("loop", ["rdonly"], "x", { at: "root" }), reach("loop/f", { at: "root" })],
      [],
    ),
    expect: [
      "open <root>/loop rdonly as <x>: ELOOP",
      "open <root>/loop/f path as <reached>: ELOOP",
    ],
  },
  {
    name: "in a root: magic links are refused",
    run: sandbox(
      [
        ...jail,
        { op: "mkdir", path: "~/jail/proc", mode: 0o755 },
        { op: "fsmount", fstype: "proc", source: "proc", options: [], attrs: [], as: "p" },
        attach("p", "~/jail/proc"),
        reach("proc/self/root/etc", { at: "root" }),
        reach("proc/self/cwd", { at: "root" }),
        reach("proc/self/fd/0", { at: "root" }),
        reach("proc/self/status", { at: "root" }),
      ],
      [],
    ),
    expect: [
      "open <root>/proc/self/root/etc path as <reached>: ELOOP",
      "open <root>/proc/self/cwd path as <reached>: ELOOP",
      "open <root>/proc/self/fd/0 path as <reached>: ELOOP",
    ],
  },
  {
    name: "in a root: mounts are entered",
    run: sandbox(
      [...jail, ...dirs("~/jail/m"), tmpfs("~/jail/m"), file("m/f", "x", 0o644, { at: "root" })],
      ["ls", "~/jail/m"],
    ),
    expect: ["entry ~/jail/m f"],
  },
  {
    name: "in a root: mkdir with parents follows symlinks inside",
    run: sandbox(
      [...jail, { op: "mkdir", path: "dir/x/y", mode: 0o700, parents: true, at: "root" }],
      ["stat", "~/jail/d/x", "+", "stat", "~/jail/d/x/y"],
    ),
    expect: ["stat ~/jail/d/x 40755 0:0 0:0 -", "stat ~/jail/d/x/y 40700 0:0 0:0 -"],
  },
  {
    name: "in a root: mkdir with parents through a dangling symlink",
    run: sandbox(
      [...jail, { op: "mkdir", path: "dangling/x", mode: 0o700, parents: true, at: "root" }],
      ["ls", "~/jail/d", "+", "ls", "~/jail/d/none"],
    ),
    expect: [
      "entry ~/jail/d e",
      "entry ~/jail/d none",
      "entry ~/jail/d up2",
      "entry ~/jail/d/none x",
    ],
  },
  {
    name: "in a root: mkdir with parents and dot-dot below what is missing",
    run: sandbox(
      [...jail, { op: "mkdir", path: "none/../x", mode: 0o700, parents: true, at: "root" }],
      ["ls", "~/jail"],
    ),
    expect: [
      "mkdir <root>/none/../x 0700 with parents: EINVAL",
      "entry ~/jail abs",
      "entry ~/jail d",
      "entry ~/jail dangling",
      "entry ~/jail dir",
      "entry ~/jail f",
      "entry ~/jail loop",
      "entry ~/jail none",
      "entry ~/jail up",
    ],
  },
  {
    name: "in a root: a name that ends in dot-dot is no name",
    run: sandbox(
      [
        ...jail,
        mkdir("d/..", 0o755, { at: "root" }),
        { op: "rmdir", path: "d/.", at: "root" },
        { op: "unlink", path: "/", at: "root" },
      ],
      [],
    ),
    expect: [
      "mkdir <root>/d/.. 0755: EINVAL",
      "rmdir <root>/d/.: EINVAL",
      "unlink <root>/: EINVAL",
    ],
  },
  {
    name: "in a root: unlink takes the symlink, not its target",
    run: sandbox([...jail, { op: "unlink", path: "abs", at: "root" }], ["ls", "~/jail"]),
    expect: [
      "entry ~/jail d",
      "entry ~/jail dangling",
      "entry ~/jail dir",
      "entry ~/jail f",
      "entry ~/jail loop",
      "entry ~/jail up",
    ],
  },
  {
    name: "in a root: rename replaces a symlink",
    run: sandbox(
      [...jail, { op: "rename", from: "f", to: "abs", at: "root" }],
      ["cat", "~/jail/abs", "+", "ls", "~/jail", "+", "cat", "~/f"],
    ),
    expect: [
      "content ~/jail/abs inside",
      "entry ~/jail abs",
      "entry ~/jail d",
      "entry ~/jail dangling",
      "entry ~/jail dir",
      "entry ~/jail loop",
      "entry ~/jail up",
      "content ~/f above",
    ],
  },
  {
    name: "in a root: writeFile replaces a symlink",
    run: sandbox(
      [...jail, file("abs", "mine", 0o644, { at: "root" })],
      ["cat", "~/jail/abs", "+", "cat", "~/f", "+", "cat", "~/jail/f"],
    ),
    expect: ["content ~/jail/abs mine", "content ~/f above", "content ~/jail/f inside"],
  },
  {
    name: "in a root: chmod of a symlink is refused",
    run: sandbox([...jail, { op: "chmod", path: "abs", mode: 0o600, at: "root" }], []),
    expect: ["chmod <root>/abs 0600: ELOOP"],
  },
  {
    name: "in a root: chown is of the symlink itself",
    run: sandbox(
      [...jail, { op: "chown", path: "abs", uid: 4, gid: 5, at: "root" }],
      ["stat", "~/jail/abs", "+", "stat", "~/jail/f"],
    ),
    expect: ["stat ~/jail/abs 120777 4:5 0:0 2", "stat ~/jail/f 100644 0:0 0:0 6"],
  },
  {
    name: "in a root: the slot itself by an empty path",
    run: sandbox(
      [
        ...jail,
        { op: "chmod", path: "", mode: 0o700, at: "root" },
        { op: "chown", path: "", uid: 2, gid: 3, at: "root" },
      ],
      ["stat", "~/jail"],
    ),
    expect: ["stat ~/jail 40700 2:3 0:0 -"],
  },
  {
    name: "a root that was moved away meanwhile still resolves",
    run: sandbox(
      [
        ...jail,
        { op: "rename", from: "~/jail", to: "~/outside/jail" },
        open("f", ["rdonly"], "x", { at: "root" }),
        reach("../f", { at: "root" }),
      ],
      [],
    ),
    expect: [],
  },
  {
    name: "a file is no directory on the way",
    run: sandbox(
      [
        ...jail,
        reach("~/f/x"),
        reach("~/f/"),
        reach("~/f/.."),
        open("~/f", ["rdonly", "directory"]),
      ],
      [],
    ),
    expect: [
      "open ~/f/x path as <reached>: ENOTDIR",
      "open ~/f/ path as <reached>: ENOTDIR",
      "open ~/f/.. path as <reached>: ENOTDIR",
      "open ~/f rdonly,directory as <file>: ENOTDIR",
    ],
  },
  {
    name: "what is missing on the way is ENOENT",
    run: sandbox([...jail, reach("~/none/x"), reach("~/none/../f")], []),
    expect: [
      "open ~/none/x path as <reached>: ENOENT",
      "open ~/none/../f path as <reached>: ENOENT",
    ],
  },
  {
    name: "symlinks on the way are followed outside of a root",
    run: sandbox([...jail, reach("~/jail/up"), reach("~/jail/d/up2")], []),
    expect: [],
  },
  {
    name: "nofollow at the end is ELOOP, in the middle it is not",
    run: sandbox(
      [
        ...jail,
        open("~/jail/up", ["rdonly", "nofollow"]),
        open("~/jail/dir", ["rdonly", "directory", "nofollow"]),
        open("~/jail/up", ["path", "nofollow"]),
      ],
      [],
    ),
    expect: [
      "open ~/jail/up rdonly,nofollow as <file>: ELOOP",
      "open ~/jail/dir rdonly,directory,nofollow as <file>: ENOTDIR",
    ],
  },
  {
    name: "forty symlinks are followed, forty-one are not",
    run: sandbox(
      [
        file("~/f"),
        link("~/l0", "f"),
        ...Array.from({ length: 40 }, (_, i) => link(`~/l${i + 1}`, `l${i}`)),
        reach("~/l39"),
        reach("~/l40"),
      ],
      [],
    ),
    expect: ["open ~/l40 path as <reached>: ELOOP"],
  },
  {
    name: "a name of 255 bytes and one of 256",
    run: sandbox(
      [
        file(`~/${"n".repeat(255)}`),
        open(`~/${"n".repeat(256)}`, ["path"]),
        mkdir(`~/${"n".repeat(256)}`),
        mkdir(`~/${"m".repeat(255)}`),
      ],
      [],
    ),
    expect: [
      "open ~/nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn path as <file>: ENAMETOOLONG",
      "mkdir ~/nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn 0755: ENAMETOOLONG",
    ],
  },
  {
    name: "creat of a directory is EISDIR",
    run: sandbox(
      [
        ...jail,
        open("~/jail", ["wronly", "creat"]),
        open("~/jail", ["wronly"]),
        open("~/jail/none/", ["wronly", "creat"]),
      ],
      [],
    ),
    expect: [
      "open ~/jail wronly,creat as <file>: EISDIR",
      "open ~/jail wronly as <file>: EISDIR",
      "open ~/jail/none/ wronly,creat as <file>: EISDIR",
    ],
  },
  {
    name: "excl of what is there is EEXIST",
    run: sandbox(
      [
        ...jail,
        open("~/f", ["wronly", "creat", "excl"]),
        mkdir("~/jail"),
        link("~/f", "x"),
        { op: "mknod", path: "~/f", type: "fifo", mode: 0o600 },
      ],
      [],
    ),
    expect: [
      "open ~/f wronly,creat,excl as <file>: EEXIST",
      "mkdir ~/jail 0755: EEXIST",
      "symlink ~/f -> x: EEXIST",
      "mknod ~/f fifo 0600: EEXIST",
    ],
  },
  {
    name: "rename over a directory: empty, not empty, a file",
    run: sandbox(
      [
        ...jail,
        ...dirs("~/a", "~/b", "~/b/in"),
        { op: "rename", from: "~/a", to: "~/b" },
        { op: "rename", from: "~/a", to: "~/f" },
        { op: "rename", from: "~/f", to: "~/b" },
        { op: "rename", from: "~/b", to: "~/a" },
      ],
      ["ls", "~/a"],
    ),
    expect: [
      "rename ~/a to ~/b: ENOTEMPTY",
      "rename ~/a to ~/f: ENOTDIR",
      "rename ~/f to ~/b: EISDIR",
      "entry ~/a in",
    ],
  },
  {
    name: "rename into itself, onto itself, of nothing",
    run: sandbox(
      [
        ...jail,
        { op: "rename", from: "~/jail", to: "~/jail/d/x" },
        { op: "rename", from: "~/f", to: "~/f" },
        { op: "rename", from: "~/none", to: "~/g" },
        { op: "rename", from: "~/f", to: "~/none/g" },
      ],
      [],
    ),
    expect: [
      "rename ~/jail to ~/jail/d/x: EINVAL",
      "rename ~/none to ~/g: ENOENT",
      "rename ~/f to ~/none/g: ENOENT",
    ],
  },
  {
    name: "rename between file systems is EXDEV, also between binds of one",
    run: sandbox(
      [
        ...jail,
        ...dirs("~/t", "~/x"),
        tmpfs("~/t"),
        bind("~/outside", "~/x"),
        { op: "rename", from: "~/f", to: "~/t/f" },
        { op: "rename", from: "~/f", to: "~/x/f" },
      ],
      [],
    ),
    expect: ["rename ~/f to ~/t/f: EXDEV", "rename ~/f to ~/x/f: EXDEV"],
  },
  {
    name: "rmdir of what is not empty, of a file, of nothing",
    run: sandbox(
      [
        ...jail,
        { op: "rmdir", path: "~/jail" },
        { op: "rmdir", path: "~/f" },
        { op: "rmdir", path: "~/none" },
        { op: "rmdir", path: "~/jail/dir" },
      ],
      [],
    ),
    expect: [
      "rmdir ~/jail: ENOTEMPTY",
      "rmdir ~/f: ENOTDIR",
      "rmdir ~/none: ENOENT",
      "rmdir ~/jail/dir: ENOTDIR",
    ],
  },
  {
    name: "unlink of a directory is EISDIR",
    run: sandbox([...jail, { op: "unlink", path: "~/jail" }, { op: "unlink", path: "~/none" }], []),
    expect: ["unlink ~/jail: EISDIR", "unlink ~/none: ENOENT"],
  },
  {
    name: "copyTree copies links, modes and owners, and no devices",
    run: sandbox(
      [
        ...dirs("~/from", "~/to", "~/from/d"),
        file("~/from/d/f", "x", 0o751),
        chown("~/from/d/f", 3, 4),
        link("~/from/l", "/etc/passwd"),
        { op: "mknod", path: "~/from/null", type: "char", major: 1, minor: 3, mode: 0o666 },
        { op: "mknod", path: "~/from/p", type: "fifo", mode: 0o620 },
        chmod("~/from", 0o710),
        open("~", ["path", "directory"], "here"),
        { op: "copyTree", from: "from", to: "to", at: "here" },
      ],
      [
        "ls",
        "~/to",
        "+",
        "stat",
        "~/to/d/f",
        "+",
        "readlink",
        "~/to/l",
        "+",
        "stat",
        "~/to",
        "+",
        "stat",
        "~/to/p",
      ],
    ),
    expect: [
      "entry ~/to d",
      "entry ~/to l",
      "entry ~/to p",
      "stat ~/to/d/f 100751 3:4 0:0 1",
      "link ~/to/l /etc/passwd",
      "stat ~/to 40710 0:0 0:0 -",
      "stat ~/to/p 10620 0:0 0:0 0",
    ],
  },
  {
    name: "chdir: a file, nothing, a symlink, a new directory",
    run: sandbox(
      [
        ...jail,
        { op: "chdir", path: "~/f" },
        { op: "chdir", path: "~/none" },
        { op: "chdir", path: "~/jail/d/../d" },
        { op: "chdir", path: "~/made/here", create: true },
      ],
      ["cwd"],
    ),
    expect: ["chdir ~/f: ENOTDIR", "chdir ~/none: ENOENT", "cwd ~/made/here"],
  },
  {
    name: "an open file whose name is gone is still there",
    run: sandbox(
      [
        ...jail,
        open("~/f", ["path"], "held"),
        { op: "unlink", path: "~/f" },
        reach("~/f"),
        { op: "chmod", path: "", mode: 0o600, at: "held" },
      ],
      [],
    ),
    expect: ["open ~/f path as <reached>: ENOENT"],
  },
  {
    name: "a working directory that was removed",
    run: sandbox(
      [
        ...dirs("~/d"),
        { op: "chdir", path: "~/d" },
        { op: "rmdir", path: "~/d" },
        { op: "chdir", path: "/" },
        reach("~/d"),
      ],
      ["cwd"],
    ),
    expect: ["open ~/d path as <reached>: ENOENT", "cwd /"],
  },
  {
    name: "execve from a removed working directory is refused",
    run: sandbox(
      [...dirs("~/d"), { op: "chdir", path: "~/d" }, { op: "rmdir", path: "~/d" }],
      ["cwd"],
    ),
    expect: ["stopped execve (programs)/probe argv [probe cwd] env PATH: EXDEV"],
  },
];
