/**
 * The WWW-Authenticate header of a 401: one or more challenges, each a scheme with parameters
 * (RFC 9110, section 11.6.1). Written by a server; what cannot be read is skipped, never guessed.
 */
export interface AuthChallenge {
  /** Lower case: "bearer", "basic". */
  readonly scheme: string;
  /** Names in lower case. */
  readonly parameters: ReadonlyMap<string, string>;
}

const token = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const parameter = new RegExp(
  `\\s*(${token})\\s*=\\s*(?:"((?:[^"\\\\]|\\\\.)*)"|(${token}))\\s*`,
  "y",
);
const scheme = new RegExp(`\\s*(${token})(?=\\s|,|$)`, "y");
const headerLengthMax = 8192;

function matchAt(pattern: RegExp, text: string, index: number): RegExpExecArray | null {
  pattern.lastIndex = index;
  return pattern.exec(text);
}

/** The challenges of a header, in order; none when it is missing, overlong or unreadable. */
export function parseChallenges(header: string | undefined): readonly AuthChallenge[] {
  const text = header ?? "";
  if (text.length > headerLengthMax) return [];
  const challenges: { scheme: string; parameters: Map<string, string> }[] = [];
  for (let index = 0; index < text.length; ) {
    const pair = matchAt(parameter, text, index);
    const current = challenges.at(-1);
    if (pair !== null && current !== undefined) {
      const value = pair[2]?.replace(/\\(.)/g, "$1") ?? pair[3] ?? "";
      const name = (pair[1] ?? "").toLowerCase();
      // The first of two counts: a later one is an injection more often than a correction.
      if (!current.parameters.has(name)) current.parameters.set(name, value);
      index += pair[0].length;
    } else {
      const begins = matchAt(scheme, text, index);
      if (begins === null) return challenges;
      challenges.push({ scheme: (begins[1] ?? "").toLowerCase(), parameters: new Map() });
      index += begins[0].length;
    }
    while (text[index] === "," || text[index] === " ") index++;
  }
  return challenges;
}
