import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { storedTexts } from "../../src/app/help.ts";
import { BOT, GLOBAL } from "../../src/app/settings.ts";
import { VERSION } from "../../src/app/version.ts";
import { builtin } from "../../src/commands/builtin.ts";
import { runProgram } from "../fakes/run-program.ts";

const stored = new URL("../../dist/bin/help.json", import.meta.url);
const root = new URL("../../", import.meta.url);

describe("help", () => {
  it("has the version of the package", async () => {
    const { version } = JSON.parse(readFileSync(new URL("package.json", root), "utf8"));
    expect(VERSION).toBe(version);
    for (const args of [["--version"], ["-v"]]) {
      expect(await runProgram(args)).toEqual({ code: 0, stdout: `micro version ${version}\n`, stderr: "" });
    }
  });

  it("is printed for nothing, help and --help, in the layout of the reference", async () => {
    const { code, stdout, stderr } = await runProgram([]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    for (const args of [
      ["help"],
      ["h"],
      ["--help"],
      ["-h"],
      ["--registry=memory", "help"],
      ["--registry=memory", "-h"],
    ]) {
      expect((await runProgram(args)).stdout).toBe(stdout);
    }
    const titles = stdout.split("\n").filter((line) => /^[A-Z ]+:$/.test(line));
    expect(titles).toEqual(["NAME:", "USAGE:", "VERSION:", "COMMANDS:", "GLOBAL OPTIONS:"]);
    expect(stdout).toContain(
      "USAGE:\n   micro [global options] command [command options] [arguments...]\n\nVERSION:\n",
    );
    expect(stdout).not.toMatch(/\n{3}|[ \t]\n/);
  });

  it("names every command and every option with its variable", async () => {
    const { stdout } = await runProgram(["help"]);
    for (const { name, summary } of builtin) expect(stdout).toMatch(new RegExp(`^   ${name}.*  ${summary}$`, "m"));
    for (const [name, { env }] of Object.entries(GLOBAL)) {
      expect(stdout).toContain(`   --${name}`);
      if (env) expect(stdout).toContain(`[$${env}]`);
    }
    const bot = (await runProgram(["help", "bot"])).stdout;
    for (const name of Object.keys(BOT)) expect(bot).toContain(`   --${name}`);
  });

  it("tells about one command, in any way of asking", async () => {
    const { code, stdout } = await runProgram(["help", "get", "service"]);
    expect(code).toBe(0);
    expect(stdout).toBe(
      [
        "NAME:",
        "   micro get service - Show a service: its nodes and its endpoints",
        "",
        "USAGE:",
        "   micro [global options] get service <service> [--version <string>]",
        "",
        "ARGUMENTS:",
        "   service   its name",
        "",
        "OPTIONS:",
        "   --version <string>            only this version",
        "   --output <text|json|raw>, -o   text; json: the facts; raw: what a service answered, as it came (default: text)",
        "",
        "EXAMPLES:",
        "   micro get service go.micro.srv.greeter",
        "",
        "",
      ]
        .join("\n")
        .replace("<string>            only", "<string>             only"),
    );
    for (const args of [
      ["get", "service", "--help"],
      ["get", "service", "-h"],
      ["registry", "get", "service", "--help"],
    ]) {
      expect((await runProgram(args)).stdout).toBe(stdout);
    }
  });

  it("quotes JSON in examples for the shell", async () => {
    expect((await runProgram(["help", "call"])).stdout).toContain(
      `micro call go.micro.srv.greeter Say.Hello '{"name":"John"}'\n`,
    );
  });

  it.each(["list", "get", "register", "deregister", "registry"])("%s alone shows what may follow", async (group) => {
    const { code, stdout, stderr } = await runProgram([group]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toContain("COMMANDS:\n");
    expect(stdout).toContain("service");
  });

  it("does not know what is not there", async () => {
    const { code, stdout, stderr } = await runProgram(["help", "frobnicate"]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/^unknown command "frobnicate"/);
  });

  it("shows no secret from the environment", async () => {
    const env = { MICRO_SLACK_TOKEN: "xoxb-123-planted", MICRO_REGISTRY_ADDRESS: "10.1.2.3:8500" };
    for (const args of [["help"], ["help", "bot"], ["bot", "--help"]]) {
      expect((await runProgram(args, { env })).stdout).not.toMatch(/planted|10\.1\.2\.3/);
    }
  });

  it.skipIf(!existsSync(stored))("is what the build has stored (wants a build)", () => {
    expect(JSON.parse(readFileSync(stored, "utf8")), "dist/ is older than src/? `npm run build`").toEqual(
      storedTexts(),
    );
  });
});
