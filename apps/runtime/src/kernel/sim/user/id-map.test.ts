/** The tables below were tried on Linux 6.18, line by line. */
import { beforeEach, describe, expect, test } from "vitest";
import { becomeUser, outcome, type ProcessBed, processBed } from "../process/process-bed.ts";
import { identity, setgroups, setresgid, setresuid } from "../syscall/credential.ts";
import { unshare } from "../syscall/process.ts";
import { writeIdMap, writeSetgroups } from "./write-id-map.ts";

let bed: ProcessBed;
beforeEach(() => {
  bed = processBed();
});

type Step = readonly [file: "uid" | "gid" | "setgroups", text: string, answer: string];

const own: readonly Step[] = [
  ["uid", "0 1001 1", "EPERM"],
  ["uid", "0 1000 2", "EPERM"],
  ["uid", "x", "EINVAL"],
  ["uid", "", "EINVAL"],
  ["uid", "0 1000 1\n1 1000 1", "EINVAL"],
  ["uid", "0 1000 0", "EINVAL"],
  ["uid", "0 0 1", "EPERM"],
  ["uid", "-1 1000 1", "EINVAL"],
  ["uid", "4294967295 1000 1", "EINVAL"],
  ["uid", "0 1000 1 5", "EINVAL"],
  ["uid", "0 1000 1 \n\n", "EINVAL"],
  ["uid", "0 1000 4294967295", "EINVAL"],
  ["uid", "0 1000 1\n5 99 1", "EPERM"],
  ["uid", "0 1000 1", "ok"],
  ["uid", "0 1000 1", "EPERM"],
  ["gid", "0 1000 1", "EPERM"],
  ["setgroups", "deny", "ok"],
  ["setgroups", "allow", "EPERM"],
  ["setgroups", "bogus", "EINVAL"],
  ["setgroups", "bogus12345", "EINVAL"],
  ["setgroups", "deny\n", "ok"],
  ["gid", "0 1000 1", "ok"],
  ["setgroups", "deny", "EPERM"],
  ["setgroups", "allow", "EPERM"],
];

const foreign: readonly Step[] = [
  ["setgroups", "allow", "ok"],
  ["uid", "0 100000 10\n5 200000 10", "EINVAL"],
  ["uid", "0 100000 10\n20 100005 10", "EINVAL"],
  ["uid", Array.from({ length: 341 }, (_, id) => `${id} ${id} 1`).join("\n"), "EINVAL"],
  ["uid", "0 100000 65536\n100000 0 1", "ok"],
  ["gid", "0 100000 1000", "ok"],
  ["setgroups", "deny", "EPERM"],
];

describe("an unprivileged process maps itself and nobody else", () => {
  test("step by step", () => {
    bed.run((self) => {
      becomeUser(self, 1000);
      unshare(self, ["user"]);
      const { userNamespace } = self.credentials;
      for (const [file, text, answer] of own) {
        const result = outcome(() =>
          file === "setgroups"
            ? writeSetgroups(self, userNamespace, text)
            : writeIdMap(self, userNamespace, file, text),
        );
        expect(`${file} ${text}: ${result}`).toBe(`${file} ${text}: ${answer}`);
      }
      expect(identity(self)).toEqual({ uid: [0, 0, 0], gid: [0, 0, 0], groups: [0] });
      expect(outcome(() => setgroups(self, [0]))).toBe("EPERM");
      expect(outcome(() => setresuid(self, 5, 5, 5))).toBe("EINVAL");
      expect(outcome(() => setresuid(self, 0, 0, 0))).toBe("ok");
      expect(outcome(() => setresgid(self, 7, 7, 7))).toBe("EINVAL");
    });
  });
});

describe("root maps a child's namespace as it likes", () => {
  test("step by step", () => {
    const child = bed.start(function* () {
      yield {};
      return 0;
    });
    unshare(child, ["user"]);
    const { userNamespace } = child.credentials;
    for (const [file, text, answer] of foreign) {
      const result = outcome(() =>
        file === "setgroups"
          ? writeSetgroups(bed.init, userNamespace, text)
          : writeIdMap(bed.init, userNamespace, file, text),
      );
      expect(`${file} ${text}: ${result}`).toBe(`${file} ${text}: ${answer}`);
    }
    // Host ids: what was not mapped shows as 65534.
    expect(identity(child).uid).toEqual([100000, 100000, 100000]);
    expect(identity(child).gid).toEqual([65534, 65534, 65534]);
    expect(outcome(() => setgroups(child, [5]))).toBe("ok");
    expect(child.credentials.groups).toEqual([100005]);
    expect(outcome(() => setgroups(child, [5000]))).toBe("EINVAL");
  });

  test("only from the namespace itself or its parent", () => {
    bed.run((self) => {
      unshare(self, ["user"]);
      const outer = self.credentials.userNamespace;
      expect(outcome(() => writeIdMap(bed.init, outer, "uid", "0 0 10"))).toBe("ok");
      expect(outcome(() => writeIdMap(bed.init, outer, "gid", "0 0 10"))).toBe("ok");
      unshare(self, ["user"]);
      const inner = self.credentials.userNamespace;
      expect(outcome(() => writeIdMap(bed.init, inner, "uid", "0 0 1"))).toBe("EPERM");
      expect(outcome(() => writeIdMap(self, inner, "uid", "0 50 1"))).toBe("EPERM");
      expect(outcome(() => writeIdMap(self, inner, "uid", "7 0 1"))).toBe("ok");
    });
    expect(outcome(() => writeIdMap(bed.init, bed.machine.initUserNamespace, "uid", "0 0 1"))).toBe(
      "EPERM",
    );
  });
});
