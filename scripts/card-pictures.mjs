// Draws docs/images/card-*.png: an alert's card in Slack as it was sent in its whole story (test/e2e/alert-story.test.ts), with Chromium.
// Wants what that test wants. `npm run build` first.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { slackPage } from "./slack-page.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const images = join(root, "docs", "images");
const folder = mkdtempSync(join(tmpdir(), "micro-pictures-"));
try {
  const file = process.argv[2] ?? join(folder, "story.json");
  if (process.argv[2] === undefined) {
    run("npx", ["vitest", "run", "test/e2e/alert-story.test.ts"], { MICRO_STORY_FILE: file });
  }
  const story = JSON.parse(readFileSync(file, "utf8"));
  mkdirSync(images, { recursive: true });
  for (const [name, scheme] of [
    ["firing", "light"],
    ["firing", "dark"],
    ["resolved", "light"],
  ]) {
    const [card] = story[name];
    const page = join(folder, `${name}.html`);
    writeFileSync(
      page,
      slackPage([{ who: "micro", time: /\d\d:\d\d/.exec(story.firing[0].text)[0], ...card }], scheme),
    );
    picture(page, join(images, `card-${name}${scheme === "dark" ? "-dark" : ""}.png`), name === "firing" ? 330 : 110);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function picture(page, to, height) {
  const options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", `--window-size=760,${height}`];
  run("chromium", [...options, `--screenshot=${to}`, `file://${page}`]);
}

function run(command, args, env = {}) {
  const { status, error } = spawnSync(command, args, {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ["ignore", "inherit", "ignore"],
  });
  if (status !== 0) throw error ?? new Error(`${command} ended with ${status}`);
}
