/**
 * Compiled Plans on the real kernel: what the process inside sees is what was asked for, and the same
 * spec gives the same picture under runc.
 */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  commandOf,
  identityOf,
  type Wanted,
  Workbench,
  waitFor,
} from "../../../../test/harness/workbench.ts";
import { readHostFacts } from "../kernel/linux/facts.ts";
import { compileExec, compileSandbox } from "./compile.ts";
import {
  containerSecurity,
  mount,
  namespaceOptions,
  resources,
  sandboxRequest,
} from "./fixture/requests.ts";
import { prepareSandbox } from "./prepare.ts";

/** What the container can tell of itself; addresses, ids and times that differ anyway are left out. */
const look = String.raw`
id
hostname
cd /proc/self
grep -E '^(Cap|NoNewPrivs|Seccomp:|Groups|Umask)' status
cut -d' ' -f5,6,7- mountinfo | sed 's/ - / /; s/master:[0-9]*//; s/shared:[0-9]*/shared/; ' | tr -s ' ' | cut -d' ' -f1-4 | sort
ls -ln /dev | awk '{print $1,$3,$4,$5,$6,$NF}' | grep -v '^total' | sort
cat oom_score_adj
grep -E 'open files|processes' limits | tr -s ' '
ls /proc/self/fd | sort -n | tr '\n' ' '
env | sort
pwd
cat /proc/kcore 2>&1 | head -c 20
touch /proc/sys/kernel/x 2>&1
umask
`;

let bench: Workbench;

beforeEach(async () => {
  bench = await Workbench.open();
});

afterEach(() => {
  bench.end();
});

/** Lines in both, lines only ours, lines only runc's. */
function difference(ours: string, theirs: string): string[] {
  const left = ours.split("\n");
  const right = theirs.split("\n");
  return [
    ...left.filter((line) => !right.includes(line)).map((line) => `ours   ${line}`),
    ...right.filter((line) => !left.includes(line)).map((line) => `theirs ${line}`),
  ];
}

describe("the same spec under runc and under the Plan", () => {
  async function compare(wanted: Wanted): Promise<string[]> {
    const { spec, running } = await bench.create({ script: look, ...wanted });
    running.start();
    return difference(await running.output, bench.underRunc(spec));
  }
  // Ours: no hierarchy without controllers, the tmpfs above the others read-only like them, and masks
  // that keep the attributes of what they cover.
  const known = [
    "ours   /proc/acpi ro,nosuid,nodev,noexec,relatime tmpfs none",
    "ours   /sys/fs/cgroup ro,nosuid,nodev,noexec,relatime tmpfs cgroup",
    "theirs /proc/acpi ro,relatime tmpfs tmpfs",
    "theirs /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime tmpfs tmpfs",
    "theirs /sys/fs/cgroup/systemd ro,nosuid,nodev,noexec,relatime cgroup cgroup",
  ];

  it("of an ordinary container", async () => {
    expect(await compare({})).toEqual(known);
  });

  it("of a user with groups, few capabilities, no way up, a filter, and nothing to write to", async () => {
    const changes: Wanted = {
      security: {
        runAsUser: { value: 1000 },
        runAsGroup: { value: 1234 },
        supplementalGroups: [7, 8],
        readonlyRootfs: true,
        noNewPrivs: true,
        seccomp: { profileType: "RuntimeDefault", localhostRef: "" },
        capabilities: {
          addCapabilities: ["NET_ADMIN"],
          dropCapabilities: ["ALL"],
          addAmbientCapabilities: [],
        },
      },
      config: {
        workingDir: "/made/for/it",
        mounts: [
          mount({
            containerPath: "/data/in",
            hostPath: join(bench.directory, "shm"),
            readonly: true,
          }),
        ],
      },
    };
    expect(await compare(changes)).toEqual(known);
  });

  it("of a user with a filter that only root may load", async () => {
    const seccomp = { profileType: "RuntimeDefault", localhostRef: "" } as const;
    expect(await compare({ security: { runAsUsername: "app", seccomp } })).toEqual(known);
  });
});

