/** Writes the primitives of the Plan's binary form (native/include/plan.h) into one growing buffer. */
import { KernelError } from "../errors.ts";
import { planBytesMax } from "./wire-numbers.ts";

const utf8 = new TextEncoder();

/** The Plan cannot be said in the binary form: a bug of the compiler or input that nobody checked. */
export function encodeError(message: string): KernelError {
  return new KernelError({ errno: "EINVAL", op: "library", detail: message, message });
}

export class WireWriter {
  #bytes = new Uint8Array(8192);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Makes room and returns where it begins. Call it before `#view` and `#bytes` are looked at: it may replace them. */
  #grow(count: number): number {
    const at = this.#length;
    const end = at + count;
    if (end > planBytesMax) throw encodeError(`plan is larger than ${planBytesMax} bytes`);
    if (end > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(end, this.#bytes.length * 2));
      larger.set(this.#bytes);
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    this.#length = end;
    return at;
  }

  #check(value: number, min: number, max: number): void {
    if (!Number.isInteger(value) || value < min || value > max) {
      throw encodeError(`${value} is not a whole number from ${min} to ${max}`);
    }
  }

  u8(value: number): this {
    this.#check(value, 0, 0xff);
    const at = this.#grow(1);
    this.#view.setUint8(at, value);
    return this;
  }

  bool(value: boolean): this {
    this.u8(value ? 1 : 0);
    return this;
  }

  u16(value: number): this {
    this.#check(value, 0, 0xffff);
    const at = this.#grow(2);
    this.#view.setUint16(at, value, true);
    return this;
  }

  u32(value: number): this {
    this.#check(value, 0, 0xffffffff);
    const at = this.#grow(4);
    this.#view.setUint32(at, value, true);
    return this;
  }

  i32(value: number): this {
    this.#check(value, -0x80000000, 0x7fffffff);
    const at = this.#grow(4);
    this.#view.setInt32(at, value, true);
    return this;
  }

  u64(value: bigint): this {
    if (value < 0n || value > 0xffffffffffffffffn)
      throw encodeError(`${value} is not 64 bits wide`);
    const at = this.#grow(8);
    this.#view.setBigUint64(at, value, true);
    return this;
  }

  bytes(value: Uint8Array): this {
    this.u32(value.length);
    const at = this.#grow(value.length);
    this.#bytes.set(value, at);
    return this;
  }

  string(value: string): this {
    const encoded = utf8.encode(value);
    if (encoded.includes(0)) throw encodeError("a string has a NUL inside");
    this.bytes(encoded);
    this.u8(0);
    return this;
  }

  strings(values: readonly string[]): this {
    this.u16(values.length);
    for (const value of values) this.string(value);
    return this;
  }

  /** Overwrites four bytes that were written before: a length known only now. */
  patch32(at: number, value: number): void {
    this.#view.setUint32(at, value, true);
  }

  /** The bytes so far, without copying. */
  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }
}
