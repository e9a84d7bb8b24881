/** wc, sort, uniq, cut, tr, seq: text from files or standard input, changed line by line. */
import type { Coroutine } from "../../task.ts";
import type { AppletTable } from "../applet.ts";
import { AppletError, type Call, UsageError } from "../call.ts";
import { unescapeText } from "../echo.ts";
import { bytesOf, linesOf } from "../file-text.ts";
import { parseOptions } from "../options.ts";

function* wc(call: Call): Coroutine<void> {
  const options = parseOptions(call.args, "clwmL");
  const kinds = ["l", "w", "m", "c", "L"].filter((kind) => options.has(kind));
  const shown = kinds.length === 0 ? ["l", "w", "c"] : kinds;
  const totals = new Map<string, number>();
  const width = shown.length === 1 && options.operands.length < 2 ? 0 : 9;
  const line = (counts: ReadonlyMap<string, number>, name: string): string =>
    `${shown.map((kind) => String(counts.get(kind) ?? 0).padStart(width)).join(" ")}${name === "" ? "" : ` ${name}`}\n`;
  for (const { path, text } of yield* call.inputs(options.operands)) {
    const counts = new Map([
      ["l", text.split("\n").length - 1],
      ["w", text.split(/\s+/).filter((word) => word !== "").length],
      ["m", [...text].length],
      ["c", bytesOf(text).length],
      ["L", Math.max(0, ...linesOf(text).map((one) => one.length))],
    ]);
    for (const [kind, count] of counts) totals.set(kind, (totals.get(kind) ?? 0) + count);
    call.print(line(counts, options.operands.length === 0 ? "" : path));
  }
  if (options.operands.length > 1) call.print(line(totals, "total"));
}

/** Value of the number a text begins with; 0 without. */
function leadingNumber(text: string): number {
  const match = /^\s*[-+]?[0-9]*\.?[0-9]+/.exec(text);
  return match === null ? 0 : Number(match[0]);
}

function sortKey(key: string | undefined, separator: string | undefined): (line: string) => string {
  if (key === undefined) return (line) => line;
  const match = /^([0-9]+)(?:\.[0-9]+)?[a-z]*(?:,([0-9]+))?/.exec(key);
  if (match === null) throw new UsageError(`invalid number '${key}'`);
  const from = Number(match[1]) - 1;
  const to = match[2] === undefined ? undefined : Number(match[2]);
  return (line) => {
    const fields = separator === undefined ? line.trimStart().split(/\s+/) : line.split(separator);
    return fields.slice(from, to).join(separator ?? " ");
  };
}

function* sort(call: Call): Coroutine<void> {
  const options = parseOptions(call.args, "nrufbhdk:t:o:s");
  const inputs = yield* call.inputs(options.operands);
  const lines = inputs.flatMap(({ text }) => linesOf(text));
  const keyText = options.value("k");
  const key = sortKey(keyText, options.value("t"));
  const numeric = options.has("n") || /^[0-9.,]*n/.test(keyText ?? "");
  const reverse = options.has("r") || /^[0-9.,]*n?r/.test(keyText ?? "");
  const fold = options.has("f");
  const compare = (a: string, b: string): number => {
    if (numeric) return leadingNumber(a) - leadingNumber(b);
    const [x, y] = fold ? [a.toUpperCase(), b.toUpperCase()] : [a, b];
    return x < y ? -1 : x > y ? 1 : 0;
  };
  const order = (a: string, b: string): number => {
    const byKey = compare(key(a), key(b));
    if (byKey !== 0) return reverse ? -byKey : byKey;
    if (options.has("u") || options.has("s")) return 0;
    const whole = a < b ? -1 : a > b ? 1 : 0;
    return reverse ? -whole : whole;
  };
  lines.sort(order);
  const kept = options.has("u")
    ? lines.filter(
        (line, index) => index === 0 || compare(key(lines[index - 1] as string), key(line)) !== 0,
      )
    : lines;
  call.print(kept.map((line) => `${line}\n`).join(""));
}

function* uniq(call: Call): Coroutine<void> {
  const options = parseOptions(call.args, "cdui");
  const [input] = yield* call.inputs(options.operands.slice(0, 1));
  const lines = linesOf(input?.text ?? "");
  for (let start = 0; start < lines.length; ) {
    let end = start + 1;
    while (end < lines.length && lines[end] === lines[start]) end++;
    const count = end - start;
    const wanted = options.has("d") ? count > 1 : options.has("u") ? count === 1 : true;
    if (wanted)
      call.print(`${options.has("c") ? `${String(count).padStart(7)} ` : ""}${lines[start]}\n`);
    start = end;
  }
}

/** "1,3-5,7-" as a question. */
function listOf(text: string): (index: number) => boolean {
  const ranges = text.split(",").map((part) => {
    const match = /^([0-9]*)(-?)([0-9]*)$/.exec(part);
    if (match === null || part === "" || part === "-")
      throw new AppletError(`invalid range ${text}`);
    const from = match[1] === "" ? 1 : Number(match[1]);
    const to =
      match[2] === "" ? from : match[3] === "" ? Number.POSITIVE_INFINITY : Number(match[3]);
    return { from, to };
  });
  return (index) => ranges.some(({ from, to }) => index >= from && index <= to);
}

