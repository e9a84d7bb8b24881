/**
 * The simulated shell and applets against a real busybox: every script was run by busybox 1.35 in an empty tmpfs, and
 * what it wrote, to both outputs, and its exit code must be the same here. Usage texts are the catalogue's own: left out.
 */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { programBed, runShell } from "./program-bed.ts";

interface Answer {
  readonly script: string;
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number;
}

function answers(name: string): readonly Answer[] {
  return JSON.parse(readFileSync(new URL(`./fixture/${name}.json`, import.meta.url), "utf8"));
}

for (const name of ["shell-answers", "applet-answers"]) {
  describe(name, () => {
    const machine = programBed();
    it.each(answers(name))("$script", ({ script, stdout, stderr, code }) => {
      runShell(machine, "rm -rf /tmp/w; mkdir -p /tmp/w");
      const ran = runShell(machine, 'cd /tmp/w; exec sh -c "$0"', script);
      const shown = { ...ran, stderr: ran.stderr.replace(/BusyBox v[\s\S]*/, "[usage]") };
      expect(shown).toEqual({ stdout, stderr, code });
    });
  });
}
