import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { connect as plain } from "node:net";
import { connect } from "node:tls";
import { describe, expect, it } from "vitest";
import { selfSigned } from "../../../src/core/transport/certificate.ts";
import { httpTransport } from "../../../src/core/transport/http.ts";
import type { Connection } from "../../../src/core/transport/transport.ts";
import { transportContract } from "../../contract/transport.contract.ts";

const own = selfSigned(["127.0.0.1"]);
const tls = { ...own, ca: own.cert };
const echo = async (connection: Connection) => {
  for await (const found of connection) await connection.send(found);
};

transportContract("http with TLS", {
  create: () => httpTransport({ tls }),
  any: "127.0.0.1:0",
  nobody: "127.0.0.1:1",
});

describe("TLS", () => {
  const speaks = async (connection: Connection) => {
    await connection.send({ header: {}, body: Buffer.from("hello") });
    for await (const found of connection) return Buffer.from(found.body).toString();
    return undefined;
  };

  it("is http/1.1 by ALPN, and speaks the same framing", async () => {
    await using listener = await httpTransport({ tls }).listen("127.0.0.1:0", echo);
    const port = Number(listener.address.split(":")[1]);
    const socket = connect({ host: "127.0.0.1", port, ca: own.cert, ALPNProtocols: ["h2", "http/1.1"] });
    await once(socket, "secureConnect");
    expect(socket.alpnProtocol).toBe("http/1.1");
    socket.write("POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi");
    const [answer] = (await once(socket, "data")) as [Buffer];
    expect(answer.toString()).toBe("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
    socket.destroy();
  });

  it.each([
    ["nobody vouches for it", own, {}],
    ["another authority vouches", own, { ca: selfSigned(["127.0.0.1"]).cert }],
    ["it is another's", selfSigned(["other.example"]), "itself"],
    ["it is over", selfSigned(["127.0.0.1"], Date.now() - 2 * 365 * 86_400_000), "itself"],
    ["it was made at the start", {}, {}],
  ])("refuses a server's certificate when %s, unless told to skip that", async (_why, shown, trust) => {
    await using listener = await httpTransport({ tls: shown }).listen("127.0.0.1:0", echo);
    const ours = trust === "itself" ? { ca: (shown as typeof own).cert } : (trust as { ca?: string });
    await expect(httpTransport({ tls: ours }).dial(listener.address)).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringMatching(/(certificate|altnames).*give who vouches for it as ca/i),
    });
    const careless = httpTransport({ tls: { ...ours, insecureSkipVerify: true } });
    await using connection = await careless.dial(listener.address);
    expect(await speaks(connection)).toBe("hello");
  });

  it("does not meet a side without it, and survives that", async () => {
    await using secret = await httpTransport({ tls }).listen("127.0.0.1:0", echo);
    await using open = await httpTransport().listen("127.0.0.1:0", echo);
    // A plain server waits for the end of what it takes for a head.
    await expect(httpTransport({ tls }).dial(open.address, { timeoutMs: 300 })).rejects.toMatchObject({
      code: "timeout",
    });
    await using deaf = await httpTransport().dial(secret.address);
    expect(await speaks(deaf).catch(() => undefined)).toBeUndefined();
    await using connection = await httpTransport({ tls }).dial(secret.address);
    expect(await speaks(connection)).toBe("hello");
  });

  it("does not wait for who never begins, neither dialling nor closing", async () => {
    const listener = await httpTransport({ tls }).listen("127.0.0.1:0", echo);
    const socket = plain(Number(listener.address.split(":")[1]), "127.0.0.1");
    await once(socket, "connect");
    socket.on("error", () => {});
    await listener.close();
    socket.destroy();

    const { createServer } = await import("node:net");
    const silent = createServer(() => {}).listen(0, "127.0.0.1");
    await once(silent, "listening");
    const { port } = silent.address() as { port: number };
    await expect(httpTransport({ tls }).dial(`127.0.0.1:${port}`, { timeoutMs: 100 })).rejects.toMatchObject({
      code: "timeout",
    });
    silent.close();
  });

  it("wants a certificate with its key", async () => {
    const half = httpTransport({ tls: { cert: own.cert } });
    await expect(half.listen("127.0.0.1:0", echo)).rejects.toMatchObject({ code: "invalid_argument" });
    await expect(half.dial("127.0.0.1:1")).rejects.toMatchObject({ code: "invalid_argument" });
  });
});

describe("a certificate of our own", () => {
  it("is ECDSA P-256, for the names and addresses given, and good for a year", () => {
    const now = Date.UTC(2026, 0, 1);
    const { cert, key } = selfSigned(["svc.example", "127.0.0.1", "::1", "fe80::1:2", "1:2:3:4:5:6:7:8"], now);
    const read = new X509Certificate(cert);
    expect(read.publicKey.asymmetricKeyDetails?.namedCurve).toBe("prime256v1");
    expect(read.subject).toBe("CN=svc.example");
    expect(read.subjectAltName).toBe(
      "DNS:svc.example, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1, IP Address:FE80:0:0:0:0:0:1:2, IP Address:1:2:3:4:5:6:7:8",
    );
    expect(read.checkIssued(read)).toBe(true);
    expect(read.verify(read.publicKey)).toBe(true);
    expect(Date.parse(read.validFrom)).toBeLessThan(now);
    expect(Date.parse(read.validTo)).toBe(now + 365 * 86_400_000);
    expect(read.toString()).toBe(cert);
    expect(key).toMatch(/^-----BEGIN PRIVATE KEY-----/);
  });

  it("has another serial number each time, and dates beyond 2049", () => {
    const [first, second] = [selfSigned(["a"]), selfSigned(["a"])].map(({ cert }) => new X509Certificate(cert));
    expect(first?.serialNumber).toMatch(/^[4-7][0-9A-F]{31}$/);
    expect(first?.serialNumber).not.toBe(second?.serialNumber);
    expect(new X509Certificate(selfSigned(["a"], Date.UTC(2049, 6)).cert).validTo).toContain("2050");
  });
});
