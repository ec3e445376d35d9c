import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MicroError } from "../../../src/core/errors.ts";
import { createGossipCipher } from "../../../src/core/registry/gossip-crypt.ts";
import { compressLzw, decompressLzw } from "../../../src/core/registry/gossip-lzw.ts";
import { createMembers, type Members } from "../../../src/core/registry/gossip-members.ts";
import { decodeFlat, encodeFlat } from "../../../src/core/registry/gossip-msgpack.ts";
import {
  decodePacket,
  encodeMessage,
  encodePackets,
  type GossipMessage,
  ipBytes,
  ipText,
} from "../../../src/core/registry/gossip-packet.ts";
import {
  decodeStream,
  encodeStream,
  missingBytes,
  type StreamMessage,
} from "../../../src/core/registry/gossip-state.ts";
import { decodeUpdate, encodeUpdate } from "../../../src/core/registry/gossip-update.ts";

const SEED = Number(process.env["FUZZ_SEED"] ?? 20_261_121);
const fuzz = { numRuns: 2000, seed: SEED };
const cipher = createGossipCipher("micro-gossip-key");

/** `wire.md §2.6`, the worked example. */
const EXAMPLE =
  "088080bea884b897ef151001180132200a0c436f6e74656e742d5479706512106170706c69636174696f6e2f6a736f6e3ab3017b226e616d65223a22676f2e6d6963726f2e7372762e67726565746572222c2276657273696f6e223a22312e302e30222c226d65746164617461223a6e756c6c2c22656e64706f696e7473223a5b5d2c226e6f646573223a5b7b226964223a22676f2e6d6963726f2e7372762e677265657465722d31222c2261646472657373223a2231302e302e302e353a39303930222c226d65746164617461223a7b2270726f746f636f6c223a226d756370227d7d5d7d";

describe("an update", () => {
  const greeter = {
    name: "go.micro.srv.greeter",
    version: "1.0.0",
    metadata: {},
    endpoints: [],
    nodes: [{ id: "go.micro.srv.greeter-1", address: "10.0.0.5:9090", metadata: { protocol: "mucp" } }],
  };
  const expires = 1_575_800_000_000_000_000n;

  it("is read from the bytes of the specification", () => {
    const bytes = Buffer.from(EXAMPLE, "hex");
    expect(bytes).toHaveLength(230);
    expect(decodeUpdate(bytes)).toEqual({ expires, action: "create", service: greeter });
  });

  it("is written as there, but for the metadata that Go leaves null", () => {
    const theirs = Buffer.from(EXAMPLE, "hex");
    const ours = encodeUpdate({ expires, action: "create", service: greeter });
    const head = theirs.indexOf(Buffer.from([0x3a, 0xb3, 0x01]));
    expect(ours.subarray(0, head)).toEqual(theirs.subarray(0, head));
    const text = theirs.subarray(head + 3).toString();
    expect(ours.subarray(head + 3).toString()).toBe(text.replace('"metadata":null', '"metadata":{}'));
  });

  it("has no time when it deletes, and is ignored when it is about something else", () => {
    const bytes = encodeUpdate({ expires: 0n, action: "delete", service: greeter });
    expect(bytes[0]).toBe(0x10);
    expect(decodeUpdate(bytes)?.action).toBe("delete");
    expect(decodeUpdate(Buffer.concat([bytes, Buffer.from([0x10, 2])]))).toBeUndefined();
    expect(decodeUpdate(Buffer.alloc(0))).toBeUndefined();
  });
});

describe("compression", () => {
  it("is the one of Go", () => {
    // compress/lzw, LSB, 8: "TOBEORNOTTOBEORTOBEORNOT"
    const text = "TOBEORNOTTOBEORTOBEORNOT";
    const theirs = "00a93c1152e48914274fa80824687061c183090302";
    const ours = compressLzw(Buffer.from(text));
    expect(decompressLzw(ours, 100).toString()).toBe(text);
    expect(ours.toString("hex")).toBe(theirs);
  });

  it("gives back what was compressed, whatever it is", () => {
    const long = fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 9 }), fc.nat(4000)).map(([part, times]) => {
      return Buffer.concat(Array.from({ length: times }, () => part));
    });
    const any = fc.oneof(long, fc.uint8Array({ maxLength: 6000, size: "max" }));
    fc.assert(
      fc.property(any, (bytes) => {
        expect(Buffer.compare(decompressLzw(compressLzw(bytes), bytes.length), Buffer.from(bytes))).toBe(0);
      }),
      { numRuns: 200, seed: SEED },
    );
  });

  it("stops at its bound", () => {
    expect(() => decompressLzw(compressLzw(Buffer.alloc(100_000)), 99_999)).toThrow(MicroError);
  });
});

