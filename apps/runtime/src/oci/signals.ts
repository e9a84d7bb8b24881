/** Signal names and numbers of Linux (signal(7)); x86-64 and arm64 share them. */
import { RuntimeError } from "../kernel/index.ts";

const numberByName: Readonly<Record<string, number>> = {
  HUP: 1,
  INT: 2,
  QUIT: 3,
  ILL: 4,
  TRAP: 5,
  ABRT: 6,
  IOT: 6,
  BUS: 7,
  FPE: 8,
  KILL: 9,
  USR1: 10,
  SEGV: 11,
  USR2: 12,
  PIPE: 13,
  ALRM: 14,
  TERM: 15,
  STKFLT: 16,
  CHLD: 17,
  CLD: 17,
  CONT: 18,
  STOP: 19,
  TSTP: 20,
  TTIN: 21,
  TTOU: 22,
  URG: 23,
  XCPU: 24,
  XFSZ: 25,
  VTALRM: 26,
  PROF: 27,
  WINCH: 28,
  IO: 29,
  POLL: 29,
  PWR: 30,
  SYS: 31,
};

/** What the C library leaves of the 32 to 64 that the kernel has: it uses the first two itself. */
const realTimeFirst = 34;
const realTimeLast = 64;

/**
 * The number of a signal named as the CRI does (SIGNAL_SIGTERM, SIGNAL_SIGRTMINPLUS3), as image
 * configurations do (SIGTERM, TERM, SIGRTMIN+3, 15), or undefined for SIGNAL_RUNTIME_DEFAULT and "".
 * INVALID_ARGUMENT for anything else.
 */
export function signalNumber(name: string): number | undefined {
  if (name === "" || name === "SIGNAL_RUNTIME_DEFAULT" || name === "RUNTIME_DEFAULT") {
    return undefined;
  }
  const bare = name
    .toUpperCase()
    .replace(/^SIGNAL_/, "")
    .replace(/^SIG/, "");
  const number = /^[1-9][0-9]?$/.test(bare) ? Number(bare) : (numberByName[bare] ?? realTime(bare));
  if (number === undefined || number > realTimeLast) {
    throw new RuntimeError("INVALID_ARGUMENT", `unknown signal ${JSON.stringify(name)}`);
  }
  return number;
}

function realTime(bare: string): number | undefined {
  const match = /^RT(MIN|MAX)(?:(\+|PLUS|-|MINUS)([0-9]{1,2}))?$/.exec(bare);
  if (match === null) return undefined;
  const [, edge, sign, offset] = match;
  const up = sign === "+" || sign === "PLUS";
  if (sign !== undefined && up !== (edge === "MIN")) return undefined;
  const number =
    edge === "MIN" ? realTimeFirst + Number(offset ?? 0) : realTimeLast - Number(offset ?? 0);
  return number >= realTimeFirst && number <= realTimeLast ? number : undefined;
}

/**
 * The name of a signal number as the CRI spells it after "SIGNAL_": SIGTERM, SIGRTMINPLUS3,
 * SIGRTMAXMINUS1. Where two names share a number it is the ordinary one. INVALID_ARGUMENT for a
 * number that has no name.
 */
export function signalName(number: number): string {
  const name = Object.entries(numberByName).find(([, one]) => one === number)?.[0];
  if (name !== undefined) return `SIG${name}`;
  if (number < realTimeFirst || number > realTimeLast) {
    throw new RuntimeError("INVALID_ARGUMENT", `unknown signal ${number}`);
  }
  const up = number - realTimeFirst;
  const down = realTimeLast - number;
  if (up <= 15) return up === 0 ? "SIGRTMIN" : `SIGRTMINPLUS${up}`;
  return down === 0 ? "SIGRTMAX" : `SIGRTMAXMINUS${down}`;
}

/** Which signal ends a container: the CRI's choice, else the image's, else SIGTERM. */
export function stopSignal(fromConfig: string, fromImage: string | undefined): number {
  return signalNumber(fromConfig) ?? signalNumber(fromImage ?? "") ?? 15;
}
