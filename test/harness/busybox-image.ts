/**
 * An image made of this machine's own busybox, as a docker-archive: a shell and its applets, for tests that
 * want to look around inside a container. Applets are hard links, so that masking one masks only that one.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

export interface BusyboxImageOptions {
  /** Reference in the archive, with a tag. */
  readonly reference: string;
  /** Members of the image's config: User, Cmd, StopSignal and so on. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Further layers above busybox, each as file names and contents; .wh.NAME takes NAME away. */
  readonly layers?: readonly Readonly<Record<string, string>>[];
}

const busybox = "/bin/busybox";

/** The libraries of a dynamic program and its loader, where it looks for them. */
function librariesOf(program: string): readonly string[] {
  const text = execFileSync("ldd", [program], { encoding: "utf8" });
  return [...text.matchAll(/(\/\S+) \(0x/g)].map((match) => match[1] ?? "");
}

function makeRoot(root: string): void {
  for (const directory of ["bin", "etc", "tmp", "proc", "sys", "dev", "root", "var/run"]) {
    mkdirSync(join(root, directory), { recursive: true });
  }
  chmodSync(join(root, "tmp"), 0o1777);
  copyFileSync(realpathSync(busybox), join(root, "bin/busybox"));
  const applets = execFileSync(busybox, ["--list"], { encoding: "utf8" }).split("\n");
  for (const applet of applets) {
    if (applet !== "" && applet !== "busybox") {
      linkSync(join(root, "bin/busybox"), join(root, "bin", applet));
    }
  }
  for (const library of librariesOf(busybox)) {
    mkdirSync(join(root, dirname(library)), { recursive: true });
    copyFileSync(realpathSync(library), join(root, library));
  }
  writeFileSync(
    join(root, "etc/passwd"),
    "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n",
  );
  writeFileSync(join(root, "etc/group"), "root:x:0:\nstaff:x:50:nobody\nnogroup:x:65534:\n");
}

/** Packs the directory as layer number `index` of the archive; the digest of the layer. */
function addLayer(root: string, archive: string, index: number): string {
  const layer = join(archive, `layer${index}.tar`);
  execFileSync("tar", ["-C", root, "--numeric-owner", "-cf", layer, "."]);
  return `sha256:${createHash("sha256").update(readFileSync(layer)).digest("hex")}`;
}

function writeFiles(root: string, files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
}

/** Writes the archive to `path`. */
export function writeBusyboxImage(path: string, options: BusyboxImageOptions): void {
  const scratch = mkdtempSync(join(tmpdir(), "vt-busybox-"));
  try {
    const root = join(scratch, "root");
    makeRoot(root);
    const archive = join(scratch, "archive");
    mkdirSync(archive);
    const diffIds = [addLayer(root, archive, 0)];
    for (const [index, files] of (options.layers ?? []).entries()) {
      const above = join(scratch, `above${index}`);
      writeFiles(above, files);
      diffIds.push(addLayer(above, archive, index + 1));
    }
    const config = {
      architecture: process.arch === "x64" ? "amd64" : process.arch,
      os: "linux",
      config: { Env: ["PATH=/bin"], Cmd: ["sh"], ...options.config },
      rootfs: { type: "layers", diff_ids: diffIds },
    };
    writeFileSync(join(archive, "config.json"), JSON.stringify(config));
    const manifest = [
      {
        Config: "config.json",
        RepoTags: [options.reference],
        Layers: diffIds.map((_, index) => `layer${index}.tar`),
      },
    ];
    writeFileSync(join(archive, "manifest.json"), JSON.stringify(manifest));
    execFileSync("tar", ["-C", archive, "-cf", path, "."]);
  } finally {
    rmSync(scratch, { recursive: true });
  }
}
