/**
 * The disk of a virtual machine: a small Linux (busybox, the kernel's modules for containers), Node with
 * the libraries it needs, and Vitrine as it lies in this repository, as one ext4 file system.
 */
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { dirname, join, relative } from "node:path";
import { writeBusyboxImage } from "./busybox-image.ts";
import type { VirtualMachineKernel } from "./virtual-machine-kernel.ts";

const repository = join(import.meta.dirname, "../..");
const diskMegabytes = 640;

/** Makes a file system with files in it, without mounting it (e2fsprogs). */
export const mke2fs = "/usr/sbin/mke2fs";

/** Where the repository lies inside. */
export const repositoryInside = "/vitrine";

/** What containers, their networks and their file systems need of the modules; the rest stays outside. */
const modulePatterns = [
  "kernel/crypto",
  "kernel/drivers/net/veth.ko*",
  "kernel/fs/overlayfs",
  "kernel/lib",
  "kernel/net",
] as const;

/** Node inside takes .ts files as the JavaScript they are by then. */
const stripped = `import { readFileSync } from "node:fs";
import { registerHooks } from "node:module";
import { fileURLToPath } from "node:url";
registerHooks({
  load(url, context, next) {
    if (!url.endsWith(".ts")) return next(url, context);
    return { format: "module", source: readFileSync(fileURLToPath(url)), shortCircuit: true };
  },
});
`;

/** The first process: mounts what a machine has, runs the program with its lines on the second port, ends. */
const init = `#!/bin/sh
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root NODE_OPTIONS="--import=/stripped.mjs"
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mount -t tmpfs -o mode=755 tmpfs /run
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t securityfs securityfs /sys/kernel/security
mount -t tracefs tracefs /sys/kernel/tracing
mkdir -p /dev/pts /dev/shm /run/lock
mount -t devpts -o mode=620,ptmxmode=666 devpts /dev/pts
mount -t tmpfs -o mode=1777 tmpfs /dev/shm
ip link set lo up
hostname virtual
stty -F /dev/ttyS1 raw
cd ${repositoryInside}
/usr/bin/node "$(cat /etc/program)" >/dev/ttyS1
echo "program ended with $?"
sync
reboot -f
`;

function copyInto(root: string, path: string, target = path): void {
  mkdirSync(dirname(join(root, target)), { recursive: true });
  copyFileSync(realpathSync(path), join(root, target));
}