describe("a container", () => {
  it("is who it was asked to be, with nothing more", async () => {
    const output = await bench.outputOf({
      security: { runAsUsername: "app", supplementalGroups: [77] },
      script: "id; grep -E '^(CapEff|CapInh|CapBnd)' /proc/self/status; echo $HOME",
    });
    expect(output).toMatchInlineSnapshot(`
      "uid=1000(app) gid=1000(app) groups=77,1000(app),2000(extra)
      CapInh:	0000000000000000
      CapEff:	0000000000000000
      CapBnd:	00000000a80425fb
      /home/app
      "
    `);
  });

  it("with a filter loses the right to load it", async () => {
    const seccomp = { profileType: "RuntimeDefault", localhostRef: "" } as const;
    const script = "grep -E '^(Cap|Seccomp:)' /proc/self/status; mount -t tmpfs x /tmp";
    expect(await bench.outputOf({ security: { seccomp }, script })).toMatchInlineSnapshot(`
      "CapInh:	0000000000000000
      CapPrm:	00000000a80425fb
      CapEff:	00000000a80425fb
      CapBnd:	00000000a80425fb
      CapAmb:	0000000000000000
      Seccomp:	2
      mount: permission denied (are you root?)
      "
    `);
    expect(
      await bench.outputOf({ security: { seccomp, runAsUsername: "app" }, script }),
    ).toMatchInlineSnapshot(`
      "CapInh:	0000000000000000
      CapPrm:	0000000000000000
      CapEff:	0000000000000000
      CapBnd:	00000000a80425fb
      CapAmb:	0000000000000000
      Seccomp:	2
      mount: permission denied (are you root?)
      "
    `);
  });

  it("has the profile of a file", async () => {
    const path = join(bench.directory, "profile.json");
    const rule = { names: ["chmod", "fchmodat"], action: "SCMP_ACT_ERRNO", errnoRet: 85 };
    writeFileSync(path, JSON.stringify({ defaultAction: "SCMP_ACT_ALLOW", syscalls: [rule] }));
    const seccomp = { profileType: "Localhost", localhostRef: path } as const;
    const script = "touch /tmp/x; chmod 600 /tmp/x";
    expect(await bench.outputOf({ security: { seccomp }, script })).toMatch(
      /chmod: \/tmp\/x: Interrupted/,
    );
  });

  it("cannot write to a read-only root, nor see what is masked", async () => {
    const script =
      "touch /etc/x; touch /dev/x && echo dev; ls /proc/acpi; touch /proc/sys/vm/swappiness";
    expect(
      await bench.outputOf({ security: { readonlyRootfs: true }, script }),
    ).toMatchInlineSnapshot(`
      "dev
      touch: /etc/x: Read-only file system
      touch: /proc/sys/vm/swappiness: Read-only file system
      "
    `);
  });

  it("cannot read the host's disk through a node of its own", async () => {
    const script =
      "mknod /dev/disk b 254 0 && echo made; cat /dev/disk | head -c 1; cat /dev/null && echo null";
    expect(await bench.outputOf({ script })).toMatchInlineSnapshot(`
      "made
      null
      cat: can't open '/dev/disk': Operation not permitted
      "
    `);
  });

  it("has its limits in the kernel's own words", async () => {
    const limits = {
      cpuShares: 512,
      cpuPeriod: 50_000,
      cpuQuota: 25_000,
      memoryLimitInBytes: 64 << 20,
      cpusetCpus: "0",
      oomScoreAdj: 321,
    };
    const config = {
      linux: { resources: resources(limits), securityContext: containerSecurity() },
    };
    const files = ["cpu/cpu.shares", "cpu/cpu.cfs_quota_us", "cpuset/cpuset.cpus"];
    const script = `cat ${[...files, "memory/memory.limit_in_bytes"].map((file) => `/sys/fs/cgroup/${file}`).join(" ")} /proc/self/oom_score_adj`;
    expect(await bench.outputOf({ config, script })).toBe("512\n25000\n0\n67108864\n321\n");
  });

  it("shares what namespaces its mode says", async () => {
    const pid = bench.pausePid;
    const link = (name: string) => execFileSync("readlink", [`/proc/${pid}/ns/${name}`]).toString();
    const script =
      "readlink /proc/self/ns/net; readlink /proc/self/ns/ipc; readlink /proc/self/ns/pid";
    const shared = await bench.outputOf({
      security: { namespaceOptions: namespaceOptions({ pid: "POD" }) },
      script,
    });
    expect(shared).toBe(link("net") + link("ipc") + link("pid"));
    const own = await bench.outputOf({ script: `${script}; echo $$` });
    expect(own).toContain(link("net"));
    expect(own).not.toContain(link("pid"));
    expect(own).toMatch(/\n1\n$/);
  });

  it("that is never started never runs", async () => {
    const { running } = await bench.create({ script: "echo ran" });
    await waitFor(() => /State:\s+S/.test(readFileSync(`/proc/${running.pid}/status`, "utf8")));
    running.abandon();
    expect(await running.output).toBe("");
  });
});

