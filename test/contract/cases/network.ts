/** Network: loopback, CNI with Vitrine's own bridge plugin, reachability, ports (network_namespaces(7)). */
import type { Op } from "../../../apps/runtime/src/kernel/index.ts";
import { container, containerPlan, sayEnd } from "../container-case.ts";
import { type CaseRun, type ContractCase, type Created, makeDirectory } from "../contract-case.ts";
import { bridgedPod, callPlugin, namespacePod, type Pod, sayPlugin } from "../network-case.ts";
import { setgid, setuid } from "../op-words.ts";

/** Namespaces of a container whose network is another's. */
const own = ["mnt", "pid", "ipc", "uts", "cgroup"] as const;

/** Runs a script in a container of the pod, and says its output. */
async function inPod(run: CaseRun, pod: Pod, sh: string, last: readonly Op[] = []): Promise<void> {
  const created = await startInPod(run, pod, sh, last);
  if (created !== undefined) await sayEnd(run, created);
}

async function startInPod(
  run: CaseRun,
  pod: Pod,
  sh: string,
  last: readonly Op[] = [],
): Promise<Created | undefined> {
  const plan = containerPlan(run, { namespaces: own, first: pod.enter, sh, last });
  const created = await run.create(plan);
  return created !== undefined && (await run.start(created)) ? created : undefined;
}

/** A web server with one file at port 8080, which says when it listens. */
const server =
  "mkdir /tmp/www; echo hello > /tmp/www/index.html; httpd -p 8080 -h /tmp/www; echo ready; while true; do sleep 0.05; done";

async function serverInPod(run: CaseRun, pod: Pod): Promise<void> {
  const created = await startInPod(run, pod, server);
  if (created !== undefined) await run.until(created, "ready");
}

const get = (url: string) => `wget -q -O - http://${url}/ 2>&1; echo $?`;
const ping = (address: string) => `ping -c 1 -W 1 ${address} >/dev/null 2>&1; echo $?`;

