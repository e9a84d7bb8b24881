/** Requests about containers that cannot be met, over the real socket: right code, plain words, nothing left. */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ContainerConfig, PodSandboxConfig } from "../../apps/runtime/src/api/index.ts";
import { CriBed, everyTestLeavesNothing, refusal, refused } from "../harness/cri-bed.ts";
import {
  createRequest,
  hostNetworkPod,
  namespaceOptions,
  withImage,
  withMount,
  withSecurity,
} from "../harness/cri-requests.ts";

let bed: CriBed;
let pod: PodSandboxConfig;
let podSandboxId: string;

beforeAll(async () => {
  bed = await CriBed.start();
  await bed.loadBusybox();
  await bed.loadBusybox("vitrine.test/idle:1", { Cmd: [], Entrypoint: [] });
  pod = hostNetworkPod({ logDirectory: join(bed.directory, "logs") });
  ({ podSandboxId } = await bed.client.runPodSandbox(bed.context, { config: pod }));
});

afterAll(async () => {
  await bed.end();
});

everyTestLeavesNothing(() => bed);

const unknownId = "e".repeat(64);

function create(changed: Partial<ContainerConfig> = {}): Promise<{ readonly containerId: string }> {
  return bed.client.createContainer(bed.context, createRequest(podSandboxId, pod, changed));
}

describe("CreateContainer", () => {
  test("without a config", async () => {
    const call = bed.client.createContainer(bed.context, { podSandboxId });
    expect(await refusal(call)).toEqual(refused("INVALID_ARGUMENT", /container config is missing/));
  });

  test.each<[string, Partial<ContainerConfig>, string, RegExp]>([
    ["without metadata", { metadata: undefined }, "INVALID_ARGUMENT", /no metadata/],
    ["without a name", { metadata: { name: "", attempt: 0 } }, "INVALID_ARGUMENT", /no name/],
    ["without an image", { image: undefined }, "INVALID_ARGUMENT", /names no image/],
    [
      "of an image that is absent",
      withImage("nosuch.test/x:1"),
      "NOT_FOUND",
      /nosuch\.test\/x:1 is not present; pull it first/,
    ],
    [
      "of an image by an absent digest",
      withImage(`x@sha256:${"0".repeat(64)}`),
      "NOT_FOUND",
      /is not present/,
    ],
    [
      "privileged in an unprivileged pod",
      withSecurity({ privileged: true }),
      "INVALID_ARGUMENT",
      /privileged container.*unprivileged pod sandbox/,
    ],
    [
      "with a relative mount target that climbs",
      withMount({ containerPath: "../mnt" }),
      "INVALID_ARGUMENT",
      /\.\.\/mnt/,
    ],
    [
      "with a mount over /proc",
      withMount({ containerPath: "/proc/sys" }),
      "INVALID_ARGUMENT",
      /\/proc/,
    ],
    [
      "with a mount source that is missing",
      withMount({ hostPath: "/nosuch/at/all" }),
      "INVALID_ARGUMENT",
      /\/nosuch\/at\/all/,
    ],
    [
      "with a mount source that is relative",
      withMount({ hostPath: "tmp" }),
      "INVALID_ARGUMENT",
      /"?tmp"?.*absolute/,
    ],
    [
      "with an unknown capability",
      withSecurity({
        capabilities: {
          addCapabilities: ["FLY"],
          dropCapabilities: [],
          addAmbientCapabilities: [],
        },
      }),
      "INVALID_ARGUMENT",
      /FLY/,
    ],
    [
      "with a missing device",
      { devices: [{ containerPath: "/dev/x", hostPath: "/dev/nosuch", permissions: "rwm" }] },
      "INVALID_ARGUMENT",
      /\/dev\/nosuch/,
    ],
    [
      "with a pid target of nowhere",
      withSecurity({
        namespaceOptions: { ...namespaceOptions, pid: "TARGET", targetId: unknownId },
      }),
      "INVALID_ARGUMENT",
      /target container/,
    ],
    [
      "without any command",
      { ...withImage("vitrine.test/idle:1"), command: [], args: [] },
      "INVALID_ARGUMENT",
      /command/,
    ],
  ])("%s", async (_what, changed, code, message) => {
    expect(await refusal(create(changed))).toEqual(refused(code, message));
  });

  test("twenty times at once: one container, nineteen refusals that name it", async () => {
    const calls = await Promise.allSettled(Array.from({ length: 20 }, () => create()));
    const made = calls.flatMap((call) => (call.status === "fulfilled" ? [call.value] : []));
    expect(made).toHaveLength(1);
    const containerId = made[0]?.containerId ?? "";
    for (const call of calls) {
      if (call.status === "fulfilled") continue;
      expect(call.reason).toMatchObject({
        code: "ALREADY_EXISTS",
        message: expect.stringContaining(containerId),
      });
    }
    await bed.client.removeContainer(bed.context, { containerId });
  });
});

