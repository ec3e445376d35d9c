import { deflateSync, inflateSync } from "node:zlib";
import { type Answer, decode, encode } from "dns-packet";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  decodePacket,
  decodeTxt,
  encodeAnnouncement,
  encodeQuery,
  encodeReply,
  encodeTxt,
} from "../../../src/core/registry/mdns-packet.ts";
import {
  answers,
  checkName,
  heardNames,
  heardNodes,
  markerZone,
  nodeZone,
  ownRecords,
} from "../../../src/core/registry/mdns-zone.ts";
import { readService, writeService } from "../../../src/core/wire/record.ts";
import { rich } from "../../contract/registry.contract.ts";
import data from "../../data/mdns-packets.json" with { type: "json" };

const query = Buffer.from(data.query, "hex");
const listQuery = Buffer.from(data.listQuery, "hex");
const listReply = Buffer.from(data.listReply, "hex");
const greeter = readService({
  name: data.payload.Service,
  version: data.payload.Version,
  endpoints: data.payload.Endpoints,
  nodes: [{ id: "go.micro.srv.greeter-1", address: "127.0.0.1:9090", metadata: data.payload.Metadata }],
});
const at = { ip: "127.0.0.1", port: 9090, host: "vmhost", domain: "micro" };
const zone = nodeZone(greeter, greeter.nodes[0]!, at);
const marker = markerZone(greeter.name, "vmhost", "micro");

