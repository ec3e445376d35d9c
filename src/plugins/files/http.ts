import type { Http, HttpAnswer, HttpInit } from "../../commands/needs.ts";
import { deadline } from "../../core/deadline.ts";
import { MicroError } from "../../core/errors.ts";

const TIMEOUT_MS = 10_000;
const MAX_BYTES = 1_000_000;

/** `fetch` with an end: in time, in bytes, and when who asked is no longer waiting. Errors name the host, for a path may hold a secret. */
export const httpOf =
  (request: typeof fetch = fetch): Http =>
  async (address, init = {}) => {
    const url = addressOf(address);
    using limit = deadline(init, TIMEOUT_MS, url.host);
    try {
      const answer = await request(url, { ...requestOf(init), signal: limit.signal });
      const text = await bodyOf(answer, init.maxBytes ?? MAX_BYTES, url.host);
      return answerOf(answer, text, url.host);
    } catch (thrown) {
      limit.check();
      if (thrown instanceof MicroError) throw thrown;
      const { cause, message } = thrown as { cause?: { code?: string; message?: string }; message?: string };
      const why = cause?.code ?? cause?.message ?? message ?? "it failed";
      throw new MicroError("unavailable", `${url.host} cannot be reached: ${why}`, { cause: thrown });
    }
  };

function addressOf(address: string | URL): URL {
  const url = URL.canParse(String(address)) ? new URL(String(address)) : undefined;
  if (url?.protocol === "http:" || url?.protocol === "https:") return url;
  throw new MicroError("invalid_argument", "only addresses that begin with http:// or https:// can be asked");
}

function requestOf({ method, headers, body }: HttpInit): RequestInit {
  const plain = typeof body === "string" || body === undefined;
  return {
    method: method ?? (body === undefined ? "GET" : "POST"),
    headers: { ...(plain ? {} : { "content-type": "application/json" }), ...headers },
    ...(body === undefined ? {} : { body: plain ? body : JSON.stringify(body) }),
  };
}

/** @throws MicroError `exhausted` */
async function bodyOf({ body }: Response, maxBytes: number, host: string): Promise<string> {
  if (body === null) return "";
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  // Leaving the loop early closes the connection.
  for await (const piece of body) {
    bytes += piece.byteLength;
    if (bytes > maxBytes) throw new MicroError("exhausted", `${host} answers with more than ${maxBytes} bytes`);
    text += decoder.decode(piece, { stream: true });
  }
  return text + decoder.decode();
}

function answerOf({ status, ok, headers }: Response, text: string, host: string): HttpAnswer {
  return {
    status,
    ok,
    headers: Object.fromEntries(headers),
    text,
    json: () => {
      try {
        return JSON.parse(text);
      } catch (cause) {
        throw new MicroError("unavailable", `${host} answers with something that is no JSON`, { cause });
      }
    },
  };
}
