/**
 * Somebody who saw every process of the machine end. What the runtime says of the end of a container is held
 * against it: 255 "Unknown" may be said of what the runtime did not see, but what it says it saw must be true.
 */
import type { Machine } from "../../kernel/sim/index.ts";
import type { Stage } from "../stage.ts";

/** Ends that the runtime admits not to have seen, or that are no end of a process. */
const unseen: ReadonlySet<string> = new Set(["Unknown", "ShimDied", "StartError"]);

export class ExitWitness {
  /** Exit code by pid and start time, as a shell counts. */
  readonly #codes = new Map<string, number>();
  readonly #oomKilled = new Set<string>();

  constructor(machine: Machine) {
    machine.observe = ({ pid, name, detail }) => {
      if (name !== "exit" && name !== "oom-kill") return;
      const process = machine.processes.get(pid);
      if (process === undefined) return;
      const key = `${pid} ${process.startTime}`;
      if (name === "oom-kill") this.#oomKilled.add(key);
      else this.#codes.set(key, codeOf(detail));
    };
  }

  /** What the runtime says of ended containers and is not so. */
  contradictions(stage: Stage): readonly string[] {
    const found: string[] = [];
    for (const record of stage.engine.parts.containers.all()) {
      const { end, pid, startTime } = record;
      if (end === undefined || pid === 0 || unseen.has(end.reason)) continue;
      const key = `${pid} ${startTime}`;
      const code = this.#codes.get(key);
      const short = `container ${record.id.slice(0, 12)}`;
      if (code === undefined) {
        found.push(`${short} is said to have ended by itself, but nobody saw pid ${pid} end`);
      } else if (code !== end.exitCode) {
        found.push(`${short} is said to have ended with ${end.exitCode}, but it was ${code}`);
      }
      if (end.reason === "OOMKilled" && this.#oomKilled.size === 0) {
        found.push(`${short} is said to have been killed for its memory, but nobody was`);
      }
      if (end.reason !== "OOMKilled" && this.#oomKilled.has(key)) {
        found.push(
          `${short} was killed for its memory, but is said to have ended as ${end.reason}`,
        );
      }
    }
    return found;
  }
}

/** Of "code 3" and "signal 9". */
function codeOf(detail: string): number {
  const [kind, number] = detail.split(" ");
  return kind === "signal" ? 128 + Number(number) : Number(number);
}
