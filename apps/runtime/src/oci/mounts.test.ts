import { expect, it } from "vitest";
import { cgroupsV1, hostFacts, hostFiles } from "./fixture/host.ts";
import { mount } from "./fixture/requests.ts";
import { resolveMounts } from "./mount-sources.ts";
import { containerMounts } from "./mounts.ts";

const files = hostFiles({ "/data": "directory", "/file": "text" });

async function destinations(paths: readonly string[], facts = hostFacts()) {
  const mounts = await resolveMounts(
    files,
    paths.map((containerPath) => mount({ containerPath, hostPath: "/data" })),
    new Map(),
  );
  const podFiles = { hosts: "/h", shm: "/s" };
  return containerMounts({
    facts,
    privileged: false,
    readonlyRootfs: false,
    files: podFiles,
    hostIpc: false,
    mounts,
  });
}

it("parents come before children, and /proc after everything an image could lead into it", async () => {
  const mounts = await destinations(["/a/b/c", "/a", "/proc/meminfo", "/a/b", "/sys/fs/bpf"]);
  expect(mounts.map((one) => one.destination)).toEqual([
    "/dev",
    "/sys",
    "/a",
    "/dev/pts",
    "/dev/mqueue",
    "/etc/hosts",
    "/dev/shm",
    "/a/b",
    "/sys/fs/cgroup",
    "/a/b/c",
    "/sys/fs/bpf",
    "/proc",
    "/proc/meminfo",
  ]);
});

it("a mount of the CRI replaces the default one", async () => {
  const mounts = await destinations(["/dev/shm", "/etc/hosts", "/sys/fs/cgroup", "/dev"]);
  for (const destination of ["/dev/shm", "/etc/hosts", "/sys/fs/cgroup", "/dev"]) {
    const all = mounts.filter((one) => one.destination === destination);
    expect(all).toMatchObject([{ type: "bind", source: "/data" }]);
  }
});

it("cgroup v1 and v2 are one line of the spec", async () => {
  const cgroup = { destination: "/sys/fs/cgroup", type: "cgroup" };
  expect(await destinations([])).toContainEqual(
    expect.objectContaining({ ...cgroup, source: "cgroup2" }),
  );
  expect(await destinations([], hostFacts({ cgroups: cgroupsV1 }))).toContainEqual(
    expect.objectContaining({ ...cgroup, source: "cgroup" }),
  );
  expect((await destinations([], hostFacts({ cgroups: [] }))).map((one) => one.type)).not.toContain(
    "cgroup",
  );
});
