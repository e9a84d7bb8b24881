/**
 * What has to be there before anything runs, and how to get it: the native part, the page, Debian
 * packages for tests. Each step says what it does once, and does nothing when it is done already.
 */
import { spawnSync } from "node:child_process";
import { existsSync, globSync, statSync } from "node:fs";
import { join } from "node:path";
import { ProgramError } from "../apps/runtime/src/cli/program-error.ts";

export const repository = join(import.meta.dirname, "..");

/** Debian packages the tests use: real peers, real plugins, a real browser. */
export const testPackages: Readonly<Record<string, string>> = {
  chromium: "/usr/bin/chromium",
  "containernetworking-plugins": "/usr/lib/cni/bridge",
  "docker-registry": "/usr/bin/docker-registry",
  skopeo: "/usr/bin/skopeo",
  busybox: "/bin/busybox",
  runc: "/usr/sbin/runc",
  crun: "/usr/bin/crun",
  containerd: "/usr/bin/containerd",
  nftables: "/usr/sbin/nft",
  iptables: "/usr/sbin/iptables",
  iproute2: "/usr/sbin/ip",
  "musl-tools": "/usr/bin/musl-gcc",
  "qemu-system-x86": "/usr/bin/qemu-system-x86_64",
  e2fsprogs: "/usr/sbin/mke2fs",
  libseccomp2: "/usr/lib/x86_64-linux-gnu/libseccomp.so.2",
};

/** What this machine lacks for running containers; empty when nothing. One clear sentence each. */
export function missingForContainers(): readonly string[] {
  const missing: string[] = [];
  if (process.platform !== "linux") {
    missing.push(`containers need Linux, and this is ${process.platform}.`);
  } else if (process.getuid?.() !== 0) {
    missing.push("containers need root: run the same command with sudo.");
  }
  if (process.platform === "linux" && !hasCompiler() && !nativeIsBuilt()) {
    missing.push(
      "the native part needs a C compiler: install gcc, make and libc6-dev (apt-get install gcc make libc6-dev).",
    );
  }
  return missing;
}

function hasCompiler(): boolean {
  return (
    spawnSync("gcc", ["--version"], { stdio: "ignore" }).status === 0 &&
    spawnSync("make", ["--version"], { stdio: "ignore" }).status === 0
  );
}

function nativeIsBuilt(): boolean {
  return existsSync(join(repository, "native", "build", "vitrine-oci"));
}

/** Runs a build command quietly; its output appears only when it fails. */
function quietly(title: string, command: string, args: readonly string[], cwd = repository): void {
  const started = process.hrtime.bigint();
  const result = spawnSync(command, args, { cwd, encoding: "utf8", maxBuffer: 64 << 20 });
  if (result.status !== 0) {
    process.stdout.write(`${result.stdout ?? ""}${result.stderr ?? ""}`);
    const why = result.error === undefined ? "failed (output above)" : result.error.message;
    throw new ProgramError(`${command} ${args.join(" ")}: ${why}`);
  }
  const seconds = Number((process.hrtime.bigint() - started) / 1_000_000n) / 1000;
  if (seconds > 1) console.log(`${title} (${seconds.toFixed(1)} s)`);
}

/** Builds native/ (make decides what is old); without a compiler what was built earlier has to do. */
export function buildNative(): void {
  if (!hasCompiler() && nativeIsBuilt()) {
    console.log("no gcc or make here: the native part stays as it was built");
    return;
  }
  quietly("built the native part", "make", ["-C", "native", "-j2"]);
}

/** Builds the page unless the last build is newer than its sources. */
export function buildWeb(): void {
  const stamp = join(repository, "apps/web/.next/BUILD_ID");
  if (existsSync(stamp)) {
    const built = statSync(stamp).mtimeMs;
    const sources = globSync(
      [
        "apps/web/**/*.{ts,tsx,css,mjs,json}",
        "apps/runtime/src/{api,trace,kernel,oci,engine,actors,cri/service,simulation}/**/*.ts",
        "package-lock.json",
      ],
      { cwd: repository, exclude: (name) => name.includes(".next") || name === "node_modules" },
    );
    const newest = Math.max(...sources.map((path) => statSync(join(repository, path)).mtimeMs));
    if (newest < built) return;
  }
  console.log("building the page (once, about half a minute) ...");
  quietly("built the page", "npm", ["run", "--silent", "build", "--workspace", "apps/web"]);
}

/** Installs the Debian packages that tests use; without root or apt it says what will be skipped. */
export function installTestPackages(): void {
  const missing = Object.entries(testPackages)
    .filter(([, file]) => !existsSync(file))
    .map(([name]) => name);
  if (missing.length === 0) return;
  if (process.getuid?.() !== 0 || !existsSync("/usr/bin/apt-get")) {
    console.log(`not installed, so tests that need them are skipped: ${missing.join(" ")}`);
    return;
  }
  console.log(`installing Debian packages for the tests: ${missing.join(" ")} ...`);
  process.env["DEBIAN_FRONTEND"] = "noninteractive";
  quietly("updated the package lists", "apt-get", ["update", "-qq"]);
  quietly("installed the packages", "apt-get", [
    "install",
    "-y",
    "-qq",
    "--no-install-recommends",
    ...missing,
  ]);
}
