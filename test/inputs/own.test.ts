import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type IncomingMessage, type Input, type InputConnection, MicroError } from "../../src/index.ts";
import { type Feature, inputSuite } from "../contract/input/suite.ts";

function lineInput(show: (line: string) => void) {
  const waiting: IncomingMessage[] = [];
  let wake = () => {};
  let count = 0;
  const say = (text: string) => {
    const from = { id: "ann", name: "Ann", guest: false };
    waiting.push({ id: `${++count}`, from, place: { room: "here" }, text, addressed: true, sentAt: Date.now() });
    wake();
  };
  const connect: Input["connect"] = async ({ signal } = {}): Promise<InputConnection> => {
    if (signal?.aborted) throw new MicroError("cancelled", "lines: cancelled while connecting");
    let open = true;
    const close = async () => {
      open = false;
      wake();
    };
    return {
      async *[Symbol.asyncIterator]() {
        while (open) {
          const message = waiting.shift();
          if (message) yield message;
          else
            await new Promise<void>((resolve) => {
              wake = resolve;
            });
        }
      },
      send: async ({ parts }) => {
        if (!open) throw new MicroError("unavailable", "lines: it is closed");
        // Text is never markup: what a terminal would obey is taken out, as the last step.
        show(parts.map(({ text }) => text.replace(/(?![\n\t])\p{Cc}/gu, "")).join("\n"));
      },
      close,
      [Symbol.asyncDispose]: close,
    };
  };
  const limits = { textLength: 4000, files: false, edits: false, buttons: false, pictures: false };
  return { input: { name: "lines", limits, replays: false, connect } satisfies Input, say };
}

const ONE = "there is one person and one room";
const NONE = "lines have no such thing";
const without: Partial<Record<Feature, string>> = {
  sayElsewhere: ONE,
  sayDirect: ONE,
  overhear: ONE,
  sayAsStranger: ONE,
  spoof: ONE,
  noise: ONE,
  whispered: ONE,
  deliverAgain: NONE,
  flood: NONE,
  taken: NONE,
  redeliver: NONE,
  lose: NONE,
  refuse: NONE,
  unreachable: NONE,
  failSend: NONE,
  hold: NONE,
  press: NONE,
  pressAsStranger: NONE,
  sayForForm: NONE,
  fill: NONE,
  failForm: NONE,
  marks: NONE,
  failMark: NONE,
  remove: NONE,
  under: NONE,
  alone: ONE,
};
const tools = { describe, it, beforeEach, afterEach, expect };
inputSuite(tools)("lines", {
  without,
  create: async () => {
    const heard: { text: string; live: readonly string[] }[] = [];
    // What a terminal would obey.
    const alive = (text: string) => text.match(/(?![\n\t])\p{Cc}/gu) ?? [];
    const { input, say } = lineInput((text) => heard.push({ text, live: alive(text) }));
    return { input, say, heard: () => heard, alive, close: async () => {}, [Symbol.asyncDispose]: async () => {} };
  },
});

/* The above stands in docs/inputs.md, word for word; only what it imports is here by its path. */

it("is what docs/inputs.md shows", () => {
  const words = (text: string) => text.replace(/[\s,;]/g, "");
  const read = (path: string) => readFileSync(join(import.meta.dirname, "../..", path), "utf8");
  const [, shown = ""] = /```ts\n([\s\S]*?)```/.exec(read("docs/inputs.md")) ?? [];
  const body = (text: string) => words(text.slice(text.indexOf("function lineInput")));
  const [own = ""] = read("test/inputs/own.test.ts").split("/* The above stands");
  expect(body(shown)).toBe(body(own));
  expect(JSON.parse(read("package.json")).exports["./testing"].default).toBe("./dist/test/contract/input/suite.js");
});

it("is not passed by a chat in which nothing would ever be seen to act", async () => {
  const cases = new Map<string, () => Promise<void>>();
  const [before, after]: (() => Promise<void>)[][] = [[], []];
  const collect = {
    describe: (_title: string, body: () => void) => body(),
    it: Object.assign((title: string, test: () => Promise<void>) => cases.set(title, test), { skip: () => {} }),
    beforeEach: (hook: () => Promise<void>) => before?.push(hook),
    afterEach: (hook: () => Promise<void>) => after?.push(hook),
    expect,
  };
  const close = async () => {};
  const blind = async (alive?: () => readonly string[]) => {
    const heard: { text: string; live: string[] }[] = [];
    const { input, say } = lineInput((text) => heard.push({ text, live: [] }));
    return { input, say, heard: () => heard, ...(alive && { alive }), close, [Symbol.asyncDispose]: close };
  };
  for (const [alive, words] of [
    [() => [], "to be true"],
    [undefined, "the chat has no `alive`"],
  ] as const) {
    cases.clear();
    inputSuite(collect)("blind", { without, create: () => blind(alive) });
    const run = [...cases].find(([title]) => title.startsWith("sees what would come alive"))?.[1];
    await before?.pop()?.();
    await expect(run?.()).rejects.toThrow(words);
    await after?.pop()?.();
  }
});
