/** References, registries and archives that lie, break off, turn in circles or stall: PullImage says so and keeps nothing. */
import { existsSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  noise,
  type SampleImage,
  sampleImage,
} from "../../apps/runtime/src/images/fixtures/sample-image.ts";
import {
  type Handler,
  ScriptedRegistry,
} from "../../apps/runtime/src/images/fixtures/scripted-registry.ts";
import { CriBed, everyTestLeavesNothing, refusal, refused } from "../harness/cri-bed.ts";

const layerBytes = 200_000;
const manifestType = "application/vnd.oci.image.manifest.v1+json";

let bed: CriBed;
let registry: ScriptedRegistry;
let image: SampleImage;
let layer: string;

beforeAll(async () => {
  bed = await CriBed.start();
});

afterAll(async () => {
  await bed.end();
});

let serial = 0;

beforeEach(async () => {
  registry = await ScriptedRegistry.start();
  serial += 1;
  // New bytes for every test, so that none has what another one fetched.
  image = sampleImage([
    { files: [{ name: "noise", data: noise(layerBytes, serial) }], form: "plain" },
  ]);
  layer = image.layers[0]?.digest ?? "";
  registry.add("lib/app", "1", image);
});

afterEach(async () => {
  await registry.stop();
});

everyTestLeavesNothing(() => bed);

function pull(reference = `${registry.host}/lib/app:1`): Promise<{ readonly imageRef: string }> {
  return bed.client.pullImage(bed.context, { image: { image: reference } });
}

/** Answers for the layer; everything else is served as it is. */
function onLayer(answer: (response: ServerResponse) => void): Handler {
  return (request, response) => {
    if (!request.url?.includes(`/blobs/${layer}`)) return false;
    answer(response);
    return true;
  };
}

function layerBlob(): Buffer {
  return Buffer.from(image.blobs.get(layer) ?? []);
}

describe("a reference", () => {
  test.each([
    "",
    "lib/UPPER",
    "a b",
    "x:tag:tag",
    "x@sha256:123",
    "../../etc",
    "x@md5:abc",
    "http://x/y",
  ])("%j is refused by PullImage", async (reference) => {
    expect(await refusal(pull(reference))).toEqual(
      refused("INVALID_ARGUMENT", /reference|image|digest/),
    );
  });

  test("that is missing altogether", async () => {
    expect((await refusal(bed.client.pullImage(bed.context, {}))).code).toBe("INVALID_ARGUMENT");
    expect((await refusal(bed.client.removeImage(bed.context, {}))).code).toBe("INVALID_ARGUMENT");
  });

  test("of an image that is not here: no status, nothing to remove, no error", async () => {
    const wanted = { image: { image: "nosuch.test/x:1" } };
    expect((await bed.client.imageStatus(bed.context, wanted)).image).toBeUndefined();
    await bed.client.removeImage(bed.context, wanted);
  });
});

