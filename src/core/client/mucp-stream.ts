import { bytesCodec } from "../codec/bytes.ts";
import { MicroError } from "../errors.ts";
import { closable } from "../lifecycle.ts";
import type { Connection } from "../transport/transport.ts";
import { END_OF_STREAM, encodeRequest } from "../wire/rpc.ts";
import type { ClientAttempt, ClientStream } from "./client.ts";
import { failure } from "./failure.ts";
import { readAnswer, type Spoken } from "./spoken.ts";

export interface OpenInit {
  readonly connection: Connection;
  readonly call: ClientAttempt;
  readonly spoken: Spoken;
  readonly id: string;
  readonly header: Readonly<Record<string, string>>;
  onClose(stream: ClientStream): void;
}

const NOTHING = new Uint8Array(0);

/**
 * A stream on a connection of its own. The first message only opens it, and its body is given to nobody, in every era; so
 * an empty one is sent, and what the caller says comes after it, once (`wire.md §3.2`, §11 trap 6).
 */
export async function openStream(init: OpenInit): Promise<ClientStream> {
  const { connection, call, spoken, id, header, onClose } = init;
  const { signal, raw } = call.options;
  const name = `${call.service} ${call.endpoint}`;
  let over: MicroError | undefined;
  let ended = false;

  const write = (payload: Uint8Array) =>
    connection.send({ header, body: encodeRequest(spoken.envelope, call.endpoint, id, payload) });
  const cancel = () => {
    over ??= new MicroError("cancelled", `${name}: cancelled`);
    void closing.close();
  };
  const closing = closable(async () => {
    signal?.removeEventListener("abort", cancel);
    over ??= new MicroError("unavailable", `the stream ${name} is closed`);
    onClose(stream);
    await connection.close();
  });

  async function* answers(): AsyncGenerator<unknown> {
    try {
      for await (const frame of connection) {
        let value: unknown;
        try {
          value = readAnswer(frame, spoken, raw);
        } catch (error) {
          // The end of a stream stands where an error would: in the header, in 2016 in the envelope.
          if (MicroError.from(error).message === END_OF_STREAM) return;
          throw error;
        }
        yield value;
      }
      // It was ended on this side, which is neither an end nor a cut.
      if (over) throw over;
      // Servers of v0.25 to v1.2 just close the connection. From v1.7 on they are called mucp and say that a stream is over,
      // unless the caller did: one that is cut off must not look complete.
      if (!ended && call.node.metadata["server"] === "mucp") {
        throw failure("unavailable", "go.micro.client.transport", 500, "unexpected EOF");
      }
    } finally {
      over ??= new MicroError("unavailable", `the stream ${name} is over`);
      await closing.close();
    }
  }

  const stream: ClientStream = {
    node: call.node,
    send: async (message) => {
      if (over) throw over;
      if (ended) throw new MicroError("unavailable", `the stream ${name} was ended on this side`);
      await write(spoken.encode(message));
    },
    end: async () => {
      if (over || ended) return;
      ended = true;
      // In 2016 nobody said so: a server learns of the end when the connection goes.
      if (spoken.envelope === "bare") {
        await connection.send({ header: { ...header, "micro-error": END_OF_STREAM }, body: NOTHING });
      }
    },
    [Symbol.asyncIterator]: () => answers(),
    ...closing,
  };
  if (signal?.aborted) cancel();
  else signal?.addEventListener("abort", cancel, { once: true });
  try {
    if (over) throw over;
    // Among bytes there is no empty message but no bytes.
    await write(spoken.contentType === bytesCodec.contentType ? NOTHING : spoken.encode({}));
  } catch (error) {
    await closing.close();
    throw error;
  }
  return stream;
}
