import type { Catalog } from "../../commands/catalog.ts";
import type { CommandContext } from "../../commands/command.ts";
import { chatLine } from "../../commands/line.ts";
import { pipedIn } from "../../commands/pipe/split.ts";
import { type Understood, understand } from "./understand.ts";

/** So many are looked at: what begins itself again and again never ends. */
const MOST = 100;

/** The lines that are carried out because of a line (`Command.carries`), and because of those, each once and in their order. */
export async function carriedBy(
  begin: Understood,
  catalog: Catalog,
  asker: Pick<CommandContext, "mayRun">,
): Promise<readonly string[]> {
  const found = new Set<string>();
  const follow = async (one: Understood): Promise<void> => {
    const lines = await linesOf(one, asker);
    for (const line of lines) {
      if (found.has(line) || found.size >= MOST) continue;
      found.add(line);
      const next = understoodIn(line, catalog);
      if (next) await follow(next);
    }
  };
  await follow(begin);
  return [...found];
}

/** A line without its pipe, which needs no leave of its own. */
export function withoutPipe(text: string): string {
  const line = chatLine(text);
  return (pipedIn(line)?.head ?? line).text;
}

async function linesOf(
  { command, input }: Understood,
  asker: Pick<CommandContext, "mayRun">,
): Promise<readonly string[]> {
  try {
    return (await command.carries?.(input, asker)) ?? [];
  } catch {
    // What is asked about may be said wrongly; then only it is known.
    return [];
  }
}

function understoodIn(line: string, catalog: Catalog): Understood | undefined {
  try {
    return understand(withoutPipe(line), catalog);
  } catch {
    return undefined;
  }
}
