import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished, vi } from "vitest";
import { openHubotScripts } from "../../src/app/hubot-scripts.ts";
import { readOptions } from "../../src/app/options.ts";
import { BOT } from "../../src/app/settings.ts";
import { createRedactor } from "../../src/core/redact.ts";
import { memoryInput } from "../../src/inputs/memory/memory.ts";
import { botOn, textOf } from "../bot/run-bot.ts";

const SAYS = `module.exports = (robot) => robot.respond(/environment/, (res) => res.send(JSON.stringify(process.env)));`;

const settings = (...args: string[]) => readOptions(BOT, args, {}).settings;

it("gives scripts HUBOT_ variables and what is named, and keeps secrets among those out of what is said", async () => {
  const cwd = mkdtempSync(join(tmpdir(), "micro-hubot-app-"));
  onTestFinished(() => rmSync(cwd, { recursive: true, force: true }));
  mkdirSync(join(cwd, "scripts"));
  writeFileSync(join(cwd, "package.json"), "{}");
  writeFileSync(join(cwd, "scripts", "says.js"), SAYS);
  const input = memoryInput();
  const redactor = createRedactor();
  const env = {
    HUBOT_GITHUB_TOKEN: "a-token-of-mine",
    HUBOT_ROOM: "ops",
    REDIS_URL: "redis://me:hidden-word@127.0.0.1",
    AWS_SECRET: "not-theirs",
    MICRO_VAULT_TOKEN: "the-bots-own",
    PATH: "/bin",
  };
  const given = settings("--hubot_scripts=scripts", "--hubot_env=REDIS_*,MICRO_*");
  const scripts = await openHubotScripts(given, { cwd, env, redactor, inputs: [input] });
  if (scripts === undefined) throw new Error("no scripts");
  const { source, listening, extension } = scripts;
  await botOn([input], { sources: [source], listening: [listening], extensions: [extension], redactor }).start();
  input.say("environment");
  await vi.waitFor(() => expect(input.sent).toHaveLength(1), { timeout: 10_000 });
  const said = textOf(input.sent[0]);
  expect(said).toContain('"HUBOT_ROOM":"ops"');
  expect(said).toContain("REDIS_URL");
  for (const secret of ["a-token-of-mine", "hidden-word", "not-theirs", "the-bots-own", "/bin"]) {
    expect(said).not.toContain(secret);
  }
});

it("loads nothing that was not named, and says which folder is not there", async () => {
  const host = { cwd: tmpdir(), env: {}, redactor: createRedactor(), inputs: [] };
  expect(await openHubotScripts(settings(), host)).toBeUndefined();
  await expect(openHubotScripts(settings("--hubot_scripts=no-such"), host)).rejects.toThrow(
    /--hubot_scripts=no-such: there is no folder .*no-such/,
  );
});
