import { type SpawnSyncReturns, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readlinkSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, test } from "vitest";

const plugin = join(import.meta.dirname, "../build/cni/vitrine-bridge");
const bridge = "vtplug0";
const folder = mkdtempSync("/tmp/vt-plugin-");
let namespaces: string[] = [];

function run(command: string, ...args: readonly string[]): SpawnSyncReturns<string> {
  return spawnSync(command, args, { encoding: "utf8" });
}

beforeEach(() => {
  namespaces = [];
});

afterEach(() => {
  for (const name of namespaces) run("ip", "netns", "delete", name);
  run("ip", "link", "delete", bridge);
  run("nft", "delete", "table", "ip", `vitrine-${bridge}`);
  rmSync(join(folder, "pool"), { recursive: true, force: true });
});

afterAll(() => rmSync(folder, { recursive: true }));

function namespace(name: string): string {
  const full = `vt-plugin-${name}`;
  run("ip", "netns", "add", full);
  namespaces.push(full);
  return `/run/netns/${full}`;
}

function config(changed: object = {}): object {
  const dataDir = join(folder, "pool");
  const subnet = "10.233.7.0/24";
  return {
    cniVersion: "1.0.0",
    name: "plug",
    type: "vitrine-bridge",
    bridge,
    subnet,
    dataDir,
    ...changed,
  };
}

interface Answer {
  readonly code: number | null;
  readonly stdout: string;
  // biome-ignore lint/suspicious/noExplicitAny: whatever the plugin printed; the tests say what it must be
  readonly json: any;
}

function call(
  command: string,
  env: Readonly<Record<string, string | undefined>> = {},
  stdin: object | string = config(),
  wrapper: readonly string[] = [],
): Answer {
  const variables = { CNI_COMMAND: command, CNI_CONTAINERID: "pod-1", CNI_IFNAME: "eth0", ...env };
  const [program = "", ...args] = [...wrapper, plugin];
  const result = spawnSync(program, args, {
    encoding: "utf8",
    input: typeof stdin === "string" ? stdin : JSON.stringify(stdin),
    env: { PATH: process.env["PATH"], ...variables },
    timeout: 20_000,
  });
  const json = result.stdout === "" ? undefined : JSON.parse(result.stdout);
  return { code: result.status, stdout: result.stdout, json };
}

function isLink(name: string): boolean {
  return existsSync(`/sys/class/net/${name}`);
}

function leases(): readonly string[] {
  const path = join(folder, "pool/plug");
  if (!existsSync(path)) return [];
  return readdirSync(path)
    .filter((name) => /^\d/.test(name))
    .map((name) => `${name} ${readlinkSync(join(path, name))}`);
}

test("VERSION needs no configuration", () => {
  const { code, json } = call("VERSION", {}, "");
  expect(code).toBe(0);
  expect(json).toEqual({
    cniVersion: "1.1.0",
    supportedVersions: ["0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"],
  });
});

test("ADD answers with interfaces, address, route and the DNS of the configuration", () => {
  const CNI_NETNS = namespace("a");
  const dns = { nameservers: ["10.0.0.10"], search: ["\u00e9 \ud83d\ude00"] };
  const { code, json } = call(
    "ADD",
    { CNI_NETNS },
    config({ dns, mtu: 1300, cniVersion: "1.1.0" }),
  );
  expect(code).toBe(0);
  expect(json).toEqual({
    cniVersion: "1.1.0",
    interfaces: [
      { name: bridge, mac: "0a:57:0a:e9:07:01" },
      { name: expect.stringMatching(/^veth[0-9a-f]{10}$/), mac: "0a:56:0a:e9:07:02" },
      { name: "eth0", mac: "0a:58:0a:e9:07:02", sandbox: CNI_NETNS },
    ],
    ips: [{ interface: 2, address: "10.233.7.2/24", gateway: "10.233.7.1" }],
    routes: [{ dst: "0.0.0.0/0", gw: "10.233.7.1" }],
    dns,
  });
  const inside = (...args: string[]) => run("ip", "-n", "vt-plugin-a", ...args).stdout;
  expect(inside("-o", "link", "show", "eth0")).toMatch(/mtu 1300 .*link\/ether 0a:58:0a:e9:07:02/);
  expect(inside("route")).toContain("default via 10.233.7.1 dev eth0");
  const acceptRa = run(
    "ip",
    "netns",
    "exec",
    "vt-plugin-a",
    "cat",
    "/proc/sys/net/ipv6/conf/eth0/accept_ra",
  );
  expect(acceptRa.stdout.trim()).toBe("0");
  expect(call("CHECK", { CNI_NETNS }, config({ prevResult: json })).code).toBe(0);
});

