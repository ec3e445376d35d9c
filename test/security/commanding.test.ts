/* biome-ignore-all lint/suspicious/noTemplateCurlyInString: guards are quoted as they stand */

import { expect } from "vitest";
import { z } from "zod";
import { defineCommand } from "../../src/commands/command.ts";
import { deploying, MEMBERS } from "./deploying.ts";
import { slackAt } from "./places.ts";
import { proven } from "./proven.ts";

/* Lines, commands and the yes that is said to them. */

const thing = defineCommand({
  name: "thing",
  summary: "Takes everything that a command can take",
  input: z.object({
    word: z.string(),
    flag: z.boolean().default(false),
    list: z.array(z.string()).default([]),
    text: z.string().default(""),
  }),
  words: ["word"],
  permission: "test:thing",
  effect: "read",
  run: async (input) => input,
  view: () => ({ kind: "text", text: "" }),
});

proven(
  "Command / argument injection",
  "a value that was quoted, or filled into a form, is one argument and no option",
  [
    {
      what: "quotes making a word of it",
      file: "commands/parse.ts",
      code: "if (!optionsOver && !word.quoted && isOption(word.text)) {",
      without: "if (!optionsOver && isOption(word.text)) {",
    },
    {
      what: "quotes around what was filled in",
      file: "commands/form.ts",
      code: 'words.push(field.place === "rest" ? restOf(value) : quotedWord(value));',
      without: "words.push(value);",
    },
    {
      what: "quotes around an option that was filled in",
      file: "commands/form.ts",
      code: "flatMap((one) => [`--${name}`, quotedWord(one)]);",
      without: "flatMap((one) => [`--${name}`, one]);",
    },
  ],
  async ({ kit }) => {
    const catalog = kit.createCatalog([thing]);
    const read = (text: string) => {
      const match = catalog.match(kit.chatLine(text));
      expect(match, text).toBeDefined();
      return match && kit.parse(match).input;
    };
    for (const evil of [
      "--flag",
      "x --flag",
      'x" --flag "y',
      "x' --flag",
      "; thing y --flag",
      "$(reboot)",
      "-- --flag",
    ]) {
      const filled = kit.lineOf(thing, { word: evil, list: `${evil}\nplain`, text: evil });
      let input: unknown;
      expect(() => (input = read(filled)), filled).not.toThrow();
      expect(input).toEqual({ word: evil, flag: false, list: [evil, "plain"], text: evil });
    }
    let quoted: unknown;
    expect(() => (quoted = read('thing "--flag"'))).not.toThrow();
    expect(quoted).toMatchObject({ word: "--flag", flag: false });
  },
);

proven(
  "Slash trigger hijack",
  "the name of a command is owned: nobody registers it again, nor as an alias",
  [
    {
      what: "the look whether it is taken",
      file: "commands/catalog.ts",
      code: 'if (node.command) throw new MicroError("conflict", `two commands are called "${name}": rename one of them`);',
    },
  ],
  async ({ kit }) => {
    const evil = { ...thing, name: "deploy", summary: "Take it over" };
    for (const later of [evil, { ...evil, name: "other", aliases: ["deploy"] }]) {
      expect(() => kit.createCatalog([{ ...thing, name: "deploy" }, later])).toThrow(
        /two commands are called "deploy"/,
      );
    }
  },
);

proven(
  "Slash trigger hijack",
  "in a bot the built-in names are taken already",
  [
    {
      what: "the look whether it is taken",
      file: "commands/catalog.ts",
      code: 'if (node.command) throw new MicroError("conflict", `two commands are called "${name}": rename one of them`);',
    },
  ],
  async (scene) => {
    for (const name of ["help", "jobs", "ping", "deploy"]) {
      const made = deploying(scene, [scene.kit.memoryInput()], { commands: [{ ...thing, name }] });
      await expect(made, name).rejects.toThrow(/two commands are called/);
    }
  },
);

proven(
  "Approval buttons",
  "a yes of somebody else, said elsewhere, or said twice, does nothing but say so",
  [
    {
      what: "the question who asked",
      file: "bot/approvals/guards.ts",
      code: "      if (own) return undefined;\n",
      without: "      return undefined;\n",
    },
    {
      what: "the question where it was asked",
      file: "bot/approvals/guards.ts",
      code: "if (pending.input === input && pending.place.room === room) return undefined;",
      without: "return undefined;",
    },
  ],
  async (scene) => {
    const { slack, input } = await slackAt(scene);
    const { texts, deployed, done } = await deploying(scene, [input], { confirmed: true, policy: MEMBERS });
    slack.say("@micro deploy it");
    await expect.poll(() => slack.posts.length, { timeout: 3000 }).toBe(1);
    const id = /yes ([0-9a-f]{6})/.exec(texts()[0] ?? "")?.[1];
    const before = texts().length;
    slack.say(`@micro yes ${id}`, { user: "U2" });
    slack.say(`@micro yes ${id}`, { channel: "C2" });
    await expect.poll(() => texts().length, { timeout: 3000 }).toBeGreaterThan(before + 1);
    expect(done).toEqual([]);
    slack.say(`@micro yes ${id}`);
    await deployed("it");
    slack.say(`@micro yes ${id}`);
    slack.say("@micro ping");
    await expect.poll(() => texts().join(), { timeout: 3000 }).toContain("pong");
    expect(done).toEqual(["it"]);
  },
);
