/** Control files of io, blkio, hugetlb, rdma and misc: kept and shown; the model has no block I/O to limit. */
import type { FileRow, FileTable } from "../fs/pseudo-entry.ts";
import { refuse } from "../refusal.ts";
import type { CgroupNode } from "./hierarchy.ts";
import { sizeText, writtenNatural, writtenSize, writtenWithin } from "./written-value.ts";

type Row = [string, FileRow<CgroupNode>];

/** Block devices of the machine, as "major:minor". */
export const blockDevices: ReadonlySet<string> = new Set(["254:0"]);

function statistics(file: string): Row {
  return [file, { mode: 0o444, text: () => "Total 0\n" }];
}

function device(word: string | undefined): string {
  if (word === undefined || !/^[0-9]+:[0-9]+$/.test(word)) return refuse("EINVAL");
  return blockDevices.has(word) ? word : refuse("ENODEV");
}

/** "254:0 1048576"; 0 takes the limit away. */
function throttle(file: string): Row {
  return [
    file,
    {
      mode: 0o644,
      text: (node) => node.setting(file) ?? "",
      write: (node, text) => {
        const [which, value, ...rest] = text.trim().split(/\s+/);
        if (value === undefined || rest.length > 0) refuse("EINVAL");
        const rate = writtenNatural(value);
        const one = device(which);
        node.set(file, rate === 0 ? "" : `${one} ${rate}\n`);
      },
    },
  ];
}

function weight(file: string, initial: string, show: (value: string) => string): Row {
  return [
    file,
    {
      mode: 0o644,
      text: (node) => show(node.setting(file) ?? initial),
      write: (node, text) => {
        const words = text.trim().split(/\s+/);
        const value = words.length === 2 && words[0] === "default" ? words[1] : words[0];
        if (words.length > 2) refuse("EINVAL");
        node.set(file, `${writtenWithin(value ?? "", 1, file.startsWith("io.w") ? 10_000 : 1000)}`);
      },
    },
  ];
}

export const blkioRootFiles: FileTable<CgroupNode> = new Map([
  statistics("blkio.bfq.io_service_bytes"),
  statistics("blkio.bfq.io_service_bytes_recursive"),
  statistics("blkio.bfq.io_serviced"),
  statistics("blkio.bfq.io_serviced_recursive"),
  ["blkio.reset_stats", { mode: 0o200, write: () => {} }] as Row,
  statistics("blkio.throttle.io_service_bytes"),
  statistics("blkio.throttle.io_service_bytes_recursive"),
  statistics("blkio.throttle.io_serviced"),
  statistics("blkio.throttle.io_serviced_recursive"),
  throttle("blkio.throttle.read_bps_device"),
  throttle("blkio.throttle.read_iops_device"),
  throttle("blkio.throttle.write_bps_device"),
  throttle("blkio.throttle.write_iops_device"),
]);

export const blkioFiles: FileTable<CgroupNode> = new Map([
  ...blkioRootFiles,
  weight("blkio.bfq.weight", "100", (value) => `${value}\n`),
]);

const ioLimits = ["rbps", "wbps", "riops", "wiops"];

/** "254:0 rbps=1048576 wiops=max". */
function setIoMax(node: CgroupNode, text: string): void {
  const [which, ...pairs] = text.trim().split(/\s+/);
  const one = device(which);
  const before = node.setting("io.max")?.trim().split(" ").slice(1) ?? [];
  const limits = new Map(before.map((pair) => pair.split("=") as [string, string]));
  for (const pair of pairs) {
    const [key = "", value = "", ...rest] = pair.split("=");
    if (!ioLimits.includes(key) || rest.length > 0) refuse("EINVAL");
    if (value !== "max" && writtenNatural(value) === 0) refuse("EINVAL");
    limits.set(key, value);
  }
  const set = ioLimits.map((key) => limits.get(key) ?? "max");
  const free = set.every((value) => value === "max");
  node.set(
    "io.max",
    free ? "" : `${one} ${ioLimits.map((key, at) => `${key}=${set[at]}`).join(" ")}\n`,
  );
}

export const ioFilesV2: FileTable<CgroupNode> = new Map<string, FileRow<CgroupNode>>([
  ["io.max", { mode: 0o644, text: (node) => node.setting("io.max") ?? "", write: setIoMax }],
  ["io.stat", { mode: 0o444, text: () => "" }],
  weight("io.weight", "100", (value) => `default ${value}\n`),
]);

export const ioRootFilesV2: FileTable<CgroupNode> = new Map([
  ["io.stat", { mode: 0o444, text: () => "" }],
]);

function hugetlbSize(size: string): readonly Row[] {
  const limit = (file: string): Row => [
    file,
    {
      mode: 0o644,
      text: (node) => node.setting(file) ?? "max\n",
      write: (node, text) => node.set(file, sizeText(writtenSize(text, "max"), 2)),
    },
  ];
  const fixed = (file: string, text: string): Row => [file, { mode: 0o444, text: () => text }];
  return [
    fixed(`hugetlb.${size}.current`, "0\n"),
    fixed(`hugetlb.${size}.events`, "max 0\n"),
    fixed(`hugetlb.${size}.events.local`, "max 0\n"),
    limit(`hugetlb.${size}.max`),
    fixed(`hugetlb.${size}.rsvd.current`, "0\n"),
    limit(`hugetlb.${size}.rsvd.max`),
  ];
}

export const hugetlbFilesV2: FileTable<CgroupNode> = new Map([
  ...hugetlbSize("2MB"),
  ...hugetlbSize("1GB"),
]);
