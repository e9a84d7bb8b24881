/** Running a command inside a container and reading what it says. */
import type { ErrnoName } from "../kernel/errno.ts";
import { errnoText } from "../kernel/errno-text.ts";
import { RuntimeError } from "../kernel/errors.ts";
import type { Stage } from "./stage.ts";

export interface Said {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** ExecSync of a shell script in a container. */
export async function shellIn(stage: Stage, containerId: string, script: string): Promise<Said> {
  const result = await stage.cri.execSync(stage.context, {
    containerId,
    cmd: ["sh", "-c", script],
    timeout: 60,
  });
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return {
    exitCode: result.exitCode,
    stdout: text(result.stdout),
    stderr: text(result.stderr),
  };
}

const killed = 128 + 9;
/** What isolation answers. */
const refusals: readonly ErrnoName[] = ["EPERM", "EACCES", "EROFS", "ENOSYS", "ENOMEM", "ESRCH"];

/** What stopped a command, as an errno or a signal, from what it said and how it ended. */
export function refusalOf({ exitCode, stdout, stderr }: Said): string {
  if (exitCode === killed) return "SIGKILL";
  const said = (stdout + stderr).toLowerCase();
  // busybox says so of EPERM.
  if (said.includes("are you root?")) return "EPERM";
  const errno = refusals.find((name) => said.includes(errnoText(name)));
  return errno ?? "nothing";
}

/** Fails the scenario when what it is about to show is not so. */
export function expectThat(holds: boolean, sentence: string): void {
  if (!holds) throw new RuntimeError("INTERNAL", `this scenario does not show it: ${sentence}`);
}
