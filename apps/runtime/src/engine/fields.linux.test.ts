/**
 * Fields of pod and container configs through the whole engine: what was asked for over the CRI is what
 * the process inside finds. What the compiler makes of them op by op is tested in oci/.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  hostNetworkPod,
  namespaceOptions,
  podConfig,
} from "../../../../test/harness/cri-requests.ts";
import { limited, mountOf, PodBench, secured } from "../../../../test/harness/pod-bench.ts";
import type { ContainerConfig, PodSandboxConfig } from "../api/index.ts";

let bench: PodBench;

/** A limit of huge pages turns that controller on for the whole hybrid tree; afterwards it is as it was. */
const control = "/sys/fs/cgroup/unified/cgroup.subtree_control";
const delegated = !existsSync(control) || readFileSync(control, "utf8").includes("hugetlb");

beforeAll(async () => {
  bench = await PodBench.open();
});

afterAll(async () => {
  await bench.close();
  if (!delegated) writeFileSync(control, "-hugetlb");
});

/** A second pod beside the first, for as long as `work` takes. */
async function inPod(pod: PodSandboxConfig, work: (own: PodBench) => Promise<void>): Promise<void> {
  const own = await PodBench.openIn(bench.node, pod);
  await work(own);
  await bench.node.engine.removePodSandbox(bench.node.context, own);
}

function podWith(namespaces: Partial<typeof namespaceOptions>): PodSandboxConfig {
  const pod = hostNetworkPod();
  const securityContext = pod.linux?.securityContext;
  if (pod.linux === undefined || securityContext === undefined) throw new Error("no linux section");
  const options = { ...namespaceOptions, network: "NODE" as const, ...namespaces };
  return {
    ...pod,
    linux: { ...pod.linux, securityContext: { ...securityContext, namespaceOptions: options } },
  };
}

const pidMode = (pid: "POD" | "NODE" | "TARGET", targetId = "") =>
  secured({ namespaceOptions: { ...namespaceOptions, network: "NODE", pid, targetId } });
const namespaceOf = (pid: number | "self", name: string) => readlinkSync(`/proc/${pid}/ns/${name}`);

