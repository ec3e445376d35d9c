import { describe, expect, it } from "vitest";
import { argvLine, chatLine, jsonEnd, quotedWord } from "../../src/commands/line.ts";

const words = (text: string) => chatLine(text).words.map((word) => word.text);

describe("chatLine", () => {
  it.each([
    ["list services", ["list", "services"]],
    ["  list \t services \n", ["list", "services"]],
    ["list\u00a0services", ["list", "services"]],
    ["get service \u201cgo.micro.srv.a b\u201d", ["get", "service", "go.micro.srv.a b"]],
    [`echo "two words" 'and more'`, ["echo", "two words", "and more"]],
    ["get service x \u2014version 1.0.0", ["get", "service", "x", "--version", "1.0.0"]],
    ["echo it's on", ["echo", "it's", "on"]],
    ["echo \u2018quoted\u2019", ["echo", "quoted"]],
    ['echo "never closed', ["echo", '"never', "closed"]],
    ['call x {"a": "b c"} --version "1 2"', ["call", "x", '{"a": "b c"}', "--version", "1 2"]],
    ["call x [1, {}] y", ["call", "x", "[1, {}]", "y"]],
    ['call x {"a": 1}y z', ["call", "x", '{"a":', "1}y", "z"]],
    ["call x {never closed", ["call", "x", "{never", "closed"]],
    ["", []],
    ["\u00a0 ", []],
  ])("splits %j", (text, expected) => {
    expect(words(text)).toEqual(expected);
  });

  it("takes what is quoted behind a = for its value", () => {
    const texts = (line: string) => chatLine(line).words.map(({ text }) => text);
    expect(texts(`run b what="a b" 'c d'`)).toEqual(["run", "b", "what=a b", "c d"]);
    expect(texts("--why='it | is' on")).toEqual(["--why=it | is", "on"]);
    expect(texts("what=\u201ca b\u201d on")).toEqual(["what=a b", "on"]);
    expect(texts('what="" on')).toEqual(["what=", "on"]);
    expect(texts('what="a b on')).toEqual(['what="a', "b", "on"]);
    const [word] = chatLine('what="a b" on').words;
    expect(word).toMatchObject({ start: 0, end: 10, quoted: false });
    for (const text of ['a="b"', 'a="b c" d', "a='b'"])
      expect(texts(`say ${quotedWord(text)} on`)).toEqual(["say", text, "on"]);
  });

  it("is not slow on a text of quotes that nothing closes", () => {
    const began = performance.now();
    expect(chatLine('"a '.repeat(100_000)).words).toHaveLength(100_000);
    expect(performance.now() - began).toBeLessThan(2000);
  });

  it("is not slow on a text of brackets that nothing closes", () => {
    const began = performance.now();
    expect(chatLine("{ [ ".repeat(50_000)).words).toHaveLength(100_000);
    expect(performance.now() - began).toBeLessThan(2000);
  });

  it("is not slow on brackets in brackets that something follows", () => {
    const began = performance.now();
    expect(chatLine("{ ".repeat(40_000) + "}x ".repeat(40_000)).words).toHaveLength(80_000);
    expect(performance.now() - began).toBeLessThan(2000);
  });

  it("finds JSON behind brackets that are none", () => {
    expect(words('[note]: {"a": 1} {x}y {"b": 2}')).toEqual(["[note]:", '{"a": 1}', "{x}y", '{"b": 2}']);
  });

  it("remembers where words stood, so that the text between can be taken untouched", () => {
    const line = chatLine('call svc Ep {"a":  1, "b": "\u201cx\u201d"}');
    const json = line.words[3];
    expect(line.text.slice(json?.start)).toBe('{"a":  1, "b": "\u201cx\u201d"}');
  });
});

describe("argvLine", () => {
  it("keeps an argument with blanks together and joins arguments by one blank", () => {
    const line = argvLine(["call", "svc", "Ep", '{"a": 1}']);
    expect(line.text).toBe('call svc Ep {"a": 1}');
    expect(line.words[3]).toMatchObject({ text: '{"a": 1}', start: 12, end: 20 });
  });
});

describe("jsonEnd", () => {
  it.each([
    ['{"a":"}"} --output raw', 9],
    ['{"a":"\\"}"}', 11],
    ["[[],{}] x", 7],
    ['{"a":1', -1],
    ["{\u201ca\u201d: \u201c}\u201d}", 10],
    ['{"a":"\u201cx\u201d }"} --output raw', 13],
  ])("finds the end of %s", (text, end) => {
    expect(jsonEnd(text, 0)).toBe(end);
  });
});
