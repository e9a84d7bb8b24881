/**
 * A trace stream for tests of the page: the daemon's own ring and socket, told by the test what happens.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LiveSpan } from "../../apps/runtime/src/telemetry/live-span.ts";
import { TraceRing } from "../../apps/runtime/src/telemetry/trace-ring.ts";
import { TraceServer } from "../../apps/runtime/src/telemetry/trace-socket.ts";
import { toldResource } from "../../apps/runtime/src/trace/fixture/told-pod.ts";
import type { ResourceRecord, SpanRecord } from "../../apps/runtime/src/trace/span-record.ts";

interface Moment {
  readonly at: bigint;
  readonly order: number;
  readonly span: SpanRecord;
}

/** Starts and ends of spans in the order in which they happened. */
export function momentsOf(spans: readonly SpanRecord[]): SpanRecord[] {
  const starts = spans.map((span, order): Moment => {
    const open = { ...span, endNs: undefined, status: "unset" as const, statusMessage: "" };
    return { at: span.startNs, order, span: open };
  });
  const ends = spans.map((span, index): Moment => {
    return { at: span.endNs ?? span.startNs, order: spans.length * 2 - index, span };
  });
  return [...starts, ...ends]
    .sort((a, b) => (a.at === b.at ? a.order - b.order : a.at < b.at ? -1 : 1))
    .map((moment) => moment.span);
}

export class TraceFeed {
  readonly path: string;
  readonly #directory: string;
  readonly #capacity: number;
  #ring: TraceRing;
  #server: TraceServer | undefined;

  constructor(capacity = 50_000) {
    this.#directory = mkdtempSync(join(tmpdir(), "vt-feed-"));
    this.path = join(this.#directory, "trace.sock");
    this.#capacity = capacity;
    this.#ring = new TraceRing(capacity);
  }

  /** Starts a session: a daemon that has just begun. */
  async listen(
    resource: ResourceRecord = toldResource,
    session = `session-${Date.now()}`,
  ): Promise<void> {
    this.#ring = new TraceRing(this.#capacity);
    const server = new TraceServer({
      ring: this.#ring,
      resource,
      session,
      nowNs: () => BigInt(Date.now()) * 1_000_000n,
    });
    this.#server = server;
    await new Promise<void>((resolve) => server.server.listen(this.path, resolve));
  }

  /** Ends the session: the daemon is gone. */
  hangUp(): void {
    this.#server?.close();
    this.#server = undefined;
    rmSync(this.path, { force: true });
  }

  /** Says that a span began, or, when it has an end, that it ended. */
  tell(...spans: readonly SpanRecord[]): void {
    for (const span of spans) {
      // The ring reads what a SpanRecord has; a LiveSpan is one.
      if (span.endNs === undefined) this.#ring.started(span as LiveSpan);
      else this.#ring.ended(span as LiveSpan);
    }
  }

  close(): void {
    this.hangUp();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
