/** kill: its arguments and its words, for the builtin and for the applet (kill(1)). */
import type { Process } from "../process/process.ts";
import { isRefusal } from "../refusal.ts";
import { kill } from "../syscall/process.ts";
import { errnoMessage } from "./errno-message.ts";
import { signalNames, signalNumber } from "./signals.ts";

export interface KillResult {
  readonly text: string;
  readonly errors: readonly string[];
  readonly code: number;
}

/** kill [-SIGNAL | -s SIGNAL] PID..., kill -l [SIGNAL...]. */
export function killProcesses(self: Process, args: readonly string[]): KillResult {
  let rest = args;
  let signal = 15;
  const first = rest[0];
  if (first === "-l") return listSignals(rest.slice(1));
  if (first !== undefined && /^-./.test(first) && first !== "--") {
    const name = first === "-s" || first === "-n" ? rest[1] : first.slice(1);
    const number = name === undefined ? undefined : signalNumber(name);
    if (number === undefined) return failed(`bad signal name '${name ?? ""}'`);
    signal = number;
    rest = rest.slice(first === "-s" || first === "-n" ? 2 : 1);
  }
  if (rest[0] === "--") rest = rest.slice(1);
  if (rest.length === 0) return failed("you need to specify whom to kill");
  const errors: string[] = [];
  for (const word of rest) {
    if (!/^-?[0-9]+$/.test(word)) {
      errors.push(`invalid number '${word}'`);
      continue;
    }
    try {
      kill(self, Number(word), signal);
    } catch (thrown) {
      if (!isRefusal(thrown)) throw thrown;
      errors.push(`can't kill pid ${word}: ${errnoMessage(thrown)}`);
    }
  }
  return { text: "", errors, code: errors.length > 0 ? 1 : 0 };
}

function failed(message: string): KillResult {
  return { text: "", errors: [message], code: 1 };
}

function listSignals(words: readonly string[]): KillResult {
  if (words.length === 0) {
    let text = "";
    for (let signal = 1; signal < signalNames.length; signal++)
      text += `${String(signal).padStart(2)}) ${signalNames[signal]}\n`;
    return { text, errors: [], code: 0 };
  }
  let text = "";
  const errors: string[] = [];
  for (const word of words) {
    const number = /^[0-9]+$/.test(word) ? Number(word) & 127 : signalNumber(word);
    if (number === undefined) errors.push(`bad signal name '${word}'`);
    else if (/^[0-9]+$/.test(word)) text += `${signalNames[number] ?? number}\n`;
    else text += `${number}\n`;
  }
  return { text, errors, code: errors.length > 0 ? 1 : 0 };
}
