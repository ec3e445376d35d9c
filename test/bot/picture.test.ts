import { describe, expect, it } from "vitest";
import { z } from "zod";
import { say } from "../../src/bot/context.ts";
import { PICTURE_BYTES } from "../../src/bot/picture.ts";
import { renderAnswer } from "../../src/bot/render.ts";
import { type Attachment, defineCommand } from "../../src/commands/command.ts";
import { MicroError } from "../../src/core/errors.ts";
import { createRedactor } from "../../src/core/redact.ts";
import { memoryInput } from "../../src/inputs/memory/memory.ts";
import { botOn, textOf } from "./run-bot.ts";

const PNG = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10, 1, 2, 3);
const picture: Attachment = { name: "latency.png", text: "▁▂▅█ 12 ms to 80 ms", png: PNG };
const place = { room: "r" };
const limits = { textLength: 300, files: true, edits: true, buttons: false, pictures: true };

const graph = (file: Attachment) =>
  defineCommand({
    name: "graph",
    summary: "Draw",
    input: z.object({}),
    permission: "test:graph",
    effect: "read",
    run: async () => ({}),
    view: () => ({ kind: "text", text: "payments, 1h" }),
    // Drawing takes its time.
    file: async () => file,
  });

describe("a picture in an answer", () => {
  it("goes beside what is said, byte by byte, though it is drawn later", async () => {
    const input = memoryInput();
    await botOn([input], { commands: [graph(picture)] }).start();
    input.say("graph");
    const said = await input.next();
    expect(textOf(said)).toBe("payments, 1h");
    expect(said.file).toEqual(picture);
  });

  it("is left out behind a pipe, whose rows are no longer what it shows", async () => {
    const input = memoryInput();
    const nodes = { ...graph(picture), run: async () => ({ nodes: [{ node: "a" }, { node: "b" }] }) };
    await botOn([input], { commands: [nodes] }).start();
    input.say("graph | top 1");
    const said = await input.next();
    expect(said.file).toBeUndefined();
    expect(textOf(said)).toContain("a");
    expect(textOf(said)).not.toContain(picture.text);
  });

  it("is said in its words, as they are, where no pictures are shown", () => {
    for (const files of [true, false]) {
      const said = renderAnswer({ ...say("payments, 1h"), file: picture }, place, {
        ...limits,
        files,
        pictures: false,
      });
      expect(said.file).toBeUndefined();
      expect(said.parts).toEqual([
        { kind: "text", text: "payments, 1h" },
        { kind: "text", text: picture.text },
      ]);
    }
  });

  it.each([
    ["is too large", new Uint8Array(PICTURE_BYTES + 1)],
    ["is empty", new Uint8Array()],
    ["did not outlive its process", undefined],
  ])("is said in its words when it %s", (_why, png) => {
    const { name, text } = picture;
    const said = renderAnswer({ ...say("1h"), file: { name, text, ...(png && { png }) } }, place, limits);
    expect([said.file, textOf(said)]).toEqual([undefined, `1h\n${text}`]);
  });

  it("has the place of the file: what is too long beside it is cut, and can be read on", () => {
    const kept: string[][] = [];
    const keep = (lines: readonly string[]) => {
      kept.push([...lines]);
      return { line: "micro more a1", choices: [] };
    };
    const long = Array.from({ length: 200 }, (_, at) => `line ${at}`);
    const view = { kind: "list", items: long } as const;
    const said = renderAnswer({ view, output: "text", file: picture }, place, { ...limits, captionLength: 200 }, keep);
    expect(said.file).toEqual(picture);
    expect(textOf(said).length).toBeLessThanOrEqual(200);
    expect(textOf(said)).toContain("micro more a1");
    expect(kept).toEqual([long]);
  });

  it("is kept back when its words hold a secret, or its name", async () => {
    const redactor = createRedactor();
    redactor.add(["hunter2-hunter2"]);
    for (const secret of [
      { ...picture, text: "of hunter2-hunter2" },
      { ...picture, name: "hunter2-hunter2.png" },
    ]) {
      const input = memoryInput();
      await botOn([input], { commands: [graph(secret)], redactor }).start();
      input.say("graph");
      const said = await input.next();
      expect(said.file).toBeUndefined();
      expect(textOf(said)).not.toContain("hunter2");
    }
  });

  it("is said in its words when its network will have no picture", async () => {
    const input = memoryInput();
    await botOn([input], { commands: [graph(picture)] }).start();
    input.failSends(new MicroError("invalid_argument", "not enough rights to send photos"));
    input.say("graph");
    const said = await input.next();
    expect([said.file, textOf(said)]).toEqual([undefined, `payments, 1h\n${picture.text}`]);
  });
});
