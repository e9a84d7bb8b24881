import { beforeEach, describe, expect, test } from "vitest";
import type { NamespaceType } from "../../op.ts";
import { SIGKILL } from "../abi.ts";
import { chroot, installFile } from "../syscall/file.ts";
import {
  clone3,
  getpid,
  getppid,
  kill,
  nanosleep,
  pause,
  pidfdOpen,
  setns,
  unshare,
  wait4,
} from "../syscall/process.ts";
import type { Coroutine } from "../task.ts";
import { OpenFile } from "../vfs/open-file.ts";
import type { Process } from "./process.ts";
import { becomeUser, once, outcome, type ProcessBed, processBed } from "./process-bed.ts";

let bed: ProcessBed;
beforeEach(() => {
  bed = processBed();
});

function* sleeps(self: Process): Coroutine<number> {
  for (;;) yield* pause(self);
}

const all: readonly NamespaceType[] = ["mnt", "pid", "net", "ipc", "uts", "cgroup", "time", "user"];

describe("clone3", () => {
  test("gives the child new namespaces of the types asked for and of no other", () => {
    bed.run(function* (self) {
      for (const type of all) {
        const child = clone3(self, { namespaces: [type], body: once(() => undefined) });
        const of = (process: Process) => ({
          ...process.namespaces,
          user: process.credentials.userNamespace,
        });
        const changed = all.filter((one) => of(child)[one] !== of(self)[one]);
        expect(changed).toEqual([type]);
        yield* wait4(self, -1);
      }
    });
  });

  test("numbers a child in every pid namespace it is seen from", () => {
    bed.run(function* (self) {
      const child = clone3(self, {
        namespaces: ["pid"],
        body: function* (me) {
          expect([getpid(me), getppid(me)]).toEqual([1, 0]);
          const inner = clone3(me, {
            namespaces: ["pid"],
            body: once((deep) => expect(getpid(deep)).toBe(1)),
          });
          expect(inner.pids).toEqual([inner.pid, 2, 1]);
          const waited = yield* wait4(me, -1);
          expect(waited?.pid).toBe(2);
          const sibling = clone3(me, { namespaces: [], body: once(() => undefined) });
          expect(sibling.pids.slice(1)).toEqual([3]);
          return 0;
        },
      });
      expect(child.pids).toEqual([child.pid, 1]);
      yield* wait4(self, -1);
    });
  });

  test("CLONE_PARENT makes a sibling; an init cannot: EINVAL", () => {
    bed.run(function* (self) {
      clone3(self, {
        namespaces: [],
        body: once((me) => {
          const sibling = clone3(me, { namespaces: [], siblings: true, body: sleeps });
          expect(sibling.parent).toBe(self);
          kill(me, sibling.pid, SIGKILL);
        }),
      });
      yield* nanosleep(self, 1000n);
      clone3(self, {
        namespaces: ["pid"],
        body: once((me) => {
          const call = () => clone3(me, { namespaces: [], siblings: true, body: sleeps });
          expect(outcome(call)).toBe("EINVAL");
        }),
      });
      yield* nanosleep(self, 1000n);
    });
  });

  test("needs CAP_SYS_ADMIN, but with a user namespace of its own nobody's", () => {
    bed.run((self) => {
      becomeUser(self, 1000);
      for (const type of all) {
        const call = () => clone3(self, { namespaces: [type], body: once(() => undefined) });
        expect(`${type} ${outcome(call)}`).toBe(`${type} ${type === "user" ? "ok" : "EPERM"}`);
      }
      const child = clone3(self, { namespaces: all, body: once(() => undefined) });
      const user = child.credentials.userNamespace;
      expect(child.namespaces.net.owner).toBe(user);
      expect([user.ownerUid, user.level]).toEqual([1000, 1]);
    });
  });
});

describe("unshare", () => {
  test("pid is for children only, once: EINVAL afterwards, also for clone3", () => {
    bed.run(function* (self) {
      const before = self.namespaces.pid;
      unshare(self, ["pid"]);
      expect(self.namespaces.pid).toBe(before);
      expect(outcome(() => unshare(self, ["pid"]))).toBe("EINVAL");
      expect(outcome(() => clone3(self, { namespaces: ["pid"], body: sleeps }))).toBe("EINVAL");
      const first = clone3(self, { namespaces: [], body: once(() => undefined) });
      expect([...first.pids]).toEqual([first.pid, 1]);
      yield* wait4(self, -1);
      expect(outcome(() => clone3(self, { namespaces: [], body: sleeps }))).toBe("ENOMEM");
    });
  });

  test("user after chroot is EPERM; nested without a map EPERM; 33 levels deep ENOSPC", () => {
    bed.run((self) => {
      unshare(self, ["user"]);
      expect(outcome(() => unshare(self, ["user"]))).toBe("EPERM");
    });
    bed.run((self) => {
      let levels = 0;
      const identity = [{ containerId: 0, hostId: 0, size: 1 }];
      for (;;) {
        const result = outcome(() => unshare(self, ["user"]));
        if (result !== "ok") {
          expect([levels, result]).toEqual([33, "ENOSPC"]);
          return;
        }
        levels++;
        const namespace = self.credentials.userNamespace;
        namespace.uidMap = identity;
        namespace.gidMap = identity;
      }
    });
    bed.run((self) => {
      chroot(self, "/tmp");
      expect(outcome(() => unshare(self, ["user"]))).toBe("EPERM");
    });
    bed.machine.sysctls.set("user.max_user_namespaces", "0");
    expect(bed.run((self) => outcome(() => unshare(self, ["user"])))).toBe("ENOSPC");
  });

  test("mnt without right is EPERM; a new mount namespace has its own root", () => {
    bed.run((self) => {
      const { root } = self;
      unshare(self, ["mnt"]);
      expect(self.root.mount).not.toBe(root.mount);
      expect(self.root.dentry).toBe(root.dentry);
      expect(self.cwd.mount).toBe(self.root.mount);
      becomeUser(self, 1000);
      expect(outcome(() => unshare(self, ["mnt"]))).toBe("EPERM");
      expect(outcome(() => unshare(self, ["user", "mnt"]))).toBe("ok");
    });
  });
});

