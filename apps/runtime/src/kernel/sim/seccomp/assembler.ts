/** Writes BPF with labels instead of distances. */
import { BPF_JA, BPF_RET_K } from "./bpf.ts";

/** A place further down in the program. */
export interface Label {
  at: number;
}

interface Instruction {
  readonly code: number;
  readonly k: number;
  /** Unset: the next instruction. */
  readonly yes?: Label | undefined;
  readonly no?: Label | undefined;
}

const nearMax = 255;

export class Assembler {
  readonly #instructions: Instruction[] = [];

  add(code: number, k: number): void {
    this.#instructions.push({ code, k: k >>> 0 });
  }

  /** Jumps to `yes` or `no`; undefined goes on below. */
  jump(code: number, k: number, yes: Label | undefined, no: Label | undefined): void {
    this.#instructions.push({ code, k: k >>> 0, yes, no });
  }

  /** To a place that may be further away than a condition can jump. */
  go(label: Label): void {
    this.#instructions.push({ code: BPF_JA, k: 0, yes: label });
  }

  ret(action: number): void {
    this.add(BPF_RET_K, action);
  }

  label(): Label {
    return { at: -1 };
  }

  place(label: Label): void {
    label.at = this.#instructions.length;
  }

  /** struct sock_filter[]. */
  bytes(): Uint8Array {
    const bytes = new Uint8Array(this.#instructions.length * 8);
    const view = new DataView(bytes.buffer);
    this.#instructions.forEach(({ code, k, yes, no }, index) => {
      const far = (label: Label | undefined) => (label === undefined ? 0 : label.at - index - 1);
      view.setUint16(8 * index, code, true);
      if (code === BPF_JA) {
        view.setUint32(8 * index + 4, far(yes), true);
        return;
      }
      if (far(yes) > nearMax || far(no) > nearMax) throw new Error("a BPF jump goes too far");
      view.setUint8(8 * index + 2, far(yes));
      view.setUint8(8 * index + 3, far(no));
      view.setUint32(8 * index + 4, k, true);
    });
    return bytes;
  }
}
