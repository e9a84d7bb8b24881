/**
 * Word expansions in the order of POSIX XCU 2.6: tilde, parameters, commands, arithmetic, field splitting,
 * pathnames, quote removal. A coroutine, because a command substitution runs processes.
 */
import type { Coroutine } from "../../task.ts";
import { tryFileText } from "../file-text.ts";
import { ArithmeticError, evaluateArithmetic } from "./arithmetic.ts";
import { ShellError } from "./control.ts";
import { expandPath } from "./glob.ts";
import { isPattern, literalPattern, matchPattern, replace, trim } from "./pattern.ts";
import type { Shell } from "./shell.ts";
import type { Command, ParameterChange, Word, WordPart } from "./syntax.ts";

/** Runs a command substitution and gives its output without trailing newlines; the executor's work. */
export type Substitute = (shell: Shell, script: Command | undefined) => Coroutine<string>;

/** One field that is being made: its text, and the same as a pattern in which quoted characters are themselves. */
class Fields {
  readonly done: { text: string; pattern: string }[] = [];
  text = "";
  pattern = "";
  /** A field exists, be it empty (because something was quoted). */
  present = false;

  add(text: string, quoted: boolean): void {
    this.text += text;
    this.pattern += quoted ? literalPattern(text) : text;
    if (quoted || text !== "") this.present = true;
  }

  end(): void {
    if (this.present) this.done.push({ text: this.text, pattern: this.pattern });
    this.text = "";
    this.pattern = "";
    this.present = false;
  }
}

export class Expander {
  readonly #shell: Shell;
  readonly #substitute: Substitute;

  constructor(shell: Shell, substitute: Substitute) {
    this.#shell = shell;
    this.#substitute = substitute;
  }

  /** The fields of some words: arguments of a command, the list of a for loop. */
  *fields(words: readonly Word[], paths = true): Coroutine<string[]> {
    const result: string[] = [];
    for (const word of words) {
      const only = word.length === 1 ? word[0] : undefined;
      if (only?.kind === "text" && (only.quoted || plain(only.text))) {
        result.push(only.text);
        continue;
      }
      const fields = new Fields();
      yield* this.#word(word, fields, true);
      fields.end();
      for (const { text, pattern } of fields.done) {
        const glob = paths && !this.#shell.has("noglob") && isPattern(pattern);
        const found = glob ? expandPath(this.#shell.self, pattern) : [];
        if (found.length > 0) result.push(...found);
        else result.push(text);
      }
    }
    return result;
  }

  /** One text, neither split nor matched against files: the value of an assignment, a redirection's target. */
  *text(word: Word): Coroutine<string> {
    const fields = new Fields();
    yield* this.#word(word, fields, false);
    return fields.text;
  }

  /** The value of an assignment: a tilde also counts after each ":" (PATH=~/bin:~/sbin). */
  *assigned(word: Word): Coroutine<string> {
    const home = this.#shell.get("HOME");
    const tildes = word.some(
      (part) => part.kind === "text" && !part.quoted && part.text.includes(":~"),
    );
    if (home === undefined || !tildes) return yield* this.text(word);
    return yield* this.text(
      word.map((part) =>
        part.kind === "text" && !part.quoted
          ? { ...part, text: part.text.replace(/:~(?=[/:]|$)/g, () => `:${home}`) }
          : part,
      ),
    );
  }

  /** A pattern of case, ${x#p} and the like. */
  *pattern(word: Word): Coroutine<string> {
    const fields = new Fields();
    yield* this.#word(word, fields, false);
    return fields.pattern;
  }

  /** Value of an arithmetic expression, as text. */
  *arithmetic(expression: Word): Coroutine<string> {
    const text = yield* this.text(expression);
    try {
      const shell = this.#shell;
      return evaluateArithmetic(text, {
        get: (name) => {
          const value = shell.get(name);
          if (value === undefined && shell.has("nounset"))
            throw new ShellError(`${name}: parameter not set`);
          return value;
        },
        set: (name, value) => shell.set(name, value),
      }).toString();
    } catch (thrown) {
      if (thrown instanceof ArithmeticError) throw new ShellError(thrown.message);
      throw thrown;
    }
  }

  *#word(word: Word, fields: Fields, split: boolean): Coroutine<void> {
    for (let index = 0; index < word.length; index++) {
      const part = word[index] as WordPart;
      if (part.kind === "text") {
        const first = index === 0 && !part.quoted && part.text.startsWith("~");
        const alone = first ? this.#tilde(part.text, word.length === 1) : undefined;
        if (alone === undefined) fields.add(part.text, part.quoted);
        else {
          fields.add(alone.home, true);
          fields.add(alone.rest, false);
        }
      } else if (part.kind === "command") {
        const output = yield* this.#substitute(this.#shell, part.script);
        this.#value(output, part.quoted, fields, split);
      } else if (part.kind === "arithmetic") {
        this.#value(yield* this.arithmetic(part.expression), part.quoted, fields, split);
      } else if ((part.name === "@" || part.name === "*") && part.change?.kind !== "length") {
        yield* this.#all(part, fields, split);
      } else {
        yield* this.#parameter(part, fields, split);
      }
    }
  }

