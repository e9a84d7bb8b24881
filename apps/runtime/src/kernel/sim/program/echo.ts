/** What echo and printf make of their arguments: pure text, for the builtins of sh and for the applets. */

const letters: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  e: "\x1b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
  "\\": "\\",
};

/** Backslash escapes of echo -e and of printf; `stopped`: a "\c" ended all output. `leadingZero`: \0NNN as in echo. */
export function unescapeText(
  text: string,
  leadingZero: boolean,
): { readonly text: string; readonly stopped: boolean } {
  let result = "";
  for (let at = 0; at < text.length; ) {
    const character = text.charAt(at++);
    if (character !== "\\" || at >= text.length) {
      result += character;
      continue;
    }
    const next = text.charAt(at++);
    if (next === "c") return { text: result, stopped: true };
    if (next === "x") {
      const digits = /^[0-9a-fA-F]{1,2}/.exec(text.slice(at))?.[0] ?? "";
      result += digits === "" ? "\\x" : String.fromCharCode(Number.parseInt(digits, 16));
      at += digits.length;
    } else if (next >= "0" && next <= "7") {
      const most = leadingZero && next === "0" ? 3 : 2;
      let digits = leadingZero && next === "0" ? "" : next;
      const end = digits.length + most;
      while (digits.length < end && /[0-7]/.test(text.charAt(at))) digits += text.charAt(at++);
      result += String.fromCharCode(Number.parseInt(digits || "0", 8) & 255);
    } else {
      result += letters[next] ?? `\\${next}`;
    }
  }
  return { text: result, stopped: false };
}

/** echo [-neE] ARG...; `args` without the name. */
export function echoText(args: readonly string[]): string {
  let newline = true;
  let escapes = false;
  let first = 0;
  for (; first < args.length; first++) {
    const option = args[first] as string;
    if (!/^-[neE]+$/.test(option)) break;
    for (const letter of option.slice(1)) {
      if (letter === "n") newline = false;
      else escapes = letter === "e";
    }
  }
  let text = args.slice(first).join(" ");
  if (escapes) {
    const result = unescapeText(text, true);
    if (result.stopped) return result.text;
    text = result.text;
  }
  return newline ? `${text}\n` : text;
}

export interface Printed {
  readonly text: string;
  /** What went wrong, without the name of the program. */
  readonly errors: readonly string[];
}

