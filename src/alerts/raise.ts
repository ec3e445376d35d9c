import { z } from "zod";
import { type AnyCommand, type CommandContext, defineCommand } from "../commands/command.ts";
import type { ShellAlert } from "./receive/shell.ts";

export interface RaiseInit {
  /** Resolves when it is on the disk. @param where fields of `fields` @throws MicroError */
  raise(alert: ShellAlert, context: CommandContext, where: Readonly<Record<string, string | undefined>>): Promise<void>;
  /** Options beside those that every front end has: where to send it. */
  readonly fields?: Readonly<Record<string, z.ZodOptional<z.ZodString>>>;
  /** Names of `fields` that are secret. */
  readonly secrets?: readonly string[];
}

const service = z.string().max(200).default("").describe("the service that it is about");

/** `alert` and `alert resolve`: what people and scripts say is wrong, as if a source had said so. */
export function raiseCommands({ raise, fields = {}, secrets = [] }: RaiseInit): readonly AnyCommand[] {
  const known = {
    permission: "alert:raise",
    effect: "write",
    // It touches no service, and is wanted most when things go wrong.
    whilePaused: true,
    touches: async () => [],
    secrets: secrets as readonly never[],
  } as const;
  const whereOf = (input: object) =>
    Object.fromEntries(Object.keys(fields).map((name) => [name, (input as Record<string, string | undefined>)[name]]));

  const fire = defineCommand({
    ...known,
    name: "alert",
    summary: "Raise an alert",
    input: z.object({
      summary: z
        .string({ error: 'alert of what? as in alert "disk is full" --service payments' })
        .min(1, { error: 'alert of what? as in alert "disk is full" --service payments' })
        .max(1000)
        .describe("what is wrong, in one line"),
      service,
      severity: z.enum(["critical", "warning", "info"]).default("warning").describe("how bad it is"),
      name: z.string().max(200).optional().describe("what it is called, to resolve it by; else what is wrong"),
      label: z.record(z.string(), z.string()).default({}).describe("more facts, as team=pay; may be repeated"),
      description: z.string().max(4000).optional().describe("more about it"),
      link: z.string().max(2000).optional().describe("a page about it, http or https"),
      runbook: z
        .string()
        .max(100)
        .optional()
        .describe('name of a runbook that helps, and what it takes: "restart node=db1"'),
      ...fields,
    }),
    words: ["summary"],
    furtherNames: ["demo", "resolve", "show", "sources"],
    target: (input) => input.service || input.label["service"] || undefined,
    examples: ['alert "disk is full" --service payments', 'alert "disk is full" --name DiskFull --severity critical'],
    run: async (input, context) => {
      const { summary, severity, description, link, runbook, label } = input;
      const name = input.name ?? summary;
      const alert: ShellAlert = {
        ...{ name, summary, severity, service: input.service, labels: label, at: context.clock.now() },
        ...(description !== undefined && { description }),
        ...(link !== undefined && { link }),
        ...(runbook !== undefined && { runbook }),
      };
      await raise(alert, context, whereOf(input));
      return { name, service: input.service, status: "firing" };
    },
    view: ({ name, service: of }) => ({
      kind: "text",
      text: `raised: ${name}${of && ` of ${of}`}; it ends with alert resolve ${quoted(name)}${of && ` --service ${of}`}`,
    }),
  });

  const resolve = defineCommand({
    ...known,
    name: "alert resolve",
    summary: "Tell that what an alert was raised for is over",
    input: z.object({
      name: z
        .string({ error: "resolve which alert? by its name, as in alert resolve DiskFull --service payments" })
        .min(1)
        .max(1000)
        .describe("what it is called"),
      service,
      ...fields,
    }),
    words: ["name"],
    target: (input) => input.service || undefined,
    examples: ["alert resolve DiskFull --service payments"],
    run: async (input, context) => {
      const { name } = input;
      const alert: ShellAlert = { name, service: input.service, status: "resolved", at: context.clock.now() };
      await raise(alert, context, whereOf(input));
      return { name, service: input.service, status: "resolved" };
    },
    view: ({ name, service: of }) => ({ kind: "text", text: `resolved: ${name}${of && ` of ${of}`}` }),
  });

  return [fire, resolve];
}

function quoted(name: string): string {
  return /^[\w.-]+$/.test(name) ? name : JSON.stringify(name);
}
