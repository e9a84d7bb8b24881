/** Shell patterns (fnmatch(3)): "*", "?", "[a-z]", "[!x]", "[[:digit:]]"; a backslash makes the next character itself. */

const classes: Readonly<Record<string, (character: string) => boolean>> = {
  digit: (c) => c >= "0" && c <= "9",
  lower: (c) => c >= "a" && c <= "z",
  upper: (c) => c >= "A" && c <= "Z",
  alpha: (c) => (c >= "a" && c <= "z") || (c >= "A" && c <= "Z"),
  alnum: (c) => (c >= "0" && c <= "9") || (c >= "a" && c <= "z") || (c >= "A" && c <= "Z"),
  space: (c) => c === " " || (c >= "\t" && c <= "\r"),
  blank: (c) => c === " " || c === "\t",
  punct: (c) => /[!-/:-@[-`{-~]/.test(c),
  xdigit: (c) => /[0-9a-fA-F]/.test(c),
};

/** Matches "[...]" at `at` of the pattern; undefined when it is no bracket expression. */
function matchBracket(
  pattern: string,
  at: number,
  character: string,
): { readonly matches: boolean; readonly end: number } | undefined {
  let index = at + 1;
  const negated = pattern[index] === "!" || pattern[index] === "^";
  if (negated) index++;
  let matches = false;
  for (let first = true; ; first = false) {
    let low = pattern[index];
    if (low === undefined) return undefined;
    if (low === "]" && !first) break;
    if (low === "[" && pattern[index + 1] === ":") {
      const end = pattern.indexOf(":]", index);
      const named = end < 0 ? undefined : classes[pattern.slice(index + 2, end)];
      if (named !== undefined) {
        if (named(character)) matches = true;
        index = end + 2;
        continue;
      }
    }
    if (low === "\\") low = pattern[++index] ?? "\\";
    index++;
    let high = low;
    if (pattern[index] === "-" && pattern[index + 1] !== "]" && pattern[index + 1] !== undefined) {
      high = pattern[index + 1] as string;
      index += 2;
      if (high === "\\") high = pattern[index++] ?? "\\";
    }
    if (character >= low && character <= high) matches = true;
  }
  return { matches: matches !== negated, end: index + 1 };
}

/** Whether all of `text` matches. */
export function matchPattern(pattern: string, text: string): boolean {
  let p = 0;
  let t = 0;
  let starPattern = -1;
  let starText = 0;
  for (;;) {
    const wanted = pattern[p];
    if (wanted === "*") {
      starPattern = ++p;
      starText = t;
      continue;
    }
    if (t >= text.length && wanted === undefined) return true;
    if (t < text.length && wanted !== undefined) {
      const character = text[t] as string;
      const bracket = wanted === "[" ? matchBracket(pattern, p, character) : undefined;
      const escaped = wanted === "\\" && p + 1 < pattern.length;
      const fits =
        bracket?.matches ?? (wanted === "?" || (escaped ? pattern[p + 1] : wanted) === character);
      if (fits) {
        p = bracket?.end ?? p + (escaped ? 2 : 1);
        t++;
        continue;
      }
    }
    if (starPattern < 0 || starText >= text.length) return false;
    p = starPattern;
    t = ++starText;
  }
}

/** True when the pattern has something that is not just itself. */
export function isPattern(pattern: string): boolean {
  for (let index = 0; index < pattern.length; index++) {
    const character = pattern[index];
    if (character === "\\") index++;
    else if (character === "*" || character === "?") return true;
    else if (character === "[" && pattern.indexOf("]", index + 2) > 0) return true;
  }
  return false;
}

/** `text` as a pattern that matches only itself. */
export function literalPattern(text: string): string {
  let pattern = "";
  for (const character of text)
    pattern += "*?[]\\-!^".includes(character) ? `\\${character}` : character;
  return pattern;
}

/** The text a pattern without special characters stands for. */
export function unescapePattern(pattern: string): string {
  let text = "";
  for (let index = 0; index < pattern.length; index++) {
    if (pattern[index] === "\\" && index + 1 < pattern.length) index++;
    text += pattern[index];
  }
  return text;
}

/** ${x#p}, ${x##p}, ${x%p}, ${x%%p}. */
export function trim(text: string, operator: "#" | "##" | "%" | "%%", pattern: string): string {
  const prefix = operator[0] === "#";
  const longest = operator.length === 2;
  for (let step = 0; step <= text.length; step++) {
    const taken = longest ? text.length - step : step;
    const part = prefix ? text.slice(0, taken) : text.slice(text.length - taken);
    if (matchPattern(pattern, part))
      return prefix ? text.slice(taken) : text.slice(0, text.length - taken);
  }
  return text;
}

/** ${x/p/r}; `all` for ${x//p/r}. The longest match at the first place counts. */
export function replace(text: string, pattern: string, replacement: string, all: boolean): string {
  if (pattern === "") return text;
  let result = "";
  for (let at = 0; at < text.length; ) {
    let end = -1;
    for (let to = text.length; to > at; to--) {
      if (matchPattern(pattern, text.slice(at, to))) {
        end = to;
        break;
      }
    }
    if (end < 0) {
      result += text[at++];
      continue;
    }
    result += replacement;
    at = end;
    if (!all) return result + text.slice(at);
  }
  return result;
}
