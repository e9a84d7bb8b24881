/** The daemon's directories, made for real in a temporary place. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parseConfig } from "./config/parse-config.ts";
import { makeDirectories } from "./directories.ts";

let place: string;
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), "vt-directories-"));
});
afterEach(() => rmSync(place, { recursive: true }));

function settings() {
  return {
    ...parseConfig("", "none"),
    root: join(place, "root"),
    state: join(place, "state"),
    address: join(place, "sockets/cri.sock"),
    traceAddress: join(place, "state/trace.sock"),
  };
}

function modeOf(name: string): number {
  return statSync(join(place, name)).mode & 0o777;
}

describe("the directories of a daemon", () => {
  test("are made with their modes, the one of a socket that lies elsewhere too", () => {
    makeDirectories(settings());
    expect([modeOf("root"), modeOf("state"), modeOf("sockets")]).toEqual([0o700, 0o711, 0o711]);
  });

  test("of a socket: one that exists keeps its mode", () => {
    mkdirSync(join(place, "sockets"));
    chmodSync(join(place, "sockets"), 0o750);
    makeDirectories(settings());
    expect(modeOf("sockets")).toBe(0o750);
  });

  test("a file in the way is named", () => {
    writeFileSync(join(place, "root"), "");
    expect(() => makeDirectories(settings())).toThrow(
      `cannot make the directory ${join(place, "root")}: EEXIST`,
    );
  });
});
