// Generated from proto/value.proto by scripts/gen.ts; do not edit.

export interface Int64Value {
  readonly value: number;
}

export interface UInt64Value {
  readonly value: number;
}

/** An environment variable. The value is bytes, because Linux does not promise UTF-8 there. */
export interface KeyValue {
  readonly key: string;
  readonly value: Uint8Array;
}
