/** Control files of cpu and cpuacct, as Linux 6.18 shows them (sched-bwc.rst, cgroup-v1/cpuacct.rst, cgroup-v2.rst). */
import type { FileRow, FileTable } from "../fs/pseudo-entry.ts";
import { refuse } from "../refusal.ts";
import { cpuState } from "./cpu.ts";
import type { CgroupNode } from "./hierarchy.ts";
import { writtenInteger, writtenNatural, writtenWithin } from "./written-value.ts";

const unlimited = Number.POSITIVE_INFINITY;
const defaults = {
  quotaUs: unlimited,
  periodUs: 100_000,
  burstUs: 0,
  periods: 0,
  throttled: 0,
  throttledNs: 0,
};

function get(node: CgroupNode, key: keyof typeof defaults): number {
  return node.cpu?.[key] ?? defaults[key];
}

/** A child's quota must fit into each parent's: v1 refuses, v2 lets the parent's win. */
function checkRatio(node: CgroupNode, quotaUs: number, periodUs: number): void {
  if (node.hierarchy.version === 2) return;
  const ratio = quotaUs / periodUs;
  for (let at = node.parent; at !== undefined; at = at.parent) {
    const above = get(at, "quotaUs");
    if (above === unlimited) continue;
    if (quotaUs !== unlimited && ratio > above / get(at, "periodUs")) refuse("EINVAL");
    break;
  }
  if (quotaUs === unlimited) return;
  for (const child of node.children.values())
    for (const below of child.tree()) {
      const own = get(below, "quotaUs");
      if (own !== unlimited && own / get(below, "periodUs") > ratio) refuse("EINVAL");
    }
}

function setBandwidth(node: CgroupNode, quotaUs: number, periodUs: number): void {
  if (node.parent === undefined) refuse("EINVAL");
  if (quotaUs < 1000 || periodUs < 1000 || periodUs > 1_000_000) refuse("EINVAL");
  if (Number.isFinite(quotaUs) && get(node, "burstUs") > quotaUs) refuse("EINVAL");
  checkRatio(node, quotaUs, periodUs);
  const state = cpuState(node);
  state.quotaUs = quotaUs;
  state.periodUs = periodUs;
  state.period = -1;
}

function setQuota(node: CgroupNode, text: string): void {
  const value = writtenInteger(text);
  setBandwidth(node, value < 0 ? unlimited : value, get(node, "periodUs"));
}

function setPeriod(node: CgroupNode, text: string): void {
  setBandwidth(node, get(node, "quotaUs"), writtenNatural(text));
}

function setBurst(node: CgroupNode, text: string): void {
  const value = writtenNatural(text);
  if (value > 0 && (value > get(node, "quotaUs") || get(node, "quotaUs") === unlimited))
    refuse("EINVAL");
  cpuState(node).burstUs = value;
}

const idle: FileRow<CgroupNode> = {
  mode: 0o644,
  text: (node) => (node.cpu?.idle ? "1\n" : "0\n"),
  write: (node, text) => {
    const value = writtenInteger(text);
    if (node.parent === undefined || (value !== 0 && value !== 1)) refuse("EINVAL");
    cpuState(node).idle = value === 1;
    cpuState(node).weight = value === 1 ? idleWeight(node) : undefined;
  },
};

function idleWeight(node: CgroupNode): number {
  return node.hierarchy.version === 1 ? 3 : 1;
}

function setShares(node: CgroupNode, text: string): void {
  const value = writtenNatural(text);
  if (node.parent === undefined || node.cpu?.idle) refuse("EINVAL");
  cpuState(node).weight = Math.min(262_144, Math.max(2, value));
}

function throttling(node: CgroupNode): string {
  return `nr_periods ${get(node, "periods")}\nnr_throttled ${get(node, "throttled")}\n`;
}

function keptInteger(file: string, initial: string): [string, FileRow<CgroupNode>] {
  return [
    file,
    {
      mode: 0o644,
      text: (node) => `${node.setting(file) ?? initial}\n`,
      write: (node, text) => node.set(file, `${writtenInteger(text)}`),
    },
  ];
}

