import { describe, expect, it } from "vitest";
import { address } from "../../src/bot/address.ts";

/* Who is spoken to, and what is said to them. */

const said = (text: string, addressed: boolean) => address("micro")({ text, addressed })?.text;

describe("a mention in mid-sentence", () => {
  it.each([
    ["hey @micro list services"],
    ["Hey @Micro, list services"],
    ["ok, please @micro: list services"],
    ["@micro please list services"],
  ])("%j is a command, whether the network counts it as a mention or not", (text) => {
    expect([said(text, false), said(text, true)]).toEqual(["list services", "list services"]);
  });

  it.each([["hey list services"], ["hey micro, list services"], ["hello micro please list services"]])(
    "%j is a command in direct talk, or where the network took the mention out",
    (text) => {
      expect(said(text, true)).toBe("list services");
    },
  );

  it.each(["what does @micro list services do?", "I told @micro list services", "hey micro list services is slow"])(
    "%j is no command: people talk about it",
    (text) => {
      expect(said(text, false)).toBeUndefined();
    },
  );

  it("what stands before it is not left out when the bot was mentioned, so that nothing else is carried out", () => {
    expect(said("what does @micro list services do?", true)).toBe("what does @micro list services do?");
  });

  it.each(["hello", "hey", "please", " hello "])("%j alone is left as it is", (text) => {
    expect(said(text, true)).toBe(text);
  });

  it("leaves what follows untouched", () => {
    expect(said('hey @micro call a B {"text":"hey  @micro please"}', false)).toBe(
      'call a B {"text":"hey  @micro please"}',
    );
  });
});
