/**
 * What of one engine under test is on the machine: mounts below its directory, its cgroups, its processes,
 * its files of state. Others may be at work on the same machine; they are not seen here.
 */
import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";

/** One line each; `directory` is the engine's own, `cgroup` its own root in every hierarchy. */
export function ownResidue(directory: string, cgroup: string): readonly string[] {
  return [
    ...mountsBelow(directory),
    ...cgroupsBelow(cgroup),
    ...processesOf(directory, cgroup),
    ...[
      "run/pods",
      "run/containers",
      "run/shims",
      "netns",
      "root/pods",
      "root/cni/results",
    ].flatMap((path) => filesOf(join(directory, path))),
  ];
}

function mountsBelow(directory: string): readonly string[] {
  return readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .map((line) => line.split(" ")[4] ?? "")
    .filter((path) => path.startsWith(`${directory}/`))
    .map((path) => `mount ${path}`);
}

function cgroupsBelow(cgroup: string): readonly string[] {
  const roots = readdirSync("/sys/fs/cgroup").map((name) => join("/sys/fs/cgroup", name));
  return ["/sys/fs/cgroup", ...roots].flatMap((root) => {
    const own = join(root, cgroup);
    if (!existsSync(own)) return [];
    return readdirSync(own, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => `cgroup ${join(own, entry.name)}`);
  });
}

function processesOf(directory: string, cgroup: string): readonly string[] {
  const found: string[] = [];
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const cgroups = readFileSync(`/proc/${pid}/cgroup`, "utf8");
      const cwd = readlinkSync(`/proc/${pid}/cwd`);
      if (cgroups.includes(`${cgroup}/`) || cwd.startsWith(`${directory}/run`)) {
        const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
        found.push(`process ${command}`);
      }
    } catch {
      // Gone meanwhile.
    }
  }
  return found;
}

function filesOf(directory: string): readonly string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory).map((name) => `file ${join(directory, name)}`);
}
