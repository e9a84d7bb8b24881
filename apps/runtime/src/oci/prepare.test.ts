import { describe, expect, it } from "vitest";
import type { ContainerConfig, NamespaceMode } from "../api/index.ts";
import { compileContainer } from "./compile.ts";
import { hostFacts, hostFiles } from "./fixture/host.ts";
import {
  containerConfig,
  containerRequest,
  containerSecurity,
  namespaceOptions,
  podConfig,
  sandboxRequest,
  sandboxSecurity,
} from "./fixture/requests.ts";
import { prepareContainer, prepareSandbox } from "./prepare.ts";

const files = hostFiles({
  "/dev/fuse": { device: "char", major: 10, minor: 229 },
  "/dev/disk/by-id/x": { link: "/dev/sda" },
  "/dev/sda": { device: "block", major: 8, minor: 0 },
  "/file": "text",
  "/sys/kernel/security/apparmor/profiles": "mine (enforce)\nother//sub (complain)\n",
});
const pause = { pid: 4000, startTime: 1 };
const target = { pid: 5000, startTime: 2 };

const prepare = (changes: Partial<ContainerConfig>) =>
  prepareContainer(files, containerRequest({ config: containerConfig(changes) }));

describe("devices", () => {
  it("follow symlinks and keep owner, mode and permissions", async () => {
    const devices = [{ containerPath: "/dev/x", hostPath: "/dev/disk/by-id/x", permissions: "r" }];
    expect((await prepare({ devices })).devices).toEqual([
      {
        path: "/dev/x",
        type: "block",
        major: 8,
        minor: 0,
        mode: 0o640,
        uid: 7,
        gid: 8,
        permissions: "r",
      },
    ]);
  });

  it.each([
    [{ containerPath: "/dev/x", hostPath: "/dev/nope", permissions: "rwm" }, /does not exist/],
    [{ containerPath: "/dev/x", hostPath: "/file", permissions: "rwm" }, /is a file/],
    [{ containerPath: "/dev/x", hostPath: "/dev/fuse", permissions: "rx" }, /permissions/],
    [{ containerPath: "dev/x", hostPath: "/dev/fuse", permissions: "r" }, /not absolute/],
  ])("refuses %j", async (device, message) => {
    await expect(prepare({ devices: [device] })).rejects.toThrow(message);
  });

  it("by a CDI name are refused by name", async () => {
    await expect(prepare({ cdiDevices: [{ name: "vendor.com/gpu=0" }] })).rejects.toThrow(
      "vendor.com/gpu=0",
    );
  });
});

describe("namespaces", () => {
  async function pidNamespace(pid: NamespaceMode, podPid: NamespaceMode, withTarget = true) {
    const request = containerRequest({
      pod: podConfig({
        linux: {
          cgroupParent: "",
          sysctls: {},
          securityContext: sandboxSecurity({ namespaceOptions: namespaceOptions({ pid: podPid }) }),
        },
      }),
      config: containerConfig({
        linux: {
          securityContext: containerSecurity({ namespaceOptions: namespaceOptions({ pid }) }),
        },
      }),
    });
    const groundwork = await prepareContainer(files, request);
    const around = withTarget ? { pause, target } : { pause };
    const { spec } = compileContainer(request, groundwork, around);
    return spec.linux.namespaces.find((one) => one.type === "pid");
  }

  it.each([
    ["CONTAINER", "POD", { type: "pid" }],
    ["POD", "POD", { type: "pid", path: "/proc/4000/ns/pid" }],
    ["TARGET", "POD", { type: "pid", path: "/proc/5000/ns/pid" }],
    ["NODE", "NODE", undefined],
    ["POD", "NODE", undefined],
    ["CONTAINER", "NODE", { type: "pid" }],
  ] as const)("pid %s in a pod with %s", async (mode, podMode, expected) => {
    expect(await pidNamespace(mode, podMode)).toEqual(expected);
  });

  it("of the host are not for a container whose pod has its own", async () => {
    await expect(pidNamespace("NODE", "POD")).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });

  it("of a target that is gone cannot be joined", async () => {
    await expect(pidNamespace("TARGET", "POD", false)).rejects.toMatchObject({
      code: "FAILED_PRECONDITION",
    });
  });

  it.each([
    { network: "CONTAINER" },
    { ipc: "TARGET" },
    { pid: "TARGET" },
    { usernsOptions: { mode: "POD", uids: [], gids: [] } },
    { usernsOptions: { mode: "CONTAINER", uids: [], gids: [] } },
    { usernsOptions: { mode: "NODE", uids: [{ hostId: 0, containerId: 0, length: 1 }], gids: [] } },
  ] as const)("%j is nothing for a pod", async (changes) => {
    const options = namespaceOptions(changes);
    const securityContext = sandboxSecurity({ namespaceOptions: options });
    const config = podConfig({ linux: { cgroupParent: "", sysctls: {}, securityContext } });
    await expect(prepareSandbox(files, sandboxRequest({ config }))).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
  });
});

describe("AppArmor", () => {
  const ask = (apparmor: boolean, localhostRef: string) =>
    prepareContainer(
      files,
      containerRequest({
        facts: hostFacts({ apparmor }),
        config: containerConfig({
          linux: {
            securityContext: containerSecurity({
              apparmor: { profileType: "Localhost", localhostRef },
              apparmorProfile: "localhost/ignored",
            }),
          },
        }),
      }),
    );

  it("profiles have to be loaded, on a host that has AppArmor", async () => {
    expect((await ask(true, "mine")).apparmorProfile).toBe("mine");
    expect((await ask(true, "localhost/other//sub")).apparmorProfile).toBe("other//sub");
    await expect(ask(true, "absent")).rejects.toThrow("not loaded");
    await expect(ask(false, "mine")).rejects.toThrow("no AppArmor");
    await expect(ask(true, "")).rejects.toThrow("no name");
  });
});

it.each(["a\nb", "a b", "x".repeat(65), "a/b"])(
  "%j is no name for a pod's host",
  async (hostname) => {
    const request = sandboxRequest({ config: podConfig({ hostname }) });
    await expect(prepareSandbox(files, request)).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
  },
);

it("annotations of pod and container do not reach the spec (CVE-2023-6476)", async () => {
  const annotations = { "org.systemd.property.X": "'y'", "run.oci.handler": "wasm" };
  const request = containerRequest({
    pod: podConfig({ annotations }),
    config: containerConfig({ annotations }),
    image: { Entrypoint: ["/x"], Labels: annotations },
  });
  const { spec } = compileContainer(request, await prepareContainer(files, request), { pause });
  for (const key of Object.keys(spec.annotations)) expect(key).toMatch(/^io\.kubernetes\.cri\./);
});
