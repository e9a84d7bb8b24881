/** The measured table as Markdown. */
import { readFileSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";
import { type Contender, type Contenders, ownName, silentName, stockName } from "./contenders.ts";
import type { Samples } from "./figures.ts";
import type { ByContender, Crowd, Throughput } from "./measure.ts";

export interface Measured {
  readonly contenders: Contenders;
  readonly calls: ByContender<Samples>;
  readonly throughput: ByContender<readonly Throughput[]>;
  readonly crowds: ByContender<Crowd>;
}

const mib = 1024 * 1024;

function row(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [row(head), row(head.map(() => "---")), ...rows.map(row)].join("\n");
}

/** "12.3 ms (8.1×)": the figure, and how many times less than the peer's it is. */
function against(value: number, peer: number, unit: string, digits = 1): string {
  return `${value.toFixed(digits)}${unit} (${(peer / value).toFixed(1)}×)`;
}

function callRows(measured: Measured): readonly (readonly string[])[] {
  const { all, peer } = measured.contenders;
  const names = measured.calls.get(peer)?.names() ?? [];
  const order = ["pod ready", "RunPodSandbox", "CreateContainer", "StartContainer", "ExecSync"];
  const sorted = [...order, ...names.filter((name) => !order.includes(name))];
  return sorted.map((name) => {
    const peerFigure = measured.calls.get(peer)?.figure(name)?.median ?? Number.NaN;
    return [
      name,
      ...all.map((contender) => {
        const figure = measured.calls.get(contender)?.figure(name);
        if (figure === undefined) return "";
        if (contender === peer) return `${figure.median.toFixed(1)} ms`;
        return against(figure.median, peerFigure, " ms");
      }),
    ];
  });
}

function throughputRows(measured: Measured): readonly (readonly string[])[] {
  const { all, peer } = measured.contenders;
  const peers = measured.throughput.get(peer) ?? [];
  return peers.map((of, index) => [
    `full lives per second, ${of.clients} client${of.clients === 1 ? "" : "s"}`,
    ...all.map((contender) => {
      const own = measured.throughput.get(contender)?.[index]?.cyclesPerSecond ?? Number.NaN;
      if (contender === peer) return own.toFixed(1);
      return `${own.toFixed(1)} (${(own / of.cyclesPerSecond).toFixed(1)}×)`;
    }),
  ]);
}

function crowdRows(measured: Measured): readonly (readonly string[])[] {
  const { all, peer } = measured.contenders;
  const first = measured.crowds.get(peer);
  if (first === undefined) return [];
  const line = (title: string, of: (crowd: Crowd) => number, unit: string, digits = 1) => [
    title,
    ...all.map((contender) => {
      const crowd = measured.crowds.get(contender);
      if (crowd === undefined) return "";
      const value = of(crowd);
      return contender === peer
        ? `${value.toFixed(digits)}${unit}`
        : against(value, of(first), unit, digits);
    }),
  ];
  return [
    line(`${first.pods} pods up, 4 clients`, (crowd) => crowd.upSeconds, " s"),
    line(`${first.pods} pods down, 4 clients`, (crowd) => crowd.downSeconds, " s"),
    line("daemon, resident", (crowd) => crowd.daemon.rss / mib, " MiB", 0),
    line("one shim, resident", (crowd) => crowd.shims.each.rss / mib, " MiB", 2),
    line("one shim, proportional", (crowd) => crowd.shims.each.pss / mib, " MiB", 2),
    line(
      "daemon and shims, proportional",
      (crowd) => (crowd.daemon.pss + crowd.shims.sum.pss) / mib,
      " MiB",
      0,
    ),
  ];
}

function machine(): string {
  const model = /model name\s*:\s*(.*)/.exec(readFileSync("/proc/cpuinfo", "utf8"))?.[1] ?? "";
  const memory = Math.round(totalmem() / 1024 ** 3);
  return `${cpus().length} cores (${model.trim()}), ${memory} GiB, Linux ${release()}, Node ${process.version}`;
}

function aims(measured: Measured): readonly string[] {
  const { all, peer } = measured.contenders;
  const by = (name: string) => all.find((contender) => contender.name === name);
  const median = (contender: Contender | undefined, call: string) =>
    (contender && measured.calls.get(contender)?.figure(call)?.median) ?? Number.NaN;
  const [stock, own, silent] = [by(stockName), by(ownName), by(silentName)];
  const ratio = (contender: Contender | undefined, call: string) =>
    median(peer, call) / median(contender, call);
  const verdict = (title: string, value: number, aim: number, unit: string, more = true) =>
    `- ${title}: ${value.toFixed(2)}${unit}, aim ${aim}${unit}: ${(more ? value >= aim : value <= aim) ? "met" : "**missed**"}`;
  const lines = [
    verdict("pod ready, same CNI chain, times faster", ratio(stock, "pod ready"), 3, "×"),
    verdict("pod ready, own bridge, times faster", ratio(own, "pod ready"), 8, "×"),
    verdict("exec, times faster", ratio(own, "ExecSync"), 5, "×"),
    verdict(
      "spans, cost of pod ready",
      (median(own, "pod ready") / median(silent, "pod ready") - 1) * 100,
      5,
      " %",
      false,
    ),
  ];
  const crowd = own && measured.crowds.get(own);
  const peerCrowd = measured.crowds.get(peer);
  if (crowd !== undefined && peerCrowd !== undefined) {
    lines.push(
      verdict("100 pods up, times faster", peerCrowd.upSeconds / crowd.upSeconds, 3, "×"),
      verdict("100 pods down, times faster", peerCrowd.downSeconds / crowd.downSeconds, 3, "×"),
      verdict("one shim, resident", crowd.shims.each.rss / mib, 1.5, " MiB", false),
    );
  }
  return lines;
}

/** The whole report. */
export function report(measured: Measured, date: string): string {
  const { all } = measured.contenders;
  const head = ["", ...all.map((contender) => contender.name)];
  const rounds = measured.calls.get(all[0] as Contender)?.figure("pod ready")?.count ?? 0;
  return `# Figures

Measured on ${date} with \`npm run bench\`: ${machine()}.
All contenders run at the same time on the same machine and are measured in turn, five lives a turn, ${rounds} in all, by the same gRPC client, with the same two
images (the project's pause and demo image), one container a pod, and one other pod up in each, after 40 lives to warm up. Figures are medians; in brackets, how many times better than containerd's.

${table(head, [...callRows(measured), ...throughputRows(measured), ...crowdRows(measured)])}

## Aims

${aims(measured).join("\n")}
`;
}
