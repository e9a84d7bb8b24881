/**
 * The CRI log of a container, as native/shim/log.c writes it: one record a line, stamp, stream and tag, in the
 * model's file system. "2026-01-01T00:00:01.000000000Z stdout F text"; P marks a piece of a longer line.
 */
import {
  AT_FDCWD,
  O_APPEND,
  O_CLOEXEC,
  O_CREAT,
  O_DIRECTORY,
  O_NOCTTY,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_PATH,
  O_WRONLY,
} from "../abi.ts";
import type { Process } from "../process/process.ts";
import { isRefusal, refuse } from "../refusal.ts";
import { close, fstat, ftruncate, mkdirat, openat2, writeNow } from "../syscall/file.ts";

export type LogStream = "stdout" | "stderr";

const fileMode = 0o640;
const directoryMode = 0o755;
const lineDefault = 16 << 10;
const nameMax = 255;
const newline = 10;
const carriageReturn = 13;

const encoder = new TextEncoder();
const empty: Uint8Array = new Uint8Array();

function digits(number: number, count: number): string {
  return String(number).padStart(count, "0");
}

/** Days since 1970 to a civil date: the proleptic Gregorian calendar with years beginning in March. */
function civilDate(days: number): string {
  const shifted = days + 719468;
  const era = Math.floor(shifted / 146097);
  const ofEra = shifted - era * 146097;
  const years = Math.floor(
    (ofEra - Math.floor(ofEra / 1460) + Math.floor(ofEra / 36524) - Math.floor(ofEra / 146096)) /
      365,
  );
  const ofYear = ofEra - (365 * years + Math.floor(years / 4) - Math.floor(years / 100));
  const fromMarch = Math.floor((5 * ofYear + 2) / 153);
  const day = ofYear - Math.floor((153 * fromMarch + 2) / 5) + 1;
  const month = fromMarch < 10 ? fromMarch + 3 : fromMarch - 9;
  const year = years + era * 400 + (month <= 2 ? 1 : 0);
  return `${digits(year, 4)}-${digits(month, 2)}-${digits(day, 2)}`;
}

/** RFC 3339 with nine digits of a second. */
export function stampOf(unixNs: bigint): string {
  const seconds = Number(unixNs / 1_000_000_000n);
  const ofDay = seconds % 86400;
  const hour = digits(Math.floor(ofDay / 3600), 2);
  const minute = digits(Math.floor(ofDay / 60) % 60, 2);
  const second = `${digits(ofDay % 60, 2)}.${digits(Number(unixNs % 1_000_000_000n), 9)}`;
  return `${civilDate(Math.floor(seconds / 86400))}T${hour}:${minute}:${second}Z`;
}

/** Walks to the directory one component at a time, through no symlink, making what is missing. */
function openDirectory(shim: Process, components: readonly string[]): number {
  const flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  let directory = openat2(shim, AT_FDCWD, "/", { flags: O_PATH | O_DIRECTORY | O_CLOEXEC });
  for (const component of components) {
    try {
      if (component.length > nameMax) refuse("ENAMETOOLONG");
      directory = enter(shim, directory, component, flags);
    } catch (thrown) {
      close(shim, directory);
      throw thrown;
    }
  }
  return directory;
}

function enter(shim: Process, directory: number, name: string, flags: number): number {
  let next: number;
  try {
    next = openat2(shim, directory, name, { flags });
  } catch (thrown) {
    if (!isRefusal(thrown, "ENOENT")) throw thrown;
    mkdirat(shim, directory, name, directoryMode);
    next = openat2(shim, directory, name, { flags });
  }
  close(shim, directory);
  return next;
}

