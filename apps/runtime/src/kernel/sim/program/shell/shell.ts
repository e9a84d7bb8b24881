/** State of one shell process: variables, functions, options, traps. A subshell is a copy in a process of its own. */
import { SIGINT, SIGQUIT, SIGTERM } from "../../abi.ts";
import type { Process } from "../../process/process.ts";
import { isRefusal, type Refusal } from "../../refusal.ts";
import { write } from "../../syscall/file.ts";
import { sigaction } from "../../syscall/process.ts";
import type { Coroutine } from "../../task.ts";
import { errnoMessage } from "../errno-message.ts";
import { bytesOf } from "../file-text.ts";
import { signalNumber } from "../signals.ts";
import { ShellError } from "./control.ts";
import type { Command } from "./syntax.ts";

export interface Variable {
  /** undefined: marked by export or readonly, but not set. */
  value: string | undefined;
  exported: boolean;
  readonly: boolean;
}

export const optionLetters: Readonly<Record<string, string>> = {
  e: "errexit",
  f: "noglob",
  I: "ignoreeof",
  m: "monitor",
  n: "noexec",
  x: "xtrace",
  v: "verbose",
  C: "noclobber",
  a: "allexport",
  b: "notify",
  u: "nounset",
};

/** In the order of `set -o`. */
export const optionNames = [
  ...["errexit", "noglob", "ignoreeof", "monitor", "noexec", "xtrace", "verbose", "noclobber"],
  ...["allexport", "notify", "nounset", "errtrace", "vi", "pipefail"],
];

export class Shell {
  readonly self: Process;
  variables = new Map<string, Variable>();
  functions = new Map<string, Command>();
  options = new Set<string>();
  positional: readonly string[] = [];
  /** $0, and what messages begin with. */
  name: string;
  /** The pid of the main shell: $$ in subshells too. */
  mainPid: number;
  status = 0;
  /** Pid of the last background command: $!. */
  lastBackground: number | undefined;
  /** Exit status of background children that were waited for in passing, by pid. */
  readonly finished = new Map<number, number>();
  readonly background = new Set<number>();
  traps = new Map<number, string>();
  /** Signals that came and whose trap has not run yet. */
  readonly caught: number[] = [];
  trapsRunning = false;
  loops = 0;
  functionDepth = 0;
  /** Of the functions that are being called; the last one is $FUNCNAME. */
  readonly functionNames: string[] = [];
  /** Variables to put back when a function returns: one map a function. */
  readonly locals: Map<string, Variable | undefined>[] = [];
  /** Above 0: in a condition, where set -e does not count. */
  conditions = 0;
  /** $? of the last command substitution of the command that is being expanded. */
  substituted: number | undefined;
  interactive = false;
  /** Scripts and prompts say where they are, sh -c does not. */
  line = 0;
  showsLine = false;
  isSubshell = false;
  /** Where getopts is inside a cluster of letters. */
  getoptsOffset = 0;

  constructor(self: Process, name: string) {
    this.self = self;
    this.name = name;
    this.mainPid = self.pidIn(self.namespaces.pid) ?? self.pid;
  }

  /** A copy for a child process; its traps are gone, as POSIX has it. */
  fork(child: Process): Shell {
    const copy = new Shell(child, this.name);
    for (const [name, variable] of this.variables) copy.variables.set(name, { ...variable });
    copy.functions = new Map(this.functions);
    copy.options = new Set(this.options);
    copy.positional = this.positional;
    copy.mainPid = this.mainPid;
    copy.status = this.status;
    copy.lastBackground = this.lastBackground;
    copy.functionDepth = this.functionDepth;
    copy.loops = this.loops;
    copy.conditions = this.conditions;
    copy.line = this.line;
    copy.showsLine = this.showsLine;
    copy.isSubshell = true;
    for (const [signal, action] of this.traps) {
      if (signal === 0) continue;
      if (action === "") copy.traps.set(signal, action);
      else sigaction(child, signal, "default");
    }
    if (this.interactive)
      for (const signal of [SIGINT, SIGQUIT, SIGTERM])
        if (!copy.traps.has(signal)) sigaction(child, signal, "default");
    return copy;
  }

  has(option: string): boolean {
    return this.options.has(option);
  }

  get(name: string): string | undefined {
    if (name === "LINENO") return String(this.line);
    if (name === "FUNCNAME") return this.functionNames.at(-1) ?? "";
    if (name === "RANDOM") return String(this.self.machine.random() & 0x7fff);
    return this.variables.get(name)?.value;
  }

