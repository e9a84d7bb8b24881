// @ts-check
/**
 * The first thing every npm script runs: plain JavaScript for whatever Node the system has.
 * It installs the dependencies when they are missing or older than the lock file (Node 24 is one of
 * them), then hands over to `scripts/<name>.ts` on that Node.
 *
 *   node scripts/bootstrap.mjs NAME [arguments]
 */
import { spawnSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const [name, ...rest] = process.argv.slice(2);
const node = join(root, "node_modules", ".bin", "node");
const installed = join(root, "node_modules", ".package-lock.json");
const lock = join(root, "package-lock.json");

function needsInstall() {
  if (!existsSync(installed) || !existsSync(node)) return true;
  return statSync(installed).mtimeMs < statSync(lock).mtimeMs;
}

if (needsInstall()) {
  console.log("installing dependencies, Node 24 included (once, about a minute) ...");
  const npm = spawnSync(
    "npm",
    ["install", "--no-save", "--no-audit", "--no-fund", "--loglevel=error"],
    {
      cwd: root,
      stdio: ["ignore", "inherit", "inherit"],
    },
  );
  if (npm.error) {
    console.error(`npm could not be started: ${npm.error.message}`);
    process.exit(1);
  }
  if (npm.status !== 0) {
    console.error(
      "npm install failed (see above); is the network there? Then run the same command again.",
    );
    process.exit(npm.status ?? 1);
  }
}

// Ctrl-C goes to the whole foreground group: the child cleans up, this process waits for it.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => {});
const { spawn } = await import("node:child_process");
const child = spawn(node, [join(root, "scripts", `${name}.ts`), ...rest], {
  cwd: root,
  stdio: "inherit",
  env: {
    ...process.env,
    PATH: `${join(root, "node_modules", ".bin")}:${process.env["PATH"]}`,
    VITRINE_BOOTSTRAP_PID: `${process.pid}`,
  },
});
process.on("SIGTERM", () => child.kill("SIGTERM"));
// npm killed with SIGKILL forwards nothing; that we have another parent then tells of it.
const npm = process.ppid;
if (process.env["npm_lifecycle_event"]) {
  setInterval(() => process.ppid !== npm && child.kill("SIGTERM"), 1000).unref();
}
child.on("exit", (code, signal) => process.exit(signal ? 1 : (code ?? 1)));
