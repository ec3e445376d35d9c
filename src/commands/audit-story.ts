import { z } from "zod";
import { MicroError } from "../core/errors.ts";
import { cutArguments, kept, oneLine, SHOWN, timeOf, visible, written } from "./audit.ts";
import type { AuditCall, AuditFound, Replayed } from "./audit-record.ts";
import { defineCommand, type Touched } from "./command.ts";

const id = z.string({ error: "which one? `audit` shows the ids" }).describe("as `audit` and answers show it: 03f9a1");

export const explain = defineCommand({
  name: "explain",
  summary: "Tell the whole story of one command: who, what, by which rule, what was called, how it ended",
  input: z.object({ id }),
  words: ["id"],
  permission: "audit:read",
  effect: "read",
  personal: true,
  examples: ["explain 03f9a1"],
  run: ({ id: said }, context) => visible(said, context),
  view: (found) => ({ kind: "report", text: story(found).join("\n") }),
});

export const replay = defineCommand({
  name: "replay",
  summary: "Tell what a command of the past would do now, and do nothing",
  input: z.object({ id, dry_run: z.boolean().optional().describe("say what would happen; there is no other way") }),
  words: ["id"],
  permission: "audit:read",
  effect: "read",
  examples: ["replay 03f9a1 --dry-run"],
  run: async ({ id: said, dry_run }, context) => {
    const found = await visible(said, context);
    if (dry_run !== true) {
      const line = oneLine(found.line ?? found.text, 200);
      const words = `nothing is done again from the audit: type it yourself, \`${line}\`; or see first, \`replay ${said} --dry-run\``;
      throw new MicroError("invalid_argument", words);
    }
    return { found, now: await kept(context).replay(found, context) };
  },
  view: ({ found, now }) => ({ kind: "text", text: [...beginning(found), ...future(found, now)].join("\n") }),
});

function beginning(found: AuditFound): readonly string[] {
  const who = found.name === found.person ? found.person : `${found.name} (${found.person})`;
  const where = `in ${found.network}:${found.room}`;
  return [`${timeOf(found.at)} ${who} said ${where}: ${oneLine(found.line ?? found.text, 200)}`];
}

function story(found: AuditFound): readonly string[] {
  const { line, text, command, args, rule, approvers, calls = [], moreCalls, touched = [] } = found;
  const ended = found.outcome === "running" ? "its end is not written down: it runs, or its bot died" : endOf(found);
  return [
    `who\t${found.name}, ${found.caller}${found.person === found.caller ? "" : `, who is ${found.person}`}${found.guest ? ", a guest" : ""}`,
    `when\t${timeOf(found.at)}`,
    `where\t${found.network}:${found.room}, heard by ${found.replica}`,
    `typed\t${oneLine(text, 500)}`,
    ...(line === undefined ? [] : [`meant\t${oneLine(line, 500)}`]),
    ...(command === undefined
      ? []
      : [`command\t${command}, which ${found.effect === "write" ? "changes things" : "only reads"}`]),
    ...Object.entries(args ?? {}).map(([name, value]) => `  ${name}\t${oneLine(written(value), SHOWN)}`),
    ...(cutArguments(found) ? [`all of them\tsha256 ${found.argsHash}`] : []),
    ...(rule === undefined ? [] : [`rule\t${oneLine(rule, 300)}`]),
    ...(approvers === undefined
      ? []
      : [`yes from\t${approvers.join(", ")}${found.request ? `, to ${found.request}` : ""}`]),
    ...(found.by === undefined ? [] : [`said by\t${found.by}`]),
    ...(found.brokeGlass === undefined ? [] : [`broke glass\t${found.brokeGlass}`]),
    ...(found.target === undefined ? [] : [`target\t${found.target}`]),
    ...touched.map((one) => `touched\t${touchedText(one)}`),
    ...calls.map((call) => `called\t${callText(call)}`),
    ...(moreCalls ? [`called\t${moreCalls} more`] : []),
    `ended\t${ended}`,
    ...(found.ignored ? [`before\t${found.ignored} messages were not listened to, because they were too many`] : []),
    ...(found.result === undefined ? [] : [`result\tsha256 ${found.result}`]),
    `kept as\t${found.begunSeq === undefined ? "" : `row ${found.begunSeq} and `}row ${found.seq}, hash ${found.hash}`,
  ];
}

function endOf({ outcome, ms, why }: AuditFound): string {
  const words: Readonly<Record<string, string>> = {
    ok: "well",
    asked: "with a question: it waited for a yes",
    left: "here: another replica has it",
    answered: "with an answer, and nothing was run",
  };
  return `${words[outcome] ?? outcome} after ${ms} ms${why === undefined ? "" : `: ${oneLine(why, 300)}`}`;
}

function callText({ service, endpoint, node, outcome, ms, trace }: AuditCall): string {
  return `${service} ${endpoint}${node === undefined ? "" : ` at ${node}`}: ${outcome} after ${ms} ms, trace ${trace}`;
}

function touchedText({ name, version, nodes }: Touched): string {
  const which = version ? `${name} ${version}` : name;
  return nodes.length === 0 ? `${which}, without a node` : `${which}: ${oneLine(nodes.join(", "), 300)}`;
}

function future(found: AuditFound, now: Replayed): readonly string[] {
  if (now.misunderstood !== undefined) return [`said now it would not be understood: ${now.misunderstood}`];
  const rule = ` (rule: ${now.rule})`;
  if (now.allowed !== true) return [`said now it would be refused: ${now.why}${rule}`];
  const then = found.rule === undefined || found.rule === now.rule ? "" : `; then it was: ${found.rule}`;
  const { touched = [], moved } = now;
  return [
    `said now it would ${now.asks === true ? "wait for a yes" : "run"}${rule}${then}`,
    ...touched.map((one) => `it would touch ${touchedText(one)}`),
    ...(moved === undefined
      ? []
      : moved.length === 0
        ? ["that is as it was then"]
        : ["what has changed since:", ...moved]),
    "nothing was done",
  ];
}
