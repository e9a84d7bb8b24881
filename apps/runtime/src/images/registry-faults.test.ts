/** Registries that lie, stall, loop and pry: real HTTP on this machine, scripted to misbehave. */
import { mkdtemp, readdir, rm } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { BlobStore } from "./blob-store.ts";
import { hostPlatform } from "./content-store.ts";
import { noise, type SampleImage, sampleImage } from "./fixtures/sample-image.ts";
import { type Handler, ScriptedRegistry } from "./fixtures/scripted-registry.ts";
import { realClock, realRandom, testContext } from "./fixtures/test-context.ts";
import { RegistryClient } from "./registry-client.ts";

const image = sampleImage([{ files: [{ name: "noise", data: noise(300_000) }], form: "plain" }]);
const layer = image.layers[0]?.digest ?? "";
const layerBytes = Buffer.from(image.blobs.get(layer) ?? []);

let registry: ScriptedRegistry;
let directory: string;
let store: BlobStore;
let client: RegistryClient;

beforeEach(async () => {
  registry = await ScriptedRegistry.start();
  registry.add("lib/app", "1", image);
  directory = await mkdtemp("/tmp/vt-faults-");
  store = new BlobStore(directory);
  client = new RegistryClient({
    blobs: store,
    platform: hostPlatform(),
    clock: realClock,
    random: realRandom,
    retry: { firstDelayMs: 2, delayMaxMs: 100 },
    progressTimeoutMs: 200,
  });
});

afterEach(async () => {
  client.close();
  await registry.stop();
  await rm(directory, { recursive: true, force: true });
});

const pull = (auth?: object, reference = `${registry.host}/lib/app:1`, signal?: AbortSignal) =>
  client.fetch(testContext(signal).context, reference, auth);

const onBlob =
  (answer: (response: ServerResponse) => unknown): Handler =>
  (request, response) => {
    if (!request.url?.includes(`/blobs/${layer}`)) return false;
    answer(response);
    return true;
  };

const onManifest =
  (
    body: string | Buffer,
    type = "application/vnd.oci.image.manifest.v1+json",
    headers: object = {},
  ): Handler =>
  (request, response) => {
    if (!request.url?.includes("/manifests/")) return false;
    response.writeHead(200, { "content-type": type, ...headers }).end(body);
    return true;
  };

const ingests = async (): Promise<readonly string[]> => readdir(join(directory, "ingest"));

