import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { z } from "zod";
import type { AnyCommand, CommandContext } from "../commands/command.ts";
import { MicroError } from "../core/errors.ts";
import { type GraphInit, graphCommand } from "../history/graph.ts";
import type { GraphParts } from "../history/graphed.ts";

const where = {
  prometheus_address: z.string().optional().describe("host:port of a Prometheus that is asked, too"),
  prometheus_secret: z
    .string()
    .optional()
    .describe("token for it, or user:password; file:/path and env:NAME are allowed"),
};

/** `graph` of a shell: of what the bot of this machine has sampled, whether it runs or not, and of Prometheus. */
export const shellGraph: AnyCommand = graphCommand({
  fields: where,
  secrets: ["prometheus_secret"],
  parts: (context, said) => shellParts(context, said),
  save: (...said) => drawInto(...said),
});

const drawInto: NonNullable<GraphInit["save"]> = async (path, { chart }, { signal }) => {
  const { createPainter } = await import("../history/chart/picture.ts");
  const painter = createPainter();
  try {
    await writeFile(path, await painter.draw(chart, { signal }));
  } catch (error) {
    if (error instanceof MicroError) throw error;
    throw new MicroError("invalid_argument", `${path} cannot be written: ${(error as Error).message}`);
  } finally {
    await painter.stop();
  }
};

/* What is read is loaded when it is read: every command loads this file. */
async function shellParts(
  { signal, stateDir = "" }: CommandContext,
  said: Readonly<Record<string, string | undefined>>,
): Promise<GraphParts> {
  const { env } = process;
  const [{ defaultStateDir }, { openRecordsToRead, recordsFile }, { createSamples }, { ownZone, prometheusOf }] =
    await Promise.all([
      import("./state.ts"),
      import("./records.ts"),
      import("../history/samples.ts"),
      import("./prometheus.ts"),
    ]);
  const secret = said["prometheus_secret"] ?? env["MICRO_BOT_PROMETHEUS_SECRET"];
  const prometheus = await prometheusOf({
    prometheus_address: said["prometheus_address"] ?? env["MICRO_BOT_PROMETHEUS_ADDRESS"] ?? "",
    prometheus_secret: secret && (await (await import("./secret-references.ts")).resolve(secret, { env, signal })),
    prometheus_query: {},
  });
  const path = recordsFile(stateDir || defaultStateDir(env));
  const db = existsSync(path) ? await openRecordsToRead(path) : undefined;
  return {
    zone: ownZone(),
    ...(db && { samples: createSamples({ db }) }),
    ...(prometheus && { prometheus }),
    noneBecause: () =>
      db
        ? `the bot whose records are ${path} takes them every minute while it runs, and has taken none of it`
        : `there is no ${path}: a bot that runs takes them, and --state_dir before the command says whose`,
    close: async () => {
      await db?.stop();
      await prometheus?.close();
    },
  };
}
