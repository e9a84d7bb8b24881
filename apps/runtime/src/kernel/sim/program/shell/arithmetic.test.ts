import { describe, expect, it } from "vitest";
import { ArithmeticError, evaluateArithmetic } from "./arithmetic.ts";

function evaluate(text: string, variables = new Map<string, string>()): string {
  return evaluateArithmetic(text, {
    get: (name) => variables.get(name),
    set: (name, value) => void variables.set(name, value),
  }).toString();
}

describe("evaluateArithmetic", () => {
  it.each([
    ["1 + 2 * 3", "7"],
    ["(1 + 2) * 3", "9"],
    ["-7 / 2", "-3"],
    ["-7 % 3", "-1"],
    ["2 ** 10", "1024"],
    ["1 << 4 | 1", "17"],
    ["0x10 + 010", "24"],
    ["5 > 3 && 2 < 1 || 7", "1"],
    ["1 ? 2 : 3 / 0", "2"],
    ["0 && 1 / 0", "0"],
    ["~0", "-1"],
    ["9223372036854775807 + 1", "-9223372036854775808"],
    ["1, 2, 3", "3"],
    ["", "0"],
    ["16#ff", "255"],
  ])("%s is %s", (text, value) => {
    expect(evaluate(text)).toBe(value);
  });

  it.each([
    ["1 / 0", "divide by zero"],
    ["1 +", "arithmetic syntax error"],
    ["08", "arithmetic syntax error"],
    ["1 2", "arithmetic syntax error"],
    ["(1", "arithmetic syntax error"],
  ])("%s: %s", (text, message) => {
    expect(() => evaluate(text)).toThrow(expect.objectContaining({ message }));
    expect(() => evaluate(text)).toThrow(ArithmeticError);
  });

  it("assigns, steps, and reads variables that are expressions themselves", () => {
    const variables = new Map([
      ["a", "5"],
      ["b", "a + 1"],
    ]);
    expect(evaluate("a++ + ++a", variables)).toBe("12");
    expect(evaluate("b * 2", variables)).toBe("16");
    expect(evaluate("c = a += 3", variables)).toBe("10");
    expect(variables.get("c")).toBe("10");
  });
});
