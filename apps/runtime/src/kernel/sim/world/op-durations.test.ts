/** The table of durations is what a fit to traces/real gives, and the fit is no worse than docs say. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Op } from "../../op.ts";
import { fitDurations, type MeasuredOp, qualityOf } from "./fit-durations.ts";
import { durationNs, fittedMedianNs, fittedUnitNs } from "./op-durations.ts";

const directory = join(import.meta.dirname, "../../../../../../traces/real");

interface OtlpValue {
  readonly stringValue?: string;
  readonly intValue?: string;
  readonly boolValue?: boolean;
  readonly arrayValue?: { readonly values?: readonly OtlpValue[] };
}
interface OtlpSpan {
  readonly name: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly { readonly key: string; readonly value: OtlpValue }[];
}

function plainValue({ stringValue, intValue, boolValue, arrayValue }: OtlpValue): unknown {
  if (intValue !== undefined) return Number(intValue);
  if (arrayValue !== undefined) return (arrayValue.values ?? []).map(plainValue);
  return stringValue ?? boolValue;
}

/** The op of a span as far as the model looks at it: data is there by its length. */
function opOf(span: OtlpSpan): Op {
  const fields: Record<string, unknown> = { op: span.name.slice("op.".length) };
  for (const { key, value } of span.attributes) {
    if (key.startsWith("vitrine.op.")) fields[key.slice("vitrine.op.".length)] = plainValue(value);
  }
  for (const field of ["data", "filter", "program"]) {
    if (typeof fields[field] === "number") fields[field] = { length: fields[field] };
  }
  return fields as unknown as Op;
}

/** Ops that wait for somebody else are no measure of a system call. */
const waiting = new Set(["op.awaitStart", "op.await"]);

function measured(): readonly MeasuredOp[] {
  const files = readdirSync(directory).filter((name) => name.endsWith(".jsonl"));
  const lines = files.flatMap((name) =>
    readFileSync(join(directory, name), "utf8").trim().split("\n"),
  );
  const spans: OtlpSpan[] = lines.flatMap((line) =>
    JSON.parse(line).resourceSpans.flatMap((one: { scopeSpans: { spans: OtlpSpan[] }[] }) =>
      one.scopeSpans.flatMap((scope) => scope.spans),
    ),
  );
  return spans
    .filter(({ name }) => name.startsWith("op.") && !waiting.has(name))
    .map((span) => ({
      op: opOf(span),
      ns: Number(BigInt(span.endTimeUnixNano) - BigInt(span.startTimeUnixNano)),
    }));
}

test("the table is what a fit to the real recordings gives", () => {
  const fit = fitDurations(measured());
  expect(fittedMedianNs).toEqual(fit.medianNs);
  expect(fittedUnitNs).toEqual(fit.unitNs);
});

test("the fit is as good as the docs say", () => {
  const quality = qualityOf(measured(), durationNs);
  console.info(quality);
  expect(quality.ops).toBeGreaterThan(400);
  expect(quality.r2).toBeGreaterThan(0.8);
  expect(quality.medianRelativeError).toBeLessThan(0.3);
});

test("every op takes time, also one that no recording has", () => {
  expect(durationNs({ op: "rename", from: "/a", to: "/b" })).toBeGreaterThan(0);
});
