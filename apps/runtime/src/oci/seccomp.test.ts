import { describe, expect, it } from "vitest";
import type { SecurityProfile } from "../api/index.ts";
import type { SeccompProfile } from "../kernel/index.ts";
import { defaultCapabilities } from "./capabilities.ts";
import { hostFacts, hostFiles } from "./fixture/host.ts";
import { type SeccompRequest, seccompProfileFor } from "./seccomp-choice.ts";
import { defaultSeccompProfile } from "./seccomp-default.ts";
import { parseSeccompProfile } from "./seccomp-parse.ts";

/** What the profile lets a call do: without condition, on a condition, or not at all. */
function verdict(profile: SeccompProfile, name: string): "allow" | "condition" | "deny" {
  const rules = (profile.syscalls ?? []).filter((rule) => rule.names.includes(name));
  const allowing = rules.filter((rule) => rule.action === "SCMP_ACT_ALLOW");
  if (allowing.length === 0) return "deny";
  return allowing.some((rule) => rule.args === undefined) ? "allow" : "condition";
}

describe("RuntimeDefault", () => {
  const ordinary = defaultSeccompProfile(defaultCapabilities, "amd64", "6.1.0");

  it.each([
    ["read", "allow"],
    ["execve", "allow"],
    ["capset", "allow"],
    ["chroot", "allow"],
    ["ptrace", "allow"],
    ["arch_prctl", "allow"],
    ["clone", "condition"],
    ["personality", "condition"],
    ["socket", "condition"],
    ["clone3", "deny"],
    ["mount", "deny"],
    ["unshare", "deny"],
    ["setns", "deny"],
    ["bpf", "deny"],
    ["io_uring_setup", "deny"],
    ["keyctl", "deny"],
    ["userfaultfd", "deny"],
    ["reboot", "deny"],
    ["kexec_load", "deny"],
    ["init_module", "deny"],
    ["open_by_handle_at", "deny"],
    ["perf_event_open", "deny"],
    ["settimeofday", "deny"],
    ["process_madvise", "deny"],
    ["set_tls", "deny"],
  ])("%s: %s", (name, expected) => {
    expect(verdict(ordinary, name)).toBe(expected);
  });

  it("opens with the capability what the capability is for", () => {
    const admin = defaultSeccompProfile(["CAP_SYS_ADMIN"], "amd64", "6.1.0");
    for (const name of ["mount", "clone", "clone3", "unshare", "sethostname", "bpf"]) {
      expect(verdict(admin, name)).toBe("allow");
    }
    expect(verdict(defaultSeccompProfile([], "amd64", "6.1.0"), "chroot")).toBe("deny");
    expect(
      verdict(defaultSeccompProfile(["CAP_SYS_TIME"], "amd64", "6.1.0"), "clock_settime"),
    ).toBe("allow");
  });

  it("keeps ptrace from kernels where it could cheat the filter", () => {
    expect(verdict(defaultSeccompProfile([], "amd64", "4.7.9"), "ptrace")).toBe("deny");
    expect(verdict(defaultSeccompProfile(["CAP_SYS_PTRACE"], "amd64", "4.7.9"), "ptrace")).toBe(
      "allow",
    );
    expect(verdict(defaultSeccompProfile([], "amd64", "4.8.0-1-amd64"), "ptrace")).toBe("allow");
  });

  it("is the machine's own", () => {
    const arm = defaultSeccompProfile([], "arm64", "6.1.0");
    expect(arm.architectures).toEqual(["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"]);
    expect(verdict(arm, "set_tls")).toBe("allow");
    expect(verdict(arm, "arch_prctl")).toBe("deny");
  });

  it("answers clone3 so that libc falls back to clone", () => {
    expect(ordinary.syscalls?.find((rule) => rule.names.includes("clone3"))).toEqual({
      names: ["clone3"],
      action: "SCMP_ACT_ERRNO",
      errnoRet: 38,
    });
  });

  it("is a profile like any other, and names each call once", () => {
    expect(parseSeccompProfile(JSON.stringify(ordinary))).toEqual(ordinary);
    const names = ordinary.syscalls?.[0]?.names ?? [];
    expect(new Set(names).size).toBe(names.length);
    expect(names.length).toBeGreaterThan(350);
  });
});

