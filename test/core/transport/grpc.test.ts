import { grpcTransport } from "../../../src/core/transport/grpc.ts";
import { transportContract } from "../../contract/transport.contract.ts";

transportContract("grpc", { create: () => grpcTransport(), any: "127.0.0.1:0", nobody: "127.0.0.1:1" });
