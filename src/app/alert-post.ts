import type { RaiseInit } from "../alerts/raise.ts";
import type { ShellAlert } from "../alerts/receive/shell.ts";
import { deadline } from "../core/deadline.ts";
import { MicroError } from "../core/errors.ts";
import { resolve } from "./secret-references.ts";

const ADDRESS = "127.0.0.1:8088";
const POST_MS = 10_000;

/** Sends what `micro alert` says to a bot's receiver, as the source `shell`. */
export const postAlert: RaiseInit["raise"] = async (alert, { signal }, where) => {
  const { env } = process;
  const said = where["webhook_address"] || env["MICRO_BOT_WEBHOOK_ADDRESS"] || ADDRESS;
  const token = where["webhook_token"] || env["MICRO_BOT_WEBHOOK_TOKEN"] || "";
  if (token === "") {
    throw new MicroError(
      "invalid_argument",
      "the receiver wants a token: give --webhook_token=…, or MICRO_BOT_WEBHOOK_TOKEN, as the bot was given it (file:/path and env:NAME are allowed)",
    );
  }
  await post(urlOf(said), await resolve(token, { env, signal }), alert, signal);
};

/** @throws MicroError `invalid_argument` */
function urlOf(said: string): URL {
  const whole = /^https?:\/\//i.test(said) ? said : `http://${said.startsWith(":") ? `127.0.0.1${said}` : said}`;
  try {
    return new URL("/alerts/shell", whole);
  } catch {
    throw new MicroError("invalid_argument", `${said} is no address of a receiver: ${ADDRESS}, or https://host:port`);
  }
}

async function post(url: URL, token: string, alert: ShellAlert, signal: AbortSignal): Promise<void> {
  const where = `the receiver of alerts at ${url.host}`;
  using limit = deadline({ signal }, POST_MS, where);
  let status: number;
  let reason: string;
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${token}`, connection: "close" },
      body: JSON.stringify(alert),
      signal: limit.signal,
      redirect: "error",
    });
    status = response.status;
    reason = reasonIn(await response.text());
  } catch (error) {
    limit.check();
    throw new MicroError(
      "unavailable",
      `${where} cannot be reached; is a bot running with --webhook_address, and is it there? --webhook_address=host:port says where`,
      { cause: error },
    );
  }
  if (status >= 200 && status < 300) return;
  if (status === 401 || status === 403) {
    throw new MicroError("unauthenticated", `${where} does not know that token: give the bot's own --webhook_token`);
  }
  if (status === 404) {
    throw new MicroError(
      "not_found",
      `${where} has no source shell: --webhook_token or a source of kind shell makes one`,
    );
  }
  if (status === 400) throw new MicroError("invalid_argument", `${where} refused it: ${reason}`);
  throw new MicroError("unavailable", `${where} answered ${status}: ${reason}`);
}

function reasonIn(text: string): string {
  try {
    const { error } = JSON.parse(text) as { readonly error?: unknown };
    if (typeof error === "string") return error.slice(0, 300);
  } catch {
    // Something else answered.
  }
  return "it does not say why";
}
