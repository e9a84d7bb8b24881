import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { NetworkBed } from "../../../../../test/harness/network-bed.ts";

let bed: NetworkBed;

beforeEach(() => {
  bed = new NetworkBed(51, { addTimeoutMs: 700, delTimeoutMs: 700 });
});

afterEach(() => bed.end());

function oneList(type = "odd", more: object = {}): object {
  return { cniVersion: "1.0.0", name: "odd-net", plugins: [{ type, ...more }] };
}

const good = '{"cniVersion":"1.0.0","ips":[{"address":"10.9.9.9/24"}]}';

/** What ADD may do wrong: the script's part for ADD, the code and the message that must come of it. */
const misbehaviours: readonly (readonly [string, string, string, RegExp])[] = [
  [
    "crashes",
    "kill -SEGV $$",
    "UNAVAILABLE",
    /ADD by plugin odd of network odd-net failed with exit code 139/,
  ],
  [
    "fails with an error object",
    `echo '{"code":11,"msg":"try later","details":"busy"}'; exit 1`,
    "UNAVAILABLE",
    /exit code 1: try later; busy \(code 11\)$/,
  ],
  [
    "fails with plain words",
    "echo the disk is full >&2; exit 4",
    "UNAVAILABLE",
    /exit code 4: the disk is full$/,
  ],
  ["fails without a word", "exit 5", "UNAVAILABLE", /exit code 5 and printed nothing$/],
  ["prints nothing", "exit 0", "UNAVAILABLE", /printed no result$/],
  ["prints garbage", "echo 'hello <world>'", "UNAVAILABLE", /printed no JSON but "hello <world>/],
  ["prints a list", "echo '[]'", "UNAVAILABLE", /printed JSON that is no result object$/],
  ["prints null", "echo null", "UNAVAILABLE", /printed JSON that is no result object$/],
  [
    "prints addresses that are none",
    `echo '{"ips":"10.0.0.1"}'`,
    "UNAVAILABLE",
    /a result whose "ips" are no addresses$/,
  ],
  [
    "prints interfaces that are none",
    `echo '{"interfaces":[1]}'`,
    "UNAVAILABLE",
    /a result whose "interfaces" are none$/,
  ],
  [
    "gives no address",
    `echo '{"cniVersion":"1.0.0"}'`,
    "UNAVAILABLE",
    /network odd-net gave the pod no address$/,
  ],
  ["prints without end", "exec yes", "DEADLINE_EXCEEDED", /did not end within 700 ms$/],
  [
    "prints too much",
    "head -c 2000000 /dev/zero",
    "UNAVAILABLE",
    /printed more than 1048576 bytes$/,
  ],
  [
    "hangs",
    "sleep 98761",
    "DEADLINE_EXCEEDED",
    /ADD by plugin odd of network odd-net did not end within 700 ms$/,
  ],
];

describe("a plugin that misbehaves in ADD is named, followed by DEL, and leaves nothing", () => {
  for (const [name, script, code, message] of misbehaviours) {
    test(name, async () => {
      bed.script("odd", `test $CNI_COMMAND = ADD || exit 0\n${script}`);
      bed.config("10.conflist", oneList());
      const pod = await bed.pod("a");
      await expect(bed.network.attach(bed.context, pod)).rejects.toMatchObject({
        code,
        message: expect.stringMatching(message),
      });
      expect(bed.calls("odd")).toEqual(["ADD", "DEL"]);
      expect(bed.list("results")).toEqual([]);
      const failed = bed.tracer.spans.find((span) => span.step === "network.attach");
      expect(failed?.failure?.type).toBe(code);
    });
  }
});

test("what a result says of __proto__ reaches no object", async () => {
  const hostile =
    '{"__proto__":{"polluted":1},"ips":[{"__proto__":{"polluted":1},"address":"10.9.9.9/24"}]}';
  bed.script("odd", `test $CNI_COMMAND = ADD && echo '${hostile}'`);
  bed.config("10.conflist", oneList());
  const { result, ips } = await bed.network.attach(bed.context, await bed.pod("a"));
  expect(ips).toEqual(["10.9.9.9"]);
  expect(Object.getPrototypeOf(result)).toBe(Object.prototype);
  expect(({} as { polluted?: number }).polluted).toBeUndefined();
});

test("a caller that gives up ends the plugin, and DEL follows all the same", async () => {
  bed.script("odd", "test $CNI_COMMAND = ADD && sleep 98762");
  bed.config("10.conflist", oneList());
  const pod = await bed.pod("a");
  const controller = new AbortController();
  setTimeout(() => controller.abort(new Error("deadline of the caller")), 200);
  const context = { ...bed.context, signal: controller.signal };
  await expect(bed.network.attach(context, pod)).rejects.toThrow("deadline of the caller");
  expect(bed.calls("odd")).toEqual(["ADD", "DEL"]);
});

test("a DEL that fails is tried again, and the address stays known until it works", async () => {
  bed.script(
    "odd",
    `test $CNI_COMMAND = ADD && echo '${good}' && exit\ntest -e ${bed.path("works")}`,
  );
  bed.config("10.conflist", oneList());
  const pod = await bed.pod("a");
  await bed.network.attach(bed.context, pod);
  await expect(bed.network.detach(bed.context, pod)).rejects.toThrow(
    /DEL by plugin odd.*exit code 1/,
  );
  expect(await bed.network.attachedPods()).toEqual([pod.id]);
  writeFileSync(bed.path("works"), "");
  // The configuration may have changed or gone meanwhile: DEL uses the kept one.
  rmSync(bed.path("net.d", "10.conflist"));
  await bed.restarted().detach(bed.context, pod);
  expect(bed.calls("odd")).toEqual(["ADD", "DEL", "DEL"]);
  expect(await bed.network.attachedPods()).toEqual([]);
});

test("what is not found needs no deleting", async () => {
  bed.script(
    "odd",
    `test $CNI_COMMAND = ADD && echo '${good}' && exit\necho '{"code":3,"msg":"container not found"}'; exit 1`,
  );
  bed.config("10.conflist", oneList());
  const pod = await bed.pod("a");
  await bed.network.attach(bed.context, pod);
  await bed.network.detach(bed.context, pod);
  expect(bed.list("results")).toEqual([]);
});

test("a kept result that was destroyed still leads to DEL, by today's configuration", async () => {
  bed.script("odd", `cat >${bed.path("stdin")}; test $CNI_COMMAND = ADD && echo '${good}'; exit 0`);
  bed.config("10.conflist", oneList());
  const pod = await bed.pod("a");
  await bed.network.attach(bed.context, pod);
  const [name = ""] = bed.list("results");
  writeFileSync(bed.path("results", name), "\0".repeat(500));
  await bed.restarted().detach(bed.context, pod);
  expect(bed.calls("odd")).toEqual(["ADD", "DEL"]);
  expect(bed.list("results")).toEqual([]);
});

/** What may lie in the configuration directory, and what Status must then say. */
const configurations: readonly (readonly [string, string | object, RegExp])[] = [
  ["is no JSON", "{", /10\.conflist: .*JSON/],
  ["is a list", "[]", /not a JSON object/],
  [
    "has an unknown version",
    { ...oneList(), cniVersion: "9.9.9" },
    /cniVersion "9.9.9" is not one of 0\.1\.0/,
  ],
  [
    "has no name",
    { cniVersion: "1.0.0", plugins: [{ type: "odd" }] },
    /network name undefined must match/,
  ],
  [
    "has a name that leads elsewhere",
    { ...oneList(), name: "../../x" },
    /network name .* must match/,
  ],
  ["has no plugins", { cniVersion: "1.0.0", name: "n", plugins: [] }, /plugins is empty/],
  [
    "has plugins that are none",
    { cniVersion: "1.0.0", name: "n", plugins: [1] },
    /plugin 0 has no type/,
  ],
  [
    "names a plugin by path (CVE-2021-20206)",
    oneList("../../bin/sh"),
    /plugin type "..\/..\/bin\/sh" must be a plain file name/,
  ],
  ["names the parent as plugin", oneList(".."), /plugin type ".." must be a plain file name/],
  [
    "names a plugin that is not there",
    oneList("missing"),
    /CNI plugin missing is in none of .*\/bin, \/usr\/lib\/cni/,
  ],
];

describe("a configuration that", () => {
  for (const [name, content, message] of configurations) {
    test(`${name} makes the network not ready, with the reason`, async () => {
      bed.config("10.conflist", content);
      expect(await bed.network.status(bed.context)).toEqual({
        status: false,
        reason: "NetworkPluginNotReady",
        message: expect.stringMatching(message),
      });
      const pod = await bed.pod("a");
      await expect(bed.network.attach(bed.context, pod)).rejects.toMatchObject({
        code: "UNAVAILABLE",
      });
    });
  }
});

test("the first good file in order of names counts, and a change counts at once", async () => {
  bed.script("odd", `test $CNI_COMMAND = ADD && echo '${good}'; exit 0`);
  bed.config("00-notes.txt", "not a configuration");
  bed.config("10-broken.conflist", "{");
  bed.config("30-late.conflist", { ...oneList(), name: "late" });
  bed.config("20-single.conf", { cniVersion: "0.4.0", name: "single", type: "odd" });
  const { network, context } = bed;
  expect((await network.status(context)).status).toBe(true);
  const attach = async (name: string) => {
    const pod = await bed.pod(name);
    await network.attach(context, pod);
    await network.detach(context, pod);
    const span = bed.tracer.spans.findLast(({ step }) => step === "network.attach");
    return span?.attributes["vitrine.cni.network"];
  };
  expect(await attach("a")).toBe("single");
  rmSync(bed.path("net.d", "20-single.conf"));
  expect(await attach("b")).toBe("late");
});

test("no configuration and no bridge of our own: not ready, and why", async () => {
  const { builtin: _none, ...options } = bed.options;
  const other = new NetworkBed(52, {
    ...options,
    builtin: undefined as never,
    confDir: "/no/such/net.d",
  });
  try {
    expect(await other.network.status()).toEqual({
      status: false,
      reason: "NetworkPluginNotReady",
      message: "no usable network configuration in /no/such/net.d: there is none",
    });
  } finally {
    await other.end();
  }
});

test("plugins of version 1.1.0 are asked for their status", async () => {
  const answer = `test $CNI_COMMAND = STATUS || exit 0
test -e ${bed.path("ready")} || { echo '{"code":50,"msg":"the controller is not up"}'; exit 1; }`;
  bed.script("odd", answer);
  bed.config("10.conflist", { ...oneList(), cniVersion: "1.0.0", cniVersions: ["1.1.0", "1.0.0"] });
  expect(await bed.network.status(bed.context)).toMatchObject({
    status: false,
    message: expect.stringMatching(/STATUS by plugin odd.*the controller is not up \(code 50\)/),
  });
  writeFileSync(bed.path("ready"), "");
  expect((await bed.network.status(bed.context)).status).toBe(true);
});

test("environment, configuration and previous result are as the specification has them", async () => {
  bed.script("odd", `env | sort >${bed.path("env")}; cat >${bed.path("stdin")}; echo '${good}'`);
  bed.script("second", `cat >${bed.path("stdin-$CNI_COMMAND")}; echo '${good}'`);
  bed.config("10.conflist", {
    cniVersion: "1.0.0",
    name: "odd-net",
    plugins: [
      { type: "odd", own: { deep: [1] }, capabilities: { portMappings: true, dns: false } },
      {
        type: "second",
        capabilities: { bandwidth: true, dns: true, cgroupPath: true, portMappings: false },
      },
    ],
  });
  const { network, context } = bed;
  const pod = await bed.pod("a", {
    portMappings: [{ protocol: "UDP", hostPort: 53, containerPort: 5353, hostIp: "127.0.0.1" }],
    dns: { servers: ["10.0.0.10"], searches: ["svc"], options: ["ndots:5"] },
    annotations: { "kubernetes.io/egress-bandwidth": "10M" },
    cgroupParent: "/kubepods/pod1",
  });
  await network.attach(context, pod);
  const read = (name: string) => bed.inside(pod, "cat", bed.path(name));
  const env = read("env")
    .trim()
    .split("\n")
    .filter((line) => !/^(PWD|_|SHLVL|OLDPWD)=/.test(line));
  expect(
    env.map((line) => line.replace(/^(TRACEPARENT)=00-[0-9a-f]{32}-[0-9a-f]{16}-01$/, "$1=valid")),
  ).toEqual([
    `CNI_ARGS=IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=a;K8S_POD_INFRA_CONTAINER_ID=${pod.id};K8S_POD_UID=uid-a`,
    "CNI_COMMAND=ADD",
    `CNI_CONTAINERID=${pod.id}`,
    "CNI_IFNAME=eth0",
    `CNI_NETNS=${pod.netnsPath}`,
    `CNI_PATH=${[...bed.options.binDirs, bed.options.builtin?.binDir].join(":")}`,
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "TRACEPARENT=valid",
    expect.stringMatching(/^VITRINE_PROGRAM=\d+\.\d+$/),
  ]);
  expect(JSON.parse(read("stdin"))).toEqual({
    type: "odd",
    own: { deep: [1] },
    name: "odd-net",
    cniVersion: "1.0.0",
    runtimeConfig: {
      portMappings: [{ hostPort: 53, containerPort: 5353, protocol: "udp", hostIP: "127.0.0.1" }],
    },
  });
  const second = {
    type: "second",
    name: "odd-net",
    cniVersion: "1.0.0",
    runtimeConfig: {
      bandwidth: { egressRate: 10_000_000, egressBurst: 4_294_967_295 },
      dns: { servers: ["10.0.0.10"], searches: ["svc"], options: ["ndots:5"] },
      cgroupPath: "/kubepods/pod1",
    },
    prevResult: JSON.parse(good),
  };
  expect(JSON.parse(read("stdin-ADD"))).toEqual(second);
  await network.detach(context, pod);
  expect(JSON.parse(read("stdin-DEL"))).toEqual(second);
});

test("a pod whose name would smuggle in an argument is refused before anything runs", async () => {
  bed.script("odd", `echo '${good}'`);
  bed.config("10.conflist", oneList());
  const pod = await bed.pod("a", { name: "a;K8S_POD_NAMESPACE=kube-system" });
  await expect(bed.network.attach(bed.context, pod)).rejects.toMatchObject({
    code: "INVALID_ARGUMENT",
  });
  expect(bed.calls("odd")).toEqual([]);
  expect(bed.list("results")).toEqual([]);
});

test("directories and dangling links are no plugins", async () => {
  mkdirSync(bed.path("bin", "folder"));
  symlinkSync("/no/such/file", bed.path("bin", "dangling"));
  for (const type of ["folder", "dangling"]) {
    bed.config("10.conflist", oneList(type));
    expect((await bed.network.status(bed.context)).message).toContain(
      `CNI plugin ${type} is in none of`,
    );
  }
});
