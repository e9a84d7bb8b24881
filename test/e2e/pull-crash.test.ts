/**
 * A daemon killed at every boundary of PullImage: nothing half pulled is ever listed or used, the next
 * daemon clears up what nobody needs, and the same pull succeeds.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type PrivateDaemon,
  startPrivateDaemon,
} from "../../apps/runtime/src/cli/private-daemon.ts";
import { silentContext } from "../../apps/runtime/src/cli/silent-context.ts";
import type { CrashPoint } from "../../apps/runtime/src/engine/engine-options.ts";
import { RealRegistry } from "../../apps/runtime/src/images/fixtures/real-registry.ts";
import { noise, sampleImage } from "../../apps/runtime/src/images/fixtures/sample-image.ts";

const text = (name: string, content: string) => ({ name, data: Buffer.from(content) });
const large = 4 << 20;
const image = sampleImage([
  { files: [{ name: "large", data: Buffer.from(noise(large)) }, text("which", "lower")] },
  { files: [text("which", "upper"), text("last", "of all")], form: "zstd" },
]);

let registry: RealRegistry;
let daemon: PrivateDaemon;
let reference: string;

beforeAll(async () => {
  registry = await RealRegistry.start();
  await registry.push("lib/app", "1", [image]);
  reference = `${registry.host}/lib/app:1`;
  daemon = await startPrivateDaemon();
});

afterAll(async () => {
  await daemon.stop();
  await registry.stop();
});

const spec = () => ({
  image: reference,
  annotations: {},
  userSpecifiedImage: "",
  runtimeHandler: "",
  imageRef: "",
});

const pull = () => daemon.client.pullImage(silentContext(), { image: spec() });

async function listed(): Promise<readonly string[]> {
  const { images } = await daemon.client.listImages(silentContext(), {});
  return images.map(({ id }) => id);
}

/** Everything of images that lies on disk, by name. */
function stored(): Readonly<Record<"ingest" | "blobs" | "snapshots", readonly string[]>> {
  const root = join(daemon.directory, "root");
  const names = (path: string) =>
    existsSync(join(root, path)) ? readdirSync(join(root, path)).sort() : [];
  return {
    ingest: names("content/ingest"),
    blobs: names("content/blobs/sha256"),
    snapshots: names("snapshots"),
  };
}

/** Layers of the image as they lie unpacked, told by a file each of them has. */
function unpackedLayers(): readonly string[] {
  const snapshots = join(daemon.directory, "root/snapshots");
  return readdirSync(snapshots)
    .map((number) => join(snapshots, number, "fs/which"))
    .filter((path) => existsSync(path))
    .map((path) => readFileSync(path, "utf8"))
    .sort();
}

/** What a dead daemon has on disk at each point, so that the test is known to test something. */
const evidence: Readonly<Record<string, () => boolean>> = {
  I1: () => stored().blobs.includes(image.manifest.digest.slice("sha256:".length)),
  I2: () => stored().ingest.length > 0,
  I3: () => stored().blobs.length > 3,
  I4: () => unpackedLayers().length === 0 && stored().ingest.length === 0,
  I5: () => unpackedLayers().length >= 1,
  I6: () => unpackedLayers().length >= 1,
  I7: () => unpackedLayers().length === 2,
};

describe("a daemon killed while it pulls", () => {
  test.each<CrashPoint>(["I1", "I2", "I3", "I4", "I5", "I6", "I7"])("at %s", async (point) => {
    const images = await listed();
    const before = stored();
    await daemon.kill("SIGTERM");
    await daemon.startAgain({ VITRINE_CRASH_AT: point });
    await expect(pull()).rejects.toMatchObject({ code: "UNAVAILABLE" });
    expect(await daemon.ended()).toBe("SIGKILL");
    expect(evidence[point]?.()).toBe(true);

    await daemon.startAgain();
    const whole = point === "I7";
    expect(await listed()).toHaveLength(images.length + (whole ? 1 : 0));
    const status = await daemon.client.imageStatus(silentContext(), {
      image: spec(),
      verbose: false,
    });
    expect(status.image?.id).toBe(whole ? image.config.digest : undefined);
    if (!whole) {
      const { ingest, ...kept } = stored();
      expect(kept).toEqual({ blobs: before.blobs, snapshots: before.snapshots });
      // Parts of a blob whose digest is known are carried on from; nothing else stays.
      const known = [image.config, ...image.layers].map(({ digest }) =>
        digest.slice("sha256:".length),
      );
      expect(ingest.filter((name) => !known.includes(name))).toEqual([]);
    }

    expect(await pull()).toEqual({ imageRef: image.config.digest });
    expect(unpackedLayers()).toEqual(["lower", "upper"]);
    expect(stored().ingest).toEqual([]);
    await daemon.client.removeImage(silentContext(), { image: spec() });
    expect(stored()).toEqual(before);
    expect(await listed()).toEqual(images);
  });
});