function* cut(call: Call): Coroutine<void> {
  const options = parseOptions(call.args, "b:c:f:d:sn", { "output-delimiter": "O:" });
  const characters = options.value("c") ?? options.value("b");
  const fields = options.value("f");
  const list = characters ?? fields;
  if (list === undefined) throw new UsageError("expected a list of bytes, characters, or fields");
  const wanted = listOf(list);
  const separator = options.value("d") ?? "\t";
  for (const { text } of yield* call.inputs(options.operands)) {
    for (const line of linesOf(text)) {
      if (characters !== undefined) {
        call.print(`${[...line].filter((_one, index) => wanted(index + 1)).join("")}\n`);
        continue;
      }
      if (!line.includes(separator)) {
        if (!options.has("s")) call.print(`${line}\n`);
        continue;
      }
      const parts = line.split(separator).filter((_one, index) => wanted(index + 1));
      call.print(`${parts.join(options.value("O") ?? separator)}\n`);
    }
  }
}

const trClasses: Readonly<Record<string, string>> = {
  lower: "a-z",
  upper: "A-Z",
  digit: "0-9",
  alpha: "A-Za-z",
  alnum: "0-9A-Za-z",
  space: "\t\n\v\f\r ",
  blank: "\t ",
};

/** The characters a set of tr stands for. */
function trSet(text: string): string[] {
  const classed = text.replace(/\[:([a-z]+):\]/g, (all, name: string) => trClasses[name] ?? all);
  const characters = [...unescapeText(classed, false).text];
  const result: string[] = [];
  for (let index = 0; index < characters.length; index++) {
    const from = characters[index] as string;
    const to = characters[index + 2];
    if (characters[index + 1] !== "-" || to === undefined) {
      result.push(from);
      continue;
    }
    for (let code = from.charCodeAt(0); code <= to.charCodeAt(0); code++)
      result.push(String.fromCharCode(code));
    index += 2;
  }
  return result;
}

function* tr(call: Call): Coroutine<void> {
  const options = parseOptions(call.args, "+cCds");
  const [first, second] = options.operands;
  if (first === undefined) throw new UsageError();
  const from = trSet(first);
  const inverted = options.has("c") || options.has("C");
  const inFrom = new Set(from);
  const to = second === undefined ? [] : trSet(second);
  const map = new Map<string, string>();
  if (to.length > 0)
    from.forEach((character, index) => {
      map.set(character, to[Math.min(index, to.length - 1)] as string);
    });
  const squeezed = new Set(second === undefined ? from : to);
  let previous: string | undefined;
  for (;;) {
    const chunk = yield* call.read(0, 65_536);
    if (chunk.length === 0) return;
    let text = "";
    for (const character of new TextDecoder().decode(chunk)) {
      const selected = inFrom.has(character) !== inverted;
      let out = character;
      if (selected && options.has("d")) continue;
      if (selected && to.length > 0)
        out = inverted ? (to.at(-1) as string) : (map.get(character) ?? character);
      const repeats = options.has("s") && out === previous;
      if (repeats && (second === undefined ? selected : squeezed.has(out))) continue;
      previous = out;
      text += out;
    }
    call.print(text);
    yield* call.flush();
  }
}

function* seq(call: Call): Coroutine<void> {
  const options = parseOptions(
    call.args.map((arg) => (/^-[0-9.]/.test(arg) ? `\0${arg}` : arg)),
    "+ws:",
  );
  const numbers = options.operands.map((text) => {
    const plain = text.replace("\0", "");
    if (plain === "" || Number.isNaN(Number(plain))) throw new UsageError();
    return Number(plain);
  });
  if (numbers.length === 0 || numbers.length > 3) throw new UsageError();
  const first = numbers.length > 1 ? (numbers[0] as number) : 1;
  const step = numbers.length === 3 ? (numbers[1] as number) : 1;
  const last = numbers.at(-1) as number;
  if (step === 0) throw new AppletError("increment must not be zero");
  const decimals = Math.max(...options.operands.map((text) => text.split(".")[1]?.length ?? 0));
  const separator = options.value("s") ?? "\n";
  const width = options.has("w")
    ? Math.max(first.toFixed(decimals).length, last.toFixed(decimals).length)
    : 0;
  let any = false;
  for (let index = 0; ; index++) {
    const value = first + index * step;
    if (step > 0 ? value > last + 1e-9 : value < last - 1e-9) break;
    call.print(`${any ? separator : ""}${value.toFixed(decimals).padStart(width, "0")}`);
    any = true;
    if (index % 1000 === 999) {
      yield* call.flush();
      yield {};
    }
  }
  if (any) call.print("\n");
}

export const textFilterApplets: AppletTable = { wc, sort, uniq, cut, tr, seq };
