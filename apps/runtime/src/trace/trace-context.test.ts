import { expect, test } from "vitest";
import { remoteSpan, traceparentOf } from "./trace-context.ts";

const traceId = "0af7651916cd43dd8448eb211c80319c";
const spanId = "b7ad6b7169203331";

test("a traceparent becomes a parent and goes out again", () => {
  const span = remoteSpan(`00-${traceId}-${spanId}-01`, "vendor=1");
  expect(span).toMatchObject({ traceId, spanId, sampled: true, traceState: "vendor=1" });
  expect(span && traceparentOf(span)).toBe(`00-${traceId}-${spanId}-01`);
});

test("of a later version the known part is read", () => {
  expect(remoteSpan(`01-${traceId}-${spanId}-00-more`)).toMatchObject({ traceId, sampled: false });
});

test.each([
  "",
  "00",
  `00-${traceId}-${spanId}`,
  `00-${traceId}-${spanId}-01-more`,
  `ff-${traceId}-${spanId}-01`,
  `00-${"0".repeat(32)}-${spanId}-01`,
  `00-${traceId}-${"0".repeat(16)}-01`,
  `00-${traceId.toUpperCase()}-${spanId}-01`,
  `00-${traceId}-${spanId}-0g`,
])("what is not well formed is ignored: %s", (traceparent) => {
  expect(remoteSpan(traceparent)).toBeUndefined();
});
