/**
 * `npm test`: installs what the tests need, builds, then runs everything: C tests, unit tests, the
 * real kernel, whole daemons and a real browser. Ends with `N passed, N failed, N skipped` and the reason of each skip.
 *
 *   npm test -- --project linux     one vitest project (unit, linux, e2e)
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildNative, buildWeb, installTestPackages, repository } from "./prepare.ts";

interface Counted {
  readonly passed: number;
  readonly failed: readonly string[];
  readonly flaky: readonly string[];
  readonly skipped: readonly { readonly name: string; readonly reason: string }[];
}

installTestPackages();
buildNative();
buildWeb();

let passed = 0;
const failed: string[] = [];
const skipped: { name: string; reason: string }[] = [];

console.log("C tests");
const native = spawnSync("make", ["-C", "native", "test"], {
  cwd: repository,
  stdio: ["ignore", "inherit", "inherit"],
});
if (native.status === 0) passed += 1;
else failed.push("make -C native test");

const folder = mkdtempSync(join(tmpdir(), "vitrine-test-"));
const report = join(folder, "counted.json");
const vitest = spawnSync(
  "vitest",
  ["run", "--reporter=dot", "--reporter=./test/count-reporter.ts", ...process.argv.slice(2)],
  { cwd: repository, stdio: "inherit", env: { ...process.env, VITRINE_COUNT_FILE: report } },
);
try {
  const counted = JSON.parse(readFileSync(report, "utf8")) as Counted;
  passed += counted.passed;
  failed.push(...counted.failed);
  skipped.push(...counted.skipped);
  for (const name of counted.flaky) console.log(`second try  ${name}`);
  if (vitest.status !== 0 && counted.failed.length === 0) failed.push("vitest itself (see above)");
} catch {
  failed.push("vitest made no report");
}
rmSync(folder, { recursive: true });

for (const name of failed) console.log(`failed   ${name}`);
for (const { name, reason } of skipped) console.log(`skipped  ${name}: ${reason}`);
console.log(`${passed} passed, ${failed.length} failed, ${skipped.length} skipped`);
process.exit(failed.length === 0 ? 0 : 1);