describe("a registry", () => {
  test("that has not got the image: NOT_FOUND with its words", async () => {
    expect(await refusal(pull(`${registry.host}/lib/other:1`))).toEqual(
      refused("NOT_FOUND", /lib\/other\/manifests\/1: the registry answers 404 \(no such thing\)/),
    );
  });

  test("that is not there: UNAVAILABLE with the host", async () => {
    const { host } = registry;
    await registry.stop();
    expect(await refusal(pull(`${host}/lib/app:1`))).toEqual(
      refused("UNAVAILABLE", new RegExp(`${host}.*ECONNREFUSED`)),
    );
    registry = await ScriptedRegistry.start();
  });

  test("that lies about the digest of a layer: DATA_LOSS with the digest, nothing of it kept", async () => {
    const wrong = layerBlob();
    wrong[1000] = (wrong[1000] ?? 0) ^ 1;
    registry.handler = onLayer((response) => response.end(wrong));
    expect(await refusal(pull())).toEqual(refused("DATA_LOSS", new RegExp(layer)));
    expect(readdirSync(join(bed.directory, "root/content/ingest"))).toEqual([]);
  });

  test("that sends another manifest than the digest asked for: DATA_LOSS", async () => {
    const manifest = JSON.parse(
      Buffer.from(image.blobs.get(image.manifest.digest) ?? []).toString(),
    );
    registry.handler = (request, response) => {
      if (!request.url?.includes("/manifests/")) return false;
      response.writeHead(200, { "content-type": manifestType });
      response.end(JSON.stringify({ ...manifest, annotations: { changed: "yes" } }));
      return true;
    };
    const reference = `${registry.host}/lib/app@${image.manifest.digest}`;
    expect(await refusal(pull(reference))).toEqual(
      refused("DATA_LOSS", new RegExp(image.manifest.digest)),
    );
  });

  test("whose layer is not what the image's configuration says it unpacks to: DATA_LOSS, no snapshot", async () => {
    const other = sampleImage([{ files: [{ name: "other", data: noise(1000, serial + 500) }] }]);
    const config = JSON.parse(Buffer.from(image.blobs.get(image.config.digest) ?? []).toString());
    const lying = sampleImage([
      { files: [{ name: "noise", data: noise(layerBytes, serial) }], form: "plain" },
    ]);
    const blobs = new Map(lying.blobs);
    const text = JSON.stringify({ ...config, rootfs: { type: "layers", diff_ids: other.diffIds } });
    const { createHash } = await import("node:crypto");
    const digestOf = (bytes: string) =>
      `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
    const manifest = JSON.stringify({
      schemaVersion: 2,
      mediaType: manifestType,
      config: { ...image.config, digest: digestOf(text), size: text.length },
      layers: image.layers,
    });
    blobs.set(digestOf(text), Buffer.from(text));
    blobs.set(digestOf(manifest), Buffer.from(manifest));
    registry.add("lib/lying", "1", {
      ...lying,
      blobs,
      manifest: { ...image.manifest, digest: digestOf(manifest), size: manifest.length },
    });
    expect(await refusal(pull(`${registry.host}/lib/lying:1`))).toEqual(
      refused("DATA_LOSS", new RegExp(other.diffIds[0] ?? "")),
    );
  });

  test("that truncates: said as such, and the next pull goes on where it broke off", async () => {
    registry.handler = onLayer((response) => {
      response.writeHead(200, { "content-length": layerBlob().length });
      response.write(layerBlob().subarray(0, 5000), () => response.destroy());
    });
    const { code, message } = await refusal(pull());
    expect(["UNAVAILABLE", "DATA_LOSS"]).toContain(code);
    expect(message).toMatch(new RegExp(`${layer}|broke|closed|aborted|reset|hang up`));
    registry.handler = () => false;
    const { imageRef } = await pull();
    expect(imageRef).toBe(image.config.digest);
    const ranges = registry.requests.filter(({ headers }) => headers.range !== undefined);
    expect(ranges.length).toBeGreaterThan(0);
    await bed.client.removeImage(bed.context, { image: { image: imageRef } });
  });

  test("that ends in the middle and calls it whole: UNAVAILABLE with how much came, and the next pull is whole", async () => {
    registry.handler = onLayer((response) => response.end(layerBlob().subarray(0, 5000)));
    expect(await refusal(pull())).toEqual(
      refused("UNAVAILABLE", new RegExp(`${layer}: 5000 of ${layerBlob().length} bytes came`)),
    );
    registry.handler = () => false;
    const { imageRef } = await pull();
    await bed.client.removeImage(bed.context, { image: { image: imageRef } });
  });

  test("that sends more than it announced: DATA_LOSS", async () => {
    registry.handler = onLayer((response) =>
      response.end(Buffer.concat([layerBlob(), Buffer.alloc(1 << 20)])),
    );
    expect((await refusal(pull())).code).toBe("DATA_LOSS");
  });

  test("that redirects in a circle: UNAVAILABLE after ten", async () => {
    registry.handler = (request, response) => {
      response.writeHead(302, { location: `${request.url}` }).end();
      return true;
    };
    expect(await refusal(pull())).toEqual(refused("UNAVAILABLE", /more than 10 redirects/));
    expect(registry.requests.length).toBeLessThan(20);
  });

  test("that redirects to the cloud's metadata service: refused, and not asked", async () => {
    registry.handler = onLayer((response) =>
      response.writeHead(307, { location: "http://169.254.169.254/latest" }).end(),
    );
    expect(await refusal(pull())).toEqual(refused("UNAVAILABLE", /refused a redirect.*169\.254/));
    expect(registry.requests.filter(({ url }) => url.includes(layer))).toHaveLength(1);
    registry.handler = () => false;
    const { imageRef } = await pull();
    await bed.client.removeImage(bed.context, { image: { image: imageRef } });
  });

  test("that answers with a page instead of a manifest: FAILED_PRECONDITION", async () => {
    registry.handler = (_request, response) => {
      response.writeHead(200, { "content-type": "text/html" }).end("<html>welcome</html>");
      return true;
    };
    expect((await refusal(pull())).code).toBe("FAILED_PRECONDITION");
  });

  test("that says no: PERMISSION_DENIED or UNAUTHENTICATED, without the password in the words", async () => {
    registry.handler = (_request, response) => {
      response.writeHead(401, { "www-authenticate": 'Basic realm="x"' }).end();
      return true;
    };
    const auth = { username: "ann", password: "swordfish" };
    const call = bed.client.pullImage(bed.context, {
      image: { image: `${registry.host}/lib/app:1` },
      auth,
    });
    const { code, message } = await refusal(call);
    expect(code).toBe("UNAUTHENTICATED");
    expect(message).not.toContain("swordfish");
    expect(bed.daemon.log()).not.toContain("swordfish");
  });

  test("that stalls: the caller's deadline counts, and the next pull is whole", async () => {
    registry.handler = onLayer((response) => {
      response.writeHead(200, { "content-length": layerBlob().length });
      response.write(layerBlob().subarray(0, 5000));
    });
    const client = bed.hurriedClient(300);
    const reference = { image: { image: `${registry.host}/lib/app:1` } };
    const began = performance.now();
    expect((await refusal(client.pullImage(bed.context, reference))).code).toBe(
      "DEADLINE_EXCEEDED",
    );
    expect(performance.now() - began).toBeLessThan(2000);
    client.close();
    registry.handler = () => false;
    const { imageRef } = await pull();
    await bed.client.removeImage(bed.context, { image: { image: imageRef } });
  });

  test("asked by twenty at once fetches once, and all hear the same", async () => {
    const pulls = await Promise.all(Array.from({ length: 20 }, () => pull()));
    expect(new Set(pulls.map(({ imageRef }) => imageRef))).toEqual(new Set([image.config.digest]));
    expect(registry.requests.filter(({ url }) => url.includes(layer))).toHaveLength(1);
    await bed.client.removeImage(bed.context, { image: { image: image.config.digest } });
  });
});

describe("an archive", () => {
  test.each<[string, (path: string) => void, RegExp]>([
    ["that is missing", () => {}, /archive/],
    ["that is no archive", (path) => writeFileSync(path, noise(100_000)), /archive/],
    ["that is empty", (path) => writeFileSync(path, ""), /archive/],
  ])("%s is refused with its path", async (_what, make, message) => {
    const path = join(bed.directory, "archive");
    make(path);
    const { code, message: said } = await refusal(bed.client.loadImage(bed.context, { path }));
    expect(["INVALID_ARGUMENT", "NOT_FOUND", "FAILED_PRECONDITION", "DATA_LOSS"]).toContain(code);
    expect(said).toMatch(message);
    if (existsSync(path)) rmSync(path);
  });

  test("by a relative path, or none, is refused", async () => {
    for (const path of ["", "image.tar"]) {
      expect((await refusal(bed.client.loadImage(bed.context, { path }))).code).toBe(
        "INVALID_ARGUMENT",
      );
    }
  });
});
