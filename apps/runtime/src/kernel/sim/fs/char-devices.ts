/** Drivers of the character devices that every container has, and a few of the host's (null(4), random(4), tty(4)). */
import type { Process } from "../process/process.ts";
import { refuse } from "../refusal.ts";
import type { Coroutine } from "../task.ts";
import { registerCharDevice } from "../vfs/char-device.ts";
import type { Stream } from "../vfs/open-file.ts";
import { hostDevpts } from "./devpts.ts";

const readMax = 1 << 20;
const noBytes = new Uint8Array(0);

/** A device that answers at once. */
class InstantDevice implements Stream {
  readonly #read: (length: number) => Uint8Array;
  readonly #write: (data: Uint8Array) => number;

  constructor(read: (length: number) => Uint8Array, write: (data: Uint8Array) => number) {
    this.#read = read;
    this.#write = write;
  }

  // biome-ignore lint/correctness/useYield: it never waits; the interface is of streams that may.
  *read(length: number): Coroutine<Uint8Array> {
    return this.#read(Math.min(length, readMax));
  }

  // biome-ignore lint/correctness/useYield: as above.
  *write(data: Uint8Array): Coroutine<number> {
    return this.#write(data);
  }

  close(): void {}
}

const swallow = (data: Uint8Array) => data.length;
const zeros = (length: number) => new Uint8Array(length);

function randomBytes({ machine }: Process, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let index = 0; index < length; index += 4) {
    const word = machine.random();
    for (let part = 0; part < 4 && index + part < length; part++)
      bytes[index + part] = (word >>> (8 * part)) & 255;
  }
  return bytes;
}

/** /dev/console and the kernel's log of this machine swallow what they are given. */
export function registerCharDevices(): void {
  registerCharDevice(1, 3, () => new InstantDevice(() => noBytes, swallow));
  registerCharDevice(1, 5, () => new InstantDevice(zeros, swallow));
  registerCharDevice(1, 7, () => new InstantDevice(zeros, () => refuse("ENOSPC")));
  const random = (opener: Process) =>
    new InstantDevice((length) => randomBytes(opener, length), swallow);
  registerCharDevice(1, 8, random);
  registerCharDevice(1, 9, random);
  registerCharDevice(1, 11, () => new InstantDevice(() => refuse("EAGAIN"), swallow));
  registerCharDevice(5, 0, (opener) => opener.tty ?? refuse("ENXIO"));
  registerCharDevice(5, 1, () => new InstantDevice(() => noBytes, swallow));
  registerCharDevice(5, 2, (opener, flags) => {
    return hostDevpts(opener.machine)?.openMaster(flags, opener) ?? refuse("ENODEV");
  });
}
