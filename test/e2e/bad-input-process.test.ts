/** Users, seccomp profiles, working directories and commands that cannot be, over the real socket: refused in words. */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ContainerConfig, PodSandboxConfig } from "../../apps/runtime/src/api/index.ts";
import { CriBed, everyTestLeavesNothing, refusal, refused } from "../harness/cri-bed.ts";
import {
  createRequest,
  hostNetworkPod,
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
  await bed.loadBusybox("vitrine.test/numbered:1", { User: "99999999999" });
  await bed.loadBusybox("vitrine.test/wrapping:1", { User: "4294967296:0" });
  await bed.loadBusybox("vitrine.test/named:1", { User: "nosuch" });
  await bed.loadBusybox("vitrine.test/leaky:1", { WorkingDir: "/proc/self/fd/8" });
  pod = hostNetworkPod({ logDirectory: join(bed.directory, "logs") });
  ({ podSandboxId } = await bed.client.runPodSandbox(bed.context, { config: pod }));
});

afterAll(async () => {
  await bed.end();
});

everyTestLeavesNothing(() => bed);

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function create(changed: Partial<ContainerConfig> = {}): Promise<{ readonly containerId: string }> {
  return bed.client.createContainer(bed.context, createRequest(podSandboxId, pod, changed));
}

describe("a user", () => {
  test.each<[string, Partial<ContainerConfig>, RegExp]>([
    [
      "whose name is unknown",
      withSecurity({ runAsUsername: "nosuch" }),
      /user "nosuch" is not in the image's \/etc\/passwd/,
    ],
    ["whose name is unknown, of the image", withImage("vitrine.test/named:1"), /user "nosuch"/],
    [
      "one beyond 32 bits",
      withSecurity({ runAsUser: { value: 4294967296 } }),
      /user id 4294967296/,
    ],
    [
      "far beyond 32 bits",
      withSecurity({ runAsUser: { value: 99999999999 } }),
      /user id 99999999999/,
    ],
    [
      "that setuid takes for unchanged",
      withSecurity({ runAsUser: { value: 4294967295 } }),
      /user id 4294967295/,
    ],
    [
      "beyond 2^53",
      withSecurity({ runAsUser: { value: 2 ** 62 } }),
      /user id 46116860184273\d+ is not a number/,
    ],
    ["below zero", withSecurity({ runAsUser: { value: -1 } }), /user id -1/],
    [
      "by a name that is a number too large",
      withSecurity({ runAsUsername: "4294967296" }),
      /user id 4294967296/,
    ],
    ["by USER 99999999999", withImage("vitrine.test/numbered:1"), /user id 99999999999/],
    ["by USER 4294967296:0", withImage("vitrine.test/wrapping:1"), /user id 4294967296/],
    [
      "missing beside a group",
      withSecurity({ runAsGroup: { value: 7 } }),
      /group 7 is specified without a user/,
    ],
    [
      "with a group beyond 32 bits",
      withSecurity({ runAsUser: { value: 1 }, runAsGroup: { value: 4294967296 } }),
      /group id 4294967296/,
    ],
    [
      "with a supplemental group beyond 32 bits",
      withSecurity({ supplementalGroups: [99999999999] }),
      /group id 99999999999/,
    ],
  ])("%s", async (_what, changed, message) => {
    expect(await refusal(create(changed))).toEqual(refused("INVALID_ARGUMENT", message));
  });
});

describe("a seccomp profile", () => {
  const profile = (): string => join(bed.directory, "profile.json");

  test.each<[string, string, RegExp]>([
    ["that is no JSON", "{not json", /seccomp profile \S+\/profile\.json: it is not JSON/],
    ["that is a list", "[]", /profile\.json/],
    ["with an unknown action", '{"defaultAction":"SCMP_ACT_NONSENSE"}', /SCMP_ACT_NONSENSE/],
    [
      "with an unknown action for one syscall",
      '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["read"],"action":"SCMP_ACT_MAYBE"}]}',
      /SCMP_ACT_MAYBE/,
    ],
    [
      "with an unknown comparison",
      '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["read"],"action":"SCMP_ACT_ERRNO","args":[{"index":0,"value":1,"op":"SCMP_CMP_NO"}]}]}',
      /SCMP_CMP_NO/,
    ],
    ["that is empty", "", /profile\.json/],
  ])("%s", async (_what, text, message) => {
    writeFileSync(profile(), text);
    const call = create(
      withSecurity({ seccomp: { profileType: "Localhost", localhostRef: profile() } }),
    );
    expect(await refusal(call)).toEqual(refused("INVALID_ARGUMENT", message));
    rmSync(profile());
  });

  test.each([
    ["that is missing", "/nosuch/profile.json", /\/nosuch\/profile\.json/],
    ["that is a directory", "/etc", /\/etc/],
    ["that never ends", "/dev/zero", /\/dev\/zero/],
    ["by a relative path", "profile.json", /profile\.json/],
    ["without a name", "", /seccomp/],
  ])("%s", async (_what, localhostRef, message) => {
    const call = create(withSecurity({ seccomp: { profileType: "Localhost", localhostRef } }));
    expect(await refusal(call)).toEqual(refused("INVALID_ARGUMENT", message));
  });
});

