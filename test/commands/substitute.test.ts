import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { chatLine } from "../../src/commands/line.ts";
import { pipedIn } from "../../src/commands/pipe/split.ts";
import { checkPlaces, substitute } from "../../src/commands/substitute.ts";
import { MicroError } from "../../src/core/errors.ts";

/* What is said behind an alias, put into its line. */

const put = (line: string, said: string) => substitute("short", line, chatLine(said).words);
const texts = (line: string) => chatLine(line).words.map(({ text }) => text);

describe("words behind an alias", () => {
  it("are appended to its command, before its pipes", () => {
    expect(put("stats", "orders")).toBe("stats orders");
    expect(put("stats orders | top 5", "x y")).toBe("stats orders x y | top 5");
    expect(put("stats", "--limit '|'")).toBe(`stats "--limit" "|"`);
  });

  it("take the places of $1, $2 and $*", () => {
    expect(put("call $1 Say.Hello $2", "greeter {}")).toBe('call greeter Say.Hello "{}"');
    expect(put("echo all: $*", "a b")).toBe("echo all: a b");
    expect(put('echo "to $1, $*"', "ann bob")).toBe('echo "to ann, ann bob"');
    expect(put("scale --to=$1", "3")).toBe('scale --to "3"');
    expect(put("stats $1 | top $2", "orders 3")).toBe("stats orders | top 3");
    expect(put("stats $1", "'orders | json'")).toBe('stats "orders | json"');
  });

  it("stay values in JSON", () => {
    const line = 'call g Say.Hello {"name":"Mr $1","age":$2,"note":"\\"$1\\""}';
    expect(put(line, 'O"Neil 42')).toBe('call g Say.Hello {"name":"Mr O\\"Neil","age":42,"note":"\\"O\\"Neil\\""}');
    expect(put('call g M {"a":$1}', "x")).toBe('call g M {"a":"x"}');
  });

  it("are missed where there are too few, or too many", () => {
    expect(() => put("call $1 $2", "a")).toThrow("wants 2 words behind it, not 1");
    expect(() => put("call $1", "a b")).toThrow("wants one word");
  });

  it("have places only where a word can stand", () => {
    for (const good of ["a $1", "a --b=$1", 'a "x$1y"', 'a {"b":"$1"}', "a $* | top $2", "a $x cost$"])
      checkPlaces(good);
    for (const bad of ["a -$1", "a x$1", "a $1$2", "$1.b c"])
      expect(() => checkPlaces(bad)).toThrow("cannot be put in");
  });

  it("never become anything but one word, whatever they are", () => {
    const word = fc.oneof(
      fc.string(),
      fc.constantFrom(
        "|",
        "--force",
        "-x",
        '"',
        "'",
        "{",
        '"}',
        "$1",
        "$*",
        "a | b",
        '" | json "',
        "“",
        "\u00a0|\u00a0",
      ),
    );
    fc.assert(
      fc.property(word, (text) => {
        const said = [{ text, start: 0, end: 0, quoted: true }];
        for (const line of ["stats $1 --limit 3 | top 1", "stats --limit 3 | top 1"]) {
          let whole: string;
          try {
            whole = substitute("short", line, said);
          } catch (error) {
            // Every kind of quote stands in it, so none can be put around it.
            expect(error).toBeInstanceOf(MicroError);
            continue;
          }
          const piped = pipedIn(chatLine(whole));
          expect(piped?.text).toBe("top 1");
          expect(piped?.head.words).toHaveLength(4);
          expect(texts(whole)).toContain(text);
          const put = piped?.head.words.find((one) => one.text === text);
          expect(put?.quoted === true || /^[\p{L}\p{N}_]/u.test(text)).toBe(true);
        }
        const json = substitute("short", 'call a b {"x":"<$1>","y":$1}', said).slice("call a b ".length);
        expect(JSON.parse(json)).toMatchObject({ x: `<${text}>` });
      }),
      { numRuns: 150 },
    );
  });
});
