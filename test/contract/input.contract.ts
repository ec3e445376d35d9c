import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { inputSuite } from "./input/suite.ts";

export { HOSTILE } from "./input/suite.ts";

/** What every input keeps, run once per implementation. */
export const inputContract = inputSuite({
  describe,
  it: Object.assign((title: string, test: () => Promise<void>) => it(title, test), {
    skip: (title: string, test: () => Promise<void>) => it.skip(title, test),
  }),
  beforeEach,
  afterEach,
  expect,
});
