/**
 * Where zstd frames end (RFC 8878, section 3). Node's decompressor stops without a word after a frame
 * that ends in the middle of a chunk, and layers in the zstd:chunked form have thousands of frames; so
 * the stream is cut at frame ends before it gets there. A stream that ends inside a frame, and bytes
 * after the last one that are no frame, are errors here.
 */
import { malformed } from "./tar-header.ts";

const frameMagic = 0xfd2fb528;
/** The last four bits are free. */
const skippableMagic = 0x184d2a50;
const contentSizeBytes = [0, 2, 4, 8];
const dictionaryIdBytes = [0, 1, 2, 4];

/** What comes next and how long it is; fields are read whole, payload is only counted. */
type Part =
  | "magic"
  | "skippable size"
  | "descriptor"
  | "block header"
  | "header"
  | "block"
  | "checksum"
  | "skippable";

const fieldBytes = { magic: 4, "skippable size": 4, descriptor: 1, "block header": 3 } as const;

type Next = readonly [part: Part, bytes: number];

export class ZstdFrames {
  #part: Part = "magic";
  #left = 4;
  #field = Buffer.alloc(4);
  #fieldUsed = 0;
  #descriptor = 0;
  #lastBlock = false;

  /** `chunk` in pieces, none of which reaches across the end of a frame. */
  *push(chunk: Buffer): Generator<Buffer> {
    let start = 0;
    for (let offset = 0; offset < chunk.length; ) {
      const taken = chunk.subarray(offset, offset + this.#left);
      offset += taken.length;
      this.#left -= taken.length;
      if (this.#part in fieldBytes) this.#fieldUsed += taken.copy(this.#field, this.#fieldUsed);
      // Parts of no length (an empty block) are over as soon as they begin.
      while (this.#left === 0) this.#begin(this.#next());
      const frameEnded = this.#part === "magic" && this.#fieldUsed === 0;
      if (!frameEnded) continue;
      yield chunk.subarray(start, offset);
      start = offset;
    }
    if (start < chunk.length) yield chunk.subarray(start);
  }

  /** Call it when there is no more. */
  finish(): void {
    if (this.#part !== "magic" || this.#fieldUsed > 0)
      throw malformed("its zstd stream is cut off");
  }

  #begin([part, bytes]: Next): void {
    this.#part = part;
    this.#left = bytes;
    this.#fieldUsed = 0;
  }

  /** What follows the part that has just been read whole. */
  #next(): Next {
    switch (this.#part) {
      case "magic":
        return afterMagic(this.#field.readUInt32LE(0));
      case "skippable size":
        return ["skippable", this.#field.readUInt32LE(0)];
      case "skippable":
      case "checksum":
        return field("magic");
      case "descriptor":
        this.#descriptor = this.#field[0] ?? 0;
        return ["header", headerBytes(this.#descriptor)];
      case "header":
        return field("block header");
      case "block header":
        return this.#afterBlockHeader(this.#field.readUIntLE(0, 3));
      case "block":
        if (!this.#lastBlock) return field("block header");
        return (this.#descriptor & 4) === 0 ? field("magic") : ["checksum", 4];
    }
  }

  #afterBlockHeader(header: number): Next {
    this.#lastBlock = (header & 1) !== 0;
    const type = (header >> 1) & 3;
    if (type === 3) throw malformed("a zstd block has the reserved type");
    // A run-length block is one byte, however long it becomes.
    return ["block", type === 1 ? 1 : header >> 3];
  }
}

function field(part: keyof typeof fieldBytes): Next {
  return [part, fieldBytes[part]];
}

function afterMagic(magic: number): Next {
  if ((magic & 0xfffffff0) >>> 0 === skippableMagic) return field("skippable size");
  if (magic !== frameMagic) throw malformed("something that is no zstd frame follows");
  return field("descriptor");
}

/** Length of the frame header after its descriptor: window, dictionary id, content size. */
function headerBytes(descriptor: number): number {
  const single = (descriptor & 0x20) !== 0;
  const size = contentSizeBytes[descriptor >> 6] ?? 0;
  const dictionary = dictionaryIdBytes[descriptor & 3] ?? 0;
  return single ? dictionary + Math.max(size, 1) : 1 + dictionary + size;
}
