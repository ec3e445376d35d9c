import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createFrameReader, type Message, writeFrame } from "../../../src/core/transport/http-framing.ts";

const bytes = (text: string) => Buffer.from(text, "latin1");
const read = (...chunks: Buffer[]): Message[] => {
  const reader = createFrameReader();
  return chunks.flatMap((chunk) => [...reader.push(chunk)]);
};
const bodyOf = (message: Message | undefined) => Buffer.from(message?.frame.body ?? []).toString("utf8");

describe("the reader", () => {
  it("reads what Go sends (wire.md §3.1)", () => {
    const [message] = read(
      bytes(
        'POST / HTTP/1.1\r\nHost: 127.0.0.1:7201\r\nUser-Agent: Go-http-client/1.1\r\nContent-Length: 29\r\nMicro-Endpoint: Greeter.Hello\r\nTimeout: 700000000\r\n\r\n{"name":"John","user_id":12}\n',
      ),
    );
    expect(message?.startLine).toBe("POST / HTTP/1.1");
    expect(message?.frame.header).toMatchObject({ "micro-endpoint": "Greeter.Hello", timeout: "700000000" });
    expect(bodyOf(message)).toBe('{"name":"John","user_id":12}\n');
  });

  it.each([
    ["Go's empty body", "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", ""],
    ["a length of nothing", "Content-Length: 0\r\n\r\n", ""],
    ["no length at all", "\r\n", ""],
    [
      "chunks",
      "transfer-encoding: Chunked\r\n\r\n3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n",
      "abc0123456789",
    ],
  ])("takes %s, and the message after it", (_what, rest, body) => {
    const messages = read(bytes(`POST / HTTP/1.1\r\n${rest}HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok`));
    expect(messages.map(bodyOf)).toEqual([body, "ok"]);
  });

  it("takes the first of a repeated header, and values in UTF-8", () => {
    const head = Buffer.concat([
      bytes("POST / HTTP/1.1\r\nX-A: 1\r\nx-a: 2\r\nX-U: "),
      Buffer.from("zoë €"),
      bytes("\r\n\r\n"),
    ]);
    expect(read(head)[0]?.frame.header).toMatchObject({ "x-a": "1", "x-u": "zoë €" });
  });

  it.each([
    ["two lengths", "Content-Length: 3\r\nContent-Length: 4\r\n\r\n"],
    ["a length beside chunks", "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"],
    ["an encoding nobody asked for", "Transfer-Encoding: gzip, chunked\r\n\r\n"],
    ["a negative length", "Content-Length: -1\r\n\r\n"],
    ["a length with a sign", "Content-Length: +3\r\n\r\n"],
    ["a length that is no number", "Content-Length: 0x10\r\n\r\n"],
    ["a huge length", "Content-Length: 99999999999999\r\n\r\n"],
    ["a header without a name", ": x\r\n\r\n"],
    ["a header without a colon", "nonsense\r\n\r\n"],
    ["a name with a blank", "Content Length: 3\r\n\r\n"],
    ["a blank before the colon", "Content-Length : 3\r\n\r\n"],
    ["a folded line", "X-A: 1\r\n  2\r\n\r\n"],
    ["a chunk without a size", "Transfer-Encoding: chunked\r\n\r\nzz\r\n"],
    ["a chunk of another size", "Transfer-Encoding: chunked\r\n\r\n2\r\nabcd\r\n"],
    ["endless headers", `X-A: ${"a".repeat(1_100_000)}\r\n\r\n`],
  ])("refuses %s", (_what, rest) => {
    expect(() => read(bytes(`POST / HTTP/1.1\r\n${rest}`))).toThrow("does not speak HTTP/1.1");
  });

  it("refuses headers that never end", () => {
    const reader = createFrameReader();
    expect(() => {
      for (let index = 0; index < 2000; index++) reader.push(bytes("X".repeat(1024)));
    }).toThrow("headers of more than");
  });

  it("refuses trailers that never end", () => {
    const reader = createFrameReader();
    reader.push(bytes("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"));
    expect(() => {
      for (let index = 0; index < 1000; index++) reader.push(bytes("X-A: 1234567890\r\n"));
    }).toThrow("trailers that are too long");
  });

  // To join anew what has come with every piece took half a minute here.
  it("takes a time that grows with the bytes, not with their square", () => {
    const began = performance.now();
    const reader = createFrameReader();
    const size = 48 << 20;
    reader.push(bytes(`POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n${size.toString(16)}\r\n`));
    const piece = Buffer.alloc(64 << 10, "a");
    for (let sent = 0; sent < size; sent += piece.length) expect(reader.push(piece)).toEqual([]);
    const [long] = reader.push(bytes("\r\n0\r\n\r\nPOST / HTTP/1.1\r\nX-A: "));
    expect(long?.frame.body.length).toBe(size);
    const drop = bytes("aaaa");
    for (let index = 0; index < 100_000; index++) reader.push(drop);
    const [dripped] = reader.push(bytes("\r\n\r\n"));
    expect(dripped?.frame.header["x-a"]).toHaveLength(400_000);
    expect(performance.now() - began).toBeLessThan(5000);
  });

  it("reads chunks as what they make together, however the stream is cut", () => {
    const chunk = fc.uint8Array({ minLength: 1, maxLength: 400 });
    fc.assert(
      fc.property(
        fc.array(fc.array(chunk, { maxLength: 6 }), { minLength: 1, maxLength: 4 }),
        fc.array(fc.integer({ min: 1, max: 60 })),
        (bodies, cuts) => {
          const stream = Buffer.concat(
            bodies.flatMap((chunks) => [
              bytes("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"),
              ...chunks.flatMap((part) => [bytes(`${part.length.toString(16)}\r\n`), part, bytes("\r\n")]),
              bytes("0\r\nX-T: 1\r\n\r\n"),
            ]),
          );
          const pieces: Buffer[] = [];
          let at = 0;
          for (const cut of cuts) {
            pieces.push(stream.subarray(at, at + cut));
            at += cut;
          }
          pieces.push(stream.subarray(at));
          const messages = read(...pieces.filter((piece) => piece.length > 0));
          expect(messages.map(({ frame }) => Buffer.from(frame.body))).toEqual(
            bodies.map((part) => Buffer.concat(part)),
          );
        },
      ),
      { seed: 23, numRuns: 300 },
    );
  });

  it("throws nothing but its own error, whatever comes", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 8 }), (chunks) => {
        const reader = createFrameReader();
        try {
          for (const chunk of chunks) reader.push(Buffer.from(chunk));
        } catch (error) {
          expect(error).toMatchObject({ code: "invalid_argument" });
        }
      }),
      { seed: 11, numRuns: 500 },
    );
  });
});

