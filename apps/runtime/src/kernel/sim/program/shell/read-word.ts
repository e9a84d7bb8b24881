/**
 * From characters to words: quotes, parameters, substitutions, as POSIX XCU 2.2 and 2.6 have them, with the
 * few extensions ash knows ($'...', ${x/a/b}, ${x:1:2}).
 */
import {
  type Command,
  type ParameterChange,
  ShellSyntaxError,
  type Word,
  type WordPart,
} from "./syntax.ts";

/** Shell text and where the reader is in it. */
export class Reader {
  readonly text: string;
  at = 0;
  line: number;
  /** A here-document reached the end of the text before its own: a prompt would wait for more. */
  documentOpen = false;
  /** Parses what stands in "$(" up to its ")": the command parser, which this file does not see. */
  readonly substitution: (reader: Reader) => Command | undefined;
  /** Parses a whole text: what stands between backquotes. */
  readonly whole: (text: string, line: number) => Command | undefined;

  constructor(
    text: string,
    line: number,
    substitution: (reader: Reader) => Command | undefined,
    whole: (text: string, line: number) => Command | undefined,
  ) {
    this.text = text;
    this.line = line;
    this.substitution = substitution;
    this.whole = whole;
  }

  get ended(): boolean {
    return this.at >= this.text.length;
  }

  /** The character `ahead` of here; "" behind the end. */
  peek(ahead = 0): string {
    return this.text.charAt(this.at + ahead);
  }

  take(): string {
    const character = this.text.charAt(this.at++);
    if (character === "\n") this.line++;
    return character;
  }

  takeIf(expected: string): boolean {
    if (!this.text.startsWith(expected, this.at)) return false;
    for (let index = 0; index < expected.length; index++) this.take();
    return true;
  }

  fail(message: string, incomplete = false): never {
    throw new ShellSyntaxError(message, this.line, incomplete);
  }
}

/** Gathers parts of a word; neighbouring texts of one kind become one. */
class Parts {
  readonly parts: WordPart[] = [];
  #text = "";
  #quoted = false;
  #open = false;

