import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeBusyboxImage } from "../../../../test/harness/busybox-image.ts";
import {
  containerSecurity,
  createRequest,
  hostNetworkPod,
  namespaceOptions,
  podConfig,
} from "../../../../test/harness/cri-requests.ts";
import { LinuxEngine } from "../../../../test/harness/linux-engine.ts";
import { ownResidue } from "../../../../test/harness/own-residue.ts";
import type { ContainerConfig, Mount, PodSandboxConfig } from "../api/index.ts";

let node: LinuxEngine;
let pod: PodSandboxConfig;
let podSandboxId: string;
const residue = (): readonly string[] =>
  ownResidue(node.directory, node.options.cgroupParentDefault);

beforeAll(async () => {
  node = await LinuxEngine.start();
  const archive = join(node.directory, "busybox.tar");
  writeBusyboxImage(archive, { reference: "vitrine.test/busybox:1" });
  await node.engine.loadImage(node.context, { path: archive });
  pod = hostNetworkPod({ logDirectory: join(node.directory, "logs") });
  const request = { config: pod, runtimeHandler: "" };
  podSandboxId = (await node.engine.runPodSandbox(node.context, request)).podSandboxId;
});

afterAll(async () => {
  await node.end();
});

function code(expected: string, message?: RegExp): unknown {
  return expect.objectContaining({
    code: expected,
    ...(message === undefined ? {} : { message: expect.stringMatching(message) }),
  });
}

const mount: Mount = {
  containerPath: "/mnt",
  hostPath: "/tmp",
  readonly: false,
  selinuxRelabel: false,
  propagation: "PROPAGATION_PRIVATE",
  uidMappings: [],
  gidMappings: [],
  recursiveReadOnly: false,
  imageSubPath: "",
  mountOptions: [],
};

function image(name: string): NonNullable<ContainerConfig["image"]> {
  return { image: name, annotations: {}, userSpecifiedImage: "", runtimeHandler: "", imageRef: "" };
}

describe("a pod sandbox with a bad config", () => {
  it.each<[string, Partial<PodSandboxConfig>, string, string, RegExp]>([
    ["no metadata", { metadata: undefined }, "", "INVALID_ARGUMENT", /no metadata/],
    [
      "an unknown runtime handler",
      {},
      "nosuch",
      "INVALID_ARGUMENT",
      /nosuch.*configured are: vitrine/,
    ],
    [
      "a systemd slice as cgroup parent",
      { linux: { cgroupParent: "kubepods.slice", sysctls: {} } },
      "",
      "INVALID_ARGUMENT",
      /systemd slice/,
    ],
    [
      "a cgroup parent that climbs",
      { linux: { cgroupParent: "/a/../../b", sysctls: {} } },
      "",
      "INVALID_ARGUMENT",
      /cgroup parent/,
    ],
    [
      "a sysctl of the whole host",
      { linux: { cgroupParent: "", sysctls: { "kernel.core_pattern": "|/x" } } },
      "",
      "INVALID_ARGUMENT",
      /core_pattern/,
    ],
  ])(
    "is refused for %s, and leaves nothing",
    async (_what, changed, runtimeHandler, ...expected) => {
      const before = residue();
      const config = { ...hostNetworkPod(), ...changed };
      const run = node.engine.runPodSandbox(node.context, { config, runtimeHandler });
      await expect(run).rejects.toEqual(code(...expected));
      expect(residue()).toEqual(before);
    },
  );

  it("is refused without a network configuration, and leaves nothing", async () => {
    const before = residue();
    const run = node.engine.runPodSandbox(node.context, {
      config: podConfig(),
      runtimeHandler: "",
    });
    await expect(run).rejects.toEqual(code("UNAVAILABLE", /network/));
    expect(residue()).toEqual(before);
  });

  it("is refused when its name is taken, also when twenty ask at once", async () => {
    const config = hostNetworkPod();
    const calls = await Promise.allSettled(
      Array.from({ length: 20 }, () =>
        node.engine.runPodSandbox(node.context, { config, runtimeHandler: "" }),
      ),
    );
    const made = calls.filter((call) => call.status === "fulfilled");
    expect(made).toHaveLength(1);
    for (const call of calls) {
      if (call.status === "rejected")
        expect(call.reason).toEqual(code("ALREADY_EXISTS", /reserved/));
    }
    await node.engine.removePodSandbox(node.context, made[0]?.value as { podSandboxId: string });
  });
});

