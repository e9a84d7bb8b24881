import { beforeEach, describe, expect, test } from "vitest";
import { SIGTERM, SIGUSR1 } from "../abi.ts";
import type { Program } from "../program/program.ts";
import {
  capset,
  setAmbient,
  setKeepCaps,
  setNoNewPrivs,
  setParentDeathSignal,
  setresuid,
} from "../syscall/credential.ts";
import { installFile } from "../syscall/file.ts";
import {
  execve,
  execvp,
  exitProcess,
  pause,
  prlimit,
  sigaction,
  unshare,
} from "../syscall/process.ts";
import { allCapabilities, capabilitySet } from "../user/credentials.ts";
import type { Dentry } from "../vfs/inode.ts";
import { mountNoExec, mountNoSuid } from "../vfs/mount.ts";
import { OpenFile } from "../vfs/open-file.ts";
import { loadProfile, setExecProfile } from "./apparmor.ts";
import type { Process } from "./process.ts";
import { becomeUser, outcome, type ProcessBed, processBed } from "./process-bed.ts";

let bed: ProcessBed;
let seen: Process | undefined;
/** Fds the program began with. */
let fds: readonly number[] = [];

const looks: Program = function* (self) {
  seen = self;
  fds = [...self.fds.keys()];
  yield {};
  return 3;
};

beforeEach(() => {
  bed = processBed();
  seen = undefined;
  bed.program("/opt/looks", 0o755, looks);
});

/** What the process is after `before` and an execve of `path`; its errno when that is refused. */
function executed(
  before: (self: Process) => void,
  path = "/opt/looks",
  argv: readonly string[] = ["looks"],
  env: readonly string[] = [],
): Process | string {
  const answer = bed.run((self) => {
    before(self);
    return execve(self, path, argv, env);
  });
  return seen ?? String(answer);
}

const nothing = () => undefined;

describe("the program", () => {
  test("replaces the caller: argv, env, comm, executable; its exit code is the process's", () => {
    const self = executed(nothing, "/opt/looks", ["a", "b"], ["X=1"]) as Process;
    expect(self).toMatchObject({ argv: ["a", "b"], env: ["X=1"], comm: "looks" });
    expect(self.executable?.dentry.name).toBe("looks");
    expect(self.exitStatus).toEqual({ kind: "exited", code: 3 });
  });

  test("scripts run their interpreter with the path in between", () => {
    bed.file("/opt/s1", 0o755, "#! /opt/looks  -x y \nrest");
    bed.file("/opt/s2", 0o755, "#!/opt/s1\n");
    const first = executed(nothing, "/opt/s1", ["s1", "1"]) as Process;
    expect(first).toMatchObject({ argv: ["/opt/looks", "-x y", "/opt/s1", "1"], comm: "s1" });
    const second = executed(nothing, "/opt/s2", ["s2"]) as Process;
    expect(second.argv).toEqual(["/opt/looks", "-x y", "/opt/s1", "/opt/s2"]);
  });

  const refusals: readonly (readonly [path: string, mode: number, text: string, errno: string])[] =
    [
      ["/opt/plain", 0o755, "echo", "ENOEXEC"],
      ["/opt/empty", 0o755, "", "ENOEXEC"],
      ["/opt/locked", 0o644, "#!/opt/looks", "EACCES"],
      ["/opt/lost", 0o755, "#!/opt/none", "ENOENT"],
      ["/opt/blank", 0o755, "#! \n", "ENOEXEC"],
      ["/opt/loop", 0o755, "#!/opt/loop\n", "ELOOP"],
      ["/opt/long", 0o755, `#!/${"x".repeat(300)}\n`, "ENOEXEC"],
      ["/opt/noarch", 0o755, "\u007fELF vitrine-sim unknown\n", "ENOEXEC"],
    ];
  for (const [path, mode, text, errno] of refusals) {
    test(`${path} is ${errno}`, () => {
      bed.file(path, mode, text);
      expect(executed(nothing, path)).toBe(errno);
    });
  }

  test("a directory, a missing file, a noexec mount, too many arguments", () => {
    expect(executed(nothing, "/opt")).toBe("EACCES");
    expect(executed(nothing, "/none")).toBe("ENOENT");
    expect(executed(nothing, "/opt/looks/x")).toBe("ENOTDIR");
    expect(executed(nothing, "/opt/looks", ["x".repeat(131_072)])).toBe("E2BIG");
    const many = Array.from({ length: 30 }, () => "x".repeat(100_000));
    expect(executed(nothing, "/opt/looks", many)).toBe("E2BIG");
    expect(executed(nothing, "/opt/looks", many.slice(0, 15))).toBeInstanceOf(Object);
    seen = undefined;
    bed.init.root.mount.attributes = mountNoExec;
    expect(executed(nothing)).toBe("EACCES");
  });

  test("execvp looks through PATH; EACCES is remembered", () => {
    bed.program("/srv/looks", 0o644, looks);
    const by = (env: string) =>
      bed.run((self) => outcome(() => execvp(self, "looks", ["looks"], [env])));
    expect(by("PATH=/none:/srv")).toBe("EACCES");
    expect(by("PATH=/none")).toBe("ENOENT");
    expect(bed.run((self) => outcome(() => execvp(self, "", [""], [])))).toBe("ENOENT");
    bed.run((self) => execvp(self, "looks", ["looks"], ["PATH=/none:/srv:/opt"]));
    expect(seen).toBeDefined();
  });

  test("EAGAIN for who became a user with too many processes already; one's own does not count", () => {
    const becomes = (self: Process) => {
      prlimit(self, "nproc", { soft: 0, hard: 0 });
      setresuid(self, 77, 77, 77);
    };
    expect(executed(becomes)).toBeInstanceOf(Object);
    seen = undefined;
    const other = bed.start(function* (self) {
      setresuid(self, 77, 77, 77);
      for (;;) yield* pause(self);
    });
    bed.drive();
    expect(executed(becomes)).toBe("EAGAIN");
    exitProcess(other, { kind: "exited", code: 0 });
  });
});

