/**
 * The recorder: every span of a run as OTLP JSON Lines, as the Collector's file exporter writes them, so
 * that any OTLP tool opens the file. Mode 0600. Writing happens behind the runtime's back; a disk that
 * is full or too slow costs spans of the recording, never time of the runtime.
 */
import { closeSync, constants, fchmodSync, openSync, write, writeSync } from "node:fs";
import { spanToOtlp } from "../trace/otlp-span.ts";
import { attributesToOtlp } from "../trace/otlp-value.ts";
import type { ResourceRecord } from "../trace/span-record.ts";
import { type LiveSpan, type SpanSink, scopeName } from "./live-span.ts";

const flushMs = 250;
/** Spans on one line: the Collector's default batch is larger, but a line should stay readable. */
const lineSpansMax = 512;
/** Spans that may wait for the disk. */
const waitingSpansMax = 50_000;

export const schemaUrl = "https://opentelemetry.io/schemas/1.45.0";

export interface RecorderOptions {
  readonly path: string;
  readonly resource: ResourceRecord;
  readonly version: string;
  /** Told once, when the file cannot be written; recording ends there. */
  readonly failed: (message: string) => void;
}

export class Recorder implements SpanSink {
  readonly #options: RecorderOptions;
  readonly #fd: number;
  readonly #resource: object;
  #waiting: LiveSpan[] = [];
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> | undefined;
  #broken = false;
  /** Spans that were not recorded because the disk was too slow or refused. */
  dropped = 0;

  /** Opens the file for appending; throws what open(2) says. */
  constructor(options: RecorderOptions) {
    this.#options = options;
    const { O_WRONLY, O_APPEND, O_CREAT, O_NOFOLLOW } = constants;
    this.#fd = openSync(options.path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW, 0o600);
    fchmodSync(this.#fd, 0o600);
    this.#resource = { attributes: attributesToOtlp(options.resource.attributes) };
  }

  started(): void {}

  ended(span: LiveSpan): void {
    if (this.#broken || this.#waiting.length >= waitingSpansMax) {
      this.dropped += 1;
      return;
    }
    this.#waiting.push(span);
    this.#timer ??= setTimeout(() => void this.flush(), flushMs);
  }

  /** Writes what waits; resolves when it is with the kernel. */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = undefined;
    });
    return this.#writing;
  }

  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0 && !this.#broken) {
      const line = Buffer.from(this.#line(this.#waiting.splice(0, lineSpansMax)));
      for (let done = 0; done < line.length && !this.#broken; ) {
        done += await this.#write(line.subarray(done));
      }
    }
  }

  #write(bytes: Buffer): Promise<number> {
    return new Promise((resolve) => {
      write(this.#fd, bytes, (error, written) => {
        if (error !== null) this.#fail(error);
        resolve(written ?? 0);
      });
    });
  }

  #fail(error: Error): void {
    this.#broken = true;
    this.dropped += this.#waiting.length;
    this.#waiting = [];
    this.#options.failed(`recording to ${this.#options.path} ended: ${error.message}`);
  }

  #line(spans: readonly LiveSpan[]): string {
    const scope = { name: scopeName, version: this.#options.version };
    const scopeSpans = [{ scope, spans: spans.map(spanToOtlp) }];
    const resourceSpans = [{ resource: this.#resource, scopeSpans, schemaUrl }];
    return `${JSON.stringify({ resourceSpans })}\n`;
  }

  /** The last lines when the process is about to die: written before this returns. */
  flushNow(): void {
    if (this.#broken || this.#waiting.length === 0) return;
    try {
      writeSync(this.#fd, this.#line(this.#waiting.splice(0)));
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  async close(): Promise<void> {
    await this.#writing;
    await this.flush();
    closeSync(this.#fd);
  }
}