  /** "~" and "~user" at the begin of a word, up to the first "/". */
  #tilde(text: string, whole: boolean): { home: string; rest: string } | undefined {
    const slash = text.indexOf("/");
    if (slash < 0 && !whole) return undefined;
    const user = slash < 0 ? text.slice(1) : text.slice(1, slash);
    const rest = slash < 0 ? "" : text.slice(slash);
    if (user === "") {
      const home = this.#shell.get("HOME");
      return home === undefined ? undefined : { home, rest };
    }
    const passwd = tryFileText(this.#shell.self, "/etc/passwd") ?? "";
    const entry = passwd.split("\n").find((line) => line.startsWith(`${user}:`));
    const home = entry?.split(":")[5];
    return home === undefined ? undefined : { home, rest };
  }

  /** "$@" and "$*". */
  *#all(part: WordPart & { kind: "parameter" }, fields: Fields, split: boolean): Coroutine<void> {
    const values = this.#shell.positional;
    const { change, quoted } = part;
    if (change?.kind === "default") {
      const set = values.length > 0 && !(change.colon && values.join("") === "");
      if (set === (change.operator === "+")) {
        yield* this.#word(requote(change.word, quoted), fields, split && !quoted);
        return;
      }
      if (!set) return;
    }
    const separator = this.#separator();
    if (quoted && part.name === "*") {
      fields.add(values.join(separator), true);
      return;
    }
    if (!split) {
      fields.add(values.join(part.name === "*" ? separator : " "), true);
      return;
    }
    values.forEach((value, index) => {
      if (index > 0) fields.end();
      if (quoted) fields.add(value, true);
      else this.#split(value, fields);
    });
  }

  /** What joins "$*": the first character of IFS. */
  #separator(): string {
    const ifs = this.#shell.get("IFS");
    return ifs === undefined ? " " : ifs.charAt(0);
  }

  *#parameter(
    part: WordPart & { kind: "parameter" },
    fields: Fields,
    split: boolean,
  ): Coroutine<void> {
    const { name, quoted, change } = part;
    const value = this.#shell.parameter(name);
    if (change?.kind === "default") {
      const set = value !== undefined && !(change.colon && value === "");
      if (change.operator === "+" ? set : !set) {
        yield* this.#defaultOf(part, change, fields, split);
        return;
      }
      if (set && change.operator !== "+") this.#value(value ?? "", quoted, fields, split);
      else if (quoted) fields.add("", true);
      return;
    }
    if (value === undefined && this.#shell.has("nounset") && !"?$!#-".includes(name))
      throw new ShellError(`${name}: parameter not set`);
    const text =
      change === undefined ? (value ?? "") : yield* this.#changed(value ?? "", part, change);
    this.#value(text, quoted, fields, split);
  }

  *#defaultOf(
    part: WordPart & { kind: "parameter" },
    change: ParameterChange & { kind: "default" },
    fields: Fields,
    split: boolean,
  ): Coroutine<void> {
    const { name, quoted } = part;
    if (change.operator === "?") {
      const message = yield* this.text(change.word);
      const usual = change.colon ? "parameter not set or null" : "parameter not set";
      throw new ShellError(`${name}: ${message === "" ? usual : message}`);
    }
    if (change.operator === "=") {
      const value = yield* this.text(change.word);
      this.#shell.set(name, value);
      this.#value(value, quoted, fields, split);
      return;
    }
    if (quoted) fields.add("", true);
    if (!split || quoted) yield* this.#word(requote(change.word, quoted), fields, split && !quoted);
    else yield* this.#splitWord(change.word, fields);
  }

  /** The word behind ":-" outside quotes: its own unquoted text is split too. */
  *#splitWord(word: Word, fields: Fields): Coroutine<void> {
    for (const part of word) {
      if (part.kind === "text" && !part.quoted && !part.text.startsWith("~"))
        this.#split(part.text, fields);
      else yield* this.#word([part], fields, true);
    }
  }

  *#changed(
    value: string,
    part: WordPart & { kind: "parameter" },
    change: ParameterChange,
  ): Coroutine<string> {
    switch (change.kind) {
      case "length":
        if (part.name === "@" || part.name === "*") return String(this.#shell.positional.length);
        return String([...value].length);
      case "trim":
        return trim(value, change.operator, yield* this.pattern(change.pattern));
      case "replace": {
        const pattern = yield* this.pattern(change.pattern);
        return replace(value, pattern, yield* this.text(change.replacement), change.all);
      }
      case "slice": {
        let offset = Number(yield* this.arithmetic(change.offset));
        if (offset < 0) offset = Math.max(0, value.length + offset);
        if (change.length === undefined) return value.slice(offset);
        const length = Number(yield* this.arithmetic(change.length));
        return length < 0 ? value.slice(offset, length) : value.slice(offset, offset + length);
      }
      default:
        return value;
    }
  }

  #value(text: string, quoted: boolean, fields: Fields, split: boolean): void {
    if (quoted || !split) fields.add(text, quoted);
    else this.#split(text, fields);
  }

  /** Field splitting (XCU 2.6.5): white space of IFS joins, any other separator stands between two fields. */
  #split(text: string, fields: Fields): void {
    const ifs = this.#shell.get("IFS") ?? " \t\n";
    if (ifs === "") {
      fields.add(text, false);
      return;
    }
    let start = 0;
    let at = 0;
    const flush = (): void => {
      if (at > start) fields.add(text.slice(start, at), false);
    };
    while (at < text.length) {
      if (!ifs.includes(text.charAt(at))) {
        at++;
        continue;
      }
      flush();
      let hard = false;
      while (at < text.length && ifs.includes(text.charAt(at))) {
        if (!" \t\n".includes(text.charAt(at))) {
          if (hard) break;
          hard = true;
        }
        at++;
      }
      if (hard) fields.present = true;
      fields.end();
      start = at;
    }
    flush();
  }
}

/** Inside double quotes, the word of ${x:-word} is quoted as well. */
function requote(word: Word, quoted: boolean): Word {
  return quoted ? word.map((part) => ({ ...part, quoted: true })) : word;
}

/** Text without anything to expand. */
function plain(text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    const character = text[index];
    if (character === "*" || character === "?" || character === "[" || character === "~")
      return false;
  }
  return true;
}

/** Whether `text` fits one of the patterns of a case arm. */
export function* matchesAny(
  expander: Expander,
  patterns: readonly Word[],
  text: string,
): Coroutine<boolean> {
  for (const pattern of patterns)
    if (matchPattern(yield* expander.pattern(pattern), text)) return true;
  return false;
}
