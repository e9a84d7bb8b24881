/** The --seed of commands that simulate. */
import { ProgramError } from "./program-error.ts";

const seedMax = 0xffff_ffff;

/** ProgramError, exit code 2, for what is no seed. */
export function seedOf(text: string): number {
  const seed = Number(text);
  if (/^\d{1,10}$/.test(text) && seed <= seedMax) return seed;
  throw new ProgramError(`--seed ${text}: must be a whole number from 0 to ${seedMax}`, 2);
}
