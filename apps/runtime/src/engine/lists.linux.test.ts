/** ListPodSandbox and ListContainers: every part of their filters, alone and together. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hostNetworkPod } from "../../../../test/harness/cri-requests.ts";
import { PodBench } from "../../../../test/harness/pod-bench.ts";
import type { ContainerFilter, PodSandboxFilter } from "../api/index.ts";

let web: PodBench;
let database: PodBench;
let names: ReadonlyMap<string, string>;

beforeAll(async () => {
  web = await PodBench.open();
  const pod = hostNetworkPod({ labels: { app: "db", tier: "back" } });
  database = await PodBench.openIn(web.node, pod);
  const { engine, context } = web.node;
  const created = await web.create({ labels: { part: "a", colour: "" } });
  const running = await web.start({ labels: { part: "b" } });
  const exited = await database.start({ labels: { part: "a", __proto__x: "1" } });
  await engine.stopContainer(context, { containerId: exited, timeout: 0 });
  await engine.stopPodSandbox(context, database);
  names = new Map([
    [web.podSandboxId, "web"],
    [database.podSandboxId, "db"],
    [created, "created"],
    [running, "running"],
    [exited, "exited"],
  ]);
});

afterAll(async () => {
  await web.close();
});

function idOf(name: string): string {
  return [...names].find(([, known]) => known === name)?.[0] ?? "";
}

/** The shortest beginning of the id that no other has; and one that is everybody's. */
function prefixOf(name: string): string {
  const id = idOf(name);
  const others = [...names.keys()].filter((other) => other !== id);
  for (let length = 1; length < id.length; length += 1) {
    const prefix = id.slice(0, length);
    if (!others.some((other) => other.startsWith(prefix))) return prefix;
  }
  return id;
}

function pods(filter: Partial<PodSandboxFilter>): Promise<readonly string[]> {
  return web.node.engine
    .listPodSandbox(web.node.context, { filter: { id: "", labelSelector: {}, ...filter } })
    .then(({ items }) => items.map(({ id }) => names.get(id) ?? id).sort());
}

function containers(filter: Partial<ContainerFilter>): Promise<readonly string[]> {
  const whole = { id: "", podSandboxId: "", labelSelector: {}, ...filter };
  return web.node.engine
    .listContainers(web.node.context, { filter: whole })
    .then(({ containers: found }) => found.map(({ id }) => names.get(id) ?? id).sort());
}

describe("ListPodSandbox", () => {
  it("lists all without a filter and with an empty one", async () => {
    const all = await web.node.engine.listPodSandbox(web.node.context, {});
    expect(all.items).toHaveLength(2);
    expect(await pods({})).toEqual(["db", "web"]);
  });

  it("by id, whole or its beginning", async () => {
    expect(await pods({ id: idOf("web") })).toEqual(["web"]);
    expect(await pods({ id: prefixOf("db") })).toEqual(["db"]);
    expect(await pods({ id: idOf("web").slice(1) })).toEqual([]);
    expect(await pods({ id: `${idOf("web")}0` })).toEqual([]);
  });

  it("by state", async () => {
    expect(await pods({ state: { state: "SANDBOX_READY" } })).toEqual(["web"]);
    expect(await pods({ state: { state: "SANDBOX_NOTREADY" } })).toEqual(["db"]);
  });

  it("by labels, all of which must match", async () => {
    expect(await pods({ labelSelector: { app: "db" } })).toEqual(["db"]);
    expect(await pods({ labelSelector: { app: "db", tier: "back" } })).toEqual(["db"]);
    expect(await pods({ labelSelector: { app: "db", tier: "front" } })).toEqual([]);
    expect(await pods({ labelSelector: { toString: "" } })).toEqual([]);
  });

  it("by everything together", async () => {
    const filter = { id: prefixOf("db"), labelSelector: { tier: "back" } };
    expect(await pods({ ...filter, state: { state: "SANDBOX_NOTREADY" } })).toEqual(["db"]);
    expect(await pods({ ...filter, state: { state: "SANDBOX_READY" } })).toEqual([]);
  });

  it("shows labels and annotations as they were given", async () => {
    const { items } = await web.node.engine.listPodSandbox(web.node.context, {});
    const item = items.find(({ id }) => id === idOf("web"));
    const { metadata, labels, annotations } = web.pod;
    expect(item).toMatchObject({ metadata, labels, annotations, runtimeHandler: "" });
  });
});

describe("ListContainers", () => {
  it("lists all of all pods without a filter", async () => {
    expect(await containers({})).toEqual(["created", "exited", "running"]);
  });

  it("by id, whole or its beginning", async () => {
    expect(await containers({ id: idOf("exited") })).toEqual(["exited"]);
    expect(await containers({ id: prefixOf("running") })).toEqual(["running"]);
    expect(await containers({ id: "not an id" })).toEqual([]);
  });

  it("by pod, whole or its beginning", async () => {
    expect(await containers({ podSandboxId: idOf("web") })).toEqual(["created", "running"]);
    expect(await containers({ podSandboxId: prefixOf("db") })).toEqual(["exited"]);
    expect(await containers({ podSandboxId: "f".repeat(64) })).toEqual([]);
  });

  it("by state", async () => {
    expect(await containers({ state: { state: "CONTAINER_CREATED" } })).toEqual(["created"]);
    expect(await containers({ state: { state: "CONTAINER_RUNNING" } })).toEqual(["running"]);
    expect(await containers({ state: { state: "CONTAINER_EXITED" } })).toEqual(["exited"]);
    expect(await containers({ state: { state: "CONTAINER_UNKNOWN" } })).toEqual([]);
  });

  it("by labels; an empty value is a value", async () => {
    expect(await containers({ labelSelector: { part: "a" } })).toEqual(["created", "exited"]);
    expect(await containers({ labelSelector: { part: "a", colour: "" } })).toEqual(["created"]);
    expect(await containers({ labelSelector: { colour: "red" } })).toEqual([]);
  });

  it("by everything together", async () => {
    const filter = { podSandboxId: idOf("web"), labelSelector: { part: "b" } };
    expect(await containers({ ...filter, state: { state: "CONTAINER_RUNNING" } })).toEqual([
      "running",
    ]);
    expect(await containers({ ...filter, id: prefixOf("created") })).toEqual([]);
  });
});
