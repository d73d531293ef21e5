export { createMemoryDatabase, type MemoryDatabase } from "./database.ts";
export { createMemoryGateway } from "./gateway.ts";
