/** Command line options as getopt_long(3) reads them: letters that may be joined, values behind ":", operands in between. */
import { UsageError } from "./call.ts";

export class Options {
  readonly #values = new Map<string, string[]>();
  readonly operands: string[] = [];

  has(name: string): boolean {
    return this.#values.has(name);
  }

  /** The last value given; undefined without the option. */
  value(name: string): string | undefined {
    return this.#values.get(name)?.at(-1);
  }

  values(name: string): readonly string[] {
    return this.#values.get(name) ?? [];
  }

  add(name: string, value: string): void {
    const before = this.#values.get(name);
    if (before === undefined) this.#values.set(name, [value]);
    else before.push(value);
  }
}

/**
 * `letters`: "la" and "n:" with a value, "n::" with an optional one that is joined; a leading "+" stops at the first operand.
 * `longs`: long names with the name they are kept under, "name:" when they take a value.
 */
export function parseOptions(
  args: readonly string[],
  letters: string,
  longs: Readonly<Record<string, string>> = {},
): Options {
  const options = new Options();
  const strict = letters.startsWith("+");
  for (let index = 0; index < args.length; index++) {
    const arg = args[index] as string;
    if (arg === "--") {
      options.operands.push(...args.slice(index + 1));
      break;
    }
    if (arg === "-" || !arg.startsWith("-")) {
      if (strict) {
        options.operands.push(...args.slice(index));
        break;
      }
      options.operands.push(arg);
    } else if (arg.startsWith("--")) {
      index = long(options, args, index, longs);
    } else {
      index = short(options, args, index, letters);
    }
  }
  return options;
}

function long(
  options: Options,
  args: readonly string[],
  index: number,
  longs: Readonly<Record<string, string>>,
): number {
  const arg = (args[index] as string).slice(2);
  const equals = arg.indexOf("=");
  const name = equals < 0 ? arg : arg.slice(0, equals);
  const kept = longs[name];
  if (kept === undefined) throw new UsageError(`unrecognized option '--${name}'`);
  if (!kept.endsWith(":")) {
    options.add(kept, "");
    return index;
  }
  if (equals >= 0) {
    options.add(kept.slice(0, -1), arg.slice(equals + 1));
    return index;
  }
  const value = args[index + 1];
  if (value === undefined) throw new UsageError(`option '--${name}' requires an argument`);
  options.add(kept.slice(0, -1), value);
  return index + 1;
}

function short(options: Options, args: readonly string[], start: number, letters: string): number {
  const arg = args[start] as string;
  for (let at = 1; at < arg.length; at++) {
    const letter = arg.charAt(at);
    const place = letter === ":" || letter === "+" ? -1 : letters.indexOf(letter);
    if (place < 0) throw new UsageError(`invalid option -- '${letter}'`);
    if (letters.charAt(place + 1) !== ":") {
      options.add(letter, "");
      continue;
    }
    const joined = arg.slice(at + 1);
    if (joined !== "" || letters.charAt(place + 2) === ":") {
      options.add(letter, joined);
      return start;
    }
    const value = args[start + 1];
    if (value === undefined) throw new UsageError(`option requires an argument -- '${letter}'`);
    options.add(letter, value);
    return start + 1;
  }
  return start;
}

/** A whole number of an argument, busybox's words for what is none. */
export function parseNumber(text: string): number {
  if (!/^[-+]?[0-9]+$/.test(text)) throw new UsageError(`invalid number '${text}'`);
  return Number(text);
}

/** "512", "4k", "10M", "1G": with the suffixes of busybox. */
export function parseSize(text: string): number {
  const match = /^([0-9]+)([cwbkKMG]?)(i?B)?$/.exec(text);
  if (match === null) throw new UsageError(`invalid number '${text}'`);
  const factors: Readonly<Record<string, number>> = {
    "": 1,
    c: 1,
    w: 2,
    b: 512,
    k: 1024,
    K: 1024,
    M: 1024 ** 2,
    G: 1024 ** 3,
  };
  return Number(match[1]) * (factors[match[2] as string] ?? 1);
}
