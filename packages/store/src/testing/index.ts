export { describeGateway, type TestDatabase } from "./conformance.ts";
export { describeModel } from "./model.ts";
