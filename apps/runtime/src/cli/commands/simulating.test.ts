/** The commands that simulate, in this process: `vitrine sim` and `vitrine what-if`. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { exampleConfig, exampleSettings } from "../../simulation/scenarios/configuration.ts";
import type { Command } from "../command.ts";
import { engineOptions } from "../engine-settings.ts";
import { ProgramError } from "../program-error.ts";
import { readConfig } from "../read-config.ts";
import { silentContext } from "../silent-context.ts";
import { sim } from "./sim.ts";
import { whatIfCommand } from "./what-if.ts";

let directory: string;
let file: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "vitrine-sim-"));
  file = join(directory, "config.toml");
  writeFileSync(file, exampleConfig);
});

afterAll(() => rmSync(directory, { recursive: true }));

/** What the command prints. */
async function say(
  command: Command,
  words: readonly string[],
  options: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  const lines: string[] = [];
  await command.run({
    client: undefined as never,
    context: silentContext(),
    traceSocket: "",
    words,
    options: options as never,
    json: options["json"] === true,
    print: (line) => lines.push(line),
  });
  return lines.join("\n");
}

describe("the configuration file of the seed text", () => {
  test("is read as the scenario says", () => {
    const options = engineOptions(readConfig(file), "0", "", undefined);
    expect(options).toMatchObject(exampleSettings);
    expect(Object.keys(options.runtimes)).toContain("runc");
  });

  test("makes the same run as the settings", async () => {
    const plain = await say(sim, ["configuration"], { json: true });
    const configured = await say(sim, ["configuration"], { json: true, config: file });
    expect(configured).toBe(plain);
    expect(plain).toContain("registry.k8s.io/pause:3.9");
  });

  test("another pause image is another run", async () => {
    const other = join(directory, "other.toml");
    writeFileSync(other, exampleConfig.replace("pause:3.9", "pause:3.10"));
    const text = await say(sim, ["configuration"], { config: other, mermaid: true });
    expect(text).toContain("registry.k8s.io/pause:3.10");
    expect(text).not.toContain("registry.k8s.io/pause:3.9");
  });
});

describe("what-if", () => {
  test("lists the mistakes", async () => {
    expect(await say(whatIfCommand, [])).toMatch(/^no-pivot-root +No pivot_root$/m);
  });

  test("prints both sides, where they part, and what is otherwise", async () => {
    const text = await say(whatIfCommand, ["no-pivot-root"]);
    expect(text).toMatch(/^SIMULATED {2}No pivot_root {2}\(seed 1\)$/m);
    expect(text).toMatch(/part at op \d+: init pivotRoot <rootfs>/);
    expect(text).toMatch(/nothing of the host's \/ .* ! the host's \/ is visible at \/$/m);
    expect(text).toMatch(/What is otherwise:\n {2}the host's \/ is visible at \/$/m);
  });

  test("own edits, stopped at an op, for programs", async () => {
    const text = await say(whatIfCommand, [], { drop: ["seccomp"], until: "67", json: true });
    const { forkedAt, edited } = JSON.parse(text);
    expect([forkedAt, edited.stoppedAt]).toEqual([67, 67]);
    expect(edited.plan[67].op).toBe("execve");
  });

  test("own edits of a container with a user namespace", async () => {
    const text = await say(whatIfCommand, [], { drop: ["idMap"], "user-namespace": true });
    expect(text).toContain("no container comes of it: setresgid 0: EINVAL");
  });

  test.each([
    [
      ["no-pivot-rot"],
      {},
      /there is no mistake "no-pivot-rot"; there are: .*\ndid you mean no-pivot-root/,
    ],
    [[], { drop: ["pivtRoot"] }, /no op "pivtRoot"; did you mean pivotRoot/],
    [[], { drop: ["mknod#0"] }, /from 1 on/],
    [[], { drop: ["mknod#99"] }, /has no op mknod number 99/],
    [[], { drop: ["umount"] }, /has no op umount; it has: /],
    [[], { refuse: ["pivotRoot"] }, /must be OP=ERRNO/],
    [[], { refuse: ["pivotRoot=ENOWAY"] }, /no errno ENOWAY/],
    [[], { until: "-1" }, /must be the number of an op/],
    [[], { until: "999" }, /has no op 999; its ops are 0 to \d+/],
    [["chroot"], { seed: "one" }, /must be a whole number/],
    [["chroot"], { "user-namespace": true }, /for edits of your own/],
  ])("refuses %j %j in words", async (words, options, message) => {
    const refused = say(whatIfCommand, words, options);
    await expect(refused).rejects.toThrow(message);
    await expect(refused).rejects.toBeInstanceOf(ProgramError);
  });
});
