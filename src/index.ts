/** What a program that uses this package may import. */

// The bot, and what goes into it.
export { type Bot, type BotInit, createBot } from "./bot/bot.ts";
export { fileJournal, type Journal, memoryJournal } from "./bot/journal.ts";
export { defaultPolicy, type Policy, readPolicy } from "./bot/policy.ts";
export { builtin, smallTalk } from "./commands/builtin.ts";
export { type Command, type CommandContext, defineCommand, type View } from "./commands/command.ts";
export type { Client, ClientAttempt, ClientCall, Endpoint, RequestOptions } from "./core/client/client.ts";
export { bytesCodec } from "./core/codec/bytes.ts";
export type { Codec } from "./core/codec/codec.ts";
export { jsonCodec, RawJson } from "./core/codec/json.ts";
export { protobufCodec } from "./core/codec/protobuf.ts";
export { ERROR_CODES, type ErrorCode, MicroError } from "./core/errors.ts";
export type { CallOptions, Closable, Startable } from "./core/lifecycle.ts";
export type { Middleware } from "./core/middleware.ts";
// Registries.
export { cached } from "./core/registry/cache.ts";
export { consulRegistry } from "./core/registry/consul.ts";
export { mdnsRegistry } from "./core/registry/mdns.ts";
export { memoryRegistry } from "./core/registry/memory.ts";
export type {
  EndpointRecord,
  Registry,
  RegistryEvent,
  ServiceNode,
  ServiceRecord,
  ValueRecord,
  Watcher,
} from "./core/registry/registry.ts";
// Selectors, codecs, transports.
export { defaultSelector } from "./core/selector/default.ts";
export { byEndpoint, byLabel, byVersion } from "./core/selector/filters.ts";
export type { Filter, SelectOptions, Selector, Strategy } from "./core/selector/selector.ts";
export { random, roundRobin } from "./core/selector/strategies.ts";
export type { CallContext, Server, ServerCall } from "./core/server/server.ts";
// Services.
export { createService, defineEndpoint, type Service, type ServiceInit } from "./core/service.ts";
export { httpTransport } from "./core/transport/http.ts";
export { memoryTransport } from "./core/transport/memory.ts";
export type { Connection, Frame, Transport } from "./core/transport/transport.ts";
export type { IncomingMessage, Input, InputConnection, OutgoingMessage, Part, Place } from "./inputs/input.ts";
export { memoryInput } from "./inputs/memory/memory.ts";
export { slackInput } from "./inputs/slack/slack.ts";
export { terminalInput } from "./inputs/terminal/terminal.ts";
