import { describe, expect, it } from "vitest";
import {
  duration,
  flag,
  integer,
  list,
  type OptionTable,
  oneOf,
  pairs,
  readOptions,
  secret,
  someOf,
  text,
} from "../../src/app/options.ts";

const TABLE = {
  registry: oneOf({ env: "MICRO_REGISTRY", description: "" }, "registry", ["mdns", "consul"], "mdns"),
  registry_address: list({ env: "MICRO_REGISTRY_ADDRESS", description: "" }),
  client_retries: integer({ env: "MICRO_CLIENT_RETRIES", description: "" }, 1),
  client_request_timeout: duration({ env: "MICRO_CLIENT_REQUEST_TIMEOUT", description: "" }, 5000),
  server_name: text({ env: "MICRO_SERVER_NAME", description: "" }, ""),
  server_metadata: pairs({ env: "MICRO_SERVER_METADATA", description: "" }),
  inputs: someOf({ env: "MICRO_BOT_INPUTS", description: "" }, "input", ["terminal", "slack", "hubot:…"], []),
  slack_token: secret({ env: "MICRO_SLACK_TOKEN", description: "" }),
  help: flag({ env: undefined, description: "" }, "h"),
} satisfies OptionTable;

const read = (args: readonly string[], env: Record<string, string> = {}) => readOptions(TABLE, args, env);
const failure = (args: readonly string[], env: Record<string, string> = {}) => {
  try {
    read(args, env);
  } catch (error) {
    return (error as Error).message;
  }
  return "it did not fail";
};

describe("options", () => {
  it.each([["--registry=consul"], ["--registry", "consul"], ["-registry=consul"], ["-registry", "consul"]])(
    "reads %s %s",
    (...args) => {
      const { settings, rest } = read([...args, "list", "services"]);
      expect(settings.registry).toBe("consul");
      expect(rest).toEqual(["list", "services"]);
    },
  );

  it("stops at the first bare word", () => {
    const { settings, rest } = read(["list", "--registry=consul"]);
    expect(settings.registry).toBe("mdns");
    expect(rest).toEqual(["list", "--registry=consul"]);
  });

  it("ends at --", () => {
    expect(read(["--server_name=x", "--", "--registry=consul"]).rest).toEqual(["--registry=consul"]);
  });

  it("leaves a lone dash alone", () => {
    expect(read(["-", "x"]).rest).toEqual(["-", "x"]);
  });

  it("prefers the command line to the environment, and the environment to the fallback", () => {
    const env = { MICRO_REGISTRY: "consul", MICRO_CLIENT_RETRIES: "3" };
    expect(read([], {}).settings).toMatchObject({ registry: "mdns", client_retries: 1 });
    expect(read([], env).settings).toMatchObject({ registry: "consul", client_retries: 3 });
    expect(read(["--registry=mdns", "--client_retries=0"], env).settings).toMatchObject({
      registry: "mdns",
      client_retries: 0,
    });
  });

  it("counts an empty variable as unset", () => {
    expect(read([], { MICRO_REGISTRY: "", MICRO_CLIENT_REQUEST_TIMEOUT: "" }).settings).toMatchObject({
      registry: "mdns",
      client_request_timeout: 5000,
    });
  });

  it("adds up lists, and takes them with commas from the environment", () => {
    expect(read(["--registry_address=a:1", "--registry_address", "b:2,c:3"]).settings.registry_address).toEqual([
      "a:1",
      "b:2",
      "c:3",
    ]);
    const env = { MICRO_REGISTRY_ADDRESS: "a:1, b:2", MICRO_SERVER_METADATA: "zone=eu,rack=7,odd" };
    expect(read([], env).settings).toMatchObject({
      registry_address: ["a:1", "b:2"],
      server_metadata: { zone: "eu", rack: "7", odd: "" },
    });
    expect(read(["--registry_address=c:3"], env).settings.registry_address).toEqual(["c:3"]);
  });

  it("keeps later equals signs and commas in a pair of the command line", () => {
    expect(read(["--server_metadata=a=b=c,d", "--server_metadata", "e=f"]).settings.server_metadata).toEqual({
      a: "b=c,d",
      e: "f",
    });
  });

  it("needs = to give a switch a value", () => {
    expect(read(["--help", "false"])).toMatchObject({ settings: { help: true }, rest: ["false"] });
    expect(read(["--help=false"]).settings.help).toBe(false);
    expect(read(["-h"]).settings.help).toBe(true);
  });

  it("takes dashes for underscores", () => {
    expect(read(["--server-name=x"]).settings.server_name).toBe("x");
  });

  it.each([
    [["--regisrty=consul"], "unknown option --regisrty; did you mean --registry?"],
    [["--qqqqqqqqqqq"], "unknown option --qqqqqqqqqqq"],
    [["--constructor=1"], "unknown option --constructor"],
    [["--registry"], "--registry wants a value"],
    [["--registry=etcd"], '--registry: no registry is called "etcd"; there are mdns, consul'],
    [["--inputs=terminal,irc"], '--inputs: no input is called "irc"; there are terminal, slack, hubot:…'],
    [["--inputs=hubot:"], '--inputs: the input "hubot:" needs a name behind a colon: a package or a path'],
    [["--inputs=hubot"], '--inputs: the input "hubot" needs a name behind a colon: a package or a path'],
    [["--inputs=slack:x"], '--inputs: no input is called "slack:x"; there are terminal, slack, hubot:…'],
    [["--client_retries=-1"], '--client_retries: "-1" is no whole number'],
    [["--client_request_timeout=5"], '--client_request_timeout: "5" is no duration; write it like 500ms, 5s or 1m30s'],
    [["--help=maybe"], '--help: "maybe" is neither true nor false'],
  ])("refuses %j", (args, message) => {
    expect(failure(args)).toBe(message);
  });

  it("names the variable that is to blame", () => {
    expect(failure([], { MICRO_REGISTRY: "zookeeper" })).toBe(
      'MICRO_REGISTRY: no registry is called "zookeeper"; there are mdns, consul',
    );
  });

  it("never shows a value that may be a secret with a wrong name", () => {
    expect(failure(["--slack_tokne=xoxb-123456"])).toBe("unknown option --slack_tokne; did you mean --slack_token?");
  });
});