describe("what is written", () => {
  const header = fc.dictionary(fc.stringMatching(/^x-[a-z]{1,8}$/), fc.string({ unit: "grapheme", maxLength: 30 }), {
    maxKeys: 5,
  });
  const message = fc.record({ header, body: fc.uint8Array({ maxLength: 300 }) });

  it("is read again as it was, however the stream is cut", () => {
    fc.assert(
      fc.property(fc.array(message, { minLength: 1, maxLength: 5 }), fc.array(fc.nat({ max: 50 })), (frames, cuts) => {
        const stream = Buffer.concat(frames.map((frame) => writeFrame("HTTP/1.1 200 OK", frame)));
        const chunks: Buffer[] = [];
        let at = 0;
        for (const cut of cuts) {
          chunks.push(stream.subarray(at, at + cut));
          at += cut;
        }
        chunks.push(stream.subarray(at));
        const messages = read(...chunks.filter((chunk) => chunk.length > 0));
        expect(messages).toHaveLength(frames.length);
        for (const [index, { header: sent, body }] of frames.entries()) {
          const got = messages[index]?.frame;
          expect(Buffer.from(got?.body ?? [])).toEqual(Buffer.from(body));
          for (const [name, value] of Object.entries(sent)) {
            expect(got?.header[name]).toBe(value.replace(/[\r\n]+/g, " ").replace(/^[ \t]+|[ \t]+$/g, ""));
          }
        }
      }),
      { seed: 5, numRuns: 300 },
    );
  });

  it("has Go's spelling of names, and no header that HTTP cannot carry or that ends another", () => {
    const text = writeFrame("POST / HTTP/1.1", {
      header: { "micro-id": "1", user_id: "2", ":topic": "t", "x-a": "1\r\nEvil: yes", "content-length": "99" },
      body: new Uint8Array(0),
    }).toString("latin1");
    expect(text).toContain("\r\nMicro-Id: 1\r\n");
    expect(text).toContain("\r\nUser_id: 2\r\n");
    expect(text).not.toContain("topic");
    expect(text).toContain("\r\nX-A: 1 Evil: yes\r\n");
    expect(text).toContain("Content-Length: 0\r\n\r\n");
    expect(text).not.toContain("99");
  });
});