const messages: readonly GossipMessage[] = [
  { type: "ping", seq: 4_000_000_000, node: "micro-host-1" },
  { type: "indirect", seq: 7, node: "x", nack: true, bytes: Buffer.from([127, 0, 0, 1]), port: 8301 },
  { type: "ack", seq: 300 },
  { type: "nack", seq: 70_000 },
  { type: "suspect", incarnation: 3, node: "a", from: "b" },
  { type: "dead", incarnation: 200, node: "a".repeat(200), from: "b" },
  {
    type: "alive",
    incarnation: 1,
    node: "ä",
    bytes: ipBytes("fe80::1:2"),
    port: 1,
    meta: Buffer.from([0xff, 0xfe]),
    versions: Buffer.from([1, 5, 4, 0, 0, 0]),
  },
  { type: "user", body: Buffer.from("hello hello hello hello hello") },
];

const pushPull: StreamMessage = {
  type: "pushPull",
  join: true,
  members: [
    {
      node: "a",
      incarnation: 9,
      bytes: Buffer.from([10, 0, 0, 1]),
      port: 7946,
      meta: Buffer.alloc(0),
      versions: Buffer.from([1, 5, 4, 0, 0, 0]),
      state: "suspect",
    },
  ],
  state: Buffer.from('{"foo":[]}'),
};

describe("a packet", () => {
  it.each([
    ["plain", undefined],
    ["sealed", cipher],
  ])("brings the messages that were packed, %s", (_, key) => {
    const packets = encodePackets(messages.map(encodeMessage), key);
    expect(packets).toHaveLength(1);
    expect(packets.flatMap((packet) => decodePacket(packet, key))).toEqual(messages);
  });

  it("is not longer than a packet may be when there are many, and one that is too long goes alone", () => {
    const many = Array.from({ length: 500 }, (_, seq) => encodeMessage({ type: "user", body: noise(40 + (seq % 50)) }));
    const packets = encodePackets([...many, noise(5000)], cipher);
    expect(packets.filter(({ length }) => length > 1400)).toHaveLength(1);
    expect(encodePackets([noise(5000)])).toHaveLength(1);
  });

  it("with a checksum is checked", () => {
    const good = Buffer.from("0ceda25b070281a55365714e6f05", "hex");
    expect(() => decodePacket(good)).toThrow(/checksum/);
  });

  it("is refused without the key, and sealed when none is set", () => {
    const [plain = Buffer.alloc(0)] = encodePackets([encodeMessage({ type: "ack", seq: 1 })]);
    expect(() => decodePacket(plain, cipher)).toThrow(expect.objectContaining({ code: "permission_denied" }));
    const [sealed = Buffer.alloc(0)] = encodePackets([plain], createGossipCipher(Buffer.alloc(32, 7)));
    expect(() => decodePacket(sealed, cipher)).toThrow(expect.objectContaining({ code: "permission_denied" }));
  });

  it("that grows without end when unpacked is refused", () => {
    let bomb: Buffer = Buffer.alloc(200_000, 8);
    for (let n = 0; n < 6; n++) bomb = packed(bomb);
    expect(() => decodePacket(bomb)).toThrow(/too many times/);
    expect(() => decodePacket(packed(Buffer.alloc(400_000, 8)))).toThrow(/more than/);
  });

  it(`of any bytes gives messages or a typed error (seed ${SEED})`, () => {
    const real = messages.map(encodeMessage);
    const mutated = fc
      .tuple(fc.constantFrom(...real, ...encodePackets(real)), fc.nat(), fc.nat(255), fc.nat())
      .map(([bytes, at, byte, cut]) => {
        const copy = Buffer.from(bytes);
        copy[at % copy.length] = byte;
        return copy.subarray(0, copy.length - (cut % 3 === 0 ? cut % copy.length : 0));
      });
    const typed = fc
      .tuple(fc.nat(14), fc.uint8Array({ maxLength: 300 }))
      .map(([type, rest]) => Buffer.from([type, ...rest]));
    fc.assert(
      fc.property(fc.oneof(mutated, typed), (bytes) => {
        onlyTyped(() => decodePacket(bytes));
        onlyTyped(() => decodePacket(bytes, cipher));
        onlyTyped(() => decodeUpdate(bytes));
        onlyTyped(() => decodeStream(bytes));
        onlyTyped(() => decompressLzw(bytes, 4096));
      }),
      fuzz,
    );
  });
});

