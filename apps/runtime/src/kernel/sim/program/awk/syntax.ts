/** What an awk program is made of: expressions, statements, rules (POSIX awk, without functions of its own). */

export type Expression =
  | { readonly kind: "number"; readonly value: number }
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "regex"; readonly expression: RegExp }
  | { readonly kind: "variable"; readonly name: string }
  | { readonly kind: "element"; readonly name: string; readonly index: readonly Expression[] }
  | { readonly kind: "field"; readonly index: Expression }
  | {
      readonly kind: "assign";
      readonly operator: string;
      readonly target: Expression;
      readonly value: Expression;
    }
  | {
      readonly kind: "step";
      readonly by: 1 | -1;
      readonly before: boolean;
      readonly target: Expression;
    }
  | { readonly kind: "unary"; readonly operator: string; readonly operand: Expression }
  | {
      readonly kind: "binary";
      readonly operator: string;
      readonly left: Expression;
      readonly right: Expression;
    }
  | {
      readonly kind: "choice";
      readonly condition: Expression;
      readonly yes: Expression;
      readonly no: Expression;
    }
  | { readonly kind: "in"; readonly index: Expression; readonly name: string }
  | { readonly kind: "call"; readonly name: string; readonly args: readonly Expression[] };

export type Statement =
  | { readonly kind: "expression"; readonly value: Expression }
  | { readonly kind: "print"; readonly format: boolean; readonly args: readonly Expression[] }
  | { readonly kind: "block"; readonly body: readonly Statement[] }
  | {
      readonly kind: "if";
      readonly condition: Expression;
      readonly yes: Statement;
      readonly no: Statement | undefined;
    }
  | {
      readonly kind: "loop";
      readonly start: Statement | undefined;
      readonly condition: Expression | undefined;
      readonly step: Statement | undefined;
      readonly body: Statement;
    }
  | {
      readonly kind: "forIn";
      readonly name: string;
      readonly array: string;
      readonly body: Statement;
    }
  | {
      readonly kind: "delete";
      readonly name: string;
      readonly index: readonly Expression[] | undefined;
    }
  | { readonly kind: "exit"; readonly code: Expression | undefined }
  | { readonly kind: "next" | "break" | "continue" };

export interface Rule {
  readonly when: "BEGIN" | "END" | Expression | undefined;
  readonly body: Statement | undefined;
}