describe("namespaces", () => {
  it("TARGET joins the processes of another container of the pod, which stays when that one goes", async () => {
    const app = await bench.start({ command: ["sleep", "4321"] });
    const debug = await bench.start({ command: ["sleep", "1234"], ...pidMode("TARGET", app) });
    expect(await bench.ask(debug, "cat /proc/1/cmdline | tr '\\0' ' '")).toBe("sleep 4321 ");
    expect(await bench.ask(app, "ps -o args")).toContain("sleep 1234");
    const [own, joined] = [await bench.pid(app), await bench.pid(debug)];
    expect(namespaceOf(joined, "pid")).toBe(namespaceOf(own, "pid"));
    expect(namespaceOf(joined, "mnt")).not.toBe(namespaceOf(own, "mnt"));
    // The debugger goes alone; the application has not noticed.
    await bench.remove(debug);
    expect((await bench.status(app)).state).toBe("CONTAINER_RUNNING");
    // The end of the target's init is the end of the namespace, and of all who joined.
    const again = await bench.start(pidMode("TARGET", app));
    await bench.node.engine.stopContainer(bench.node.context, { containerId: app, timeout: 0 });
    await expect.poll(async () => (await bench.status(again)).state).toBe("CONTAINER_EXITED");
    await expect(bench.create(pidMode("TARGET", app))).rejects.toMatchObject({
      code: "FAILED_PRECONDITION",
      message: expect.stringMatching(/not running/),
    });
    for (const containerId of [app, again]) await bench.remove(containerId);
  });

  it("of the host: pid and ipc are the host's own, for containers that ask in a pod that may", async () => {
    await inPod(podWith({ pid: "NODE", ipc: "NODE" }), async (own) => {
      const containerId = await own.start(pidMode("NODE"));
      const pid = await own.pid(containerId);
      for (const name of ["pid", "ipc", "net", "uts"]) {
        expect(namespaceOf(pid, name)).toBe(namespaceOf("self", name));
      }
      expect(namespaceOf(pid, "mnt")).not.toBe(namespaceOf("self", "mnt"));
      expect(await own.ask(containerId, `test -d /proc/${process.pid} && echo seen`)).toBe(
        "seen\n",
      );
      const { status } = await bench.node.engine.podSandboxStatus(bench.node.context, {
        podSandboxId: own.podSandboxId,
        verbose: false,
      });
      expect(status?.linux?.namespaces?.options).toMatchObject({
        network: "NODE",
        pid: "NODE",
        ipc: "NODE",
      });
    });
    await expect(bench.create(pidMode("NODE"))).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });

  it("of the pod: containers see each other's processes and messages", async () => {
    await inPod(podWith({ pid: "POD", ipc: "POD" }), async (own) => {
      const first = await own.start({ command: ["sleep", "4321"], ...pidMode("POD") });
      const second = await own.start(pidMode("POD"));
      expect(await own.ask(second, "ps -o args")).toContain("sleep 4321");
      await own.ask(first, "echo from-first > /dev/shm/x");
      expect(await own.ask(second, "cat /dev/shm/x")).toBe("from-first\n");
      const [one, other] = [await own.pid(first), await own.pid(second)];
      expect(namespaceOf(one, "ipc")).toBe(namespaceOf(other, "ipc"));
      expect(namespaceOf(one, "ipc")).not.toBe(namespaceOf("self", "ipc"));
    });
  });

  it("carry the pod's sysctls, and not the host's", async () => {
    const before = readFileSync("/proc/sys/kernel/msgmax", "utf8");
    const pod = hostNetworkPod();
    const sysctls = { "kernel.msgmax": "12345", "fs.mqueue.queues_max": "77" };
    const linux = { cgroupParent: "", ...pod.linux, sysctls };
    await inPod({ ...pod, linux }, async (own) => {
      const script = "cat /proc/sys/kernel/msgmax /proc/sys/fs/mqueue/queues_max";
      expect(await own.answer({}, script)).toBe("12345\n77\n");
    });
    expect(readFileSync("/proc/sys/kernel/msgmax", "utf8")).toBe(before);
  });
});

describe("the user", () => {
  const asNobody = { runAsUsername: "nobody", supplementalGroups: [4711] };
  it.each([
    ["Merge", [50, 4711, 65534]],
    ["Strict", [4711, 65534]],
  ] as const)(
    "has with policy %s the groups %j, inside and in the status",
    async (policy, groups) => {
      const containerId = await bench.start(
        secured({ ...asNobody, supplementalGroupsPolicy: policy }),
      );
      const inside = await bench.ask(
        containerId,
        "id -u; id -g; id -G; grep Groups /proc/1/status",
      );
      const [uid, gid, ids = "", init = ""] = inside.trim().split("\n");
      const sorted = (text: string) =>
        [...new Set(text.match(/\d+/g)?.map(Number))].sort((a, b) => a - b);
      expect([uid, gid]).toEqual(["65534", "65534"]);
      expect(sorted(ids)).toEqual(groups);
      expect(sorted(init)).toEqual(groups);
      const { user } = await bench.status(containerId);
      expect(user?.linux).toMatchObject({ uid: 65534, gid: 65534 });
      expect([...(user?.linux?.supplementalGroups ?? [])].sort((a, b) => a - b)).toEqual(groups);
      await bench.remove(containerId);
    },
  );
});

