/**
 * `npm run bench`: Vitrine side by side with Debian's containerd and runc in one run.
 *
 *   npm run bench -- [--rounds N] [--cycles N] [--pods N] [--sim N] [--write]
 */
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Contender, startContenders } from "./contenders.ts";
import type { Samples } from "./figures.ts";
import {
  type Crowd,
  measureCalls,
  measureCrowd,
  measureThroughput,
  type Throughput,
} from "./measure.ts";
import { report } from "./report.ts";
import { simulationReport } from "./simulation.ts";

const help = `npm run bench -- [options]

  --rounds N   turns of five lives for the table of calls (default 8)
  --cycles N   lives for throughput (default 24; 0 skips it)
  --pods N     pods at once (default 100; 0 skips it)
  --sim N      largest crowd of the simulation (default 10000; 0 skips the simulation)
  --write      keep the table in docs/bench.md
`;

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "8" },
    cycles: { type: "string", default: "24" },
    pods: { type: "string", default: "100" },
    sim: { type: "string", default: "10000" },
    write: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

function say(sentence: string): void {
  process.stderr.write(`${sentence}\n`);
}

/** What people wrote below the table stays. */
function handWritten(page: string): string {
  const text = existsSync(page) ? readFileSync(page, "utf8") : "";
  const at = text.indexOf("\n## Where the time goes");
  return at < 0 ? "" : text.slice(at);
}

async function run(): Promise<string> {
  const folder = mkdtempSync("/tmp/vitrine-bench-");
  say("starting containerd and three daemons of ours ...");
  const contenders = await startContenders(folder);
  try {
    const calls: ReadonlyMap<Contender, Samples> = await measureCalls(
      contenders,
      Number(values.rounds),
      say,
    );
    const throughput = new Map<Contender, readonly Throughput[]>();
    const crowds = new Map<Contender, Crowd>();
    for (const contender of contenders.all) {
      if (Number(values.cycles) > 0) {
        say(`throughput: ${contender.name}`);
        const one = await measureThroughput(contender, 1, Number(values.cycles));
        const four = await measureThroughput(contender, 4, Number(values.cycles));
        throughput.set(contender, [one, four]);
      }
      if (Number(values.pods) > 0) {
        say(`${values.pods} pods: ${contender.name}`);
        crowds.set(contender, await measureCrowd(contender, Number(values.pods), 4));
      }
    }
    const date = new Date().toISOString().slice(0, 10);
    return report({ contenders, calls, throughput, crowds }, date);
  } finally {
    say("taking everything down ...");
    await contenders.stop();
  }
}

if (values.help) {
  process.stdout.write(help);
} else {
  const crowds = [10, 100, 1000, 10_000].filter((pods) => pods <= Number(values.sim));
  const text = (await run()) + (crowds.length === 0 ? "" : `\n${simulationReport(crowds, say)}`);
  process.stdout.write(text);
  if (values.write) {
    const page = join(import.meta.dirname, "../../docs/bench.md");
    writeFileSync(page, text + handWritten(page));
  }
}
