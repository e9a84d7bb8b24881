/** Regular expressions of POSIX (regex(7)), basic and extended, as the ones of JavaScript. */
import { AppletError } from "./call.ts";

const classes: Readonly<Record<string, string>> = {
  alpha: "a-zA-Z",
  digit: "0-9",
  alnum: "a-zA-Z0-9",
  upper: "A-Z",
  lower: "a-z",
  space: "\\s",
  blank: " \\t",
  punct: "!-\\/:-@\\[-`{-~",
  xdigit: "0-9A-Fa-f",
  cntrl: "\\x00-\\x1f\\x7f",
  print: "\\x20-\\x7e",
  graph: "\\x21-\\x7e",
};

/** "[...]" at `at`: its translation and where it ends. */
function bracket(pattern: string, at: number): { readonly text: string; readonly end: number } {
  let index = at + 1;
  let text = "[";
  if (pattern[index] === "^") {
    text += "^";
    index++;
  }
  for (let first = true; ; first = false) {
    const character = pattern[index];
    if (character === undefined) throw new AppletError("bad regex: Unmatched [ or [^", 2);
    if (character === "]" && !first) return { text: `${text}]`, end: index + 1 };
    const named = /^\[:([a-z]+):\]/.exec(pattern.slice(index));
    if (named !== null) {
      text += classes[named[1] as string] ?? "";
      index += named[0].length;
      continue;
    }
    text +=
      character === "\\" || character === "[" || character === "]" ? `\\${character}` : character;
    index++;
  }
}

/** Translates; `extended` for egrep and sed -E. Unknown syntax is refused as regcomp would. */
export function translateRegex(pattern: string, extended: boolean): string {
  let result = "";
  let begin = true;
  for (let at = 0; at < pattern.length; ) {
    const character = pattern[at] as string;
    const starts = begin;
    begin = false;
    if (character === "[") {
      const found = bracket(pattern, at);
      result += found.text;
      at = found.end;
      continue;
    }
    if (character === "\\") {
      const next = pattern[at + 1];
      if (next === undefined) throw new AppletError("bad regex: Trailing backslash", 2);
      at += 2;
      if (!extended && "(){}|+?".includes(next)) {
        result += next;
        begin = next === "(" || next === "|";
      } else if (/[1-9wWsSbB]/.test(next)) result += `\\${next}`;
      else if (next === "<" || next === ">") result += "\\b";
      else if (next === "n" || next === "t") result += `\\${next}`;
      else result += escapeRegex(next);
      continue;
    }
    at++;
    if (character === "*" && starts) result += "\\*";
    else if (!extended && "(){}|+?".includes(character)) result += `\\${character}`;
    else if (character === "^" && !extended && !starts) result += "\\^";
    else if (
      character === "$" &&
      !extended &&
      at < pattern.length &&
      !pattern.startsWith("\\)", at) &&
      !pattern.startsWith("\\|", at)
    )
      result += "\\$";
    else if (character === "/") result += "\\/";
    else result += character;
    begin = character === "^" || (extended && (character === "(" || character === "|"));
  }
  return result;
}

/** A text as a pattern of itself. */
export function escapeRegex(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");
}

export function compileRegex(pattern: string, extended: boolean, flags: string): RegExp {
  try {
    return new RegExp(translateRegex(pattern, extended), flags);
  } catch (thrown) {
    if (thrown instanceof AppletError) throw thrown;
    throw new AppletError(`bad regex '${pattern}': Invalid regular expression`, 2);
  }
}