describe("seccomp", () => {
  const filter = "grep -E '^Seccomp:' /proc/1/status; unshare -U true 2>&1 | tail -n 1";
  it("RuntimeDefault filters init and exec, and what it forbids is refused", async () => {
    const seccomp = { profileType: "RuntimeDefault", localhostRef: "" } as const;
    expect(await bench.answer(secured({ seccomp }), filter)).toMatch(
      /^Seccomp:\t2\n.*not permitted\n$/,
    );
    expect(await bench.answer(secured({ seccomp }), "grep Seccomp: /proc/self/status")).toBe(
      "Seccomp:\t2\n",
    );
    const unconfined = { profileType: "Unconfined", localhostRef: "" } as const;
    expect(await bench.answer(secured({ seccomp: unconfined }), filter)).toBe("Seccomp:\t0\n");
  });

  it("Localhost is the profile of that file", async () => {
    const path = join(bench.directory, "profile.json");
    const rule = { names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 28 };
    writeFileSync(path, JSON.stringify({ defaultAction: "SCMP_ACT_ALLOW", syscalls: [rule] }));
    const seccomp = { profileType: "Localhost", localhostRef: path } as const;
    const script = "grep Seccomp: /proc/1/status; mkdir /tmp/x; touch /tmp/y && echo touched";
    expect(await bench.answer(secured({ seccomp }), script)).toBe(
      "Seccomp:\t2\ntouched\nmkdir: can't create directory '/tmp/x': No space left on device\n",
    );
    const old = { seccompProfilePath: `localhost/${path}` };
    expect(await bench.answer(secured(old), "grep Seccomp: /proc/1/status")).toBe("Seccomp:\t2\n");
  });
});

describe("what may be seen and written", () => {
  it("a read-only root takes no writes; its tmpfs and mounts do", async () => {
    const data = join(bench.directory, "data");
    mkdirSync(data);
    const changed: Partial<ContainerConfig> = {
      ...secured({ readonlyRootfs: true }),
      mounts: [mountOf({ hostPath: data })],
    };
    const script =
      "touch /root/x; touch /data/x && echo data; touch /dev/shm/x && echo shm; mount | grep ' / ' | grep -c '(ro'";
    expect(await bench.answer(changed, script)).toBe(
      "data\nshm\n1\ntouch: /root/x: Read-only file system\n",
    );
    expect(existsSync(join(data, "x"))).toBe(true);
  });

  it("masked paths are empty and read-only paths read-only, as the config names them", async () => {
    const changed = secured({
      maskedPaths: ["/etc/passwd", "/root", "/not/there"],
      readonlyPaths: ["/proc/sys", "/tmp", "/not/there/either"],
    });
    const script =
      "wc -c < /etc/passwd; ls -A /root | wc -l; touch /tmp/x; echo 1 > /proc/sys/vm/swappiness; cat /proc/kcore | head -c 4 | wc -c";
    const answer = await bench.answer(changed, script);
    expect(answer).toMatch(/^0\n0\n/);
    expect(answer).toMatch(/touch: \/tmp\/x: Read-only file system/);
    expect(answer).toMatch(/swappiness: Read-only file system/);
  });

  it("devices are those of the config, with its permissions and no others", async () => {
    const device = (permissions: string) => ({
      containerPath: "/dev/stream",
      hostPath: "/dev/zero",
      permissions,
    });
    const script =
      "ls -l /dev/stream | awk '{print $5 $6}'; head -c 1 /dev/stream | wc -c; echo x > /dev/stream && echo written";
    const both = { devices: [device("rw")] };
    expect(await bench.answer(both, script)).toBe("1,5\n1\nwritten\n");
    const fuse = { containerPath: "/dev/fuse", hostPath: "/dev/fuse", permissions: "r" };
    const opened = await bench.answer(
      { devices: [fuse] },
      "(: < /dev/fuse) && echo readable; (: > /dev/fuse) && echo writable",
    );
    expect(opened).toBe("readable\nsh: can't create /dev/fuse: Operation not permitted\n");
    expect(await bench.answer({}, "ls /dev/fuse")).toMatch(/No such file/);
  });
});

