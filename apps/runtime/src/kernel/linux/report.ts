/** Reads the executor's records (native/include/report.h). */
import { KernelError } from "../errors.ts";
import type { OpReport } from "../plan.ts";
import { processNames } from "./wire-numbers.ts";

export { failureOf } from "../plan-failure.ts";

const headerBytes = 32;
/** Longest record, bytes; room for one an op is room for all. */
export const reportBytesMax = 512;
const kinds = new Map([
  [1, "op"],
  [2, "ready"],
  [3, "exec"],
] as const);
const flagIgnored = 1;
/** `index` of a record that concerns no op: the executor refused the whole Plan. */
export const noIndex = 0xffff;

const text = new TextDecoder();

export interface ReportRecord extends OpReport {
  /** `ready` is what `awaitStart` says before it blocks, `exec` what `execve` says before it is tried. */
  readonly kind: "op" | "ready" | "exec";
}

function brokenReport(detail: string): KernelError {
  return new KernelError({
    errno: "EBADMSG",
    op: "library",
    detail,
    message: `report of the executor is broken: ${detail}`,
  });
}

/**
 * Every complete record in `bytes` and the number of bytes they take; a record cut at the end is left
 * for the next call. Throws KernelError EBADMSG for anything that is no record.
 */
export function decodeRecords(bytes: Uint8Array): {
  readonly records: readonly ReportRecord[];
  readonly consumed: number;
} {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const records: ReportRecord[] = [];
  let at = 0;
  while (bytes.length - at >= headerBytes) {
    const length = view.getUint16(at, true);
    if (length < headerBytes || length > reportBytesMax) throw brokenReport(`length ${length}`);
    if (bytes.length - at < length) break;
    const kind = kinds.get(view.getUint8(at + 2) as 1 | 2 | 3);
    if (kind === undefined) throw brokenReport(`kind ${view.getUint8(at + 2)}`);
    const process = processNames[view.getUint8(at + 3)];
    if (process === undefined) throw brokenReport(`process ${view.getUint8(at + 3)}`);
    const index = view.getUint16(at + 4, true);
    records.push({
      kind,
      process,
      index: index === noIndex ? -1 : index,
      ignored: (view.getUint16(at + 6, true) & flagIgnored) !== 0,
      errno: view.getInt32(at + 8, true),
      result: view.getInt32(at + 12, true),
      startNs: view.getBigUint64(at + 16, true),
      endNs: view.getBigUint64(at + 24, true),
      detail: text.decode(bytes.subarray(at + headerBytes, at + length)),
    });
    at += length;
  }
  return { records, consumed: at };
}

function withoutKind({ kind: _kind, ...report }: ReportRecord): OpReport {
  return report;
}

/** The op reports among `records`: what `awaitStart` and `execve` announce beforehand is left out. */
export function opReports(records: readonly ReportRecord[]): OpReport[] {
  return records.filter(({ kind }) => kind === "op").map(withoutKind);
}

/**
 * The op reports in `bytes`, which must hold whole records only. Throws KernelError EBADMSG for
 * anything else.
 */
export function decodeReports(bytes: Uint8Array): OpReport[] {
  const { records, consumed } = decodeRecords(bytes);
  if (consumed !== bytes.length) throw brokenReport("cut at the end");
  return opReports(records);
}

/**
 * The report of the execve that an `exec` record announced and that succeeded: a program that runs
 * cannot report, so its success is the end of file of the report pipe, at `endNs` (CLOCK_MONOTONIC).
 * Undefined when no execve was announced, or when it failed.
 */
export function execReport(records: readonly ReportRecord[], endNs: bigint): OpReport | undefined {
  const announced = records.find(({ kind }) => kind === "exec");
  if (announced === undefined) return undefined;
  const failed = records.some(({ kind, index }) => kind === "op" && index === announced.index);
  return failed ? undefined : { ...withoutKind(announced), endNs };
}
