/** A change decided over rows that others may be changing: decided again when they have. */
import { CastellanError } from "@castellan/kernel";
import { StoreConflict, StoreDuplicate } from "@castellan/store";

/** How often somebody else may come between a look and its commit. */
const ATTEMPTS = 5;

/**
 * `attempt` reads, decides and commits with guards; it is called again when a guard was missed. Rejects with what it rejects
 * with, or CHANGING (retryable) when others keep changing `what`.
 */
export async function changePatiently<T>(what: string, attempt: () => Promise<T>): Promise<T> {
  for (let number = 1; ; number += 1) {
    try {
      return await attempt();
    } catch (thrown) {
      if (!(thrown instanceof StoreConflict || thrown instanceof StoreDuplicate)) throw thrown;
      if (number < ATTEMPTS) continue;
      throw new CastellanError("CHANGING", `somebody else keeps changing ${what}: try again`, {
        retryable: true,
        cause: thrown,
      });
    }
  }
}
