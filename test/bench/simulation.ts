/** Figures of the simulation: lives a second, memory a pod, growth, and what the page has to download. */
import { spawnSync } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";

const repository = join(import.meta.dirname, "../..");
const mib = 1024 * 1024;

interface Lifecycles {
  readonly lifecyclesPerSecond: number;
  readonly spansPerLifecycle: number;
}

interface Crowd {
  readonly pods: number;
  readonly seconds: number;
  readonly bytesPerPod: number;
  readonly rssBytes: number;
  readonly msFirst: number;
  readonly msLast: number;
}

function measure<T>(...words: readonly string[]): T {
  const script = join(import.meta.dirname, "simulation-run.ts");
  const args = ["--expose-gc", "--max-old-space-size=8192", script, ...words];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${words.join(" ")}: ${stderr}`);
  return JSON.parse(stdout) as T;
}

/** Size of the worker with everything it loads: the chunks of the built page that hold the runtime's engine. */
function workerSize():
  | { readonly raw: number; readonly gzip: number; readonly brotli: number }
  | undefined {
  const chunks = globSync("apps/web/.next/static/**/*.js", { cwd: repository })
    .map((path) => readFileSync(join(repository, path)))
    .filter((text) => text.includes("vitrine-sim ") || text.includes("vitrine.local/demo:1"));
  if (chunks.length === 0) return undefined;
  const all = Buffer.concat(chunks);
  return {
    raw: all.length,
    gzip: gzipSync(all, { level: 9 }).length,
    brotli: brotliCompressSync(all).length,
  };
}

function verdict(met: boolean): string {
  return met ? "met" : "**missed**";
}

/** The section of the report. `crowds`: how many pods at once, one measurement each. */
export function simulationReport(crowds: readonly number[], say: (text: string) => void): string {
  say("simulation: lives");
  const lives = measure<Lifecycles>("lifecycles", "10");
  const rows: Crowd[] = [];
  for (const pods of crowds) {
    say(`simulation: ${pods} pods`);
    rows.push(measure<Crowd>("crowd", String(pods)));
  }
  const worker = workerSize();
  const largest = rows.at(-1);
  const kib = (bytes: number) => `${(bytes / 1024).toFixed(0)} KiB`;
  return [
    "## The simulation",
    "",
    "Each line is a process of its own, on one core; a life is RunPodSandbox to RemovePodSandbox with one container, every span made.",
    "",
    "| pods at once | all up after | the first tenth, each | the last tenth, each | memory a pod | resident |",
    "| --- | --- | --- | --- | --- | --- |",
    ...rows.map(
      (row) =>
        `| ${row.pods} | ${row.seconds.toFixed(2)} s | ${row.msFirst.toFixed(2)} ms | ${row.msLast.toFixed(2)} ms | ${kib(row.bytesPerPod)} | ${(row.rssBytes / mib).toFixed(0)} MiB |`,
    ),
    "",
    `- pod lives per second: ${lives.lifecyclesPerSecond.toFixed(0)} with ${lives.spansPerLifecycle.toFixed(0)} spans each, aim 500: ${verdict(lives.lifecyclesPerSecond >= 500)}`,
    ...(largest === undefined || largest.pods < 10_000
      ? []
      : [
          `- ${largest.pods} pods: ${(largest.rssBytes / mib / 1024).toFixed(2)} GiB, aim 2: ${verdict(largest.rssBytes <= 2 * 1024 * mib)}`,
        ]),
    ...(worker === undefined
      ? ["- the page is not built, so its worker was not measured"]
      : [
          `- worker: ${kib(worker.raw)}, ${kib(worker.gzip)} with gzip, ${kib(worker.brotli)} with brotli, aim 400 compressed: ${verdict(worker.gzip <= 400 * 1024)}`,
        ]),
    "",
  ].join("\n");
}

if (import.meta.main) {
  const sizes = process.argv.slice(2).map(Number);
  const crowds = sizes.length === 0 ? [10, 100, 1000, 10_000] : sizes;
  process.stdout.write(simulationReport(crowds, (text) => process.stderr.write(`${text}\n`)));
}
