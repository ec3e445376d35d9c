import type { NatsConnection } from "@nats-io/transport-node";

/** A deletion is remembered for so many changes of anything in the bucket. */
const REMEMBERED = 10_000;
/** The library takes the one that its types leave out. */
const HEADERS: { readonly key: string } = { key: ">", ...{ headers_only: true } };

/**
 * NATS keeps a mark for every key that was deleted, for ever: takes away the old ones. The newest message of the stream is
 * never among them, so its numbers go on. What was written to a key meanwhile is not touched, as marks go by their number.
 */
export async function sweepDeletions(connection: NatsConnection, bucket: string, signal: AbortSignal): Promise<void> {
  const [{ Kvm }, { jetstreamManager }] = await Promise.all([import("@nats-io/kv"), import("@nats-io/jetstream")]);
  const manager = await jetstreamManager(connection);
  const stream = `KV_${bucket}`;
  const { state } = await manager.streams.info(stream);
  const before = state.last_seq - REMEMBERED;
  if (signal.aborted || before <= 0 || state.first_seq >= before) return;
  const kv = await new Kvm(connection).open(bucket);
  const entries = await kv.history(HEADERS);
  const stop = () => entries.stop();
  signal.addEventListener("abort", stop, { once: true });
  const old: number[] = [];
  try {
    for await (const { operation, revision } of entries) {
      if (signal.aborted || revision > before) break;
      if (operation !== "PUT") old.push(revision);
    }
  } finally {
    signal.removeEventListener("abort", stop);
    entries.stop();
  }
  for (const sequence of old) {
    if (signal.aborted) return;
    // Another replica may have been faster.
    await manager.streams.deleteMessage(stream, sequence, false).catch(() => {});
  }
}
