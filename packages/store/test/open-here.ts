/** Opens a schema by its URL with this machine's clock, and fills it where it is empty. */
import { createSystemClock, silentLogger, systemRng } from "@castellan/kernel";
import type { Gateway } from "@castellan/store";
import { type OpenGatewayOptions, openGateway } from "@castellan/store/typeorm";

export const openHere = (options: Partial<OpenGatewayOptions> & { readonly url: string }): Promise<Gateway> =>
  openGateway({
    clock: createSystemClock(),
    rng: systemRng,
    logger: silentLogger,
    migrate: "ifEmpty",
    ...options,
  });
