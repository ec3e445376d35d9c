import { readFile } from "node:fs/promises";
import { dirname, resolve as resolvePath } from "node:path";
import type { Reach } from "../alerts/file/references.ts";
import type { AlertsFile } from "../alerts/file/sections.ts";
import type { Source } from "../alerts/receive/source.ts";
import { MicroError } from "../core/errors.ts";
import type { Redactor } from "../core/redact.ts";
import type { BotSettings } from "./settings.ts";

export interface AlertsConfig {
  /** Checked; every section empty where no file says anything. */
  readonly config: AlertsFile;
  /** With their secrets. */
  readonly sources: readonly Source[];
  /** PEM texts. */
  readonly tls: { readonly cert: string; readonly key: string; readonly ca?: string } | undefined;
}

/** Kinds that need nothing but a token: each is a source of its own name. */
const BY_TOKEN = ["alertmanager", "grafana", "pagerduty", "shell"] as const;

/** What `--alerts` and `--webhook_token` say. @throws MicroError `invalid_argument` */
export async function alertsConfig(
  settings: Pick<BotSettings, "alerts" | "webhook_token">,
  init: {
    readonly cwd: string;
    readonly redactor: Redactor;
    readonly resolve: (text: string) => Promise<string>;
    /** Where and to whom something can be said. */
    readonly reach: Reach;
  },
): Promise<AlertsConfig> {
  const { cwd, redactor, resolve, reach } = init;
  const [{ readAlertsFile }, { sourcesOf }] = await Promise.all([
    import("../alerts/file/read.ts"),
    import("../alerts/file/sources.ts"),
  ]);
  const { alerts: file, webhook_token: token } = settings;
  const path = resolvePath(cwd, file);
  const text = file === "" ? "" : await contentOf(path, `--alerts=${file}`);
  const config = readAlertsFile(text, file, reach);
  const named = await sourcesOf(config.sources, resolve, (where, work) => blamed(`${file}: ${where}`, work));
  for (const { authentication: how } of named) {
    if (how.kind === "token") redactor.add(how.tokens);
    if (how.kind === "signature") redactor.add(how.secrets);
  }
  const names = new Set(named.map(({ name }) => name));
  const tokens = (token ?? "").split(",").filter((one) => one !== "");
  const byToken: readonly Source[] =
    tokens.length === 0
      ? []
      : BY_TOKEN.filter((kind) => !names.has(kind)).map((kind) => ({
          name: kind,
          kind,
          authentication: { kind: "token", tokens },
        }));
  return { config, sources: [...named, ...byToken], tls: await tlsOf(config.tls, path) };
}

async function tlsOf(tls: AlertsFile["tls"], config: string): Promise<AlertsConfig["tls"]> {
  if (tls === undefined) return undefined;
  const read = (name: string, path: string) => contentOf(resolvePath(dirname(config), path), `tls.${name}: ${path}`);
  const [cert, key] = await Promise.all([read("cert", tls.cert), read("key", tls.key)]);
  return { cert, key, ...(tls.ca !== undefined && { ca: await read("ca", tls.ca) }) };
}

async function contentOf(path: string, what: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why =
      code === "ENOENT" ? "it does not exist" : code === "EACCES" ? "this user may not read it" : "it is no file";
    throw new MicroError("invalid_argument", `${what} cannot be read: ${why}`, { cause: error });
  }
}

async function blamed<T>(where: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const { code, message } = MicroError.from(error);
    throw new MicroError(code, `${where}: ${message}`, { cause: error });
  }
}
