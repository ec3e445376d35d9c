import type { Codec } from "../codec/codec.ts";
import { payloadCodec } from "../codec/payload.ts";
import { MicroError } from "../errors.ts";
import type { Frame } from "../transport/transport.ts";
import { errorRecord, errorText, toRecord } from "../wire/error.ts";
import { type BodyKind, bodyKind, decodeRequest, encodeResponse } from "../wire/rpc.ts";
import { type Desk, type Handler, messagesOf } from "./door.ts";
import type { CallContext } from "./server.ts";

export function isPromise(value: unknown): value is Promise<unknown> {
  return value instanceof Promise || typeof (value as PromiseLike<unknown> | undefined)?.then === "function";
}

/** What goes back, and whether the connection ends with it, as it did in 2016. */
export interface Answered {
  readonly frame: Frame;
  readonly failed: boolean;
  readonly close: boolean;
}

/** One request of either era, understood: who handles it, and how its messages are written. */
export interface Request {
  readonly frame: Frame;
  readonly contentType: string;
  readonly kind: BodyKind;
  readonly legacy: boolean;
  readonly endpoint: string;
  /** As the caller's envelope had it. */
  readonly id: string;
  readonly payload: Uint8Array;
  readonly handler: Handler;
  readonly asks: Codec;
  readonly answers: Codec;
}

const NOTHING = new Uint8Array(0);

/** What a frame asks for, by the rules of its era (`wire.md §4.2`, §12.2), or why it cannot be answered. Never throws. */
export function understand(frame: Frame, desk: Desk): Request | Answered {
  const { header } = frame;
  const named = endpointOf(header);
  const legacy = isLegacy(header, named);
  const contentType = header["content-type"] ?? "application/protobuf";
  const kind = bodyKind(contentType, legacy, desk.codecs);
  if (kind === undefined) return unsupported(frame, contentType);

  let endpoint = named;
  let id = "";
  const refuse = (error: string): Answered => ({
    frame: respond({ frame, contentType, kind, endpoint, id }, error, NOTHING),
    failed: true,
    close: legacy,
  });
  try {
    const request = decodeRequest(kind.envelope, frame.body);
    id = request.id;
    if (legacy || named === "") endpoint = request.method ?? "";
    const handler = desk.handler(endpoint);
    if (handler === undefined) return refuse(unknown(endpoint, desk));
    const messages = messagesOf(handler, header);
    const asks = payloadCodec(kind.payload, desk.codecs, messages?.request);
    const answers = payloadCodec(kind.payload, desk.codecs, messages?.response);
    if (asks === undefined || answers === undefined) {
      throw new MicroError("invalid_argument", `${endpoint} does not take ${kind.payload}, only JSON`);
    }
    return { frame, contentType, kind, legacy, endpoint, id, payload: request.payload, handler, asks, answers };
  } catch (thrown) {
    return refuse(serverError(thrown));
  }
}

/** The endpoint that the headers name; empty: none, as in 2016. */
export function endpointOf(header: Frame["header"]): string {
  return (
    header["micro-endpoint"] || header["x-micro-endpoint"] || header["micro-method"] || header["x-micro-method"] || ""
  );
}

/** Whether it comes from 2016: named by its target, or by nothing but its envelope (`wire.md §12.2`). */
function isLegacy(header: Frame["header"], named: string): boolean {
  if (header["micro-protocol"]) return false;
  if (header["micro-target"] || header["x-micro-target"]) return true;
  return named === "" && !header["micro-service"] && !header["x-micro-service"];
}

type Unary = Extract<Handler, { kind: "unary" }>;

/** One unary call, run and answered. Never rejects. */
export async function answer(request: Request, handler: Unary, context: CallContext, desk: Desk): Promise<Answered> {
  let input: unknown;
  try {
    input = decodeMessage(request, request.payload);
  } catch (thrown) {
    return { frame: respond(request, serverError(thrown), NOTHING), failed: true, close: request.legacy };
  }
  try {
    const answered = handler.run(input, context);
    const payload = encodeAnswer(request, (isPromise(answered) ? await answered : answered) ?? {});
    return { frame: respond(request, "", payload), failed: false, close: false };
  } catch (thrown) {
    return { frame: respond(request, handlerError(thrown, desk.name), NOTHING), failed: true, close: false };
  }
}

/** A message of the caller. An empty JSON request means an empty message (`wire.md §5.1`). @throws MicroError */
export function decodeMessage({ kind, asks }: Pick<Request, "kind" | "asks">, payload: Uint8Array): unknown {
  if (payload.length > 0 || kind.payload !== "application/json") return asks.decode(payload);
  return asks.decode(EMPTY_JSON);
}

/** A message of the handler's. That one cannot be written is no mistake of the caller's. @throws MicroError `internal` */
export function encodeAnswer({ answers, endpoint }: Pick<Request, "answers" | "endpoint">, value: unknown): Uint8Array {
  try {
    return answers.encode(value);
  } catch (thrown) {
    const { message } = MicroError.from(thrown);
    throw new MicroError("internal", `what ${endpoint} answered cannot be sent: ${message}`, { cause: thrown });
  }
}

const EMPTY_JSON = Buffer.from("{}");

/** The id of the call, given back in both forms (`wire.md §4.1`). */
export function addId(to: Record<string, string>, { header }: Pick<Frame, "header">): Record<string, string> {
  const id = header["micro-id"] || header["x-micro-id"];
  if (id) {
    to["micro-id"] = id;
    to["x-micro-id"] = id;
  }
  return to;
}

export function addError(to: Record<string, string>, error: string): Record<string, string> {
  if (error !== "") {
    to["micro-error"] = error;
    to["x-micro-error"] = error;
  }
  return to;
}

/** @param error empty: none */
export function respond(
  { frame, contentType, kind, endpoint, id }: Pick<Request, "frame" | "contentType" | "kind" | "endpoint" | "id">,
  error: string,
  payload: Uint8Array,
): Frame {
  const body = encodeResponse(kind.envelope, endpoint, id, { error, payload });
  const header: Record<string, string> = body.length > 0 ? { "content-type": contentType } : {};
  return { header: addError(addId(header, frame), error), body };
}

/** The words of Go's dispatcher, which people search their logs for. */
function unknown(endpoint: string, desk: Pick<Desk, "knows">): string {
  const parts = endpoint.split(".");
  if (parts.length !== 2) return `rpc: service/endpoint request ill-formed: ${endpoint}`;
  const [receiver, method] = parts as [string, string];
  return desk.knows(receiver) ? `rpc: can't find method ${method}` : `rpc: can't find service ${receiver}`;
}

/** What cannot be read was never begun. */
function serverError(thrown: unknown): string {
  const { message } = MicroError.from(thrown, "invalid_argument");
  return errorText(errorRecord("go.micro.server", 400, message));
}

/** An error of ours travels as a record, any other as its bare text (`wire.md §6`). */
export function handlerError(thrown: unknown, name: string): string {
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