describe("blobs", () => {
  test("that are not what their digest says are DATA_LOSS, and nothing of them stays", async () => {
    registry.handler = onBlob((response) => response.end(Buffer.alloc(layerBytes.length, "x")));
    await expect(pull()).rejects.toMatchObject({ code: "DATA_LOSS" });
    expect(await store.size(layer)).toBeUndefined();
    expect(await ingests()).toEqual([]);
  });

  test("that are longer than their descriptor are cut off there", async () => {
    let sent = 0;
    registry.handler = onBlob((response) => {
      const more = () => {
        while (!response.destroyed && sent < 1 << 30 && response.write(Buffer.alloc(65536)))
          sent += 65536;
      };
      response.on("drain", more);
      more();
    });
    await expect(pull()).rejects.toMatchObject({
      code: "DATA_LOSS",
      message: expect.stringMatching(/more than its/),
    });
    expect(sent).toBeLessThan(16 << 20);
  });

  test("that are announced longer are not even begun", async () => {
    registry.handler = onBlob((response) => {
      response.writeHead(200, { "content-length": layerBytes.length + 1 });
      response.write(layerBytes);
    });
    await expect(pull()).rejects.toMatchObject({
      code: "DATA_LOSS",
      message: expect.stringMatching(/announces/),
    });
  });

  test("that end too early, again and again, are UNAVAILABLE in the end", async () => {
    registry.handler = onBlob((response) => response.end(layerBytes.subarray(0, 1000)));
    await expect(pull()).rejects.toMatchObject({
      code: "UNAVAILABLE",
      message: expect.stringMatching(/1000 of/),
    });
    const asked = registry.requests.filter(({ url }) => url.includes(layer));
    expect(asked).toHaveLength(4);
    expect(asked.slice(1).map(({ headers }) => headers.range)).toEqual(
      Array(3).fill("bytes=1000-"),
    );
  });

  test("a server that ignores Range sends the whole again, and that is taken", async () => {
    let count = 0;
    registry.handler = onBlob((response) => {
      if (count++ > 0) return void response.end(layerBytes);
      response.writeHead(200, { "content-length": layerBytes.length });
      response.write(layerBytes.subarray(0, 1000), () => response.destroy());
    });
    await pull();
    expect((await store.read(layer, 1 << 20)).length).toBe(layerBytes.length);
  });

  test("another range than asked for is DATA_LOSS", async () => {
    let count = 0;
    registry.handler = onBlob((response) => {
      if (count++ === 0) return void response.end(layerBytes.subarray(0, 1000));
      response.writeHead(206, {
        "content-range": `bytes 0-${layerBytes.length - 1}/${layerBytes.length}`,
      });
      response.end(layerBytes);
    });
    await expect(pull()).rejects.toMatchObject({
      code: "DATA_LOSS",
      message: expect.stringMatching(/another range/),
    });
  });

  test("that come with a Content-Encoding are refused", async () => {
    registry.handler = onBlob((response) =>
      response.writeHead(200, { "content-encoding": "gzip, gzip" }).end(layerBytes),
    );
    await expect(pull()).rejects.toMatchObject({
      code: "DATA_LOSS",
      message: expect.stringMatching(/encoded/),
    });
  });

  test("nothing coming for the progress timeout ends the attempt; a slow trickle does not", async () => {
    let count = 0;
    registry.handler = onBlob((response) => {
      response.writeHead(200, { "content-length": layerBytes.length });
      if (count++ === 0) return void response.write(layerBytes.subarray(0, 10));
      const part = Math.ceil(layerBytes.length / 5);
      for (let index = 0; index < 5; index++) {
        setTimeout(
          () => response.write(layerBytes.subarray(index * part, (index + 1) * part)),
          index * 100,
        );
      }
      return undefined;
    });
    await pull();
    expect(count).toBe(2);
  });
});

