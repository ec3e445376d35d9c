import { builtin, smallTalk } from "../commands/builtin.ts";
import type { Catalog } from "../commands/catalog.ts";
import type { AnyCommand } from "../commands/command.ts";
import type { Line } from "../commands/line.ts";
import { policyFiles } from "../commands/policy.ts";
import { MicroError } from "../core/errors.ts";
import { readingCommands } from "../runbooks/reading.ts";
import { lazyClient } from "./parts.ts";

/** Loaded when one of them is said. */
const runbookShelf = async (folder: string | undefined) => {
  const [{ folderShelf }, { runbooksFolder }] = await Promise.all([
    import("../runbooks/shelf.ts"),
    import("./runbooks.ts"),
  ]);
  return folderShelf(runbooksFolder(folder ?? "", process.cwd()) ?? "runbooks");
};

/** The verbs of the command line: those that every front end has, and those that read files of this machine. */
export const shell: readonly AnyCommand[] = [
  ...builtin,
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

/** Every command that rules may speak of: those of a bot, which is made for its catalog alone. */
async function ofBot(): Promise<Catalog> {
  const [{ createBot }, { memoryRegistry }, { schedules }] = await Promise.all([
    import("../bot/bot.ts"),
    import("../core/registry/memory.ts"),
    import("../schedules/schedules.ts"),
  ]);
  const client = lazyClient(() => Promise.reject(new MicroError("internal", "nothing is called here")));
  const registry = memoryRegistry()();
  const commands = [...builtin, ...smallTalk];
  return createBot({ inputs: [], commands, registry, client, extensions: [schedules()] }).catalog;
}
