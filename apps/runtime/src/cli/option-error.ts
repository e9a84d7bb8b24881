/** What parseArgs refuses, in words that help. */
import { nearestName } from "./config/nearest-name.ts";
import { ProgramError } from "./program-error.ts";

/** A ProgramError, exit code 2: the nearest option when one is not known, else Node's own reason. `help` says where to look. */
export function optionError(
  error: unknown,
  argv: readonly string[],
  known: readonly string[],
  help: string,
): ProgramError {
  const names = argv
    .filter((word) => /^--[^=]/.test(word))
    .map((word) => word.slice(2).split("=", 1)[0] ?? "");
  const unknown = names.find((name) => !known.includes(name));
  const meant = unknown === undefined ? undefined : nearestName(unknown, known);
  const [reason] = (error as Error).message.split(". ");
  const hint = meant === undefined ? "" : `; did you mean --${meant}?`;
  return new ProgramError(
    `${unknown === undefined ? reason : `unknown option --${unknown}${hint}`}\n${help}`,
    2,
  );
}
