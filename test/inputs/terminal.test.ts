import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Writable } from "node:stream";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { plainText } from "../../src/core/plain-text.ts";
import type { InputConnection } from "../../src/inputs/input.ts";
import { type TerminalInit, terminalInput } from "../../src/inputs/terminal/terminal.ts";
import { inputContract } from "../contract/input.contract.ts";
import { type Screen, screen } from "../fakes/screen.ts";

const controlsIn = (text: string) => text.match(/(?![\n\t])\p{Cc}/gu) ?? [];
const PLACE = { room: "terminal" };

inputContract("terminal (pipes)", {
  create: async () => {
    const input = new PassThrough();
    const heard: string[] = [];
    const output = new Writable({
      write: (chunk, _encoding, done) => {
        heard.push(String(chunk).replace(/\n$/, ""));
        done();
      },
    });
    return {
      input: terminalInput({ input, output, user: "ann" })(),
      say: (text) => void input.write(`${text}\n`),
      flood: (length) => void input.write(`${"x".repeat(length)}\n`),
      heard: () => heard.map((text) => ({ text, live: controlsIn(text) })),
      alive: controlsIn,
      close: async () => {},
      [Symbol.asyncDispose]: async () => {},
    };
  },
  without: {
    sayElsewhere: "there is one terminal",
    overhear: "nobody else is there",
    sayAsStranger: "who sits there is known",
    deliverAgain: "a line is typed once",
    noise: "nobody else is there",
    taken: "a pipe hears of nothing",
    redeliver: "a line is typed once",
    lose: "a terminal that goes does not come back",
    refuse: "there are no credentials",
    unreachable: "it is already there",
    failSend: "what is written is shown",
    hold: "what is written is shown",
    sayDirect: "there is one terminal",
    spoof: "nobody else is there",
    press: "there is nothing to press; what is offered can be typed",
    pressAsStranger: "there is nothing to press; what is offered can be typed",
    fill: "there are no forms; arguments are typed",
    sayForForm: "there are no forms; arguments are typed",
    failForm: "there are no forms; arguments are typed",
    marks: "a typed line takes no sign",
    failMark: "a typed line takes no sign",
    whispered: "nobody else is there",
    remove: "what is written stays",
    under: "lines stand below each other",
    alone: "nobody else is there",
  },
});

describe("terminal: pipes", () => {
  const pipes = async (init: Partial<TerminalInit> = {}) => {
    const input = new PassThrough();
    const output = new PassThrough();
    const link = await terminalInput({ input, output, user: "ann", ...init })().connect();
    return { input, output, link };
  };
  const texts = async (link: InputConnection) => {
    const all: string[] = [];
    for await (const { text } of link) all.push(text);
    return all;
  };

  it("ends with the pipe, and takes a last line without an end", async () => {
    const { input, link } = await pipes();
    input.end("one\r\n\n  \ntwo\nthree");
    expect(await texts(link)).toEqual(["one", "two", "three"]);
    await link.close();
  });

  it("puts together characters that arrive in pieces", async () => {
    const { input, link } = await pipes();
    const bytes = Buffer.from("grüße 🌍\n");
    for (const byte of bytes) input.write(Buffer.of(byte));
    input.end();
    expect(await texts(link)).toEqual(["grüße 🌍"]);
    await link.close();
  });

  it("says who it was, addressed, in one room", async () => {
    const { input, link } = await pipes();
    input.end("ping\npong\n");
    const messages = [];
    for await (const message of link) messages.push(message);
    expect(messages[0]).toMatchObject({
      from: { id: "ann", name: "ann", guest: false },
      addressed: true,
      place: PLACE,
    });
    expect(messages[0]?.id).not.toBe(messages[1]?.id);
    await link.close();
  });

  it("reads no further than it is asked to", async () => {
    const input = new PassThrough({ highWaterMark: 16 });
    const { link } = await pipes({ input });
    const iterator = link[Symbol.asyncIterator]();
    input.write("one\n");
    expect((await iterator.next()).value?.text).toBe("one");
    let room = true;
    for (let i = 0; i < 100 && room; i++) room = input.write("line after line\n");
    expect(room).toBe(false);
    await link.close();
  });

  it("does not wait for the end of a line that has none", async () => {
    const { input, link } = await pipes();
    input.write("x".repeat(1_000_001));
    const first = await link[Symbol.asyncIterator]().next();
    expect(first.value?.text.length).toBeGreaterThan(1_000_000);
    await link.close();
  });

  it("prints parts as they are, without prompt", async () => {
    const { output, link } = await pipes();
    await link.send({
      place: PLACE,
      parts: [
        { kind: "code", text: "a\tb\n" },
        { kind: "text", text: "that is all" },
      ],
    });
    await link.close();
    expect(String(output.read())).toBe("a\tb\nthat is all\n");
  });

  it("waits until a slow reader has made room", async () => {
    const output = new PassThrough({ highWaterMark: 4 });
    const { link } = await pipes({ output });
    await link.send(said("much more than four"));
    const late = link.send(said("late"), { timeoutMs: 20 });
    await expect(late).rejects.toMatchObject({ code: "timeout" });
    const soon = link.send(said("soon"));
    output.resume();
    await soon;
    await link.close();
  });

  it("ends when nobody reads any more", async () => {
    const output = new Writable({ write: (_chunk, _encoding, done) => done(new Error("EPIPE")) });
    const { link } = await pipes({ output });
    await link.send(said("hello"));
    expect(await texts(link)).toEqual([]);
    await expect(link.send(said("again"))).rejects.toMatchObject({ code: "unavailable" });
    await link.close();
  });
});

