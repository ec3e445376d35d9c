/** The version of this program; `test/app/version.test.ts` holds it to package.json. */
export const VERSION = "0.1.0";
