import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { MicroError } from "../core/errors.ts";
import { isName } from "../runbooks/reference.ts";

/**
 * `micro new runbook drain-orders`: a runbook in `runbooks/`, which only reads until somebody gives it something to do.
 *
 * @param args what follows `new runbook`: its name
 * @param cwd the bot's directory
 * @returns what was made and how it is tried, a line each
 * @throws MicroError `invalid_argument`, `conflict` when the file is there already
 */
export async function newRunbook(args: readonly string[], cwd: string): Promise<string> {
  const name = args.join(" ");
  if (name === "") {
    throw new MicroError("invalid_argument", "what is the runbook to be called? micro new runbook drain-orders");
  }
  if (!isName(name)) {
    const words = "one word of small letters, digits and dashes, as in micro new runbook drain-orders";
    throw new MicroError("invalid_argument", `"${name}" cannot name a runbook: ${words}`);
  }
  const there = [`runbooks/${name}.yaml`, `runbooks/${name}.yml`].find((path) => existsSync(join(cwd, path)));
  if (there !== undefined) throw new MicroError("conflict", `${there} already exists`);
  await mkdir(join(cwd, "runbooks"), { recursive: true });
  const file = `runbooks/${name}.yaml`;
  await writeFile(join(cwd, file), runbook(name), { flag: "wx" });
  return [
    ...[`creating ${file}`, "", "check it with", "", "micro lint runbooks", ""],
    ...["and rehearse it in chat, which changes nothing", "", `runbook dry-run ${name} service=go.micro.srv.greeter`],
  ].join("\n");
}

function runbook(name: string): string {
  return `# Rehearse it with \`runbook dry-run ${name} service=…\`: what reads is said, what writes is only shown.
name: ${name}
summary: Tell what this does, in one line
parameters:
  service: { type: string, summary: what it is done to }
steps:
  - id: before
    run: health \${service}
  # What changes something asks for it, and says how it is taken back:
  # - approve: { by: role:oncall, count: 1, atMost: 30m }
  # - id: drain
  #   run: call \${service} Orders.Drain {"region":"eu"}
  #   rollback: call \${service} Orders.Fill {"region":"eu"}
  - id: settled
    wait: { until: "health \${service} is ok", every: 5s, atMost: 5m }
`;
}
