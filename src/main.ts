#!/usr/bin/env node
import { setMaxListeners } from "node:events";
import { readFileSync } from "node:fs";
import { asked } from "./app/asked.ts";

/** The text that the build has stored, so that a question about the program itself need not load the program. */
function stored(args: readonly string[]): string | undefined {
  const question = asked(args);
  if (question === undefined) return undefined;
  try {
    const texts = JSON.parse(readFileSync(new URL("help.json", import.meta.url), "utf8"));
    return question.about === "version" ? texts.version : texts.help[question.topic];
  } catch {
    return undefined;
  }
}

async function run(args: readonly string[]): Promise<number> {
  const { stdout, stderr, env } = process;
  const leaving = new AbortController();
  // A command that asks hundreds of nodes at once listens hundreds of times.
  setMaxListeners(100_000, leaving.signal);
  // Nobody reads on: `micro list services | head -1`.
  stdout.on("error", () => leaving.abort());
  stderr.on("error", () => leaving.abort());
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(name, () => {
      // Whoever asks twice does not want to wait.
      if (leaving.signal.aborted) process.exit(130);
      leaving.abort();
    });
  }
  // The house's timers hold no process open, and a bot whose network is away has nothing else.
  const alive = setInterval(() => {}, 2 ** 30);
  const { program } = await import("./app/program.ts");
  const code = await program({
    args,
    env,
    // Making the stream takes as long as a third of Node's start, and few commands read.
    get stdin() {
      return process.stdin;
    },
    stdout,
    stderr,
    signal: leaving.signal,
  });
  clearInterval(alive);
  return code;
}

const args = process.argv.slice(2);
const text = stored(args);
if (text === undefined) {
  void run(args).then((code) => {
    process.exitCode = code;
  });
} else {
  process.stdout.on("error", () => {});
  process.stdout.write(`${text}\n`);
}