/** A program at `target`, with the libraries and the loader it names. */
function addProgram(root: string, path: string, target = path): void {
  copyInto(root, path, target);
  const libraries = execFileSync("ldd", [path], { encoding: "utf8" });
  for (const [, library = ""] of libraries.matchAll(/(\/\S+) \(0x/g)) {
    if (!existsSync(join(root, library))) copyInto(root, library);
  }
}

function addSystem(root: string, program: string): void {
  for (const directory of ["dev", "etc", "proc", "root", "run", "sys", "tmp", "usr", "var/lib"]) {
    mkdirSync(join(root, directory), { recursive: true });
  }
  for (const directory of ["bin", "sbin", "lib", "lib64"]) {
    mkdirSync(join(root, "usr", directory));
    symlinkSync(`usr/${directory}`, join(root, directory));
  }
  addProgram(root, "/bin/busybox");
  const applets = execFileSync("/bin/busybox", ["--list"], { encoding: "utf8" }).trim().split("\n");
  for (const applet of applets.filter((name) => name !== "busybox")) {
    symlinkSync("busybox", join(root, "usr/bin", applet));
  }
  // Where the kernel looks for it when it lacks a module.
  symlinkSync("../bin/busybox", join(root, "usr/sbin/modprobe"));
  writeFileSync(join(root, "sbin/init"), init);
  chmodSync(join(root, "sbin/init"), 0o755);
  writeFileSync(join(root, "etc/program"), program);
  writeFileSync(join(root, "etc/passwd"), "root:x:0:0:root:/root:/bin/sh\n");
  writeFileSync(join(root, "etc/group"), "root:x:0:\n");
  writeFileSync(join(root, "etc/hosts"), "127.0.0.1 localhost\n");
}

function addModules(root: string, kernel: VirtualMachineKernel): void {
  const target = join(root, "lib/modules", kernel.release);
  for (const path of globSync(modulePatterns, { cwd: kernel.modules })) {
    cpSync(join(kernel.modules, path), join(target, path), { recursive: true });
  }
  for (const list of ["modules.builtin", "modules.order"]) {
    copyFileSync(join(kernel.modules, list), join(target, list));
  }
  execFileSync("/bin/busybox", ["depmod", "-b", root, kernel.release]);
}

interface PackageFile {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** The folder that `import name` finds from a file in `from`; undefined for an optional one that is not there. */
function packageFolder(from: string, name: string): string | undefined {
  for (let directory = from; directory.startsWith(repository); directory = dirname(directory)) {
    const candidate = join(directory, "node_modules", name);
    if (existsSync(join(candidate, "package.json"))) return candidate;
  }
  return undefined;
}

/** Every package that the runtime can come to import, by its folder. */
function packagesOf(from: string, found = new Set<string>()): ReadonlySet<string> {
  const { dependencies, optionalDependencies } = JSON.parse(
    readFileSync(join(from, "package.json"), "utf8"),
  ) as PackageFile;
  for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
    const folder = packageFolder(from, name);
    if (folder === undefined || found.has(folder)) continue;
    found.add(folder);
    packagesOf(folder, found);
  }
  return found;
}

/** What Node reads: no types, no maps, no second and third copy of a package for bundlers. */
function isForNode(path: string): boolean {
  return !/\.(d\.[cm]?ts|map|md)$|\/build\/(esm|esnext)$/.test(path);
}

/** Types are taken off by the Node of this machine, since the one inside would need half a minute for it. */
function stripTypes(directory: string): void {
  for (const name of globSync("{apps,test}/**/*.ts", { cwd: directory })) {
    const path = join(directory, name);
    writeFileSync(path, stripTypeScriptTypes(readFileSync(path, "utf8")));
  }
}

function addRepository(root: string): void {
  const runtime = join(repository, "apps/runtime");
  const target = join(root, repositoryInside);
  const add = (path: string) =>
    cpSync(path, join(target, relative(repository, path)), { recursive: true, filter: isForNode });
  for (const path of ["apps/runtime", "native/build", "proto", "test/v2", "test/harness"]) {
    add(join(repository, path));
  }
  for (const name of ["package.json", "package-lock.json"]) add(join(repository, name));
  for (const folder of packagesOf(runtime)) add(folder);
  stripTypes(target);
  writeFileSync(join(root, "stripped.mjs"), stripped);
  addProgram(root, join(repository, "node_modules/node/bin/node"), "/usr/bin/node");
}

/** Each layer covers or takes away something of the one below it. */
const layers = [
  { "etc/which": "first\n", "etc/gone": "first\n", "opt/old": "first\n" },
  { "etc/which": "second\n", "etc/.wh.gone": "", "opt/.wh..wh..opq": "", "opt/new": "second\n" },
] as const;

export interface DiskContents {
  readonly kernel: VirtualMachineKernel;
  /** What the machine runs, a path in the repository. */
  readonly program: string;
  /** More programs, with their libraries: the file here by the path inside. */
  readonly programs: Readonly<Record<string, string>>;
}

/** Writes the disk to `path`, by way of a directory beside it. /busybox.tar inside is an image to load. */
export function writeDisk(path: string, contents: DiskContents): void {
  const scratch = `${path}.files`;
  mkdirSync(scratch);
  try {
    addSystem(scratch, contents.program);
    addModules(scratch, contents.kernel);
    addRepository(scratch);
    copyInto(scratch, "/usr/lib/x86_64-linux-gnu/libseccomp.so.2");
    for (const [inside, file] of Object.entries(contents.programs)) {
      addProgram(scratch, file, inside);
    }
    writeBusyboxImage(join(scratch, "busybox.tar"), {
      reference: "vitrine.test/busybox:1",
      layers,
    });
    execFileSync(mke2fs, [
      ...["-q", "-F", "-t", "ext4", "-O", "^has_journal", "-E", "root_owner=0:0"],
      ...["-d", scratch, path, `${diskMegabytes}M`],
    ]);
  } finally {
    rmSync(scratch, { recursive: true });
  }
}