describe("a stream", () => {
  const all: readonly StreamMessage[] = [
    pushPull,
    { type: "user", body: Buffer.from("x") },
    { type: "ping", seq: 1, node: "n" },
    { type: "ack", seq: 1 },
    { type: "error", message: "no" },
  ];
  it.each(all.map((message) => [message.type, message] as const))("brings %s, plain and sealed", (_, message) => {
    expect(decodeStream(encodeStream(message))).toEqual(message);
    expect(decodeStream(encodeStream(message, cipher), cipher)).toEqual(message);
    expect(() => decodeStream(encodeStream(message), cipher)).toThrow(MicroError);
    expect(() => decodeStream(encodeStream(message, cipher))).toThrow(MicroError);
  });

  it("says what is missing until it is whole", () => {
    for (const key of [undefined, cipher]) {
      const bytes = encodeStream(pushPull, key);
      for (let size = 0; size < bytes.length; size++) {
        const error = thrown(() => decodeStream(bytes.subarray(0, size), key));
        expect(missingBytes(error)).toBeGreaterThan(size);
      }
    }
  });

  it("that announces more than is taken is refused at once", () => {
    const huge = Buffer.from("0a7fffffff", "hex");
    expect(missingBytes(thrown(() => decodeStream(huge, cipher)))).toBeUndefined();
  });
});

describe("members", () => {
  const told: GossipMessage[] = [];
  const me = (): Members => {
    told.length = 0;
    const address = { bytes: ipBytes("127.0.0.1"), port: 7000 };
    return createMembers({ name: "me", address, onNews: (message) => told.push(message) });
  };
  const alive = (node: string, incarnation = 1) => ({
    type: "alive" as const,
    node,
    incarnation,
    bytes: ipBytes("127.0.0.1"),
    port: 7001,
    meta: Buffer.alloc(0),
    versions: Buffer.alloc(6, 1),
  });

  it("says louder that it lives when others doubt it", () => {
    const members = me();
    members.hear({ type: "suspect", node: "me", incarnation: 5, from: "x" }, 0);
    expect(told).toEqual([expect.objectContaining({ type: "alive", node: "me", incarnation: 6 })]);
    members.hear({ type: "dead", node: "me", incarnation: 2, from: "x" }, 0);
    expect(members.self().incarnation).toBe(6);
    members.hear({ type: "dead", node: "me", incarnation: 0xffff_ffff, from: "x" }, 0);
    expect(members.self().incarnation).toBe(0xffff_ffff);
  });

  it("believes a suspect dead after a while, unless it speaks up", () => {
    const members = me();
    for (const node of ["a", "b"]) members.hear(alive(node), 0);
    for (const node of ["a", "b"]) members.suspect(node, 1000);
    members.hear(alive("b", 2), 2000);
    members.tick(60_000);
    expect(members.others().map(({ node }) => node)).toEqual(["b"]);
    members.hear(alive("a", 1), 60_001);
    expect(members.find("a")?.state).toBe("dead");
    members.hear(alive("a", 2), 60_002);
    expect(members.find("a")?.state).toBe("alive");
  });

  it("keeps a bounded number of them", () => {
    const members = me();
    for (let n = 0; n < 5000; n++) members.hear(alive(`m${n}`), 0);
    expect(members.all().length).toBeLessThanOrEqual(1024);
  });
});

describe("its parts", () => {
  it.each(["127.0.0.1", "fe80:0:0:0:0:0:1:2"])("an address is read and written: %s", (text) => {
    expect(ipText(ipBytes(text))).toBe(text);
  });
  it.each([
    ["::1", "0:0:0:0:0:0:0:1"],
    ["fe80::1%lo", "fe80:0:0:0:0:0:0:1"],
    ["::ffff:10.0.0.1", "10.0.0.1"],
    ["64:ff9b::10.0.0.1", "64:ff9b:0:0:0:0:a00:1"],
    ["::", "0:0:0:0:0:0:0:0"],
  ])("%s is %s", (text, plain) => {
    expect(ipText(ipBytes(text))).toBe(plain);
  });
  it("what is no address is refused", () => {
    for (const text of ["", "localhost", "1.2.3", "1:2:3", "::1::"]) expect(() => ipBytes(text)).toThrow(MicroError);
  });
  it("a mapped address is its IPv4 one", () => {
    expect(ipText(Buffer.from("00000000000000000000ffff7f000001", "hex"))).toBe("127.0.0.1");
  });
  it("numbers of every width come back", () => {
    for (const value of [0, 127, 128, 255, 256, 65_535, 65_536, 0xffff_ffff]) {
      expect(decodeFlat(encodeFlat({ N: value })).fields.get("N")).toBe(value);
    }
  });
});

function noise(size: number): Buffer {
  return Buffer.from(Array.from({ length: size }, (_, n) => 8 + ((n * n * 7919 + size * n) % 247)));
}

function packed(bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from([9]), encodeFlat({ Algo: 0, Buf: compressLzw(bytes) })]);
}

function thrown(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  throw new Error("it did not throw");
}

function onlyTyped(action: () => unknown): void {
  try {
    action();
  } catch (error) {
    expect(error).toBeInstanceOf(MicroError);
  }
}