  set(name: string, value: string): void {
    const variable = this.variables.get(name);
    if (variable === undefined) {
      this.variables.set(name, { value, exported: this.has("allexport"), readonly: false });
      return;
    }
    if (variable.readonly) throw new ShellError(`${name}: is read only`);
    variable.value = value;
    if (this.has("allexport")) variable.exported = true;
    if (name === "OPTIND") this.getoptsOffset = 0;
  }

  unset(name: string): void {
    if (this.variables.get(name)?.readonly) throw new ShellError(`${name}: is read only`);
    this.variables.delete(name);
  }

  /** Value of a special or positional parameter, or a variable; undefined when unset. "@" and "*" are not asked here. */
  parameter(name: string): string | undefined {
    switch (name) {
      case "?":
        return String(this.status);
      case "$":
        return String(this.mainPid);
      case "!":
        return this.lastBackground === undefined ? undefined : String(this.lastBackground);
      case "#":
        return String(this.positional.length);
      case "-":
        return this.optionText();
      case "0":
        return this.name;
    }
    const first = name.charCodeAt(0);
    if (first >= 48 && first <= 57) return this.positional[Number(name) - 1];
    return this.get(name);
  }

  optionText(): string {
    let text = "";
    for (const [letter, name] of Object.entries(optionLetters)) if (this.has(name)) text += letter;
    return (
      (this.has("command") ? "c" : "") +
      text +
      (this.interactive ? "i" : "") +
      (this.has("stdin") ? "s" : "")
    );
  }

  /** What an executed program gets. */
  environment(): string[] {
    const environment: string[] = [];
    for (const [name, variable] of this.variables)
      if (variable.exported && variable.value !== undefined)
        environment.push(`${name}=${variable.value}`);
    return environment;
  }

  *print(text: string): Coroutine<void> {
    yield* this.printTo(1, text);
  }

  /** Prints what a builtin is there to print: 1, with a complaint, when it cannot be written. */
  *output(text: string): Coroutine<number> {
    const refusal = yield* this.printTo(1, text);
    if (refusal === undefined) return 0;
    yield* this.complain(`write error: ${errnoMessage(refusal)}`);
    return 1;
  }

  /** Writing to a closed or full place is no reason for the shell to end: the refusal is the result. */
  *printTo(fd: number, text: string): Coroutine<Refusal | undefined> {
    if (text === "") return undefined;
    try {
      yield* write(this.self, fd, bytesOf(text));
      return undefined;
    } catch (thrown) {
      if (!isRefusal(thrown)) throw thrown;
      // SIGPIPE ended it: nothing more is done.
      while (this.self.state !== "alive") yield {};
      return thrown;
    }
  }

  /** "sh: MESSAGE" or "script: line 3: MESSAGE" on standard error. */
  *complain(message: string): Coroutine<void> {
    const where = this.showsLine ? `line ${this.line}: ` : "";
    yield* this.printTo(2, `${this.name}: ${where}${message}\n`);
  }

  /** What a builtin says: "sh: cd: line 0: can't cd to /x". */
  *complainAs(builtin: string, message: string): Coroutine<void> {
    yield* this.printTo(2, `${this.name}: ${builtin}: line ${this.line}: ${message}\n`);
  }

  /** trap ACTION SIGNAL; undefined puts the default back, "" ignores. */
  setTrap(signal: number, action: string | undefined): void {
    if (action === undefined) this.traps.delete(signal);
    else this.traps.set(signal, action);
    if (signal === 0) return;
    if (action === undefined) sigaction(this.self, signal, this.#usual(signal));
    else if (action === "") sigaction(this.self, signal, "ignore");
    else sigaction(this.self, signal, (number) => void this.caught.push(number));
  }

  /** What an interactive shell does with ^C and the like when there is no trap (signal(7), sh(1)). */
  protectPrompt(): void {
    for (const signal of [SIGINT, SIGQUIT, SIGTERM])
      if (!this.traps.has(signal)) sigaction(this.self, signal, this.#usual(signal));
  }

  #usual(signal: number): "default" | "ignore" | ((signal: number) => void) {
    if (!this.interactive) return "default";
    if (signal === SIGINT) return (number) => void this.caught.push(number);
    return signal === SIGTERM || signal === SIGQUIT ? "ignore" : "default";
  }
}

/** Number of a signal in trap's words; 0 is EXIT. */
export const trapSignal = signalNumber;
