/** Attributes between OTLP JSON and ours, both ways; input may be anything at all. */
import type { OtlpAnyValue, OtlpKeyValue } from "./otlp-json.ts";
import type { AttributeMap } from "./span-record.ts";
import type { Attributes, AttributeValue } from "./tracer.ts";

/** A span has at most this many attributes; more are dropped. */
export const attributesMax = 128;
/** Longest string kept of an attribute, in UTF-16 units. */
export const attributeCharsMax = 16_384;
const arrayMax = 1_024;

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The own property of an object read from JSON; inherited ones do not count. */
export function own(value: Record<string, unknown>, ...names: readonly string[]): unknown {
  for (const name of names) if (Object.hasOwn(value, name)) return value[name];
  return undefined;
}

export function boundedString(value: unknown, max = attributeCharsMax): string {
  if (typeof value !== "string") return "";
  return value.length > max ? `${value.slice(0, max)}…` : value;
}

function integer(value: unknown): number | string | undefined {
  if (typeof value === "number" && Number.isFinite(value)) return value;
  if (typeof value !== "string" || !/^[+-]?\d{1,20}$/.test(value)) return undefined;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function scalar(value: unknown): string | number | boolean | undefined {
  if (!isObject(value)) return undefined;
  const text = own(value, "stringValue", "string_value");
  if (typeof text === "string") return boundedString(text);
  const flag = own(value, "boolValue", "bool_value");
  if (typeof flag === "boolean") return flag;
  const int = integer(own(value, "intValue", "int_value"));
  if (int !== undefined) return int;
  const double = own(value, "doubleValue", "double_value");
  if (typeof double === "number" && Number.isFinite(double)) return double;
  const bytes = own(value, "bytesValue", "bytes_value");
  return typeof bytes === "string" ? boundedString(bytes) : undefined;
}

/** The value of one attribute; undefined when nothing of it can be used. */
export function valueFromOtlp(value: unknown): AttributeValue | undefined {
  if (!isObject(value)) return undefined;
  const array = own(value, "arrayValue", "array_value");
  if (isObject(array)) {
    const values = own(array, "values");
    const list = Array.isArray(values) ? values.slice(0, arrayMax).map(scalar) : [];
    if (list.length > 0 && list.every((item) => typeof item === "number")) return list as number[];
    return list.filter((item) => item !== undefined).map(String);
  }
  const nested = own(value, "kvlistValue", "kvlist_value");
  // Nested maps are rare and only shown: their JSON text says everything.
  if (isObject(nested)) return boundedString(JSON.stringify(nested));
  return scalar(value);
}

/** Attributes of an OTLP list. Of a repeated key the last value counts. */
export function attributesFromOtlp(list: unknown): AttributeMap {
  const attributes = new Map<string, AttributeValue>();
  if (!Array.isArray(list)) return attributes;
  for (const item of list.slice(0, attributesMax)) {
    if (!isObject(item)) continue;
    const key = boundedString(own(item, "key"), 256);
    const value = valueFromOtlp(own(item, "value"));
    if (key !== "" && value !== undefined) attributes.set(key, value);
  }
  return attributes;
}

function valueToOtlp(value: AttributeValue): OtlpAnyValue {
  if (typeof value === "string") return { stringValue: value };
  if (typeof value === "boolean") return { boolValue: value };
  if (typeof value === "number") {
    return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value };
  }
  return { arrayValue: { values: value.map((item) => valueToOtlp(item)) } };
}

/** Attributes as an OTLP list; undefined values are left out. */
export function attributesToOtlp(attributes: AttributeMap | Attributes): OtlpKeyValue[] {
  const entries: Iterable<[string, AttributeValue | undefined]> =
    attributes instanceof Map
      ? (attributes as AttributeMap).entries()
      : Object.entries(attributes as Attributes);
  const list: OtlpKeyValue[] = [];
  for (const [key, value] of entries) {
    if (value !== undefined) list.push({ key, value: valueToOtlp(value) });
  }
  return list;
}
