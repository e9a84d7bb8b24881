/**
 * The shell's grammar (POSIX XCU 2.10) by recursive descent. Text is parsed line by line, as a shell does: what
 * stands before a mistake has been run when the mistake is found.
 */
import { isName, Reader, readHereDocument, readWord } from "./read-word.ts";
import {
  type Assignment,
  type Command,
  type CompoundCommand,
  type Redirection,
  ShellSyntaxError,
  type Word,
} from "./syntax.ts";

type Token =
  | { readonly kind: "word"; readonly word: Word; readonly plain: string | undefined }
  | { readonly kind: "operator"; readonly text: string }
  | { readonly kind: "fd"; readonly fd: number }
  | { readonly kind: "newline" }
  | { readonly kind: "end" };

const operators = [
  ...["&&", "||", ";;", "<<-", "<<", ">>", "<&", ">&", "<>", ">|"],
  ...["|", "&", ";", "(", ")", "<", ">"],
] as const;
const redirections = new Set(["<", ">", ">>", ">|", "<>", "<&", ">&", "<<", "<<-"]);
const closing = new Set(["then", "else", "elif", "fi", "do", "done", "esac", "}"]);
const reserved = new Set([
  ...closing,
  ...["if", "while", "until", "for", "case", "in", "{", "!", "function"],
]);

/** A here-document whose body comes after the next newline. */
interface PendingDocument {
  readonly redirection: { target: Word };
  readonly end: string;
  readonly stripTabs: boolean;
  readonly literal: boolean;
}

/** Parses shell text, one complete line after another. */
export class Parser {
  readonly #reader: Reader;
  #next: Token | undefined;
  #documents: PendingDocument[] = [];

  constructor(text: string | Reader, line = 1) {
    this.#reader =
      typeof text === "string"
        ? new Reader(
            text,
            line,
            (reader) => new Parser(reader).#substitution(),
            (inner, at) => new Parser(inner, at).all(),
          )
        : text;
  }

  /** Where the parser is; for messages. */
  get line(): number {
    return this.#reader.line;
  }

  /** A here-document wants more lines than there were. */
  get documentOpen(): boolean {
    return this.#reader.documentOpen;
  }

