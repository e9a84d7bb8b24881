/**
 * Bytes to messages and back, by the .proto files and as the generated types of api/ describe them:
 * camelCase, complete when decoded, drafts when encoded. protobufjs does the wire format; the
 * difference to its own objects (null, Long, enum numbers, lossy defaults) is made here.
 */
import { fileURLToPath } from "node:url";
import protobuf from "protobufjs";
import { fieldName } from "../api/field-name.ts";
import { messageOf, RuntimeError } from "../kernel/errors.ts";

type Plain = Record<string, unknown>;

/** One field, looked up once: the message loops below run for every call. */
interface FieldPlan {
  readonly name: string;
  readonly wireName: string;
  readonly kind: "scalar" | "list" | "map";
  readonly default: unknown;
  readonly fromWire: (value: unknown) => unknown;
  readonly toWire: (value: unknown) => unknown;
}

const integerTypes = new Set(["int64", "uint64", "sint64", "fixed64", "sfixed64"]);

/**
 * The largest 64-bit integers, as protobufjs takes them. A JavaScript number rounds them up to one
 * more than fits (2^63, 2^64), which would come out on the wire as the smallest ones.
 */
const int64Max = { low: -1, high: 0x7fff_ffff, unsigned: false };
const uint64Max = { low: -1, high: -1, unsigned: true };

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * protobufjs reads strings leniently: cut short when the message ends early, replaced where they are
 * no UTF-8. Both are errors here, as in the protocol buffers of Go that every other peer uses.
 */
class StrictReader extends protobuf.Reader {
  override string(): string {
    return strictUtf8.decode(this.bytes());
  }
}

const fieldPlans = new WeakMap<protobuf.Type, readonly FieldPlan[]>();

function identity(value: unknown): unknown {
  return value;
}

/** protobufjs decodes 64-bit integers as Long objects. */
function toNumber(value: unknown): unknown {
  return typeof value === "object" ? (value as { toNumber(): number }).toNumber() : value;
}

function toInt64(value: unknown): unknown {
  return typeof value === "number" && value >= 2 ** 63 ? int64Max : value;
}

function toUint64(value: unknown): unknown {
  return typeof value === "number" && value >= 2 ** 64 ? uint64Max : value;
}

function enumConversion(type: protobuf.Enum): Pick<FieldPlan, "fromWire" | "toWire"> {
  return {
    fromWire(value) {
      const name = type.valuesById[value as number];
      if (name !== undefined) return name;
      throw new RuntimeError("INVALID_ARGUMENT", `${type.name} has no value ${value}`);
    },
    toWire(value) {
      const number = type.values[value as string];
      if (number !== undefined) return number;
      throw new RuntimeError("INTERNAL", `${type.name} has no value ${JSON.stringify(value)}`);
    },
  };
}

function conversion(field: protobuf.Field): Pick<FieldPlan, "fromWire" | "toWire"> {
  const resolved = field.resolvedType;
  if (resolved instanceof protobuf.Enum) return enumConversion(resolved);
  if (resolved instanceof protobuf.Type) {
    return {
      fromWire: (value) => toPlain(resolved, value as Plain),
      toWire: (value) => toMessage(resolved, value as Plain),
    };
  }
  if (field.type === "bytes") {
    return {
      fromWire: (value) => new Uint8Array(value as Uint8Array),
      toWire: identity,
    };
  }
  if (!integerTypes.has(field.type)) return { fromWire: identity, toWire: identity };
  const unsigned = field.type === "uint64" || field.type === "fixed64";
  return { fromWire: toNumber, toWire: unsigned ? toUint64 : toInt64 };
}

function scalarDefault(field: protobuf.Field): unknown {
  if (field.resolvedType instanceof protobuf.Enum) return field.resolvedType.valuesById[0];
  if (field.resolvedType !== null) return undefined;
  if (field.type === "string") return "";
  if (field.type === "bool") return false;
  return field.type === "bytes" ? new Uint8Array(0) : 0;
}

function plansOf(type: protobuf.Type): readonly FieldPlan[] {
  const known = fieldPlans.get(type);
  if (known !== undefined) return known;
  const plans = type.fieldsArray.map((field): FieldPlan => {
    field.resolve();
    return {
      name: fieldName(field.name),
      wireName: field.name,
      kind: field.map ? "map" : field.repeated ? "list" : "scalar",
      default: scalarDefault(field),
      ...conversion(field),
    };
  });
  fieldPlans.set(type, plans);
  return plans;
}

/** Copies a map; a key named __proto__ stays an ordinary key. */
function copyMap(source: object, convert: (value: unknown) => unknown): Plain {
  const copy: Plain = {};
  for (const [key, value] of Object.entries(source)) {
    const converted = convert(value);
    if (key !== "__proto__") copy[key] = converted;
    else
      Object.defineProperty(copy, key, {
        value: converted,
        enumerable: true,
        writable: true,
        configurable: true,
      });
  }
  return copy;
}

function toPlain(type: protobuf.Type, message: Plain): Plain {
  const plain: Plain = {};
  for (const field of plansOf(type)) {
    const present = Object.hasOwn(message, field.wireName);
    const value = present ? message[field.wireName] : undefined;
    if (field.kind === "list") {
      plain[field.name] = present ? (value as unknown[]).map(field.fromWire) : [];
    } else if (field.kind === "map") {
      plain[field.name] = present ? copyMap(value as object, field.fromWire) : {};
    } else if (present && value !== null) {
      plain[field.name] = field.fromWire(value);
    } else if (field.default !== undefined) {
      plain[field.name] = field.default;
    }
  }
  return plain;
}

function toMessage(type: protobuf.Type, draft: Plain): Plain {
  const message: Plain = {};
  for (const field of plansOf(type)) {
    const value = draft[field.name];
    if (value === undefined || value === null || value === field.default) continue;
    if (field.kind === "list") message[field.wireName] = (value as unknown[]).map(field.toWire);
    else if (field.kind === "map") message[field.wireName] = copyMap(value as object, field.toWire);
    else message[field.wireName] = field.toWire(value);
  }
  return message;
}

/** Encodes and decodes one message type. */
export class Codec {
  readonly #type: protobuf.Type;

  constructor(type: protobuf.Type) {
    this.#type = type;
  }

  /** The complete message; INVALID_ARGUMENT when the bytes are none, or name an enum value that is unknown. */
  decode(bytes: Uint8Array): unknown {
    let message: Plain;
    try {
      message = this.#type.decode(new StrictReader(bytes)) as unknown as Plain;
    } catch (error) {
      throw new RuntimeError(
        "INVALID_ARGUMENT",
        `the bytes received are no ${this.#type.name}: ${messageOf(error)}`,
      );
    }
    return toPlain(this.#type, message);
  }

  /** Bytes of a draft; defaults are left out, as canonical proto3 does. */
  encode(draft: object): Buffer {
    const message = toMessage(this.#type, draft as Plain);
    return Buffer.from(this.#type.encode(message as never).finish());
  }
}

const protoDirectory = fileURLToPath(new URL("../../../../proto/", import.meta.url));

/** Reads a .proto file of proto/ with what it imports. */
export function loadProto(file: string): protobuf.Root {
  const root = new protobuf.Root();
  root.loadSync(`${protoDirectory}${file}`, { keepCase: true });
  root.resolveAll();
  return root;
}
