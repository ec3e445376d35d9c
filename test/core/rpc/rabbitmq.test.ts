import { afterAll, beforeAll, describe } from "vitest";
import { rabbitmqTransport } from "../../../src/core/transport/rabbitmq.ts";
import { rpcContract } from "../../contract/rpc.contract.ts";
import { hasRabbitmq, type RabbitmqServer, startRabbitmq } from "../../fakes/rabbitmq-server.ts";

describe.skipIf(!hasRabbitmq)(`over RabbitMQ${hasRabbitmq ? "" : " (not installed)"}`, () => {
  let server: RabbitmqServer;
  beforeAll(async () => {
    server = await startRabbitmq();
  }, 120_000);
  afterAll(async () => server?.stop(), 60_000);
  rpcContract("rabbitmq", {
    create: async () => ({ transport: rabbitmqTransport({ addresses: [server.address] }) }),
    without: { cancel: "nobody is told that the other side is gone" },
  });
});
