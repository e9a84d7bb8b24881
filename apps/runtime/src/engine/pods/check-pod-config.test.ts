import { describe, expect, it } from "vitest";
import type { PodSandboxConfig } from "../../api/index.ts";
import { checkPodConfig } from "./check-pod-config.ts";

const config: PodSandboxConfig = {
  metadata: { name: "web", namespace: "default", uid: "u", attempt: 0 },
  hostname: "web",
  logDirectory: "/var/log/pods/web",
  portMappings: [],
  labels: {},
  annotations: {},
};
const check = (changed: Partial<PodSandboxConfig>): unknown =>
  checkPodConfig({ config: { ...config, ...changed }, runtimeHandler: "" });

describe("pod sandbox config", () => {
  it("passes when whole", () => {
    expect(check({})).toMatchObject({ metadata: { name: "web" } });
  });

  it.each<[string, Partial<PodSandboxConfig>]>([
    ["no metadata", { metadata: undefined }],
    ["no name", { metadata: { name: "", namespace: "d", uid: "u", attempt: 0 } }],
    ["no namespace", { metadata: { name: "n", namespace: "", uid: "u", attempt: 0 } }],
    ["no uid", { metadata: { name: "n", namespace: "d", uid: "", attempt: 0 } }],
    [
      "a line break in the name",
      { metadata: { name: "n\n", namespace: "d", uid: "u", attempt: 0 } },
    ],
    ["a host name too long", { hostname: "a".repeat(65) }],
    ["a line break in the host name", { hostname: "a\nb" }],
    ["a relative log directory", { logDirectory: "var/log" }],
    ["a log directory that climbs", { logDirectory: "/var/log/../../etc" }],
    [
      "a second line in a DNS server",
      { dnsConfig: { servers: ["1.1.1.1\nnameserver 6.6.6.6"], searches: [], options: [] } },
    ],
    ["an empty search domain", { dnsConfig: { servers: [], searches: [""], options: [] } }],
  ])("is refused with %s", (_what, changed) => {
    expect(() => check(changed)).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT" }));
  });

  it("is refused when missing altogether", () => {
    expect(() => checkPodConfig({ runtimeHandler: "" })).toThrow("config is missing");
  });
});