  /** True when nothing but blanks and comments is left: the last line has been given out. */
  get finished(): boolean {
    if (this.#next !== undefined) return this.#next.kind === "end";
    const rest = this.#reader.text.slice(this.#reader.at);
    return rest.trim() === "";
  }

  /** The commands of the next line that has any; undefined at the end. Throws ShellSyntaxError. */
  nextLine(): Command | undefined {
    this.#skipNewlines();
    if (this.#peek().kind === "end") return undefined;
    const items: { command: Command; background: boolean }[] = [];
    for (;;) {
      const command = this.#andOr();
      const background = this.#takeOperator("&");
      items.push({ command, background });
      if (!background && !this.#takeOperator(";")) break;
      if (this.#peek().kind === "newline" || this.#peek().kind === "end") break;
    }
    const after = this.#peek();
    if (after.kind !== "newline" && after.kind !== "end") this.#unexpected();
    if (after.kind === "newline") this.#next = undefined;
    return listOf(items);
  }

  /** Everything at once. */
  all(): Command | undefined {
    const items: { command: Command; background: boolean }[] = [];
    for (let line = this.nextLine(); line !== undefined; line = this.nextLine())
      items.push({ command: line, background: false });
    return items.length === 0 ? undefined : listOf(items);
  }

  #substitution(): Command | undefined {
    const body = this.#list();
    if (!this.#takeOperator(")")) this.#unexpected(")");
    return body;
  }

  /** Commands up to something that closes them. */
  #list(): Command | undefined {
    const items: { command: Command; background: boolean }[] = [];
    for (;;) {
      this.#skipNewlines();
      if (this.#atClosing()) break;
      const command = this.#andOr();
      const background = this.#takeOperator("&");
      items.push({ command, background });
      if (!background && !this.#takeOperator(";") && this.#peek().kind !== "newline") break;
    }
    return items.length > 0 ? listOf(items) : undefined;
  }

  /** Commands that something must close: `end` is what the text lacks when it is over. */
  #body(end: string): Command {
    const body = this.#list();
    if (body !== undefined) return body;
    return this.#unexpected(this.#peek().kind === "end" ? end : undefined);
  }

  #atClosing(): boolean {
    const token = this.#peek();
    if (token.kind === "end") return true;
    if (token.kind === "operator") return token.text === ")" || token.text === ";;";
    return token.kind === "word" && token.plain !== undefined && closing.has(token.plain);
  }

  #andOr(): Command {
    let left = this.#pipeline();
    for (;;) {
      const kind = this.#takeOperator("&&") ? "and" : this.#takeOperator("||") ? "or" : undefined;
      if (kind === undefined) return left;
      this.#skipNewlines();
      left = { kind, left, right: this.#pipeline() };
    }
  }

  #pipeline(): Command {
    let negated = false;
    while (this.#takeWord("!")) negated = !negated;
    const commands = [this.#command()];
    while (this.#takeOperator("|")) {
      this.#skipNewlines();
      commands.push(this.#command());
    }
    if (!negated && commands.length === 1) return commands[0] as Command;
    return { kind: "pipeline", negated, commands };
  }

  #command(): Command {
    const token = this.#peek();
    if (token.kind === "operator" && token.text === "(") {
      this.#take();
      const body = this.#body(")");
      this.#expectOperator(")");
      return this.#redirected({ kind: "subshell", body });
    }
    if (token.kind !== "word" || token.plain === undefined || !reserved.has(token.plain))
      return this.#simple();
    switch (token.plain) {
      case "{": {
        this.#take();
        const body = this.#body("}");
        this.#expectWord("}");
        return this.#redirected({ kind: "group", body });
      }
      case "if":
        this.#take();
        return this.#redirected(this.#if());
      case "while":
      case "until": {
        this.#take();
        const condition = this.#body("do");
        const body = this.#doGroup();
        return this.#redirected({ kind: "loop", until: token.plain === "until", condition, body });
      }
      case "for":
        this.#take();
        return this.#redirected(this.#for());
      case "case":
        this.#take();
        return this.#redirected(this.#case());
      case "function": {
        this.#take();
        const name = this.#takeName();
        if (this.#takeOperator("(")) this.#expectOperator(")");
        this.#skipNewlines();
        return { kind: "function", name, body: this.#command() };
      }
      case "in":
        return this.#simple();
      default:
        return this.#unexpected();
    }
  }

  #if(): Unredirected {
    const branches: { condition: Command; body: Command }[] = [];
    let otherwise: Command | undefined;
    do {
      const condition = this.#body("then");
      this.#expectWord("then");
      branches.push({ condition, body: this.#body("fi") });
    } while (this.#takeWord("elif"));
    if (this.#takeWord("else")) otherwise = this.#body("fi");
    this.#expectWord("fi");
    return { kind: "if", branches, otherwise };
  }

  #for(): Unredirected {
    const token = this.#peek();
    if (token.kind !== "word" || token.plain === undefined || !isName(token.plain))
      throw new ShellSyntaxError("bad for loop variable", this.line, token.kind === "end");
    const name = this.#takeName();
    this.#skipNewlines();
    let words: Word[] | undefined;
    if (this.#takeWord("in")) {
      words = [];
      for (let at = this.#peek(); at.kind === "word"; at = this.#peek()) {
        words.push(at.word);
        this.#take();
      }
      if (!this.#takeOperator(";") && this.#peek().kind !== "newline") this.#unexpected();
    } else {
      this.#takeOperator(";");
    }
    return { kind: "for", name, words, body: this.#doGroup() };
  }

  #doGroup(): Command {
    this.#skipNewlines();
    this.#expectWord("do");
    const body = this.#body("done");
    this.#expectWord("done");
    return body;
  }

  #case(): Unredirected {
    const token = this.#peek();
    if (token.kind !== "word") return this.#unexpected();
    this.#take();
    this.#skipNewlines();
    this.#expectWord("in");
    const arms: { patterns: Word[]; body: Command | undefined }[] = [];
    this.#skipNewlines();
    while (!this.#takeWord("esac")) {
      this.#takeOperator("(");
      const patterns: Word[] = [];
      do {
        const pattern = this.#peek();
        if (pattern.kind !== "word")
          return this.#unexpected(pattern.kind === "end" ? ")" : undefined);
        patterns.push(pattern.word);
        this.#take();
      } while (this.#takeOperator("|"));
      this.#expectOperator(")");
      const body = this.#list();
      arms.push({ patterns, body });
      if (!this.#takeOperator(";;")) {
        this.#skipNewlines();
        const last = this.#peek();
        if (last.kind !== "word" || last.plain !== "esac") this.#unexpected(";;");
      }
      this.#skipNewlines();
    }
    return { kind: "case", word: token.word, arms };
  }

  #redirected(command: Unredirected): Command {
    const all: Redirection[] = [];
    for (let one = this.#redirection(); one !== undefined; one = this.#redirection()) all.push(one);
    return { ...command, redirections: all } as CompoundCommand;
  }

  #simple(): Command {
    const line = this.line;
    const assignments: Assignment[] = [];
    const words: Word[] = [];
    const all: Redirection[] = [];
    for (;;) {
      const redirection = this.#redirection();
      if (redirection !== undefined) {
        all.push(redirection);
        continue;
      }
      const token = this.#peek();
      if (token.kind !== "word") break;
      const assignment = words.length === 0 ? assignmentOf(token.word) : undefined;
      this.#take();
      if (assignment !== undefined) assignments.push(assignment);
      else words.push(token.word);
      if (
        words.length === 1 &&
        token.plain !== undefined &&
        assignments.length + all.length === 0
      ) {
        if (this.#takeOperator("(")) return this.#function(token.plain);
      }
    }
    if (assignments.length + words.length + all.length === 0) this.#unexpected();
    return { kind: "simple", assignments, words, redirections: all, line };
  }

  #function(name: string): Command {
    this.#expectOperator(")");
    if (!isName(name)) throw new ShellSyntaxError("bad function name", this.line, false);
    this.#skipNewlines();
    return { kind: "function", name, body: this.#command() };
  }

  #redirection(): Redirection | undefined {
    let token = this.#peek();
    let fd: number | undefined;
    if (token.kind === "fd") {
      fd = token.fd;
      this.#take();
      token = this.#peek();
    }
    if (token.kind !== "operator" || !redirections.has(token.text)) return undefined;
    this.#take();
    const word = this.#peek();
    if (word.kind !== "word") return this.#unexpected();
    this.#take();
    if (token.text !== "<<" && token.text !== "<<-")
      return { fd, operator: token.text as Redirection["operator"], target: word.word };
    const redirection: { fd: number | undefined; operator: "<<"; target: Word } = {
      fd,
      operator: "<<",
      target: [],
    };
    this.#documents.push({
      redirection,
      end: word.word.map((part) => (part.kind === "text" ? part.text : "")).join(""),
      stripTabs: token.text === "<<-",
      literal: word.word.some((part) => part.quoted),
    });
    return redirection;
  }

  #skipNewlines(): void {
    while (this.#peek().kind === "newline") this.#take();
  }

  #takeName(): string {
    const token = this.#peek();
    if (token.kind !== "word" || token.plain === undefined) return this.#unexpected();
    this.#take();
    return token.plain;
  }

  #takeOperator(text: string): boolean {
    const token = this.#peek();
    if (token.kind !== "operator" || token.text !== text) return false;
    this.#next = undefined;
    return true;
  }

  #takeWord(text: string): boolean {
    const token = this.#peek();
    if (token.kind !== "word" || token.plain !== text) return false;
    this.#next = undefined;
    return true;
  }

  #expectOperator(text: string): void {
    if (!this.#takeOperator(text)) this.#unexpected(text);
  }

  #expectWord(text: string): void {
    this.#skipNewlines();
    if (!this.#takeWord(text)) this.#unexpected(text);
  }

  #unexpected(expected?: string): never {
    const token = this.#peek();
    const what = describe(token);
    const behind = expected === undefined ? "" : ` (expecting "${expected}")`;
    throw new ShellSyntaxError(`unexpected ${what}${behind}`, this.line, token.kind === "end");
  }

  #take(): void {
    this.#next = undefined;
  }

  #peek(): Token {
    this.#next ??= this.#read();
    return this.#next;
  }

