import { beforeEach, describe, expect, test } from "vitest";
import { capabilityNames } from "../../capability.ts";
import type { Process } from "../process/process.ts";
import { outcome, type ProcessBed, processBed } from "../process/process-bed.ts";
import {
  capset,
  dropBounding,
  setAmbient,
  setdomainname,
  setgroups,
  sethostname,
  setKeepCaps,
  setParentDeathSignal,
  setresgid,
  setresuid,
} from "../syscall/credential.ts";
import { allCapabilities, capabilitySet } from "./credentials.ts";

let bed: ProcessBed;
beforeEach(() => {
  bed = processBed();
});

const kill = "CAP_KILL";
const chown = "CAP_CHOWN";
const set = (permitted: readonly string[], effective = permitted, inheritable: string[] = []) => ({
  permitted,
  effective,
  inheritable,
});

function sets({ credentials }: Process): readonly [permitted: number, effective: number] {
  const count = (bits: bigint) => [...bits.toString(2)].filter((bit) => bit === "1").length;
  return [count(credentials.permitted), count(credentials.effective)];
}

describe("uid changes", () => {
  test("from 0 to another with all ids loses everything", () => {
    bed.run((self) => {
      setresuid(self, 1000, 1000, 1000);
      expect(sets(self)).toEqual([0, 0]);
      expect(self.dumpable).toBe(false);
      expect(outcome(() => setresuid(self, 0, 0, 0))).toBe("EPERM");
      expect(outcome(() => setresuid(self, -1, 1000, -1))).toBe("ok");
    });
  });

  test("with keepcaps the permitted ones stay, the effective ones go", () => {
    bed.run((self) => {
      setKeepCaps(self, true);
      setresuid(self, 1000, 1000, 1000);
      expect(sets(self)).toEqual([capabilityNames.length, 0]);
      capset(self, set([kill]));
      expect(sets(self)).toEqual([1, 1]);
    });
  });

  test("effective uid alone takes and gives back the effective set", () => {
    bed.run((self) => {
      setresuid(self, -1, 1000, -1);
      expect(sets(self)).toEqual([capabilityNames.length, 0]);
      setresuid(self, -1, 0, -1);
      expect(sets(self)).toEqual([capabilityNames.length, capabilityNames.length]);
    });
  });

  test("gids and groups need CAP_SETGID, and change nothing else", () => {
    bed.run((self) => {
      setresgid(self, 5, 6, 7);
      expect(self.credentials).toMatchObject({ gid: 5, egid: 6, sgid: 7, fsgid: 6 });
      setgroups(self, [9, 3]);
      expect(self.credentials.groups).toEqual([3, 9]);
      expect(sets(self)).toEqual([capabilityNames.length, capabilityNames.length]);
      capset(self, set([]));
      expect(outcome(() => setresgid(self, 7, 7, 7))).toBe("ok");
      expect(outcome(() => setresgid(self, 8, 8, 8))).toBe("EPERM");
      expect(outcome(() => setgroups(self, []))).toBe("EPERM");
      expect(outcome(() => setresuid(self, 8, 8, 8))).toBe("EPERM");
    });
  });
});

describe("capset", () => {
  test("only shrinks, and keeps the sets within each other: EPERM", () => {
    bed.run((self) => {
      expect(outcome(() => capset(self, set([kill], [kill, chown])))).toBe("EPERM");
      capset(self, set([kill, chown], [kill]));
      expect(outcome(() => capset(self, set([...capabilityNames])))).toBe("EPERM");
      expect(outcome(() => capset(self, set([kill], [], [chown])))).toBe("ok");
      // Without CAP_SETPCAP only what was permitted or inheritable becomes inheritable.
      expect(outcome(() => capset(self, set([kill], [], ["CAP_SYSLOG"])))).toBe("EPERM");
    });
  });

  test("nothing becomes inheritable that the bounding set has not: EPERM", () => {
    bed.run((self) => {
      dropBounding(self, chown);
      expect(self.credentials.bounding).toBe(allCapabilities & ~capabilitySet([chown]));
      expect(outcome(() => capset(self, set([...capabilityNames], [], [chown])))).toBe("EPERM");
      expect(outcome(() => dropBounding(self, "CAP_NONE"))).toBe("EINVAL");
      capset(self, set([chown]));
      expect(outcome(() => dropBounding(self, kill))).toBe("EPERM");
    });
  });

  test("ambient: permitted and inheritable, else EPERM; gone with either", () => {
    bed.run((self) => {
      expect(outcome(() => setAmbient(self, [kill]))).toBe("EPERM");
      capset(self, set([kill, chown], [kill], [kill]));
      setAmbient(self, [kill]);
      expect(self.credentials.ambient).toBe(capabilitySet([kill]));
      capset(self, set([kill, chown], [kill], []));
      expect(self.credentials.ambient).toBe(0n);
    });
  });
});

test("names of the machine: EPERM without CAP_SYS_ADMIN over the uts namespace, EINVAL beyond 64", () => {
  bed.run((self) => {
    expect(outcome(() => sethostname(self, "a".repeat(65)))).toBe("EINVAL");
    expect(outcome(() => setdomainname(self, "a".repeat(64)))).toBe("ok");
    expect(outcome(() => setParentDeathSignal(self, 70))).toBe("EINVAL");
    setresuid(self, 1000, 1000, 1000);
    expect(outcome(() => sethostname(self, "a"))).toBe("EPERM");
  });
});
