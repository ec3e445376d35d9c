import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // Minutes, and for the one a Go toolchain: npm run test:interop, test:soak, test:trouble.
    exclude: ["test/interop/**", "test/soak/**", "test/trouble/**"],
    testTimeout: 15_000,
    hookTimeout: 30_000,
    // Two cores are what CI has; servers started by tests want a share of them.
    maxWorkers: 2,
  },
});
