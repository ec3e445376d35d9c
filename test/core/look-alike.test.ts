import { describe, expect, it } from "vitest";
import { lookAlike, marked } from "../../src/core/look-alike.ts";

describe("names that may be taken for others", () => {
  const refused: Readonly<Record<string, RegExp>> = {
    "gо.micro.srv.greeter": /"gо" mixes letters of Latin and Cyrillic/,
    раураl: /mixes letters of/,
    рау: /written in Cyrillic letters that look like "pay"/,
    "сосо.srv": /look like "coco"/,
    ΑΒ: /written in Greek letters/,
    "go\u200b.micro": /nobody sees, U\+200B/,
    "pay\u00adments": /U\+00AD/,
    "\u202egnp": /U\+202E/,
    "pay\u2060": /U\+2060/,
    "pay\ufe0f": /U\+FE0F/,
    "pay\u3164": /U\+3164/,
    "pay\u{e0041}": /U\+E0041/,
    "pay\u0007": /U\+0007/,
    "pay\ud800": /U\+D800/,
    "pay\u00a0roll": /a blank that is none/,
    ｐａｙ: /another spelling of "pay"/,
    ﬁle: /another spelling of "file"/,
    "pay①": /another spelling of "pay1"/,
    𝐩𝐚𝐲: /another spelling of "pay"/,
    "go․micro": /another spelling of/,
    "go–micro": /U\+2013, which looks like a plain sign/,
    "a∕b": /U\+2215/,
    "say’s": /U\+2019/,
  };
  for (const [name, why] of Object.entries(refused)) {
    it(`are refused: ${JSON.stringify(name)}`, () => {
      expect(lookAlike(name)).toMatch(why);
      expect(marked(name)).toContain(`${name} (careful: `);
    });
  }

  const fine = [
    "go.micro.srv.greeter",
    "list services",
    "café",
    "cafe\u0301",
    "привет",
    "платежи.srv",
    "größe",
    "支払い",
    "ペイ",
    "결제",
    "a-b_c/d:8",
    "δοκιμή",
    "",
  ];
  for (const name of fine) {
    it(`are not: ${name}`, () => {
      expect(lookAlike(name)).toBeUndefined();
      expect(marked(name)).toBe(name);
    });
  }
});
