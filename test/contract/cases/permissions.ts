/** Files and permissions by uid, gid and capability (path_resolution(7), capabilities(7)); what can be executed. */
import type { Op } from "../../../apps/runtime/src/kernel/index.ts";
import { type ContractCase, sandbox } from "../contract-case.ts";
import {
  capset,
  chmod,
  chown,
  dirs,
  file,
  keepCaps,
  mkdir,
  open,
  reach,
  setgid,
  setuid,
  tmpfs,
  umount,
  unshare,
} from "../op-words.ts";

/** Things of root, of user 1000 and of group 50, with modes that differ. */
const things: readonly Op[] = [
  file("~/root", "r", 0o600),
  file("~/open", "o", 0o644),
  file("~/mine", "m", 0o600),
  chown("~/mine", 1000, 1000),
  file("~/group", "g", 0o640),
  chown("~/group", 0, 50),
  file("~/other", "x", 0o604),
  chown("~/other", 1, 50),
  file("~/none", "n", 0o000),
  chown("~/none", 1000, 1000),
  mkdir("~/home", 0o755, { uid: 1000, gid: 1000 }),
  mkdir("~/closed", 0o700),
  mkdir("~/search", 0o711),
  file("~/search/f", "s"),
  mkdir("~/list", 0o744),
  file("~/list/f", "l"),
  mkdir("~/sticky", 0o1777),
  file("~/sticky/root", "r"),
  file("~/sticky/mine", "m"),
  chown("~/sticky/mine", 1000, 1000),
  mkdir("~/setgid", 0o2777, { gid: 50 }),
];

const user: readonly Op[] = [setgid(1000), { op: "setgroups", groups: [] }, setuid(1000)];
const read = (name: string) => open(`~/${name}`, ["rdonly"]);
const change = (name: string) => open(`~/${name}`, ["wronly"]);