describe("refusals", () => {
  test("429 with Retry-After and 503 are waited out", async () => {
    const statuses = [429, 503, 200];
    registry.handler = (_request, response) => {
      const status = statuses.shift() ?? 200;
      if (status === 200) return false;
      response.writeHead(status, { "retry-after": "0" }).end();
      return true;
    };
    await pull();
    expect(statuses).toEqual([]);
  });

  test("429 for ever is UNAVAILABLE after a few tries", async () => {
    registry.handler = (_request, response) => {
      response.writeHead(429).end();
      return true;
    };
    await expect(pull()).rejects.toMatchObject({
      code: "UNAVAILABLE",
      message: expect.stringMatching(/429/),
    });
    expect(registry.requests).toHaveLength(4);
  });

  test("403 is PERMISSION_DENIED, its message in printable characters only", async () => {
    registry.handler = (_request, response) => {
      response.writeHead(403).end(JSON.stringify({ errors: [{ message: "no\u001b[31m entry" }] }));
      return true;
    };
    await expect(pull()).rejects.toMatchObject({
      code: "PERMISSION_DENIED",
      message: expect.stringMatching(/\(no\?\[31m entry\)/),
    });
  });

  test("a caller that gives up gets its own reason, and what came stays for the next", async () => {
    const caller = new AbortController();
    registry.handler = onBlob((response) => {
      response.writeHead(200, { "content-length": layerBytes.length });
      response.write(layerBytes.subarray(0, 5000), () => setTimeout(() => caller.abort(), 20));
    });
    await expect(pull(undefined, undefined, caller.signal)).rejects.toMatchObject({
      code: "DEADLINE_EXCEEDED",
    });
    expect(await ingests()).toEqual([layer.slice(7)]);
  });
});

describe("manifests", () => {
  const json = (value: object) => JSON.stringify(value);
  const good = JSON.parse(
    Buffer.from(image.blobs.get(image.manifest.digest) ?? []).toString(),
  ) as Record<string, object>;

  test.each<readonly [string, Handler, RegExp]>([
    ["that is index and image at once", onManifest(json({ ...good, manifests: [] })), /at once/],
    [
      "called an index and is none",
      onManifest(json(good), "application/vnd.oci.image.index.v1+json"),
      /is called/,
    ],
    [
      "that calls itself what it is not",
      onManifest(json({ ...good, mediaType: "application/vnd.oci.image.index.v1+json" })),
      /is called/,
    ],
    ["of schema 1", onManifest(json({ schemaVersion: 1, fsLayers: [] })), /schema version 1/],
    [
      "with a path for a digest",
      onManifest(json({ ...good, config: { ...good["config"], digest: "sha256:../../x" } })),
      /no sha256 digest/,
    ],
    [
      "with a negative size",
      onManifest(json({ ...good, layers: [{ ...image.layers[0], size: -1 }] })),
      /size/,
    ],
    [
      "of something that is no image",
      onManifest(
        json({
          ...good,
          config: { ...good["config"], mediaType: "application/vnd.cncf.helm.config.v1+json" },
        }),
      ),
      /not a container image/,
    ],
    [
      "with 128 layers",
      onManifest(json({ ...good, layers: Array(128).fill(image.layers[0]) })),
      /more than 127/,
    ],
    ["that is HTML", onManifest("<html>"), /no JSON/],
    ["that is null", onManifest("null"), /no object/],
  ])("one %s is refused", async (_name, handler, message) => {
    registry.handler = handler;
    await expect(pull()).rejects.toMatchObject({
      code: "FAILED_PRECONDITION",
      message: expect.stringMatching(message),
    });
  });

  test("one without end is refused at its bound", async () => {
    registry.handler = (_request, response) => {
      const more = () => {
        while (!response.destroyed && response.write(Buffer.alloc(65536, " ")));
      };
      response.on("drain", more);
      more();
      return true;
    };
    await expect(pull()).rejects.toMatchObject({ code: "RESOURCE_EXHAUSTED" });
  });

  test("one that is not what the digest says is DATA_LOSS", async () => {
    registry.handler = onManifest(json({ ...good, annotations: {} }));
    await expect(
      pull(undefined, `${registry.host}/lib/app@${image.manifest.digest}`),
    ).rejects.toMatchObject({ code: "DATA_LOSS" });
    registry.handler = onManifest(json(good), undefined, {
      "docker-content-digest": `sha256:${"0".repeat(64)}`,
    });
    await expect(pull()).rejects.toMatchObject({ code: "DATA_LOSS" });
  });

  test("one for other machines is NOT_FOUND and says for which", async () => {
    const manifests = [{ ...image.manifest, platform: { os: "plan9", architecture: "mips" } }];
    registry.handler = onManifest(
      json({ schemaVersion: 2, manifests }),
      "application/vnd.oci.image.index.v1+json",
    );
    await expect(pull()).rejects.toMatchObject({
      code: "NOT_FOUND",
      message: expect.stringMatching(/plan9\/mips/),
    });
  });

  test("urls of a foreign layer are not followed", async () => {
    const spy = await ScriptedRegistry.start();
    const layers = [
      { ...image.layers[0], digest: `sha256:${"1".repeat(64)}`, urls: [`http://${spy.host}/blob`] },
    ];
    registry.handler = onManifest(json({ ...good, layers }));
    await expect(pull({ username: "ann", password: "secret" })).rejects.toMatchObject({
      code: "NOT_FOUND",
    });
    expect(spy.requests).toEqual([]);
    await spy.stop();
  });
});

describe("redirects and credentials", () => {
  const auth = { username: "ann", password: "secret" };
  const basic = `Basic ${Buffer.from("ann:secret").toString("base64")}`;
  let elsewhere: ScriptedRegistry;

  beforeEach(async () => {
    elsewhere = await ScriptedRegistry.start();
    elsewhere.add("lib/app", "1", image);
  });

  afterEach(() => elsewhere.stop());

  const wantsBasic = (request: IncomingMessage, response: ServerResponse): boolean => {
    if (request.headers.authorization === basic) return false;
    response.writeHead(401, { "www-authenticate": 'Basic realm="x"' }).end();
    return true;
  };

  test("credentials go to the registry and stay there when it redirects to another host", async () => {
    registry.handler = (request, response) => {
      if (wantsBasic(request, response)) return true;
      if (!request.url?.includes("/blobs/")) return false;
      response.writeHead(307, { location: `http://${elsewhere.host}${request.url}` }).end();
      return true;
    };
    await pull(auth);
    expect(registry.requests.some(({ headers }) => headers.authorization === basic)).toBe(true);
    expect(elsewhere.requests.length).toBeGreaterThan(0);
    expect(elsewhere.requests.filter(({ headers }) => headers.authorization !== undefined)).toEqual(
      [],
    );
  });

  test("a host of a redirect that asks for credentials gets none (CVE-2020-15157)", async () => {
    registry.handler = (request, response) => {
      if (!request.url?.includes("/blobs/")) return false;
      response.writeHead(307, { location: `http://${elsewhere.host}${request.url}` }).end();
      return true;
    };
    elsewhere.handler = wantsBasic;
    await expect(pull(auth)).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
    expect(elsewhere.requests.filter(({ headers }) => headers.authorization !== undefined)).toEqual(
      [],
    );
  });

  test("redirects without end stop at ten", async () => {
    registry.handler = (request, response) => {
      response.writeHead(302, { location: `${request.url}x` }).end();
      return true;
    };
    await expect(pull()).rejects.toMatchObject({
      code: "UNAVAILABLE",
      message: expect.stringMatching(/more than 10 redirects/),
    });
    expect(registry.requests).toHaveLength(11);
  });

  test.each([
    "http://169.254.169.254/latest/meta-data/",
    "http://[fe80::1]/",
    "file:///etc/passwd",
    "http://",
  ])("a redirect to %s is refused", async (location) => {
    registry.handler = (_request, response) => {
      response.writeHead(302, { location }).end();
      return true;
    };
    await expect(pull()).rejects.toMatchObject({
      code: "UNAVAILABLE",
      message: expect.stringMatching(/refused a redirect/),
    });
  });

  test("a token service at a link-local address is not asked", async () => {
    registry.handler = (_request, response) => {
      response
        .writeHead(401, { "www-authenticate": 'Bearer realm="http://169.254.169.254/token"' })
        .end();
      return true;
    };
    await expect(pull(auth)).rejects.toMatchObject({
      code: "UNAUTHENTICATED",
      message: expect.stringMatching(/169\.254/),
    });
  });

  test("a token with a line break in it is no token", async () => {
    registry.handler = (request, response) => {
      if (request.url?.startsWith("/token"))
        response.end(JSON.stringify({ token: "a\r\nx-evil: 1" }));
      else
        response
          .writeHead(401, { "www-authenticate": `Bearer realm="http://${registry.host}/token"` })
          .end();
      return true;
    };
    await expect(pull()).rejects.toMatchObject({
      code: "UNAVAILABLE",
      message: expect.stringMatching(/no token/),
    });
  });

  test("no message and no span ever holds the password or the token", async () => {
    registry.handler = (request, response) => {
      if (request.url?.startsWith("/token"))
        response.end(JSON.stringify({ token: "tok-secret-tok" }));
      else
        response
          .writeHead(401, {
            "www-authenticate": `Bearer realm="http://${registry.host}/token?x=1"`,
          })
          .end();
      return true;
    };
    const { context, spans } = testContext();
    const error: unknown = await client
      .fetch(context, `${registry.host}/lib/app:1`, auth)
      .catch((reason: unknown) => reason);
    const seen = JSON.stringify([spans, String(error), String((error as Error).cause)]);
    expect(seen).toContain("UNAUTHENTICATED");
    expect(seen).not.toMatch(/secret/);
  });
});

test("the image that all of them spoiled is pulled whole in the end", async () => {
  const fetched = await pull();
  const whole = async (of: SampleImage) =>
    Promise.all([...of.blobs.keys()].map((digest) => store.read(digest, 1 << 20)));
  expect(await whole(image)).toHaveLength(image.blobs.size);
  expect(fetched.manifest.digest).toBe(image.manifest.digest);
});
