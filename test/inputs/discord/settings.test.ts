import { describe, expect, it } from "vitest";
import { checkSettings } from "../../../src/inputs/discord/settings.ts";

const token = "MTAx.GabcdE.secret-of-the-bot";

describe("Discord's settings", () => {
  it.each([token, `Bot ${token}`, ` bot  ${token}\n`])("takes the token as %j", (given) => {
    expect(checkSettings({ token: given }).token).toBe(token);
  });

  it.each([
    [undefined, "missing discord token"],
    ["", "missing discord token"],
    ["Bot ", "missing discord token"],
    ["not a token", "is not one"],
  ])("refuses the token %j", (given, words) => {
    expect(() => checkSettings({ token: given })).toThrow(words);
    expect(() => checkSettings({ token: given })).not.toThrow("not a token");
  });

  it("Identity confusion (chat.md §6): the whitelist takes ids, no names", () => {
    expect(checkSettings({ token, whitelist: ["80351110224678912"] }).whitelist).toEqual(
      new Set(["80351110224678912"]),
    );
    for (const name of ["ann", "@ann", "ann#1234", "<@80351110224678912>", "8035 1110"]) {
      expect(() => checkSettings({ token, whitelist: [name] })).toThrow("numeric ids");
    }
  });

  it.each([
    ["Micro ", "micro list", "list"],
    ["Micro ", "  MICRO: list", "list"],
    ["Micro ", "micro", ""],
    ["Micro ", "microscope list", undefined],
    ["Micro ", "micro-list", undefined],
    ["Micro ", "the micro list", undefined],
    ["!", "!list", "list"],
    ["m.", "m. list", "list"],
    ["m.", "mx list", undefined],
    ["Ünî", "ünî list", "list"],
    ["Ünî", "ünîx list", undefined],
  ])("with the prefix %j, %j says %j", (prefix, said, rest) => {
    const match = checkSettings({ token, prefix }).prefix.exec(said);
    expect(match === null ? undefined : said.slice(match[0].length)).toBe(rest);
  });

  it("wants a prefix", () => {
    expect(() => checkSettings({ token, prefix: " " })).toThrow("prefix is empty");
  });
});
