import { beforeEach, describe, expect, test } from "vitest";
import { AT_FDCWD, AT_SYMLINK_NOFOLLOW, MS_NODEV, O_CREAT, O_RDWR, O_WRONLY } from "../abi.ts";
import type { Process } from "../process/process.ts";
import {
  access,
  chroot,
  close,
  fchmodat,
  fchownat,
  getxattr,
  linkat,
  listxattr,
  mkdirat,
  mknodat,
  openat2,
  renameat,
  setxattr,
  statat,
  symlinkat,
  unlinkat,
  utimensat,
  writeNow,
} from "../syscall/file.ts";
import type { UserNamespace } from "../user/user-namespace.ts";
import { openExecutable } from "./executable.ts";
import { bytes, errnoOf, type FileBed, fileBed } from "./file-bed.ts";
import { mountNoExec, mountReadOnly } from "./mount.ts";

let bed: FileBed;
let root: Process;

beforeEach(() => {
  bed = fileBed();
  root = bed.root;
  mkdirat(root, AT_FDCWD, "/w", 0o755);
});

function put(caller: Process, path: string, mode: number, uid = 0, gid = 0): void {
  close(caller, openat2(caller, AT_FDCWD, path, { flags: O_CREAT, mode: 0o600 }));
  fchownat(root, AT_FDCWD, path, uid, gid);
  fchmodat(root, AT_FDCWD, path, mode);
}

function open(caller: Process, path: string, flags: number): string {
  return errnoOf(() => openat2(caller, AT_FDCWD, path, { flags }));
}

const modeOf = (path: string): number => statat(root, AT_FDCWD, path).mode;

describe("permission bits", () => {
  test("owner, group and others each have theirs alone", () => {
    put(root, "/w/f", 0o046, 7, 8);
    expect(open(bed.as(7), "/w/f", 0)).toBe("EACCES");
    expect(open(bed.as(9, { gid: 8 }), "/w/f", 0)).toBe("ok");
    expect(open(bed.as(9, { groups: [3, 8] }), "/w/f", O_WRONLY)).toBe("EACCES");
    expect(open(bed.as(9), "/w/f", O_RDWR)).toBe("ok");
    expect(open(root, "/w/f", O_RDWR)).toBe("ok");
  });

  test("capabilities override them: reading, searching, writing; executing needs one x", () => {
    put(root, "/w/f", 0o000);
    mkdirat(root, AT_FDCWD, "/w/d", 0o700);
    put(root, "/w/d/f", 0o600);
    const reader = bed.as(5, { capabilities: ["CAP_DAC_READ_SEARCH"] });
    const writer = bed.as(5, { capabilities: ["CAP_DAC_OVERRIDE"] });
    expect(open(bed.as(5), "/w/d/f", 0)).toBe("EACCES");
    expect(open(reader, "/w/d/f", 0)).toBe("ok");
    expect(open(reader, "/w/f", O_WRONLY)).toBe("EACCES");
    expect(open(writer, "/w/f", O_WRONLY)).toBe("ok");
    expect(errnoOf(() => access(writer, "/w/f", 1))).toBe("EACCES");
    fchmodat(root, AT_FDCWD, "/w/f", 0o001);
    expect(errnoOf(() => access(writer, "/w/f", 1))).toBe("ok");
  });

  test("a directory has to be searchable on the way and writable to change", () => {
    mkdirat(root, AT_FDCWD, "/w/d", 0o744);
    put(root, "/w/d/f", 0o666);
    const someone = bed.as(5);
    expect(errnoOf(() => statat(someone, AT_FDCWD, "/w/d/f"))).toBe("EACCES");
    fchmodat(root, AT_FDCWD, "/w/d", 0o755);
    expect(open(someone, "/w/d/f", O_RDWR)).toBe("ok");
    expect(errnoOf(() => unlinkat(someone, AT_FDCWD, "/w/d/f"))).toBe("EACCES");
    expect(errnoOf(() => mkdirat(someone, AT_FDCWD, "/w/d/e", 0o755))).toBe("EACCES");
    expect(errnoOf(() => mkdirat(someone, AT_FDCWD, "/w/d/f", 0o755))).toBe("EEXIST");
  });

  test("a sticky directory lets only owners take names away", () => {
    put(root, "/tmp/theirs", 0o666, 6, 6);
    expect(errnoOf(() => unlinkat(bed.as(5), AT_FDCWD, "/tmp/theirs"))).toBe("EPERM");
    const to = "/tmp/mine";
    const move = (who: Process): string =>
      errnoOf(() => renameat(who, AT_FDCWD, "/tmp/theirs", AT_FDCWD, to));
    expect(move(bed.as(5))).toBe("EPERM");
    expect(move(bed.as(6))).toBe("ok");
    const fowner = bed.as(5, { capabilities: ["CAP_FOWNER"] });
    expect(errnoOf(() => unlinkat(fowner, AT_FDCWD, to))).toBe("ok");
  });
});