describe("setns", () => {
  function joinable(types: readonly NamespaceType[]): Process {
    const child = bed.start((me) => sleeps(me));
    bed.drive();
    unshare(child, types);
    return child;
  }
  const nsFd = (self: Process, namespace: OpenFile["namespace"]) =>
    installFile(self, new OpenFile({ flags: 0, namespace }));

  test("by an fd of one namespace", () => {
    const other = joinable(["net", "uts"]);
    bed.run((self) => {
      const fd = nsFd(self, other.namespaces.net);
      expect(outcome(() => setns(self, fd, ["uts"]))).toBe("EINVAL");
      expect(outcome(() => setns(self, 77, []))).toBe("EBADF");
      setns(self, fd, ["net"]);
      expect(self.namespaces.net).toBe(other.namespaces.net);
      expect(self.namespaces.uts).not.toBe(other.namespaces.uts);
      setns(self, nsFd(self, other.namespaces.uts), []);
      expect(self.namespaces.uts).toBe(other.namespaces.uts);
      expect(outcome(() => setns(self, nsFd(self, self.credentials.userNamespace), []))).toBe(
        "EINVAL",
      );
      becomeUser(self, 1000);
      expect(outcome(() => setns(self, fd, []))).toBe("EPERM");
    });
  });

  test("by a pidfd, of several types at once or of none", () => {
    const other = joinable(["net", "uts", "mnt", "ipc"]);
    bed.run((self) => {
      const fd = pidfdOpen(self, other.pid);
      expect(outcome(() => setns(self, fd, []))).toBe("EINVAL");
      expect(outcome(() => setns(self, fd, ["user", "net"]))).toBe("EINVAL");
      expect(self.namespaces.net).not.toBe(other.namespaces.net);
      setns(self, fd, ["net", "mnt", "ipc"]);
      expect(self.namespaces.net).toBe(other.namespaces.net);
      expect(self.root.mount).toBe(other.namespaces.mnt.root);
      expect(self.namespaces.uts).not.toBe(other.namespaces.uts);
    });
    kill(bed.init, other.pid, SIGKILL);
    bed.run((self) => {
      const gone = installFile(self, new OpenFile({ flags: 0, process: other }));
      expect(outcome(() => setns(self, gone, ["net"]))).toBe("ESRCH");
    });
  });

  test("pid: downwards only, for the children", () => {
    bed.run(function* (self) {
      const init = clone3(self, { namespaces: ["pid"], body: sleeps });
      const fd = pidfdOpen(self, init.pid);
      setns(self, fd, ["pid"]);
      const child = clone3(self, {
        namespaces: [],
        body: once((me) => {
          expect([getpid(me), getppid(me)]).toEqual([2, 0]);
          const up = installFile(me, new OpenFile({ flags: 0, namespace: self.namespaces.pid }));
          expect(outcome(() => setns(me, up, []))).toBe("EINVAL");
        }),
      });
      expect(child.namespaces.pid).toBe(init.namespaces.pid);
      yield* wait4(self, child.pid);
      // Its parent is outside: it dies with the namespace, but only its parent reaps it.
      const last = clone3(self, { namespaces: [], body: sleeps });
      kill(self, init.pid, SIGKILL);
      expect(last.state).toBe("zombie");
    });
  });

  test("a user namespace gives every right in it, whatever one was, when its parent is one's own", () => {
    const other = joinable(["user", "net"]);
    bed.run((self) => {
      const fd = pidfdOpen(self, other.pid);
      setns(self, fd, ["user", "net"]);
      expect(self.credentials.userNamespace).toBe(other.credentials.userNamespace);
      expect(outcome(() => setns(self, pidfdOpen(self, 1), ["net"]))).toBe("EPERM");
    });
    bed.run((self) => {
      becomeUser(self, 1000);
      const fd = installFile(
        self,
        new OpenFile({ flags: 0, namespace: other.credentials.userNamespace }),
      );
      expect(outcome(() => setns(self, fd, []))).toBe("EPERM");
    });
  });
});
