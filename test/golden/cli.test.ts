import { beforeEach, describe, expect, it } from "vitest";
import { MicroError } from "../../src/core/errors.ts";
import { memoryRegistry } from "../../src/core/registry/memory.ts";
import type { Registry } from "../../src/core/registry/registry.ts";
import { cannedClient } from "../fakes/canned-client.ts";
import { type Run, runProgram } from "../fakes/run-program.ts";
import { SERVICES } from "./records.ts";

/** When the greeter started: in local time, whatever that is where the test runs. */
const STARTED = Math.floor(new Date(2016, 10, 9, 18, 30, 40).getTime() / 1000);

const unreachable = new MicroError(
  "unavailable",
  "Error sending request: dial tcp 10.0.0.6:40000: connect ECONNREFUSED",
  {
    details: {
      record: {
        id: "go.micro.client",
        code: 500,
        detail: "Error sending request: dial tcp 10.0.0.6:40000: connect ECONNREFUSED",
        status: "Internal Server Error",
      },
    },
  },
);

const ANSWERS = {
  "Say.Hello": '{"msg":"Hello John","z":1,"a":[1450816182000000001,{"b":{}}],"none":[]}',
  "Say.Fail": new MicroError("internal", "no", {
    details: {
      record: { id: "go.micro.srv.greeter", code: 500, detail: "the greeter is ill", status: "Internal Server Error" },
    },
  }),
  "Debug.Health": '{"status":"ok"}',
  "10.0.0.6:40000 Debug.Health": unreachable,
  "Debug.Stats": `{"started":${STARTED},"uptime":3723,"memory":5242880,"threads":12,"gc":1234567}`,
  "10.0.0.6:40000 Debug.Stats": unreachable,
};

