/**
 * An op as span attributes `vitrine.op.<field>`, with field names as in the Op union.
 *
 * Spans leave the machine, so what may be secret or big stays behind: of the environment the names, of
 * file contents the number of bytes, of BPF programs the number of instructions.
 */
import type { Attributes, AttributeValue } from "../trace/tracer.ts";
import type { IdMapping, Op } from "./op.ts";
import { envNames } from "./plan-text.ts";

const prefix = "vitrine.op.";
const instructionBytes = 8;

function mappingText({ containerId, hostId, size }: IdMapping): string {
  return `${containerId}:${hostId}:${size}`;
}

/** One field's value as an attribute may hold it; undefined leaves it out. */
function told(op: Op, field: string, value: unknown): AttributeValue | undefined {
  if (op.op === "execve" && field === "env") return envNames(op.env);
  if (op.op === "idMap" && field === "uid") return op.uid.map(mappingText);
  if (op.op === "idMap" && field === "gid") return op.gid.map(mappingText);
  if (op.op === "fsmount" && field === "options") {
    return op.options.map(([key, text]) => (text === "" ? key : `${key}=${text}`));
  }
  if (value instanceof Uint8Array) {
    const isProgram = field === "filter" || field === "program";
    return isProgram ? Math.floor(value.length / instructionBytes) : value.length;
  }
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") {
    return value;
  }
  if (Array.isArray(value)) {
    const numbers = value.every((one) => typeof one === "number");
    return numbers ? [...(value as number[])] : value.map(String);
  }
  return undefined;
}

/** Attribute names by field: there are few fields, and very many ops. */
const keys = new Map<string, string>();

function keyOf(field: string): string {
  let key = keys.get(field);
  if (key === undefined) {
    key = prefix + field;
    keys.set(field, key);
  }
  return key;
}

/** Puts the fields of `op` into `attributes`. */
export function addOpAttributes(attributes: Record<string, AttributeValue>, op: Op): void {
  for (const field in op) {
    if (field === "op") continue;
    const attribute = told(op, field, op[field as keyof Op]);
    if (attribute !== undefined) attributes[keyOf(field)] = attribute;
  }
}

/** The fields of `op` as attributes; its name is that of the span and is left out. */
export function opAttributes(op: Op): Attributes {
  const attributes: Record<string, AttributeValue> = {};
  addOpAttributes(attributes, op);
  return attributes;
}
