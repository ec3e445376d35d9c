import type { Codec } from "../codec/codec.ts";
import { MicroError } from "../errors.ts";
import type { Connection, Frame } from "../transport/transport.ts";
import { errorRecord, errorText, toRecord } from "../wire/error.ts";
import { type BodyKind, bodyKind, decodeRequest, encodeResponse } from "../wire/rpc.ts";
import type { CallContext } from "./server.ts";

/** What stands behind an endpoint's name. It may answer at once, because a promise costs more than a short answer. */
export type Handler = (input: unknown, context: CallContext) => unknown;

export function isPromise(value: unknown): value is Promise<unknown> {
  return value instanceof Promise || typeof (value as PromiseLike<unknown> | undefined)?.then === "function";
}

export interface DispatchInit {
  /** The service's name: the id of its error records. */
  readonly name: string;
  readonly codecs: ReadonlyMap<string, Codec>;
  handler(endpoint: string): Handler | undefined;
  /** Whether any endpoint begins with `Say.`: the two errors differ (`wire.md §4.2`). */
  knows(receiver: string): boolean;
  context(frame: Frame, connection: Connection): CallContext & { end(): void };
}

/** What goes back, and whether the connection ends with it, as it did in 2016. */
export interface Answered {
  readonly frame: Frame;
  readonly failed: boolean;
  readonly close: boolean;
}

const NOTHING = new Uint8Array(0);

/** One request, answered as its era expects (`wire.md §12.2`). Never rejects. */
export async function dispatch(frame: Frame, connection: Connection, init: DispatchInit): Promise<Answered> {
  const { header } = frame;
  const named =
    header["micro-endpoint"] || header["x-micro-endpoint"] || header["micro-method"] || header["x-micro-method"] || "";
  const legacy =
    !header["micro-protocol"] &&
    (header["micro-target"] || header["x-micro-target"]
      ? true
      : named === "" && !header["micro-service"] && !header["x-micro-service"]);
  const contentType = header["content-type"] ?? "application/protobuf";
  const kind = bodyKind(contentType, legacy);
  if (kind === undefined) return unsupported(frame, contentType);

  let endpoint = named;
  let id = "";
  const answer = (error: string, payload: Uint8Array, dispatched: boolean): Answered => ({
    frame: respond(frame, contentType, kind, endpoint, id, error, payload),
    failed: error !== "",
    close: legacy && !dispatched,
  });
  try {
    const request = decodeRequest(kind.envelope, frame.body);
    id = request.id;
    if (legacy || named === "") endpoint = request.method ?? "";
    const handler = init.handler(endpoint);
    if (handler === undefined) return answer(unknown(endpoint, init), NOTHING, false);
    const codec = codecFor(kind, init);
    // An empty JSON request means an empty message (`wire.md §5.1`).
    const empty = request.payload.length === 0 && kind.payload === "application/json";
    const input = empty ? {} : codec.decode(request.payload);
    const context = init.context(frame, connection);
    try {
      const answered = handler(input, context);
      return answer("", codec.encode((isPromise(answered) ? await answered : answered) ?? {}), true);
    } catch (thrown) {
      return answer(handlerError(thrown, init.name), NOTHING, true);
    } finally {
      context.end();
    }
  } catch (thrown) {
    const error = MicroError.from(thrown, "invalid_argument");
    return answer(errorText(errorRecord("go.micro.server", 400, error.message)), NOTHING, false);
  }
}

/** The id of the call, given back in both forms (`wire.md §4.1`). */
function addId(to: Record<string, string>, { header }: Pick<Frame, "header">): Record<string, string> {
  const id = header["micro-id"] || header["x-micro-id"];
  if (id) {
    to["micro-id"] = id;
    to["x-micro-id"] = id;
  }
  return to;
}

function addError(to: Record<string, string>, error: string): Record<string, string> {
  if (error !== "") {
    to["micro-error"] = error;
    to["x-micro-error"] = error;
  }
  return to;
}

function codecFor(kind: BodyKind, init: DispatchInit): Codec {
  const codec = init.codecs.get(kind.payload);
  if (codec === undefined) throw new MicroError("invalid_argument", `${kind.payload} is not served here`);
  return codec;
}

function respond(
  frame: Frame,
  contentType: string,
  kind: BodyKind,
  endpoint: string,
  id: string,
  error: string,
  payload: Uint8Array,
): Frame {
  const body = encodeResponse(kind.envelope, endpoint, id, { error, payload });
  const header: Record<string, string> = body.length > 0 ? { "content-type": contentType } : {};
  return { header: addError(addId(header, frame), error), body };
}

/** The words of Go's dispatcher, which people search their logs for. */
function unknown(endpoint: string, init: DispatchInit): string {
  const parts = endpoint.split(".");
  if (parts.length !== 2) return `rpc: service/endpoint request ill-formed: ${endpoint}`;
  const [receiver, method] = parts as [string, string];
  return init.knows(receiver) ? `rpc: can't find method ${method}` : `rpc: can't find service ${receiver}`;
}

/** An error of ours travels as a record, any other as its bare text (`wire.md §6`). */
function handlerError(thrown: unknown, name: string): string {
  if (thrown instanceof MicroError) {
    const record = toRecord(thrown, name);
    return errorText({ ...record, detail: shortened(record.detail) });
  }
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  return shortened(text) || "the handler failed without a word";
}

/** An error travels in two headers, and those of a message may have 1 MiB together. */
const MAX_ERROR_LENGTH = 64 << 10;

function shortened(text: string): string {
  return text.length > MAX_ERROR_LENGTH ? `${text.slice(0, MAX_ERROR_LENGTH)}…` : text;
}

function unsupported(frame: Frame, contentType: string): Answered {
  const text = `Unsupported Content-Type: ${contentType}`;
  const header = addError(addId({ "content-type": "text/plain" }, frame), text);
  return { frame: { header, body: Buffer.from(text) }, failed: true, close: false };
}
