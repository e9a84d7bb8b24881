/** The built-in images as an OCI archive, so that every runtime runs the very same bytes. */
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

interface Manifest {
  readonly mediaType?: string;
  readonly config?: { readonly digest: string };
  readonly layers?: readonly { readonly digest: string }[];
}

const smallBytesMax = 64 << 10;
const manifestType = "application/vnd.oci.image.manifest.v1+json";

/** Every blob that is an image manifest, by digest. */
function manifestsIn(blobs: string): ReadonlyMap<string, Manifest> {
  const found = new Map<string, Manifest>();
  for (const hex of readdirSync(blobs)) {
    const bytes = readFileSync(join(blobs, hex));
    if (bytes.length > smallBytesMax || bytes[0] !== 0x7b) continue;
    const value = JSON.parse(bytes.toString()) as Manifest;
    if (value.config !== undefined && value.layers !== undefined) found.set(hex, value);
  }
  return found;
}

/** Which of the project's images a manifest is, by the entrypoint of its configuration. */
function referenceOf(blobs: string, manifest: Manifest): string | undefined {
  const digest = manifest.config?.digest.replace("sha256:", "") ?? "";
  const text = readFileSync(join(blobs, digest), "utf8");
  const { config } = JSON.parse(text) as { config?: { Entrypoint?: readonly string[] } };
  const [program] = config?.Entrypoint ?? [];
  if (program === "/pause") return "vitrine.local/pause:1";
  return program === "/demo" ? "vitrine.local/demo:1" : undefined;
}

/** Writes the built-in images of the content store at `contentDirectory` to the tar file `archive`. */
export function writeArchive(contentDirectory: string, folder: string, archive: string): void {
  const blobs = join(contentDirectory, "blobs/sha256");
  const layout = join(folder, "layout");
  mkdirSync(join(layout, "blobs/sha256"), { recursive: true });
  const manifests = [];
  for (const [hex, manifest] of manifestsIn(blobs)) {
    const reference = referenceOf(blobs, manifest);
    if (reference === undefined) continue;
    manifests.push({
      mediaType: manifest.mediaType ?? manifestType,
      digest: `sha256:${hex}`,
      size: readFileSync(join(blobs, hex)).length,
      annotations: { "io.containerd.image.name": reference },
    });
  }
  for (const hex of readdirSync(blobs)) {
    copyFileSync(join(blobs, hex), join(layout, "blobs/sha256", hex));
  }
  writeFileSync(join(layout, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
  writeFileSync(join(layout, "index.json"), JSON.stringify({ schemaVersion: 2, manifests }));
  const tar = spawnSync("tar", ["-C", layout, "-cf", archive, "."], { encoding: "utf8" });
  if (tar.status !== 0) throw new Error(`tar: ${tar.stderr}`);
}
