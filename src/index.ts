/** What a program that uses this package may import. */

// Alerts: where they come in, where they wait, and what is made of them.
export type { Alert, Inbox, Notification, Severity } from "./alerts/alert.ts";
export { type AlertsInit, alerts, type Incidents } from "./alerts/alerts.ts";
export { createInbox, type DurableInbox, type WaitingNotification } from "./alerts/inbox.ts";
export { createAlertmanager } from "./alerts/incidents/alertmanager.ts";
export { ALERT_TABLES } from "./alerts/incidents/closed.ts";
export type { Incident } from "./alerts/incidents/incident.ts";
export type { Room } from "./alerts/incidents/intake.ts";
export { createMonitor } from "./alerts/monitor/monitor.ts";
export { createReceiver, type Receiver, type ReceiverInit } from "./alerts/receive/receiver.ts";
export type { Source } from "./alerts/receive/source.ts";
// The bot, and what goes into it.
export type { AuditLog } from "./bot/audit/audit-log.ts";
export { memoryAudit } from "./bot/audit/memory.ts";
export { sqliteAudit } from "./bot/audit/sqlite.ts";
export { type Bot, type BotInit, createBot } from "./bot/bot.ts";
export { type Claim, type Journal, memoryJournal } from "./bot/journal.ts";
export { defaultPolicy, type Policy, readPolicy } from "./bot/policy.ts";
export { builtin, smallTalk } from "./commands/builtin.ts";
export type { Command, CommandContext, View } from "./commands/command.ts";
export {
  defineOwnCommand as defineCommand,
  type Given,
  type Http,
  type HttpAnswer,
  type HttpInit,
  type Need,
  type OwnCommand,
  type OwnKv,
  type Secrets,
} from "./commands/needs.ts";
// Brokers.
export type { Broker, BrokerEvent, BrokerMessage, SubscribeOptions } from "./core/broker/broker.ts";
export { publishEvent, readEvent } from "./core/broker/events.ts";
export { httpBroker } from "./core/broker/http.ts";
export { kafkaBroker } from "./core/broker/kafka.ts";
export { memoryBroker } from "./core/broker/memory.ts";
export { mqttBroker } from "./core/broker/mqtt.ts";
export { natsBroker } from "./core/broker/nats.ts";
export { rabbitmqBroker } from "./core/broker/rabbitmq.ts";
export { redisBroker } from "./core/broker/redis.ts";
export type {
  Client,
  ClientAttempt,
  ClientCall,
  ClientStream,
  Endpoint,
  MessageCodecs,
  RequestOptions,
} from "./core/client/client.ts";
export { type Clock, systemClock } from "./core/clock.ts";
export { bsonCodec } from "./core/codec/bson.ts";
export { bytesCodec } from "./core/codec/bytes.ts";
export type { Codec, EnvelopeFormat, MessageCodec } from "./core/codec/codec.ts";
export { jsonCodec, RawJson } from "./core/codec/json.ts";
export { jsonrpc2Codec } from "./core/codec/jsonrpc2.ts";
export { msgpackCodec } from "./core/codec/msgpack.ts";
export { loadProto, type Proto, type ProtoEndpoint, parseProto, protoOf } from "./core/codec/proto.ts";
export { protobufCodec } from "./core/codec/protobuf.ts";
export { readDuration } from "./core/duration.ts";
export { ERROR_CODES, type ErrorCode, MicroError } from "./core/errors.ts";
// How services are, and why.
export type { Examination, ExaminedNode } from "./core/health/examination.ts";
export { type ExamineOptions, type ExamineParts, examine } from "./core/health/examine.ts";
export { type Explanation, explain, explainIn } from "./core/health/explain.ts";
export type { CallOptions, Closable, Startable } from "./core/lifecycle.ts";
export type { Middleware } from "./core/middleware.ts";
export { createRedactor, type Redactor } from "./core/redact.ts";
// Registries.
export { cached } from "./core/registry/cache.ts";
export { consulRegistry } from "./core/registry/consul.ts";
export { etcdRegistry } from "./core/registry/etcd.ts";
export { gossipRegistry } from "./core/registry/gossip.ts";
export { kubernetesRegistry } from "./core/registry/kubernetes.ts";
export { mdnsRegistry } from "./core/registry/mdns.ts";
export { memoryRegistry } from "./core/registry/memory.ts";
export { multiRegistry } from "./core/registry/multi.ts";
export { natsRegistry } from "./core/registry/nats.ts";
export { proxyRegistry } from "./core/registry/proxy.ts";
export type {
  EndpointRecord,
  Registry,
  RegistryEvent,
  ServiceNode,
  ServiceRecord,
  ValueRecord,
  Watcher,
} from "./core/registry/registry.ts";
export { zookeeperRegistry } from "./core/registry/zookeeper.ts";
// Selectors, codecs, transports.
export { BLACKLIST, defaultSelector } from "./core/selector/default.ts";
export { dnsSelector } from "./core/selector/dns.ts";
export { byEndpoint, byLabel, byVersion, preferLabels } from "./core/selector/filters.ts";
export type { Filter, SelectOptions, Selector, Strategy } from "./core/selector/selector.ts";
export { staticSelector } from "./core/selector/static.ts";
export { random, roundRobin } from "./core/selector/strategies.ts";
export { grpcDoor } from "./core/server/grpc.ts";
export { mucpDoor } from "./core/server/mucp.ts";
export type { CallContext, Server, ServerCall, ServerStream } from "./core/server/server.ts";
// Services.
export { createService, defineEndpoint, type Service, type ServiceInit } from "./core/service.ts";
export { grpcTransport } from "./core/transport/grpc.ts";
export { httpTransport } from "./core/transport/http.ts";
export { memoryTransport } from "./core/transport/memory.ts";
export { natsTransport } from "./core/transport/nats.ts";
export { rabbitmqTransport } from "./core/transport/rabbitmq.ts";
export type { Connection, Frame, Transport } from "./core/transport/transport.ts";
// What changed lately, and how nodes were, for `BotInit.extensions`.
export { createHistory, type History, type HistoryInit } from "./history/history.ts";
export { HISTORY_TABLES } from "./history/tables.ts";
export { discordInput } from "./inputs/discord/discord.ts";
export { hipchatInput } from "./inputs/hipchat/hipchat.ts";
export { hubotInput } from "./inputs/hubot/hubot.ts";
export type {
  Choice,
  ConnectOptions,
  Form,
  FormField,
  Heeded,
  IncomingMessage,
  Input,
  InputConnection,
  Mark,
  OutgoingMessage,
  Part,
  Place,
} from "./inputs/input.ts";
export { localInput } from "./inputs/local/local.ts";
export { memoryInput } from "./inputs/memory/memory.ts";
export { slackInput } from "./inputs/slack/slack.ts";
export { telegramInput } from "./inputs/telegram/telegram.ts";
export { terminalInput } from "./inputs/terminal/terminal.ts";
export { xmppInput } from "./inputs/xmpp/xmpp.ts";
// State that several bots share.
export type { Db, DbPage, DbQuery, DbRecord, DbTables } from "./platform/db/db.ts";
export { memoryDb } from "./platform/db/memory.ts";
export { sqliteDb } from "./platform/db/sqlite.ts";
export { consulKv } from "./platform/kv/consul.ts";
export { etcdKv } from "./platform/kv/etcd.ts";
export { keyOf } from "./platform/kv/keys.ts";
export type { Change, Entry, Kv, KvWatcher } from "./platform/kv/kv.ts";
export { memoryKv, memoryShelf } from "./platform/kv/memory.ts";
export { natsKv } from "./platform/kv/nats.ts";
export { postgresKv } from "./platform/kv/postgres.ts";
export { sqliteKv } from "./platform/kv/sqlite.ts";
export { createTokens, type TokenFacts, type Tokens } from "./platform/tokens.ts";
export { type HubotScripts, type HubotScriptsInit, hubotScripts } from "./plugins/hubot/scripts.ts";
export type { Listening, Meant, Said } from "./plugins/listening.ts";
export { createCommandService } from "./plugins/services/create.ts";
export { type RunbooksInit, runbooks } from "./runbooks/extension.ts";
export { RUNBOOK_TABLES } from "./runbooks/runs.ts";
export { folderShelf, type Shelf, type Shelved } from "./runbooks/shelf.ts";
// Lines that are carried out later, for `BotInit.extensions`.
export { type SchedulesInit, schedules } from "./schedules/schedules.ts";
// "Tell me when this changes", for `BotInit.extensions`.
export type { RaiseInit } from "./watches/raise.ts";
export { type WatchesInit, watches } from "./watches/watches.ts";
