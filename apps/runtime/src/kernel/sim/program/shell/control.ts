/** How exit, return, break and continue leave what they are in: thrown, and caught where they belong. Not Errors: ordinary. */

/** The shell ends. */
export class ShellExit {
  readonly code: number;
  constructor(code: number) {
    this.code = code;
  }
}

/** A function or a sourced file ends. */
export class ShellReturn {
  readonly code: number;
  constructor(code: number) {
    this.code = code;
  }
}

/** break or continue out of `levels` loops. */
export class LoopJump {
  readonly kind: "break" | "continue";
  readonly levels: number;
  constructor(kind: "break" | "continue", levels: number) {
    this.kind = kind;
    this.levels = levels;
  }
}

/** Something that ends a command with a message and, when the shell is not interactive, the shell. */
export class ShellError {
  readonly message: string;
  readonly code: number;
  constructor(message: string, code = 2) {
    this.message = message;
    this.code = code;
  }
}

/** A redirection that could not be made: the command is not run, the shell goes on (unless it is a special builtin). */
export class RedirectionError {
  readonly message: string;
  constructor(message: string) {
    this.message = message;
  }
}

/** SIGINT in an interactive shell: back to the prompt. */
export class Interrupted {}