describe("parseSeccompProfile", () => {
  const rule = { names: ["chmod"], action: "SCMP_ACT_ERRNO" };

  it("takes what the OCI spec has", () => {
    const profile = {
      defaultAction: "SCMP_ACT_ALLOW",
      defaultErrnoRet: 1,
      architectures: ["SCMP_ARCH_X86_64"],
      flags: ["SECCOMP_FILTER_FLAG_LOG"],
      syscalls: [
        {
          ...rule,
          errnoRet: 5,
          args: [{ index: 1, value: 4294967295, valueTwo: 3, op: "SCMP_CMP_MASKED_EQ" }],
        },
      ],
    };
    expect(parseSeccompProfile(JSON.stringify(profile))).toEqual(profile);
    expect(parseSeccompProfile('{"defaultAction":"SCMP_ACT_LOG","syscalls":null}')).toEqual({
      defaultAction: "SCMP_ACT_LOG",
      syscalls: [],
    });
  });

  it.each([
    ["", /not JSON/],
    ["[]", /is not an object/],
    ["{}", /defaultAction nothing is not known/],
    [{ defaultAction: "ALLOW" }, /defaultAction "ALLOW"/],
    [{ defaultAction: "SCMP_ACT_NOTIFY" }, /defaultAction/],
    [{ syscalls: {} }, /syscalls is not a list/],
    [{ syscalls: [7] }, /syscalls\[0\] is not an object/],
    [{ syscalls: [rule, { ...rule, names: [] }] }, /syscalls\[1\]\.names is empty/],
    [{ syscalls: [{ ...rule, names: ["../x"] }] }, /syscalls\[0\]\.names\[0\]/],
    [
      { syscalls: [{ ...rule, action: "SCMP_ACT_DANCE" }] },
      /syscalls\[0\]\.action "SCMP_ACT_DANCE"/,
    ],
    [{ syscalls: [{ ...rule, errnoRet: -1 }] }, /errnoRet/],
    [
      { syscalls: [{ ...rule, args: [{ index: 6, value: 0, op: "SCMP_CMP_EQ" }] }] },
      /args\[0\]\.index/,
    ],
    [{ syscalls: [{ ...rule, args: [{ index: 0, value: 1e300, op: "SCMP_CMP_EQ" }] }] }, /value/],
    [{ syscalls: [{ ...rule, args: [{ index: 0, value: 0, op: "EQ" }] }] }, /args\[0\]\.op "EQ"/],
    [{ architectures: ["SCMP_ARCH_VAX"] }, /architectures\[0\]/],
    [{ flags: ["FAST"] }, /flags\[0\]/],
    [{ listenerPath: "/run/x" }, /notification/],
  ])("names what is broken in %j", (profile, message) => {
    const json =
      typeof profile === "string"
        ? profile
        : JSON.stringify({ defaultAction: "SCMP_ACT_ALLOW", ...profile });
    expect(() => parseSeccompProfile(json)).toThrow(message);
  });
});

describe("seccompProfileFor", () => {
  const local = { defaultAction: "SCMP_ACT_ALLOW", syscalls: [] };
  const files = hostFiles({ "/p/good.json": JSON.stringify(local), "/p/bad.json": "{" });

  function choose(changes: Partial<SeccompRequest>, seccomp = true) {
    return seccompProfileFor(files, hostFacts({ seccomp }), {
      privileged: false,
      seccomp: undefined,
      seccompProfilePath: "",
      unset: "unconfined",
      capabilities: [],
      ...changes,
    });
  }
  const profile = (profileType: SecurityProfile["profileType"], localhostRef = "") => ({
    seccomp: { profileType, localhostRef },
  });

  it("is unconfined when nobody says anything", async () => {
    expect(await choose({})).toBeUndefined();
    expect(await choose({ unset: "runtime/default" })).toMatchObject({
      defaultAction: "SCMP_ACT_ERRNO",
    });
  });

  it("takes the new field, or the old one without it", async () => {
    expect(await choose(profile("Unconfined"))).toBeUndefined();
    expect(await choose(profile("RuntimeDefault"))).toMatchObject({
      defaultAction: "SCMP_ACT_ERRNO",
    });
    expect(await choose(profile("Localhost", "/p/good.json"))).toEqual(local);
    expect(await choose({ seccompProfilePath: "localhost//p/good.json" })).toEqual(local);
    expect(await choose({ seccompProfilePath: "docker/default" })).toBeDefined();
    expect(
      await choose({ ...profile("Unconfined"), seccompProfilePath: "runtime/default" }),
    ).toBeUndefined();
  });

  it("is none for a privileged container, whatever is asked", async () => {
    expect(await choose({ privileged: true, ...profile("Localhost", "/nowhere") })).toBeUndefined();
  });

  it.each([
    ["/nowhere.json", /does not exist/],
    ["/p/bad.json", /not JSON/],
    ["relative.json", /not an absolute path/],
    ["", /not an absolute path/],
  ])("refuses Localhost %j", async (path, message) => {
    await expect(choose(profile("Localhost", path))).rejects.toThrow(message);
  });

  it("does not pretend on a kernel without seccomp", async () => {
    await expect(choose(profile("RuntimeDefault"), false)).rejects.toThrow("no seccomp");
    expect(await choose({}, false)).toBeUndefined();
  });
});
