import { expect, test } from "vitest";
import { addressOf, noWords, seedOf, wordsOf } from "./run-address.ts";

test("an address and the run it stands for are the same", () => {
  const words = { scenario: "oom-kill", seed: "7", faults: "mount#1=ENOSPC crash@3", pace: "10" };
  const address = addressOf(words, words.faults.split(" "));
  expect(address).toBe(
    "?scenario=oom-kill&seed=7&fault=mount%231%3DENOSPC&fault=crash%403&pace=10",
  );
  expect(wordsOf(address)).toEqual(words);
  expect(wordsOf("?scenario=pause")).toEqual({ ...noWords, scenario: "pause" });
  expect(wordsOf("?scenario=pause&pace=warp")?.pace).toBe("0");
  expect(wordsOf("?world=simulated")).toBeUndefined();
});

test("a seed is 32 bits, in digits", () => {
  expect([" 1 ", "4294967295", "4294967296", "-1", "1e3", ""].map(seedOf)).toEqual([
    1,
    4_294_967_295,
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
});
