import { describe, expect, it } from "vitest";
import { planToText } from "../../kernel/plan-text.ts";
import { defaultEngineOptions } from "../engine-options.ts";
import { podPathsOf } from "../paths.ts";
import { hostsOf, podFilesPlan, resolvConfOf } from "./pod-files.ts";

describe("files of a pod", () => {
  it("writes resolv.conf in the order search, nameserver, options", () => {
    const text = resolvConfOf({
      servers: ["10.0.0.10", "fd00::a"],
      searches: ["ns.svc.cluster.local", "cluster.local"],
      options: ["ndots:5"],
    });
    expect(text).toBe(
      "search ns.svc.cluster.local cluster.local\nnameserver 10.0.0.10\nnameserver fd00::a\noptions ndots:5\n",
    );
    expect(resolvConfOf({ servers: [], searches: [], options: [] })).toBe("");
  });

  it("names the pod in its hosts", () => {
    expect(hostsOf("web-1", ["10.0.0.5", "fd00::5"])).toContain(
      "10.0.0.5\tweb-1\nfd00::5\tweb-1\n",
    );
  });

  it("is one Plan; with the host's IPC there is no shm of its own", () => {
    const paths = podPathsOf(defaultEngineOptions, "a".repeat(64));
    const contents = { hostname: "web-1", resolvConf: new Uint8Array() };
    const own = planToText(podFilesPlan(paths, contents, 64 << 20)).replaceAll(
      "a".repeat(64),
      "ID",
    );
    expect(own).toMatchInlineSnapshot(`
      "write pod files
      0  host  mkdir      /var/lib/vitrine/pods/ID 0755 with parents
      1  host  mkdir      /run/vitrine/pods/ID 0711 with parents
      2  host  mkdir      /run/vitrine/shims/ID 0700 with parents
      3  host  writeFile  /var/lib/vitrine/pods/ID/hostname 6 bytes create 0644
      4  host  writeFile  /var/lib/vitrine/pods/ID/resolv.conf 0 bytes create 0644
      5  host  mkdir      /run/vitrine/pods/ID/shm 1777
      6  host  mount      tmpfs from shm on /run/vitrine/pods/ID/shm nosuid,nodev,noexec data mode=1777,size=67108864"
    `);
    const ofHost = podFilesPlan(paths, contents, undefined);
    expect(ofHost.steps.some(({ op }) => op.op === "mount")).toBe(false);
  });
});
