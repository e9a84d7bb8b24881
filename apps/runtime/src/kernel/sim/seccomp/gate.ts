/** Asks the seccomp filters of a process about each of its calls, and does what the strictest says (seccomp(2)). */
import { type ErrnoName, errnoByName } from "../../errno.ts";
import { SIGSYS } from "../abi.ts";
import { exitProcess } from "../process/exit.ts";
import { ProcessEnded } from "../process/life.ts";
import type { Process } from "../process/process.ts";
import { Refusal, refuse } from "../refusal.ts";
import {
  actionOnly,
  dataOf,
  isStricter,
  RET_ALLOW,
  RET_ERRNO,
  RET_LOG,
  RET_TRACE,
  RET_TRAP,
  RET_USER_NOTIF,
} from "./actions.ts";
import { loadedFilter } from "./install-filter.ts";
import { runFilter } from "./run-filter.ts";
import { syscallNumbers } from "./syscall-numbers.ts";

/** MAX_ERRNO. */
const errnoMax = 4095;

const nameByErrno = new Map<number, ErrnoName>(
  Object.entries(errnoByName).map(([name, number]) => [number, name as ErrnoName]),
);

/** A filter may answer numbers that the table of errnos has no name for, 0 included: only `number` tells them. */
class NumberedRefusal extends Refusal {
  readonly #number: number;

  constructor(number: number) {
    super("EPERM", "seccomp");
    this.#number = number;
  }

  override get number(): number {
    return this.#number;
  }
}

function verdictOf(program: Uint8Array, nr: number, args: readonly number[]): number {
  const filter = loadedFilter(program);
  const known = filter.verdicts.get(nr);
  if (known !== undefined) return known;
  const { action, plain } = runFilter(filter.program, nr, args);
  if (plain) filter.verdicts.set(nr, action);
  return action;
}

/** All filters are asked, the newest first; of equally strict answers the first counts. */
function strictest(process: Process, nr: number, args: readonly number[]): number {
  let result = RET_ALLOW;
  const { seccomp } = process;
  for (let index = seccomp.length - 1; index >= 0; index--) {
    const action = verdictOf((seccomp[index] as { program: Uint8Array }).program, nr, args);
    if (isStricter(action, result)) result = action;
  }
  return result;
}

function tell(process: Process, name: string, action: string, errno: number): void {
  const { machine } = process;
  machine.observe?.({
    atNs: machine.scheduler.nowNs,
    pid: process.pid,
    name: "seccomp",
    detail: `${name}: ${action}`,
    errno,
  });
}

function kill(process: Process, name: string): never {
  tell(process, name, "kill", 0);
  exitProcess(process, { kind: "signaled", signal: SIGSYS });
  throw new ProcessEnded();
}

function trap(process: Process, name: string): never {
  const handler = process.signalHandlers.get(SIGSYS);
  if (typeof handler !== "function") return kill(process, name);
  tell(process, name, "trap", 0);
  handler(SIGSYS);
  return refuse("ENOSYS");
}

/** Lets the call go on, or ends it, or the process. A name Linux does not have is a fault of the model. */
export function gate(process: Process, name: string, args: readonly number[]): void {
  const nr = syscallNumbers.get(name);
  if (nr === undefined) throw new Error(`no system call of Linux is named ${name}`);
  const action = strictest(process, nr, args);
  const kind = actionOnly(action);
  if (kind === RET_ALLOW) return;
  if (kind === RET_LOG) tell(process, name, "log", 0);
  else refuseCall(process, name, kind, dataOf(action));
}

function refuseCall(process: Process, name: string, kind: number, data: number): never {
  switch (kind) {
    case RET_ERRNO: {
      const errno = Math.min(data, errnoMax);
      tell(process, name, "errno", errno);
      const known = nameByErrno.get(errno);
      if (known === undefined) throw new NumberedRefusal(errno);
      return refuse(known, "seccomp");
    }
    // Nobody traces, nobody listens: both answer as if the call were not there.
    case RET_TRACE:
    case RET_USER_NOTIF:
      tell(process, name, "no supervisor", errnoByName.ENOSYS);
      return refuse("ENOSYS", "seccomp");
    case RET_TRAP:
      return trap(process, name);
    default:
      return kill(process, name);
  }
}