export const networkCases: readonly ContractCase[] = [
  {
    name: "network: a new namespace has a loopback that is down",
    run: container({ sh: `ls /sys/class/net; ${ping("127.0.0.1")}` }),
    expect: ["lo", "1"],
  },
  {
    name: "network: loopback up: it answers",
    run: container({ inside: [{ op: "linkUp", name: "lo" }], sh: ping("127.0.0.1") }),
    expect: ["0"],
  },
  {
    name: "network: all of 127.0.0.0/8 is loopback",
    run: container({ inside: [{ op: "linkUp", name: "lo" }], sh: ping("127.9.8.7") }),
    expect: ["0"],
  },
  {
    name: "network: loopback up twice is fine",
    run: container({
      inside: [
        { op: "linkUp", name: "lo" },
        { op: "linkUp", name: "lo" },
      ],
      sh: "echo on",
    }),
    expect: ["on"],
  },
  {
    name: "network: an interface that is not there is ENODEV",
    run: container({
      bare: true,
      inside: [
        { op: "linkUp", name: "eth7" },
        { op: "linkUp", name: "a-name-that-is-too-long" },
      ],
      sh: "echo on",
    }),
    expect: ["linkUp eth7: ENODEV", "linkUp a-name-that-is-too-long: ENAMETOOLONG", "on"],
  },
  {
    name: "network: without CAP_NET_ADMIN it is EPERM",
    run: container({
      bare: true,
      last: [setuid(1000), { op: "linkUp", name: "lo" }],
      sh: "echo on",
    }),
    expect: ["linkUp lo: EPERM", "on"],
  },
  {
    name: "network: nothing listens: refused",
    run: container({ inside: [{ op: "linkUp", name: "lo" }], sh: get("127.0.0.1:8080") }),
    expect: ["wget: can't connect to remote host (127.0.0.1): Connection refused", "1"],
  },
  {
    name: "network: loopback down: unreachable",
    run: container({ sh: get("127.0.0.1:8080") }),
    expect: ["wget: can't connect to remote host (127.0.0.1): Network is unreachable", "1"],
  },
  {
    name: "network: no route: unreachable",
    run: container({ inside: [{ op: "linkUp", name: "lo" }], sh: get("10.234.99.1:8080") }),
    expect: ["wget: can't connect to remote host (10.234.99.1): Network is unreachable", "1"],
  },
  {
    name: "network: a server on loopback",
    run: container({
      inside: [{ op: "linkUp", name: "lo" }],
      sh: `mkdir /tmp/www; echo hello > /tmp/www/index.html; httpd -p 8080 -h /tmp/www; ${get("127.0.0.1:8080")}; ${get("127.0.0.1:8081")}`,
    }),
    expect: [
      "hello",
      "0",
      "wget: can't connect to remote host (127.0.0.1): Connection refused",
      "1",
    ],
  },
  {
    name: "network: a port that is taken",
    run: container({
      inside: [{ op: "linkUp", name: "lo" }],
      sh: "httpd -p 8080 -h /tmp; httpd -p 8080 -h /tmp; echo $?",
    }),
    expect: ["1", "stderr: httpd: bind: Address already in use"],
  },
  {
    name: "network: a port below 1024 needs a capability",
    run: container({
      inside: [{ op: "linkUp", name: "lo" }],
      last: [setgid(1000), setuid(1000)],
      sh: "httpd -p 80 -h /tmp; echo $?; httpd -p 8080 -h /tmp; echo $?",
    }),
    expect: ["1", "0", "stderr: httpd: bind: Permission denied"],
  },
  {
    name: "network: unless the sysctl allows it",
    run: container({
      inside: [
        { op: "linkUp", name: "lo" },
        { op: "sysctl", key: "net.ipv4.ip_unprivileged_port_start", value: "80" },
      ],
      last: [setgid(1000), setuid(1000)],
      sh: "httpd -p 80 -h /tmp; echo $?; httpd -p 79 -h /tmp; echo $?",
    }),
    expect: ["0", "1", "stderr: httpd: bind: Permission denied"],
  },
  {
    name: "network: namespaces do not see each other's ports",
    run: async (run) => {
      await makeDirectory(run);
      const a = await namespacePod(run, "a");
      const b = await namespacePod(run, "b");
      await serverInPod(run, a);
      await inPod(run, b, get("127.0.0.1:8080"));
    },
    expect: ["wget: can't connect to remote host (127.0.0.1): Connection refused", "1", "exit 0"],
  },
  {
    name: "network: containers of one pod share loopback",
    run: async (run) => {
      await makeDirectory(run);
      const a = await namespacePod(run, "a");
      await serverInPod(run, a);
      await inPod(run, a, get("127.0.0.1:8080"));
    },
    expect: ["hello", "0", "exit 0"],
  },
  {
    name: "network: a pod's namespace outlives its processes",
    run: async (run) => {
      await makeDirectory(run);
      const a = await namespacePod(run, "a");
      await inPod(run, a, "echo one");
      await inPod(run, a, ping("127.0.0.1"));
    },
    expect: ["one", "exit 0", "0", "exit 0"],
  },
  {
    name: "network: makeNamespace with loopback down",
    run: async (run) => {
      await makeDirectory(run);
      const a = await namespacePod(run, "a", true);
      await inPod(run, a, ping("127.0.0.1"));
    },
    expect: ["1", "exit 0"],
  },
  {
    name: "CNI: VERSION",
    run: async (run) => {
      await makeDirectory(run);
      await sayPlugin(run, { command: "VERSION", id: "x" });
    },
    expect: [
      'VERSION 0 {"cniVersion":"1.1.0","supportedVersions":["0.3.0","0.3.1","0.4.0","1.0.0","1.1.0"]}',
    ],
  },
  {
    name: "CNI: ADD answers with interfaces, address and route",
    run: async (run) => {
      await makeDirectory(run);
      const a = await namespacePod(run, "a");
      const call = { id: `${run.id}-a`, netns: a.path };
      await sayPlugin(run, { command: "ADD", ...call });
      await sayPlugin(run, { command: "DEL", ...call });
    },
    expect: [
      'ADD 0 {"cniVersion":"1.0.0","interfaces":[{"name":"vtcontract0","mac":"0a:57:0a:ea:63:01"},{"name":"veth","mac":"0a:56:0a:ea:63:02"},{"name":"eth0","mac":"0a:58:0a:ea:63:02","sandbox":"(bed)/netns/case-a"}],"ips":[{"interface":2,"address":"10.234.99.2/24","gateway":"10.234.99.1"}],"routes":[{"dst":"0.0.0.0/0","gw":"10.234.99.1"}],"dns":{}}',
      "DEL 0",
    ],
  },
  {
    name: "CNI: the second pod has the next address",
    run: async (run) => {
      await makeDirectory(run);
      await bridgedPod(run, "a");
      const b = await namespacePod(run, "b");
      const call = { id: `${run.id}-b`, netns: b.path };
      await sayPlugin(run, { command: "ADD", ...call });
      await sayPlugin(run, { command: "DEL", ...call });
    },
    expect: [
      'ADD 0 {"cniVersion":"1.0.0","interfaces":[{"name":"vtcontract0","mac":"0a:57:0a:ea:63:01"},{"name":"veth","mac":"0a:56:0a:ea:63:03"},{"name":"eth0","mac":"0a:58:0a:ea:63:03","sandbox":"(bed)/netns/case-b"}],"ips":[{"interface":2,"address":"10.234.99.3/24","gateway":"10.234.99.1"}],"routes":[{"dst":"0.0.0.0/0","gw":"10.234.99.1"}],"dns":{}}',
      "DEL 0",
    ],
  },
  {
    name: "CNI: the version of the request decides the form of the answer",
    run: async (run) => {
      await makeDirectory(run);
      const a = await namespacePod(run, "a");
      const call = { id: `${run.id}-a`, netns: a.path, config: { cniVersion: "0.3.1" } };
      await sayPlugin(run, { command: "ADD", ...call });
      await sayPlugin(run, { command: "DEL", ...call });
    },
    expect: [
      'ADD 0 {"cniVersion":"0.3.1","interfaces":[{"name":"vtcontract0","mac":"0a:57:0a:ea:63:01"},{"name":"veth","mac":"0a:56:0a:ea:63:02"},{"name":"eth0","mac":"0a:58:0a:ea:63:02","sandbox":"(bed)/netns/case-a"}],"ips":[{"version":"4","interface":2,"address":"10.234.99.2/24","gateway":"10.234.99.1"}],"routes":[{"dst":"0.0.0.0/0","gw":"10.234.99.1"}],"dns":{}}',
      "DEL 0",
    ],
  },
  {
    name: "CNI: DEL twice and of the unknown is fine",
    run: async (run) => {
      await makeDirectory(run);
      const a = await bridgedPod(run, "a");
      const call = { command: "DEL", id: `${run.id}-a`, netns: a.path } as const;
      await sayPlugin(run, call);
      await sayPlugin(run, call);
      await sayPlugin(run, { command: "DEL", id: "unknown" });
    },
    expect: ["DEL 0", "DEL 0", "DEL 0"],
  },
  {
    name: "CNI: ADD of the same attachment answers as before",
    run: async (run) => {
      await makeDirectory(run);
      const a = await bridgedPod(run, "a");
      await sayPlugin(run, { command: "ADD", id: `${run.id}-a`, netns: a.path });
    },
    expect: [
      'ADD 0 {"cniVersion":"1.0.0","interfaces":[{"name":"vtcontract0","mac":"0a:57:0a:ea:63:01"},{"name":"veth","mac":"0a:56:0a:ea:63:02"},{"name":"eth0","mac":"0a:58:0a:ea:63:02","sandbox":"(bed)/netns/case-a"}],"ips":[{"interface":2,"address":"10.234.99.2/24","gateway":"10.234.99.1"}],"routes":[{"dst":"0.0.0.0/0","gw":"10.234.99.1"}],"dns":{}}',
    ],
  },
  {
    name: "CNI: ADD without a namespace, with one that is not there, with a file that is none",
    run: async (run) => {
      await makeDirectory(run);
      await sayPlugin(run, { command: "ADD", id: "x" });
      await sayPlugin(run, { command: "ADD", id: "x", netns: "/run/netns/none" });
      await sayPlugin(run, { command: "ADD", id: "x", netns: run.bed.place.cniPlugin });
    },
    expect: [
      'ADD 1 {"cniVersion":"1.0.0","code":4,"msg":"CNI_NETNS \\"\\" is not an absolute path"}',
      'ADD 1 {"cniVersion":"1.0.0","code":3,"msg":"cannot open the network namespace /run/netns/none: No such file or directory"}',
      'ADD 1 {"cniVersion":"1.0.0","code":4,"msg":"CNI_NETNS (plugin) is no network namespace: Invalid argument"}',
    ],
  },
  {
    name: "CNI: configurations that make no sense",
    run: async (run) => {
      await makeDirectory(run);
      const a = await namespacePod(run, "a");
      const add = { command: "ADD", id: "x", netns: a.path } as const;
      for (const config of [
        { subnet: "10.1.2.3" },
        { cniVersion: "9.0.0" },
        { bridge: "a/b" },
        { name: "../x" },
        { ipam: { type: "host-local" } },
      ])
        await sayPlugin(run, { ...add, config });
    },
    expect: [
      'ADD 1 {"cniVersion":"1.0.0","code":7,"msg":"\\"subnet\\" must be an IPv4 network such as 10.88.0.0/16, prefix 8 to 30"}',
      'ADD 1 {"cniVersion":"1.1.0","code":1,"msg":"cniVersion \\"9.0.0\\" is not supported; supported are [\\"0.3.0\\",\\"0.3.1\\",\\"0.4.0\\",\\"1.0.0\\",\\"1.1.0\\"]"}',
      'ADD 1 {"cniVersion":"1.0.0","code":7,"msg":"\\"bridge\\" is no interface name: a/b"}',
      'ADD 1 {"cniVersion":"1.0.0","code":7,"msg":"\\"name\\" must be letters, digits, dot, underscore and hyphen"}',
      'ADD 1 {"cniVersion":"1.0.0","code":2,"msg":"\\"ipam\\" is not a field of this plugin: it has its own address pool (\\"subnet\\") and is always gateway"}',
    ],
  },
  {
    name: "CNI: a configuration that is no JSON",
    run: async (run) => {
      await makeDirectory(run);
      const a = await namespacePod(run, "a");
      const add = { command: "ADD", id: "x", netns: a.path } as const;
      await sayPlugin(run, { ...add, stdin: "{nonsense" });
      await sayPlugin(run, { ...add, stdin: "" });
    },
    expect: [
      'ADD 1 {"cniVersion":"1.1.0","code":6,"msg":"configuration on stdin is not JSON as it must be: name of a member expected"}',
      'ADD 1 {"cniVersion":"1.1.0","code":6,"msg":"configuration on stdin is not JSON as it must be: empty"}',
    ],
    differs: {
      reason:
        "code and beginning are the same; where the JSON breaks is said in the words of JSON.parse",
    },
  },
  {
    name: "CNI: an address is free again after DEL",
    run: async (run) => {
      await makeDirectory(run);
      const a = await namespacePod(run, "a");
      const call = { id: `${run.id}-a`, netns: a.path };
      for (let turn = 0; turn < 2; turn++) {
        await callPlugin(run, { command: "ADD", ...call });
        await inPod(run, a, "ip route | grep -o 'src [0-9.]*'");
        await callPlugin(run, { command: "DEL", ...call });
      }
    },
    expect: ["src 10.234.99.2", "exit 0", "src 10.234.99.2", "exit 0"],
  },
  {
    name: "bridge: interfaces of a pod",
    run: async (run) => {
      await makeDirectory(run);
      const a = await bridgedPod(run, "a");
      await inPod(
        run,
        a,
        "ls /sys/class/net; cat /sys/class/net/eth0/address; cat /sys/class/net/eth0/mtu",
      );
    },
    expect: ["eth0", "lo", "0a:58:0a:ea:63:02", "1500", "exit 0"],
  },
  {
    name: "bridge: routes of a pod",
    run: async (run) => {
      await makeDirectory(run);
      const a = await bridgedPod(run, "a");
      await inPod(run, a, "ip route | cut -d' ' -f1-3; ip route | grep -o 'src [0-9.]*'");
    },
    expect: ["default via 10.234.99.1", "10.234.99.0/24 dev eth0", "src 10.234.99.2", "exit 0"],
  },
  {
    name: "bridge: addresses of a pod",
    run: async (run) => {
      await makeDirectory(run);
      const a = await bridgedPod(run, "a");
      await inPod(
        run,
        a,
        "ip addr show dev eth0 | grep 'inet '; ip addr show dev lo | grep 'inet '",
      );
    },
    expect: [
      "    inet 10.234.99.2/24 brd 10.234.99.255 scope global eth0",
      "    inet 127.0.0.1/8 scope host lo",
      "exit 0",
    ],
    differs: {
      reason: "the model keeps no broadcast address with an address (support table, addresses)",
    },
  },
  {
    name: "bridge: a pod reaches itself, its gateway and its neighbour",
    run: async (run) => {
      await makeDirectory(run);
      const a = await bridgedPod(run, "a");
      await bridgedPod(run, "b");
      await inPod(run, a, ["10.234.99.2", "10.234.99.1", "10.234.99.3"].map(ping).join("; "));
    },
    expect: ["0", "0", "0", "exit 0"],
  },
  {
    name: "bridge: nobody has that address",
    run: async (run) => {
      await makeDirectory(run);
      const a = await bridgedPod(run, "a");
      await inPod(run, a, ping("10.234.99.77"));
    },
    expect: ["1", "exit 0"],
  },
  {
    name: "bridge: TCP from pod to pod",
    run: async (run) => {
      await makeDirectory(run);
      const a = await bridgedPod(run, "a");
      const b = await bridgedPod(run, "b");
      await serverInPod(run, a);
      await inPod(run, b, get("10.234.99.2:8080"));
    },
    expect: ["hello", "0", "exit 0"],
  },
  {
    name: "bridge: a port of a neighbour where nothing listens is refused",
    run: async (run) => {
      await makeDirectory(run);
      const a = await bridgedPod(run, "a");
      await bridgedPod(run, "b");
      await inPod(run, a, get("10.234.99.3:8080"));
    },
    expect: ["wget: can't connect to remote host (10.234.99.3): Connection refused", "1", "exit 0"],
  },
  {
    name: "bridge: TCP to an own address",
    run: async (run) => {
      await makeDirectory(run);
      const a = await bridgedPod(run, "a");
      await serverInPod(run, a);
      await inPod(run, a, get("10.234.99.2:8080"));
    },
    expect: ["hello", "0", "exit 0"],
  },
  {
    name: "bridge: after DEL the neighbour is gone",
    run: async (run) => {
      await makeDirectory(run);
      const a = await bridgedPod(run, "a");
      const b = await bridgedPod(run, "b");
      await inPod(run, a, ping("10.234.99.3"));
      await callPlugin(run, { command: "DEL", id: `${run.id}-b`, netns: b.path });
      await inPod(run, a, ping("10.234.99.3"));
      await inPod(run, b, "ls /sys/class/net");
    },
    expect: ["0", "exit 0", "1", "exit 0", "lo", "exit 0"],
  },
  {
    name: "bridge: a server on loopback only is not reached from outside",
    run: async (run) => {
      await makeDirectory(run);
      const a = await bridgedPod(run, "a");
      const b = await bridgedPod(run, "b");
      const created = await startInPod(
        run,
        a,
        "httpd -p 127.0.0.1:8080 -h /tmp; echo ready; while true; do sleep 0.05; done",
      );
      if (created !== undefined) await run.until(created, "ready");
      await inPod(run, b, get("10.234.99.2:8080"));
    },
    expect: ["wget: can't connect to remote host (10.234.99.2): Connection refused", "1", "exit 0"],
  },
  {
    name: "bridge: an interface that goes down in the pod",
    run: async (run) => {
      await makeDirectory(run);
      const a = await bridgedPod(run, "a");
      await inPod(
        run,
        a,
        `ip link set eth0 down; ${ping("10.234.99.1")}; ip link set eth0 up; ip route | cut -d' ' -f1-3`,
      );
    },
    expect: ["1", "10.234.99.0/24 dev eth0", "exit 0"],
  },
];