export const permissionCases: readonly ContractCase[] = [
  {
    name: "a user reads what owner, group and other bits allow",
    run: sandbox(
      [
        ...things,
        ...user,
        read("root"),
        read("open"),
        read("mine"),
        read("group"),
        read("other"),
        read("none"),
      ],
      [],
    ),
    expect: [
      "open ~/root rdonly as <file>: EACCES",
      "open ~/group rdonly as <file>: EACCES",
      "open ~/none rdonly as <file>: EACCES",
    ],
  },
  {
    name: "a user writes what owner, group and other bits allow",
    run: sandbox(
      [
        ...things,
        ...user,
        change("root"),
        change("open"),
        change("mine"),
        change("group"),
        change("none"),
      ],
      [],
    ),
    expect: [
      "open ~/root wronly as <file>: EACCES",
      "open ~/open wronly as <file>: EACCES",
      "open ~/group wronly as <file>: EACCES",
      "open ~/none wronly as <file>: EACCES",
    ],
  },
  {
    name: "a member of a supplementary group reads what the group may",
    run: sandbox(
      [
        ...things,
        setgid(1000),
        { op: "setgroups", groups: [50] },
        setuid(1000),
        read("group"),
        change("group"),
      ],
      ["id"],
    ),
    expect: [
      "open ~/group wronly as <file>: EACCES",
      "uid 1000 1000 1000, gid 1000 1000 1000, groups 50, pid (host), ppid (host), sid (host)",
    ],
  },
  {
    name: "the group's bits count for its members, even if others have more",
    run: sandbox(
      [...things, setgid(50), { op: "setgroups", groups: [] }, setuid(1000), read("other")],
      [],
    ),
    expect: ["open ~/other rdonly as <file>: EACCES"],
  },
  {
    name: "root reads and writes whatever the mode",
    run: sandbox([...things, read("none"), change("none"), read("closed")], []),
    expect: [],
  },
  {
    name: "a directory without search hides what is in it",
    run: sandbox([...things, ...user, reach("~/closed/x"), reach("~/closed")], []),
    expect: ["open ~/closed/x path as <reached>: EACCES"],
  },
  {
    name: "a directory without list can be searched",
    run: sandbox([...things, ...user, read("search"), read("search/f")], ["ls", "~/search"]),
    expect: ["open ~/search rdonly as <file>: EACCES", "error ls ~/search 13"],
  },
  {
    name: "a directory without search can be listed",
    run: sandbox([...things, ...user, read("list"), read("list/f")], ["ls", "~/list"]),
    expect: ["open ~/list/f rdonly as <file>: EACCES", "entry ~/list f"],
  },
  {
    name: "a user makes files where the directory is theirs",
    run: sandbox(
      [
        ...things,
        ...user,
        file("~/home/f", "x", 0o640),
        mkdir("~/home/d"),
        file("~/closed/f"),
        file("~/search/new"),
        mkdir("~/d"),
      ],
      ["stat", "~/home/f", "+", "stat", "~/home/d"],
    ),
    expect: [
      "writeFile ~/closed/f 0 bytes create 0644: EACCES",
      "writeFile ~/search/new 0 bytes create 0644: EACCES",
      "mkdir ~/d 0755: EACCES",
      "stat ~/home/f 100640 1000:1000 0:0 1",
      "stat ~/home/d 40755 1000:1000 0:0 -",
    ],
  },
  {
    name: "a user removes what lies in a directory of theirs, whoever owns it",
    run: sandbox(
      [
        ...things,
        file("~/home/roots", "r", 0o600),
        ...user,
        { op: "unlink", path: "~/home/roots" },
        { op: "unlink", path: "~/mine" },
      ],
      ["ls", "~/home"],
    ),
    expect: ["unlink ~/mine: EACCES"],
  },
  {
    name: "sticky: only the owner removes and renames",
    run: sandbox(
      [
        ...things,
        ...user,
        { op: "unlink", path: "~/sticky/root" },
        { op: "rename", from: "~/sticky/root", to: "~/sticky/x" },
        { op: "unlink", path: "~/sticky/mine" },
      ],
      ["ls", "~/sticky"],
    ),
    expect: [
      "unlink ~/sticky/root: EPERM",
      "rename ~/sticky/root to ~/sticky/x: EPERM",
      "entry ~/sticky root",
    ],
  },
  {
    name: "a directory with set-group-id gives its group",
    run: sandbox(
      [...things, ...user, file("~/setgid/f"), mkdir("~/setgid/d")],
      ["stat", "~/setgid/f", "+", "stat", "~/setgid/d"],
    ),
    expect: ["stat ~/setgid/f 100644 1000:50 0:0 0", "stat ~/setgid/d 42755 1000:50 0:0 -"],
  },
  {
    name: "chmod is for the owner",
    run: sandbox(
      [...things, ...user, chmod("~/mine", 0o644), chmod("~/open", 0o600), chmod("~/home", 0o700)],
      ["stat", "~/mine", "+", "stat", "~/home"],
    ),
    expect: [
      "chmod ~/open 0600: EPERM",
      "stat ~/mine 100644 1000:1000 0:0 1",
      "stat ~/home 40700 1000:1000 0:0 -",
    ],
  },
  {
    name: "chown by a user: owner never, group only to one of theirs",
    run: sandbox(
      [
        ...things,
        setgid(1000),
        { op: "setgroups", groups: [50] },
        setuid(1000),
        chown("~/mine", 1001, 1000),
        chown("~/mine", 1000, 50),
        chown("~/mine", 1000, 60),
        chown("~/open", 1000, 50),
      ],
      ["stat", "~/mine"],
    ),
    expect: [
      "chown ~/mine owner 1001:1000: EPERM",
      "chown ~/mine owner 1000:60: EPERM",
      "chown ~/open owner 1000:50: EPERM",
      "stat ~/mine 100600 1000:50 0:0 1",
    ],
  },
  {
    name: "chmod by a user outside of the group drops set-group-id",
    run: sandbox(
      [...things, chown("~/mine", 1000, 77), ...user, chmod("~/mine", 0o2755)],
      ["stat", "~/mine"],
    ),
    expect: ["stat ~/mine 100755 1000:77 0:0 1"],
  },
  {
    name: "chown of a program drops set-id bits",
    run: sandbox([file("~/p", "x", 0o6755), chown("~/p", 5, 5)], ["stat", "~/p"]),
    expect: ["stat ~/p 100755 5:5 0:0 1"],
  },
  {
    name: "writing drops set-id bits for a user",
    run: sandbox(
      [
        file("~/p", "x", 0o6777),
        ...user,
        { op: "writeFile", path: "~/p", data: new Uint8Array([65]), mode: 0, how: "existing" },
      ],
      ["stat", "~/p"],
    ),
    expect: ["stat ~/p 100777 0:0 0:0 1"],
  },
  {
    name: "CAP_DAC_OVERRIDE alone reads and writes",
    run: sandbox(
      [
        ...things,
        keepCaps(),
        ...user,
        capset({ effective: ["dac_override"], permitted: ["dac_override"] }),
        read("root"),
        change("root"),
        read("closed"),
        chmod("~/root", 0o644),
      ],
      [],
    ),
    expect: ["chmod ~/root 0644: EPERM"],
  },
  {
    name: "CAP_DAC_READ_SEARCH reads but does not write",
    run: sandbox(
      [
        ...things,
        keepCaps(),
        ...user,
        capset({ effective: ["dac_read_search"], permitted: ["dac_read_search"] }),
        read("root"),
        change("root"),
        read("closed"),
        file("~/closed/f"),
      ],
      [],
    ),
    expect: [
      "open ~/root wronly as <file>: EACCES",
      "writeFile ~/closed/f 0 bytes create 0644: EACCES",
    ],
  },
  {
    name: "CAP_FOWNER changes the mode of what others own",
    run: sandbox(
      [
        ...things,
        keepCaps(),
        ...user,
        capset({ effective: ["fowner"], permitted: ["fowner"] }),
        chmod("~/root", 0o644),
        chown("~/root", 1000, 1000),
        { op: "unlink", path: "~/sticky/root" },
      ],
      ["stat", "~/root"],
    ),
    expect: ["chown ~/root owner 1000:1000: EPERM", "stat ~/root 100644 0:0 0:0 1"],
  },
  {
    name: "CAP_CHOWN gives files away",
    run: sandbox(
      [
        ...things,
        keepCaps(),
        ...user,
        capset({ effective: ["chown"], permitted: ["chown"] }),
        chown("~/root", 1000, 1000),
        chmod("~/open", 0o600),
      ],
      ["stat", "~/root"],
    ),
    expect: ["chmod ~/open 0600: EPERM", "stat ~/root 100600 1000:1000 0:0 1"],
  },
  {
    name: "CAP_MKNOD makes devices, without it only fifos and files",
    run: sandbox(
      [
        ...things,
        ...user,
        { op: "mknod", path: "~/home/c", type: "char", major: 1, minor: 3, mode: 0o666 },
        { op: "mknod", path: "~/home/b", type: "block", major: 7, minor: 0, mode: 0o666 },
        { op: "mknod", path: "~/home/p", type: "fifo", mode: 0o644 },
        { op: "mknod", path: "~/home/f", type: "file", mode: 0o644 },
      ],
      ["ls", "~/home", "+", "stat", "~/home/p"],
    ),
    expect: [
      "mknod ~/home/c char 1:3 0666: EPERM",
      "mknod ~/home/b block 7:0 0666: EPERM",
      "entry ~/home f",
      "entry ~/home p",
      "stat ~/home/p 10644 1000:1000 0:0 0",
    ],
  },
  {
    name: "root without capabilities is as others are",
    run: sandbox(
      [
        ...things,
        capset({}),
        read("mine"),
        read("root"),
        change("none"),
        chown("~/root", 1, 1),
        mkdir("~/x"),
      ],
      ["stat", "~/x"],
    ),
    expect: [
      "open ~/mine rdonly as <file>: EACCES",
      "open ~/none wronly as <file>: EACCES",
      "chown ~/root owner 1:1: EPERM",
      "stat ~/x 40755 0:0 0:0 -",
    ],
  },
  {
    name: "a user may not mount, nor set the host's name",
    run: sandbox(
      [
        ...things,
        ...user,
        tmpfs("~/home"),
        umount("~"),
        { op: "sethostname", name: "x" },
        unshare("uts"),
        { op: "mount", source: "~/home", target: "~/home", fstype: "bind", attrs: [], data: "" },
      ],
      [],
    ),
    expect: [
      "mount tmpfs from none on ~/home: EPERM",
      "umount ~: EPERM",
      "sethostname x: EPERM",
      "unshare uts: EPERM",
      "mount bind from ~/home on ~/home: EPERM",
    ],
  },
  {
    name: "execute needs an x bit, even for root",
    run: sandbox(
      [
        file("~/script", "#!/bin/true\n", 0o644),
        { op: "execve", path: "~/script", argv: ["script"], env: [] },
      ],
      [],
    ),
    expect: ["stopped execve ~/script argv [script] env none: EACCES"],
  },
  {
    name: "a directory cannot be executed",
    run: sandbox([{ op: "execve", path: "~", argv: ["x"], env: [] }], []),
    expect: ["stopped execve ~ argv [x] env none: EACCES"],
  },
  {
    name: "a file without a known format is ENOEXEC",
    run: sandbox(
      [file("~/p", "no program", 0o755), { op: "execve", path: "~/p", argv: ["p"], env: [] }],
      [],
    ),
    expect: ["stopped execve ~/p argv [p] env none: ENOEXEC"],
  },
  {
    name: "a script whose interpreter is missing is ENOENT",
    run: sandbox(
      [
        file("~/p", "#!/no/such/interpreter\n", 0o755),
        { op: "execve", path: "~/p", argv: ["p"], env: [] },
      ],
      [],
    ),
    expect: ["stopped execve ~/p argv [p] env none: ENOENT"],
  },
  {
    name: "an empty file is ENOEXEC",
    run: sandbox([file("~/p", "", 0o755), { op: "execve", path: "~/p", argv: ["p"], env: [] }], []),
    expect: ["stopped execve ~/p argv [p] env none: ENOEXEC"],
  },
  {
    name: "a program that a user may not execute is EACCES",
    run: sandbox([...things, ...user, { op: "execve", path: "~/open", argv: ["p"], env: [] }], []),
    expect: ["stopped execve ~/open argv [p] env none: EACCES"],
  },
  {
    name: "the PATH is searched: missing directories are passed by, a file without x is EACCES",
    run: sandbox(
      [
        ...dirs("~/p"),
        file("~/p/tool", "x", 0o644),
        { op: "execve", path: "tool", argv: ["tool"], env: ["PATH=/none:~/p"] },
      ],
      [],
    ),
    expect: ["stopped execve tool argv [tool] env PATH: EACCES"],
  },
  {
    name: "a name that is nowhere in PATH is ENOENT",
    run: sandbox(
      [{ op: "execve", path: "no-such-tool", argv: ["no-such-tool"], env: ["PATH=/none"] }],
      [],
    ),
    expect: ["stopped execve no-such-tool argv [no-such-tool] env PATH: ENOENT"],
  },
  {
    name: "the umask of a container takes effect for its program",
    run: sandbox(
      [{ op: "umask", mask: 0o027 }, file("~/exact", "x", 0o666)],
      ["umask", "+", "stat", "~/exact"],
    ),
    expect: ["umask 0027", "stat ~/exact 100666 0:0 0:0 1"],
  },
  {
    name: "the umask applies to what the program makes",
    run: sandbox([{ op: "umask", mask: 0o077 }], ["write", "~/f", "x", "+", "stat", "~/f"]),
    expect: ["written ~/f", "stat ~/f 100600 0:0 0:0 1"],
  },
];
