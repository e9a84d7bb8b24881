/**
 * Signals by name, as CRI and as image configurations spell them, to Linux numbers (signal(7)).
 * Which one stops a container: the one its config names, else the image's, else SIGTERM.
 */
import type { Signal } from "../../api/index.ts";
import { RuntimeError } from "../../kernel/errors.ts";

const numberByName: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGILL: 4,
  SIGTRAP: 5,
  SIGABRT: 6,
  SIGIOT: 6,
  SIGBUS: 7,
  SIGFPE: 8,
  SIGKILL: 9,
  SIGUSR1: 10,
  SIGSEGV: 11,
  SIGUSR2: 12,
  SIGPIPE: 13,
  SIGALRM: 14,
  SIGTERM: 15,
  SIGSTKFLT: 16,
  SIGCHLD: 17,
  SIGCLD: 17,
  SIGCONT: 18,
  SIGSTOP: 19,
  SIGTSTP: 20,
  SIGTTIN: 21,
  SIGTTOU: 22,
  SIGURG: 23,
  SIGXCPU: 24,
  SIGXFSZ: 25,
  SIGVTALRM: 26,
  SIGPROF: 27,
  SIGWINCH: 28,
  SIGIO: 29,
  SIGPOLL: 29,
  SIGPWR: 30,
  SIGSYS: 31,
};

export const SIGKILL = 9;
const SIGTERM = 15;

/** The C library keeps the first two real-time signals of the kernel for itself. */
const realTimeMin = 34;
const realTimeMax = 64;

/** The number of a signal: "SIGTERM", "TERM", "15", "SIGRTMIN+3", "SIGRTMINPLUS3"; undefined when there is none such. */
export function signalNumberOf(name: string): number | undefined {
  if (/^[0-9]{1,2}$/.test(name)) {
    const number = Number(name);
    return number >= 1 && number <= realTimeMax ? number : undefined;
  }
  const upper = name.toUpperCase();
  const full = upper.startsWith("SIG") ? upper : `SIG${upper}`;
  const realTime = /^SIGRT(MIN|MAX)(?:(?:\+|PLUS|-|MINUS)([0-9]{1,2}))?$/.exec(full);
  if (realTime === null) return numberByName[full];
  const offset = Number(realTime[2] ?? 0);
  const number = realTime[1] === "MIN" ? realTimeMin + offset : realTimeMax - offset;
  return number >= realTimeMin && number <= realTimeMax ? number : undefined;
}

/** CRI's name of a signal number. */
function criNameOf(number: number): Signal {
  for (const [name, value] of Object.entries(numberByName)) {
    if (value === number) return `SIGNAL_${name}` as Signal;
  }
  if (number === realTimeMin) return "SIGNAL_SIGRTMIN";
  if (number === realTimeMax) return "SIGNAL_SIGRTMAX";
  if (number > realTimeMin && number <= realTimeMin + 15) {
    return `SIGNAL_SIGRTMINPLUS${number - realTimeMin}` as Signal;
  }
  if (number < realTimeMax && number >= realTimeMax - 14) {
    return `SIGNAL_SIGRTMAXMINUS${realTimeMax - number}` as Signal;
  }
  return "SIGNAL_RUNTIME_DEFAULT";
}

export interface StopSignal {
  readonly number: number;
  /** As ContainerStatus shows it. */
  readonly cri: Signal;
}

/**
 * The signal that StopContainer sends first.
 * @throws RuntimeError INVALID_ARGUMENT when the image names a signal that Linux has not.
 */
export function chooseStopSignal(configured: Signal, imageStopSignal: string): StopSignal {
  if (configured !== "SIGNAL_RUNTIME_DEFAULT") {
    const number = signalNumberOf(configured.slice("SIGNAL_".length));
    if (number !== undefined) return { number, cri: configured };
    throw new RuntimeError("INVALID_ARGUMENT", `unknown stop signal ${configured}`);
  }
  if (imageStopSignal === "") return { number: SIGTERM, cri: "SIGNAL_SIGTERM" };
  const number = signalNumberOf(imageStopSignal);
  if (number === undefined) {
    throw new RuntimeError(
      "INVALID_ARGUMENT",
      `the image's stop signal ${JSON.stringify(imageStopSignal)} is no signal of Linux`,
    );
  }
  return { number, cri: criNameOf(number) };
}
