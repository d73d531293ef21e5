import { createMemoryDatabase, createMemoryGateway } from "@castellan/store/memory";
import { describeGateway } from "@castellan/store/testing";

describeGateway("memory twin", async () => {
  const database = createMemoryDatabase();
  return { open: async () => createMemoryGateway(database), remove: async () => undefined };
});
