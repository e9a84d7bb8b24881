import { defineConfig } from "vitest/config";

/** unit runs anywhere; linux needs root and the built native part; e2e starts whole daemons and a browser. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: ["apps/**/*.test.ts", "scripts/**/*.test.ts", "test/arch/**/*.test.ts"],
          exclude: ["**/*.linux.test.ts", "**/node_modules/**"],
        },
      },
      {
        test: {
          name: "linux",
          include: ["apps/**/*.linux.test.ts", "native/**/*.linux.test.ts"],
          exclude: ["**/node_modules/**"],
          testTimeout: 30_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: "e2e",
          include: ["test/{e2e,contract,conformance}/**/*.test.ts"],
          exclude: ["**/node_modules/**"],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
