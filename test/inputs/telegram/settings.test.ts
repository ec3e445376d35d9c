import { describe, expect, it } from "vitest";
import { checkSettings } from "../../../src/inputs/telegram/settings.ts";

const token = "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw";

describe("Telegram's settings", () => {
  it.each([
    [undefined, "missing telegram token"],
    [" ", "missing telegram token"],
    ["AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw", "is not one"],
    ["110201543:AAH/../getMe", "is not one"],
  ])("refuses the token %j, and does not show it", (given, words) => {
    expect(() => checkSettings({ token: given })).toThrow(words);
    expect(() => checkSettings({ token: given })).not.toThrow("AAH/");
  });

  it("Identity confusion (chat.md §6): the whitelist takes ids, and says why it takes no names", () => {
    expect(checkSettings({ token, whitelist: ["101", "5000000000"] }).whitelist).toEqual(
      new Set(["101", "5000000000"]),
    );
    for (const name of ["ann", "@ann", "-1001", "0", "1e3"]) {
      expect(() => checkSettings({ token, whitelist: [name] })).toThrow("registered again by somebody else");
    }
  });

  it.each(["https://tg.example", "https://tg.example/", "http://127.0.0.1:8081", "http://localhost:8081/"])(
    "takes the server %s",
    (apiUrl) => expect(checkSettings({ token, apiUrl }).apiUrl).toBe(apiUrl.replace(/\/$/, "")),
  );

  it.each(["http://tg.example", "ftp://127.0.0.1", "tg.example", "http://127.0.0.1.evil.example"])(
    "Weak transport (chat.md §6): refuses the server %s",
    (apiUrl) => expect(() => checkSettings({ token, apiUrl })).toThrow("no https address"),
  );
});
