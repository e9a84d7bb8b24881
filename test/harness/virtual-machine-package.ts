/**
 * Debian packages for virtual machines: fetched by apt-get, which checks them against Debian's signatures,
 * and taken apart into a folder, never installed. They are kept for the next run.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";

/** Also holds the disks of machines that run. */
export const virtualMachineCache = join(
  import.meta.dirname,
  "../../node_modules/.cache/virtual-machine",
);

const downloadTimeoutMs = 120_000;

function outputOf(command: string, args: readonly string[], cwd?: string): string {
  const options = { cwd, encoding: "utf8", timeout: downloadTimeoutMs } as const;
  const result = spawnSync(command, args, options);
  if (result.status === 0) return result.stdout;
  throw new Error(`${command} ${args.join(" ")}: ${result.error?.message ?? result.stderr.trim()}`);
}

/** The package that `name` stands for today: a metapackage depends on the one with the version in its name. */
export function packageBehind(name: string, pattern: RegExp): string {
  const find = () => pattern.exec(outputOf("apt-cache", ["depends", name]))?.[1];
  try {
    return find() ?? "";
  } catch (error) {
    // A fresh machine has no lists of packages yet.
    if (process.getuid?.() !== 0) throw error;
    outputOf("apt-get", ["update", "-qq"]);
    return find() ?? "";
  }
}

/** Folder with the files of the package. Throws Error that says why it cannot be had: no apt, no network. */
export function unpackedPackage(name: string): string {
  const target = join(virtualMachineCache, name);
  if (existsSync(target)) return target;
  mkdirSync(virtualMachineCache, { recursive: true });
  const scratch = mkdtempSync(join(virtualMachineCache, "download-"));
  try {
    outputOf("apt-get", ["download", "-qq", name], scratch);
    const [archive = ""] = readdirSync(scratch);
    outputOf("dpkg-deb", ["-x", join(scratch, archive), join(scratch, "files")]);
    if (!existsSync(target)) renameSync(join(scratch, "files"), target);
  } finally {
    rmSync(scratch, { recursive: true });
  }
  return target;
}