describe("a container with a bad config", () => {
  const privileged = { securityContext: { ...containerSecurity, privileged: true } };
  it.each<[string, Partial<ContainerConfig>, string, RegExp]>([
    ["no metadata", { metadata: undefined }, "INVALID_ARGUMENT", /metadata/],
    ["no name", { metadata: { name: "", attempt: 0 } }, "INVALID_ARGUMENT", /no name/],
    ["no image", { image: undefined }, "INVALID_ARGUMENT", /no image/],
    ["an absent image", { image: image("nosuch.test/x:1") }, "NOT_FOUND", /nosuch.test\/x:1/],
    ["privilege in a pod without", { linux: privileged }, "INVALID_ARGUMENT", /privileged/],
    ["a log path that climbs", { logPath: "../../x" }, "INVALID_ARGUMENT", /log_path/],
    ["an absolute log path", { logPath: "/etc/x" }, "INVALID_ARGUMENT", /log_path/],
    [
      "an unknown user",
      { linux: { securityContext: { ...containerSecurity, runAsUsername: "nosuch" } } },
      "INVALID_ARGUMENT",
      /nosuch/,
    ],
    [
      "a user beyond 32 bits",
      { linux: { securityContext: { ...containerSecurity, runAsUser: { value: 2 ** 32 } } } },
      "INVALID_ARGUMENT",
      /4294967296/,
    ],
    [
      "a group without a user",
      { linux: { securityContext: { ...containerSecurity, runAsGroup: { value: 7 } } } },
      "INVALID_ARGUMENT",
      /without a user/,
    ],
    [
      "a mount source that is not there",
      { mounts: [{ ...mount, hostPath: "/nosuch/at/all" }] },
      "INVALID_ARGUMENT",
      /\/nosuch\/at\/all/,
    ],
    [
      "a mount over /proc",
      { mounts: [{ ...mount, containerPath: "/proc/self" }] },
      "INVALID_ARGUMENT",
      /\/proc/,
    ],
    [
      "a broken seccomp profile",
      {
        linux: {
          securityContext: {
            ...containerSecurity,
            seccomp: { profileType: "Localhost", localhostRef: "/etc/hostname" },
          },
        },
      },
      "INVALID_ARGUMENT",
      /seccomp/,
    ],
    [
      "an absent seccomp profile",
      {
        linux: {
          securityContext: {
            ...containerSecurity,
            seccomp: { profileType: "Localhost", localhostRef: "/nosuch.json" },
          },
        },
      },
      "INVALID_ARGUMENT",
      /nosuch.json/,
    ],
    [
      "a pid target of another pod",
      {
        linux: {
          securityContext: {
            ...containerSecurity,
            namespaceOptions: { ...namespaceOptions, pid: "TARGET", targetId: "abc" },
          },
        },
      },
      "INVALID_ARGUMENT",
      /target/,
    ],
    [
      "a working directory through an fd",
      { workingDir: "/proc/self/fd/7" },
      "INVALID_ARGUMENT",
      /fd\/7/,
    ],
    ["a relative working directory", { workingDir: "tmp" }, "INVALID_ARGUMENT", /tmp/],
    [
      "a working directory that is a file",
      { workingDir: "/etc/passwd" },
      "INVALID_ARGUMENT",
      /passwd/,
    ],
  ])("is refused for %s, and leaves nothing", async (_what, changed, ...expected) => {
    const before = residue();
    const create = node.engine.createContainer(
      node.context,
      createRequest(podSandboxId, pod, changed),
    );
    await expect(create).rejects.toEqual(code(...expected));
    expect(residue()).toEqual(before);
    expect((await node.engine.listContainers(node.context, {})).containers).toEqual([]);
  });

  it("is refused when its name is taken, and leaves the one that has it alone", async () => {
    const request = createRequest(podSandboxId, pod);
    const { containerId } = await node.engine.createContainer(node.context, request);
    const again = node.engine.createContainer(node.context, request);
    await expect(again).rejects.toEqual(code("ALREADY_EXISTS", new RegExp(containerId)));
    await node.engine.startContainer(node.context, { containerId });
    await node.engine.removeContainer(node.context, { containerId });
  });

  it("is refused in a pod that is unknown, or stopped", async () => {
    const { engine, context } = node;
    const unknown = createRequest("f".repeat(64), pod);
    await expect(engine.createContainer(context, unknown)).rejects.toEqual(code("NOT_FOUND"));
    const config = hostNetworkPod();
    const made = await engine.runPodSandbox(context, { config, runtimeHandler: "" });
    await engine.stopPodSandbox(context, made);
    const request = createRequest(made.podSandboxId, config);
    await expect(engine.createContainer(context, request)).rejects.toEqual(
      code("FAILED_PRECONDITION", /not ready/),
    );
    await engine.removePodSandbox(context, made);
  });
});

