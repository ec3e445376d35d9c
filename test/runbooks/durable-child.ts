import { appendFileSync } from "node:fs";
import { durableBot } from "./durable-bot.ts";

/* A bot that begins a run and kills itself at a point of it; bundled by the test, since Node 20 reads no TypeScript. */

const [folder = "", address = "", point = ""] = process.argv.slice(2);
const { input } = await durableBot({
  folder,
  address,
  onPoint: (at) => {
    appendFileSync(`${folder}/points`, `${at}\n`);
    if (at === point) process.kill(process.pid, "SIGKILL");
  },
});
const saying = setInterval(() => {
  if (!input.sent.some(({ parts }) => parts.some(({ text }) => text.includes("this changes things")))) return;
  clearInterval(saying);
  input.say("yes");
}, 5);
input.say("runbook run count");
setInterval(() => {
  if (input.sent.some(({ parts }) => parts.some(({ text }) => /count \(rb[0-9a-f]{6}\): (done|failed)/.test(text))))
    process.exit(0);
}, 10);
