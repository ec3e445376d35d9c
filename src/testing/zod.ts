// The zod that commands under test are given, so that it is the one that the kit reads their schemas with.
export * from "zod";
export { default } from "zod";