test("the older result has the family of each address", () => {
  const CNI_NETNS = namespace("a");
  const { json } = call("ADD", { CNI_NETNS }, config({ cniVersion: "0.3.1" }));
  expect(json.cniVersion).toBe("0.3.1");
  expect(json.ips).toEqual([
    { version: "4", interface: 2, address: "10.233.7.2/24", gateway: "10.233.7.1" },
  ]);
});

test("masquerading is one rule a network, follows a change of the network, and can be left out", () => {
  const rules = () => run("nft", "list", "table", "ip", `vitrine-${bridge}`).stdout;
  call("ADD", { CNI_NETNS: namespace("a") });
  call("ADD", { CNI_NETNS: namespace("b"), CNI_CONTAINERID: "pod-2" });
  expect(rules().match(/masquerade/g)).toHaveLength(1);
  expect(rules()).toContain("ip saddr 10.233.7.0/24 ip daddr != 10.233.7.0/24");
  call(
    "ADD",
    { CNI_NETNS: namespace("c"), CNI_CONTAINERID: "pod-3" },
    config({ subnet: "10.233.8.0/24" }),
  );
  expect(rules().match(/masquerade/g)).toHaveLength(1);
  expect(rules()).toContain("ip saddr 10.233.8.0/24");
  for (const id of ["pod-1", "pod-2", "pod-3"]) call("DEL", { CNI_NETNS: "", CNI_CONTAINERID: id });
  expect(rules()).toBe("");
  call("ADD", { CNI_NETNS: namespace("d") }, config({ ipMasq: false }));
  expect(rules()).toBe("");
});

test("DEL twice, of the unknown, and without anything there is fine", () => {
  expect(call("DEL").code).toBe(0);
  const CNI_NETNS = namespace("a");
  call("ADD", { CNI_NETNS });
  for (let i = 0; i < 3; i += 1) expect(call("DEL", { CNI_NETNS }).code).toBe(0);
  expect(call("DEL", { CNI_CONTAINERID: "other" }).code).toBe(0);
  expect(isLink(bridge)).toBe(false);
  expect(readdirSync(join(folder, "pool"))).toEqual([]);
});

test("a pod can be attached again right after DEL", () => {
  const CNI_NETNS = namespace("a");
  call("ADD", { CNI_NETNS: namespace("b"), CNI_CONTAINERID: "keeps-the-bridge" });
  for (let i = 0; i < 5; i += 1) {
    expect(call("ADD", { CNI_NETNS }).stdout).not.toContain("msg");
    expect(call("DEL", { CNI_NETNS }).code).toBe(0);
  }
});

test("GC removes what is not on the list, and the network with the last of it", () => {
  const made = ["one", "two", "three"].map((name) => {
    const { json } = call("ADD", { CNI_NETNS: namespace(name), CNI_CONTAINERID: name });
    return json.interfaces[1].name as string;
  });
  const valid = (...ids: string[]) => ({
    "cni.dev/valid-attachments": ids.map((containerID) => ({ containerID, ifname: "eth0" })),
  });
  expect(call("GC", {}, config(valid("two"))).code).toBe(0);
  expect(leases()).toEqual(["10.233.7.3 two/eth0"]);
  expect(made.map(isLink)).toEqual([false, true, false]);
  expect(call("GC", {}, config(valid())).code).toBe(0);
  expect(isLink(bridge)).toBe(false);
  expect(call("GC", {}, config()).json.code).toBe(7);
});

test("a bridge of somebody else is used and stays", () => {
  run("ip", "link", "add", bridge, "type", "bridge");
  run("ip", "link", "set", bridge, "up");
  const CNI_NETNS = namespace("a");
  expect(call("ADD", { CNI_NETNS }).code).toBe(0);
  expect(call("DEL", { CNI_NETNS }).code).toBe(0);
  expect(isLink(bridge)).toBe(true);
  expect(leases()).toEqual([]);
});