describe("mounts", () => {
  const script =
    "touch /data/x 2>/dev/null && echo top; touch /data/sub/x 2>/dev/null && echo below; true";
  let tree: string;

  beforeAll(() => {
    tree = join(bench.directory, "tree");
    mkdirSync(tree);
    execFileSync("mount", ["-t", "tmpfs", "vt-tree", tree]);
    execFileSync("mount", ["--make-shared", tree]);
    for (const name of ["sub", "late"]) mkdirSync(join(tree, name));
    execFileSync("mount", ["-t", "tmpfs", "vt-sub", join(tree, "sub")]);
  });

  afterAll(() => {
    execFileSync("umount", ["-R", tree]);
  });

  it("are writable, read-only at the top, or read-only all the way down", async () => {
    const readonly = { hostPath: tree, readonly: true };
    expect(await bench.answer({ mounts: [mountOf({ hostPath: tree })] }, script)).toBe(
      "top\nbelow\n",
    );
    expect(await bench.answer({ mounts: [mountOf(readonly)] }, script)).toBe("below\n");
    const all = mountOf({ ...readonly, recursiveReadOnly: true });
    const containerId = await bench.start({ mounts: [all] });
    expect(await bench.ask(containerId, script)).toBe("");
    expect((await bench.status(containerId)).mounts).toEqual([all]);
    await bench.remove(containerId);
    const wrong = bench.create({ mounts: [mountOf({ hostPath: tree, recursiveReadOnly: true })] });
    await expect(wrong).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });

  it.each([
    ["PROPAGATION_PRIVATE", "", "no\n"],
    ["PROPAGATION_HOST_TO_CONTAINER", "later\n", "no\n"],
    ["PROPAGATION_BIDIRECTIONAL", "later\n", "yes\n"],
  ] as const)("with %s travel as promised", async (propagation, seenInside, seenOutside) => {
    const privileged = propagation === "PROPAGATION_BIDIRECTIONAL";
    const capabilities = {
      addCapabilities: ["SYS_ADMIN"],
      dropCapabilities: [],
      addAmbientCapabilities: [],
    };
    const pod = hostNetworkPod();
    const sandbox = pod.linux?.securityContext;
    if (pod.linux === undefined || sandbox === undefined) throw new Error("no linux section");
    const linux = { ...pod.linux, securityContext: { ...sandbox, privileged } };
    await inPod({ ...pod, linux }, async (own) => {
      const containerId = await own.start({
        ...secured(privileged ? { privileged } : { capabilities }),
        mounts: [mountOf({ hostPath: tree, propagation })],
      });
      execFileSync("mount", ["-t", "tmpfs", "vt-late", join(tree, "late")]);
      try {
        writeFileSync(join(tree, "late/later"), "");
        expect(await own.ask(containerId, "ls /data/late")).toBe(seenInside);
      } finally {
        execFileSync("umount", [join(tree, "late")]);
      }
      expect(await own.ask(containerId, "mount -t tmpfs vt-own /data/late")).toBe("");
      const outside = readFileSync("/proc/self/mounts", "utf8").includes("vt-own");
      expect(outside ? "yes\n" : "no\n").toBe(seenOutside);
      expect(await own.ask(containerId, "umount /data/late")).toBe("");
      await own.remove(containerId);
    });
  });

  it("of images: whole, a directory of one, a file of one; read-only and unmounted after", async () => {
    const image = {
      image: "vitrine.test/busybox:1",
      annotations: {},
      userSpecifiedImage: "",
      runtimeHandler: "",
      imageRef: "",
    };
    const one = (containerPath: string, imageSubPath: string) =>
      mountOf({ containerPath, image, imageSubPath, readonly: true });
    const mounts = [one("/whole", ""), one("/etc-of", "etc"), one("/passwd-of", "etc/passwd")];
    const containerId = await bench.start({ mounts });
    const inside = "ls /whole | tr '\\n' ' '; ls /etc-of | tr '\\n' ' '; head -n 1 /passwd-of";
    const answer = await bench.ask(containerId, `${inside}; touch /whole/x /etc-of/x`);
    expect(answer).toMatch(
      /^bin dev etc .*\ngroup passwd root:x:0:0|^bin dev etc .*group passwd root:x:0:0/,
    );
    expect(answer.match(/Read-only file system/g)).toHaveLength(2);
    const below = () =>
      readFileSync("/proc/self/mounts", "utf8")
        .split("\n")
        .filter((line) => line.includes(`${containerId}/images/`)).length;
    expect(below()).toBe(3);
    await bench.remove(containerId);
    expect(below()).toBe(0);
  });

  it.each([
    ["nowhere", "INVALID_ARGUMENT", /nowhere does not exist/],
    ["../etc", "INVALID_ARGUMENT", /\.\./],
  ])(
    "of the sub path %s of an image are refused, and nothing stays mounted",
    async (imageSubPath, code, message) => {
      const image = {
        image: "vitrine.test/busybox:1",
        annotations: {},
        userSpecifiedImage: "",
        runtimeHandler: "",
        imageRef: "",
      };
      const mounts = [mountOf({ image, imageSubPath, readonly: true })];
      await expect(bench.create({ mounts })).rejects.toMatchObject({
        code,
        message: expect.stringMatching(message),
      });
      const mounted = readFileSync("/proc/self/mounts", "utf8").split("\n");
      const ours = mounted.filter((line) => line.includes(`${bench.directory}/run/containers`));
      expect(ours.filter((line) => line.includes("/images/"))).toEqual([]);
    },
  );
});

