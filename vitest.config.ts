import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // Wants a Go toolchain and minutes: npm run test:interop.
    exclude: ["test/interop/**"],
    testTimeout: 15_000,
    hookTimeout: 30_000,
    // Two cores are what CI has; servers started by tests want a share of them.
    maxWorkers: 2,
  },
});