test("a new time namespace for the children becomes its own", () => {
  let made: unknown;
  const self = executed((me) => {
    unshare(me, ["time"]);
    expect(me.namespaces.time).toBe(bed.init.namespaces.time);
    made = me.namespaces.timeForChildren;
  }) as Process;
  expect(self.namespaces.time).toBe(made);
});

test("close-on-exec fds are closed, handlers default again, ignored signals stay so", () => {
  const self = executed((me) => {
    const stays = installFile(me, new OpenFile({ flags: 0 }));
    const goes = installFile(me, new OpenFile({ flags: 0 }));
    me.closeOnExec.add(goes);
    expect([stays, goes]).toEqual([0, 1]);
    sigaction(me, SIGTERM, "ignore");
    sigaction(me, SIGUSR1, () => undefined);
  }) as Process;
  expect([...self.signalHandlers]).toEqual([[SIGTERM, "ignore"]]);
  expect(fds).toEqual([0]);
});

describe("credentials", () => {
  function after(before: (self: Process) => void, path?: string) {
    const self = executed(before, path);
    return typeof self === "string" ? self : self.credentials;
  }

  test("root has everything in the bounding set, whatever it was", () => {
    const all = { effective: allCapabilities, permitted: allCapabilities };
    expect(
      after((self) => capset(self, { effective: [], permitted: [], inheritable: [] })),
    ).toMatchObject(all);
  });

  test("a user loses what it kept, but for the ambient set", () => {
    const keeps = (self: Process, ambient: boolean) => {
      setKeepCaps(self, true);
      setresuid(self, 1000, 1000, 1000);
      const permitted = ["CAP_KILL", "CAP_CHOWN"];
      capset(self, { effective: permitted, permitted, inheritable: ["CAP_KILL"] });
      if (ambient) setAmbient(self, ["CAP_KILL"]);
    };
    expect(after((self) => keeps(self, false))).toMatchObject({
      effective: 0n,
      permitted: 0n,
      keepCaps: false,
    });
    const kill = capabilitySet(["CAP_KILL"]);
    expect(after((self) => keeps(self, true))).toMatchObject({
      effective: kill,
      permitted: kill,
      ambient: kill,
    });
  });

  const setuid = (mode = 0o4755) => bed.program("/opt/su", mode, looks);

  test("a set-user-id program of root makes a user root, its parent-death signal is forgotten", () => {
    setuid();
    const self = executed((me) => {
      becomeUser(me, 1000);
      setParentDeathSignal(me, SIGTERM);
    }, "/opt/su") as Process;
    expect(self.credentials).toMatchObject({
      uid: 1000,
      euid: 0,
      suid: 0,
      fsuid: 0,
      effective: allCapabilities,
    });
    expect([self.dumpable, self.parentDeathSignal]).toEqual([false, 0]);
  });

  test("not with no_new_privs, on a nosuid mount, or without a mapping for its owner", () => {
    setuid();
    const ordinary = { euid: 1000, effective: 0n };
    expect(
      after((self) => {
        becomeUser(self, 1000);
        setNoNewPrivs(self);
      }, "/opt/su"),
    ).toMatchObject(ordinary);
    expect(
      after((self) => {
        becomeUser(self, 1000);
        unshare(self, ["user"]);
      }, "/opt/su"),
    ).toMatchObject(ordinary);
    bed.init.root.mount.attributes = mountNoSuid;
    expect(after((self) => becomeUser(self, 1000), "/opt/su")).toMatchObject(ordinary);
  });

  test("with no_new_privs root gets nothing it had not", () => {
    const few = ["CAP_KILL"];
    const credentials = after((self) => {
      capset(self, { effective: few, permitted: few, inheritable: [] });
      setNoNewPrivs(self);
    });
    expect(credentials).toMatchObject({
      euid: 0,
      permitted: capabilitySet(few),
      effective: capabilitySet(few),
    });
  });

  test("file capabilities: permitted within the bounding set, EPERM when they were promised as effective", () => {
    const give = (magic: number) => {
      const value = new Uint8Array(20);
      const view = new DataView(value.buffer);
      view.setUint32(0, magic, true);
      view.setUint32(4, Number(capabilitySet(["CAP_NET_RAW"])), true);
      const { fileSystem, root } = bed.init.root.mount;
      const opt = fileSystem.lookup(root, "opt", bed.init) as Dentry;
      const file = fileSystem.lookup(opt, "looks", bed.init) as Dentry;
      file.inode.xattrs = new Map([["security.capability", value]]);
    };
    const raw = capabilitySet(["CAP_NET_RAW"]);
    give(0x0200_0001);
    expect(after((self) => becomeUser(self, 1000))).toMatchObject({
      permitted: raw,
      effective: raw,
    });
    const drops = (self: Process) => {
      self.credentials = { ...self.credentials, bounding: allCapabilities & ~raw };
      becomeUser(self, 1000);
    };
    seen = undefined;
    expect(after(drops)).toBe("EPERM");
    give(0x0200_0000);
    expect(after(drops)).toMatchObject({ permitted: 0n });
  });
});

