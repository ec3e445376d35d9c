import { MicroError } from "../../core/errors.ts";
import { readAlertmanager } from "./alertmanager.ts";
import type { Authentication } from "./authentication.ts";
import { genericReader } from "./generic.ts";
import { readGrafana } from "./grafana.ts";
import type { Mapping } from "./mapping.ts";
import { readPagerduty } from "./pagerduty.ts";
import type { Reader } from "./reading.ts";
import { readShell } from "./shell.ts";

/** Kinds of sources, and how what they send is read. */
export const KINDS = ["alertmanager", "grafana", "pagerduty", "generic", "shell"] as const;

export type Kind = (typeof KINDS)[number];

/** Somebody who may send alerts: to `/alerts/<name>`. */
export interface Source {
  readonly name: string;
  readonly kind: Kind;
  readonly authentication: Authentication;
  /** Requests a second. @default 200 */
  readonly perSecond?: number;
  /** Only of a generic one. */
  readonly mapping?: Mapping;
}

/** Shorter ones are guessed. */
const SHORTEST_TOKEN = 16;

/** What no receiver starts without. @throws MicroError `invalid_argument` that names the source */
export function checkSource({ name, kind, authentication: how, mapping }: Source): void {
  const fail = (why: string): never => {
    throw new MicroError("invalid_argument", `the source ${name} of alerts ${why}`);
  };
  if (!/^[a-z][\w-]{0,39}$/i.test(name)) fail("cannot be called so: a letter, then letters, digits, - and _");
  const secrets = how.kind === "token" ? how.tokens : how.kind === "signature" ? how.secrets : how.names;
  if (secrets.length === 0) fail("is not authenticated: give it token, signature or certificate");
  if (how.kind !== "certificate" && secrets.some((secret) => secret.length < SHORTEST_TOKEN)) {
    fail(`has a secret of fewer than ${SHORTEST_TOKEN} characters, which can be guessed`);
  }
  if (how.kind === "token" && secrets.some((secret) => !/^[\x21-\x7e]+$/.test(secret))) {
    fail("has a token with blanks or letters that no header can carry");
  }
  if ((kind === "generic") !== (mapping !== undefined))
    fail("needs a mapping if it is generic, and has none otherwise");
}

export function readerOf({ kind, mapping }: Pick<Source, "kind" | "mapping">): Reader {
  switch (kind) {
    case "alertmanager":
      return readAlertmanager;
    case "grafana":
      return readGrafana;
    case "pagerduty":
      return readPagerduty;
    case "shell":
      return readShell;
    case "generic":
      return genericReader(mapping as Mapping);
  }
}
