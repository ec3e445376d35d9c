import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { pieces } from "../../../src/inputs/slack/markup.ts";
import { typed } from "../../fakes/slack-markup.ts";

const read = (markup: string) =>
  pieces(markup)
    .map((piece) => piece.text)
    .join("");

describe("undoing Slack's markup (chat.md §3)", () => {
  it.each([
    ["plain text", "list services", "list services"],
    ["entities", "a &lt;b&gt; &amp; c", "a <b> & c"],
    ["entities once only", "&amp;lt;!channel&amp;gt; &amp;amp;", "&lt;!channel&gt; &amp;"],
    ["other entities untouched", "&quot;x&quot; &nbsp; &#39;", "&quot;x&quot; &nbsp; &#39;"],
    ["an auto-linked host", "call <http://a.b|a.b>", "call a.b"],
    ["a host with a port", "<http://api.example.com:8080|api.example.com:8080>", "api.example.com:8080"],
    ["an address", "get <https://x.y/z>", "get https://x.y/z"],
    [
      "upper case, port, query, & and #",
      "<HTTPS://API.Example.COM:8443/A/b?x=1&amp;y=%20#Top>",
      "HTTPS://API.Example.COM:8443/A/b?x=1&y=%20#Top",
    ],
    ["a mail address", "<mailto:a@b.c|a@b.c>", "a@b.c"],
    ["a bare mail address", "<mailto:a@b.c>", "a@b.c"],
    ["a phone number", "<tel:+4930123|+49 30 123>", "+49 30 123"],
    ["a link with words: what is shown counts", "<https://x.y/z|the docs>", "the docs"],
    ["a mention", "ask <@U123>", "ask @U123"],
    ["a mention with a name: the id counts", "ask <@U123|ann>", "ask @U123"],
    ["a channel", "<#C1|general> <#C2> <#C3|>", "#general #C2 #C3"],
    ["everybody", "<!here> <!channel> <!everyone> <!here|@here>", "@here @channel @everyone @here"],
    ["a group", "<!subteam^S1|@ops> <!subteam^S2>", "@ops @S2"],
    ["a date", "<!date^1392734382^{date} at {time}^https://x.y|18 February>", "18 February"],
    ["what was typed as a token", "&lt;!channel&gt; &lt;@U1&gt;", "<!channel> <@U1>"],
    ["a lone bracket", "a < b", "a < b"],
    ["nothing", "", ""],
    ["smart quotes, dashes and hard blanks as they are", "call “x” ‘y’ —limit\u00a05", "call “x” ‘y’ —limit\u00a05"],
  ])("%s", (_what, markup, text) => {
    expect(read(markup)).toBe(text);
  });

  it("keeps JSON byte for byte through linking and encoding", () => {
    const json =
      '{"url": "https://Example.com:8080/a?b=1&c=<d>#E", "host": "db1.example.org", "to": "ann@example.com", "n": "a  b"}';
    expect(typed(json)).toContain("<mailto:ann@example.com|ann@example.com>");
    expect(read(typed(json))).toBe(json);
  });

  it("gives back whatever was typed (property, seeded)", () => {
    const word = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.constantFrom(
        "<!channel>",
        "&lt;",
        "&amp;",
        "<",
        ">",
        "|",
        "http://A.b.io:80/?x&y#z",
        "db1.example.com",
        "a@b.net",
        "`",
        "```",
        " ",
        "\n",
        "\u00a0",
      ),
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 12 }), (words) => {
        const text = words.join("");
        expect(read(typed(text))).toBe(text);
      }),
      { seed: 20160501, numRuns: 500 },
    );
  });

  it("never throws and never loops, whatever it is given (property, seeded)", () => {
    const bits = fc.constantFrom("<", ">", "|", "!", "@", "#", "^", "&", ";", "lt", "amp", "date", "subteam", "a", " ");
    fc.assert(
      fc.property(fc.array(bits, { maxLength: 60 }), (tokens) => {
        expect(typeof read(tokens.join(""))).toBe("string");
      }),
      { seed: 20160501, numRuns: 500 },
    );
  });

  it("takes time in proportion to the length", () => {
    const began = performance.now();
    read("<".repeat(200_000));
    read("<a".repeat(100_000));
    expect(performance.now() - began).toBeLessThan(1000);
  });
});
