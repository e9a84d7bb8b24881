/** What the parser makes of shell text: words with their expansions, and the commands they are in (POSIX XCU 2). */

/** One piece of a word. `quoted`: not split into fields, no pattern characters. */
export type WordPart =
  | { readonly kind: "text"; readonly text: string; readonly quoted: boolean }
  | {
      readonly kind: "parameter";
      readonly name: string;
      readonly quoted: boolean;
      readonly change?: ParameterChange;
    }
  | { readonly kind: "command"; readonly script: Command | undefined; readonly quoted: boolean }
  | { readonly kind: "arithmetic"; readonly expression: Word; readonly quoted: boolean };

export type Word = readonly WordPart[];

/** What stands behind the name in ${name...}. */
export type ParameterChange =
  | { readonly kind: "length" }
  /** "-", "=", "?", "+"; with `colon` an empty value counts as unset. */
  | {
      readonly kind: "default";
      readonly operator: "-" | "=" | "?" | "+";
      readonly colon: boolean;
      readonly word: Word;
    }
  /** "#", "##", "%", "%%". */
  | { readonly kind: "trim"; readonly operator: "#" | "##" | "%" | "%%"; readonly pattern: Word }
  | {
      readonly kind: "replace";
      readonly all: boolean;
      readonly pattern: Word;
      readonly replacement: Word;
    }
  | { readonly kind: "slice"; readonly offset: Word; readonly length: Word | undefined };

export interface Redirection {
  /** undefined: 0 for what reads, 1 for what writes. */
  readonly fd: number | undefined;
  readonly operator: "<" | ">" | ">>" | ">|" | "<>" | "<&" | ">&" | "<<";
  readonly target: Word;
}

export interface Assignment {
  readonly name: string;
  readonly value: Word;
}

export interface SimpleCommand {
  readonly kind: "simple";
  readonly assignments: readonly Assignment[];
  readonly words: readonly Word[];
  readonly redirections: readonly Redirection[];
  readonly line: number;
}

/** A compound command; `redirections` hold for all of it. */
export type CompoundCommand = { readonly redirections: readonly Redirection[] } & (
  | { readonly kind: "group"; readonly body: Command }
  | { readonly kind: "subshell"; readonly body: Command }
  | {
      readonly kind: "if";
      readonly branches: readonly { readonly condition: Command; readonly body: Command }[];
      readonly otherwise: Command | undefined;
    }
  | {
      readonly kind: "loop";
      readonly until: boolean;
      readonly condition: Command;
      readonly body: Command;
    }
  | {
      readonly kind: "for";
      readonly name: string;
      /** undefined: "$@". */
      readonly words: readonly Word[] | undefined;
      readonly body: Command;
    }
  | {
      readonly kind: "case";
      readonly word: Word;
      readonly arms: readonly {
        readonly patterns: readonly Word[];
        readonly body: Command | undefined;
      }[];
    }
);

export type Command =
  | SimpleCommand
  | CompoundCommand
  | { readonly kind: "pipeline"; readonly negated: boolean; readonly commands: readonly Command[] }
  | {
      readonly kind: "and" | "or";
      readonly left: Command;
      readonly right: Command;
    }
  | {
      readonly kind: "list";
      readonly items: readonly { readonly command: Command; readonly background: boolean }[];
    }
  | { readonly kind: "function"; readonly name: string; readonly body: Command };

/** Text that is no program. `incomplete`: more lines could make it one, as a prompt would wait for them. */
export class ShellSyntaxError {
  /** "unexpected \")\"", "unterminated quoted string". */
  readonly message: string;
  readonly line: number;
  readonly incomplete: boolean;

  constructor(message: string, line: number, incomplete: boolean) {
    this.message = message;
    this.line = line;
    this.incomplete = incomplete;
  }
}
