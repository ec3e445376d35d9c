import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { type Bot, createBot } from "../../src/bot/bot.ts";
import { smallTalk } from "../../src/commands/builtin.ts";
import { defineCommand } from "../../src/commands/command.ts";
import { memoryRegistry } from "../../src/core/registry/memory.ts";
import { type MemoryInputInit, memoryInput } from "../../src/inputs/memory/memory.ts";
import { cannedClient } from "../fakes/canned-client.ts";
import { manualClock } from "../fakes/clock.ts";

const rows = (count: number) => Array.from({ length: count }, (_, at) => `row ${at + 1} of ${count}`);

const table = defineCommand({
  name: "table",
  summary: "Show many rows",
  input: z.object({ rows: z.coerce.number().int() }),
  words: ["rows"],
  permission: "bot:talk",
  effect: "read",
  run: async (input) => ({ rows: rows(input.rows) }),
  view: (result) => ({ kind: "list", items: result.rows }),
});

const secret = defineCommand({ ...table, name: "secret", personal: true });

describe("Long output (chat.md §2)", () => {
  let bot: Bot | undefined;
  afterEach(async () => bot?.stop());

  const begin = async (limits: MemoryInputInit["limits"] = {}) => {
    const clock = manualClock();
    const input = memoryInput({ clock, limits: { textLength: 1000, files: false, buttons: true, ...limits } });
    const registry = memoryRegistry()();
    bot = createBot({
      inputs: [input],
      commands: [table, secret, ...smallTalk],
      registry,
      client: cannedClient({}),
      clock,
    });
    await bot.start();
    const answer = async () => {
      const message = await input.next();
      return { ...message, text: message.parts.map(({ text }) => text).join("\n") };
    };
    const ask = (text: string, from = "ann", room = "room") => {
      input.say(text, { from, room });
      return answer();
    };
    return { clock, input, answer, ask };
  };
  const idIn = (text: string) => /micro more ([0-9a-f]{6})/.exec(text)?.[1] ?? "no id";

  it("says 15 lines, how many there are and how to read on; its pages come to all of it", async () => {
    const { ask, input, answer } = await begin();
    const first = await ask("table 200");
    const id = idIn(first.text);
    expect(first.text).toBe(
      [...rows(200).slice(0, 15), `15 of 200 lines, 2891 characters in all; \`micro more ${id}\` shows the next`].join(
        "\n",
      ),
    );
    expect(first.choices).toEqual([
      { label: "Next page", line: `more ${id} 2` },
      { label: "Filter", line: `filter ${id}` },
    ]);
    const read = rows(200).slice(0, 15);
    let page = first;
    while (page.choices?.some(({ label }) => label === "Next page")) {
      input.press("Next page");
      page = await answer();
      expect(page.text.length).toBeLessThanOrEqual(1000);
      read.push(...(page.parts[0]?.text.split("\n") ?? []));
    }
    expect(read).toEqual(rows(200));
    expect(page.text).toContain("that is all");
    expect((await ask(`more ${id} 99`)).text).toMatch(/has \d+ pages/);
  });

  it("names the file as well, where there are files", async () => {
    const { ask } = await begin({ files: true });
    const { text, file } = await ask("table 200");
    expect(text).toContain("all of it is in the file, `micro more");
    expect(file?.text).toBe(rows(200).join("\n"));
  });

  it("shows the lines that hold a text, which a form asks for where one can be opened", async () => {
    const { ask, input, answer } = await begin();
    const id = idIn((await ask("table 200")).text);
    expect((await ask(`filter ${id} ROW 19`)).text).toBe(
      [...rows(200).filter((row) => row.startsWith("row 19")), "11 of 200 lines"].join("\n"),
    );
    expect((await ask(`filter ${id} column`)).text).toBe("none of 200 lines holds column");
    expect((await ask(`filter ${id}`)).text).toContain("which text?");
    input.say(`filter ${id}`, { takesForm: true });
    await expect.poll(() => input.forms.at(-1)?.fields[0]).toMatchObject({ name: "id", value: id });
    input.fill({ id, text: "row 200" });
    expect((await answer()).text).toContain("row 200 of 200");
  });

  it("is read on by its room and by who asked, and by nobody else", async () => {
    const { ask } = await begin();
    const id = idIn((await ask("table 200")).text);
    expect((await ask(`more ${id}`, "bob")).text).toContain("page 2");
    expect((await ask(`more ${id}`, "ann", "elsewhere")).text).toContain("page 2");
    expect((await ask(`more ${id}`, "bob", "elsewhere")).text).toContain("no long answer");
  });

  it("is read on only by who asked when it was whispered, and in a whisper", async () => {
    const { ask } = await begin();
    const first = await ask("secret 200");
    expect(first.whisper).toBe(true);
    const id = idIn(first.text);
    expect((await ask(`more ${id}`, "bob")).text).toContain("no long answer");
    expect(await ask(`more ${id}`)).toMatchObject({ whisper: true, text: expect.stringContaining("page 2") });
  });

  it("is kept for half an hour", async () => {
    const { ask, clock } = await begin();
    const id = idIn((await ask("table 200")).text);
    await clock.advance(29 * 60_000);
    expect((await ask(`more ${id}`)).text).toContain("page 2");
    await clock.advance(2 * 60_000);
    expect((await ask(`more ${id}`)).text).toContain("no long answer");
  });
});
