/** Recordings: ours survive a round trip, anybody's are understood, hostile ones do no harm. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { toldPod } from "./fixture/told-pod.ts";
import { nestsDeeper, parseRecording, serialiseRecording, toTracesData } from "./otlp.ts";

const minimal = (extra: object) => ({
  traceId: "0af7651916cd43dd8448eb211c80319c",
  spanId: "b7ad6b7169203331",
  name: "work",
  startTimeUnixNano: "1000",
  ...extra,
});
const lineOf = (...spans: object[]) =>
  JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans }] }] });

test("what is written is read back the same", () => {
  const spans = toldPod({ failing: true, stopped: true });
  const recording = parseRecording(serialiseRecording(spans));
  expect(recording.problems).toEqual([]);
  expect(recording.spans).toHaveLength(spans.length);
  const written = new Map(spans.map((span) => [span.spanId, span]));
  for (const span of recording.spans) {
    const { resource, ...rest } = span;
    const { resource: before, ...wanted } = written.get(span.spanId) ?? span;
    expect(rest).toEqual(wanted);
    expect(resource.attributes).toEqual(before.attributes);
  }
});

test("one pretty-printed document, an array of documents and lines are the same recording", () => {
  const data = toTracesData(toldPod());
  const forms = [
    JSON.stringify(data),
    JSON.stringify(data, null, 2),
    JSON.stringify([data]),
    `${JSON.stringify([data], null, 1)}\n`,
    `\ufeff${JSON.stringify(data)}\n\n`,
    `${JSON.stringify(data)}\r\n`,
  ];
  const read = forms.map((form) => parseRecording(form).spans);
  for (const spans of read) expect(spans).toEqual(read[0]);
  expect(read[0]?.length).toBeGreaterThan(10);
});

test("other writers' habits are understood", () => {
  const [span] = parseRecording(
    JSON.stringify({
      resource_spans: [
        {
          resource: { attributes: [{ key: "service.name", value: { string_value: "shop" } }] },
          instrumentationLibrarySpans: [
            {
              instrumentationLibrary: { name: "http" },
              spans: [
                {
                  trace_id: "CvdlGRbNQ92ESOshHIAxnA==",
                  span_id: "t61rcWkgMzE=",
                  name: "GET /",
                  kind: "SPAN_KIND_SERVER",
                  start_time_unix_nano: 1_000,
                  end_time_unix_nano: "3000",
                  status: { code: "STATUS_CODE_ERROR", message: "no" },
                  attributes: [
                    { key: "n", value: { intValue: 7 } },
                    { key: "big", value: { intValue: "9007199254740993" } },
                    {
                      key: "list",
                      value: { arrayValue: { values: [{ intValue: "1" }, { intValue: "2" }] } },
                    },
                  ],
                },
              ],
            },
          ],
        },
      ],
    }),
  ).spans;
  expect(span).toMatchObject({
    traceId: "0af7651916cd43dd8448eb211c80319c",
    spanId: "b7ad6b7169203331",
    kind: "server",
    startNs: 1000n,
    endNs: 3000n,
    status: "error",
    statusMessage: "no",
    scope: "http",
  });
  expect(span?.attributes.get("n")).toBe(7);
  expect(span?.attributes.get("big")).toBe("9007199254740993");
  expect(span?.attributes.get("list")).toEqual([1, 2]);
  expect(span?.resource.attributes.get("service.name")).toBe("shop");
});

test("a broken line is named and the others are read", () => {
  const text = [
    lineOf(minimal({})),
    "{broken",
    '{"resourceLogs":[]}',
    lineOf(minimal({ spanId: "01" })),
  ].join("\n");
  const { spans, problems } = parseRecording(text);
  expect(spans).toHaveLength(2);
  expect(problems.map(({ line }) => line)).toEqual([2, 3]);
  expect(problems[0]?.message).toMatch(/^not JSON/);
  expect(problems[1]?.message).toBe("holds resourceLogs, not spans");
});

test("hostile keys stay data", () => {
  const attributes = ["__proto__", "constructor", "toString"].map((key) => ({
    key,
    value: { stringValue: "x" },
  }));
  const { spans } = parseRecording(lineOf(minimal({ attributes })));
  expect([...(spans[0]?.attributes.keys() ?? [])]).toEqual([
    "__proto__",
    "constructor",
    "toString",
  ]);
  const polluted = `{"resourceSpans":[{"scopeSpans":[{"spans":[{"__proto__":{"spanId":"b7ad6b7169203331"},"name":"x"}]}]}]}`;
  expect(parseRecording(polluted).spans).toEqual([]);
  expect(({} as Record<string, unknown>)["spanId"]).toBeUndefined();
});

test("every bound holds", () => {
  const deep = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;
  expect(parseRecording(deep).problems[0]?.message).toBe("nested deeper than 64");
  const many = lineOf(...Array.from({ length: 50 }, (_, n) => minimal({ spanId: `${n + 1}` })));
  expect(parseRecording(many, { spansMax: 10 }).spans).toHaveLength(10);
  expect(parseRecording(many, { lineCharsMax: 100 }).spans).toHaveLength(0);
  expect(parseRecording(many, { charsMax: 100 }).spans).toHaveLength(0);
  const wide = Array.from({ length: 1000 }, (_, n) => ({
    key: `k${n}`,
    value: { boolValue: true },
  }));
  expect(parseRecording(lineOf(minimal({ attributes: wide }))).spans[0]?.attributes.size).toBe(128);
  const long = minimal({ attributes: [{ key: "k", value: { stringValue: "x".repeat(100_000) } }] });
  expect(String(parseRecording(lineOf(long)).spans[0]?.attributes.get("k")).length).toBeLessThan(
    20_000,
  );
});

test("times are clamped and never run backwards", () => {
  const { spans } = parseRecording(
    lineOf(
      minimal({ startTimeUnixNano: "99999999999999999999", endTimeUnixNano: "1" }),
      minimal({ spanId: "02", startTimeUnixNano: "5", endTimeUnixNano: "0" }),
      minimal({ spanId: "03", startTimeUnixNano: -5 }),
      minimal({ spanId: "04", startTimeUnixNano: "1e9" }),
      minimal({ spanId: "05", startTimeUnixNano: null }),
    ),
  );
  expect(spans.map(({ spanId }) => spanId)).toEqual(["02", "b7ad6b7169203331"]);
  expect(spans[0]?.endNs).toBeUndefined();
  expect(spans[1]?.startNs).toBe((1n << 63n) - 1n);
  expect(spans[1]?.endNs).toBe((1n << 63n) - 1n);
});

test("brackets in strings do not nest", () => {
  expect(nestsDeeper('["[[[[[", "\\"[[["]', 1)).toBe(false);
  expect(nestsDeeper("[[]]", 1)).toBe(true);
});

test("nothing that is JSON makes reading throw", () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 6 }), (text) => {
      parseRecording(text);
      parseRecording(`{"resourceSpans":[{"scopeSpans":[{"spans":[${text}]}]}]}`);
      parseRecording(`{"resourceSpans":${text}}`);
    }),
    { numRuns: 300 },
  );
});

test("nothing at all makes reading throw", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      parseRecording(text);
    }),
  );
});
