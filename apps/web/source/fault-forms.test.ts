import { runScenario } from "@vitrine/runtime/simulation";
import { expect, test } from "vitest";
import { faultForms, faultsOf, withFault } from "./fault-forms.ts";

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** What the simulation says about a fault it cannot read; undefined when it reads it, whatever comes of it then. */
async function refusal(fault: string): Promise<unknown> {
  const options = { seed: 1, host: { turn }, faults: [fault], stage: { stubborn: true } };
  return runScenario("image-pull", options).then(
    () => undefined,
    (error: { readonly code?: string }) => (error.code === "INVALID_ARGUMENT" ? error : undefined),
  );
}

test("every form has examples, and the simulation reads every one", async () => {
  for (const { examples } of faultForms) {
    expect(examples.length).toBeGreaterThan(0);
    for (const example of examples) expect(await refusal(example)).toBeUndefined();
  }
  expect(await refusal("pivotRot#1=EPERM")).toBeDefined();
});

test("faults stand side by side, none twice", () => {
  expect(faultsOf(" a=1,  b=2\n")).toEqual(["a=1", "b=2"]);
  expect(withFault("", "a=1")).toBe("a=1");
  expect(withFault("a=1", "b=2")).toBe("a=1 b=2");
  expect(withFault("a=1 b=2", "a=1")).toBe("a=1 b=2");
});
