/** Running a command inside a container and reading what it says. */
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

/** Fails the scenario when what it is about to show is not so. */
export function expectThat(holds: boolean, sentence: string): void {
  if (!holds) throw new RuntimeError("INTERNAL", `this scenario does not show it: ${sentence}`);
}