/** The file itself: a regular one with a single name, whatever somebody may have planted. */
function openFile(shim: Process, directory: number, name: string): number {
  const flags = O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
  const fd = openat2(shim, directory, name, { flags, mode: fileMode });
  const { type, nlink } = fstat(shim, fd);
  if (type === "file" && nlink === 1) return fd;
  close(shim, fd);
  return refuse(type === "file" ? "EMLINK" : "EINVAL");
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  if (a.length === 0) return b;
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

export class CriLog {
  readonly #shim: Process;
  readonly #lineMax: number;
  readonly #name: string;
  #directory = -1;
  #fd = -1;
  readonly #begun: Record<LogStream, Uint8Array> = { stdout: empty, stderr: empty };
  /** Bytes that the disk did not take. */
  lost = 0;

  /** Opens the log; without a path output is dropped. Throws the Refusal that says why it cannot be. */
  constructor(shim: Process, path: string | undefined, lineMax: number) {
    this.#shim = shim;
    this.#lineMax = lineMax === 0 ? lineDefault : lineMax;
    const components = (path ?? "").split("/").filter((component) => component !== "");
    this.#name = components.pop() ?? "";
    if (path === undefined || path === "") return;
    this.#directory = openDirectory(shim, components);
    try {
      this.#fd = openFile(shim, this.#directory, this.#name);
    } catch (thrown) {
      this.close();
      throw thrown;
    }
  }

  /** The file of the same name anew, after somebody renamed the old one (log rotation). */
  reopen(): void {
    if (this.#directory < 0) return;
    const fd = openFile(this.#shim, this.#directory, this.#name);
    close(this.#shim, this.#fd);
    this.#fd = fd;
  }

  close(): void {
    for (const fd of [this.#fd, this.#directory]) if (fd >= 0) close(this.#shim, fd);
    this.#fd = -1;
    this.#directory = -1;
  }

  write(stream: LogStream, output: Uint8Array): void {
    if (this.#fd < 0) return;
    const records: Uint8Array[] = [];
    let data = output;
    let begun = this.#begun[stream];
    const prefix = `${stampOf(this.#shim.machine.unixNs())} ${stream} `;
    const emit = (tag: "F" | "P", line: Uint8Array) => {
      records.push(encoder.encode(`${prefix}${tag} `), line, lineEnd);
    };
    while (data.length > 0) {
      const end = data.indexOf(newline);
      const line = end < 0 ? data.length : end;
      if (begun.length + line > this.#lineMax) {
        const piece = this.#lineMax - begun.length;
        emit("P", joined(begun, data.subarray(0, piece)));
        begun = empty;
        data = data.subarray(piece);
        continue;
      }
      begun = joined(begun, data.subarray(0, line));
      if (end < 0) {
        // Kept beyond this call, and the buffer it came in is somebody else's.
        begun = begun.slice();
        break;
      }
      // A carriage return before the newline is not part of the line.
      const shown = begun.at(-1) === carriageReturn ? begun.subarray(0, -1) : begun;
      emit("F", shown);
      begun = empty;
      data = data.subarray(end + 1);
    }
    this.#begun[stream] = begun;
    this.#flush(records);
  }

  /** The stream has ended: what is left of a line without end is written as a piece. */
  end(stream: LogStream): void {
    const begun = this.#begun[stream];
    this.#begun[stream] = empty;
    if (this.#fd < 0 || begun.length === 0) return;
    const prefix = `${stampOf(this.#shim.machine.unixNs())} ${stream} P `;
    this.#flush([encoder.encode(prefix), begun, lineEnd]);
  }

  /** Whole records only: what the disk took of a cut one is taken back, and the rest is counted as lost. */
  #flush(parts: readonly Uint8Array[]): void {
    let length = 0;
    for (const part of parts) length += part.length;
    if (length === 0) return;
    const data = new Uint8Array(length);
    let at = 0;
    for (const part of parts) {
      data.set(part, at);
      at += part.length;
    }
    const before = fstat(this.#shim, this.#fd).size;
    let written = 0;
    try {
      written = writeNow(this.#shim, this.#fd, data);
    } catch (thrown) {
      // No space, a quota: the container goes on.
      if (!isRefusal(thrown)) throw thrown;
    }
    if (written === length) return;
    const whole = written === 0 ? 0 : data.lastIndexOf(newline, written - 1) + 1;
    if (whole < written) ftruncate(this.#shim, this.#fd, before + whole);
    this.lost += length - whole;
  }
}

const lineEnd = encoder.encode("\n");
