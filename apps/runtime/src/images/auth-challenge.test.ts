import fc from "fast-check";
import { expect, test } from "vitest";
import { parseChallenges } from "./auth-challenge.ts";

const plain = (header: string) =>
  parseChallenges(header).map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)]);

test("one challenge with quoted parameters", () => {
  expect(
    plain('Bearer realm="https://a.test/token",service="a.test",scope="repository:x/y:pull,push"'),
  ).toEqual([
    [
      "bearer",
      { realm: "https://a.test/token", service: "a.test", scope: "repository:x/y:pull,push" },
    ],
  ]);
});

test("several challenges in one header, tokens, odd spaces, capitals", () => {
  expect(plain('Negotiate, BASIC realm=x , Bearer  realm = "b",Error="in\\"valid"')).toEqual([
    ["negotiate", {}],
    ["basic", { realm: "x" }],
    ["bearer", { realm: "b", error: 'in"valid' }],
  ]);
});

test("of a parameter given twice the first counts", () => {
  expect(plain('Bearer realm="good",realm="bad"')).toEqual([["bearer", { realm: "good" }]]);
});

test("nothing, nonsense and too much give nothing", () => {
  expect(plain("")).toEqual([]);
  expect(parseChallenges(undefined)).toEqual([]);
  expect(plain('"')).toEqual([]);
  expect(plain(`Basic realm="${"x".repeat(10_000)}"`)).toEqual([]);
});

test("what is written comes back; anything else ends", () => {
  const token = fc.stringMatching(/^[a-z]{1,12}$/);
  const challenge = fc.tuple(
    token,
    fc.dictionary(token, fc.string({ maxLength: 40 }), { minKeys: 1, maxKeys: 4 }),
  );
  const quote = (value: string) => `"${value.replace(/["\\]/g, "\\$&")}"`;
  fc.assert(
    fc.property(fc.array(challenge, { maxLength: 4 }), (challenges) => {
      const header = challenges
        .map(
          ([scheme, parameters]) =>
            `${scheme} ${Object.entries(parameters)
              .map(([key, value]) => `${key}=${quote(value)}`)
              .join(", ")}`,
        )
        .join(", ");
      const sane = !/[\n\r\u2028\u2029]/.test(header);
      if (sane)
        expect(plain(header)).toEqual(
          challenges.map(([scheme, parameters]) => [scheme, { ...parameters }]),
        );
    }),
  );
  fc.assert(
    fc.property(fc.string({ maxLength: 300 }), (text) => Array.isArray(parseChallenges(text))),
  );
});
