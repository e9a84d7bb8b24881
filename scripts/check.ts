/**
 * `npm run check`: yes or no in about a minute. Format, lint, types, the pure folders' types, imports and bans, the
 * native build and the unit tests, side by side; each prints its output only when it says no.
 */
import { spawn } from "node:child_process";
import { repository } from "./prepare.ts";

interface Check {
  readonly title: string;
  readonly command: readonly [string, ...string[]];
}

const checks: readonly Check[] = [
  { title: "format and lint", command: ["biome", "ci", "--diagnostic-level=error", "."] },
  { title: "types", command: ["tsc", "-p", "tsconfig.json"] },
  { title: "types of the pure folders", command: ["tsc", "-p", "apps/runtime/tsconfig.pure.json"] },
  { title: "types of the page", command: ["tsc", "-p", "apps/web/tsconfig.json", "--noEmit"] },
  { title: "native build and C tests", command: ["make", "-C", "native", "all", "test"] },
  {
    title: "architecture and unit tests",
    command: ["vitest", "run", "--project", "unit", "--reporter=dot"],
  },
];

function run(check: Check): Promise<boolean> {
  const started = process.hrtime.bigint();
  return new Promise((resolve) => {
    const [command, ...args] = check.command;
    // Colours are for people at a terminal, not for a log.
    const env = process.stdout.isTTY ? process.env : { ...process.env, NO_COLOR: "1" };
    const child = spawn(command, args, { cwd: repository, env });
    let output = "";
    child.stdout.on("data", (chunk) => {
      output += chunk;
    });
    child.stderr.on("data", (chunk) => {
      output += chunk;
    });
    child.on("error", (error) => {
      output += error.message;
    });
    child.on("close", (code) => {
      const seconds = Number((process.hrtime.bigint() - started) / 1_000_000n) / 1000;
      console.log(`${code === 0 ? "yes" : "NO "}  ${check.title} (${seconds.toFixed(1)} s)`);
      if (code !== 0) console.log(output.replace(/^/gm, "     "));
      resolve(code === 0);
    });
  });
}

const answers = await Promise.all(checks.map(run));
if (answers.includes(false)) process.exit(1);
