/** How control files read what is written to them: numbers as kstrtoull(), sizes as memparse(), lists as cpulists. */
import { refuse } from "../refusal.ts";

/** A whole number in C notation, a sign allowed. EINVAL. Beyond 2^53 it is no longer exact. */
export function writtenInteger(text: string): number {
  const trimmed = text.trim();
  const negative = trimmed.startsWith("-");
  const digits = negative || trimmed.startsWith("+") ? trimmed.slice(1) : trimmed;
  const hexadecimal = digits.startsWith("0x") || digits.startsWith("0X");
  const octal = !hexadecimal && digits.length > 1 && digits.startsWith("0");
  const body = hexadecimal ? digits.slice(2) : digits;
  const base = hexadecimal ? 16 : octal ? 8 : 10;
  if (body === "" || ![...body].every((digit) => isDigit(digit, base))) return refuse("EINVAL");
  const value = Number.parseInt(body, base);
  return negative ? -value : value;
}

function isDigit(digit: string, base: number): boolean {
  const value = "0123456789abcdef".indexOf(digit.toLowerCase());
  return value >= 0 && value < base;
}

/** As `writtenInteger`, without sign: EINVAL for a negative one. */
export function writtenNatural(text: string): number {
  const value = writtenInteger(text);
  return value < 0 || text.trim().startsWith("-") ? refuse("EINVAL") : value;
}

/** 0 or 1. EINVAL for no number, ERANGE for others. */
export function writtenSwitch(text: string): boolean {
  const value = writtenInteger(text);
  return value === 0 || value === 1 ? value === 1 : refuse("ERANGE");
}

export function writtenWithin(text: string, from: number, to: number): number {
  const value = writtenInteger(text);
  return value < from || value > to ? refuse("ERANGE") : value;
}

const pageBytes = 4096;
const suffixes = "KMGTPE";

/** A size in bytes, whole pages, "10M" allowed; Infinity for `unlimited` ("-1" in v1, "max" in v2). EINVAL. */
export function writtenSize(text: string, unlimited: "-1" | "max"): number {
  const trimmed = text.trim();
  if (trimmed === unlimited) return Number.POSITIVE_INFINITY;
  const power = suffixes.indexOf(trimmed.slice(-1).toUpperCase());
  const number = trimmed !== "" && power >= 0 ? trimmed.slice(0, -1) : trimmed;
  const value = writtenNatural(number) * (trimmed === "" || power < 0 ? 1 : 1024 ** (power + 1));
  return value >= 2 ** 63 ? Number.POSITIVE_INFINITY : Math.floor(value / pageBytes) * pageBytes;
}

/** PAGE_COUNTER_MAX in bytes: what v1 shows where there is no limit. */
const unlimitedV1 = "9223372036854771712";

export function sizeText(size: number, version: 1 | 2): string {
  if (size !== Number.POSITIVE_INFINITY) return `${size}\n`;
  return version === 1 ? `${unlimitedV1}\n` : "max\n";
}

/** "0-2,5": sorted numbers. EINVAL for anything else, ERANGE from `end` on (cpuset(7), list format). */
export function writtenList(text: string, end: number): readonly number[] {
  const found = new Set<number>();
  for (const range of text.split(",").map((part) => part.trim())) {
    if (range === "") continue;
    const [from, to = from, ...rest] = range.split("-");
    if (rest.length > 0 || from === undefined || to === undefined) return refuse("EINVAL");
    const [first, last] = [writtenNatural(from), writtenNatural(to)];
    if (first > last) return refuse("EINVAL");
    if (last >= end) return refuse("ERANGE");
    for (let number = first; number <= last; number++) found.add(number);
  }
  return [...found].sort((a, b) => a - b);
}

export function listText(numbers: readonly number[]): string {
  const parts: string[] = [];
  for (let index = 0; index < numbers.length; ) {
    let last = index;
    while (numbers[last + 1] === (numbers[last] as number) + 1) last++;
    parts.push(last === index ? `${numbers[index]}` : `${numbers[index]}-${numbers[last]}`);
    index = last + 1;
  }
  return parts.join(",");
}