describe("a working directory", () => {
  test.each<[string, Partial<ContainerConfig>, RegExp]>([
    ...[3, 7, 8, 9, 20].map((fd): [string, Partial<ContainerConfig>, RegExp] => [
      `through descriptor ${fd}`,
      { workingDir: `/proc/self/fd/${fd}` },
      new RegExp(`working directory "/proc/self/fd/${fd}"`),
    ]),
    [
      "through a descriptor, from above",
      { workingDir: "/proc/self/fd/7/../../../.." },
      /working directory/,
    ],
    [
      "through a descriptor, of the image",
      withImage("vitrine.test/leaky:1"),
      /working directory "\/proc\/self\/fd\/8"/,
    ],
    ["of another process", { workingDir: "/proc/1/root/etc/nosuch" }, /working directory/],
    ["that is relative", { workingDir: "tmp" }, /tmp/],
    ["that is a file", { workingDir: "/etc/passwd" }, /\/etc\/passwd/],
  ])("%s", async (_what, changed, message) => {
    expect(await refusal(create(changed))).toEqual(refused("INVALID_ARGUMENT", message));
  });
});

describe("a command", () => {
  test.each([
    ["that is not found in PATH", ["nosuch", "-x"], /exec "nosuch": command not found/],
    ["that is a path to nothing", ["/no/such"], /exec "\/no\/such": command not found/],
    ["that is not executable", ["/etc/passwd"], /exec "\/etc\/passwd": permission denied/],
    ["that is a directory", ["/etc"], /exec "\/etc": permission denied/],
    ["that leads through a file", ["/etc/passwd/x"], /exec "\/etc\/passwd\/x": command not found/],
  ])(
    "%s: StartContainer fails, and the status says so for good",
    async (_what, command, message) => {
      const { client, context } = bed;
      const { containerId } = await create({ command });
      expect(await refusal(client.startContainer(context, { containerId }))).toEqual(
        refused("INVALID_ARGUMENT", message),
      );
      const { status } = await client.containerStatus(context, { containerId });
      expect(status).toMatchObject({
        state: "CONTAINER_EXITED",
        exitCode: 128,
        reason: "StartError",
        message: expect.stringMatching(message),
      });
      expect(status?.finishedAt).toBeGreaterThanOrEqual(
        status?.createdAt ?? Number.POSITIVE_INFINITY,
      );
      expect(await refusal(client.startContainer(context, { containerId }))).toEqual(
        refused("FAILED_PRECONDITION", /is exited: cannot start/),
      );
      await client.stopContainer(context, { containerId, timeout: 5 });
      await client.removeContainer(context, { containerId });
    },
  );

  test.each<[string, Partial<ContainerConfig>]>([
    ["the command", { command: ["sh\0x"] }],
    ["the name of a variable", { envs: [{ key: "A\0NUL", value: bytes("x") }] }],
    ["the value of a variable", { envs: [{ key: "A", value: bytes("x\0y") }] }],
    ["the working directory", { workingDir: "/tmp\0/etc" }],
  ])("with a NUL in %s is refused", async (_what, changed) => {
    expect(await refusal(create(changed))).toEqual(refused("INVALID_ARGUMENT", /NUL/));
  });

  test("whose environment is no UTF-8 or has a name with = is refused", async () => {
    const binary = { envs: [{ key: "A", value: Uint8Array.of(0xff, 0xfe) }] };
    expect(await refusal(create(binary))).toEqual(refused("INVALID_ARGUMENT", /A.*UTF-8/));
    const equals = { envs: [{ key: "A=B", value: bytes("x") }] };
    expect(await refusal(create(equals))).toEqual(refused("INVALID_ARGUMENT", /A=B/));
  });

  test.each<[string, Partial<ContainerConfig>, RegExp]>([
    [
      "argument",
      { command: ["true", "x".repeat(200_000)] },
      /too long: argument 1 is 200000 bytes/,
    ],
    [
      "variable",
      { envs: [{ key: "A", value: bytes("x".repeat(200_000)) }] },
      /too long: environment variable A is 200002 bytes/,
    ],
    ["list of arguments", { command: Array(20_000).fill("true") }, /too long: more than 16384/],
    [
      "sum of arguments",
      { command: ["true", ...Array(40).fill("x".repeat(100_000))] },
      /too long: arguments and environment are 40\d+ bytes/,
    ],
    ["working directory", { workingDir: `/${"w".repeat(5000)}` }, /working directory is longer/],
    ["mount target", withMount({ containerPath: `/${"m".repeat(5000)}` }), /mount|path/],
    ["mount source", withMount({ hostPath: `/${"m".repeat(5000)}` }), /mount|path/],
    ["log path", { logPath: `${"l".repeat(90)}/`.repeat(50) }, /path of the log is longer/],
    ["name of the log", { logPath: "l".repeat(300) }, /log file .*its name is too long/],
    ["command", { command: ["c".repeat(5000)] }, /path of the command is 5000 bytes/],
  ])("with a %s that is too long is refused", async (_what, changed, message) => {
    expect(await refusal(create(changed))).toEqual(refused("INVALID_ARGUMENT", message));
  });

  test("longer than the kernel takes fails to start, with words", async () => {
    const { client, context } = bed;
    const { containerId } = await create({
      command: ["true", ...Array(25).fill("x".repeat(100_000))],
    });
    expect(await refusal(client.startContainer(context, { containerId }))).toEqual(
      refused("INVALID_ARGUMENT", /arguments and environment are too long/),
    );
    await client.removeContainer(context, { containerId });
  });

  test("of a hundred kilobytes in many arguments runs", async () => {
    const { client, context } = bed;
    const args = Array.from({ length: 100 }, (_, index) => `${index}${"y".repeat(1000)}`);
    const { containerId } = await create({ command: ["true", ...args] });
    await client.startContainer(context, { containerId });
    await expect
      .poll(async () => (await client.containerStatus(context, { containerId })).status)
      .toMatchObject({ state: "CONTAINER_EXITED", exitCode: 0 });
    await client.removeContainer(context, { containerId });
  });
});
