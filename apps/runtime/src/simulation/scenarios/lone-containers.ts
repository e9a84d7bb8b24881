/** Containers without Kubernetes: ctr run, and docker run. */

import { imageSpec } from "../../actors/pod-messages.ts";
import type { ImageRecord } from "../../engine/images/image-record.ts";
import { makeNamespacePlan, removeNamespacePlan } from "../../engine/network/network-namespace.ts";
import { attribute } from "../../trace/attribute.ts";
import { type Context, step } from "../../trace/tracer.ts";
import { expectThat } from "../look-inside.ts";
import { nginxImage } from "../pods.ts";
import type { Scenario } from "../scenario.ts";
import { connectToBridge, disconnectFromBridge, removeBridge } from "../stacks/docker-network.ts";
import { viaDockerd } from "../stacks/docker-shim.ts";
import { LoneContainer } from "../stacks/lone-container.ts";
import type { Stage } from "../stage.ts";

const sigterm = 15;

async function pull(stage: Stage, context: Context, reference: string): Promise<ImageRecord> {
  await stage.engine.pullImage(context, { image: imageSpec(reference) });
  return stage.engine.parts.images.resolve(reference);
}

function newId(stage: Stage): string {
  return [...stage.world.random.bytes(32)]
    .map((byte) => byte.toString(16).padStart(2, "0"))
    .join("");
}

export const ctrRun: Scenario = {
  id: "ctr-run",
  title: "ctr images pull, ctr run",
  summary: "containerd without Kubernetes: no pod, no CNI, one container and its task.",
  shows: ["Example CLI Flow (Behind the Scenes)"],
  cast: "ctr",
  narration: {
    "ctr.pull": "Pulling is a command of its own.",
    "ctr.api": "A container is a record; a task is a process.",
    "op.clone3": "Namespaces and cgroups are made here, as for any pod.",
  },
  async run(stage) {
    const names = { [attribute.imageName]: nginxImage, [attribute.containerName]: "webserver" };
    const image = await step(stage.context, "ctr.pull", names, (context) =>
      pull(stage, context, nginxImage),
    );
    await step(stage.context, "ctr.run", names, async (context) => {
      const options = { id: newId(stage), name: "webserver", image, container: { tty: true } };
      const container = new LoneContainer(stage, options);
      const call = (rpc: string, work: (context: Context) => Promise<unknown>) =>
        step(context, "ctr.api", { "rpc.method": rpc }, work);
      await call("containers.Create, tasks.Create", (inner) => container.create(inner));
      await call("tasks.Start", (inner) => container.start(inner));
      await stage.simulation.clock.sleep(1000);
      await call("tasks.Kill", () => container.kill(sigterm));
      const exit = await container.wait();
      expectThat(exit !== undefined, "the task ends");
      await call("tasks.Delete, containers.Delete", (inner) => container.remove(inner));
    });
    await stage.engine.removeImage(stage.silent(), { image: imageSpec(nginxImage) });
  },
};

export const dockerRun: Scenario = {
  id: "docker-run",
  title: "docker run nginx",
  summary:
    "What one command becomes: three requests to dockerd, and containerd and runc behind it.",
  shows: ["containerd and Dockerd Relationship"],
  cast: "docker",
  narration: {
    "docker.run": "docker pulls nothing and starts nothing: it asks.",
    "docker.api": "POST /images/create, POST /containers/create, POST /containers/{id}/start.",
    "docker.network": "An address from docker0's pool, and masquerading: no CNI here.",
    "containerd.api": "Here dockerd hands over.",
  },
  async run(stage) {
    const names = { [attribute.imageName]: "nginx" };
    await step(stage.context, "docker.run", names, async (context) => {
      const image = await viaDockerd(
        context,
        { method: "POST", path: "/images/create?fromImage=nginx", status: 200 },
        undefined,
        (inner) => pull(stage, inner, nginxImage),
      );
      const id = newId(stage);
      const netnsPath = `/run/netns/docker-${id.slice(0, 12)}`;
      const container = new LoneContainer(stage, { id, name: "nginx", image, netnsPath });
      const path = `/containers/${id.slice(0, 12)}`;
      await viaDockerd(
        context,
        { method: "POST", path: "/containers/create", status: 201 },
        undefined,
        async () => {},
      );
      await viaDockerd(
        context,
        { method: "POST", path: `${path}/start`, status: 204 },
        undefined,
        async (inner) => {
          await stage.world.kernel.runApart(inner, makeNamespacePlan(netnsPath, true));
          await connectToBridge(stage, inner, id, netnsPath);
          await step(inner, "containerd.api", { "rpc.method": "Tasks/Create" }, (deeper) =>
            container.create(deeper),
          );
          await step(inner, "containerd.api", { "rpc.method": "Tasks/Start" }, (deeper) =>
            container.start(deeper),
          );
        },
      );
      await stage.simulation.clock.sleep(1000);
      const stop = { method: "POST", path: `${path}/stop`, status: 204 } as const;
      await viaDockerd(context, stop, "Tasks/Kill", async () => {
        await container.kill(sigterm);
        await container.wait();
      });
      await viaDockerd(
        context,
        { method: "DELETE", path, status: 204 },
        undefined,
        async (inner) => {
          await container.remove(inner);
          await disconnectFromBridge(stage, inner, id, netnsPath);
          await stage.world.kernel.run(inner, removeNamespacePlan(netnsPath));
        },
      );
    });
    await removeBridge(stage);
    await stage.engine.removeImage(stage.silent(), { image: imageSpec(nginxImage) });
  },
};