describe("the command line, to the letter", () => {
  let registry: Registry;
  let client: ReturnType<typeof cannedClient>;
  const micro = (...args: readonly string[]): Promise<Run> =>
    runProgram(args, { makers: { registry: async () => registry, client: async () => client } });

  beforeEach(() => {
    // It stands for a registry elsewhere, such as Consul.
    registry = { ...memoryRegistry({ services: SERVICES })(), outlives: true };
    client = cannedClient(ANSWERS);
  });

  const good = (stdout: string): Run => ({ code: 0, stdout, stderr: "" });
  const bad = (stderr: string): Run => ({ code: 1, stdout: "", stderr });

  describe("list services", () => {
    it("prints names, one a line, in byte order", async () => {
      expect(await micro("list", "services")).toEqual(
        good("go.micro.srv.geo\ngo.micro.srv.greeter\ntopic:geo.location\n"),
      );
    });

    it("prints an empty line when there is none", async () => {
      registry = memoryRegistry()();
      expect(await micro("list", "services")).toEqual(good("\n"));
    });

    it("stands below registry, too", async () => {
      expect(await micro("registry", "list", "services")).toEqual(await micro("list", "services"));
    });
  });

  describe("get service", () => {
    it("prints versions, nodes and the endpoints of the first version", async () => {
      expect(await micro("get", "service", "go.micro.srv.greeter")).toEqual(
        good(
          [
            "service  go.micro.srv.greeter",
            "",
            "version 1.0.0",
            "",
            "Id\tAddress\tPort\tMetadata",
            "go.micro.srv.greeter-154a6487\t10.0.0.5\t57067\tbroker=http,registry=consul,server=rpc,transport=http",
            "go.micro.srv.greeter-99110f5e\t10.0.0.6\t40000\tbroker=http,registry=consul,server=rpc,transport=http",
            "",
            "version 2.0.0",
            "",
            "Id\tAddress\tPort\tMetadata",
            "go.micro.srv.greeter-aa01\tfd00::7\t8080\tbroker=http,registry=consul,server=rpc,transport=http",
            "",
            "Endpoint: Say.Hello",
            "Metadata: stream=false",
            "",
            "Request: {",
            "\tname string",
            "}",
            "",
            "Response: {",
            "\tmsg string",
            "}",
            "",
            "",
          ].join("\n"),
        ),
      );
    });

    it("prints nested messages, lists, empty messages and several endpoints", async () => {
      expect(await micro("get", "service", "go.micro.srv.geo")).toEqual(
        good(
          [
            "service  go.micro.srv.geo",
            "",
            "version latest",
            "",
            "Id\tAddress\tPort\tMetadata",
            "go.micro.srv.geo-1\t192.168.1.7\t9000\tbroker=http,registry=consul,server=rpc,transport=http",
            "",
            "Endpoint: Location.Search",
            "Metadata: stream=false",
            "",
            "Request: {",
            "\tcenter Point {",
            "\t\tlatitude float64",
            "\t\tlongitude float64",
            "\t}",
            "\tnum_entities int64",
            "\ttypes []string {",
            "\t\tstring string",
            "\t}",
            "}",
            "",
            "Response: {",
            "\tentities []Entity {",
            "\t\tentity Entity",
            "\t}",
            "}",
            "",
            "",
            "Endpoint: Location.Ping",
            "Metadata: stream=false",
            "",
            "Request: {}",
            "",
            "Response: {}",
            "",
            "",
            "Endpoint: Location.Watch",
            "Metadata: stream=true",
            "",
            "Request: {",
            "\tuser_id string",
            "}",
            "",
            "Response: {}",
            "",
            "",
          ].join("\n"),
        ),
      );
    });

    it("prints a service without version, metadata and endpoints", async () => {
      expect(await micro("get", "service", "topic:geo.location")).toEqual(
        good("service  topic:geo.location\n\nversion \n\nId\tAddress\tPort\tMetadata\ntopic-1\t10.0.0.9\t1\t\n"),
      );
    });

    it("says what is missing, and what is not there", async () => {
      expect(await micro("get", "service")).toEqual(
        bad("service requested\nusage: micro get service <service> [--version <string>]\n"),
      );
      expect(await micro("get", "service", "go.micro.srv.nope")).toEqual(bad("Service not found\n"));
      expect(await micro("get", "service", "nope")).toEqual(bad("Service not found\n"));
    });

    it("says which one may be meant where the name is the end of one alone", async () => {
      expect(await micro("get", "service", "geo")).toEqual(bad("Service not found\ndid you mean go.micro.srv.geo?\n"));
    });
  });

  describe.each(["query", "call"])("%s", (verb) => {
    it("prints the answer with a tab a level, key order and digits untouched", async () => {
      expect(await micro(verb, "go.micro.srv.greeter", "Say.Hello", '{"name": "John"}')).toEqual(
        good(
          [
            "{",
            '\t"msg": "Hello John",',
            '\t"z": 1,',
            '\t"a": [',
            "\t\t1450816182000000001,",
            "\t\t{",
            '\t\t\t"b": {}',
            "\t\t}",
            "\t],",
            '\t"none": []',
            "}",
            "",
          ].join("\n"),
        ),
      );
      expect(client.asked).toMatchObject([{ service: "go.micro.srv.greeter", body: '{"name": "John"}' }]);
    });

    it("joins arguments, and asks {} when there is none", async () => {
      await micro(verb, "go.micro.srv.greeter", "Say.Hello", '{"name":', '"John",', '"n":', "12345678901234567890}");
      await micro(verb, "go.micro.srv.greeter", "Say.Hello");
      expect(client.asked.map(({ body }) => body)).toEqual(['{"name": "John", "n": 12345678901234567890}', "{}"]);
    });

    it("takes its options behind the request", async () => {
      const line = ["go.micro.srv.greeter", "Say.Hello", '{"name":"- John"}'];
      const options = ["-o", "raw", "--address=10.0.0.5:57067", "--metadata", "a=b=c", "--metadata=d=e"];
      expect(await micro(verb, ...line, ...options)).toEqual(good(`${ANSWERS["Say.Hello"]}\n`));
      expect(client.asked).toMatchObject([
        { body: '{"name":"- John"}', address: "10.0.0.5:57067", metadata: { a: "b=c", d: "e" } },
      ]);
    });

    it("prints what the service answered badly", async () => {
      expect(await micro(verb, "go.micro.srv.greeter", "Say.Fail", "{}")).toEqual(
        bad(
          'error calling go.micro.srv.greeter.Say.Fail: {"id":"go.micro.srv.greeter","code":500,"detail":"the greeter is ill","status":"Internal Server Error"}\n',
        ),
      );
    });

    it("says what is missing", async () => {
      const { code, stdout, stderr } = await micro(verb, "go.micro.srv.greeter");
      expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
      expect(stderr).toMatch(/^require service and method\nusage: micro call <service> <endpoint> \[request\]/);
    });
  });

  it("health prints a line per node, failures among them", async () => {
    expect(await micro("health", "go.micro.srv.greeter")).toEqual(
      good(
        [
          "service  go.micro.srv.greeter",
          "",
          "version 1.0.0",
          "",
          "node\t\taddress:port\t\tstatus",
          "go.micro.srv.greeter-154a6487\t\t10.0.0.5:57067\t\tok",
          'go.micro.srv.greeter-99110f5e\t\t10.0.0.6:40000\t\t{"id":"go.micro.client","code":500,"detail":"Error sending request: dial tcp 10.0.0.6:40000: connect ECONNREFUSED","status":"Internal Server Error"}',
          "",
          "version 2.0.0",
          "",
          "node\t\taddress:port\t\tstatus",
          "go.micro.srv.greeter-aa01\t\t[fd00::7]:8080\t\tok",
          "",
        ].join("\n"),
      ),
    );
    expect(await micro("health", "nope")).toEqual(bad("Service not found\n"));
    expect((await micro("health", "greeter")).stdout).toMatch(/^service {2}go\.micro\.srv\.greeter\n/);
  });

  it("health prints a line per service, the worst first, when none is named", async () => {
    const greeter = "go.micro.srv.greeter\t1 of 3 bad\t1.0.0, 2.0.0\t1 node refuses connections\n";
    const table = `1 of 2 services unhealthy\n\nservice\tnodes\tversion\twhy\n${greeter}`;
    expect(await micro("health")).toEqual(good(`${table}go.micro.srv.geo\t1 ok\tlatest\n`));
    expect(await micro("health", "--unhealthy")).toEqual(good(table));
  });

  it("tells why a service is not well", async () => {
    expect(await micro("why", "is", "greeter", "unhealthy?")).toEqual(
      good(
        [
          "go.micro.srv.greeter: 1 of 3 nodes is not well",
          "- 1 node refuses connections: go.micro.srv.greeter-99110f5e at 10.0.0.6:40000",
          "- 2 versions run: 1.0.0 (2 nodes), 2.0.0 (1 node)",
          "- the oldest node is go.micro.srv.greeter-154a6487, up for 62 min",
          "",
        ].join("\n"),
      ),
    );
  });

  it("stats prints a line per node", async () => {
    const { code, stdout, stderr } = await micro("stats", "go.micro.srv.greeter");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const row = "Nov 9 18:30:40\t1h2m3s\t5.00mb\t12\t1.234567ms";
    const lines = stdout.split("\n");
    expect(lines.slice(0, 6)).toEqual([
      "service  go.micro.srv.greeter",
      "",
      "version 1.0.0",
      "",
      "node\t\taddress:port\t\tstarted\tuptime\tmemory\tthreads\tgc",
      `go.micro.srv.greeter-154a6487\t\t10.0.0.5:57067\t\t${row}`,
    ]);
    expect(lines[6]).toMatch(/^go\.micro\.srv\.greeter-99110f5e\t\t10\.0\.0\.6:40000\t\t/);
    expect(lines.slice(7)).toEqual([
      "",
      "version 2.0.0",
      "",
      "node\t\taddress:port\t\tstarted\tuptime\tmemory\tthreads\tgc",
      `go.micro.srv.greeter-aa01\t\t[fd00::7]:8080\t\t${row}`,
      "",
    ]);
  });

  describe("register and deregister service", () => {
    const record = '{"Name":"foo","version":"1","nodes":[{"id":"foo-1","address":"10.0.0.5","port":9090}]}';

    it("says ok, and it is so", async () => {
      await registry.start();
      expect(await micro("register", "service", record)).toEqual(good("ok\n"));
      expect(await micro("list", "services")).toEqual(
        good("foo\ngo.micro.srv.geo\ngo.micro.srv.greeter\ntopic:geo.location\n"),
      );
      expect(await micro("deregister", "service", ...record.split(/(?<=,)/))).toEqual(good("ok\n"));
      expect((await micro("list", "services")).stdout).not.toContain("foo");
    });

    it.each(["register", "deregister"])("%s says what is missing", async (verb) => {
      expect(await micro(verb, "service")).toEqual(
        bad(`require service definition\nusage: micro ${verb} service <definition>\n`),
      );
      expect((await micro(verb, "service", "{")).stderr).toMatch(/^the request is not JSON/);
    });

    it("refuses to register where nothing would be left of it", async () => {
      registry = memoryRegistry()();
      const { code, stderr } = await micro("register", "service", record);
      expect(code).toBe(1);
      expect(stderr).toContain("keeps a registration only while the process that made it runs");
    });
  });

  describe("--output json", () => {
    it("prints the facts of a list", async () => {
      const { stdout } = await micro("list", "services", "--output", "json");
      expect(JSON.parse(stdout)).toEqual({
        services: ["go.micro.srv.geo", "go.micro.srv.greeter", "topic:geo.location"],
      });
    });

    it("prints the facts of a service", async () => {
      const { stdout } = await micro("get", "service", "-o=json", "go.micro.srv.geo");
      expect(JSON.parse(stdout)).toMatchObject({ service: "go.micro.srv.geo", versions: [{ version: "latest" }] });
    });

    it("keeps the digits of an answer", async () => {
      const { stdout } = await micro("call", "go.micro.srv.greeter", "Say.Hello", "{}", "--output=json");
      expect(stdout).toContain("1450816182000000001");
      expect(JSON.parse(stdout)).toMatchObject({ msg: "Hello John" });
    });

    it.each(["health", "stats"])("prints the facts of %s", async (verb) => {
      const { stdout } = await micro(verb, "go.micro.srv.greeter", "--output", "json");
      expect(stdout).toContain("10.0.0.6:40000");
      expect(() => JSON.parse(stdout)).not.toThrow();
    });

    it("is nothing else", async () => {
      expect((await micro("list", "services", "--output", "yaml")).stderr).toMatch(
        /^--output is text, json or raw, not "yaml"\n {2}micro list services --output yaml\n/,
      );
    });
  });

  describe("lines that are not understood", () => {
    it("names the nearest commands", async () => {
      const { code, stdout, stderr } = await micro("lst", "services");
      expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
      expect(stderr).toMatch(/^unknown command "lst"; the nearest are `list services`, .*`micro help` shows all\n$/);
    });

    it("marks the word that is to blame", async () => {
      expect(await micro("get", "service", "--foo", "x")).toEqual(
        bad(
          [
            "get service has no option --foo",
            "  micro get service --foo x",
            "                    ^^^^^",
            "usage: micro get service <service> [--version <string>]",
            "",
          ].join("\n"),
        ),
      );
    });

    it("tells where a global option belongs", async () => {
      const { stderr } = await micro("list", "services", "--registry=consul");
      expect(stderr).toMatch(/^--registry stands before the command: micro --registry=… list services\n/);
    });

    it.each([
      [["--store=memory", "bot", "--inputs=terminal"], "--store", "bot", "--store=…"],
      [["--slack-token", "xoxb-123456", "bot"], "--slack_token", "bot", "--slack_token=…"],
      [["--chat_socket=/tmp/x", "chat"], "--chat_socket", "chat", "--chat_socket=…"],
      [["--policy=p.yaml", "list", "services"], "--policy", "bot", "--policy=…"],
    ])("tells where an option of the bot belongs: %j", async (args, option, word, shown) => {
      expect(await micro(...args)).toEqual(
        bad(`${option} is an option of \`${word}\` and stands behind that word: micro ${word} ${shown}\n`),
      );
    });

    it("names the nearest option", async () => {
      expect(await micro("--regisrty=consul", "list", "services")).toEqual(
        bad("unknown option --regisrty; did you mean --registry?\n"),
      );
    });

    it.each([
      ["--broker=nsq", 'no broker is called "nsq"; there are http, nats, rabbitmq, kafka, redis, mqtt, memory'],
      ["--transport=quic", 'no transport is called "quic"; there are http, nats, rabbitmq, grpc, memory'],
      [
        "--selector=shard",
        'no selector is called "shard"; there are random, roundrobin, blacklist, label, version, static, dns',
      ],
      ["--client=thrift", 'no client is called "thrift"; there are mucp, rpc, grpc'],
      ["--server=thrift", 'no server is called "thrift"; there are mucp, rpc, grpc'],
    ])("names what there is instead of %s", async (option, answer) => {
      const name = option.slice(0, option.indexOf("="));
      expect(await micro(option, "list", "services")).toEqual(bad(`${name}: ${answer}\n`));
    });

    it("names the registries there are", async () => {
      expect(await micro("--registry=eureka", "list", "services")).toEqual(
        bad(
          '--registry: no registry is called "eureka"; there are mdns, consul, etcd, nats, kubernetes, zookeeper, gossip, proxy, memory\n',
        ),
      );
    });
  });
});
