import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { grpcCaller } from "../../../src/core/client/grpc.ts";
import { rpcClient } from "../../../src/core/client/rpc.ts";
import { memoryRegistry } from "../../../src/core/registry/memory.ts";
import { staticSelector } from "../../../src/core/selector/static.ts";
import { grpcDoor } from "../../../src/core/server/grpc.ts";
import { createService, type Service } from "../../../src/core/service.ts";
import type { ClientTls } from "../../../src/core/transport/http2.ts";
import { memoryTransport } from "../../../src/core/transport/memory.ts";

const hasOpenssl = spawnSync("openssl", ["version"]).status === 0;

describe.skipIf(!hasOpenssl)(
  `gRPC over TLS${hasOpenssl ? "" : " (openssl is not installed, which makes the certificate)"}`,
  () => {
    let folder = "";
    let service: Service;
    let cert = "";

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), "grpc-tls-"));
      const [key, pem] = [join(folder, "key.pem"), join(folder, "cert.pem")];
      const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
      const name = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"];
      execFileSync("openssl", ["req", "-x509", ...curve, "-keyout", key, "-out", pem, "-days", "2", ...name], {
        stdio: "ignore",
      });
      cert = readFileSync(pem, "utf8");
      service = createService({
        name: "greeter",
        registry: memoryRegistry()(),
        address: "127.0.0.1:0",
        door: grpcDoor({ tls: { key: readFileSync(key), cert } }),
      });
      service.server.handleRaw("Say.Hello", async (input) => input);
      await service.start();
    }, 60_000);
    afterAll(async () => {
      await service?.stop();
      rmSync(folder, { recursive: true, force: true });
    });

    const ask = async (address: string, tls?: ClientTls) => {
      const client = rpcClient({ profile: "grpc", retries: 0 })({
        transport: memoryTransport(),
        selector: staticSelector(),
        grpc: async (codecs) => grpcCaller({ codecs, ...(tls ? { tls } : {}) }),
      });
      try {
        return await client.request("greeter", "Say.Hello", { a: 1 }, { address });
      } finally {
        await client.close();
      }
    };

    it("is spoken where the address says https, and certificates are checked", async () => {
      const { address } = service.server;
      expect(await ask(`https://${address}`, { ca: cert })).toEqual({ a: 1 });
      expect(await ask(`https://${address}`, { insecure: true })).toEqual({ a: 1 });
      await expect(ask(`https://${address}`)).rejects.toMatchObject({ code: "unavailable" });
      await expect(ask(address)).rejects.toMatchObject({ code: "unavailable" });
    });
  },
);
