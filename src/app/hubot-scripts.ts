import { statSync } from "node:fs";
import { resolve as resolvePath } from "node:path";
import { MicroError } from "../core/errors.ts";
import type { Redactor } from "../core/redact.ts";
import type { Input } from "../inputs/input.ts";
import type { HubotScripts } from "../plugins/hubot/scripts.ts";
import type { BotSettings } from "./settings.ts";

export interface HubotScriptsHost {
  /** Where the program was started: packages and `external-scripts.json` are there. */
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly redactor: Redactor;
  readonly inputs: readonly Input[];
}

/**
 * Scripts that were written for Hubot, if there is a folder of them.
 * @throws MicroError `invalid_argument` for a folder that is none
 */
export async function openHubotScripts(
  settings: BotSettings,
  host: HubotScriptsHost,
): Promise<HubotScripts | undefined> {
  const { hubot_scripts: said, hubot_http: http, hubot_writes: writes, hubot_memory: memoryMb } = settings;
  if (said === "") return undefined;
  const { cwd, redactor, inputs } = host;
  const folder = resolvePath(cwd, said);
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) {
    throw new MicroError("invalid_argument", `--hubot_scripts=${said}: there is no folder ${folder}`);
  }
  const [{ hubotScripts }, { secretsIn }] = await Promise.all([
    import("../plugins/hubot/scripts.ts"),
    import("../inputs/hubot/secrets.ts"),
  ]);
  const env = envFor(settings.hubot_env, host.env);
  redactor.add([...secretsIn(env)]);
  const [first] = inputs;
  const network = inputs.find(({ name, placeIn }) => placeIn !== undefined && name !== "terminal") ?? first;
  const defaultInput = network?.name;
  return hubotScripts({
    cwd,
    folder,
    name: "micro",
    env,
    writes,
    memoryMb,
    redact: (text) => redactor.text(text),
    ...(http !== "" && { http }),
    ...(defaultInput !== undefined && { defaultInput }),
  });
}

/** All that scripts see of the environment: `HUBOT_…`, and what is named. `MICRO_…` is the bot's own, whatever is named. */
function envFor(
  named: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string>> {
  const wanted = (name: string) =>
    name.startsWith("HUBOT_") ||
    named.some((one) => (one.endsWith("*") ? name.startsWith(one.slice(0, -1)) : name === one));
  return Object.fromEntries(
    Object.entries(env).filter((entry): entry is [string, string] => {
      const [name, value] = entry;
      return value !== undefined && !name.startsWith("MICRO_") && wanted(name);
    }),
  );
}
