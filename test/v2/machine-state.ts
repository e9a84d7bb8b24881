/** Everything on the virtual machine that a runtime could leave behind. Nobody else works on it. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export const cgroupRoot = "/sys/fs/cgroup";

/** Paths of all cgroups, from the root. */
function cgroupsBelow(path: string): readonly string[] {
  return readdirSync(join(cgroupRoot, path), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name }) => [`${path}/${name}`, ...cgroupsBelow(`${path}/${name}`)]);
}

/** Names of all processes of user space but the one that asks. */
function processes(): readonly string[] {
  const found: string[] = [];
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
      const status = readFileSync(`/proc/${pid}/status`, "utf8");
      const zombie = /^State:\s+Z/m.test(status);
      if (Number(pid) === process.pid || (command === "" && !zombie)) continue;
      found.push(zombie ? `zombie ${/^Name:\s+(.*)/m.exec(status)?.[1]}` : command);
    } catch {
      // Gone meanwhile.
    }
  }
  return found;
}

function namesIn(directory: string): readonly string[] {
  return readdirSync(directory, { recursive: true, encoding: "utf8" }).map((name) =>
    join(directory, name),
  );
}

/** One line for each thing, sorted. */
export function machineState(): readonly string[] {
  const mounts = readFileSync("/proc/self/mountinfo", "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => line.split(" ")[4]);
  return [
    ...mounts.map((path) => `mount ${path}`),
    ...cgroupsBelow("").map((path) => `cgroup ${path}`),
    ...processes().map((command) => `process ${command}`),
    ...readdirSync("/sys/class/net").map((name) => `interface ${name}`),
    ...["/tmp", "/run", "/dev/shm"].flatMap(namesIn).map((path) => `file ${path}`),
  ].sort();
}
