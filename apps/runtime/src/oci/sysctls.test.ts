import { describe, expect, it } from "vitest";
import { resolveSysctls, type SysctlRequest } from "./sysctls.ts";

function resolve(sysctls: Record<string, string>, changes: Partial<SysctlRequest> = {}) {
  return resolveSysctls({
    sysctls,
    hostNetwork: false,
    hostIpc: false,
    hostUsers: true,
    unprivilegedPorts: false,
    unprivilegedIcmp: false,
    ...changes,
  });
}

describe("resolveSysctls", () => {
  it.each([
    ["kernel.shm_rmid_forced", "1"],
    ["kernel.sem", "250 32000 32 128"],
    ["fs.mqueue.msg_max", "100"],
    ["net.ipv4.ip_local_port_range", "1024\t65535"],
    ["net.ipv4.tcp_congestion_control", "cubic"],
  ])("lets %s pass", (key, value) => {
    expect(resolve({ [key]: value })).toEqual({ [key]: value });
  });

  it("takes both separators, and the other one inside a name", () => {
    expect(resolve({ "net/ipv4/conf/eth0.100/forwarding": "1" })).toEqual({
      "net.ipv4.conf.eth0/100.forwarding": "1",
    });
  });

  it.each([
    "kernel.core_pattern",
    "kernel.hostname",
    "kernel.shm",
    "kernel.msgx/../core_pattern",
    "vm.swappiness",
    "fs.mqueue.",
    "net..ipv4",
    "net/../kernel/core_pattern",
    "",
    "net",
  ])("refuses %j", (key) => {
    expect(() => resolve({ [key]: "1" })).toThrow(/sysctl/);
  });

  it.each(["1+kernel.core_pattern=|/x", "1\n2", "$(id)", "a=b", "x\0"])(
    "refuses value %j (CVE-2022-0811)",
    (value) => {
      expect(() => resolve({ "kernel.shm_rmid_forced": value })).toThrow("not a plain value");
    },
  );

  it("never reaches a namespace of the host (CVE-2022-0532)", () => {
    expect(() => resolve({ "net.ipv4.ip_forward": "1" }, { hostNetwork: true })).toThrow(
      "host's network namespace",
    );
    expect(() => resolve({ "kernel.sem": "1" }, { hostIpc: true })).toThrow("host's IPC namespace");
  });

  it("opens low ports and ping in a network of the pod's own, unless it says otherwise", () => {
    const defaults = { unprivilegedPorts: true, unprivilegedIcmp: true };
    expect(resolve({}, { ...defaults, hostNetwork: true })).toEqual({});
    expect(resolve({}, { ...defaults, hostUsers: false })).toEqual({
      "net.ipv4.ip_unprivileged_port_start": "0",
    });
    expect(resolve({ "net.ipv4.ip_unprivileged_port_start": "80" }, defaults)).toEqual({
      "net.ipv4.ip_unprivileged_port_start": "80",
      "net.ipv4.ping_group_range": "0 2147483647",
    });
  });
});