test("a link of that name that is no bridge is refused by STATUS and ADD", () => {
  run("ip", "link", "add", bridge, "type", "veth", "peer", "name", "vtplug1");
  expect(call("STATUS").json).toMatchObject({
    code: 50,
    msg: `link ${bridge} is there and is no bridge`,
  });
  expect(call("ADD", { CNI_NETNS: namespace("a") }).json).toMatchObject({ code: 7 });
  expect(leases()).toEqual([]);
});

test("an interface that is there already is refused, and what was done is taken back", () => {
  const CNI_NETNS = namespace("a");
  run("ip", "-n", "vt-plugin-a", "link", "add", "eth0", "type", "veth", "peer", "name", "eth9");
  const { json } = call("ADD", { CNI_NETNS });
  expect(json).toMatchObject({ cniVersion: "1.0.0", code: 4 });
  expect(json.msg).toBe(`interface eth0 is already there in ${CNI_NETNS}`);
  expect(leases()).toEqual([]);
  expect(isLink(bridge)).toBe(false);
});

describe("parameters and configurations that make no sense are refused", () => {
  const add = { CNI_NETNS: "/run/netns/vt-plugin-none" };
  const cases: readonly (readonly [string, object, object | string, number, string])[] = [
    ["no command", { CNI_COMMAND: undefined }, config(), 4, "CNI_COMMAND is not set"],
    [
      "an unknown command",
      { CNI_COMMAND: "ATTACH" },
      config(),
      4,
      'CNI_COMMAND "ATTACH" is unknown',
    ],
    ["no container", { ...add, CNI_CONTAINERID: undefined }, config(), 4, "CNI_CONTAINERID"],
    [
      "a container that is a path",
      { ...add, CNI_CONTAINERID: "../x" },
      config(),
      4,
      "CNI_CONTAINERID",
    ],
    ["an interface that is a path", { ...add, CNI_IFNAME: "../eth0" }, config(), 4, "CNI_IFNAME"],
    [
      "an interface with a long name",
      { ...add, CNI_IFNAME: "e".repeat(16) },
      config(),
      4,
      "CNI_IFNAME",
    ],
    ["no namespace", {}, config(), 4, "CNI_NETNS"],
    ["a namespace that is not there", add, config(), 3, "cannot open the network namespace"],
    [
      "a namespace that is none",
      { CNI_NETNS: "/etc/hostname" },
      config(),
      4,
      "is no network namespace",
    ],
    [
      "a namespace of another kind",
      { CNI_NETNS: "/proc/self/ns/uts" },
      config(),
      4,
      "is no network namespace",
    ],
    ["nothing on stdin", add, "", 6, "empty"],
    ["no JSON", add, "{nonsense", 6, "name of a member expected"],
    [
      "something behind the JSON",
      add,
      `${JSON.stringify(config())} x`,
      6,
      "something follows the value",
    ],
    ["a list", add, "[]", 6, "not a JSON object"],
    ["a name twice", add, '{"cniVersion":"1.0.0","cniVersion":"1.1.0"}', 6, "the same name twice"],
    ["endless nesting", add, "[".repeat(100_000), 6, "nested too deeply"],
    ["two megabytes", add, `{"a":"${"x".repeat(2_000_000)}"}`, 6, "longer than"],
    ["no version", add, { name: "plug" }, 1, "has no cniVersion"],
    [
      "a version of the future",
      add,
      config({ cniVersion: "2.0.0" }),
      1,
      'cniVersion "2.0.0" is not supported',
    ],
    ["a network name that is a path", add, config({ name: "../x" }), 7, '"name" must be'],
    ["a bridge that is none", add, config({ bridge: "a/b" }), 7, '"bridge" is no interface name'],
    ["a number for a bridge", add, config({ bridge: 7 }), 7, '"bridge" must be a string'],
    [
      "a pool at a relative path",
      add,
      config({ dataDir: "pool" }),
      7,
      '"dataDir" must be an absolute path',
    ],
    [
      "a subnet that is none",
      add,
      config({ subnet: "10.1.2.3" }),
      7,
      '"subnet" must be an IPv4 network',
    ],
    [
      "a subnet without room",
      add,
      config({ subnet: "10.1.2.0/31" }),
      7,
      '"subnet" must be an IPv4 network',
    ],
    [
      "a subnet with junk behind",
      add,
      config({ subnet: "10.1.2.0/24x" }),
      7,
      '"subnet" must be an IPv4 network',
    ],
    ["an IPv6 subnet", add, config({ subnet: "fd00::/64" }), 7, '"subnet" must be an IPv4 network'],
    ["an MTU beyond all", add, config({ mtu: 70_000 }), 7, '"mtu" must be a whole number'],
    ["a word for a truth", add, config({ ipMasq: "yes" }), 7, '"ipMasq" must be true or false'],
    [
      "another plugin's pool",
      add,
      config({ ipam: { type: "host-local" } }),
      2,
      '"ipam" is not a field',
    ],
  ];
  for (const [name, env, stdin, code, words] of cases) {
    test(name, () => {
      const answer = call("ADD", env as Record<string, string | undefined>, stdin);
      expect(answer.code).toBe(1);
      expect(answer.json.code).toBe(code);
      expect(answer.json.msg).toContain(words);
      expect(leases()).toEqual([]);
      expect(isLink(bridge)).toBe(false);
    });
  }
});

