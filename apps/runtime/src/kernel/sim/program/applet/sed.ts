/** sed: s, p, d, q, y, = and their addresses; enough to change a line of text. */
import { AT_FDCWD, O_CREAT, O_TRUNC, O_WRONLY } from "../../abi.ts";
import { close, openat2 } from "../../syscall/file.ts";
import type { Coroutine } from "../../task.ts";
import type { AppletTable } from "../applet.ts";
import { AppletError, type Call, LineReader, UsageError } from "../call.ts";
import { bytesOf, linesOf, readFileText } from "../file-text.ts";
import { parseOptions } from "../options.ts";
import { compileRegex } from "../regular-expression.ts";

type Address =
  | { readonly line: number }
  | { readonly last: true }
  | { readonly expression: RegExp };

interface SedCommand {
  readonly from: Address | undefined;
  readonly to: Address | undefined;
  readonly negated: boolean;
  readonly letter: string;
  readonly expression?: RegExp;
  readonly replacement?: string;
  /** Which match of s counts; 0 is all. */
  readonly which?: number;
  readonly print?: boolean;
  readonly text?: string;
  /** Inside its range of addresses. */
  active: boolean;
}

class ScriptReader {
  readonly #text: string;
  readonly #extended: boolean;
  #at = 0;

  constructor(text: string, extended: boolean) {
    this.#text = text;
    this.#extended = extended;
  }