describe("a container whose command cannot run", () => {
  it.each([
    ["is not there", ["nosuch", "-x"], /exec "nosuch": command not found/],
    ["is a path that is not there", ["/no/such"], /exec "\/no\/such": command not found/],
    ["is not executable", ["/etc/passwd"], /exec "\/etc\/passwd": permission denied/],
    ["is a directory", ["/etc"], /exec "\/etc": permission denied/],
  ])("because it %s, fails to start with code 128", async (_what, command, message) => {
    const { engine, context } = node;
    const before = residue();
    const request = createRequest(podSandboxId, pod, { command });
    const { containerId } = await engine.createContainer(context, request);
    await expect(engine.startContainer(context, { containerId })).rejects.toEqual(
      code("INVALID_ARGUMENT", message),
    );
    const { status } = await engine.containerStatus(context, { containerId, verbose: false });
    expect(status).toMatchObject({
      state: "CONTAINER_EXITED",
      exitCode: 128,
      reason: "StartError",
      message: expect.stringMatching(message),
    });
    expect(status?.finishedAt).toBeGreaterThan(0);
    await expect(engine.startContainer(context, { containerId })).rejects.toEqual(
      code("FAILED_PRECONDITION", /exited/),
    );
    await engine.removeContainer(context, { containerId });
    expect(residue()).toEqual(before);
  });
});

describe("calls about what is not there", () => {
  it("are errors where something is asked of it, and none where it is to be gone", async () => {
    const { engine, context } = node;
    const containerId = "e".repeat(64);
    const gone = { podSandboxId: "f".repeat(64) };
    await engine.stopContainer(context, { containerId, timeout: 0 });
    await engine.removeContainer(context, { containerId });
    await engine.stopPodSandbox(context, gone);
    await engine.removePodSandbox(context, gone);
    const asked = [
      engine.startContainer(context, { containerId }),
      engine.containerStatus(context, { containerId, verbose: false }),
      engine.execSync(context, { containerId, cmd: ["true"], timeout: 1 }),
      engine.reopenContainerLog(context, { containerId }),
      engine.updateContainerResources(context, { containerId, annotations: {} }),
      engine.podSandboxStatus(context, { ...gone, verbose: false }),
    ];
    for (const call of asked) await expect(call).rejects.toEqual(code("NOT_FOUND"));
    await expect(engine.startContainer(context, { containerId: "" })).rejects.toEqual(
      code("INVALID_ARGUMENT"),
    );
  });

  it("takes the beginning of an id for the id", async () => {
    const { engine, context } = node;
    const { status } = await engine.podSandboxStatus(context, {
      podSandboxId: podSandboxId.slice(0, 12),
      verbose: false,
    });
    expect(status?.id).toBe(podSandboxId);
  });

  it("does not exec in, reopen or update what does not run", async () => {
    const { engine, context } = node;
    const request = createRequest(podSandboxId, pod);
    const { containerId } = await engine.createContainer(context, request);
    for (const call of [
      engine.execSync(context, { containerId, cmd: ["true"], timeout: 1 }),
      engine.reopenContainerLog(context, { containerId }),
    ]) {
      await expect(call).rejects.toEqual(code("FAILED_PRECONDITION", /not running/));
    }
    await engine.removeContainer(context, { containerId });
  });
});
