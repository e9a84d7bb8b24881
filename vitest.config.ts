import { defineConfig } from "vitest/config";

/**
 * unit runs anywhere; linux needs root and the built native part; e2e starts whole daemons and a browser. One project after
 * the other: real kernels are shared. A test on the real kernel that fails once in a while has a second try, and `npm test`
 * names it.
 */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          sequence: { groupOrder: 0 },
          // Some of them start programs; a loaded machine is no reason to fail.
          testTimeout: 20_000,
          include: [
            "apps/**/*.test.ts",
            "scripts/**/*.test.ts",
            "test/{arch,contract}/**/*.test.ts",
          ],
          exclude: ["**/*.linux.test.ts", "**/node_modules/**"],
        },
      },
      {
        test: {
          name: "linux",
          sequence: { groupOrder: 1 },
          retry: 1,
          include: ["{apps,native,test/contract}/**/*.linux.test.ts"],
          exclude: ["**/node_modules/**"],
          testTimeout: 30_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: "e2e",
          sequence: { groupOrder: 2 },
          retry: 1,
          include: ["test/{e2e,conformance}/**/*.test.ts"],
          exclude: ["**/node_modules/**"],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