describe("limits", () => {
  it("of huge pages are in the hierarchy that has them", async () => {
    const limit = 4 << 20;
    const containerId = await bench.start(
      limited({ hugepageLimits: [{ pageSize: "2MB", limit }] }),
    );
    expect(await bench.cgroupFile(containerId, "hugetlb.2MB.max")).toBe(String(limit));
    await bench.remove(containerId);
    const wrong = bench.create(limited({ hugepageLimits: [{ pageSize: "3MB", limit }] }));
    await expect(wrong).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });

  it("of CPU, memory and CPUs are in the kernel's files and in the status", async () => {
    const resources = {
      cpuShares: 200,
      cpuPeriod: 20_000,
      cpuQuota: 10_000,
      memoryLimitInBytes: 50 << 20,
      cpusetCpus: "1",
      oomScoreAdj: 500,
    };
    const containerId = await bench.start(limited(resources));
    const files = ["cpu.shares", "cpu.cfs_quota_us", "memory.limit_in_bytes", "cpuset.cpus"];
    const values = files.map((file) => bench.cgroupFile(containerId, file));
    expect(await Promise.all(values)).toEqual(["200", "10000", String(50 << 20), "1"]);
    expect(await bench.ask(containerId, "cat /proc/1/oom_score_adj")).toBe("500\n");
    expect((await bench.status(containerId)).resources?.linux).toMatchObject(resources);
    await bench.remove(containerId);
  });
});

describe("a pod with a network of its own", () => {
  it("has its sysctls of the network, and its hostname", async () => {
    bench.node.writeBridgeConfig("vtfields0", 14);
    try {
      const pod = podConfig({
        hostname: "named-host",
        linux: { cgroupParent: "", sysctls: { "net.ipv4.ip_local_port_range": "1024 2000" } },
      });
      await inPod(pod, async (own) => {
        const script = "hostname; cat /proc/sys/net/ipv4/ip_local_port_range | tr '\\t' ' '";
        const networked = secured({ namespaceOptions });
        expect(await own.answer(networked, script)).toBe("named-host\n1024 2000\n");
      });
    } finally {
      execFileSync("ip", ["link", "delete", "vtfields0"]);
    }
  });
});