export const cpuFilesV1: FileTable<CgroupNode> = new Map<string, FileRow<CgroupNode>>([
  [
    "cpu.cfs_burst_us",
    { mode: 0o644, text: (node) => `${get(node, "burstUs")}\n`, write: setBurst },
  ],
  [
    "cpu.cfs_period_us",
    { mode: 0o644, text: (node) => `${get(node, "periodUs")}\n`, write: setPeriod },
  ],
  [
    "cpu.cfs_quota_us",
    {
      mode: 0o644,
      text: (node) => (get(node, "quotaUs") === unlimited ? "-1\n" : `${get(node, "quotaUs")}\n`),
      write: setQuota,
    },
  ],
  ["cpu.idle", idle],
  keptInteger("cpu.rt_period_us", "1000000"),
  keptInteger("cpu.rt_runtime_us", "0"),
  [
    "cpu.shares",
    { mode: 0o644, text: (node) => `${node.cpu?.weight ?? 1024}\n`, write: setShares },
  ],
  [
    "cpu.stat",
    {
      mode: 0o444,
      text: (node) =>
        `${throttling(node)}throttled_time ${Math.round(get(node, "throttledNs"))}\nnr_bursts 0\nburst_time 0\n`,
    },
  ],
  [
    "cpu.stat.local",
    {
      mode: 0o444,
      text: (node) => `throttled_time ${Math.round(get(node, "throttledNs"))}\n`,
    },
  ],
]);

const zeroOnly: FileRow<CgroupNode>["write"] = (node, text) => {
  if (writtenNatural(text) !== 0) refuse("EINVAL");
  node.cpuUsageNs = 0;
};

function usage(mode: number, share: (ns: number) => string): FileRow<CgroupNode> {
  return { mode, text: (node) => share(node.cpuUsageNs) };
}

/** The model has no CPUs to tell apart, and no time in the kernel: all is user time of CPU 0. */
export const cpuacctFiles: FileTable<CgroupNode> = new Map<string, FileRow<CgroupNode>>([
  ["cpuacct.stat", usage(0o444, (ns) => `user ${Math.floor(ns / 1e7)}\nsystem 0\n`)],
  ["cpuacct.usage", { ...usage(0o644, (ns) => `${ns}\n`), write: zeroOnly }],
  ["cpuacct.usage_all", usage(0o444, (ns) => `cpu user system\n0 ${ns} 0\n1 0 0\n`)],
  ["cpuacct.usage_percpu", usage(0o444, (ns) => `${ns} 0 \n`)],
  ["cpuacct.usage_percpu_sys", usage(0o444, () => "0 0 \n")],
  ["cpuacct.usage_percpu_user", usage(0o444, (ns) => `${ns} 0 \n`)],
  ["cpuacct.usage_sys", usage(0o444, () => "0\n")],
  ["cpuacct.usage_user", usage(0o444, (ns) => `${ns}\n`)],
]);

function setMax(node: CgroupNode, text: string): void {
  const [quota = "", period, ...rest] = text.trim().split(/\s+/);
  if (rest.length > 0 || quota === "") refuse("EINVAL");
  const quotaUs = quota === "max" ? unlimited : writtenNatural(quota);
  setBandwidth(
    node,
    quotaUs,
    period === undefined ? get(node, "periodUs") : writtenNatural(period),
  );
}

function quotaText(node: CgroupNode): string {
  const quota = get(node, "quotaUs");
  return `${quota === unlimited ? "max" : quota} ${get(node, "periodUs")}\n`;
}

/** Always there in v2: time is counted without the controller, too. */
export const cpuStatFile: FileRow<CgroupNode> = {
  mode: 0o444,
  text: (node) => {
    const used = Math.floor(node.cpuUsageNs / 1000);
    const base = `usage_usec ${used}\nuser_usec ${used}\nsystem_usec 0\nnice_usec 0\n`;
    if (node.parent === undefined || !node.controllers.includes("cpu")) return base;
    const throttled = Math.floor(get(node, "throttledNs") / 1000);
    return `${base}${throttling(node)}throttled_usec ${throttled}\nnr_bursts 0\nburst_usec 0\n`;
  },
};

/** Not at the root. */
export const cpuFilesV2: FileTable<CgroupNode> = new Map<string, FileRow<CgroupNode>>([
  ["cpu.idle", idle],
  ["cpu.max", { mode: 0o644, text: quotaText, write: setMax }],
  ["cpu.max.burst", { mode: 0o644, text: (node) => `${get(node, "burstUs")}\n`, write: setBurst }],
  [
    "cpu.weight",
    {
      mode: 0o644,
      text: (node) => `${node.cpu?.idle ? 0 : (node.cpu?.weight ?? 100)}\n`,
      write: (node, text) => {
        const weight = writtenWithin(text, 1, 10_000);
        if (node.cpu?.idle) refuse("EINVAL");
        cpuState(node).weight = weight;
      },
    },
  ],
  keptInteger("cpu.weight.nice", "0"),
]);
