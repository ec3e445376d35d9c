import { describe, expect, it } from "vitest";
import { MicroError } from "../../src/core/errors.ts";
import type { Connection, Frame, Transport } from "../../src/core/transport/transport.ts";

export interface TransportSubject {
  create(): Transport;
  /** What to listen at for any free address. */
  readonly any: string;
  /** An address where nobody listens. */
  readonly nobody: string;
  /** Of the largest body that is tried. @default 1000000 */
  readonly largestBody?: number;
  /** Cases that an implementation cannot pass, each with the reason. What it does instead is tested in their place. */
  readonly without?: {
    /** The other side does not learn that a connection was closed. */
    readonly farewell?: string;
    /** Dialling asks nobody: the first frame is refused instead. */
    readonly greeting?: string;
  };
}

const frame = (text: string, header: Record<string, string> = {}): Frame => ({
  header,
  body: new TextEncoder().encode(text),
});
const textOf = (found: Frame) => new TextDecoder().decode(found.body);

/** The definition of a transport. */
export function transportContract(name: string, subject: TransportSubject): void {
  const { create, any, nobody, largestBody = 1_000_000, without = {} } = subject;
  describe(`${name} is a transport:`, () => {
    /** Nobody is there, which shows when dialling or, without a greeting, when asking. */
    const refused = async (transport: Transport, address: string) => {
      const refusal = async () => {
        await using connection = await transport.dial(address);
        await connection.send(frame("anybody?"));
        for await (const _ of connection);
      };
      await expect(without.greeting ? refusal() : transport.dial(address)).rejects.toMatchObject({
        code: "unavailable",
      });
    };
    /** Answers with what `answer` sends, until the other side goes. */
    async function linked(serve: (connection: Connection) => Promise<void>) {
      const transport = create();
      const listener = await transport.listen(any, serve);
      const connection = await transport.dial(listener.address);
      return {
        transport,
        listener,
        connection,
        [Symbol.asyncDispose]: async () => {
          await connection.close();
          await listener.close();
        },
      };
    }
    const echo = async (connection: Connection) => {
      for await (const found of connection) await connection.send(found);
    };

    it("carries frames both ways, in order", async () => {
      await using link = await linked(echo);
      for (let index = 0; index < 50; index++) await link.connection.send(frame(`m${index}`));
      const answers: string[] = [];
      for await (const found of link.connection) if (answers.push(textOf(found)) === 50) break;
      expect(answers).toEqual(Array.from({ length: 50 }, (_, index) => `m${index}`));
    });

    it("carries many answers to one question, and none to another", async () => {
      await using link = await linked(async (connection) => {
        for await (const found of connection) {
          if (textOf(found) !== "many") continue;
          for (const part of ["a", "b", "c"]) await connection.send(frame(part));
        }
      });
      await link.connection.send(frame("none"));
      await link.connection.send(frame("many"));
      const answers: string[] = [];
      for await (const found of link.connection) if (answers.push(textOf(found)) === 3) break;
      expect(answers).toEqual(["a", "b", "c"]);
    });

    it("keeps headers, in lower case, and bodies of every size", async () => {
      await using link = await linked(echo);
      const header = { "micro-id": "7", "X-User": "über €", "micro-error": "x".repeat(40_000) };
      const received: Frame[] = [];
      const done = new Promise<void>((resolve) => {
        link.connection.receive(
          (found) => {
            if (received.push(found) === 3) resolve();
          },
          () => resolve(),
        );
      });
      const big = "y".repeat(largestBody);
      for (const body of ["", "small", big]) await link.connection.send(frame(body, header));
      await done;
      expect(received.map(textOf)).toEqual(["", "small", big]);
      for (const found of received) {
        expect(found.header).toMatchObject({
          "micro-id": "7",
          "x-user": "über €",
          "micro-error": header["micro-error"],
        });
      }
    });

    it("loses nothing that comes faster than it is read", async () => {
      let count = 0;
      let order = true;
      let finished = () => {};
      const done = new Promise<void>((resolve) => {
        finished = resolve;
      });
      await using link = await linked(async (connection) => {
        await new Promise((resolve) => setTimeout(resolve, 20));
        for await (const found of connection) {
          order &&= textOf(found) === String(count++);
          if (count === 12_000) finished();
        }
      });
      for (let index = 0; index < 12_000; index++) await link.connection.send(frame(String(index)));
      await done;
      expect({ count, order }).toEqual({ count: 12_000, order: true });
    });

    it(`ends the iteration when ${without.farewell ? "it is closed" : "the other side closes"}`, async () => {
      await using link = await linked(async (connection) => {
        for await (const found of connection) {
          await connection.send(found);
          break;
        }
        await connection.close();
      });
      await link.connection.send(frame("last"));
      const answers: string[] = [];
      for await (const found of link.connection) {
        answers.push(textOf(found));
        if (without.farewell) void link.connection.close();
      }
      expect(answers).toEqual(["last"]);
      await expect(link.connection.send(frame("late"))).rejects.toBeInstanceOf(MicroError);
    });

    it("lets a handler that throws close its own connection only", async () => {
      await using link = await linked(async (connection) => {
        for await (const found of connection) {
          if (textOf(found) === "throw") throw new Error("no");
          await connection.send(found);
        }
      });
      const other = await link.transport.dial(link.listener.address);
      await link.connection.send(frame("throw"));
      if (!without.farewell) {
        await expect(
          (async () => {
            for await (const _ of link.connection);
          })(),
        ).resolves.toBeUndefined();
      }
      await other.send(frame("still here"));
      for await (const found of other) {
        expect(textOf(found)).toBe("still here");
        break;
      }
      await other.close();
    });

    it("says who is not there, and gives up when it is told to", async () => {
      const transport = create();
      await refused(transport, nobody);
      await expect(transport.dial(nobody, { signal: AbortSignal.abort() })).rejects.toMatchObject({
        code: "cancelled",
      });
    });

    it("refuses an address that is taken", async () => {
      const transport = create();
      await using listener = await transport.listen(any, echo);
      await expect(transport.listen(listener.address, echo)).rejects.toMatchObject({ code: "unavailable" });
    });

    it("may be closed twice, while connections are open, and leaves nothing behind", async () => {
      const before = process.getActiveResourcesInfo().filter((kind) => kind.startsWith("TCP")).length;
      const transport = create();
      const listener = await transport.listen(any, echo);
      const connection = await transport.dial(listener.address);
      await connection.send(frame("x"));
      await listener.close();
      await listener.close();
      await connection.close();
      await connection.close();
      await expect
        .poll(() => process.getActiveResourcesInfo().filter((kind) => kind.startsWith("TCP")).length)
        .toBeLessThanOrEqual(before);
      await refused(transport, listener.address);
    });
  });
}
