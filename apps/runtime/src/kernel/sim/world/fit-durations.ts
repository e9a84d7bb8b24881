/** Fits the model of op-durations.ts to ops that were measured, and says how well it fits. */
import type { Op } from "../../op.ts";
import { durationKind, durationUnits } from "./op-durations.ts";

export interface MeasuredOp {
  readonly op: Op;
  readonly ns: number;
}

export interface DurationFit {
  /** By kind. */
  readonly medianNs: Readonly<Record<string, number>>;
  /** By kind, of those whose work grows with their data. */
  readonly unitNs: Readonly<Record<string, number>>;
}

export interface FitQuality {
  readonly ops: number;
  readonly kinds: number;
  /** Of the logarithms: durations spread over five orders of magnitude. */
  readonly r2: number;
  readonly medianRelativeError: number;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length % 2 === 1) return sorted[middle] as number;
  return ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}

/** Theil and Sen's slope: the median of all pairs' slopes, which a few slow ops do not move. */
function slope(points: readonly (readonly [x: number, y: number])[]): number {
  const slopes: number[] = [];
  for (const [index, [x, y]] of points.entries()) {
    for (const [x2, y2] of points.slice(index + 1)) {
      if (x2 !== x) slopes.push((y2 - y) / (x2 - x));
    }
  }
  return slopes.length === 0 ? 0 : Math.max(0, median(slopes));
}

export function fitDurations(measured: readonly MeasuredOp[]): DurationFit {
  const kinds = new Map<string, (readonly [units: number, ns: number])[]>();
  for (const { op, ns } of measured) {
    const points = kinds.get(durationKind(op)) ?? [];
    kinds.set(durationKind(op), [...points, [durationUnits(op), ns]]);
  }
  const medianNs: Record<string, number> = {};
  const unitNs: Record<string, number> = {};
  for (const kind of [...kinds.keys()].sort()) {
    const points = kinds.get(kind) ?? [];
    // Fewer would fit a line through noise.
    const perUnit =
      new Set(points.map(([units]) => units)).size < 4 ? 0 : Math.round(slope(points));
    if (perUnit > 0) unitNs[kind] = perUnit;
    const rest = points.map(([units, ns]) => ns - perUnit * units);
    medianNs[kind] = Math.max(0, Math.round(median(rest)));
  }
  return { medianNs, unitNs };
}

/** How near `predict` comes to what was measured. */
export function qualityOf(
  measured: readonly MeasuredOp[],
  predict: (op: Op) => number,
): FitQuality {
  const pairs = measured.map(({ op, ns }) => [Math.log(ns), Math.log(Math.max(1, predict(op)))]);
  const mean = pairs.reduce((sum, [real = 0]) => sum + real, 0) / pairs.length;
  const total = pairs.reduce((sum, [real = 0]) => sum + (real - mean) ** 2, 0);
  const left = pairs.reduce((sum, [real = 0, said = 0]) => sum + (real - said) ** 2, 0);
  return {
    ops: measured.length,
    kinds: new Set(measured.map(({ op }) => durationKind(op))).size,
    r2: 1 - left / total,
    medianRelativeError: median(measured.map(({ op, ns }) => Math.abs(predict(op) - ns) / ns)),
  };
}