describe("AppArmor", () => {
  test("the profile for the next execve is in force after it, and refuses what it denies", () => {
    expect(bed.run((self) => outcome(() => setExecProfile(self, "exec none")))).toBe("ENOENT");
    expect(bed.run((self) => outcome(() => setExecProfile(self, "changeprofile x")))).toBe(
      "EINVAL",
    );
    loadProfile(bed.machine, {
      name: "narrow",
      files: [
        { path: "/**", access: "rx" },
        { path: "/opt/su", access: "x", deny: true },
      ],
      operations: [],
    });
    bed.program("/opt/su", 0o755, looks);
    const self = executed((me) => setExecProfile(me, "exec narrow\n")) as Process;
    expect([self.apparmor, self.apparmorOnExec]).toEqual(["narrow", undefined]);
    seen = undefined;
    const confined = (me: Process) => {
      me.apparmor = "narrow";
    };
    expect(executed(confined, "/opt/su")).toBe("EACCES");
  });

  test("the profile of containers keeps them out of /proc/sys and /sys, and lets them use their files", () => {
    bed.run((self) => {
      self.apparmor = "docker-default";
      const asks = (path: string, access: string) =>
        outcome(() => bed.machine.confine?.(self, "open", path, access));
      const table = [
        ["/etc/passwd", "rw", "ok"],
        ["/proc/12/status", "r", "ok"],
        ["/proc/12/attr/exec", "w", "ok"],
        ["/proc/sysrq-trigger", "w", "EACCES"],
        ["/proc/kcore", "r", "EACCES"],
        ["/proc/sys/kernel/hostname", "r", "ok"],
        ["/proc/sys/kernel/hostname", "w", "EACCES"],
        ["/proc/sys/kernel/shmmax", "w", "ok"],
        ["/proc/sys/net/ipv4/ip_forward", "w", "EACCES"],
        ["/sys/kernel/security/apparmor/profiles", "r", "EACCES"],
        ["/sys/block/vda/x", "w", "EACCES"],
        ["/sys/fs/cgroup/memory/x", "w", "ok"],
        ["/sys/firmware/acpi/x", "r", "EACCES"],
      ];
      for (const [path = "", access = "", answer] of table) {
        expect(`${path} ${access} ${asks(path, access)}`).toBe(`${path} ${access} ${answer}`);
      }
      expect(outcome(() => bed.machine.confine?.(self, "mount", "/mnt", "tmpfs"))).toBe("EACCES");
      expect(outcome(() => bed.machine.confine?.(self, "umount", "/mnt", ""))).toBe("ok");
    });
  });
});