  commands(): SedCommand[] {
    const commands: SedCommand[] = [];
    for (;;) {
      this.#skip(" \t\n;");
      if (this.#at >= this.#text.length) return commands;
      const from = this.#address();
      let to: Address | undefined;
      if (from !== undefined && this.#text[this.#at] === ",") {
        this.#at++;
        to = this.#address();
      }
      this.#skip(" \t");
      const negated = this.#text[this.#at] === "!";
      if (negated) this.#at++;
      commands.push({ from, to, negated, active: false, ...this.#command() });
    }
  }

  #skip(characters: string): void {
    while (this.#at < this.#text.length && characters.includes(this.#text.charAt(this.#at)))
      this.#at++;
  }

  #address(): Address | undefined {
    const digits = /^[0-9]+/.exec(this.#text.slice(this.#at));
    if (digits !== null) {
      this.#at += digits[0].length;
      return { line: Number(digits[0]) };
    }
    if (this.#text[this.#at] === "$") {
      this.#at++;
      return { last: true };
    }
    if (this.#text[this.#at] !== "/") return undefined;
    this.#at++;
    return { expression: compileRegex(this.#delimited("/"), this.#extended, "") };
  }

  /** Up to an unescaped delimiter, which is taken. */
  #delimited(end: string): string {
    let text = "";
    for (;;) {
      const character = this.#text[this.#at++];
      if (character === undefined) throw new AppletError("unmatched '/'");
      if (character === end) return text;
      if (character === "\\") {
        const next = this.#text[this.#at++] ?? "";
        text += next === end ? next : `\\${next}`;
      } else text += character;
    }
  }

  #command(): Pick<
    SedCommand,
    "letter" | "expression" | "replacement" | "which" | "print" | "text"
  > {
    const letter = this.#text[this.#at++] ?? "";
    if (letter === "s") {
      const delimiter = this.#text[this.#at++] ?? "";
      const pattern = this.#delimited(delimiter);
      const replacement = this.#delimited(delimiter);
      const flags = /^[gpiI0-9]*/.exec(this.#text.slice(this.#at))?.[0] ?? "";
      this.#at += flags.length;
      const number = /[0-9]+/.exec(flags);
      return {
        letter,
        expression: compileRegex(pattern, this.#extended, /i/i.test(flags) ? "gi" : "g"),
        replacement,
        which: flags.includes("g") ? 0 : Number(number?.[0] ?? 1),
        print: flags.includes("p"),
      };
    }
    if (letter === "y") {
      const delimiter = this.#text[this.#at++] ?? "";
      return { letter, text: this.#delimited(delimiter), replacement: this.#delimited(delimiter) };
    }
    if (letter === "a" || letter === "i" || letter === "c") {
      // "a\" and a new line, or the text at once.
      const continued = /^\s*\\\n/.exec(this.#text.slice(this.#at));
      if (continued !== null) this.#at += continued[0].length;
      const end = this.#text.indexOf("\n", this.#at);
      const text = this.#text.slice(this.#at, end < 0 ? undefined : end);
      this.#at = end < 0 ? this.#text.length : end;
      return { letter, text: text.replace(/^\s*\\?\s*/, "") };
    }
    if (!"pdqD=nN".includes(letter) || letter === "")
      throw new AppletError(`unsupported command ${letter}`);
    return { letter };
  }
}

/** "&" and "\1" in a replacement. */
function replaced(template: string, match: RegExpExecArray): string {
  let text = "";
  for (let at = 0; at < template.length; at++) {
    const character = template[at] as string;
    if (character === "&") text += match[0];
    else if (character === "\\") {
      const next = template[++at] ?? "";
      if (next >= "0" && next <= "9") text += match[Number(next)] ?? "";
      else text += next === "n" ? "\n" : next === "t" ? "\t" : next;
    } else text += character;
  }
  return text;
}

function substitute(line: string, command: SedCommand): string | undefined {
  const expression = command.expression as RegExp;
  expression.lastIndex = 0;
  let result = "";
  let end = 0;
  let count = 0;
  for (let match = expression.exec(line); match !== null; match = expression.exec(line)) {
    count++;
    if (command.which === 0 || count === command.which) {
      result += line.slice(end, match.index) + replaced(command.replacement ?? "", match);
      end = match.index + match[0].length;
      if (command.which !== 0) break;
    }
    if (match[0] === "") expression.lastIndex++;
    if (expression.lastIndex > line.length) break;
  }
  return end === 0 && result === ""
    ? count > 0 && command.which === 0
      ? result + line.slice(end)
      : undefined
    : result + line.slice(end);
}

class Editor {
  readonly #commands: readonly SedCommand[];
  readonly #quiet: boolean;
  output = "";
  #number = 0;

  constructor(commands: readonly SedCommand[], quiet: boolean) {
    this.#commands = commands;
    this.#quiet = quiet;
  }

  /** False when q ended it. */
  line(text: string, last: boolean): boolean {
    return this.#line(text, ++this.#number, last);
  }

  #selects(command: SedCommand, line: string, number: number, last: boolean): boolean {
    const fits = (address: Address): boolean => {
      if ("line" in address) return address.line === number;
      return "last" in address ? last : address.expression.test(line);
    };
    const { from, to } = command;
    let selected = true;
    if (from !== undefined && to === undefined) selected = fits(from);
    else if (from !== undefined && to !== undefined) {
      selected = command.active || fits(from);
      const ends = command.active ? fits(to) : "line" in to && to.line <= number;
      if (selected) command.active = !ends;
    }
    return selected !== command.negated;
  }

  /** False when q ended it. */
  #line(original: string, number: number, last: boolean): boolean {
    let line = original;
    let after = "";
    for (const command of this.#commands) {
      if (!this.#selects(command, line, number, last)) continue;
      switch (command.letter) {
        case "d":
          this.output += after;
          return true;
        case "p":
          this.output += `${line}\n`;
          break;
        case "=":
          this.output += `${number}\n`;
          break;
        case "q":
          if (!this.#quiet) this.output += `${line}\n`;
          return false;
        case "i":
          this.output += `${command.text}\n`;
          break;
        case "a":
          after += `${command.text}\n`;
          break;
        case "c":
          this.output += `${command.text}\n`;
          return true;
        case "y":
          line = [...line]
            .map(
              (one) =>
                [...(command.replacement ?? "")][[...(command.text ?? "")].indexOf(one)] ?? one,
            )
            .join("");
          break;
        case "s": {
          const changed = substitute(line, command);
          if (changed === undefined) break;
          line = changed;
          if (command.print) this.output += `${line}\n`;
        }
      }
    }
    if (!this.#quiet) this.output += `${line}\n`;
    this.output += after;
    return true;
  }
}

function* sed(call: Call): Coroutine<void> {
  const options = parseOptions(call.args, "i::nErse:f:", { quiet: "n", silent: "n" });
  const scripts = [...options.values("e")];
  for (const file of options.values("f")) scripts.push(readFileText(call.self, file));
  let operands = options.operands;
  if (scripts.length === 0) {
    const first = operands[0];
    if (first === undefined) throw new UsageError();
    scripts.push(first);
    operands = operands.slice(1);
  }
  const extended = options.has("E") || options.has("r");
  const parse = (): SedCommand[] => new ScriptReader(scripts.join("\n"), extended).commands();
  if (options.has("i")) {
    for (const path of operands) yield* inPlace(call, path, new Editor(parse(), options.has("n")));
    return;
  }
  const editor = new Editor(parse(), options.has("n"));
  const lines = new Lines(call, operands.length === 0 ? ["-"] : operands);
  let line = yield* lines.next();
  while (line !== undefined) {
    // One line ahead, for "$".
    const next = yield* lines.next();
    const goesOn = editor.line(line.replace(/\n$/, ""), next === undefined);
    // A last line that came without a newline leaves without one.
    const cut = next === undefined && !line.endsWith("\n") && editor.output.endsWith("\n");
    call.print(cut ? editor.output.slice(0, -1) : editor.output);
    editor.output = "";
    yield* call.flush();
    if (!goesOn) break;
    line = next;
  }
}

/** Lines of several files, one after another; what cannot be opened is told. */
class Lines {
  readonly #call: Call;
  readonly #paths: string[];
  #fd = -1;
  #reader: LineReader | undefined;

  constructor(call: Call, paths: readonly string[]) {
    this.#call = call;
    this.#paths = [...paths];
  }

  *next(): Coroutine<string | undefined> {
    for (;;) {
      const line = this.#reader === undefined ? undefined : yield* this.#reader.next();
      if (line !== undefined) return line;
      if (this.#reader !== undefined) this.#call.close(this.#fd);
      this.#reader = undefined;
      const path = this.#paths.shift();
      if (path === undefined) return undefined;
      try {
        this.#fd = yield* this.#call.open(path);
        this.#reader = new LineReader(this.#call, this.#fd);
      } catch (thrown) {
        this.#call.refused(path, thrown);
      }
    }
  }
}

function* inPlace(call: Call, path: string, editor: Editor): Coroutine<void> {
  let text: string;
  try {
    text = readFileText(call.self, path);
  } catch (thrown) {
    call.refused(path, thrown);
    return;
  }
  const lines = linesOf(text);
  lines.every((line, index) => editor.line(line, index === lines.length - 1));
  const fd = openat2(call.self, AT_FDCWD, path, {
    flags: O_WRONLY | O_CREAT | O_TRUNC,
    mode: 0o644,
  });
  yield* call.put(bytesOf(editor.output), fd);
  close(call.self, fd);
}

export const sedApplets: AppletTable = { sed };
