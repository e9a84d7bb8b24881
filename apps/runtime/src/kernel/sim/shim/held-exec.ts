/** A command in a container: started, bounded, timed, drained, as native/shim/exec.c does it. */

import type { ExecOptions, ExecResult } from "../../kernel.ts";
import type { Plan } from "../../plan.ts";
import { SIGKILL } from "../abi.ts";
import { Captured } from "../captured.ts";
import type { ExitStatus, Process } from "../process/process.ts";
import { Refusal } from "../refusal.ts";
import { deliverSignal } from "../syscall/process.ts";
import { killSession } from "./container-cgroups.ts";
import type { LogStream } from "./cri-log.ts";
import {
  type Answer,
  type ContainerOwner,
  exitCodeOf,
  type HeldContainer,
  refusalOf,
} from "./held-container.ts";
import { Launch, type Requester } from "./launch.ts";
import { StandardIo } from "./standard-io.ts";

const killAgainNs = 10_000_000n;
const killRounds = 200;
const msNs = 1_000_000;

export class HeldExec {
  readonly container: HeldContainer;
  readonly #owner: ContainerOwner;
  readonly #options: ExecOptions;
  readonly #answer: Answer<ExecResult>;
  readonly #io: StandardIo;
  readonly #output: Readonly<Record<LogStream, Captured>>;
  readonly #oci: Process;
  #launch: Launch | undefined;
  #command: Process | undefined;
  #code: number | undefined;
  #timedOut = false;
  #killing = false;
  #rounds = 0;
  #exitSeen = false;
  #drainOver = false;
  /** The answer has been given. */
  over = false;

  /** Starts vitrine-oci; throws a ShimFailure when it cannot be. */
  constructor(
    owner: ContainerOwner,
    container: HeldContainer,
    plan: Plan,
    options: ExecOptions,
    requester: Requester,
    answer: Answer<ExecResult>,
  ) {
    this.container = container;
    this.#owner = owner;
    this.#options = options;
    this.#answer = answer;
    this.#output = {
      stdout: new Captured(options.stdoutBytesMax),
      stderr: new Captured(options.stderrBytesMax),
    };
    this.#io = new StandardIo(owner.process, {
      terminal: false,
      stdin: false,
      take: (stream, data) => this.#output[stream].take(data),
      ended: () => owner.changed(),
    });
    try {
      this.#launch = new Launch({
        shim: owner.process,
        plan,
        observer: owner.observer,
        target: "exec",
        requester,
        stdio: this.#io.theirs,
        changed: () => owner.changed(),
      });
      this.#io.given();
    } catch (thrown) {
      if (!(thrown instanceof Refusal)) throw thrown;
      this.#io.given();
      this.#io.close();
      throw refusalOf(thrown.errno, "vitrine-oci cannot be started");
    }
    this.#oci = this.#launch.oci;
    if (options.timeoutMs > 0) {
      owner.later(BigInt(options.timeoutMs * msNs), () => this.#timeOut());
    }
  }

  /** A child of the shim's was reaped; true when it was one of ours. */
  reaped(process: Process, status: ExitStatus): boolean {
    const launch = this.#launch;
    if (launch?.oci === process) {
      launch.ended(exitCodeOf(status));
      return true;
    }
    if ((this.#command ?? launch?.target) !== process) return false;
    this.#code = exitCodeOf(status);
    return true;
  }

  advance(): void {
    if (this.over) return;
    if (this.#launch !== undefined && !this.#advanceLaunch(this.#launch)) return;
    if (this.#code === undefined || this.#killing) return;
    if (!this.#exitSeen) {
      this.#exitSeen = true;
      this.#io.closeInput();
      this.#owner.later(BigInt(this.#options.drainMs * msNs), () => {
        this.#drainOver = true;
        this.#owner.changed();
      });
    }
    if (!this.#io.silent && !this.#drainOver) return;
    this.#end();
    this.#answer.done({
      exitCode: this.#code,
      stdout: this.#output.stdout.bytes(),
      stderr: this.#output.stderr.bytes(),
      timedOut: this.#timedOut,
    });
  }

  /** The caller gave up, the container or the daemon has gone: whatever it started ends. */
  cancel(why: string): void {
    this.#drainOver = true;
    this.#kill("ECANCELED", why);
    this.#owner.changed();
  }

  abandon(): void {
    this.#io.close();
  }

  #end(): void {
    this.over = true;
    this.#io.close();
  }

  /** False while there is something to wait for, and when it has failed. */
  #advanceLaunch(launch: Launch): boolean {
    const { failure } = launch;
    if (failure !== undefined) {
      if (!launch.over) return false;
      this.#end();
      // The executor itself was not done when the time was over.
      if (failure.errno === "ETIMEDOUT" && this.#timedOut) {
        const nothing = new Uint8Array();
        const exitCode = 128 + SIGKILL;
        this.#answer.done({ exitCode, stdout: nothing, stderr: nothing, timedOut: true });
      } else {
        this.#answer.failed(failure);
      }
      return false;
    }
    if (!launch.eof || !launch.ociEnded || launch.target === undefined) return false;
    this.#command = launch.target;
    this.#launch = undefined;
    return true;
  }

  #timeOut(): void {
    if (this.over || this.#exitSeen) return;
    this.#timedOut = true;
    this.#kill("ETIMEDOUT", "the command was not started in time");
  }

  #kill(errno: "ETIMEDOUT" | "ECANCELED", why: string): void {
    if (this.#launch !== undefined) {
      this.#launch.kill(errno, why);
    } else if (!this.#killing) {
      this.#killing = true;
      this.#rounds = 0;
      this.#killRound();
    }
  }

  /** Kills the command, its session and its descendants, until none is found any more. */
  #killRound(): void {
    const { machine } = this.#owner.process;
    const paths = this.container.cgroupPaths;
    const killed = killSession(machine, paths, this.#command, this.#oci.pid);
    if (this.#command?.state === "alive") deliverSignal(this.#command, SIGKILL);
    if ((killed > 0 || this.#code === undefined) && ++this.#rounds < killRounds) {
      this.#owner.later(this.#rounds === 1 ? 0n : killAgainNs, () => this.#killRound());
      return;
    }
    this.#killing = false;
    this.#owner.changed();
  }
}
