export { createDesk, type DeskCommand, type DeskDeps, deliverTo } from "./desk.ts";
export type { AlertDelivery, EventBus } from "./ports.ts";
export { type RawMessage, readDelivery } from "./read-delivery.ts";
