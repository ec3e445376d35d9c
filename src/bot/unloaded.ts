import { basename } from "node:path";
import type { Line } from "../commands/line.ts";
import type { Broken } from "../plugins/plugins.ts";

/**
 * What to say of something that did not load and seems to be what a line means: `commands/restart.ts` for `restart orders`, `go.micro.bot.deploy` for `deploy`.
 * A file says what its command is called only once it loads, so its own name has to do. `undefined`: there is no such thing.
 * @param sees whether who asks may see what is wrong with it, as `plugins` tells
 */
export function unloadedFor(line: Line, broken: readonly Broken[], sees: boolean): string | undefined {
  const said = line.words
    .slice(0, 4)
    .map(({ text }) => text)
    .join(" ")
    .toLowerCase();
  const fits = (name: string) => said === name || said.startsWith(`${name} `);
  const found = broken.find(({ from }) => {
    const name = nameOf(from);
    return name !== "" && (fits(name) || fits(name.replaceAll("-", " ")));
  });
  if (found === undefined) return undefined;
  if (!sees) return `${found.from} did not load; who looks after this bot sees why with \`plugins\``;
  return `${found.from} did not load: ${found.why}; \`plugins\` shows all that did not`;
}

function nameOf(from: string): string {
  const file = basename(from.toLowerCase());
  const bare = file.replace(/\.(?:[cm]?[jt]s|coffee|litcoffee|ya?ml)$/, "");
  return bare === file ? (file.split(".").at(-1) ?? "") : bare;
}