describe("terminal: typing", () => {
  let folder: string;
  let open: InputConnection[] = [];
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "micro-terminal-"));
  });
  afterEach(async () => {
    for (const link of open) await link.close();
    open = [];
    await rm(folder, { recursive: true });
  });

  async function sit(init: Partial<TerminalInit> = {}): Promise<{ tty: Screen; link: InputConnection }> {
    const tty = screen({ columns: 40 });
    const link = await terminalInput({ input: tty.input, output: tty.output, user: "ann", ...init })().connect();
    open.push(link);
    return { tty, link };
  }
  const reader = (link: InputConnection) => {
    const iterator = link[Symbol.asyncIterator]();
    return async () => (await iterator.next()).value?.text;
  };

  it("shows a prompt and takes a line", async () => {
    const { tty, link } = await sit();
    const next = reader(link);
    await tty.shows("micro> ");
    tty.type("list services\r");
    expect(await next()).toBe("list services");
    await tty.shows("micro> list services\nmicro> ");
  });

  it("writes an answer above a line that is being typed", async () => {
    const { tty, link } = await sit();
    tty.type("get ser");
    await tty.shows("micro> get ser");
    await link.send(said("pong"));
    await tty.shows("pong\nmicro> get ser");
    tty.type("vice\r");
    expect(await reader(link)()).toBe("get service");
  });

  it("writes an answer above a line that fills several rows", async () => {
    const { tty, link } = await sit();
    const long = 'call go.micro.srv.greeter Say.Hello {"name":"somebody with a long name"}';
    tty.type("ping\r");
    tty.type(long);
    await tty.shows(`micro> ping\n${rows(`micro> ${long}`, 40)}`);
    await link.send(said("pong\nand more"));
    await link.send(said("again"));
    await tty.shows(`micro> ping\npong\nand more\nagain\n${rows(`micro> ${long}`, 40)}`);
    tty.type("\r");
    const next = reader(link);
    await next();
    expect(await next()).toBe(long);
  });

  it("lets no answer move the cursor", async () => {
    const { tty, link } = await sit();
    await link.send(said("\u001b[2J\u001b[Hgone\u001b]52;c;ZXZpbA==\u0007!"));
    await tty.shows("gone!\nmicro> ");
  });

  it("keeps what was typed for the next session, newest first", async () => {
    const historyFile = join(folder, "state", "history");
    const first = await sit({ historyFile });
    first.tty.type("ping\rlist services\rlist services\r   \r");
    await first.tty.shows("micro> ping\nmicro> list services\nmicro> list services\nmicro>    \nmicro> ");
    await first.link.close();
    expect(await readFile(historyFile, "utf8")).toBe("ping\nlist services\n");

    const second = await sit({ historyFile });
    second.tty.type("\u001b[A");
    await second.tty.shows("micro> list services");
    second.tty.type("\u001b[A");
    await second.tty.shows("micro> ping");
  });

  it("does not let the history grow without end", async () => {
    const historyFile = join(folder, "history");
    await writeFile(historyFile, Array.from({ length: 5000 }, (_, i) => `line ${i}\n`).join(""));
    const { tty } = await sit({ historyFile });
    tty.type("\u001b[A");
    await tty.shows("micro> line 4999");
    expect((await readFile(historyFile, "utf8")).split("\n")).toHaveLength(1001);
  });

  it("does without a history that cannot be written", async () => {
    await writeFile(join(folder, "file"), "");
    const { tty, link } = await sit({ historyFile: join(folder, "file", "history") });
    tty.type("ping\r");
    expect(await reader(link)()).toBe("ping");
  });

  it("completes the last word", async () => {
    const { tty } = await sit({
      complete: async (line) => (line.startsWith("list ") ? ["services"] : ["list", "get"]),
    });
    tty.type("li\t");
    await tty.shows("micro> list ");
    tty.type("s\t");
    await tty.shows("micro> list services ");
  });

  it("goes on when completion fails", async () => {
    const { tty } = await sit({ complete: () => Promise.reject(new Error("no")) });
    tty.type("li");
    tty.type("\t");
    tty.type("st");
    await tty.shows("micro> list");
  });

  it("clears the line at Ctrl-C, and leaves at the second", async () => {
    const { tty, link } = await sit();
    const next = reader(link);
    tty.type("deregister");
    tty.type("\u0003");
    await tty.shows("micro> deregister\nmicro> ");
    tty.type("\u0003");
    expect(await next()).toBeUndefined();
  });

  it("does not leave at a Ctrl-C that is the first since something was said", async () => {
    const { tty, link } = await sit();
    const next = reader(link);
    tty.type("\u0003");
    await tty.shows("micro> \nCtrl-C again or Ctrl-D to leave\nmicro> ");
    tty.type("ping\r\u0003pong\r");
    expect([await next(), await next()]).toEqual(["ping", "pong"]);
  });

  it("leaves at Ctrl-D, and leaves the row to the shell", async () => {
    const { tty, link } = await sit();
    tty.type("ping\r\u0004");
    const next = reader(link);
    expect(await next()).toBe("ping");
    expect(await next()).toBeUndefined();
    await link.send(said("pong"));
    await tty.shows("micro> ping\nmicro> \npong\n");
  });
});

describe("plain text", () => {
  it.each([
    ["a\tb\nc", "a\tb\nc"],
    ["\u001b[31mred\u001b[0m", "red"],
    ["\u001b]0;title\u0007x", "x"],
    ["\u001b]8;;http://evil\u001b\\link\u001b]8;;\u001b\\", "link"],
    ["\u009b2Jx\u001b7y\u001b(Bz", "xyz"],
    ["over\rwritten", "over\nwritten"],
    ["line\r\nend", "line\nend"],
    ["a\bb\u0000c\u007fd\u0085e", "abcde"],
    ["abc\u202ecba", "abccba"],
    ["grüße 🌍", "grüße 🌍"],
  ])("%j", (text, plain) => {
    expect(plainText(text)).toBe(plain);
  });
});

function said(text: string) {
  return { place: PLACE, parts: [{ kind: "text" as const, text }] };
}

function rows(text: string, columns: number): string {
  return text.replace(new RegExp(`(.{${columns}})(?=.)`, "g"), "$1\n");
}