  text(text: string, quoted: boolean): void {
    if (this.#open && this.#quoted !== quoted) this.#close();
    this.#text += text;
    this.#quoted = quoted;
    this.#open = true;
  }

  part(part: WordPart): void {
    if (part.kind === "text") {
      this.text(part.text, part.quoted);
      return;
    }
    this.#close();
    this.parts.push(part);
  }

  done(): Word {
    this.#close();
    return this.parts;
  }

  #close(): void {
    if (this.#open) this.parts.push({ kind: "text", text: this.#text, quoted: this.#quoted });
    this.#text = "";
    this.#open = false;
  }
}

const breaks = new Set([" ", "\t", "\n", ";", "&", "|", "<", ">", "(", ")", ""]);

/** A word of a command; undefined when none begins here. */
export function readWord(reader: Reader): Word | undefined {
  if (breaks.has(reader.peek())) return undefined;
  const parts = new Parts();
  while (!breaks.has(reader.peek())) readPiece(reader, parts, false);
  return parts.done();
}

/** One character, quotation or expansion. `quoted`: inside double quotes, where ' is an ordinary character. */
function readPiece(reader: Reader, parts: Parts, quoted: boolean): void {
  const character = reader.peek();
  if (character === "\\") {
    reader.take();
    if (reader.takeIf("\n")) return;
    if (reader.ended) parts.text("\\", quoted);
    else if (quoted && !'$`"\\}'.includes(reader.peek())) parts.text("\\", true);
    else parts.text(reader.take(), true);
  } else if (character === "'" && !quoted) {
    reader.take();
    parts.text(readUntil(reader, "'"), true);
  } else if (character === '"') {
    reader.take();
    readDoubleQuoted(reader, parts);
  } else if (character === "$") {
    readDollar(reader, parts, quoted);
  } else if (character === "`") {
    parts.part(readBackquoted(reader, quoted));
  } else {
    parts.text(reader.take(), quoted);
  }
}

function readUntil(reader: Reader, end: string): string {
  let text = "";
  while (!reader.takeIf(end)) {
    if (reader.ended) reader.fail("unterminated quoted string", true);
    text += reader.take();
  }
  return text;
}

function readDoubleQuoted(reader: Reader, parts: Parts): void {
  // An empty pair is a field; "$@" without parameters is none.
  if (reader.peek() === '"') parts.text("", true);
  while (!reader.takeIf('"')) {
    if (reader.ended) reader.fail("unterminated quoted string", true);
    readPiece(reader, parts, true);
  }
}

const special = new Set([
  "?",
  "$",
  "!",
  "@",
  "*",
  "#",
  "-",
  "0",
  "1",
  "2",
  "3",
  "4",
  "5",
  "6",
  "7",
  "8",
  "9",
]);

function isNameStart(character: string): boolean {
  return (
    (character >= "a" && character <= "z") ||
    (character >= "A" && character <= "Z") ||
    character === "_"
  );
}

function isDigit(character: string): boolean {
  return character >= "0" && character <= "9";
}

/** True for what can name a variable: "a_1". */
export function isName(text: string): boolean {
  if (!isNameStart(text.charAt(0))) return false;
  for (let index = 1; index < text.length; index++) {
    const character = text.charAt(index);
    if (!isNameStart(character) && !isDigit(character)) return false;
  }
  return true;
}

function readName(reader: Reader): string {
  let name = "";
  while (isNameStart(reader.peek()) || (name !== "" && isDigit(reader.peek())))
    name += reader.take();
  return name;
}

/** "$" and what follows: parameter, $(...), $((...)), $'...'; a lonely "$" is itself. */
function readDollar(reader: Reader, parts: Parts, quoted: boolean): void {
  reader.take();
  if (reader.takeIf("((")) {
    parts.part({ kind: "arithmetic", expression: readArithmetic(reader), quoted });
  } else if (reader.takeIf("(")) {
    parts.part({ kind: "command", script: reader.substitution(reader), quoted });
  } else if (reader.takeIf("{")) {
    parts.part(readBraced(reader, quoted));
  } else if (!quoted && reader.takeIf("'")) {
    parts.text(readEscaped(reader), true);
  } else if (special.has(reader.peek())) {
    parts.part({ kind: "parameter", name: reader.take(), quoted });
  } else {
    const name = readName(reader);
    if (name === "") parts.text("$", quoted);
    else parts.part({ kind: "parameter", name, quoted });
  }
}

const escapes: Readonly<Record<string, string>> = {
  n: "\n",
  t: "\t",
  r: "\r",
  a: "\x07",
  b: "\b",
  f: "\f",
  v: "\v",
  e: "\x1b",
};

function readEscaped(reader: Reader): string {
  let text = "";
  while (!reader.takeIf("'")) {
    if (reader.ended) reader.fail("unterminated quoted string", true);
    const character = reader.take();
    if (character !== "\\") {
      text += character;
      continue;
    }
    const escaped = reader.take();
    if (escaped === "x") {
      let digits = "";
      while (digits.length < 2 && "0123456789abcdefABCDEF".includes(reader.peek() || "-"))
        digits += reader.take();
      text += String.fromCharCode(Number.parseInt(digits || "0", 16));
    } else if (escaped >= "0" && escaped <= "7") {
      let digits = escaped;
      while (digits.length < 3 && reader.peek() >= "0" && reader.peek() <= "7")
        digits += reader.take();
      text += String.fromCharCode(Number.parseInt(digits, 8));
    } else {
      text += escapes[escaped] ?? ("'\"\\?".includes(escaped) ? escaped : `\\${escaped}`);
    }
  }
  return text;
}

/** Between "$((" and "))", with its expansions. */
function readArithmetic(reader: Reader): Word {
  const parts = new Parts();
  let depth = 0;
  for (;;) {
    const character = reader.peek();
    if (reader.ended) reader.fail("missing '))'", true);
    if (character === "(") depth++;
    if (character === ")" && depth-- === 0) {
      if (!reader.takeIf("))")) reader.fail("missing '))'");
      return parts.done();
    }
    if (character === '"') reader.take();
    else readPiece(reader, parts, true);
  }
}

/** Behind "${". */
function readBraced(reader: Reader, quoted: boolean): WordPart {
  if (reader.peek() === "#" && reader.peek(1) !== "}" && !"-+=?:#%".includes(reader.peek(1))) {
    reader.take();
    const name = special.has(reader.peek()) ? reader.take() : readName(reader);
    if (!reader.takeIf("}")) reader.fail("bad substitution");
    return { kind: "parameter", name, quoted, change: { kind: "length" } };
  }
  let name = "";
  if (isDigit(reader.peek())) while (isDigit(reader.peek())) name += reader.take();
  else name = special.has(reader.peek()) ? reader.take() : readName(reader);
  if (name === "") reader.fail("bad substitution");
  if (reader.takeIf("}")) return { kind: "parameter", name, quoted };
  if (reader.ended) reader.fail("missing '}'", true);
  return { kind: "parameter", name, quoted, change: readChange(reader, quoted) };
}

function readChange(reader: Reader, quoted: boolean): ParameterChange {
  const colon = reader.takeIf(":");
  const operator = reader.peek();
  if (operator === "-" || operator === "=" || operator === "?" || operator === "+") {
    reader.take();
    return { kind: "default", operator, colon, word: readBracedWord(reader, quoted, "}") };
  }
  if (colon) {
    const offset = readBracedWord(reader, true, ":}");
    const length =
      reader.text.charAt(reader.at - 1) === ":" ? readBracedWord(reader, true, "}") : undefined;
    return { kind: "slice", offset, length };
  }
  for (const trim of ["##", "#", "%%", "%"] as const) {
    if (reader.takeIf(trim))
      return { kind: "trim", operator: trim, pattern: readBracedWord(reader, false, "}") };
  }
  if (reader.takeIf("/")) {
    const all = reader.takeIf("/");
    const pattern = readBracedWord(reader, false, "/}");
    const more = reader.text.charAt(reader.at - 1) === "/";
    const replacement = more ? readBracedWord(reader, false, "}") : [];
    return { kind: "replace", all, pattern, replacement };
  }
  return reader.fail("bad substitution");
}

/** Up to one of the `ends`, which is taken. */
function readBracedWord(reader: Reader, quoted: boolean, ends: string): Word {
  const parts = new Parts();
  while (!ends.includes(reader.peek() || "\0")) {
    if (reader.ended) reader.fail("missing '}'", true);
    readPiece(reader, parts, quoted);
  }
  reader.take();
  return parts.done();
}

/** `...`: a backslash counts only before "$", "`" and "\" (and '"' inside double quotes). */
function readBackquoted(reader: Reader, quoted: boolean): WordPart {
  reader.take();
  const line = reader.line;
  let text = "";
  while (!reader.takeIf("`")) {
    if (reader.ended) reader.fail("EOF in backquote substitution", true);
    if (reader.peek() === "\\" && "$`\\".includes(reader.peek(1) || "\0")) reader.take();
    else if (quoted && reader.peek() === "\\" && reader.peek(1) === '"') reader.take();
    text += reader.take();
  }
  return { kind: "command", script: reader.whole(text, line), quoted };
}

/** A here-document's body as a word: expansions as in double quotes, where '"' is an ordinary character. */
export function readHereDocument(
  reader: Reader,
  end: string,
  stripTabs: boolean,
  literal: boolean,
): Word {
  let text = "";
  const line = reader.line;
  while (!reader.ended) {
    let one = "";
    while (!reader.ended && reader.peek() !== "\n") one += reader.take();
    const last = reader.ended;
    reader.take();
    if (stripTabs) one = one.replace(/^\t+/, "");
    if (one === end) break;
    text += last ? one : `${one}\n`;
    if (last) reader.documentOpen = true;
  }
  if (literal) return [{ kind: "text", text, quoted: true }];
  const body = new Reader(text, line, reader.substitution, reader.whole);
  const parts = new Parts();
  while (!body.ended) {
    if (body.peek() === '"') parts.text(body.take(), true);
    else if (body.peek() === "\\" && body.peek(1) === '"') parts.text(body.take(), true);
    else readPiece(body, parts, true);
  }
  return parts.done();
}