describe("changing what a file is", () => {
  test("chmod is for the owner; the group bit needs the group", () => {
    put(root, "/w/f", 0o644, 7, 8);
    const chmod = (who: Process, mode: number): string =>
      errnoOf(() => fchmodat(who, AT_FDCWD, "/w/f", mode));
    expect(chmod(bed.as(5), 0o600)).toBe("EPERM");
    expect(chmod(bed.as(7), 0o2755)).toBe("ok");
    expect(modeOf("/w/f")).toBe(0o755);
    expect(chmod(bed.as(7, { gid: 8 }), 0o2755)).toBe("ok");
    expect(modeOf("/w/f")).toBe(0o2755);
    symlinkat(root, "f", AT_FDCWD, "/w/l");
    const link = (): void => fchmodat(root, AT_FDCWD, "/w/l", 0o600, AT_SYMLINK_NOFOLLOW);
    expect(errnoOf(link)).toBe("EOPNOTSUPP");
  });

  test("chown takes CAP_CHOWN, but for a group of one's own, and takes set-id bits away", () => {
    put(root, "/w/f", 0o6755, 7, 7);
    const chown = (who: Process, uid: number, gid: number): string =>
      errnoOf(() => fchownat(who, AT_FDCWD, "/w/f", uid, gid));
    expect(chown(bed.as(7), 5, -1)).toBe("EPERM");
    expect(chown(bed.as(7), -1, 5)).toBe("EPERM");
    expect(chown(bed.as(7, { groups: [5] }), 7, 5)).toBe("ok");
    expect(modeOf("/w/f")).toBe(0o755);
    expect(chown(bed.as(5, { capabilities: ["CAP_CHOWN"] }), 5, 5)).toBe("ok");
    expect(statat(root, AT_FDCWD, "/w/f")).toMatchObject({ uid: 5, gid: 5 });
  });

  test("writing takes set-id bits away unless one has CAP_FSETID", () => {
    put(root, "/w/f", 0o6777, 7, 7);
    const write = (who: Process): void => {
      const fd = openat2(who, AT_FDCWD, "/w/f", { flags: O_WRONLY });
      writeNow(who, fd, bytes("x"));
    };
    write(root);
    expect(modeOf("/w/f")).toBe(0o6777);
    write(bed.as(5));
    expect(modeOf("/w/f")).toBe(0o777);
  });

  test("times: now for who may write, any time for the owner", () => {
    put(root, "/w/f", 0o666, 7, 7);
    const touch = (who: Process, time?: bigint): string =>
      errnoOf(() => utimensat(who, AT_FDCWD, "/w/f", time));
    expect(touch(bed.as(5))).toBe("ok");
    expect(touch(bed.as(5), 4n)).toBe("EPERM");
    expect(touch(bed.as(7), 4n)).toBe("ok");
    expect(statat(root, AT_FDCWD, "/w/f").mtimeNs).toBe(4n);
  });

  test("new files take umask and the group of a set-group-id directory", () => {
    mkdirat(root, AT_FDCWD, "/w/g", 0o755);
    fchownat(root, AT_FDCWD, "/w/g", 5, 9);
    fchmodat(root, AT_FDCWD, "/w/g", 0o2777);
    const someone = bed.as(5);
    someone.umask = 0o027;
    mkdirat(someone, AT_FDCWD, "/w/g/d", 0o777);
    expect(statat(root, AT_FDCWD, "/w/g/d")).toMatchObject({ gid: 9, mode: 0o2750, uid: 5 });
    close(someone, openat2(someone, AT_FDCWD, "/w/g/f", { flags: O_CREAT, mode: 0o666 }));
    expect(statat(root, AT_FDCWD, "/w/g/f")).toMatchObject({ gid: 9, mode: 0o640 });
  });
});

