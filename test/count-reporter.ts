/** Counts test results over all projects, with the reason of every skip, for `npm test`. */
import { writeFileSync } from "node:fs";
import type { Reporter, TestCase, TestModule } from "vitest/node";

export default class CountReporter implements Reporter {
  #passed = 0;
  readonly #failed: string[] = [];
  /** Passed at the second try only: counted as passed, and told. */
  readonly #flaky: string[] = [];
  readonly #skipped: { name: string; reason: string }[] = [];

  onTestCaseResult(test: TestCase): void {
    const result = test.result();
    const name = `${test.module.relativeModuleId} > ${test.fullName}`;
    if (result.state === "passed") {
      this.#passed += 1;
      if (test.diagnostic()?.flaky === true) this.#flaky.push(name);
    }
    if (result.state === "failed") this.#failed.push(name);
    else if (result.state === "skipped") {
      this.#skipped.push({ name, reason: result.note ?? "no reason given" });
    }
  }

  onTestModuleEnd(module: TestModule): void {
    for (const error of module.errors()) {
      this.#failed.push(`${module.relativeModuleId}: ${error.message}`);
    }
  }

  onTestRunEnd(): void {
    const path = process.env["VITRINE_COUNT_FILE"];
    if (path === undefined) return;
    const counted = {
      passed: this.#passed,
      failed: this.#failed,
      skipped: this.#skipped,
      flaky: this.#flaky,
    };
    writeFileSync(path, JSON.stringify(counted));
  }
}
