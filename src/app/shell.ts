import { z } from "zod";
import { raiseCommands } from "../alerts/raise.ts";
import { builtin } from "../commands/builtin.ts";
import type { Catalog } from "../commands/catalog.ts";
import type { AnyCommand } from "../commands/command.ts";
import type { Line } from "../commands/line.ts";
import { policyFiles } from "../commands/policy.ts";
import { MicroError } from "../core/errors.ts";
import { readingCommands } from "../runbooks/reading.ts";
import { shellGraph } from "./graph-shell.ts";

/** Loaded when one of them is said. */
const runbookShelf = async (folder: string | undefined) => {
  const [{ folderShelf }, { runbooksFolder }] = await Promise.all([
    import("../runbooks/shelf.ts"),
    import("./runbooks.ts"),
  ]);
  return folderShelf(runbooksFolder(folder ?? "", process.cwd()) ?? "runbooks");
};

/** Where a bot receives alerts, as it was given it. */
const receiver = {
  webhook_address: z.string().optional().describe("host:port of the bot's receiver, 127.0.0.1:8088 by default"),
  webhook_token: z.string().optional().describe("its token; file:/path and env:NAME are allowed"),
};

/** The verbs of the command line: those that every front end has, and those that read files of this machine. */
export const shell: readonly AnyCommand[] = [
  ...builtin,
  shellGraph,
  ...raiseCommands({
    fields: receiver,
    secrets: ["webhook_token"],
    raise: async (...said) => (await import("./alert-post.ts")).postAlert(...said),
  }),
  ...readingCommands({
    folders: true,
    shelf: runbookShelf,
    catalog: async () => {
      const [{ catalogBeside }, { commandsFolder }] = await Promise.all([
        import("./runbook-commands.ts"),
        import("./own-commands.ts"),
      ]);
      return catalogBeside("runbooks", commandsFolder("", process.cwd()));
    },
  }),
  ...policyFiles({
    test: async (file, policy) => {
      const [{ runPolicyTests }, { readNamed }, catalog] = await Promise.all([
        import("../bot/policy/tests.ts"),
        import("../bot/policy/files.ts"),
        ofBot(),
      ]);
      return runPolicyTests({ tests: file, policy, read: readNamed, catalog });
    },
    diff: async (file, policy) => {
      if (policy === undefined) {
        throw new MicroError("invalid_argument", `compared with what? micro policy diff ${file} --policy policy.yaml`);
      }
      const [{ diffPolicies }, { readNamed }, { commands }] = await Promise.all([
        import("../bot/policy/diff.ts"),
        import("../bot/policy/files.ts"),
        ofBot(),
      ]);
      const [before, after] = [await readNamed(policy), await readNamed(file)];
      return diffPolicies({ before: { text: before, name: policy }, after: { text: after, name: file }, commands });
    },
  }),
];

/** Whether a line that the shell does not know is one for the bot: `plugins`, `alias add …`. */
export async function isForBot(line: Line): Promise<boolean> {
  const [first, second] = line.words;
  if (first?.text === "runbook" && second !== undefined) return true;
  return (await ofBot()).match(line) !== undefined;
}

/** Every command that rules may speak of: those of a bot with all that it may have. Files of `commands/` run for no slip of the pen. */
async function ofBot(): Promise<Catalog> {
  const { catalogBeside } = await import("./runbook-commands.ts");
  return catalogBeside("runbooks", undefined);
}
