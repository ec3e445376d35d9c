import { describe, expect, it } from "vitest";
import { builtin } from "../../src/commands/builtin.ts";
import { createCatalog } from "../../src/commands/catalog.ts";
import { defineCommand } from "../../src/commands/command.ts";
import { chatLine } from "../../src/commands/line.ts";
import { listServices } from "../../src/commands/list-services.ts";
import { parse } from "../../src/commands/parse.ts";

const catalog = createCatalog(builtin);

function reading(text: string) {
  const match = catalog.match(chatLine(text));
  if (match === undefined) throw new Error(`no command: ${text}`);
  return () => parse(match);
}

describe("names in a line", () => {
  it.each([
    ["call gо.micro.srv.greeter Say.Hello {}", /is not taken for the name of a service: "gо" mixes letters/],
    ["call gree\u200bter Say.Hello {}", /nobody sees, U\+200B/],
    ['call "gree\u200bter" Say.Hello {}', /nobody sees, U\+200B/],
    ["call gree\u200dter Say.Hello {}", /nobody sees, U\+200D/],
    ["ca\u200dll greeter Say.Hello {}", /is not taken for `call`: .*U\+200D/],
    ["call\u200bgreeter Say.Hello {}", /is not taken for `call`: .*U\+200B/],
    ["health ｇreeter", /another spelling of "greeter"/],
    ['register service {"name":"раураl","version":"1","nodes":[]}', /mixes letters|look like/],
  ])("are refused with the reason: %s", (text, why) => {
    expect(reading(text)).toThrow(why);
  });

  it.each([
    ['call payments "Order.Purge " {}', /that is no name: it has a blank, U\+0020/],
    ['call payments " Order.Purge" {}', /blank, U\+0020/],
    ['call payments "\tOrder.Purge" {}', /blank, U\+0009/],
    ['call payments "Order.Purge\u0001" {}', /nobody sees, U\+0001/],
    ['call payments "Order.Purge\u00a0" {}', /blank, U\+00A0/],
    ['call payments "Order.\u200bPurge" {}', /nobody sees, U\+200B/],
    ['query "payments " Order.Purge {}', /blank, U\+0020/],
    ['stream payments "Order.Watch " {}', /blank, U\+0020/],
    ['stream "pay ments" Order.Watch {}', /blank, U\+0020/],
    ['publish "events " {}', /blank, U\+0020/],
    ['subscribe "events\t"', /blank, U\+0009/],
    ['health "payments "', /blank, U\+0020/],
    ['stats "payments "', /blank, U\+0020/],
    ['logs "payments "', /blank, U\+0020/],
    ['get service "payments "', /blank, U\+0020/],
    ['register service {"name":"payments ","version":"1","nodes":[]}', /blank, U\+0020/],
  ])("that are read without their blanks on the wire are refused: %s", (text, why) => {
    expect(reading(text)).toThrow(why);
  });

  it.each([
    ["\u200bcall\u200b greeter\u200b Say.Hello {}"],
    ['call greeter Say.Hello {"name":"gо"}'],
    ["call café Say.Hello {}"],
    ['deregister service {"name":"раураl","version":"1","nodes":[]}'],
  ])("are taken: %s", (text) => {
    expect(reading(text)).not.toThrow();
  });

  it("cannot be given to commands", () => {
    const twin = defineCommand({ ...listServices, name: "cаll" });
    expect(() => createCatalog([twin])).toThrow(/no command can be called "cаll": "cаll" mixes letters/);
  });

  it("are marked where they come from a registry, not hidden", () => {
    const view = listServices.view({ services: ["greeter", "gо.srv"] } as never, {});
    expect(view).toMatchObject({ items: ["greeter", 'gо.srv (careful: "gо" mixes letters of Latin and Cyrillic)'] });
  });
});
