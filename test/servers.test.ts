import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";

/* Where the servers must be (CI), a test that quietly does not run would be a lie. */

const required = process.env["MICRO_TEST_REQUIRE_SERVERS"] === "1";

describe.skipIf(!required)("servers are required here (MICRO_TEST_REQUIRE_SERVERS=1)", () => {
  it.each([
    ["consul", ["version"]],
    ["etcd", ["--version"]],
    ["etcd-next", ["--version"]],
    ["nats-server", ["--version"]],
    ["nats-server-next", ["--version"]],
    ["test", ["-x", "/usr/lib/rabbitmq/bin/rabbitmq-server"]],
    ["redis-server", ["--version"]],
    ["test", ["-x", "/usr/lib/postgresql/15/bin/postgres"]],
    ["test", ["-x", "/usr/sbin/mosquitto"]],
    ["kcat", ["-V"]],
    ["test", ["-f", "/usr/share/java/zookeeper.jar"]],
    ["prosodyctl", ["about"]],
    ["test", ["-x", "/usr/sbin/ejabberdctl"]],
    ["/usr/bin/python3", ["-c", "import slixmpp"]],
    ["go-sendxmpp", ["--version"]],
    ["test", ["-x", "/usr/sbin/ngircd"]],
    ["ip", ["-V"]],
    ["unshare", ["--version"]],
    ["nsenter", ["--version"]],
    ["prometheus", ["--version"]],
    ["prometheus-alertmanager", ["--version"]],
    ["tmux", ["-V"]],
    ["/usr/bin/python3", ["-c", "import zeroconf"]],
  ])("%s %s is there", (program, args) => {
    const { error, status } = spawnSync(program, args);
    expect(status, `${error?.message ?? "it failed"}; \`bash .ci/servers\` installs it`).toBe(0);
  });
});