describe("links and nodes", () => {
  test("hard links: not of directories, not of what one may not write, not across mounts", () => {
    put(root, "/w/f", 0o644);
    fchmodat(root, AT_FDCWD, "/w", 0o777);
    const link = (who: Process, from: string, to: string): string =>
      errnoOf(() => linkat(who, AT_FDCWD, from, AT_FDCWD, to));
    expect(link(root, "/tmp", "/w/t")).toBe("EPERM");
    expect(link(bed.as(5), "/w/f", "/w/h")).toBe("EPERM");
    expect(link(root, "/w/f", "/w/h")).toBe("ok");
    expect(statat(root, AT_FDCWD, "/w/h").nlink).toBe(2);
    mkdirat(root, AT_FDCWD, "/w/m", 0o755);
    bed.tmpfs("/w/m");
    expect(link(root, "/w/f", "/w/m/f")).toBe("EXDEV");
    expect(link(root, "/w/f", "/w/h")).toBe("EEXIST");
  });

  test("fs.protected_symlinks: those of others in a sticky directory everybody writes to", () => {
    put(root, "/w/f", 0o644);
    symlinkat(bed.as(6), "/w/f", AT_FDCWD, "/tmp/l");
    bed.machine.sysctls.set("fs.protected_symlinks", "1");
    expect(open(bed.as(5), "/tmp/l", 0)).toBe("EACCES");
    expect(open(root, "/tmp/l", 0)).toBe("EACCES");
    expect(open(bed.as(6), "/tmp/l", 0)).toBe("ok");
    bed.machine.sysctls.set("fs.protected_symlinks", "0");
    expect(open(bed.as(5), "/tmp/l", 0)).toBe("ok");
  });

  test("device nodes need CAP_MKNOD to make and a mount that allows devices to open", () => {
    fchmodat(root, AT_FDCWD, "/w", 0o777);
    const node = (who: Process, minor: number): string =>
      errnoOf(() => mknodat(who, AT_FDCWD, "/w/n", "char", 0o666, 0, minor));
    expect(node(bed.as(5), 7)).toBe("EPERM");
    expect(node(bed.as(5), 0)).toBe("ok");
    mkdirat(root, AT_FDCWD, "/w/m", 0o777);
    bed.tmpfs("/w/m", "", MS_NODEV);
    mknodat(root, AT_FDCWD, "/w/m/null", "char", 0o666, 1, 3);
    expect(open(root, "/w/m/null", 0)).toBe("EACCES");
    mknodat(root, AT_FDCWD, "/w/odd", "char", 0o666, 250, 250);
    expect(open(root, "/w/odd", 0)).toBe("ENXIO");
  });

  test("the device cgroup is asked at open and at mknod", () => {
    const asked: string[] = [];
    bed.machine.mayUseDevice = (_process, type, major, minor, what) => {
      asked.push(`${type} ${major}:${minor} ${what}`);
    };
    mknodat(root, AT_FDCWD, "/w/odd", "char", 0o666, 250, 250);
    open(root, "/w/odd", O_RDWR);
    expect(asked).toEqual(["char 250:250 m", "char 250:250 rw"]);
  });

  test("chroot needs CAP_SYS_CHROOT", () => {
    expect(errnoOf(() => chroot(bed.as(5), "/w"))).toBe("EPERM");
    const allowed = bed.as(5, { capabilities: ["CAP_SYS_CHROOT"] });
    expect(errnoOf(() => chroot(allowed, "/w"))).toBe("ok");
  });
});

describe("read-only and noexec mounts", () => {
  test("EEXIST and EACCES come before EROFS, EROFS before ENOENT where Linux asks so", () => {
    put(root, "/w/f", 0o644);
    root.root.mount.attributes |= mountReadOnly;
    expect(errnoOf(() => mkdirat(root, AT_FDCWD, "/w/f", 0o755))).toBe("EEXIST");
    expect(errnoOf(() => mkdirat(root, AT_FDCWD, "/w/g", 0o755))).toBe("EROFS");
    expect(errnoOf(() => unlinkat(root, AT_FDCWD, "/w/none"))).toBe("EROFS");
    expect(open(root, "/w/f", O_WRONLY)).toBe("EROFS");
    expect(open(bed.as(5), "/w/f", O_WRONLY)).toBe("EACCES");
    expect(open(root, "/w/f", 0)).toBe("ok");
    expect(errnoOf(() => fchmodat(root, AT_FDCWD, "/w/f", 0o600))).toBe("EROFS");
  });

  test("executables: x, a regular file, no noexec mount", () => {
    put(root, "/w/f", 0o644);
    const exec = (path: string): string => errnoOf(() => openExecutable(root, path));
    expect(exec("/w/f")).toBe("EACCES");
    expect(exec("/w")).toBe("EACCES");
    expect(exec("/w/none")).toBe("ENOENT");
    fchmodat(root, AT_FDCWD, "/w/f", 0o755);
    expect(exec("/w/f")).toBe("ok");
    root.root.mount.attributes |= mountNoExec;
    expect(exec("/w/f")).toBe("EACCES");
  });
});

