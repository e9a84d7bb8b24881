import { describe, expect, it } from "vitest";
import { Parser } from "./parse.ts";
import { type Command, ShellSyntaxError, type Word } from "./syntax.ts";

/** A command as a line of brackets, short enough for a table. */
function show(command: Command | undefined): string {
  if (command === undefined) return "";
  switch (command.kind) {
    case "simple": {
      const parts = command.assignments.map(({ name, value }) => `${name}=${word(value)}`);
      parts.push(...command.words.map(word));
      for (const { fd, operator, target } of command.redirections)
        parts.push(`${fd ?? ""}${operator}${word(target)}`);
      return `[${parts.join(" ")}]`;
    }
    case "pipeline":
      return `${command.negated ? "!" : ""}(${command.commands.map(show).join(" | ")})`;
    case "and":
    case "or":
      return `(${show(command.left)} ${command.kind} ${show(command.right)})`;
    case "list":
      return command.items
        .map((item) => show(item.command) + (item.background ? "&" : ";"))
        .join("");
    case "group":
      return `{${show(command.body)}}`;
    case "subshell":
      return `(${show(command.body)})`;
    case "if":
      return `if${command.branches.map((one) => ` ${show(one.condition)}?${show(one.body)}`).join("")} else ${show(command.otherwise)}`;
    case "loop":
      return `${command.until ? "until" : "while"} ${show(command.condition)} do ${show(command.body)}`;
    case "for":
      return `for ${command.name} in ${command.words?.map(word).join(",") ?? "@"} do ${show(command.body)}`;
    case "case":
      return `case ${word(command.word)}${command.arms.map((arm) => ` ${arm.patterns.map(word).join("|")})${show(arm.body)}`).join("")}`;
    case "function":
      return `${command.name}()${show(command.body)}`;
  }
}

function word(parts: Word): string {
  return parts
    .map((part) => {
      if (part.kind === "text") return part.quoted ? `'${part.text}'` : part.text;
      const quote = part.quoted ? '"' : "";
      if (part.kind === "parameter")
        return `${quote}$${part.name}${part.change === undefined ? "" : `:${part.change.kind}`}${quote}`;
      if (part.kind === "command") return `${quote}$(${show(part.script)})${quote}`;
      return `${quote}$((${word(part.expression)}))${quote}`;
    })
    .join("");
}

describe("what is parsed", () => {
  it.each([
    ["echo a 'b c' d\"e\"", "[echo a 'b c' d'e']"],
    ["a=1 b= c", "[a=1 b= c]"],
    [
      "a | b && c || ! d; e & f",
      "(([a] | [b]) and [c]) or !([d]);[e]&[f];"
        .replace("(([a]", "((([a]")
        .replace(" or !([d]);", " or !([d]));"),
    ],
    ["x >f 2>&1 <<E\nbody $y\nE", "[x >f 2>&1 <<'body '\"$y\"'\n']"],
    ["(a; b) >f", "([a];[b];)"],
    ["{ a; }", "{[a]}"],
    ["if a; then b; elif c; then d; else e; fi", "if [a]?[b] [c]?[d] else [e]"],
    ["while a; do b; done", "while [a] do [b]"],
    ["for i in 1 $x; do b; done", "for i in 1,$x do [b]"],
    ["for i; do b; done", "for i in @ do [b]"],
    ["case $x in a|b) c;; (*) ;; esac", "case $x a|b)[c] *)"],
    ["f() { a; }", "f(){[a]}"],
    ["echo $(a | b) `c` $((1+$x))", "[echo $(([a] | [b])) $([c]) $(('1+'\"$x\"))]"],
    [
      // biome-ignore lint/suspicious/noTemplateCurlyInString: this is shell
      "echo ${x:-y} ${#x} ${x##*/} ${x/a/b} ${x:1:2} $1 $@",
      "[echo $x:default $x:length $x:trim $x:replace $x:slice $1 $@]",
    ],
    ["echo a\\\nb # comment", "[echo ab]"],
    ['echo "$(echo "x")"', "[echo \"$([echo 'x'])\"]"],
    ["echo if then", "[echo if then]"],
    ["case x in x) echo $(case y in y) z;; esac);; esac", "case x x)[echo $(case y y)[z])]"],
  ])("%s", (text, shape) => {
    expect(show(new Parser(text).all())).toBe(shape);
  });
});

describe("what is no program", () => {
  it.each([
    ["if", 'unexpected end of file (expecting "then")', true],
    ["if a; fi", 'unexpected "fi" (expecting "then")', false],
    ['echo "a', "unterminated quoted string", true],
    ["a | | b", 'unexpected "|"', false],
    [")", 'unexpected ")"', false],
    ["while a; do", 'unexpected end of file (expecting "done")', true],
    ["echo >", "unexpected end of file", true],
    ["echo > > f", "unexpected redirection", false],
    ["echo ${x", "missing '}'", true],
    ["f( x", 'unexpected word (expecting ")")', false],
    ["{ a", 'unexpected end of file (expecting "}")', true],
  ])("%s", (text, message, incomplete) => {
    let thrown: unknown;
    try {
      new Parser(text).all();
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(ShellSyntaxError);
    expect(thrown).toMatchObject({ message, incomplete });
  });
});

it("gives out lines one by one, so that a mistake does not keep what is before it from running", () => {
  const parser = new Parser("a\nb; c\n)\n");
  expect(show(parser.nextLine())).toBe("[a]");
  expect(show(parser.nextLine())).toBe("[b];[c];");
  expect(() => parser.nextLine()).toThrow();
  expect(parser.line).toBe(3);
});