const hasStrace = run("strace", "-V").status === 0;

describe.skipIf(!hasStrace)(
  "killed at any moment, DEL gives everything back and ADD works again",
  () => {
    for (const syscall of ["symlinkat", "sendto", "setns", "write"]) {
      test(`in ${syscall}`, () => {
        const CNI_NETNS = namespace("a");
        for (let when = 1; when <= 16; when += 1) {
          const inject = `inject=${syscall}:signal=SIGKILL:when=${when}`;
          const wrapper = ["strace", "-qq", "-o", "/dev/null", "-e", inject];
          const result = spawnSync(wrapper[0] ?? "", [...wrapper.slice(1), plugin], {
            input: JSON.stringify(config()),
            env: {
              ...process.env,
              CNI_COMMAND: "ADD",
              CNI_CONTAINERID: "pod-1",
              CNI_IFNAME: "eth0",
              CNI_NETNS,
            },
          });
          if (result.status === 0) {
            expect(when).toBeGreaterThan(1);
            break;
          }
          expect(call("DEL", { CNI_NETNS })).toMatchObject({ code: 0 });
          expect(leases()).toEqual([]);
          expect(isLink(bridge)).toBe(false);
          expect(call("ADD", { CNI_NETNS }).stdout).not.toContain('"msg"');
          expect(call("DEL", { CNI_NETNS })).toMatchObject({ code: 0 });
        }
        expect(call("DEL", { CNI_NETNS })).toMatchObject({ code: 0 });
      });
    }
  },
);

test("a small pool is used up, and no address is given twice", () => {
  const small = config({ subnet: "10.233.9.0/29" });
  const path = join(folder, "pool/plug");
  mkdirSync(path, { recursive: true });
  const given = Array.from({ length: 5 }, (_, i) => {
    const env = { CNI_NETNS: namespace(`p${i}`), CNI_CONTAINERID: `p${i}` };
    return call("ADD", env, small).json.ips[0].address as string;
  });
  expect(given).toEqual([2, 3, 4, 5, 6].map((last) => `10.233.9.${last}/29`));
  const full = { code: 101, msg: "all 5 addresses of network plug are taken" };
  expect(
    call("ADD", { CNI_NETNS: namespace("x"), CNI_CONTAINERID: "x" }, small).json,
  ).toMatchObject(full);
  expect(call("STATUS", {}, small).json).toMatchObject({ ...full, code: 50 });
  call("DEL", { CNI_CONTAINERID: "p2" }, small);
  const { json } = call(
    "ADD",
    { CNI_NETNS: "/run/netns/vt-plugin-x", CNI_CONTAINERID: "x" },
    small,
  );
  expect(json.ips[0].address).toBe("10.233.9.4/29");
  for (let i = 0; i < 5; i += 1) call("DEL", { CNI_CONTAINERID: `p${i}` }, small);
  call("DEL", { CNI_CONTAINERID: "x" }, small);
});
