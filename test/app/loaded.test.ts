import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterEach, describe, expect, it } from "vitest";

const micro = fileURLToPath(new URL("../../dist/bin/micro.js", import.meta.url));
let folder = "";
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("a command of the shell", () => {
  it("loads the program and nothing else: whatever is added to the bot, the shell starts as fast as before", async () => {
    folder = mkdtempSync(join(tmpdir(), "micro-loaded-"));
    const env = { PATH: process.env["PATH"], NODE_V8_COVERAGE: folder };
    await promisify(execFile)(process.execPath, [micro, "--registry=memory", "list", "services"], {
      env,
      timeout: 30_000,
    });
    const reports = readdirSync(folder).map((name) => JSON.parse(readFileSync(join(folder, name), "utf8")));
    const loaded = new Set<string>(reports.flatMap(({ result }) => result.map(({ url }: { url: string }) => url)));
    const files = [...loaded].filter((url) => url.startsWith("file:")).map((url) => basename(url));
    expect(files.sort()).toEqual(["asked.js", "micro.js", "program.body.js", "program.js", "rolldown-runtime.js"]);
    // Characters, minified. Whoever adds a part of the bot that goes into it by mistake adds tens of thousands.
    expect(statSync(join(micro, "../program.body.js")).size).toBeLessThan(400_000);
  });
});
