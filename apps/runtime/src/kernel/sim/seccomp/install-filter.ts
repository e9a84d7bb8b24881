/** seccomp(2) SECCOMP_SET_MODE_FILTER behind its door. */
import type { Process } from "../process/process.ts";
import { refuse } from "../refusal.ts";
import { capableIn } from "../user/capable.ts";
import { type BpfProgram, checkProgram, convertedLength, decodeProgram } from "./bpf.ts";

/** What one process may have in all, as eBPF (MAX_INSNS_PER_PATH); each older filter counts 4 more than it is long. */
const instructionsMax = 32_768;
const filterExtra = 4;

/** A filter that was accepted, and what it said of calls whose arguments it does not look at. */
export interface LoadedFilter {
  readonly program: BpfProgram;
  /** As eBPF. */
  readonly length: number;
  /** By call number. */
  readonly verdicts: Map<number, number>;
}

/** By the bytes given: containers of one profile share them. */
const loaded = new WeakMap<Uint8Array, LoadedFilter>();

/** The decoded form of a filter that some process has installed. */
export function loadedFilter(bytes: Uint8Array): LoadedFilter {
  const known = loaded.get(bytes);
  if (known !== undefined) return known;
  const program = decodeProgram(bytes);
  checkProgram(program);
  const made = { program, length: convertedLength(program), verdicts: new Map<number, number>() };
  loaded.set(bytes, made);
  return made;
}

/** EACCES without no_new_privs and without CAP_SYS_ADMIN; EINVAL for a bad program; ENOMEM for too many. */
export function installFilter(caller: Process, bytes: Uint8Array, log: boolean): void {
  const { credentials } = caller;
  const { length } = loadedFilter(bytes);
  if (
    !credentials.noNewPrivs &&
    !capableIn(credentials, credentials.userNamespace, "CAP_SYS_ADMIN")
  ) {
    refuse("EACCES");
  }
  let total = length;
  for (const filter of caller.seccomp) {
    total += loadedFilter(filter.program).length + filterExtra;
  }
  if (total > instructionsMax) refuse("ENOMEM");
  caller.seccomp = [...caller.seccomp, { program: bytes, log }];
}
