import type { ServerHttp2Stream } from "node:http2";
import { MicroError } from "../errors.ts";
import { isOpen, respondOnly, sendTrailers } from "../transport/http2.ts";
import { toRecord } from "../wire/error.ts";
import { OK, type Status, statusOfRecord, statusOfText } from "../wire/grpc-status.ts";

/** The end of a call that nothing was sent for yet: one frame. */
export function refuse(stream: ServerHttp2Stream, wire: string, status: Status): void {
  respondOnly(stream, { "content-type": wire, ...status });
}

/** Begins the answer: `status` is asked for when everything else is sent. */
export function respond(stream: ServerHttp2Stream, wire: string, status: () => Status): void {
  if (!isOpen(stream)) return;
  stream.respond({ "content-type": wire, "grpc-accept-encoding": "identity,gzip" }, { waitForTrailers: true });
  stream.on("wantTrailers", () => sendTrailers(stream, { ...status() }));
}

export const allWell = (): Status => OK;

/** An error of ours travels as a record, any other as its bare text (`wire.md §7`). */
export function statusOfHandler(thrown: unknown, name: string): Status {
  if (thrown instanceof MicroError) return statusOfRecord(toRecord(thrown, name));
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  return statusOfText(2, text || "the handler failed without a word");
}
