/** Which signal stops a container, as a number for the kernel and by CRI's name for ContainerStatus. */
import type { Signal } from "../../api/index.ts";
import { signalName, stopSignal } from "../../oci/signals.ts";

export interface StopSignal {
  readonly number: number;
  readonly cri: Signal;
}

/**
 * The signal that StopContainer sends first: the one the config names, else the image's, else SIGTERM.
 * @throws RuntimeError INVALID_ARGUMENT when that is no signal of Linux.
 */
export function chooseStopSignal(configured: Signal, ofImage: string | undefined): StopSignal {
  const number = stopSignal(configured, ofImage);
  return { number, cri: `SIGNAL_${signalName(number)}` as Signal };
}