describe("extended attributes", () => {
  test("each namespace has its rule", () => {
    put(root, "/w/f", 0o666);
    const set = (who: Process, name: string): string =>
      errnoOf(() => setxattr(who, "/w/f", name, bytes("v")));
    expect(set(bed.as(5), "user.a")).toBe("ok");
    expect(set(bed.as(5), "trusted.a")).toBe("EPERM");
    expect(set(bed.as(5), "security.capability")).toBe("EPERM");
    expect(set(root, "trusted.a")).toBe("ok");
    expect(set(root, "other.a")).toBe("EOPNOTSUPP");
    expect(errnoOf(() => getxattr(root, "/w/f", "user.b"))).toBe("ENODATA");
    expect(listxattr(root, "/w/f")).toEqual(["user.a", "trusted.a"]);
    expect(listxattr(bed.as(5), "/w/f")).toEqual(["user.a"]);
  });
});

describe("ids of a user namespace", () => {
  function mapped(hostId: number, size: number): UserNamespace {
    const map = [{ containerId: 0, hostId, size }];
    return {
      ...bed.machine.initUserNamespace,
      inode: 9,
      level: 1,
      parent: bed.machine.initUserNamespace,
      ownerUid: 0,
      uidMap: map,
      gidMap: map,
    };
  }

  function inside(): Process {
    const process = bed.as(100_000, { capabilities: ["CAP_CHOWN", "CAP_DAC_OVERRIDE"] });
    process.credentials = { ...process.credentials, userNamespace: mapped(100_000, 1000) };
    return process;
  }

  test("are what stat shows; capabilities reach only as far as the map", () => {
    const container = inside();
    put(root, "/w/host", 0o600);
    put(root, "/w/own", 0o600, 100_005, 100_005);
    expect(statat(container, AT_FDCWD, "/w/host")).toMatchObject({ uid: 65534, gid: 65534 });
    expect(statat(container, AT_FDCWD, "/w/own")).toMatchObject({ uid: 5, gid: 5 });
    expect(open(container, "/w/host", 0)).toBe("EACCES");
    expect(open(container, "/w/own", 0)).toBe("ok");
    const chown = (uid: number): string =>
      errnoOf(() => fchownat(container, AT_FDCWD, "/w/own", uid, -1));
    expect(chown(7)).toBe("ok");
    expect(statat(root, AT_FDCWD, "/w/own").uid).toBe(100_007);
    expect(chown(1000)).toBe("EINVAL");
  });

  test("an idmapped mount shows its own, and refuses what it has no id for", () => {
    put(root, "/w/f", 0o644);
    put(root, "/w/high", 0o666, 5000, 5000);
    root.root.mount.idmap = mapped(100_000, 1000);
    expect(statat(root, AT_FDCWD, "/w/f")).toMatchObject({ uid: 100_000 });
    expect(statat(root, AT_FDCWD, "/w/high")).toMatchObject({ uid: 65534 });
    expect(open(bed.as(100_000), "/w/f", O_WRONLY)).toBe("ok");
    expect(open(root, "/w/high", O_WRONLY)).toBe("EACCES");
    expect(errnoOf(() => mkdirat(root, AT_FDCWD, "/w/d", 0o755))).toBe("EOVERFLOW");
    const owner = bed.as(100_000);
    expect(errnoOf(() => mkdirat(owner, AT_FDCWD, "/w/d", 0o755))).toBe("ok");
    root.root.mount.idmap = undefined;
    expect(statat(root, AT_FDCWD, "/w/d")).toMatchObject({ uid: 0, gid: 0 });
  });
});
