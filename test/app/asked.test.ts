import { describe, expect, it } from "vitest";
import { asked } from "../../src/app/asked.ts";

describe("what the program is asked about itself", () => {
  it.each([
    [[], { about: "help", topic: "" }],
    [["help"], { about: "help", topic: "" }],
    [["h"], { about: "help", topic: "" }],
    [["--help"], { about: "help", topic: "" }],
    [["-h"], { about: "help", topic: "" }],
    [["help", "get", "service"], { about: "help", topic: "get service" }],
    [["get", "service", "--help"], { about: "help", topic: "get service" }],
    [["call", "-h"], { about: "help", topic: "call" }],
    [["--version"], { about: "version", topic: "" }],
    [["-v"], { about: "version", topic: "" }],
  ])("%j", (args, question) => {
    expect(asked(args)).toEqual(question);
  });

  it.each([
    [["list", "services"]],
    [["--registry=consul", "help"]],
    [["--registry=consul", "--help"]],
    [["call", "greeter", "Say.Hello", "--version"]],
    [["--version", "list"]],
  ])("is no question: %j", (args) => {
    expect(asked(args)).toBeUndefined();
  });
});
