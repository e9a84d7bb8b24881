/** What the daemon needs of the machine, asked before anything is touched. */
import { ProgramError } from "./program-error.ts";

/** ProgramError with one sentence on what is missing and what works all the same. */
export function checkMachine(platform: string, uid: number | undefined): void {
  if (platform !== "linux") {
    throw new ProgramError(
      `containers need Linux, and this is ${platform}; the page still opens recordings: npm start`,
    );
  }
  if (uid !== 0) {
    throw new ProgramError(
      "containers need root: run it with sudo; `vitrined config check` works without",
    );
  }
}
