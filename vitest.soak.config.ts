import { defineConfig } from "vitest/config";

/** Minutes of load and trouble on what was built: npm run test:soak. */
export default defineConfig({
  test: {
    include: ["test/soak/**/*.test.ts"],
    pool: "forks",
    execArgv: ["--expose-gc"],
    // Node loads what was built by itself.
    server: { deps: { external: [/\/dist\//] } },
    hookTimeout: 120_000,
  },
});
