/**
 * Records of a pax extended header: "<length> <key>=<value>\n" (POSIX.1-2017 pax, "pax Header Block").
 * Read by bytes: values of extended attributes are binary, and lengths come from a stranger. A record
 * that is not exactly as long as it says is an error; nothing is guessed.
 */
import { malformed } from "./tar-header.ts";

const space = 0x20;
const newline = 0x0a;
const lengthDigitsMax = 7;

/** Keys and values as binary strings; of two records with one key the last counts, as POSIX says. */
export function readPaxRecords(payload: Buffer): ReadonlyMap<string, string> {
  const records = new Map<string, string>();
  for (let offset = 0; offset < payload.length; ) {
    const gap = payload.subarray(offset, offset + lengthDigitsMax + 1).indexOf(space);
    const digits = payload.toString("latin1", offset, offset + Math.max(gap, 0));
    if (!/^[1-9][0-9]*$/.test(digits)) throw malformed("a pax record has no length");
    const end = offset + Number(digits);
    const start = offset + gap + 1;
    if (end > payload.length || end <= start || payload[end - 1] !== newline) {
      throw malformed("a pax record is not as long as it says");
    }
    const record = payload.toString("latin1", start, end - 1);
    const equals = record.indexOf("=");
    if (equals <= 0) throw malformed("a pax record has no key");
    records.set(record.slice(0, equals), record.slice(equals + 1));
    offset = end;
  }
  return records;
}
