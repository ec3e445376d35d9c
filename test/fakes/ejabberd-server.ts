import { execFile, spawnSync } from "node:child_process";
import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { freePort } from "./free-port.ts";
import { speaksXmpp, XMPP_DOMAIN, type XmppServer } from "./prosody-server.ts";
import { launch } from "./watched-process.ts";
import { makeCertificate } from "./xmpp-certificate.ts";

/** Without it tests of the real server are skipped, saying so. It runs as a user of its own, so root has to start it. */
export const hasEjabberd = process.getuid?.() === 0 && spawnSync("id", ["ejabberd"]).status === 0;

const run = promisify(execFile);

/** A second implementation of XMPP. It takes some 5 s to start: share one among the tests of a file. */
export async function startEjabberd(users: readonly string[]): Promise<XmppServer> {
  const folder = await mkdtemp(join(tmpdir(), "micro-ejabberd-"));
  const certificate = await makeCertificate(XMPP_DOMAIN, "conf.example.test");
  const [port, distPort] = [await freePort(), await freePort()];
  for (const name of ["spool", "log"]) await mkdir(join(folder, name));
  await writeFile(join(folder, "ejabberd.yml"), configuration(folder, port));
  await writeFile(join(folder, "inetrc"), "");
  await writeFile(
    join(folder, "ctl.cfg"),
    // No epmd, which would stay behind; and nothing listens beyond loopback.
    `ERLANG_NODE=micro${port}@localhost\nERL_DIST_PORT=${distPort}\nINET_DIST_INTERFACE=127.0.0.1\nERL_OPTIONS="+sbwt none"\n`,
  );
  await writeFile(join(folder, "t.pem"), (await readFile(certificate.file, "utf8")) + certificate.key);
  await copyFile(certificate.file, join(folder, "ca.pem"));
  await chmod(folder, 0o755);
  await run("chown", ["-R", "ejabberd:ejabberd", folder]);

  const as = ["setpriv", "--reuid=ejabberd", "--regid=ejabberd", "--clear-groups"];
  const files = ["-d", folder, "-s", join(folder, "spool"), "-l", join(folder, "log")];
  const ctl = [...as, "ejabberdctl", ...files, "-f", join(folder, "ejabberd.yml"), "-c", join(folder, "ctl.cfg")];
  const env = { HOME: folder };
  const start = () =>
    launch([...ctl, "foreground"], join(folder, "output.log"), () => speaksXmpp(port), { env, readyMs: 60_000 });
  const register = async () => {
    for (const user of users) {
      const [program = "", ...args] = [...ctl, "register", user, XMPP_DOMAIN, `${user}pw`];
      await run(program, args, { env: { ...process.env, ...env }, timeout: 30_000 });
    }
  };
  let running = await start();
  await register();
  return {
    domain: XMPP_DOMAIN,
    port,
    address: `127.0.0.1:${port}`,
    certificate,
    rooms: "conf.example.test",
    kill: () => running.kill(),
    freeze: () => running.freeze(),
    thaw: () => running.thaw(),
    restart: async () => {
      running = await start();
      // Killed soon after, it may have forgotten them; or says that it has them.
      await register().catch(() => {});
    },
    stop: async () => {
      await running.kill();
      await certificate.remove();
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

function configuration(folder: string, port: number): string {
  return `
hosts: [${XMPP_DOMAIN}]
loglevel: warning
certfiles: ["${folder}/t.pem"]
auth_method: internal
auth_password_format: scram
acl: { local: { user_regexp: "" } }
access_rules: { local: { allow: local } }
listen:
  - port: ${port}
    ip: "127.0.0.1"
    module: ejabberd_c2s
    starttls: true
    starttls_required: true
    max_stanza_size: 262144
modules:
  mod_disco: {}
  mod_ping: {}
  mod_roster: {}
  mod_offline: {}
  mod_mam: {}
  mod_stream_mgmt: {}
  mod_muc_admin: {}
  mod_muc:
    host: conf.example.test
    access: all
    access_create: all
    max_user_conferences: 10000
    default_room_options:
      mam: true
      anonymous: false
`;
}
