/**
 * What a run may leave behind: mounts, network namespaces, cgroups, links, packet filter rules, processes, files.
 * Tests take a picture before and after, and compare.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";

export interface Residue {
  readonly mounts: readonly string[];
  readonly namespaces: readonly string[];
  readonly cgroups: readonly string[];
  readonly links: readonly string[];
  readonly filters: readonly string[];
  readonly processes: readonly string[];
  readonly files: readonly string[];
}

function lines(command: string, ...args: readonly string[]): readonly string[] {
  const result = spawnSync(command, args, { encoding: "utf8" });
  return result.status === 0 ? result.stdout.split("\n").filter((line) => line !== "") : [];
}

function mounts(): readonly string[] {
  return readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.split(" ").slice(3, 5).join(" on "));
}

function cgroups(): readonly string[] {
  return lines("find", "/sys/fs/cgroup", "-mindepth", "2", "-type", "d");
}

/** Rules of the packet filter, without how much they have counted. */
function filters(): readonly string[] {
  return [
    ...lines("iptables-save").filter((line) => line.startsWith("-A")),
    ...lines("nft", "list", "ruleset"),
  ].map((line) => line.replace(/counter packets \d+ bytes \d+/, "counter"));
}

function links(): readonly string[] {
  return readdirSync("/sys/class/net").sort();
}

/** Every process but kernel threads and short-lived children of the test itself, as "pid command line". */
function processes(): readonly string[] {
  const found: string[] = [];
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const exe = readlinkSync(`/proc/${pid}/exe`);
      const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
      if (/vitrine|pause|busybox|containerd/.test(`${exe} ${command}`))
        found.push(`${pid} ${command}`);
    } catch {
      // Gone meanwhile, or a kernel thread.
    }
  }
  return found;
}

function files(folders: readonly string[]): readonly string[] {
  return folders
    .filter((folder) => existsSync(folder))
    .flatMap((folder) => lines("find", folder, "-mindepth", "1"));
}

/** Takes the picture; `folders` are those whose whole content counts. */
export function residue(folders: readonly string[] = []): Residue {
  const netns = "/run/netns";
  return {
    mounts: mounts(),
    namespaces: existsSync(netns) ? readdirSync(netns).map((name) => join(netns, name)) : [],
    cgroups: cgroups(),
    links: links(),
    filters: filters(),
    processes: processes(),
    files: files(folders),
  };
}

/** What `after` has and `before` had not, one line each; empty means nothing was left. */
export function leftBehind(before: Residue, after: Residue): readonly string[] {
  const left: string[] = [];
  for (const kind of Object.keys(after) as (keyof Residue)[]) {
    const known = new Map<string, number>();
    for (const entry of before[kind]) known.set(entry, (known.get(entry) ?? 0) + 1);
    for (const entry of after[kind]) {
      const count = known.get(entry) ?? 0;
      if (count === 0) left.push(`${kind}: ${entry}`);
      else known.set(entry, count - 1);
    }
  }
  return left;
}