const conversion = /^%([-+ #0]*)(\*|\d*)(?:\.(\*|\d*))?(?:hh|h|ll|l|j|z|t|q)?([a-zA-Z])/;

/** printf FORMAT [ARG...]: the format is used again while arguments are left. */
export function printfText(format: string, args: readonly string[]): Printed {
  const printer = new Printer(args);
  do {
    if (!printer.pass(format)) break;
  } while (printer.goesOn());
  return { text: printer.text, errors: printer.errors };
}

class Printer {
  text = "";
  readonly errors: string[] = [];
  readonly #args: readonly string[];
  #next = 0;

  constructor(args: readonly string[]) {
    this.#args = args;
  }

  #passed = 0;

  goesOn(): boolean {
    const used = this.#next > this.#passed;
    this.#passed = this.#next;
    return used && this.#next < this.#args.length;
  }

  /** Once through the format; false when output ended. */
  pass(format: string): boolean {
    let plain = "";
    const flush = (): boolean => {
      const { text, stopped } = unescapeText(plain, false);
      this.text += text;
      plain = "";
      return !stopped;
    };
    for (let at = 0; at < format.length; ) {
      if (format[at] !== "%") {
        plain += format[at++];
        continue;
      }
      if (format[at + 1] === "%") {
        plain += "%";
        at += 2;
        continue;
      }
      if (!flush()) return false;
      const rest = format.slice(at);
      const match = conversion.exec(rest);
      if (match === null || !"diouxXcsbeEfFgGaA".includes(match[4] as string)) {
        this.errors.push(`${rest}: invalid format`);
        return false;
      }
      if (!this.#convert(match)) return false;
      at += match[0].length;
    }
    return flush();
  }

  #take(): string | undefined {
    return this.#args[this.#next++];
  }

  #convert(match: RegExpExecArray): boolean {
    let flags = match[1] as string;
    let width = match[2] === "*" ? this.#integer(this.#take()) : BigInt(match[2] || 0);
    if (width < 0n) {
      flags += "-";
      width = -width;
    }
    const precisionText = match[3] === "*" ? String(this.#integer(this.#take())) : match[3];
    const precision = precisionText === undefined ? undefined : Number(precisionText || 0);
    const kind = match[4] as string;
    const argument = this.#take();
    let body: string;
    let stopped = false;
    if (kind === "c") body = (argument ?? "").charAt(0);
    else if (kind === "s") body = (argument ?? "").slice(0, precision);
    else if (kind === "b") {
      const result = unescapeText(argument ?? "", true);
      body = result.text.slice(0, precision);
      stopped = result.stopped;
    } else if ("diouxX".includes(kind))
      body = this.#formatInteger(kind, flags, precision, argument);
    else body = this.#formatFloat(kind, flags, precision, argument);
    const zero = flags.includes("0") && !flags.includes("-") && !"csb".includes(kind);
    this.text += pad(
      body,
      Number(width),
      flags.includes("-"),
      zero && (precision === undefined || /[eEfFgGaA]/.test(kind)),
    );
    return !stopped;
  }

  #integer(text: string | undefined): bigint {
    if (text === undefined || text === "") return 0n;
    if (text.startsWith("'") || text.startsWith('"')) return BigInt(text.codePointAt(1) ?? 0);
    const match = /^\s*([-+]?)(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)$/.exec(text);
    if (match === null) {
      this.errors.push(`invalid number '${text}'`);
      return 0n;
    }
    const digits = match[2] as string;
    const value = /^0[0-7]+$/.test(digits) ? BigInt(`0o${digits.slice(1)}`) : BigInt(digits);
    return match[1] === "-" ? -value : value;
  }

  #formatInteger(
    kind: string,
    flags: string,
    precision: number | undefined,
    argument: string | undefined,
  ): string {
    const value = this.#integer(argument);
    const unsigned = BigInt.asUintN(64, value);
    const negative = (kind === "d" || kind === "i") && value < 0n;
    const magnitude = kind === "d" || kind === "i" ? (negative ? -value : value) : unsigned;
    const base = kind === "o" ? 8 : kind === "x" || kind === "X" ? 16 : 10;
    let digits = magnitude.toString(base);
    if (kind === "X") digits = digits.toUpperCase();
    digits = digits.padStart(precision ?? 0, "0");
    if (flags.includes("#") && base !== 10 && magnitude !== 0n)
      digits = (base === 8 ? "0" : `0${kind}`) + digits;
    if (negative) return `-${digits}`;
    if (kind !== "d" && kind !== "i") return digits;
    return (flags.includes("+") ? "+" : flags.includes(" ") ? " " : "") + digits;
  }

  #formatFloat(
    kind: string,
    flags: string,
    precision = 6,
    argument: string | undefined = undefined,
  ): string {
    const value = Number(argument ?? 0);
    if (Number.isNaN(value)) {
      this.errors.push(`invalid number '${argument}'`);
      return formatFloat(0, kind, precision);
    }
    const text = formatFloat(value, kind, precision);
    return value >= 0 && flags.includes("+") ? `+${text}` : text;
  }
}

function formatFloat(value: number, kind: string, precision: number): string {
  const lower = kind.toLowerCase();
  let text: string;
  if (lower === "f") text = fixed(value, precision);
  else if (lower === "e") text = exponent(value.toExponential(precision));
  else {
    const digits = precision === 0 ? 1 : precision;
    const power = value === 0 ? 0 : Math.floor(Math.log10(Math.abs(value)));
    const scientific = power < -4 || power >= digits;
    text = scientific ? value.toExponential(digits - 1) : value.toFixed(digits - 1 - power);
    const [mantissa, rest] = text.split("e");
    const short = (mantissa as string).includes(".")
      ? (mantissa as string).replace(/\.?0+$/, "")
      : mantissa;
    text = rest === undefined ? (short as string) : exponent(`${short}e${rest}`);
  }
  return kind === lower ? text : text.toUpperCase();
}

/** C rounds a tie to the even digit, toFixed away from zero. */
function fixed(value: number, precision: number): string {
  const scaled = value * 10 ** precision;
  const down = Math.floor(scaled);
  const tie = scaled - down === 0.5 && Math.abs(scaled) < 2 ** 50;
  return (tie && down % 2 === 0 ? down / 10 ** precision : value).toFixed(precision);
}

/** "1e+0" as C writes it: at least two digits of exponent. */
function exponent(text: string): string {
  return text.replace(/e([-+])(\d)$/, "e$10$2");
}

function pad(body: string, width: number, left: boolean, zeros: boolean): string {
  if (body.length >= width) return body;
  if (left) return body.padEnd(width);
  if (!zeros) return body.padStart(width);
  const sign = /^[-+ ]|^0[xX]/.exec(body)?.[0] ?? "";
  return sign + body.slice(sign.length).padStart(width - sign.length, "0");
}
