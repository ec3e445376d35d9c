import { describe, expect, it } from "vitest";
import { call } from "../../../src/commands/call.ts";
import { createCatalog } from "../../../src/commands/catalog.ts";
import { getService } from "../../../src/commands/get-service.ts";
import { readObject } from "../../../src/commands/json.ts";
import { chatLine } from "../../../src/commands/line.ts";
import { parse } from "../../../src/commands/parse.ts";
import { spoken } from "../../../src/inputs/slack/message.ts";

const catalog = createCatalog([call, getService]);

/** What a command is given for what Slack's client sends. */
function given(markup: string): Record<string, unknown> & { output: string } {
  const event = { type: "message", channel: "D1", user: "U1", ts: "1.000001", text: markup };
  const text = spoken({ team_id: "T1", event }, { team: "T1", user: "UBOT" })?.text ?? "";
  const match = catalog.match(chatLine(text));
  if (match === undefined) throw new Error(`no command: ${text}`);
  const { input, output } = parse(match);
  return { ...input, output };
}

const request = (markup: string) => readObject(String(given(`call greeter Say.Hello ${markup}`)["request"]));

describe("what people type and Slack's client makes of it (chat.md §3, incoming text quirks)", () => {
  it.each([
    ["smart quotes for all of JSON", "{“name”: “John”}", '{"name": "John"}'],
    ["the quotes of other languages", "{„name“: «John»}", '{"name": "John"}'],
    ["JSON in the straight quotes of a shell", `'{"name": "John"}'`, '{"name": "John"}'],
    ["smart quotes within straight ones", '"{“name”: “John”}"', '{"name": "John"}'],
    ["straight quotes within smart ones", '“{"name": "John"}”', '{"name": "John"}'],
    ["JSON in the single smart quotes of a shell", '‘{"name": "John"}’', '{"name": "John"}'],
    [
      "smart quotes that were meant, to the letter",
      '{"note": "he said “hi” – once"}',
      '{"note": "he said “hi” – once"}',
    ],
    ["hard blanks between the parts", '{\u00a0"n":\u00a01}', '{ "n": 1}'],
    ["hard blanks that were meant, to the letter", '{"n": "a\u00a0b"}', '{"n": "a\u00a0b"}'],
    ["a linked host", '{"host": "<http://db1.example.com|db1.example.com>"}', '{"host": "db1.example.com"}'],
    [
      "a linked address with port, query, & and #",
      '{"url": "<https://A.b.io:80/?x=1&amp;y=2#t>"}',
      '{"url": "https://A.b.io:80/?x=1&y=2#t"}',
    ],
    ["a linked mail address", '{"to": "<mailto:ann@example.com|ann@example.com>"}', '{"to": "ann@example.com"}'],
    ["entities", '{"q": "a &lt; b &amp;&amp; c &gt; d"}', '{"q": "a < b && c > d"}'],
    ["what was typed as an entity", '{"q": "&amp;lt;"}', '{"q": "&lt;"}'],
    ["what was typed as a mention", '{"q": "&lt;!channel&gt;"}', '{"q": "<!channel>"}'],
    ["a fence around the JSON's line", '{"name": "John"}\n', '{"name": "John"}'],
  ])("undoes %s", (_what, markup, json) => {
    expect(request(markup)).toBe(json);
  });

  it.each([
    ["an em dash for --", "—output json"],
    ["an en dash for --", "–output json"],
    ["an em dash with =", "—output=json"],
    ["a dash after a hard blank", "\u00a0—output\u00a0json"],
    ["characters of no width", "\u200b—output\u2060 json"],
    ["a quoted value", "—output “json”"],
  ])("understands %s", (_what, option) => {
    expect(given(`call greeter Say.Hello {“name”: “John”} ${option}`)).toMatchObject({
      request: "{“name”: “John”}",
      output: "json",
    });
    expect(given(`get service greeter ${option}`)).toMatchObject({ service: "greeter", output: "json" });
  });

  it("keeps options apart from JSON that holds smart quotes", () => {
    expect(given('call greeter Say.Hello {"q": "“a” b"} —output raw')).toMatchObject({
      request: '{"q": "“a” b"}',
      output: "raw",
    });
  });

  it("takes a linked host as a word, an option's value and a part of one", () => {
    const host = "<http://db1.example.com:8080|db1.example.com:8080>";
    expect(given(`call greeter Say.Hello —address ${host}`)).toMatchObject({ address: "db1.example.com:8080" });
    expect(given(`call greeter Say.Hello --address=${host}`)).toMatchObject({ address: "db1.example.com:8080" });
    expect(given("get service <http://go.micro.srv|go.micro.srv>.greeter")).toMatchObject({
      service: "go.micro.srv.greeter",
    });
  });

  it("takes a hard blank beside a link for a blank", () => {
    expect(given("get\u00a0service\u00a0<http://go.micro.io|go.micro.io>\u00a0")).toMatchObject({
      service: "go.micro.io",
    });
  });
});
