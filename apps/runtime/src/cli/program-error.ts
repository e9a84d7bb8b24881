/** An error for people at a terminal: its message is the whole truth, no stack is shown. */
export class ProgramError extends Error {
  /** 1: it failed. 2: it was called wrongly. */
  readonly exitCode: number;

  constructor(message: string, exitCode = 1) {
    super(message);
    this.name = "ProgramError";
    this.exitCode = exitCode;
  }
}

/** Runs a program's main function; a failure becomes one message on standard error and an exit code. */
export async function runProgram(name: string, main: () => Promise<void>): Promise<void> {
  try {
    await main();
  } catch (error) {
    const known = error instanceof ProgramError;
    const text =
      known || !(error instanceof Error) ? String((error as Error).message ?? error) : error.stack;
    process.stderr.write(`${name}: ${text}\n`);
    process.exitCode = known ? error.exitCode : 1;
  }
}
