/**
 * The JSON form of OTLP traces, as the protocol names it (opentelemetry-proto, "JSON Protobuf Encoding"):
 * ids in hex, 64-bit integers as decimal strings, enums as integers. Everything is optional on the way
 * in (otlp.ts checks it); writers fill what the interfaces below do not mark optional.
 */
export interface OtlpAnyValue {
  readonly stringValue?: string;
  /** Decimal string; some writers send a number. */
  readonly intValue?: string | number;
  readonly doubleValue?: number;
  readonly boolValue?: boolean;
  readonly arrayValue?: { readonly values?: readonly OtlpAnyValue[] };
  readonly kvlistValue?: { readonly values?: readonly OtlpKeyValue[] };
  readonly bytesValue?: string;
}

export interface OtlpKeyValue {
  readonly key: string;
  readonly value: OtlpAnyValue;
}

export interface OtlpSpanEvent {
  readonly timeUnixNano: string;
  readonly name: string;
  readonly attributes?: readonly OtlpKeyValue[];
}

export interface OtlpSpanLink {
  readonly traceId: string;
  readonly spanId: string;
  readonly attributes?: readonly OtlpKeyValue[];
}

/** 0 unset, 1 ok, 2 error. */
export interface OtlpStatus {
  readonly code?: number;
  readonly message?: string;
}

export interface OtlpSpan {
  /** 32 hex digits. */
  readonly traceId: string;
  /** 16 hex digits. */
  readonly spanId: string;
  /** 16 hex digits, or empty or absent for a root. */
  readonly parentSpanId?: string;
  readonly name: string;
  /** 1 internal, 2 server, 3 client, 4 producer, 5 consumer. */
  readonly kind?: number;
  /** Unix nanoseconds. */
  readonly startTimeUnixNano: string;
  /** Unix nanoseconds; absent while the span is open. */
  readonly endTimeUnixNano?: string;
  readonly attributes?: readonly OtlpKeyValue[];
  readonly events?: readonly OtlpSpanEvent[];
  readonly links?: readonly OtlpSpanLink[];
  readonly status?: OtlpStatus;
}

/** One line of a recording. */
export interface OtlpTracesData {
  readonly resourceSpans: readonly {
    readonly resource?: { readonly attributes?: readonly OtlpKeyValue[] };
    readonly scopeSpans: readonly {
      readonly scope?: { readonly name?: string; readonly version?: string };
      readonly spans: readonly OtlpSpan[];
    }[];
    readonly schemaUrl?: string;
  }[];
}
