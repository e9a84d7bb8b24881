/** Callers that give up before the work is done: they hear it at once, the work is taken back, a retry succeeds. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { silentContext } from "../../apps/runtime/src/cli/silent-context.ts";
import type { GrpcClient } from "../../apps/runtime/src/cri/client.ts";
import { methodOf } from "../../apps/runtime/src/cri/methods.ts";
import { CriBed, everyTestLeavesNothing, refusal, refused } from "../harness/cri-bed.ts";
import { createRequest, hostNetworkPod, podConfig } from "../harness/cri-requests.ts";
import { grpcFrame, pathOf, RawConnection } from "../harness/raw-grpc.ts";
import { goodResult, ScriptedCni } from "../harness/scripted-cni.ts";

const deadlineMs = 100;
const addsSlowly = `sleep 30; echo '${goodResult}'`;
const addsAtOnce = `echo '${goodResult}'`;

let bed: CriBed;
let cni: ScriptedCni;
let hurried: GrpcClient;

beforeAll(async () => {
  bed = await CriBed.start({ config: "[vitrine.cni]\ndel_timeout_ms = 1500" });
  await bed.loadBusybox();
  cni = await ScriptedCni.of(bed);
  cni.configure(["scripted"]);
  hurried = bed.hurriedClient(deadlineMs);
});

afterAll(async () => {
  hurried.close();
  await bed.end();
});

everyTestLeavesNothing(() => bed);

beforeEach(() => {
  cni.takeCalls();
});

describe("RunPodSandbox with a deadline of 100 ms and a plugin that takes 30 s", () => {
  test("is DEADLINE_EXCEEDED on time, the plugin is killed, DEL called, and the retry succeeds", async () => {
    cni.onAdd("scripted", addsSlowly);
    const config = podConfig();
    const before = await bed.residue();
    const began = performance.now();
    expect((await refusal(hurried.runPodSandbox(bed.context, { config }))).code).toBe(
      "DEADLINE_EXCEEDED",
    );
    expect(performance.now() - began).toBeLessThan(2000);
    expect(await bed.settledResidue(before)).toEqual(before);
    // On a busy machine the time is up before the plugin is reached.
    const calls = cni.takeCalls();
    if (calls.length > 0) expect(calls).toEqual(["ADD scripted", "DEL scripted"]);
    cni.onAdd("scripted", addsAtOnce);
    const made = await bed.client.runPodSandbox(bed.context, { config });
    await bed.client.removePodSandbox(bed.context, made);
  });

  test("and a retry at once waits for the rollback, then succeeds", async () => {
    cni.onAdd("scripted", addsSlowly);
    const config = podConfig();
    const patient = bed.hurriedClient(1500);
    const first = refusal(patient.runPodSandbox(bed.context, { config }));
    await expect.poll(() => cni.takeCalls(), { timeout: 1400 }).toContain("ADD scripted");
    cni.onAdd("scripted", addsAtOnce);
    const made = await bed.client.runPodSandbox(bed.context, { config });
    expect((await first).code).toBe("DEADLINE_EXCEEDED");
    patient.close();
    expect(cni.takeCalls()).toEqual(["DEL scripted", "ADD scripted"]);
    const { items } = await bed.client.listPodSandbox(bed.context, {});
    expect(items.map(({ id }) => id)).toEqual([made.podSandboxId]);
    await bed.client.removePodSandbox(bed.context, made);
  });

  test("twenty times the same at once: all are told, none stays", async () => {
    cni.onAdd("scripted", addsSlowly);
    const config = podConfig();
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, () => refusal(hurried.runPodSandbox(bed.context, { config }))),
    );
    expect(new Set(outcomes.map(({ code }) => code))).toEqual(new Set(["DEADLINE_EXCEEDED"]));
  });

  test("whose DEL hangs too: the pod stays NOTREADY until DEL works, and its name is not lost", async () => {
    cni.plugin("scripted", "sleep 30");
    const config = podConfig();
    expect((await refusal(hurried.runPodSandbox(bed.context, { config }))).code).toBe(
      "DEADLINE_EXCEEDED",
    );
    await expect
      .poll(async () => (await bed.client.listPodSandbox(bed.context, {})).items, { timeout: 5000 })
      .toMatchObject([{ state: "SANDBOX_NOTREADY", metadata: config.metadata }]);
    const { items } = await bed.client.listPodSandbox(bed.context, {});
    cni.onAdd("scripted", addsAtOnce);
    await bed.client.removePodSandbox(bed.context, { podSandboxId: items[0]?.id ?? "" });
    const made = await bed.client.runPodSandbox(bed.context, { config });
    await bed.client.removePodSandbox(bed.context, made);
  });
});

describe("a caller that", () => {
  test("cancels RunPodSandbox hears CANCELLED, and nothing stays", async () => {
    cni.onAdd("scripted", addsSlowly);
    const controller = new AbortController();
    const run = bed.client.runPodSandbox(silentContext(controller.signal), {
      config: podConfig(),
    });
    await expect.poll(() => cni.takeCalls()).toContain("ADD scripted");
    controller.abort();
    expect((await refusal(run)).code).toBe("CANCELLED");
  });

  test("hangs up in the middle of ten calls leaves nothing", async () => {
    cni.onAdd("scripted", addsSlowly);
    const connection = await RawConnection.open(bed.daemon.socket);
    const calls = Array.from({ length: 10 }, () => {
      const request = methodOf("RunPodSandbox").request.encode({ config: podConfig() });
      return connection.call(pathOf("RunPodSandbox"), grpcFrame(request));
    });
    await expect.poll(() => cni.takeCalls()).toContain("ADD scripted");
    connection.cut();
    expect((await Promise.all(calls)).map(({ status }) => status)).toEqual(
      Array(10).fill(undefined),
    );
  });

  test("has any deadline between 0 and 100 ms, forty times, leaves nothing", async () => {
    cni.onAdd("scripted", addsAtOnce);
    const outcomes = await Promise.all(
      Array.from({ length: 40 }, async (_, index) => {
        const client = bed.hurriedClient(index * 2.5);
        const config = index % 2 === 0 ? podConfig() : hostNetworkPod();
        const outcome = await client.runPodSandbox(bed.context, { config }).then(
          () => "OK",
          (error: { code: string }) => error.code,
        );
        client.close();
        return outcome;
      }),
    );
    expect(outcomes.filter((code) => code !== "OK" && code !== "DEADLINE_EXCEEDED")).toEqual([]);
    expect(outcomes).toContain("DEADLINE_EXCEEDED");
    // Whoever was told OK owns a pod, and whoever was not may own one only if the answer was on its way.
    const { items } = await bed.client.listPodSandbox(bed.context, {});
    expect(items.length).toBeGreaterThanOrEqual(outcomes.filter((code) => code === "OK").length);
    await Promise.all(
      items.map(({ id }) => bed.client.removePodSandbox(bed.context, { podSandboxId: id })),
    );
  });
});

describe("in a pod that runs", () => {
  test("CreateContainer with any deadline up to 50 ms leaves nothing or a container", async () => {
    const config = hostNetworkPod();
    const made = await bed.client.runPodSandbox(bed.context, { config });
    const before = await bed.residue();
    for (let ms = 0; ms <= 50; ms += 5) {
      const client = bed.hurriedClient(ms);
      const request = createRequest(made.podSandboxId, config, {
        metadata: { name: `c${ms}`, attempt: 0 },
      });
      await client.createContainer(bed.context, request).catch((error: { code: string }) => {
        expect(error.code).toBe("DEADLINE_EXCEEDED");
      });
      client.close();
    }
    // One that was finished in the very moment of its deadline may be there; half a one may not.
    const { containers } = await bed.client.listContainers(bed.context, {});
    for (const { id, state } of containers) {
      expect(state).toBe("CONTAINER_CREATED");
      await bed.client.removeContainer(bed.context, { containerId: id });
    }
    expect(await bed.settledResidue(before)).toEqual(before);
    await bed.client.removePodSandbox(bed.context, made);
  });

  test("ExecSync is ended with its caller, and the container goes on", async () => {
    const { client, context } = bed;
    const config = hostNetworkPod();
    const made = await client.runPodSandbox(context, { config });
    const request = createRequest(made.podSandboxId, config, { command: ["sleep", "1000"] });
    const { containerId } = await client.createContainer(context, request);
    await client.startContainer(context, { containerId });
    const cmd = ["sh", "-c", "trap '' TERM; sleep 777"];
    expect((await refusal(hurried.execSync(context, { containerId, cmd }))).code).toBe(
      "DEADLINE_EXCEEDED",
    );
    await expect
      .poll(async () => {
        const ps = await client.execSync(context, { containerId, cmd: ["ps"], timeout: 5 });
        return new TextDecoder().decode(ps.stdout);
      })
      .not.toContain("777");
    const { status } = await client.containerStatus(context, { containerId });
    expect(status?.state).toBe("CONTAINER_RUNNING");
    await client.removePodSandbox(context, made);
  });

  test("StopContainer whose grace period outlives its caller says so; another one ends it", async () => {
    const { client, context } = bed;
    const config = hostNetworkPod();
    const made = await client.runPodSandbox(context, { config });
    const command = ["sh", "-c", "trap '' TERM; while :; do sleep 1000; done"];
    const { containerId } = await client.createContainer(
      context,
      createRequest(made.podSandboxId, config, { command }),
    );
    await client.startContainer(context, { containerId });
    const stop = hurried.stopContainer(context, { containerId, timeout: 60 });
    expect((await refusal(stop)).code).toBe("DEADLINE_EXCEEDED");
    const began = performance.now();
    await client.stopContainer(context, { containerId, timeout: 0 });
    expect(performance.now() - began).toBeLessThan(3000);
    const { status } = await client.containerStatus(context, { containerId });
    expect(status).toMatchObject({ state: "CONTAINER_EXITED", exitCode: 137 });
    await client.removePodSandbox(context, made);
  });

  test("StopPodSandbox and RemovePodSandbox with any deadline up to 40 ms can be asked again until they are done", async () => {
    cni.onAdd("scripted", addsAtOnce);
    for (let ms = 0; ms <= 40; ms += 10) {
      const made = await bed.client.runPodSandbox(bed.context, { config: podConfig() });
      const client = bed.hurriedClient(ms);
      await client.stopPodSandbox(bed.context, made).catch(() => undefined);
      await client.removePodSandbox(bed.context, made).catch(() => undefined);
      client.close();
      await bed.client.removePodSandbox(bed.context, made);
      expect(await refusal(bed.client.podSandboxStatus(bed.context, made))).toEqual(
        refused("NOT_FOUND", /not found/),
      );
    }
  });
});