describe("a log path", () => {
  const outside = (): string => join(bed.directory, "outside");

  test.each([
    ["../outside/log", /log_path.*leads out/],
    ["a/../../outside/log", /log_path.*leads out/],
    ["/etc/vitrine-log", /log_path.*leads out/],
    ["..", /log_path.*leads out/],
    ["a\0b", /log_path.*leads out/],
    ["./", /log_path.*names no file/],
  ])("of %j is refused", async (logPath, message) => {
    expect(await refusal(create({ logPath }))).toEqual(refused("INVALID_ARGUMENT", message));
    expect(existsSync(outside())).toBe(false);
  });

  test("in a pod without a log directory is refused", async () => {
    const config = hostNetworkPod();
    const made = await bed.client.runPodSandbox(bed.context, { config });
    const request = createRequest(made.podSandboxId, config, { logPath: "main/0.log" });
    expect(await refusal(bed.client.createContainer(bed.context, request))).toEqual(
      refused("INVALID_ARGUMENT", /log_directory.*none/),
    );
    await bed.client.removePodSandbox(bed.context, made);
  });

  test("through a symlink somebody planted is refused: nothing is written, nothing made behind it", async () => {
    const logs = pod.logDirectory;
    mkdirSync(outside());
    mkdirSync(logs, { recursive: true });
    writeFileSync(join(outside(), "precious"), "as it was");
    symlinkSync(outside(), join(logs, "through"));
    symlinkSync(join(outside(), "precious"), join(logs, "file.log"));
    symlinkSync(join(outside(), "new"), join(logs, "dangling.log"));
    for (const logPath of ["through/0.log", "through/deep/er/0.log", "file.log", "dangling.log"]) {
      expect(await refusal(create({ logPath }))).toEqual(
        refused("INVALID_ARGUMENT", new RegExp(`log .*${logPath.replace("/0.log", "")}`)),
      );
    }
    expect(readdirSync(outside())).toEqual(["precious"]);
    expect(readFileSync(join(outside(), "precious"), "utf8")).toBe("as it was");
    rmSync(outside(), { recursive: true });
    rmSync(logs, { recursive: true });
  });

  test("below a log directory that lies behind a symlink of the node's is written where the link leads", async () => {
    const { client, context } = bed;
    mkdirSync(outside());
    symlinkSync(outside(), join(bed.directory, "link"));
    const config = hostNetworkPod({ logDirectory: join(bed.directory, "link", "pod") });
    const made = await client.runPodSandbox(context, { config });
    const changed = { logPath: "main/0.log", command: ["echo", "here"] };
    const request = createRequest(made.podSandboxId, config, changed);
    const { containerId } = await client.createContainer(context, request);
    await client.startContainer(context, { containerId });
    await expect
      .poll(() => readFileSync(join(outside(), "pod/main/0.log"), "utf8"))
      .toMatch(/ stdout F here\n$/);
    const { status } = await client.containerStatus(context, { containerId });
    expect(status?.logPath).toBe(join(bed.directory, "link/pod/main/0.log"));
    await client.removePodSandbox(context, made);
    rmSync(outside(), { recursive: true });
    rmSync(join(bed.directory, "link"));
  });

  test("that is a directory, or leads through a file, is refused", async () => {
    mkdirSync(join(pod.logDirectory, "directory.log"), { recursive: true });
    writeFileSync(join(pod.logDirectory, "file"), "");
    for (const logPath of ["directory.log", "file/0.log"]) {
      expect(await refusal(create({ logPath }))).toEqual(
        refused("INVALID_ARGUMENT", new RegExp(`log .*${logPath.replace("/0.log", "")}`)),
      );
    }
    rmSync(pod.logDirectory, { recursive: true });
  });
});

describe("a container that is not there", () => {
  test("is started, looked at, exec'ed into, reopened and updated by nobody", async () => {
    const { client, context } = bed;
    const containerId = unknownId;
    for (const call of [
      () => client.startContainer(context, { containerId }),
      () => client.containerStatus(context, { containerId }),
      () => client.execSync(context, { containerId, cmd: ["true"] }),
      () => client.reopenContainerLog(context, { containerId }),
      () => client.updateContainerResources(context, { containerId, linux: { cpuShares: 2 } }),
      () => client.containerPlan(context, { containerId }),
    ]) {
      expect(await refusal(call())).toEqual(
        refused("NOT_FOUND", new RegExp(`container ${unknownId} not found`)),
      );
    }
  });

  test("is stopped and removed already, and in no list", async () => {
    const { client, context } = bed;
    await client.stopContainer(context, { containerId: unknownId });
    await client.removeContainer(context, { containerId: unknownId });
    const filter = { id: unknownId, labelSelector: {} };
    expect((await client.listContainers(context, { filter })).containers).toEqual([]);
  });

  test("for want of an id is INVALID_ARGUMENT everywhere", async () => {
    const { client, context } = bed;
    const containerId = "";
    for (const call of [
      () => client.startContainer(context, { containerId }),
      () => client.stopContainer(context, { containerId }),
      () => client.removeContainer(context, { containerId }),
      () => client.containerStatus(context, { containerId }),
      () => client.execSync(context, { containerId, cmd: ["true"] }),
      () => client.reopenContainerLog(context, { containerId }),
      () => client.updateContainerResources(context, { containerId }),
    ]) {
      expect(await refusal(call())).toEqual(refused("INVALID_ARGUMENT", /container id is missing/));
    }
  });
});