describe("mDNS packets", () => {
  it("asks with Go's 44 bytes, and Go's list query", () => {
    expect(encodeQuery(0x1234, "go.micro.srv.greeter.micro").toString("hex")).toBe(data.query);
    expect(encodeQuery(0x1234, "_services.micro").toString("hex")).toBe(data.listQuery);
  });

  it("answers the query with Go's records in Go's order", () => {
    const reply = encodeReply(query, answers(zone, decode(query).questions![0]!));
    expect(reply.subarray(0, 12).toString("hex")).toBe("000084000001000400000000");
    expect(reply.subarray(12, query.length).equals(query.subarray(12))).toBe(true);
    const instance = "go.micro.srv.greeter-1.go.micro.srv.greeter.micro";
    const records = decode(reply).answers as (Answer & { ttl: number; class: string; flush: boolean; data: unknown })[];
    expect(records.map((r) => [r.type, r.name, r.ttl, r.class, r.flush])).toEqual([
      ["PTR", "go.micro.srv.greeter.micro", 120, "IN", false],
      ["SRV", instance, 120, "IN", false],
      ["A", "vmhost", 120, "IN", false],
      ["TXT", instance, 120, "IN", false],
    ]);
    expect(records.slice(0, 3).map((r) => r.data)).toEqual([
      instance,
      { priority: 10, weight: 1, port: 9090, target: "vmhost" },
      "127.0.0.1",
    ]);
    const strings = records[3]!.data as Buffer[];
    expect(strings[0]).toHaveLength(255);
    const hex = Buffer.concat(strings).toString();
    expect(hex).toMatch(/^[0-9a-f]+$/);
    expect(inflateSync(Buffer.from(hex, "hex")).toString()).toBe(JSON.stringify(data.payload));
  });

  it("reads Go's TXT bytes", () => {
    const strings = [Buffer.from(data.txt.slice(0, 255)), Buffer.from(data.txt.slice(255))];
    expect(strings.map(({ length }) => length)).toEqual([255, 181]);
    expect(decodeTxt(strings)).toEqual({
      service: data.payload.Service,
      version: "1.0.0",
      endpoints: greeter.endpoints,
      metadata: data.payload.Metadata,
    });
  });

  it("reads Go's list reply, with its empty TXT, and answers the same", () => {
    expect(listReply).toHaveLength(122);
    expect(heardNames(decodePacket(listReply)!, "micro")).toEqual(["go.micro.srv.greeter"]);
    expect(heardNodes(decodePacket(listReply)!, "micro")).toEqual([]);
    const reply = encodeReply(listQuery, answers(marker, decode(listQuery).questions![0]!));
    const plain = ({ questions, answers: records, ...head }: ReturnType<typeof decode>) => ({
      head,
      questions,
      records,
    });
    expect(plain(decode(reply))).toEqual(plain(decode(listReply)));
    // The last record is TXT; its length of data is nothing at all, not one empty string.
    expect(reply.subarray(-2).toString("hex")).toBe("0000");
  });

  it("answers PTR and ANY for the type, ANY, SRV, TXT and A for the instance, whatever the case", () => {
    const ask = (type: string, name: string) =>
      answers(zone, { type: type as never, name })
        .map((r) => r.type)
        .join(" ");
    expect(ask("PTR", "go.micro.srv.greeter.micro")).toBe("PTR SRV A TXT");
    expect(ask("ANY", "GO.micro.srv.greeter.MICRO")).toBe("PTR SRV A TXT");
    expect(ask("TXT", "go.micro.srv.greeter.micro")).toBe("");
    expect(ask("ANY", zone.instance)).toBe("SRV A TXT");
    expect(ask("SRV", zone.instance)).toBe("SRV A");
    expect(ask("TXT", zone.instance)).toBe("TXT");
    expect(ask("A", zone.instance)).toBe("A");
    expect(ask("AAAA", zone.instance)).toBe("");
    expect(ask("A", "vmhost")).toBe("A");
    expect(ask("PTR", "go.micro.srv.other.micro")).toBe("");
    expect(ask("PTR", "_services._dns-sd._udp.micro")).toBe("PTR");
    expect(answers(marker, { type: "A", name: "vmhost" })).toEqual([]);
  });

  it("echoes a question with the unicast bit byte for byte, and answers it", () => {
    const asking = Buffer.from(query);
    asking.writeUInt16BE(0x8001, asking.length - 2);
    const [question] = decode(asking).questions!;
    const reply = encodeReply(asking, answers(zone, question!));
    expect(reply.subarray(12, asking.length).equals(asking.subarray(12))).toBe(true);
    expect(decode(reply).answers).toHaveLength(4);
  });

  it("reads a reply of v1.x, which has no question", () => {
    const packet = decodePacket(encode({ type: "response", flags: 0x400, answers: answers(zone, ptr()) }))!;
    expect(heardNodes(packet, "micro")).toEqual([{ service: greeter, ttl: 120 }]);
  });

  it("reads IPv6 when there is no IPv4, and prefers IPv4", () => {
    const six = nodeZone(greeter, greeter.nodes[0]!, { ...at, ip: "fd00::2" });
    const heard = (records: Answer[]) =>
      heardNodes(decodePacket(encodeAnnouncement(records))!, "micro")[0]?.service.nodes[0]?.address;
    expect(heard(ownRecords(six))).toBe("[fd00::2]:9090");
    expect(heard([...ownRecords(six), ...ownRecords(zone)])).toBe("127.0.0.1:9090");
  });

  it("says goodbye with ttl 0", () => {
    const packet = decodePacket(encodeAnnouncement(ownRecords(zone, 0)))!;
    expect(packet.flags).toBe(0);
    expect(heardNodes(packet, "micro")).toEqual([{ service: greeter, ttl: 0 }]);
  });

  it("carries any record there and back", () => {
    const service = rich("foo.bar", "2");
    const there = nodeZone(service, service.nodes[0]!, { ...at, port: 7100 });
    const packet = decodePacket(encodeAnnouncement(ownRecords(there)))!;
    expect(writeService(heardNodes(packet, "micro")[0]!.service)).toEqual(writeService(service));
  });

  it("passes over what is not ours: other domains, other TXT, no address, no port", () => {
    const other = (change: (records: Answer[]) => Answer[]) =>
      heardNodes(decodePacket(encodeAnnouncement(change(ownRecords(zone))))!, "micro");
    expect(other((records) => records)).toHaveLength(1);
    expect(other(([srv, , txt]) => [srv!, txt!])).toEqual([]);
    expect(other(([srv, a]) => [srv!, a!])).toEqual([]);
    expect(other(([srv, a, txt]) => [srv!, a!, { ...txt, data: ["path=/"] } as Answer])).toEqual([]);
    expect(heardNodes(decodePacket(encodeAnnouncement(ownRecords(zone)))!, "local")).toEqual([]);
    expect(heardNodes(decodePacket(encodeQuery(1, "go.micro.srv.greeter.micro"))!, "micro")).toEqual([]);
  });

  it.each([
    ["a zlib bomb", deflateSync(Buffer.alloc(20 << 20)).toString("hex")],
    ["no zlib", "789c00"],
    ["no JSON", deflateSync("hello").toString("hex")],
    ["another JSON", deflateSync('{"a":1}').toString("hex")],
    ["wrong types", deflateSync('{"Service":"a","Endpoints":[7]}').toString("hex")],
    ["no hex", "hello"],
    ["nothing", ""],
  ])("takes %s in a TXT record for somebody else's", (_, hex) => {
    expect(decodeTxt(Buffer.from(hex))).toBeUndefined();
  });

  it("refuses names that do not fit on the wire", () => {
    const long = "x".repeat(64);
    for (const name of [long, `a..b`, "", ".a", Array(130).fill("ab").join(".")]) {
      expect(() => checkName(name)).toThrow(expect.objectContaining({ code: "invalid_argument" }));
    }
    expect(checkName("go.micro.srv.greeter-1")).toBe("go.micro.srv.greeter-1");
    expect(() => nodeZone({ ...greeter, name: long }, greeter.nodes[0]!, at)).toThrow(/63 bytes/);
  });

  it("cuts TXT at 255, the rest last", () => {
    const strings = encodeTxt(rich("foo", "1"), rich("foo", "1").nodes[0]!);
    expect(strings.slice(0, -1).every(({ length }) => length === 255)).toBe(true);
    expect(strings.at(-1)!.length).toBeLessThanOrEqual(255);
  });

  it("survives any bytes", () => {
    const survive = (bytes: Buffer) => {
      const packet = decodePacket(bytes);
      if (packet === undefined) return;
      heardNodes(packet, "micro");
      heardNames(packet, "micro");
      for (const question of packet.questions ?? []) encodeReply(bytes, answers(zone, question));
    };
    fc.assert(fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => survive(Buffer.from(bytes))));
    const real = encodeReply(query, answers(zone, ptr()));
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(real.length - 1), fc.nat(255)), { maxLength: 8 }), (changes) => {
        const bytes = Buffer.from(real);
        for (const [where, byte] of changes) bytes[where] = byte;
        survive(bytes);
      }),
    );
  });
});

function ptr() {
  return { type: "PTR", name: "go.micro.srv.greeter.micro" } as const;
}
