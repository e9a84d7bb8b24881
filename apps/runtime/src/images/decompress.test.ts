import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate, setTimeout } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { decompress } from "./decompress.ts";

test("a gzip stream without its end is an error, whatever the reader's pace", async () => {
  const directory = await mkdtemp(join(tmpdir(), "vt-decompress-"));
  const path = join(directory, "layer.gz");
  const whole = gzipSync(Buffer.alloc(51_712, "x"));
  await writeFile(path, whole.subarray(0, whole.length - 5));
  const paces = [async () => {}, () => setImmediate(), () => setTimeout(1), () => setTimeout(3)];
  try {
    // zlib's error comes some time after its input is all taken: a hundred tries of each pace meet both orders.
    for (let turn = 0; turn < 400; turn++) {
      const read = async () => {
        for await (const _chunk of decompress(path, "gzip")) await paces[turn % paces.length]?.();
      };
      await expect(read()).rejects.toMatchObject({ code: "FAILED_PRECONDITION" });
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});