  #read(): Token {
    const reader = this.#reader;
    for (;;) {
      const character = reader.peek();
      if (character === " " || character === "\t" || character === "\r") reader.take();
      else if (character === "\\" && reader.peek(1) === "\n") reader.takeIf("\\\n");
      else if (character === "#") while (!reader.ended && reader.peek() !== "\n") reader.take();
      else break;
    }
    if (reader.ended) {
      this.#readDocuments();
      return { kind: "end" };
    }
    if (reader.takeIf("\n")) {
      this.#readDocuments();
      return { kind: "newline" };
    }
    for (const operator of operators)
      if (reader.takeIf(operator)) return { kind: "operator", text: operator };
    const word = readWord(reader) ?? [];
    const first = word[0];
    const plain =
      word.length === 1 && first?.kind === "text" && !first.quoted ? first.text : undefined;
    const next = reader.peek();
    if (
      plain !== undefined &&
      (next === "<" || next === ">") &&
      plain.length === 1 &&
      plain >= "0" &&
      plain <= "9"
    )
      return { kind: "fd", fd: Number(plain) };
    return { kind: "word", word, plain };
  }

  #readDocuments(): void {
    if (this.#documents.length === 0) return;
    const documents = this.#documents;
    this.#documents = [];
    for (const { redirection, end, stripTabs, literal } of documents) {
      redirection.target = readHereDocument(this.#reader, end, stripTabs, literal);
    }
  }
}

type Unredirected = CompoundCommand extends infer One
  ? One extends CompoundCommand
    ? Omit<One, "redirections">
    : never
  : never;

function listOf(items: readonly { command: Command; background: boolean }[]): Command {
  const first = items[0];
  if (items.length === 1 && first !== undefined && !first.background) return first.command;
  return { kind: "list", items };
}

/** "NAME=value" at the begin of a word. */
function assignmentOf(word: Word): Assignment | undefined {
  const first = word[0];
  if (first?.kind !== "text" || first.quoted) return undefined;
  const equals = first.text.indexOf("=");
  if (equals <= 0 || !isName(first.text.slice(0, equals))) return undefined;
  const rest = first.text.slice(equals + 1);
  const value: Word =
    rest === "" ? word.slice(1) : [{ kind: "text", text: rest, quoted: false }, ...word.slice(1)];
  return { name: first.text.slice(0, equals), value };
}

function describe(token: Token): string {
  if (token.kind === "end") return "end of file";
  if (token.kind === "newline") return "newline";
  if (token.kind === "operator")
    return redirections.has(token.text) ? "redirection" : `"${token.text}"`;
  if (token.kind === "fd") return "redirection";
  return token.plain !== undefined && reserved.has(token.plain) ? `"${token.plain}"` : "word";
}
