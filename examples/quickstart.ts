// What `npm start` runs: a greeter service, and the bot in this terminal. Everything stays on this machine.
import { userInfo } from "node:os";
import { program } from "../src/app/program.ts";
import { cached } from "../src/core/registry/cache.ts";
import { mdnsRegistry } from "../src/core/registry/mdns.ts";
import { greeter } from "./greeter.ts";

const { stdin, stdout, stderr, env } = process;
const leaving = new AbortController();
stdout.on("error", () => leaving.abort());
for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, () => leaving.abort());

const here = ["127.0.0.1"];
const service = greeter({ registry: cached(mdnsRegistry({ addresses: here })()), address: `${here}:0` });
await service.start();
// Into a pipe go answers only.
(stdin.isTTY && stdout.isTTY ? stdout : stderr).write(
  `A greeter runs beside this chat. Type  list services
or  call go.micro.srv.greeter Say.Hello {"name":"John"}
and  help  for everything else; Ctrl-D leaves.
`,
);
const alive = setInterval(() => {}, 2 ** 30);
process.exitCode = await program({
  args: [
    "--registry=mdns",
    `--registry_address=${here}`,
    `--server_address=${here}:0`,
    "bot",
    "--inputs=terminal",
    ...process.argv.slice(2),
  ],
  env,
  stdin,
  stdout,
  stderr,
  signal: leaving.signal,
  user: userInfo().username,
});
await service.stop();
clearInterval(alive);