describe("exec", () => {
  it("is in the same place as the container, with no inheritable capability", async () => {
    const { running, spec } = await bench.create({
      security: { runAsUsername: "app", noNewPrivs: true },
      script: "sleep 20",
    });
    running.start();
    await waitFor(() => commandOf(running.pid) !== "vitrine:[init]");
    const script =
      "id; hostname; pwd; grep -E '^(Cap|NoNewPrivs)' /proc/self/status; ls /proc/1/fd 2>&1 | head -n 1; readlink /proc/self/ns/mnt; ls /proc/self/fd | tr '\\n' ' '; cut -d: -f3 /proc/self/cgroup | sort -u";
    const target = identityOf(running.pid);
    const request = {
      facts: bench.facts,
      spec,
      args: ["sh", "-c", script],
      terminal: false,
      target,
    };
    const output = await (await bench.runPlan(compileExec(request).plan)).output;
    const namespace = execFileSync("readlink", [`/proc/${running.pid}/ns/mnt`])
      .toString()
      .trim();
    process.kill(running.pid, "SIGKILL");
    await running.output;
    expect(
      output
        .replace(namespace, "the container's")
        .replaceAll(bench.options.cgroupParent, "/parent"),
    ).toMatchInlineSnapshot(`
      "uid=1000(app) gid=1000(app) groups=1000(app),2000(extra)
      inside
      /
      CapInh:	0000000000000000
      CapPrm:	0000000000000000
      CapEff:	0000000000000000
      CapBnd:	00000000a80425fb
      CapAmb:	0000000000000000
      NoNewPrivs:	1
      0
      the container's
      0 1 2 3 /
      /parent/c0
      "
    `);
  });

  it("does not enter a process that took over the pid", async () => {
    const { running, spec } = await bench.create({ script: "sleep 20" });
    running.start();
    const target = { ...identityOf(running.pid), startTime: 1 };
    const request = { facts: bench.facts, spec, args: ["true"], terminal: false, target };
    await expect(bench.runPlan(compileExec(request).plan)).rejects.toMatchObject({
      op: "pidfdOpen",
    });
    process.kill(running.pid, "SIGKILL");
    await running.output;
  });
});

describe("a sandbox", () => {
  it("holds the namespaces, the name and the sysctls of its pod", async () => {
    const base = sandboxRequest();
    const request = {
      ...base,
      facts: bench.facts,
      options: bench.options,
      id: "pause",
      image: { Entrypoint: ["/bin/sleep", "20"], User: "65535:65535" },
      rootfs: bench.rootfs,
      files: {
        resolvConf: join(bench.directory, "resolv.conf"),
        shm: join(bench.directory, "shm"),
      },
      config: {
        ...base.config,
        linux: {
          cgroupParent: "",
          sysctls: { "kernel.shm_rmid_forced": "1", "fs.mqueue.msg_max": "123" },
          securityContext: base.config.linux?.securityContext,
        },
      },
    };
    const groundwork = await prepareSandbox(bench.files, request);
    const compiled = compileSandbox(request, groundwork, { netnsPath: bindNamespace() });
    const running = await bench.run(compiled);
    running.start();
    await waitFor(() => commandOf(running.pid) === "sleep");
    const inside = (...args: string[]) =>
      execFileSync("nsenter", ["-t", String(running.pid), "-n", "-u", "-i", ...args], {
        encoding: "utf8",
      });
    const sysctl = (key: string) => inside("sysctl", "-n", key).trim();
    expect(inside("hostname")).toBe("web\n");
    expect(sysctl("net.ipv4.ip_unprivileged_port_start")).toBe("0");
    expect(sysctl("kernel.shm_rmid_forced")).toBe("1");
    const status = readFileSync(`/proc/${running.pid}/status`, "utf8");
    expect(status).toMatch(/Uid:\t65535\t65535\t65535\t65535/);
    expect(status).toMatch(/CapBnd:\t0000000000000000/);
    expect(status).toMatch(/NoNewPrivs:\t1/);
    expect(status).toMatch(/NSpid:\t\d+\t1\n/);
    process.kill(running.pid, "SIGKILL");
    await running.output;
    execFileSync("umount", [join(bench.directory, "netns")]);
  });

  /** As the engine does it: the namespace as a file, held by a mount. */
  function bindNamespace(): string {
    const path = join(bench.directory, "netns");
    writeFileSync(path, "");
    execFileSync("mount", ["--bind", `/proc/${bench.pausePid}/ns/net`, path]);
    return path;
  }
});

describe("on cgroup v2 alone", () => {
  let unified: Workbench;

  beforeEach(async () => {
    const facts = readHostFacts();
    const { path } = facts.cgroups.find((one) => one.version === 2) ?? {};
    if (path === undefined) throw new Error("this host has no cgroup v2");
    unified = await Workbench.open({ ...facts, cgroups: [{ path, version: 2, controllers: [] }] });
  });

  afterEach(() => {
    unified.end();
  });

  it("a program keeps the host's devices away, and only those", async () => {
    const script =
      "mknod /dev/disk b 254 0 && echo made; head -c 1 /dev/disk; head -c 1 /dev/zero | tr '\\0' 0; echo > /dev/null";
    expect(await unified.outputOf({ script })).toMatchInlineSnapshot(`
      "made
      0head: /dev/disk: Operation not permitted
      "
    `);
  });

  it("the container's cgroup is the root of what it sees", async () => {
    const script =
      "grep ^0 /proc/self/cgroup; cut -d' ' -f4,5,6 /proc/self/mountinfo | grep cgroup; mkdir /sys/fs/cgroup/x";
    expect(await unified.outputOf({ script })).toMatchInlineSnapshot(`
      "0::/
      / /sys/fs/cgroup ro,nosuid,nodev,noexec,relatime
      mkdir: can't create directory '/sys/fs/cgroup/x': Read-only file system
      "
    `);
  });
});
