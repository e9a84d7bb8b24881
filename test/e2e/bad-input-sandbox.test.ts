/** Requests about pod sandboxes that cannot be met, over the real socket: right code, plain words, nothing left. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type {
  LinuxSandboxSecurityContext,
  PodSandboxConfig,
} from "../../apps/runtime/src/api/index.ts";
import { CriBed, everyTestLeavesNothing, refusal, refused } from "../harness/cri-bed.ts";
import {
  createRequest,
  hostNetworkPod,
  namespaceOptions,
  podConfig,
} from "../harness/cri-requests.ts";

let bed: CriBed;

beforeAll(async () => {
  bed = await CriBed.start();
  await bed.loadBusybox();
});

afterAll(async () => {
  await bed.end();
});

everyTestLeavesNothing(() => bed);

const unknownId = "f".repeat(64);

const security: LinuxSandboxSecurityContext = {
  namespaceOptions: { ...namespaceOptions, network: "NODE" },
  readonlyRootfs: false,
  supplementalGroups: [],
  privileged: false,
  seccompProfilePath: "",
  supplementalGroupsPolicy: "Merge",
};

function linux(changed: Partial<LinuxSandboxSecurityContext>): Partial<PodSandboxConfig> {
  return {
    linux: { cgroupParent: "", sysctls: {}, securityContext: { ...security, ...changed } },
  };
}

function withLinux(
  changed: Partial<NonNullable<PodSandboxConfig["linux"]>>,
): Partial<PodSandboxConfig> {
  return { linux: { cgroupParent: "", sysctls: {}, securityContext: security, ...changed } };
}

describe("RunPodSandbox", () => {
  test("without a config", async () => {
    expect(await refusal(bed.client.runPodSandbox(bed.context, {}))).toEqual(
      refused("INVALID_ARGUMENT", /pod sandbox config is missing/),
    );
  });

  const metadata = { name: "a", namespace: "b", uid: "c", attempt: 0 };
  test.each<[string, Partial<PodSandboxConfig>, RegExp]>([
    ["without metadata", { metadata: undefined }, /no metadata/],
    ["without a name", { metadata: { ...metadata, name: "" } }, /no name/],
    ["without a namespace", { metadata: { ...metadata, namespace: "" } }, /no namespace/],
    ["without a uid", { metadata: { ...metadata, uid: "" } }, /no uid/],
    [
      "with a line break in its name",
      { metadata: { ...metadata, name: "a\nb" } },
      /control character/,
    ],
    [
      "with a hostname that is too long",
      { hostname: "h".repeat(65) },
      /hostname h+ is longer than 64/,
    ],
    ["with a hostname that is a path", { hostname: "../h" }, /hostname "..\/h" is no host name/],
    [
      "with a line break in a DNS server",
      { dnsConfig: { servers: ["1.1.1.1\noptions x"], searches: [], options: [] } },
      /dns_config has the unusable value "1.1.1.1\\noptions x"/,
    ],
    ["with a relative log directory", { logDirectory: "var/log" }, /log_directory/],
    ["with a log directory that climbs", { logDirectory: "/var/log/../../etc" }, /log_directory/],
    [
      "with a systemd slice for a cgroup",
      withLinux({ cgroupParent: "a.slice" }),
      /a\.slice.*systemd slice/,
    ],
    [
      "with a cgroup parent that climbs",
      withLinux({ cgroupParent: "/a/../../b" }),
      /cgroup parent.*\.\./,
    ],
    [
      "with a sysctl of the whole host",
      withLinux({ sysctls: { "kernel.core_pattern": "|/bin/sh" } }),
      /kernel\.core_pattern/,
    ],
    [
      "with a sysctl that is a path",
      withLinux({ sysctls: { "net/../kernel/core_pattern": "x" } }),
      /core_pattern.*is no name of a sysctl/,
    ],
    [
      "with a sysctl of the network on the host's network",
      withLinux({ sysctls: { "net.ipv4.ip_forward": "1" } }),
      /net\.ipv4\.ip_forward.*host/,
    ],
    [
      "with a pid namespace of a target",
      linux({ namespaceOptions: { ...namespaceOptions, pid: "TARGET", targetId: "x" } }),
      /target/,
    ],
    [
      "with a network namespace a container",
      linux({ namespaceOptions: { ...namespaceOptions, network: "CONTAINER" } }),
      /CONTAINER.*network/,
    ],
    ["with a user beyond 32 bits", linux({ runAsUser: { value: 4294967296 } }), /4294967296/],
    ["with a user far beyond", linux({ runAsUser: { value: 99999999999 } }), /99999999999/],
    ["with a negative user", linux({ runAsUser: { value: -1 } }), /user id -1/],
    ["with a group and no user", linux({ runAsGroup: { value: 7 } }), /without a user/],
    [
      "with a supplemental group beyond 32 bits",
      linux({ supplementalGroups: [4294967296] }),
      /4294967296/,
    ],
    [
      "with a seccomp profile that is not there",
      linux({ seccomp: { profileType: "Localhost", localhostRef: "/nosuch/profile.json" } }),
      /\/nosuch\/profile\.json/,
    ],
    [
      "with a seccomp profile by a relative path",
      linux({ seccomp: { profileType: "Localhost", localhostRef: "profiles/x.json" } }),
      /profiles\/x\.json/,
    ],
  ])("%s", async (_what, changed, message) => {
    const config = { ...hostNetworkPod(), ...changed };
    expect(await refusal(bed.client.runPodSandbox(bed.context, { config }))).toEqual(
      refused("INVALID_ARGUMENT", message),
    );
  });

  test.each<[string, Partial<PodSandboxConfig["portMappings"][number]>, RegExp]>([
    ["beyond 65535", { hostPort: 70000 }, /70000/],
    ["below zero", { hostPort: -1 }, /-1/],
    ["of a container beyond 65535", { hostPort: 8080, containerPort: 65536 }, /65536/],
    ["on an address that is none", { hostPort: 8080, hostIp: "1.2.3" }, /1\.2\.3/],
  ])("with a host port %s", async (_what, changed, message) => {
    const mapping = {
      protocol: "TCP",
      containerPort: 80,
      hostPort: 0,
      hostIp: "",
      ...changed,
    } as const;
    const config = podConfig({ portMappings: [mapping] });
    expect(await refusal(bed.client.runPodSandbox(bed.context, { config }))).toEqual(
      refused("INVALID_ARGUMENT", message),
    );
  });

  test("with a runtime handler that is not configured", async () => {
    const run = bed.client.runPodSandbox(bed.context, {
      config: hostNetworkPod(),
      runtimeHandler: "nosuch",
    });
    expect(await refusal(run)).toEqual(
      refused("INVALID_ARGUMENT", /nosuch.*configured are: vitrine/),
    );
  });

  test("with a name that is taken: the pod that has it is named, and not disturbed", async () => {
    const config = hostNetworkPod();
    const { podSandboxId } = await bed.client.runPodSandbox(bed.context, { config });
    expect(await refusal(bed.client.runPodSandbox(bed.context, { config }))).toEqual(
      refused("ALREADY_EXISTS", new RegExp(`reserved.*${podSandboxId}`)),
    );
    const { status } = await bed.client.podSandboxStatus(bed.context, { podSandboxId });
    expect(status?.state).toBe("SANDBOX_READY");
    await bed.client.removePodSandbox(bed.context, { podSandboxId });
    const again = await bed.client.runPodSandbox(bed.context, { config });
    expect(again.podSandboxId).not.toBe(podSandboxId);
    await bed.client.removePodSandbox(bed.context, again);
  });

  test("twenty times at once with a network: one pod, one address, nineteen refusals", async () => {
    const config = podConfig();
    const calls = await Promise.allSettled(
      Array.from({ length: 20 }, () => bed.client.runPodSandbox(bed.context, { config })),
    );
    const made = calls.flatMap((call) => (call.status === "fulfilled" ? [call.value] : []));
    expect(made).toHaveLength(1);
    for (const call of calls) {
      if (call.status === "fulfilled") continue;
      expect(call.reason).toMatchObject({ code: "ALREADY_EXISTS" });
    }
    const { items } = await bed.client.listPodSandbox(bed.context, {});
    expect(items.map(({ id }) => id)).toEqual([made[0]?.podSandboxId]);
    expect((await bed.residue()).filter((line) => line.startsWith("interface"))).toHaveLength(1);
    await bed.client.removePodSandbox(bed.context, made[0] ?? { podSandboxId: "" });
  });
});

describe("a pod sandbox that is not there", () => {
  test("has no status and takes no container", async () => {
    const status = bed.client.podSandboxStatus(bed.context, { podSandboxId: unknownId });
    expect(await refusal(status)).toEqual(
      refused("NOT_FOUND", new RegExp(`pod sandbox.*${unknownId}`)),
    );
    const create = bed.client.createContainer(
      bed.context,
      createRequest(unknownId, hostNetworkPod()),
    );
    expect(await refusal(create)).toEqual(refused("NOT_FOUND", new RegExp(unknownId)));
  });

  test("is stopped and removed already", async () => {
    await bed.client.stopPodSandbox(bed.context, { podSandboxId: unknownId });
    await bed.client.removePodSandbox(bed.context, { podSandboxId: unknownId });
  });

  test("is in no list", async () => {
    const filter = { id: unknownId, labelSelector: {} };
    expect((await bed.client.listPodSandbox(bed.context, { filter })).items).toEqual([]);
  });

  test.each(["../../etc", "..", "f\0f", "%2e%2e", "' OR 1=1 --"])(
    "may be called %j",
    async (podSandboxId) => {
      expect(await refusal(bed.client.podSandboxStatus(bed.context, { podSandboxId }))).toEqual(
        refused("NOT_FOUND", /pod sandbox/),
      );
      await bed.client.stopPodSandbox(bed.context, { podSandboxId });
      await bed.client.removePodSandbox(bed.context, { podSandboxId });
    },
  );
});

test("an empty id stands for no pod, and is said to be missing", async () => {
  const config = hostNetworkPod();
  const made = await bed.client.runPodSandbox(bed.context, { config });
  const podSandboxId = "";
  for (const call of [
    () => bed.client.podSandboxStatus(bed.context, { podSandboxId }),
    () => bed.client.stopPodSandbox(bed.context, { podSandboxId }),
    () => bed.client.removePodSandbox(bed.context, { podSandboxId }),
    () => bed.client.createContainer(bed.context, createRequest("", config)),
  ]) {
    expect(await refusal(call())).toEqual(refused("INVALID_ARGUMENT", /pod sandbox id is missing/));
  }
  const { status } = await bed.client.podSandboxStatus(bed.context, made);
  expect(status?.state).toBe("SANDBOX_READY");
  await bed.client.removePodSandbox(bed.context, made);
});

describe("a pod sandbox in the wrong state", () => {
  test("takes no container once stopped, and starts none", async () => {
    const config = hostNetworkPod();
    const made = await bed.client.runPodSandbox(bed.context, { config });
    const request = createRequest(made.podSandboxId, config);
    const { containerId } = await bed.client.createContainer(bed.context, request);
    await bed.client.stopPodSandbox(bed.context, made);
    expect(await refusal(bed.client.createContainer(bed.context, request))).toEqual(
      refused("FAILED_PRECONDITION", /not ready/),
    );
    expect(await refusal(bed.client.startContainer(bed.context, { containerId }))).toEqual(
      refused("FAILED_PRECONDITION", /pod sandbox .* not ready/),
    );
    await bed.client.removePodSandbox(bed.context, made);
  });

  test("stopped and removed by ten at once is gone, and nobody was told of an error", async () => {
    const made = await bed.client.runPodSandbox(bed.context, { config: podConfig() });
    await Promise.all(
      Array.from({ length: 10 }, (_, index) =>
        index % 2 === 0
          ? bed.client.stopPodSandbox(bed.context, made)
          : bed.client.removePodSandbox(bed.context, made),
      ),
    );
    expect(await refusal(bed.client.podSandboxStatus(bed.context, made))).toEqual(
      refused("NOT_FOUND", /pod sandbox/),
    );
  });
});
