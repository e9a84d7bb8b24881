/** set -x: how a command is shown before it runs. */

const safe = /^[A-Za-z0-9_\-./,:@%+\]]*$/;

/** In single quotes when it has anything a shell would change. */
export function quoteForTrace(text: string): string {
  return safe.test(text) ? text : quoteAlways(text);
}

export function quoteAlways(text: string): string {
  return `'${text.replaceAll("'", `'"'"'`)}'`;
}

/** "+ echo 'a b' c". */
export function traceLine(
  prefix: string,
  assignments: readonly (readonly [string, string])[],
  words: readonly string[],
): string {
  const parts = assignments.map(([name, value]) => `${name}=${quoteForTrace(value)}`);
  parts.push(...words.map(quoteForTrace));
  return `${prefix}${parts.join(" ")}\n`;
}
