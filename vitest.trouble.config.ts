import { defineConfig } from "vitest/config";

/** Minutes of servers that are killed under one bot: npm run test:trouble. */
export default defineConfig({
  test: {
    include: ["test/trouble/**/*.test.ts"],
    pool: "forks",
    execArgv: ["--expose-gc"],
    hookTimeout: 120_000,
  },
});