describe("a container in the wrong state", () => {
  test("created: nothing to exec in, no log to reopen", async () => {
    const { client, context } = bed;
    const { containerId } = await create();
    for (const call of [
      () => client.execSync(context, { containerId, cmd: ["true"] }),
      () => client.reopenContainerLog(context, { containerId }),
    ]) {
      expect(await refusal(call())).toEqual(refused("FAILED_PRECONDITION", /is not running/));
    }
    await client.removeContainer(context, { containerId });
  });

  test("running: cannot be started again; twenty starts at once start it once", async () => {
    const { client, context } = bed;
    const { containerId } = await create();
    const starts = await Promise.allSettled(
      Array.from({ length: 20 }, () => client.startContainer(context, { containerId })),
    );
    expect(starts.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    for (const start of starts) {
      if (start.status === "fulfilled") continue;
      expect(start.reason).toMatchObject({
        code: "FAILED_PRECONDITION",
        message: expect.stringMatching(/is running: cannot start/),
      });
    }
    await client.removeContainer(context, { containerId });
  });

  test("exited: cannot be started, exec'ed into, reopened or updated; can be stopped", async () => {
    const { client, context } = bed;
    const { containerId } = await create({ command: ["true"] });
    await client.startContainer(context, { containerId });
    await expect
      .poll(async () => (await client.containerStatus(context, { containerId })).status?.state)
      .toBe("CONTAINER_EXITED");
    for (const call of [
      () => client.startContainer(context, { containerId }),
      () => client.execSync(context, { containerId, cmd: ["true"] }),
      () => client.reopenContainerLog(context, { containerId }),
      () => client.updateContainerResources(context, { containerId, linux: { cpuShares: 2 } }),
    ]) {
      expect(await refusal(call())).toEqual(
        refused("FAILED_PRECONDITION", /is exited|is not running/),
      );
    }
    await client.stopContainer(context, { containerId, timeout: 1 });
    await client.removeContainer(context, { containerId });
  });
});

describe("ExecSync in a container that runs", () => {
  test("of commands that cannot be: refused with words, and the container goes on", async () => {
    const { client, context } = bed;
    const { containerId } = await create();
    await client.startContainer(context, { containerId });
    for (const [cmd, message] of [
      [[], /command/],
      [["nosuch"], /exec "nosuch": command not found/],
      [["/etc/passwd"], /permission denied/],
      [["true\0"], /NUL/],
      [["true", "x".repeat(200_000)], /too long: argument 1/],
    ] as const) {
      const call = client.execSync(context, { containerId, cmd: [...cmd], timeout: 5 });
      expect(await refusal(call)).toEqual(refused("INVALID_ARGUMENT", message));
    }
    const negative = client.execSync(context, { containerId, cmd: ["true"], timeout: -1 });
    expect(await refusal(negative)).toEqual(refused("INVALID_ARGUMENT", /timeout -1 is negative/));
    const slow = client.execSync(context, { containerId, cmd: ["sleep", "100"], timeout: 1 });
    expect(await refusal(slow)).toEqual(refused("DEADLINE_EXCEEDED", /took longer than 1 s/));
    const ps = await client.execSync(context, { containerId, cmd: ["ps"], timeout: 5 });
    expect(new TextDecoder().decode(ps.stdout)).not.toMatch(/sleep 100\n/);
    await client.removeContainer(context, { containerId });
  });
});

test("limits the kernel does not take are refused with the limit's name, and the container goes on", async () => {
  const { client, context } = bed;
  const { containerId } = await create();
  await client.startContainer(context, { containerId });
  const linux = { memoryLimitInBytes: 4096 };
  const low = await refusal(client.updateContainerResources(context, { containerId, linux }));
  expect(low).toEqual(refused("INVALID_ARGUMENT", /memory/));
  const cpus = { cpusetCpus: "0-9999" };
  expect(
    await refusal(client.updateContainerResources(context, { containerId, linux: cpus })),
  ).toEqual(refused("INVALID_ARGUMENT", /cpuset/));
  const { status } = await client.containerStatus(context, { containerId });
  expect(status?.state).toBe("CONTAINER_RUNNING");
  await client.removeContainer(context, { containerId });
});
