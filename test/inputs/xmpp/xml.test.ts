import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseJid } from "../../../src/inputs/xmpp/jid.ts";
import { streamParser } from "../../../src/inputs/xmpp/parse.ts";
import { render } from "../../../src/inputs/xmpp/render.ts";
import { scram } from "../../../src/inputs/xmpp/scram.ts";
import { legal, textOf, write, type Xml, xml } from "../../../src/inputs/xmpp/xml.ts";

const read = async (bytes: Uint8Array, cuts: readonly number[] = []): Promise<readonly Xml[]> => {
  const elements: Xml[] = [];
  const events = { opened: () => {}, element: (one: Xml) => void elements.push(one), ended: () => {} };
  const parser = await streamParser(events, 1_000_000);
  parser.feed(Buffer.from("<s>"));
  let from = 0;
  for (const cut of [...cuts].sort((a, b) => a - b)) {
    parser.feed(bytes.subarray(from, cut));
    from = Math.max(from, cut);
  }
  parser.feed(bytes.subarray(from));
  return elements;
};

describe("XML of XMPP", () => {
  it("XMPP stanza injection (chat.md §6): whatever is written is read as it was, wherever the bytes are cut", async () => {
    const text = fc.string({ unit: "binary" });
    await fc.assert(
      fc.asyncProperty(text, text, fc.array(fc.nat(200)), async (body, value, cuts) => {
        const bytes = Buffer.from(write(xml("message", { to: value }, xml("body", {}, body))));
        const [message] = await read(
          bytes,
          cuts.map((cut) => Math.min(cut, bytes.length)),
        );
        const [inner, more] = message?.children ?? [];
        expect(more).toBe(undefined);
        expect(typeof inner === "object" && textOf(inner)).toBe(legal(body));
        // A parser takes line ends and tabs in an attribute for blanks; a JID has none.
        expect(message?.attrs["to"]?.replace(/\s/g, " ")).toBe(legal(value).replace(/\s/g, " "));
      }),
      { numRuns: 300 },
    );
  });

  it("a namespace is what it is bound to, not how it is spelled", async () => {
    const [one] = await read(Buffer.from("<m xmlns='a' xmlns:b='c'><b:x/><x/><x xmlns='d'/></m>"));
    expect(one?.children.map((child) => typeof child === "object" && child.ns)).toEqual(["c", "a", "d"]);
  });
});

describe("addresses", () => {
  it.each([
    ["Room@Conf.example/admin@x/y", "room@conf.example", "admin@x/y"],
    ["chat.example.org", "chat.example.org", ""],
    ["a@b/", "a@b", ""],
    ["a@b/c@d", "a@b", "c@d"],
  ])("%j", (text, bare, resource) => expect(parseJid(text)).toMatchObject({ bare, resource }));
});

describe("Mention / markup injection in output (chat.md §6)", () => {
  it("code is fenced, and no line of what a service says is a fence (XEP-0393)", () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            kind: fc.constantFrom("text" as const, "code" as const),
            text: fc.string({ unit: fc.constantFrom("`", "\n", "\r", "a", ">", " ", "```") }),
          }),
        ),
        (parts) => {
          const fences = render(parts)
            .body.split("\n")
            .filter((line) => line.startsWith("```"));
          expect(fences.every((line) => line === "```")).toBe(true);
          expect(fences).toHaveLength(2 * parts.filter(({ kind, text }) => kind === "code" && text !== "").length);
        },
      ),
    );
  });

  it("styling is switched off where nothing is code", () => {
    expect(render([{ kind: "text", text: "*a*" }])).toEqual({ body: "*a*", unstyled: true });
    expect(render([{ kind: "code", text: "a" }]).unstyled).toBe(false);
  });
});

describe("SCRAM", () => {
  it.each([
    {
      // RFC 5802 §5
      hash: "sha1",
      nonce: "fyko+d2lbbFgONRv9qkxdawL",
      serverFirst: "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
      proof: "v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
      serverFinal: "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
    },
    {
      // RFC 7677 §3
      hash: "sha256",
      nonce: "rOprNGfwEbeRWgbNEkqO",
      serverFirst: "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
      proof: "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
      serverFinal: "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
    },
  ] as const)("the example of the RFC, $hash", async ({ hash, nonce, serverFirst, proof, serverFinal }) => {
    const exchange = scram(hash, { username: "user", password: "pencil" }, nonce);
    expect(exchange.first).toBe(`n,,n=user,r=${nonce}`);
    expect(exchange.verify(serverFinal)).toBe(false);
    expect(await exchange.answer(serverFirst)).toMatch(new RegExp(`,p=${proof.replace(/[+/]/g, "\\$&")}$`));
    expect(exchange.verify("v=AAAA")).toBe(false);
    expect(exchange.verify(serverFinal)).toBe(true);
  });

  it.each(["r=other,s=QSXC,i=4096", "r=abc,s=QSXC,i=4096", "r=abcd,s=,i=4096", "m=x,r=abcd,s=QSXC,i=4096", ""])(
    "a challenge like %j is none",
    async (challenge) => {
      const exchange = scram("sha1", { username: "a=b,c", password: "x" }, "abc");
      expect(exchange.first).toBe("n,,n=a=3Db=2Cc,r=abc");
      await expect(exchange.answer(challenge)).rejects.toThrow("challenge");
    },
  );
});
