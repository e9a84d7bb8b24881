/** `vitrined` as a program, as far as it goes without root. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { parseConfig } from "./config/parse-config.ts";
import { engineOptions } from "./engine-settings.ts";
import { checkMachine } from "./machine.ts";
import { parseVitrinedArguments, withArguments } from "./vitrined-arguments.ts";

const directory = mkdtempSync(join(tmpdir(), "vt-vitrined-"));
afterAll(() => rmSync(directory, { recursive: true }));

function vitrined(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(import.meta.dirname, "vitrined.mjs"), ...args],
    { encoding: "utf8" },
  );
  return { status, stdout, stderr };
}

function settingsFor(...args: string[]) {
  return withArguments(parseConfig("", "none"), parseVitrinedArguments(args));
}

describe("the program", () => {
  test("config check names every problem of a file", () => {
    const file = join(directory, "config.toml");
    writeFileSync(file, 'rot = "/x"\nstate = "run"\n');
    expect(vitrined("config", "check", file)).toEqual({
      status: 1,
      stdout: "",
      stderr: `vitrined: ${file}: unknown key rot; did you mean root?\n${file}: state: must be an absolute path\n`,
    });
  });

  test("what config default prints is good", () => {
    const { stdout } = vitrined("config", "default");
    const file = join(directory, "default.toml");
    writeFileSync(file, stdout);
    expect(vitrined("config", "check", file)).toEqual({
      status: 0,
      stdout: `${file}: good\n`,
      stderr: "",
    });
  });

  test.each([
    [["--rot", "/x"], "unknown option --rot; did you mean --root?"],
    [["--root"], "argument missing"],
    [["--root", "here"], "--root here: must be an absolute path"],
    [["serve"], "there is no command serve"],
    [["--log-level", "loud"], "--log-level loud: "],
    [["--private", "/tmp/x"], "--private /tmp/x: /var/lib/vitrine does not lie in it"],
    [["--private", "/"], "--private /: must be an absolute path below a directory"],
    [["--private", "/tmp/../var/lib"], "must be an absolute path below a directory"],
  ])("%j is refused with exit code 2", (args, message) => {
    expect(vitrined(...args)).toMatchObject({
      status: 2,
      stderr: expect.stringContaining(message),
    });
  });

  test("a configuration that somebody named must exist", () => {
    expect(vitrined("--config", join(directory, "none.toml"))).toMatchObject({
      status: 1,
      stderr: expect.stringContaining("cannot read the configuration"),
    });
  });
});

describe("settings", () => {
  test("sockets move with the state directory, unless they are named", () => {
    expect(settingsFor("--state", "/run/x")).toMatchObject({
      state: "/run/x",
      address: "/run/x/vitrine.sock",
      traceAddress: "/run/x/trace.sock",
      root: "/var/lib/vitrine",
    });
    expect(settingsFor("--state", "/run/x", "--socket", "/run/y.sock").address).toBe("/run/y.sock");
  });

  test("reach the engine", () => {
    const options = engineOptions(settingsFor("--root", "/data"), "1.0.0", "/native", undefined);
    expect(options).toMatchObject({
      rootDirectory: "/data",
      unsetSeccompProfile: "unconfined",
      network: {
        resultsDirectory: "/data/cni/results",
        builtin: { binDir: "/native/cni", dataDir: "/data/cni/leases" },
      },
    });
    expect(options.crashPoint).toBeUndefined();
  });

  test("a machine without Linux or root gets one sentence", () => {
    expect(() => checkMachine("darwin", 0)).toThrow(/^containers need Linux, and this is darwin;/);
    expect(() => checkMachine("linux", 1000)).toThrow(/^containers need root:/);
    expect(() => checkMachine("linux", 0)).not.toThrow();
  });
});
